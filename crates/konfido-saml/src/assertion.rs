//! An assertion on its way from bytes to trust, one type a step.
//!
//! ```text
//! Received ──verify_signature──▶ SignatureVerified ──check_conditions──▶ ConditionsMet ──accept_*──▶ Accepted<…>
//! ```
//!
//! Each step consumes the one before. The content is read only *after* the signature held, and from the very
//! element the verifier handed out; a received assertion gives away nothing but the kind it claims to be, by which
//! it is sorted. Only [`Accepted`] has claims to act on.

use jiff::SignedDuration;
use konfido_circle::{Clock, CountryCode};
use konfido_xml::{Document, Element, dsig, ns};

use crate::content::{AssertionId, Content};
use crate::names;
use crate::refusal::{Reason, Refusal};
use crate::trust::{Signatory, TrustedSigners};
use crate::vocabulary::Kind;

/// An assertion in state `S`.
#[derive(Debug)]
pub struct Assertion<S> {
    pub(crate) state: S,
}

/// Found in a message; nothing is known yet.
#[derive(Debug)]
pub struct Received<'d> {
    document: &'d Document,
    element: Element<'d>,
    kind: Kind,
}

/// The signature holds, and it was made in the country that presents the assertion.
#[derive(Debug)]
pub struct SignatureVerified {
    content: Content,
    signatory: Signatory,
}

/// Signed, current, and made for this audience.
#[derive(Debug)]
pub struct ConditionsMet {
    pub(crate) content: Content,
    pub(crate) signatory: Signatory,
}

/// Held to the profile; `C` is what it says ([`crate::Hcp`], [`crate::Trc`], [`crate::Nok`]).
#[derive(Debug)]
pub struct Accepted<C> {
    pub(crate) content: Content,
    pub(crate) signatory: Signatory,
    pub(crate) claims: C,
}

/// What of the profile is a matter of configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Tolerance between two countries' clocks, at both ends of the validity.
    pub skew: SignedDuration,
    /// Accept issuer qualifier and permissions of the generation before 2017.
    pub danger_accept_older_generation: bool,
    /// Refuse an HCP assertion whose authentication context is not on the two-factor list.
    pub demand_two_factor: bool,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            skew: SignedDuration::from_secs(60),
            danger_accept_older_generation: false,
            demand_two_factor: false,
        }
    }
}

impl<'d> Assertion<Received<'d>> {
    /// Takes an `Assertion` element of `document` and sorts it by the qualifier of its issuer.
    pub fn receive(document: &'d Document, element: Element<'d>, profile: &Profile) -> Result<Self, Refusal> {
        if !element.is(ns::SAML2, "Assertion") {
            return Err(Refusal::of_header(Reason::Schema(format!("`{}` is no assertion", element.local()))));
        }
        let issuer = element
            .child(ns::SAML2, "Issuer")
            .ok_or_else(|| Refusal::of_header(Reason::Missing("Issuer")))?;
        let qualifier = issuer
            .attribute("NameQualifier")
            .ok_or_else(|| Refusal::of_header(Reason::Missing("Issuer/@NameQualifier")))?;
        let kind = match Kind::from_qualifier(qualifier) {
            Some(kind) => kind,
            None if profile.danger_accept_older_generation && qualifier == names::QUALIFIER_EPSOS => {
                // HCP and TRC share the old qualifier; only the TRC advises.
                if element.child(ns::SAML2, "Advice").is_some() { Kind::Trc } else { Kind::Hcp }
            }
            None => return Err(Refusal::of_header(Reason::UnknownQualifier(qualifier.to_owned()))),
        };
        Ok(Self { state: Received { document, element, kind } })
    }

    /// The kind it claims to be.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.state.kind
    }

    /// What it says, although nothing is verified: for a reader, never for a decision.
    pub fn danger_unverified_content(&self) -> Result<Content, Refusal> {
        Content::read(self.state.element, self.state.kind)
    }

    /// Verifies the signature, the certificate at the time of the clock behind `signers`, and that the certificate
    /// is of the country that presents the assertion. Then reads the content from the covered element.
    pub fn verify_signature(
        self,
        signers: &TrustedSigners<'_>,
        presenter: CountryCode,
    ) -> Result<Assertion<SignatureVerified>, Refusal> {
        let Received { document, element, kind } = self.state;
        let verified = dsig::verify_enveloped(document, element, &dsig::VerifyPolicy::assertion(), signers)
            .map_err(|e| Refusal::signature(kind, &e))?;
        let signatory = signers.signatory_of(verified.certificate_der()).ok_or_else(|| {
            Refusal::of(kind, Reason::Certificate("the signature names no certificate".to_owned()))
        })?;
        if signatory.country != presenter {
            return Err(Refusal::of(
                kind,
                Reason::ForeignSigner {
                    signer: signatory.country.to_string(),
                    presenter: presenter.to_string(),
                },
            ));
        }
        let content = Content::read(verified.element(), kind)?;
        if issuer_country(&content.issuer)
            .is_some_and(|cc| !cc.eq_ignore_ascii_case(signatory.country.as_str()))
        {
            return Err(Refusal::of(kind, Reason::ForeignIssuer(content.issuer)));
        }
        Ok(Assertion { state: SignatureVerified { content, signatory } })
    }
}

impl Assertion<SignatureVerified> {
    /// Conditions of SAML 2.0 core 2.5 at `clock`, with the profile's audience, lifetime and skew.
    pub fn check_conditions(
        self,
        clock: &dyn Clock,
        profile: &Profile,
    ) -> Result<Assertion<ConditionsMet>, Refusal> {
        let SignatureVerified { content, signatory } = self.state;
        let refuse = |reason| Err(Refusal::of(content.kind, reason));
        let now = clock.now();
        if let Some(what) = &content.unknown_condition {
            return refuse(Reason::UnknownCondition(what.clone()));
        }
        let span = content.not_on_or_after.duration_since(content.not_before);
        if span <= SignedDuration::ZERO || span > content.kind.lifetime() {
            return refuse(Reason::WrongLifetime);
        }
        if content.not_before.duration_since(now) > profile.skew
            || content.issue_instant.duration_since(now) > profile.skew
        {
            return refuse(Reason::NotYetValid);
        }
        // NotOnOrAfter itself is already outside, the skew moves that instant.
        if now.duration_since(content.not_on_or_after) >= profile.skew {
            return refuse(Reason::Expired);
        }
        if content.audiences.is_empty() {
            return refuse(Reason::Missing("Audience"));
        }
        if !content.audiences.iter().all(|list| list.iter().any(|a| a == names::AUDIENCE)) {
            return refuse(Reason::WrongAudience);
        }
        if content.confirmation_method != names::SENDER_VOUCHES {
            return refuse(Reason::WrongConfirmation(content.confirmation_method));
        }
        if profile.demand_two_factor
            && content.kind == Kind::Hcp
            && !names::TWO_FACTOR.contains(&content.authn_context.as_str())
        {
            return refuse(Reason::OneFactor(content.authn_context));
        }
        Ok(Assertion { state: ConditionsMet { content, signatory } })
    }
}

impl Assertion<ConditionsMet> {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.state.content.kind
    }
}

impl<C> Assertion<Accepted<C>> {
    /// What it says, in the profile's terms.
    #[must_use]
    pub const fn claims(&self) -> &C {
        &self.state.claims
    }

    /// What it says, in SAML's terms.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.state.content
    }

    /// Identifier of the assertion.
    #[must_use]
    pub const fn id(&self) -> &AssertionId {
        &self.state.content.id
    }

    /// Whose certificate signed it.
    #[must_use]
    pub const fn signatory(&self) -> &Signatory {
        &self.state.signatory
    }
}

/// The country in `urn:idp:CC:countryB` or `urn:initgw:CC:countryB`; other issuers are free text.
fn issuer_country(issuer: &str) -> Option<&str> {
    let rest = issuer.strip_prefix("urn:idp:").or_else(|| issuer.strip_prefix("urn:initgw:"))?;
    rest.strip_suffix(":countryB").filter(|cc| cc.len() == 2)
}
