//! `konfido xml`: verify, sign, encrypt and decrypt XML by the same rules as between nodes.

pub(super) mod trust;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use konfido_circle::{Clock as _, SystemClock};
use konfido_keys::SignatureAlgorithm;
use konfido_keys::software::{SoftwareSigner, SystemRng};
use konfido_xml::dsig::{self, Check, Diagnosis, KeyInfoForm, SignOptions, SignatureError, VerifyPolicy};
use konfido_xml::enc::{self, Recipient, SoftwareRecipientKey};
use konfido_xml::{Document, Element, Fragment, Limits, ns};
use serde::Serialize;

use crate::exit::{ExitCode, UsageError};
use crate::ui::Ui;

/// Arguments of `konfido xml`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Verify every signature in a document, each over the element it stands in.
    Verify(VerifyArgs),
    /// Sign a document or one element of it.
    Sign(SignArgs),
    /// Encrypt a document for the owner of a certificate.
    Encrypt(EncryptArgs),
    /// Decrypt the one encrypted element of a document.
    Decrypt(DecryptArgs),
}

#[derive(Debug, clap::Args)]
struct VerifyArgs {
    /// The document.
    file: PathBuf,
    /// A folder of certificates (PEM or DER): signers that count as such, roots whose signers count, and CRLs.
    #[arg(long, value_name = "DIR")]
    trust: PathBuf,
    /// Judge certificates at this instant (RFC 3339) instead of now.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// The least RSA modulus, in bits.
    #[arg(long, value_name = "BITS", default_value_t = 3072)]
    min_rsa: usize,
}

#[derive(Debug, clap::Args)]
struct SignArgs {
    /// The document.
    file: PathBuf,
    /// The private key (PEM, PKCS#8).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Its certificate (PEM).
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// The algorithm.
    #[arg(long, value_enum, default_value = "rsa-sha256")]
    algorithm: Algorithm,
    /// The form of the signature.
    #[arg(long, value_enum, default_value = "document")]
    form: Form,
    /// With `--form assertion`: the value of the attribute ID; that of the document element unless given.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

#[derive(Debug, clap::Args)]
struct EncryptArgs {
    /// The document.
    file: PathBuf,
    /// The recipient's certificate (PEM).
    #[arg(long = "for", value_name = "FILE")]
    recipient: PathBuf,
}

#[derive(Debug, clap::Args)]
struct DecryptArgs {
    /// The document.
    file: PathBuf,
    /// The recipient's private key (PEM, PKCS#8).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Algorithm {
    RsaSha256,
    RsaSha512,
    RsaPssSha256,
    EcdsaP256,
    EcdsaP384,
}

impl From<Algorithm> for SignatureAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::RsaSha256 => Self::RsaPkcs1Sha256,
            Algorithm::RsaSha512 => Self::RsaPkcs1Sha512,
            Algorithm::RsaPssSha256 => Self::RsaPssSha256,
            Algorithm::EcdsaP256 => Self::EcdsaP256Sha256,
            Algorithm::EcdsaP384 => Self::EcdsaP384Sha384,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// By ID, exclusive canonicalisation, behind the Issuer, with certificate.
    Assertion,
    /// The whole document as OpenNCP signs audit messages.
    Audit,
    /// The whole document as OpenNCP signs evidences.
    Evidence,
    /// The whole document, exclusive canonicalisation, with certificate and key.
    Document,
}

/// Runs the chosen action.
pub(crate) fn run(args: Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Verify(args) => verify(&args, ui),
        Action::Sign(args) => sign(&args, ui),
        Action::Encrypt(args) => encrypt(&args, ui),
        Action::Decrypt(args) => decrypt(&args, ui),
    }
}

#[derive(Serialize)]
struct Report {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    signatures: Vec<Finding>,
}

#[derive(Serialize)]
struct Finding {
    ok: bool,
    path: String,
    verdict: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnosis: Option<Facts>,
}

/// What a refused signature would have been worth with its own key, for the reader of a report.
#[derive(Serialize)]
struct Facts {
    verdict: &'static str,
    digest: &'static str,
    value: &'static str,
    weak: Vec<String>,
    not_after: Option<String>,
}

fn verify(args: &VerifyArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let now = match args.at.as_deref() {
        None => SystemClock.now(),
        Some(time) => time
            .parse()
            .map_err(|e| UsageError(format!("`{time}` is no instant like 2026-11-23T12:00:00Z: {e}")))?,
    };
    let trust = trust::Trust::load(&args.trust, now, ui)?;
    let document = match Document::parse(&read(&args.file)?, &Limits::MESSAGE) {
        Ok(document) => document,
        Err(error) => {
            ui.object(&Report { ok: false, error: Some(error.to_string()), signatures: Vec::new() });
            ui.line(format!("refused: {error}"));
            return Ok(ExitCode::FoundWrong);
        }
    };
    let root = document.root();
    let signed = |e: &Element<'_>| e.child(ns::DSIG, "Signature").is_some();
    let signatures: Vec<Finding> = std::iter::once(root)
        .chain(root.descendants())
        .filter(signed)
        .map(|element| finding(&document, element, args.min_rsa, &trust, now))
        .collect();
    let ok = !signatures.is_empty() && signatures.iter().all(|f| f.ok);
    for finding in &signatures {
        ui.line(format!("{} {}  {}", if finding.ok { "✓" } else { "✗" }, finding.path, finding.detail));
    }
    if signatures.is_empty() {
        ui.line("nothing in it is signed");
    }
    ui.object(&Report { ok, error: None, signatures });
    Ok(ExitCode::from_verdict(ok))
}

fn finding(
    document: &Document,
    element: Element<'_>,
    min_rsa: usize,
    trust: &trust::Trust,
    now: jiff::Timestamp,
) -> Finding {
    let id_attribute =
        ["ID", "Id", "id"].into_iter().find(|a| element.attribute(a).is_some()).unwrap_or("ID");
    let policy = VerifyPolicy::record().id_attribute(id_attribute).min_rsa_bits(min_rsa);
    let path = element.path();
    match dsig::verify_enveloped(document, element, &policy, trust) {
        Ok(verified) => Finding {
            ok: true,
            path,
            verdict: "good",
            detail: format!("{}, signed by {}", verified.algorithm(), trust.name(&verified)),
            diagnosis: None,
        },
        Err(error) => {
            let diagnosis = dsig::diagnose(document, element).ok().map(|d| facts(d, now));
            Finding { ok: false, path, verdict: error.name(), detail: error.to_string(), diagnosis }
        }
    }
}

fn facts(diagnosis: Diagnosis, now: jiff::Timestamp) -> Facts {
    let word = |check| match check {
        Check::Good => "good",
        Check::Wrong => "wrong",
        Check::Unknown => "unknown",
    };
    Facts {
        verdict: diagnosis.verdict(now),
        digest: word(diagnosis.digest),
        value: word(diagnosis.value),
        not_after: diagnosis.not_after.map(|t| t.to_string()),
        weak: diagnosis.weak,
    }
}

fn sign(args: &SignArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let document = parse(&args.file)?;
    let signer = SoftwareSigner::from_pem(&read(&args.key)?, args.algorithm.into(), Some(&read(&args.cert)?))
        .map_err(|e| UsageError(format!("cannot sign with `{}`: {e}", args.key.display())))?;
    let options = match args.form {
        Form::Assertion => {
            let id = args.id.as_deref().or_else(|| document.root().attribute("ID"));
            let id = id
                .ok_or_else(|| UsageError("the document element has no ID; name one with --id".to_owned()))?;
            SignOptions::assertion(id)
        }
        Form::Audit => SignOptions::audit_message(),
        Form::Evidence => SignOptions::evidence(),
        Form::Document => SignOptions::document().with_key_info(KeyInfoForm::Both),
    };
    let signed = dsig::sign_document(&document, &options, &signer).map_err(|e| UsageError(e.to_string()))?;
    write(&signed, ui);
    Ok(ExitCode::Good)
}

fn encrypt(args: &EncryptArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let document = parse(&args.file)?;
    let certificate = trust::certificates(&read(&args.recipient)?).into_iter().next();
    let recipient = certificate.and_then(|c| Recipient::of_certificate(&c));
    let recipient = recipient
        .ok_or_else(|| UsageError(format!("`{}` holds no certificate", args.recipient.display())))?;
    let element: Fragment = document.root().to_fragment();
    let data = enc::encrypt(&element, &recipient, &SystemRng).map_err(|e| UsageError(e.to_string()))?;
    write(&data.to_document_string(), ui);
    Ok(ExitCode::Good)
}

fn decrypt(args: &DecryptArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let document = parse(&args.file)?;
    let key = trust::private_key(&read(&args.key)?).and_then(|der| SoftwareRecipientKey::from_pkcs8(&der));
    let key = key.ok_or_else(|| UsageError(format!("`{}` holds no RSA or EC key", args.key.display())))?;
    let root = document.root();
    let mut found =
        std::iter::once(root).chain(root.descendants()).filter(|e| e.is(ns::XENC, "EncryptedData"));
    let (Some(data), None) = (found.next(), found.next()) else {
        return Err(UsageError("the document has not exactly one EncryptedData".to_owned()).into());
    };
    // SAML puts the key beside the data.
    let wrapper = data.parent().filter(|p| p.child(ns::XENC, "EncryptedKey").is_some()).unwrap_or(data);
    match enc::decrypt(&wrapper, &key, &Limits::MESSAGE) {
        Ok(plain) => {
            write(plain.as_str(), ui);
            Ok(ExitCode::Good)
        }
        Err(error) => {
            ui.object(&serde_json::json!({ "ok": false, "error": error.to_string() }));
            ui.line(format!("refused: {error}"));
            Ok(ExitCode::FoundWrong)
        }
    }
}

/// The document as it is, or inside the one JSON object.
fn write(xml: &str, ui: &Ui) {
    if ui.is_json() {
        ui.object(&serde_json::json!({ "ok": true, "xml": xml }));
    } else {
        ui.raw(xml.as_bytes());
    }
}

fn parse(path: &Path) -> anyhow::Result<Document> {
    let document = Document::parse(&read(path)?, &Limits::MESSAGE);
    Ok(document.map_err(|e| UsageError(format!("`{}` is not accepted: {e}", path.display())))?)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// Why a certificate does not count, in the words of a signature.
fn certificate_refusal(error: &konfido_circle::CertificateError) -> SignatureError {
    use konfido_circle::CertificateError as E;
    match error {
        E::Expired { .. } => SignatureError::Expired,
        E::NotYetValid { .. } => SignatureError::NotYetValid,
        E::Revoked { .. } => SignatureError::Revoked,
        other => SignatureError::Untrusted(other.to_string()),
    }
}
