//! A connector over a directory in the layout of OpenNCP's mock connector (openncp-behaviour.md 4.5).
//!
//! ```text
//! psstore/*.xml, epstore/*.xml      structured documents; a PDF of the same name is the L1 form
//! orcdstore/<class code>/*.xml      original clinical documents, L1 as they are
//! integration/<root>/<extension>.properties   the patient index
//! ```
//!
//! What differs from the mock, and why:
//! * a structured document travels as it lies on the disk, byte for byte, under the id it carries. The mock rewrites
//!   the id to end in `.1`; we take that as an alias when a document is asked for;
//! * the L1 form is the same header around the PDF, under the id with `.2`, as in the mock;
//! * a patient is matched by the whole identifier, never by the beginning of its extension;
//! * `size` and `hash` are those of the bytes that travel;
//! * a person without an entry in the index is known from the documents' `recordTarget`, by its first id (the others are
//!   insurance numbers and the like, which several persons share); an index entry may name
//!   further identifiers of the same person (`alias`, a list of CX) and the person's will (`consent`, and
//!   `consent.DK` for one treating country: `given` or `refused`).
//!
//! The directory is read once at the start; the documents stay on the disk and are read when they are asked for.

mod index;
mod scanned;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::tz::TimeZone;
use konfido_circle::{CountryCode, PatientId};
use konfido_ihe::{DocumentClass, Level};

use self::index::{Header, Person};
use super::{
    ConsentRegister, DocumentId, Filter, NationalConnector, NationalDocument, NationalEntry, NationalError,
    NationalPatient,
};
use crate::policy::Consent;

/// Why a directory is no store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// A file or directory could not be read.
    #[error("could not read `{path}`")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A document or index entry makes no sense.
    #[error("`{path}` can't be used: {reason}")]
    Content {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Two documents of one patient carry one id.
    #[error("`{first}` and `{second}` carry the same document id")]
    SameId {
        /// One of them.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
}

/// A store that was read.
#[derive(Clone, Debug)]
pub struct FileConnector(Arc<Store>);

#[derive(Debug, Default)]
struct Store {
    persons: Vec<Person>,
    by_id: HashMap<PatientId, usize>,
    /// By owner and id: stores exist in which documents of two patients carry one id.
    documents: HashMap<(usize, DocumentId), Stored>,
    aliases: HashMap<(usize, DocumentId), DocumentId>,
}

#[derive(Debug)]
struct Stored {
    entry: NationalEntry,
    owner: usize,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// The file as it is.
    File(PathBuf),
    /// The header of one file around another.
    Wrapped { header: PathBuf, pdf: PathBuf },
}

impl FileConnector {
    /// Reads a directory. Parts that are not there hold nothing.
    pub fn open(directory: &Path) -> Result<Self, FileError> {
        let mut store = Store::default();
        for person in index::read(&directory.join("integration"))? {
            store.add_person(person);
        }
        store.add_folder(&directory.join("psstore"), DocumentClass::PatientSummary)?;
        store.add_folder(&directory.join("epstore"), DocumentClass::EPrescription)?;
        for class in DocumentClass::ALL {
            if class.group() == konfido_ihe::Group::Original {
                store.add_folder(&directory.join("orcdstore").join(class.code()), class)?;
            }
        }
        Ok(Self(Arc::new(store)))
    }

    /// How many persons and documents there are.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.0.persons.len(), self.0.documents.len())
    }

    /// One id of each person that has a document of `class`, for operators and demonstrations.
    #[must_use]
    pub fn patients_with(&self, class: DocumentClass) -> Vec<PatientId> {
        let mut owners: Vec<usize> =
            self.0.documents.values().filter(|d| d.entry.class == class).map(|d| d.owner).collect();
        owners.sort_unstable();
        owners.dedup();
        owners
            .into_iter()
            .filter_map(|owner| self.0.persons.get(owner))
            .map(|person| person.patient.id.clone())
            .collect()
    }
}

impl Store {
    fn add_person(&mut self, person: Person) -> usize {
        let place = self.persons.len();
        for id in person.aliases.iter().chain([&person.patient.id]) {
            self.by_id.entry(id.clone()).or_insert(place);
        }
        self.persons.push(person);
        place
    }

    fn add_folder(&mut self, folder: &Path, class: DocumentClass) -> Result<(), FileError> {
        for path in index::files(folder, "xml")? {
            let header = Header::read(&path)?;
            let owner = match self.by_id.get(&header.patient) {
                Some(owner) => *owner,
                None => self.add_person(header.person()),
            };
            let original = class.group() == konfido_ihe::Group::Original;
            let level = if original { Level::Scanned } else { Level::Structured };
            let pdf = path.with_extension("pdf");
            let id = header.id();
            let twin = (!original && pdf.is_file()).then(|| header.id_with(".2"));
            let mut entry = header.entry(id.clone(), class, level);
            entry.twin = twin.clone();
            if let Some(twin) = twin {
                let bytes = scanned::wrap(&path, &pdf, class)?;
                let mut scan = header.entry(twin.clone(), class, Level::Scanned);
                scan.twin = Some(id.clone());
                scan.size = bytes.len() as u64;
                scan.sha1 = index::sha1(&bytes);
                let form = Form::Wrapped { header: path.clone(), pdf };
                self.add_document(Stored { entry: scan, owner, form })?;
            }
            self.aliases.insert((owner, header.id_with(".1")), id);
            self.add_document(Stored { entry, owner, form: Form::File(path) })?;
        }
        Ok(())
    }

    fn add_document(&mut self, stored: Stored) -> Result<(), FileError> {
        let path = stored.form.path().to_owned();
        match self.documents.insert((stored.owner, stored.entry.id.clone()), stored) {
            None => Ok(()),
            Some(first) => Err(FileError::SameId { first: first.form.path().to_owned(), second: path }),
        }
    }

    fn person(&self, id: &PatientId) -> Option<(usize, &Person)> {
        let place = *self.by_id.get(id)?;
        self.persons.get(place).map(|person| (place, person))
    }

    fn document(&self, patient: &PatientId, id: &DocumentId) -> Option<&Stored> {
        let (owner, _) = self.person(patient)?;
        let key = (owner, id.clone());
        self.documents.get(&key).or_else(|| self.documents.get(&(owner, self.aliases.get(&key)?.clone())))
    }
}

impl Form {
    fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Wrapped { header: path, .. } => path,
        }
    }
}

#[async_trait]
impl NationalConnector for FileConnector {
    async fn find_patients(&self, ids: &[PatientId]) -> Result<Vec<NationalPatient>, NationalError> {
        let mut found: Vec<(usize, NationalPatient)> = Vec::new();
        for id in ids {
            if let Some((place, person)) = self.0.person(id)
                && found.iter().all(|(other, _)| *other != place)
            {
                // The id that was asked for goes back: it is one the treating country can go on with.
                let patient = NationalPatient { id: id.clone(), ..person.patient.clone() };
                found.push((place, patient));
            }
        }
        Ok(found.into_iter().map(|(_, patient)| patient).collect())
    }

    async fn list(
        &self,
        patient: &PatientId,
        class: DocumentClass,
        filter: &Filter,
    ) -> Result<Vec<NationalEntry>, NationalError> {
        let Some((owner, _)) = self.0.person(patient) else { return Ok(Vec::new()) };
        let mut entries: Vec<NationalEntry> = self
            .0
            .documents
            .values()
            .filter(|stored| stored.owner == owner && stored.entry.class == class)
            .map(|stored| stored.entry.clone())
            .filter(|entry| filter.admits(entry))
            .collect();
        entries.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
        Ok(entries)
    }

    async fn class_of(
        &self,
        patient: &PatientId,
        document: &DocumentId,
    ) -> Result<Option<DocumentClass>, NationalError> {
        Ok(self.0.document(patient, document).map(|stored| stored.entry.class))
    }

    async fn retrieve(
        &self,
        patient: &PatientId,
        document: &DocumentId,
    ) -> Result<Option<NationalDocument>, NationalError> {
        let Some(stored) = self.0.document(patient, document) else { return Ok(None) };
        let bytes = match &stored.form {
            Form::File(path) => tokio::fs::read(path).await.map_err(|e| unavailable(path, &e))?,
            Form::Wrapped { header, pdf } => {
                let (header, pdf, class) = (header.clone(), pdf.clone(), stored.entry.class);
                tokio::task::spawn_blocking(move || scanned::wrap(&header, &pdf, class))
                    .await
                    .map_err(|e| NationalError::Unavailable(e.to_string()))?
                    .map_err(|e| NationalError::Broken(e.to_string()))?
            }
        };
        Ok(Some(NationalDocument { class: stored.entry.class, mime: "text/xml", bytes: Bytes::from(bytes) }))
    }
}

#[async_trait]
impl ConsentRegister for FileConnector {
    async fn consent(&self, patient: &PatientId, treating: CountryCode) -> Result<Consent, NationalError> {
        let Some((_, person)) = self.0.person(patient) else { return Ok(Consent::Unknown) };
        Ok(person.consent(treating))
    }
}

impl Filter {
    fn admits(&self, entry: &NationalEntry) -> bool {
        let created = entry.created.and_then(|t| TimeZone::UTC.to_timestamp(t).ok());
        self.maximum_size.is_none_or(|most| entry.size <= most)
            && self.created_before.is_none_or(|limit| created.is_none_or(|t| t < limit))
            && self.created_after.is_none_or(|limit| created.is_none_or(|t| t > limit))
    }
}

fn unavailable(path: &Path, error: &std::io::Error) -> NationalError {
    NationalError::Unavailable(format!("`{}`: {error}", path.display()))
}
