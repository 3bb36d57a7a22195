//! Issuing: HCP, TRC and next-of-kin assertions, each signed once, ready to be inserted unchanged.
//!
//! Content, names and order are those that the reference implementation emits and checks:
//!
//! * `Issuer/@NameQualifier` tells the kinds apart; `Role` and `PurposeOfUse` stand in the HL7 namespace **without
//!   prefix**, because its server looks for the unprefixed name;
//! * one `AudienceRestriction`, sender-vouches without confirmation data, `NotBefore` = `IssueInstant`;
//! * the signature follows `Issuer`: RSA-SHA256 (its key must be RSA for an OpenNCP), exclusive canonicalisation with
//!   `xsd` kept because `xsi:type="xsd:string"` names it, and exactly one certificate in `KeyInfo`.
//!
//! Two deviations from the reference implementation, both in assertions that it does not check: the next of kin's
//! birth date is an ISO date (it writes the text of a Java `Date` in the server's zone), and the subject of a NoK
//! assertion is the professional (it writes the constant `doctorId`).

use jiff::{SignedDuration, Timestamp};
use konfido_circle::{Clock, CountryCode, Personal};
use konfido_keys::{Rng, Signer};
use konfido_xml::{El, Fragment, Limits, dsig, ns};

use crate::accept::{Hcp, Nok, Trc};
use crate::assertion::{Accepted, Assertion};
use crate::content::{AssertionId, NameId};
use crate::names::{
    self,
    attribute::{self, Name},
};
use crate::vocabulary::{Kind, PURPOSE_SYSTEM, PURPOSE_SYSTEM_NAME, PurposeOfUse, ROLE_SYSTEM};

/// Why nothing was issued. Always our own fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// No randomness for the identifier.
    #[error("no randomness for the assertion's id")]
    Randomness(#[source] konfido_keys::KeyError),
    /// The signature was not made.
    #[error("the assertion was not signed")]
    Signing(#[source] dsig::SignError),
    /// What was signed does not parse; a defect.
    #[error("the signed assertion does not parse")]
    Xml(#[from] konfido_xml::XmlError),
}

/// Who issues: a country, its signing key, its clock.
#[derive(Clone, Copy, Debug)]
pub struct Issuer<'a> {
    /// The treating country.
    pub country: CountryCode,
    /// Its signing key, with certificate.
    pub signer: &'a dyn Signer,
    /// Its clock.
    pub clock: &'a dyn Clock,
    /// Randomness for identifiers.
    pub rng: &'a dyn Rng,
}

/// An assertion just made.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Its identifier.
    pub id: AssertionId,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub not_on_or_after: Timestamp,
    /// The signed element. It must be inserted unchanged.
    pub xml: Fragment,
}

/// The HCP assertion that a TRC or NoK assertion refers to.
#[derive(Clone, Debug)]
pub struct HcpReference {
    /// Its identifier.
    pub id: AssertionId,
    /// Its subject.
    pub name_id: NameId,
}

impl HcpReference {
    /// Refers to an assertion that was verified.
    #[must_use]
    pub fn to(hcp: &Assertion<Accepted<Hcp>>) -> Self {
        Self { id: hcp.id().clone(), name_id: hcp.content().name_id().clone() }
    }
}

impl Issuer<'_> {
    /// Issues an HCP identity assertion for a professional who signed in as `authn_context` says.
    pub fn hcp(&self, name_id: &NameId, authn_context: &str, hcp: &Hcp) -> Result<Issued, IssueError> {
        let attributes = [
            hcp.home_community.as_deref().map(|v| text(attribute::HOME_COMMUNITY, v)),
            Some(text(attribute::SUBJECT_ID, hcp.name.reveal())),
            Some(coded(
                attribute::ROLE,
                hl7("Role", hcp.role.code(), ROLE_SYSTEM, "ISCO", hcp.role.display_name()),
            )),
            hcp.organization.as_deref().map(|v| text(attribute::ORGANIZATION, v)),
            hcp.organization_id.as_deref().map(|v| text(attribute::ORGANIZATION_ID, v)),
            hcp.on_behalf_of.as_deref().map(|v| text(attribute::ON_BEHALF_OF, v)),
            Some(text(attribute::FACILITY_TYPE, hcp.facility.text())),
            Some(purpose(hcp.purpose)),
            Some(text(attribute::LOCALITY, &hcp.locality)),
            Some(
                frame(attribute::PERMISSION).children(hcp.permissions.iter().map(|p| string_value(&p.urn()))),
            ),
        ];
        let issuer = format!("urn:idp:{}:countryB", self.country);
        self.issue(Kind::Hcp, issuer, name_id, None, authn_context, attributes.into_iter().flatten())
    }

    /// Issues the confirmation of a treatment relationship on the strength of `hcp`.
    pub fn trc(&self, hcp: &HcpReference, trc: &Trc) -> Result<Issued, IssueError> {
        let optional =
            |name: Name, value: &Option<Personal<String>>| value.as_ref().map(|v| text(name, v.reveal()));
        let attributes = [
            Some(text(attribute::SUBJECT_ID, &trc.patient.to_cx())),
            Some(purpose(trc.purpose)),
            optional(attribute::DISPENSATION_PIN, &trc.dispensation_pin),
            optional(attribute::PRESCRIPTION_ID, &trc.prescription_id),
        ];
        self.issue_on(Kind::Trc, hcp, attributes.into_iter().flatten())
    }

    /// Issues a next-of-kin assertion on the strength of `hcp`.
    pub fn nok(&self, hcp: &HcpReference, nok: &Nok) -> Result<Issued, IssueError> {
        let attributes =
            nok.fields().into_iter().filter_map(|(name, value)| Some(text(name, value?.reveal())));
        self.issue_on(Kind::Nok, hcp, attributes)
    }

    fn issue_on(
        &self,
        kind: Kind,
        hcp: &HcpReference,
        attributes: impl Iterator<Item = El>,
    ) -> Result<Issued, IssueError> {
        let issuer = format!("urn:initgw:{}:countryB", self.country);
        self.issue(kind, issuer, &hcp.name_id, Some(&hcp.id), names::PREVIOUS_SESSION, attributes)
    }

    fn issue(
        &self,
        kind: Kind,
        issuer: String,
        name_id: &NameId,
        advice: Option<&AssertionId>,
        authn_context: &str,
        attributes: impl Iterator<Item = El>,
    ) -> Result<Issued, IssueError> {
        let id = new_id(self.rng)?;
        let now = to_milliseconds(self.clock.now());
        let end = now.saturating_add(kind.lifetime()).unwrap_or(Timestamp::MAX);
        let (instant, until) = (wire_instant(now), wire_instant(end));
        let assertion = saml("Assertion")
            .prefix("saml2")
            .declare("xsd", ns::XSD)
            .attr("ID", id.as_str().to_owned())
            .attr("IssueInstant", instant.clone())
            .attr("Version", "2.0")
            .child(saml("Issuer").attr("NameQualifier", kind.qualifier()).text(issuer))
            .child(subject(name_id))
            .child(
                saml("Conditions")
                    .attr("NotBefore", instant.clone())
                    .attr("NotOnOrAfter", until)
                    .child(saml("AudienceRestriction").child(saml("Audience").text(names::AUDIENCE))),
            )
            .opt_child(
                advice.map(|id| saml("Advice").child(saml("AssertionIDRef").text(id.as_str().to_owned()))),
            )
            .child(saml("AuthnStatement").attr("AuthnInstant", instant).child(
                saml("AuthnContext").child(saml("AuthnContextClassRef").text(authn_context.to_owned())),
            ))
            .child(saml("AttributeStatement").children(attributes));
        let xml = sign(&assertion, &id, self.signer)?;
        Ok(Issued { id, issued_at: now, not_on_or_after: end, xml })
    }
}

fn sign(assertion: &El, id: &AssertionId, signer: &dyn Signer) -> Result<Fragment, IssueError> {
    let options = dsig::SignOptions::assertion(id.as_str()).with_prefixes(["xsd"]);
    let signed = dsig::sign_enveloped(&assertion.to_xml(), &options, signer).map_err(IssueError::Signing)?;
    Ok(Fragment::parse(&signed, &Limits::ASSERTION)?)
}

/// `_` and a random UUID: an NCName.
fn new_id(rng: &dyn Rng) -> Result<AssertionId, IssueError> {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes).map_err(IssueError::Randomness)?;
    let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
    Ok(AssertionId::from_uuid(&uuid))
}

/// Instants on the wire have milliseconds; nothing is issued between two of them.
pub(crate) fn to_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

/// `2026-11-23T18:37:53.150Z`.
pub(crate) fn wire_instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// How long what the security token service says may be believed.
pub(crate) const STS_LIFETIME: SignedDuration = SignedDuration::from_hours(2);

fn saml(local: &'static str) -> El {
    El::new(ns::SAML2, local)
}

fn subject(name_id: &NameId) -> El {
    let name = saml("NameID")
        .attr("Format", name_id.format.clone())
        .opt_attr("SPProvidedID", name_id.sp_provided_id.as_ref().map(|v| v.reveal().clone()))
        .text(name_id.value.reveal().clone());
    saml("Subject").child(name).child(saml("SubjectConfirmation").attr("Method", names::SENDER_VOUCHES))
}

fn frame(name: Name) -> El {
    saml("Attribute")
        .attr("FriendlyName", name.friendly)
        .attr("Name", name.urn)
        .attr("NameFormat", names::FORMAT_URI)
}

fn text(name: Name, value: &str) -> El {
    frame(name).child(string_value(value))
}

fn string_value(value: &str) -> El {
    saml("AttributeValue").attr_ns(ns::XSI, "xsi", "type", "xsd:string").text(value.to_owned())
}

fn coded(name: Name, element: El) -> El {
    frame(name).child(saml("AttributeValue").child(element))
}

fn purpose(purpose: PurposeOfUse) -> El {
    let code = purpose.code();
    coded(attribute::PURPOSE_OF_USE, hl7("PurposeOfUse", code, PURPOSE_SYSTEM, PURPOSE_SYSTEM_NAME, code))
}

fn hl7(
    element: &'static str,
    code: &'static str,
    system: &'static str,
    system_name: &'static str,
    display: &'static str,
) -> El {
    El::new(names::HL7, element)
        .prefix("")
        .attr("code", code)
        .attr("codeSystem", system)
        .attr("codeSystemName", system_name)
        .attr("displayName", display)
}
