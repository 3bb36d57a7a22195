//! The security token service of a treating country (WS-Trust 1.3 over SOAP 1.2), for portals that speak to an
//! OpenNCP today.
//!
//! * On receiving a `RequestSecurityToken` with exactly one HCP assertion in `wsse:Security` and `TRCParameters` or
//!   `NoKParameters`: verify the assertion (signature, validity **without** tolerance, two-factor context, profile
//!   attributes), then issue the TRC or NoK assertion and answer with a `RequestSecurityTokenResponseCollection`.
//! * On receiving anything else: a SOAP fault with HTTP status 500, whose text names the class of the refusal and no
//!   more. The cause is in [`Exchange::result`], for the audit and the log.
//!
//! The service is internal to its country: a TLS peer of another country is refused, and so is an HCP assertion that
//! was signed elsewhere. `wsa:MessageID` is mandatory; no `wsa:Action` is asked for. `LifeTime` is spelt as the
//! reference implementation spells it.

mod request;
mod response;

use konfido_circle::{CountryCode, PatientId, TrustStore};
use konfido_xml::{Document, Limits};

pub use request::{Parameters, TokenRequest};
pub use response::{ResponseError, TokenResponse};

use crate::accept::{Hcp, Nok, Trc};
use crate::assertion::{Accepted, Assertion, Profile};
use crate::issue::{HcpReference, IssueError, Issued, Issuer};
use crate::presented::Presented;
use crate::refusal::Refusal;
use crate::trust::TrustedSigners;
use crate::vocabulary::Kind;

/// Content type of requests and answers.
pub const CONTENT_TYPE: &str = "application/soap+xml;charset=UTF-8";

/// WS-Trust 1.3.
pub(crate) const WST: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512";
/// The only request type.
pub(crate) const ISSUE: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue";
/// The only token type: a SAML 2.0 assertion.
pub(crate) const TOKEN_TYPE: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// Parameters of a TRC assertion.
pub(crate) const TRC_NS: &str = "https://ehdsi.eu/assertion/trc";
/// Parameters of a NoK assertion.
pub(crate) const NOK_NS: &str = "https://ehdsi.eu/assertion/nok";

/// The service. It holds nothing; everything is passed in.
#[derive(Debug)]
pub struct Sts<'a> {
    issuer: Issuer<'a>,
    trust: &'a TrustStore,
    profile: Profile,
}

/// One request and its answer.
#[derive(Debug)]
pub struct Exchange {
    /// HTTP status of the answer.
    pub status: u16,
    /// The answer, a SOAP envelope of [`CONTENT_TYPE`].
    pub body: String,
    /// MessageID of the request, if it was readable.
    pub message_id: Option<String>,
    /// The request's SOAP header as it came, for the audit.
    pub request_header: Option<String>,
    /// What was issued, or why nothing was.
    pub result: Result<Token, StsError>,
}

/// A token that was issued.
#[derive(Debug)]
pub struct Token {
    /// TRC or NoK.
    pub kind: Kind,
    /// The assertion.
    pub issued: Issued,
    /// The professional on the strength of whose assertion it was issued.
    pub hcp: Assertion<Accepted<Hcp>>,
    /// TRC: the patient.
    pub patient: Option<PatientId>,
    /// NoK: what was asserted.
    pub nok: Option<Nok>,
    /// MessageID of the answer.
    pub response_id: String,
    /// The answer's SOAP header, for the audit.
    pub response_header: String,
}

/// Why nothing was issued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StsError {
    /// The request is no well-formed XML within the limits.
    #[error("the request is not readable")]
    Xml(#[from] konfido_xml::XmlError),
    /// The request is no such request.
    #[error("not a request for a token: {0}")]
    Request(&'static str),
    /// The purpose is neither treatment nor emergency.
    #[error("purpose of use must be either TREATMENT or EMERGENCY")]
    Purpose,
    /// The TLS peer is of another country.
    #[error("the caller is of {0}, this service is internal")]
    ForeignCaller(CountryCode),
    /// The HCP assertion was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// We could not issue.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl<'a> Sts<'a> {
    /// A service that issues as `issuer` and believes the signers of `trust`.
    #[must_use]
    pub fn new(issuer: Issuer<'a>, trust: &'a TrustStore, profile: Profile) -> Self {
        let profile = Profile { skew: jiff::SignedDuration::ZERO, demand_two_factor: true, ..profile };
        Self { issuer, trust, profile }
    }

    /// Answers one request from a TLS peer of country `caller`. Never fails: a failure is an answer.
    #[must_use]
    pub fn handle(&self, body: &[u8], caller: CountryCode) -> Exchange {
        let document = match Document::parse(body, &Limits::ASSERTION) {
            Ok(document) => document,
            Err(error) => return failed(None, None, error.into()),
        };
        let request = match TokenRequest::read(&document) {
            Ok(request) => request,
            Err(error) => return failed(None, None, error),
        };
        let (message_id, header) = (request.message_id.clone(), Some(request.header.to_xml()));
        match self.issue(&document, &request, caller) {
            Ok((body, token)) => Exchange {
                status: 200,
                body,
                message_id: Some(message_id),
                request_header: header,
                result: Ok(token),
            },
            Err(error) => failed(Some(message_id), header, error),
        }
    }

    fn issue(
        &self,
        document: &Document,
        request: &TokenRequest<'_>,
        caller: CountryCode,
    ) -> Result<(String, Token), StsError> {
        if caller != self.issuer.country {
            return Err(StsError::ForeignCaller(caller));
        }
        let signers = TrustedSigners::new(self.trust, self.issuer.clock);
        let hcp = Presented::find(document, Some(request.security), &self.profile)?
            .into_hcp()?
            .verify_signature(&signers, caller)?
            .check_conditions(self.issuer.clock, &self.profile)?
            .accept_hcp_at_sts(&self.profile)?;
        let reference = HcpReference::to(&hcp);
        let (kind, issued, patient, nok) = match &request.parameters {
            Parameters::Trc { patient, purpose, dispensation_pin, prescription_id } => {
                let trc = Trc {
                    patient: patient.clone(),
                    purpose: purpose.unwrap_or(hcp.claims().purpose),
                    dispensation_pin: dispensation_pin.clone(),
                    prescription_id: prescription_id.clone(),
                };
                (Kind::Trc, self.issuer.trc(&reference, &trc)?, Some(trc.patient), None)
            }
            Parameters::Nok(nok) => (Kind::Nok, self.issuer.nok(&reference, nok)?, None, Some(nok.clone())),
        };
        let answer = response::answer(&self.issuer, &issued, &request.message_id)?;
        let token = Token {
            kind,
            issued,
            hcp,
            patient,
            nok,
            response_id: answer.message_id,
            response_header: answer.header,
        };
        Ok((answer.envelope, token))
    }
}

fn failed(message_id: Option<String>, request_header: Option<String>, error: StsError) -> Exchange {
    let ours = matches!(error, StsError::Issue(_));
    let text = match &error {
        StsError::Purpose => "Purpose of Use MUST be either TREATMENT or EMERGENCY",
        StsError::Xml(_) | StsError::Request(_) => "The request is not a valid RequestSecurityToken",
        StsError::ForeignCaller(_) => "The caller is not allowed to use this service",
        StsError::Refused(refusal) => response::refusal_text(refusal.class()),
        StsError::Issue(_) => "The token could not be issued",
    };
    Exchange {
        status: 500,
        body: response::fault(ours, text),
        message_id,
        request_header,
        result: Err(error),
    }
}
