//! The national side of NCP-A: where patients, documents and the patient's will come from.
//!
//! Each country implements these traits over what it has. Rules that NCP-A relies on:
//! * a document belongs to one patient; asked for it under another patient, the connector says that it is not there,
//!   in the same way as for a document that does not exist;
//! * what a connector returns travels byte for byte;
//! * nothing is asked here before the request's assertions hold and the policy permits it.

mod files;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::civil::DateTime;
use konfido_circle::{CountryCode, PatientId, Personal};
use konfido_ihe::xcpd::Demographics;
use konfido_ihe::{DocumentClass, EhdsiError, Level};

pub use files::{FileConnector, FileError};

use crate::policy::Consent;

/// `root^extension` of a document, as lists and retrievals name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DocumentId(String);

impl DocumentId {
    /// The id of this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person of this country.
#[derive(Clone, Debug)]
pub struct NationalPatient {
    /// The id under which everything else is asked.
    pub id: PatientId,
    /// Name, gender, birth date, address.
    pub demographics: Personal<Demographics>,
}

/// A document as a list tells of it.
#[derive(Clone, Debug)]
pub struct NationalEntry {
    /// Its id.
    pub id: DocumentId,
    /// Another form of the same content: the PDF of a structured document, or the other way round.
    pub twin: Option<DocumentId>,
    /// Its class.
    pub class: DocumentClass,
    /// Structured, or scanned.
    pub level: Level,
    /// When it was made, local time of the document.
    pub created: Option<DateTime>,
    /// Language, for example `en-GB`.
    pub language: String,
    /// Bytes.
    pub size: u64,
    /// SHA-1 of the bytes, as XDS demands for `hash`.
    pub sha1: [u8; 20],
    /// What it is, for a reader.
    pub description: Option<String>,
    /// Who wrote it.
    pub author: Option<Personal<String>>,
    /// Whether a prescription can still be dispensed.
    pub dispensable: bool,
}

/// A document itself.
#[derive(Clone, Debug)]
pub struct NationalDocument {
    /// Its class.
    pub class: DocumentClass,
    /// Media type.
    pub mime: &'static str,
    /// The bytes as they travel.
    pub bytes: Bytes,
}

/// What a list is narrowed by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// At most so many bytes.
    pub maximum_size: Option<u64>,
    /// Made before.
    pub created_before: Option<jiff::Timestamp>,
    /// Made after.
    pub created_after: Option<jiff::Timestamp>,
}

/// Why the national side gives no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NationalError {
    /// A registry or index does not answer.
    #[error("the national registry does not answer: {0}")]
    Unavailable(String),
    /// The national side refuses, with a code of the profile.
    #[error("the national side refused: {0:?}")]
    Refused(EhdsiError),
    /// A stored document or entry can't be used.
    #[error("national data can't be used: {0}")]
    Broken(String),
}

/// Patients and documents of this country.
#[async_trait]
pub trait NationalConnector: Send + Sync + fmt::Debug {
    /// The persons who bear one of these identifiers, each once.
    async fn find_patients(&self, ids: &[PatientId]) -> Result<Vec<NationalPatient>, NationalError>;

    /// The patient's documents of one class.
    async fn list(
        &self,
        patient: &PatientId,
        class: DocumentClass,
        filter: &Filter,
    ) -> Result<Vec<NationalEntry>, NationalError>;

    /// The class of one document of the patient, without its content; nothing if the patient has no such document.
    async fn class_of(
        &self,
        patient: &PatientId,
        document: &DocumentId,
    ) -> Result<Option<DocumentClass>, NationalError>;

    /// One document of the patient; nothing if the patient has no such document.
    async fn retrieve(
        &self,
        patient: &PatientId,
        document: &DocumentId,
    ) -> Result<Option<NationalDocument>, NationalError>;
}

/// The patient's will.
#[async_trait]
pub trait ConsentRegister: Send + Sync + fmt::Debug {
    /// What is known for a patient and a treating country.
    async fn consent(&self, patient: &PatientId, treating: CountryCode) -> Result<Consent, NationalError>;
}
