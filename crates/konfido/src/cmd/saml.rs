//! `konfido saml`: shows what an assertion says and, with certificates to believe, how far it would get at an NCP.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use konfido_circle::{Clock as _, CountryCode, FixedClock, SystemClock, TrustStore, Usage};
use konfido_saml::vocabulary::{Kind, Operation};
use konfido_saml::{
    Accepted, Assertion, ConditionsMet, Content, Hcp, Profile, Received, Refusal, TrustedSigners, Value,
};
use konfido_xml::{Document, Element, Limits, dsig, ns};
use rustls_pki_types::CertificateDer;
use serde::Serialize;

use super::xml::trust::Trust;
use crate::exit::{ExitCode, UsageError};
use crate::ui::Ui;

/// Arguments of `konfido saml`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the assertions in a file (an assertion, or a message that carries some). Prints personal data.
    Inspect(InspectArgs),
}

#[derive(Debug, clap::Args)]
struct InspectArgs {
    /// The file.
    file: PathBuf,
    /// A folder of root certificates and CRLs (PEM): take each assertion through the steps of an NCP-A.
    #[arg(long, value_name = "DIR")]
    trust: Option<PathBuf>,
    /// Judge at this instant (RFC 3339) instead of now.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Presented by this country; the signer's own unless given.
    #[arg(long, value_name = "CC", requires = "trust")]
    peer: Option<CountryCode>,
    /// Presented for this operation; without one no permission is asked for.
    #[arg(long, value_enum, requires = "trust")]
    operation: Option<For>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum For {
    Discovery,
    PatientSummary,
    Prescription,
    OriginalDocument,
    Dispensation,
    Discard,
}

impl From<For> for Operation {
    fn from(operation: For) -> Self {
        match operation {
            For::Discovery => Self::PatientDiscovery,
            For::PatientSummary => Self::PatientSummary,
            For::Prescription => Self::Prescription,
            For::OriginalDocument => Self::OriginalDocument,
            For::Dispensation => Self::Dispensation,
            For::Discard => Self::DiscardDispensation,
        }
    }
}

#[derive(Serialize)]
struct Report {
    ok: bool,
    verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    assertions: Vec<Finding>,
}

#[derive(Serialize)]
struct Finding {
    ok: bool,
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    says: Option<Says>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signatory: Option<String>,
    /// The step at which it was refused, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Refused>,
}

#[derive(Serialize)]
struct Refused {
    class: String,
    reason: String,
}

#[derive(Serialize)]
struct Says {
    id: String,
    issuer: String,
    subject: String,
    issued: Timestamp,
    not_before: Timestamp,
    not_on_or_after: Timestamp,
    authn_context: String,
    attributes: Vec<Attribute>,
}

#[derive(Serialize)]
struct Attribute {
    name: String,
    values: Vec<String>,
}

/// Runs the chosen action.
pub(crate) fn run(args: Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Inspect(args) => inspect(&args, ui),
    }
}

fn inspect(args: &InspectArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let now = match args.at.as_deref() {
        None => SystemClock.now(),
        Some(time) => time
            .parse()
            .map_err(|e| UsageError(format!("`{time}` is no instant like 2026-11-23T12:00:00Z: {e}")))?,
    };
    let trust = args.trust.as_deref().map(|dir| Trust::load(dir, now, ui)).transpose()?;
    let store = match &trust {
        None => None,
        Some(trust) => Some(trust.store().ok_or_else(|| no_root(args.trust.as_deref()))?),
    };
    let bytes =
        std::fs::read(&args.file).with_context(|| format!("cannot read `{}`", args.file.display()))?;
    let document = match Document::parse(&bytes, &Limits::MESSAGE) {
        Ok(document) => document,
        Err(error) => {
            let error = Some(error.to_string());
            ui.line(format!("refused: {}", error.as_deref().unwrap_or_default()));
            ui.object(&Report { ok: false, verified: store.is_some(), error, assertions: Vec::new() });
            return Ok(ExitCode::FoundWrong);
        }
    };
    let clock = FixedClock::new(now);
    let signers = store.map(|store| (store, TrustedSigners::new(store, &clock)));
    let judge = Judge { document: &document, clock: &clock, signers: signers.as_ref(), args };
    let assertions = judge.all();
    let ok = !assertions.is_empty() && assertions.iter().all(|f| f.ok);
    for finding in &assertions {
        show(finding, store.is_some(), ui);
    }
    if assertions.is_empty() {
        ui.line("there is no assertion in it");
    }
    ui.object(&Report { ok, verified: store.is_some(), error: None, assertions });
    Ok(ExitCode::from_verdict(ok))
}

fn no_root(folder: Option<&Path>) -> UsageError {
    let folder = folder.unwrap_or(Path::new(""));
    UsageError(format!("`{}` holds no root certificate, so no signer has a country", folder.display()))
}

struct Judge<'a> {
    document: &'a Document,
    clock: &'a FixedClock,
    signers: Option<&'a (&'a TrustStore, TrustedSigners<'a>)>,
    args: &'a InspectArgs,
}

impl Judge<'_> {
    /// HCP first, as the others refer to it.
    fn all(&self) -> Vec<Finding> {
        let root = self.document.root();
        let found = std::iter::once(root).chain(root.descendants()).filter(|e| e.is(ns::SAML2, "Assertion"));
        let mut received: Vec<_> =
            found.map(|e| (e, Assertion::receive(self.document, e, &Profile::default()))).collect();
        received.sort_by_key(|(_, a)| !matches!(a, Ok(a) if a.kind() == Kind::Hcp));
        let mut hcp = None;
        received.into_iter().map(|(element, assertion)| self.one(element, assertion, &mut hcp)).collect()
    }

    fn one(
        &self,
        element: Element<'_>,
        assertion: Result<Assertion<Received<'_>>, Refusal>,
        hcp: &mut Option<Assertion<Accepted<Hcp>>>,
    ) -> Finding {
        let assertion = match assertion {
            Ok(assertion) => assertion,
            Err(refusal) => return Finding::refused(None, None, &refusal),
        };
        let kind = assertion.kind();
        let content = match assertion.danger_unverified_content() {
            Ok(content) => content,
            Err(refusal) => return Finding::refused(Some(kind), None, &refusal),
        };
        let says = Some(says(&content));
        let judged =
            self.signers.and_then(|(store, signers)| Some((signers, self.presenter(store, element)?)));
        let Some((signers, presenter)) = judged else {
            return Finding { ok: true, kind: Some(kind.to_string()), says, signatory: None, refused: None };
        };
        let accepted = assertion
            .verify_signature(signers, presenter)
            .and_then(|a| a.check_conditions(self.clock, &Profile::default()))
            .and_then(|a| self.accept(a, hcp));
        match accepted {
            Ok(signatory) => Finding {
                ok: true,
                kind: Some(kind.to_string()),
                says,
                signatory: Some(signatory),
                refused: None,
            },
            Err(refusal) => Finding::refused(Some(kind), says, &refusal),
        }
    }

    fn accept(
        &self,
        assertion: Assertion<ConditionsMet>,
        hcp: &mut Option<Assertion<Accepted<Hcp>>>,
    ) -> Result<String, Refusal> {
        let profile = Profile::default();
        let no_hcp = || Refusal::of(Kind::Hcp, konfido_saml::Reason::NoAssertion);
        match assertion.kind() {
            Kind::Hcp => {
                let accepted = match self.args.operation {
                    Some(operation) => assertion.accept_hcp(operation.into(), &profile)?,
                    None => assertion.accept_hcp_at_sts(&profile)?,
                };
                Ok(hcp.insert(accepted).signatory().subject.clone())
            }
            Kind::Trc => {
                let hcp = hcp.as_ref().ok_or_else(no_hcp)?;
                Ok(assertion.accept_trc(hcp)?.signatory().subject.clone())
            }
            Kind::Nok => {
                let hcp = hcp.as_ref().ok_or_else(no_hcp)?;
                Ok(assertion.accept_nok(hcp)?.signatory().subject.clone())
            }
        }
    }

    /// The country named on the command line, else that of the certificate in the signature. An unknown certificate
    /// has none; then any country will do, since the signature is refused first.
    fn presenter(&self, store: &TrustStore, element: Element<'_>) -> Option<CountryCode> {
        let of_certificate = || {
            let certificate = dsig::diagnose(self.document, element).ok()?.certificate?;
            let checked = store.verify_certificate(
                &CertificateDer::from(certificate),
                Usage::Signing,
                self.clock.now(),
            );
            Some(checked.ok()?.country())
        };
        self.args.peer.or_else(of_certificate).or_else(|| store.countries().into_iter().next())
    }
}

impl Finding {
    fn refused(kind: Option<Kind>, says: Option<Says>, refusal: &Refusal) -> Self {
        let refused = Refused { class: format!("{:?}", refusal.class()), reason: refusal.to_string() };
        Self { ok: false, kind: kind.map(|k| k.to_string()), says, signatory: None, refused: Some(refused) }
    }
}

fn says(content: &Content) -> Says {
    let value = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        Value::Coded { code, display_name, .. } => match display_name {
            Some(name) => format!("{code} ({name})"),
            None => code.clone(),
        },
    };
    let attributes = content
        .attributes()
        .iter()
        .map(|a| Attribute { name: a.name.clone(), values: a.values.iter().map(value).collect() })
        .collect();
    Says {
        id: content.id().to_string(),
        issuer: content.issuer().to_owned(),
        subject: content.name_id().value.reveal().clone(),
        issued: content.issue_instant(),
        not_before: content.not_before(),
        not_on_or_after: content.not_on_or_after(),
        authn_context: content.authn_context().to_owned(),
        attributes,
    }
}

fn show(finding: &Finding, verified: bool, ui: &Ui) {
    ui.heading(finding.kind.as_deref().unwrap_or("unknown kind"));
    if let Some(says) = &finding.says {
        for (name, value) in [
            ("id", &says.id),
            ("issuer", &says.issuer),
            ("subject", &says.subject),
            ("valid", &format!("{} to {}", says.not_before, says.not_on_or_after)),
            ("signed in by", &says.authn_context),
        ] {
            ui.line(format!("  {name:<14} {value}"));
        }
        for attribute in &says.attributes {
            let short = attribute.name.rsplit(':').next().unwrap_or_default();
            ui.line(format!("  {short:<14} {}", attribute.values.join(", ")));
        }
    }
    match (&finding.refused, &finding.signatory) {
        (Some(refused), _) => ui.line(format!("✗ refused: {}", refused.reason)),
        (None, Some(signatory)) => ui.line(format!("✓ accepted, signed by {signatory}")),
        (None, None) if verified => {}
        (None, None) => ui.line("– not verified (name the certificates to believe with --trust DIR)"),
    }
}
