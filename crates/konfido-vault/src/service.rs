//! What the vault does with a request: one total function from request and state to answer.
//!
//! | request | rule |
//! | --- | --- |
//! | open session | the login must be of a kind that the profile takes |
//! | issue HCP | a live session; the assertion says what the login said, nothing of the caller's |
//! | issue TRC | a live session that names this patient and has an HCP assertion |
//! | sign audit | the bytes are one `AuditMessage` document |
//! | sign | a statement key, and the statement begins as that key's statements do |
//! | seal, open, pseudonym | keys derived from the root for the caller's context, never shown |
//!
//! Each answer leaves a line in the vault's own audit stream, without personal data.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::hmac;
use konfido_circle::{Clock, CountryCode, PatientId, Personal};
use konfido_keys::{Rng, Sealer, Signer};
use konfido_saml::vocabulary::{FacilityType, Permission, PurposeOfUse, Role};
use konfido_saml::{AssertionId, Hcp, HcpReference, Issued, Issuer, NameId, Trc};
use konfido_xml::dsig::{SignOptions, sign_document};
use konfido_xml::{Document, Limits as XmlLimits};
use secrecy::ExposeSecret as _;

use crate::attest::Assurance;
use crate::keystore::{Keys, algorithm_number};
use crate::protocol::{Answer, Login, Professional, Refusal, Request, SessionHandle, Status};
use crate::session::Sessions;

const SMARTCARD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI";
/// The most that is signed as one audit message, in bytes.
const MAX_AUDIT: usize = 1 << 20;

/// What does not change while a vault runs.
pub struct Fixed {
    /// The country whose assertions it issues.
    pub country: CountryCode,
    /// Whether development logins are taken. The production profile sets it to false.
    pub development: bool,
    /// What seals the root secret.
    pub backend: String,
    /// What the vault holds against.
    pub assurance: Assurance,
    /// Measures in force.
    pub measures: Vec<String>,
    /// Measures missing, with reasons.
    pub missing: Vec<String>,
    /// Whether rollback is noticed, and by what.
    pub rollback: String,
    /// The epoch of the store.
    pub store_epoch: u64,
    /// Seals for callers.
    pub sealer: Arc<dyn Sealer>,
    /// Makes pseudonyms.
    pub pseudonym: hmac::Key,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Where each operation leaves its line.
    pub journal: Arc<dyn Journal>,
}

impl fmt::Debug for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixed")
            .field("country", &self.country)
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

/// The vault's own audit stream: operation, outcome, and who asked by number. Never content.
pub trait Journal: Send + Sync {
    /// Takes one line.
    fn line(&self, operation: &'static str, refusal: Option<Refusal>, caller: u32);
}

/// A vault in operation.
pub struct Service {
    fixed: Fixed,
    keys: Keys,
    sessions: Mutex<Sessions>,
    served: AtomicU64,
    refused: AtomicU64,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("fixed", &self.fixed).finish_non_exhaustive()
    }
}

impl Service {
    /// A vault with these keys and no session.
    pub fn new(fixed: Fixed, keys: Keys, sessions: Sessions) -> Self {
        Self {
            fixed,
            keys,
            sessions: Mutex::new(sessions),
            served: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Answers one request of the process with user id `caller`.
    pub fn answer(&self, request: Request, caller: u32) -> Answer {
        let operation = name(&request);
        let answer = self.serve(request).unwrap_or_else(Answer::Refused);
        let refusal = if let Answer::Refused(refusal) = answer { Some(refusal) } else { None };
        let counter = if refusal.is_some() { &self.refused } else { &self.served };
        counter.fetch_add(1, Ordering::Relaxed);
        self.fixed.journal.line(operation, refusal, caller);
        answer
    }

    fn serve(&self, request: Request) -> Result<Answer, Refusal> {
        let now = self.fixed.clock.now();
        match request {
            Request::Status => Ok(Answer::Status(self.status())),
            Request::PublicKey(key) => {
                let signer = &self.keys.get(&key)?.signer;
                let number = algorithm_number(signer.algorithm()).ok_or(Refusal::Failed)?;
                let certificate = signer.certificate().map(|c| c.to_vec());
                Ok(Answer::PublicKey(number, signer.public_key_der().to_vec(), certificate))
            }
            Request::OpenSession(Login::Development(professional)) => {
                if !self.fixed.development {
                    return Err(Refusal::Login);
                }
                hcp_of(&professional)?;
                self.sessions().open(professional, now, &*self.fixed.rng).map(Answer::Session)
            }
            Request::CloseSession(session) => {
                self.sessions().close(&session);
                Ok(Answer::Done)
            }
            Request::RevokeUser(user) => {
                self.sessions().revoke(&user);
                Ok(Answer::Done)
            }
            Request::NamePatient(session, patient) => {
                let patient = PatientId::parse_cx(&patient).map_err(|_| Refusal::Field)?;
                self.sessions().name_patient(&session, &patient.to_cx(), now)?;
                Ok(Answer::Done)
            }
            Request::IssueHcp(session) => self.issue_hcp(&session),
            Request::IssueTrc { session, patient, purpose } => self.issue_trc(&session, &patient, &purpose),
            Request::SignAudit(message) => self.sign_audit(&message),
            Request::Seal(context, plain) => {
                self.fixed.sealer.seal(&context, &plain).map(Answer::Bytes).map_err(|_| Refusal::Failed)
            }
            Request::Open(context, sealed) => {
                let opened = self.fixed.sealer.open(&context, &sealed).map_err(|_| Refusal::Sealed)?;
                Ok(Answer::Bytes(opened.expose_secret().to_vec()))
            }
            Request::Pseudonym(context, value) => {
                let mut mac = hmac::Context::with_key(&self.fixed.pseudonym);
                let length = u64::try_from(context.len()).map_err(|_| Refusal::Field)?;
                mac.update(&length.to_be_bytes());
                mac.update(&context);
                mac.update(&value);
                Ok(Answer::Bytes(mac.sign().as_ref().to_vec()))
            }
            Request::Sign(key, statement) => self.keys.sign_statement(&key, &statement).map(Answer::Bytes),
        }
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        // A panic while it was held leaves a table that is whole: every change is one map operation.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn status(&self) -> Status {
        let live = self.sessions().expire(self.fixed.clock.now());
        Status {
            backend: self.fixed.backend.clone(),
            level: self.fixed.assurance.into(),
            level_name: self.fixed.assurance.name().to_owned(),
            measures: self.fixed.measures.clone(),
            missing: self.fixed.missing.clone(),
            rollback: self.fixed.rollback.clone(),
            sessions: u64::try_from(live).unwrap_or(u64::MAX),
            served: self.served.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            store_epoch: self.fixed.store_epoch,
            keys: self.keys.names(),
            development: self.fixed.development,
        }
    }

    fn issue_hcp(&self, handle: &SessionHandle) -> Result<Answer, Refusal> {
        let professional = self.sessions().live(handle, self.fixed.clock.now())?.professional.clone();
        let issued = self
            .issuer()?
            .hcp(&name_id(&professional), SMARTCARD, &hcp_of(&professional)?)
            .map_err(|_| Refusal::Failed)?;
        let mut sessions = self.sessions();
        // The session may have ended while the signature was made: then nobody gets it.
        sessions.live(handle, self.fixed.clock.now())?.hcp = Some(issued.id.to_string());
        Ok(assertion(&issued))
    }

    fn issue_trc(&self, handle: &SessionHandle, patient: &str, purpose: &str) -> Result<Answer, Refusal> {
        let patient = PatientId::parse_cx(patient).map_err(|_| Refusal::Field)?;
        let purpose = PurposeOfUse::from_code(purpose).ok_or(Refusal::Field)?;
        let (hcp, name_id) = {
            let mut sessions = self.sessions();
            let session = sessions.live(handle, self.fixed.clock.now())?;
            if !session.names(&patient.to_cx()) {
                return Err(Refusal::OtherPatient);
            }
            let hcp = session.hcp.as_deref().and_then(AssertionId::new).ok_or(Refusal::NotThat)?;
            (hcp, name_id(&session.professional))
        };
        let trc = Trc { patient, purpose, dispensation_pin: None, prescription_id: None };
        let issued =
            self.issuer()?.trc(&HcpReference { id: hcp, name_id }, &trc).map_err(|_| Refusal::Failed)?;
        self.sessions().live(handle, self.fixed.clock.now())?;
        Ok(assertion(&issued))
    }

    fn issuer(&self) -> Result<Issuer<'_>, Refusal> {
        Ok(Issuer {
            country: self.fixed.country,
            signer: &self.keys.node()?.signer,
            clock: &*self.fixed.clock,
            rng: &*self.fixed.rng,
        })
    }

    fn sign_audit(&self, message: &[u8]) -> Result<Answer, Refusal> {
        if message.len() > MAX_AUDIT {
            return Err(Refusal::NotThat);
        }
        let document = Document::parse(message, &XmlLimits::MESSAGE).map_err(|_| Refusal::NotThat)?;
        if !document.root().is("", "AuditMessage") {
            return Err(Refusal::NotThat);
        }
        let signed = sign_document(&document, &SignOptions::audit_message(), &self.keys.node()?.signer)
            .map_err(|_| Refusal::Failed)?;
        Ok(Answer::Bytes(signed.into_bytes()))
    }
}

fn name(request: &Request) -> &'static str {
    match request {
        Request::Status => "status",
        Request::PublicKey(_) => "public-key",
        Request::OpenSession(_) => "open-session",
        Request::CloseSession(_) => "close-session",
        Request::RevokeUser(_) => "revoke-user",
        Request::NamePatient(..) => "name-patient",
        Request::IssueHcp(_) => "issue-hcp",
        Request::IssueTrc { .. } => "issue-trc",
        Request::SignAudit(_) => "sign-audit",
        Request::Seal(..) => "seal",
        Request::Open(..) => "open",
        Request::Pseudonym(..) => "pseudonym",
        Request::Sign(..) => "sign",
    }
}

fn assertion(issued: &Issued) -> Answer {
    Answer::Assertion(
        issued.id.to_string(),
        issued.not_on_or_after.as_second(),
        issued.xml.as_str().to_owned(),
    )
}

fn name_id(professional: &Professional) -> NameId {
    let (value, format) = professional.name_id.clone();
    NameId { value: Personal::new(value), format, sp_provided_id: None }
}

fn hcp_of(professional: &Professional) -> Result<Hcp, Refusal> {
    let (organization, organization_id) = professional.organization.clone().unzip();
    Ok(Hcp {
        name: Personal::new(professional.name.clone()),
        role: Role::from_code(&professional.role).ok_or(Refusal::Field)?,
        facility: FacilityType::from_text(&professional.facility).ok_or(Refusal::Field)?,
        purpose: PurposeOfUse::from_code(&professional.purpose).ok_or(Refusal::Field)?,
        locality: professional.locality.clone(),
        organization,
        organization_id,
        home_community: professional.home_community.clone(),
        on_behalf_of: None,
        permissions: professional.permissions.iter().map(|code| Permission::new(code)).collect(),
    })
}
