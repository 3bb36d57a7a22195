//! `ExtrinsicObject`: one document entry of a list.
//!
//! On reading: what identifies the document must be there (unique id, repository); everything else is taken where it
//! is readable. The unique id is found by its scheme or by its name, as peers look for either. On writing:
//! hash, size and language always where they are known (stricter validators refuse one without the other),
//! creation time with 14 digits, a slot in each classification.

mod event;

use jiff::Timestamp;
use konfido_circle::{CountryCode, HomeCommunityId, PatientId, Personal};
use konfido_xml::{El, Element};
use uuid::Uuid;

pub use event::EventCode;

use super::retrieve::DocumentRequest;
use crate::document_class::{ClassCode, DocumentClass, FormatCode, Level};
use crate::hl7;
use crate::malformed::Malformed;
use crate::registry::RIM;
use crate::registry::rim::{
    Coded, PartIds, bare_classification, classification, external_identifier, localised, localised_value,
    rim, slot, slot_value, slot_values,
};

const DOCUMENT_ENTRY: &str = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1";
const APPROVED: &str = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved";

const CLASS_CODE: &str = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a";
const TYPE_CODE: &str = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983";
const FORMAT_CODE: &str = "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d";
const CONFIDENTIALITY: &str = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f";
const FACILITY_TYPE: &str = "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1";
const PRACTICE_SETTING: &str = "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead";
const EVENT_CODE: &str = "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4";
const AUTHOR: &str = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d";

const PATIENT_ID: (&str, &str) =
    ("urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427", "XDSDocumentEntry.patientId");
const UNIQUE_ID: (&str, &str) =
    ("urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab", "XDSDocumentEntry.uniqueId");

/// Who wrote a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The person, most often as XCN: `id^family^given^…`.
    pub person: Option<Personal<String>>,
    /// The person's specialties.
    pub specialties: Vec<String>,
}

/// One document of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentEntry {
    /// The entry in this answer; another one in the next.
    pub entry_id: String,
    /// The home community, `urn:oid:…`, as the peer wrote it.
    pub home: Option<String>,
    /// The repository.
    pub repository: String,
    /// The document, for good.
    pub document: String,
    /// What the peer says it is: `text/xml`, or what it holds.
    pub mime_type: String,
    /// The class.
    pub class: ClassCode,
    /// The type, most often the class again.
    pub type_code: Option<Coded>,
    /// The format.
    pub format: FormatCode,
    /// The confidentiality.
    pub confidentiality: Option<Coded>,
    /// The kind of facility; in practice the country.
    pub facility: Option<Coded>,
    /// The practice setting; not used in practice.
    pub practice_setting: Option<Coded>,
    /// When it was made, where that is readable.
    pub created: Option<Timestamp>,
    /// When the service began that it tells of.
    pub service_start: Option<Timestamp>,
    /// Its size in bytes; with some peers that of another file.
    pub size: Option<u64>,
    /// SHA-1 in hex; with some peers that of another file.
    pub hash: Option<String>,
    /// Its language.
    pub language: Option<String>,
    /// Whose it is.
    pub patient: Option<PatientId>,
    /// The title.
    pub title: Option<String>,
    /// The description, which peers write names into.
    pub description: Option<Personal<String>>,
    /// Who wrote it.
    pub authors: Vec<Author>,
    /// Facts about it, told as event codes.
    pub events: Vec<EventCode>,
}

/// What a national connector knows of a document; the profile's constants are added by [`DocumentEntry::new`].
#[derive(Clone, Debug)]
pub struct EntryFacts {
    /// A fresh id for the entry.
    pub entry_id: Uuid,
    /// The home community that answers.
    pub home: HomeCommunityId,
    /// The country that answers.
    pub country: CountryCode,
    /// The country's name in English.
    pub country_name: String,
    /// The document's id: root and extension of the ClinicalDocument, with `^` between.
    pub document: String,
    /// Its class.
    pub class: DocumentClass,
    /// Its level.
    pub level: Level,
    /// Whose it is, in the words of the query.
    pub patient: PatientId,
    /// When it was made.
    pub created: Timestamp,
    /// Size in bytes of what a retrieve hands out.
    pub size: u64,
    /// SHA-1, in hex, of what a retrieve hands out.
    pub hash: String,
    /// Its language, such as `it-IT`.
    pub language: String,
    /// Its description; no personal data belong here.
    pub description: String,
}

impl DocumentEntry {
    /// An entry with the constants of the profile.
    #[must_use]
    pub fn new(facts: EntryFacts) -> Self {
        let title = facts.class.title();
        let class = ClassCode::Known(facts.class);
        Self {
            entry_id: format!("urn:uuid:{}", facts.entry_id),
            home: Some(facts.home.urn()),
            repository: facts.home.oid().as_str().to_owned(),
            document: facts.document,
            mime_type: "text/xml".to_owned(),
            type_code: Some(Coded::new(class.code(), class.scheme(), title)),
            class,
            format: FormatCode::of(facts.class, facts.level),
            confidentiality: Some(Coded::new("N", "2.16.840.1.113883.5.25", "Normal")),
            facility: Some(Coded::new(facts.country.to_string(), "1.0.3166.1", facts.country_name)),
            practice_setting: Some(Coded::new(
                "Not Used",
                "eHDSI Practice Setting Codes-Not Used",
                "Not Used",
            )),
            created: Some(facts.created),
            service_start: None,
            size: Some(facts.size),
            hash: Some(facts.hash),
            language: Some(facts.language),
            patient: Some(facts.patient),
            title: Some(title.to_owned()),
            description: Some(Personal::new(facts.description)),
            authors: Vec::new(),
            events: Vec::new(),
        }
    }

    /// The level, by the format code alone.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        self.format.level()
    }

    /// The words by which this document is retrieved.
    #[must_use]
    pub fn request(&self) -> DocumentRequest {
        DocumentRequest {
            home: self.home.clone(),
            repository: self.repository.clone(),
            document: self.document.clone(),
        }
    }

    pub(super) fn read(object: Element<'_>) -> Result<Self, Malformed> {
        let attribute =
            |name| object.attribute(name).map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned);
        let classified = |scheme: &'static str| {
            object
                .children_named(RIM, "Classification")
                .filter(move |c| c.attribute("classificationScheme") == Some(scheme))
        };
        let coded = |scheme| classified(scheme).next().map(Coded::read);
        let needed = |value: Option<String>, name: &'static str| {
            value.ok_or_else(|| Malformed::at(object, format!("`{name}` is missing")))
        };
        let class = coded(CLASS_CODE).unwrap_or_default();
        let patient = external_value(object, PATIENT_ID).or_else(|| slot_value(object, "sourcePatientId"));
        Ok(Self {
            entry_id: needed(attribute("id"), "id")?,
            home: attribute("home"),
            repository: needed(slot_value(object, "repositoryUniqueId"), "repositoryUniqueId")?,
            document: needed(external_value(object, UNIQUE_ID), UNIQUE_ID.1)?,
            mime_type: attribute("mimeType").unwrap_or_default(),
            class: ClassCode::new(&class.code, &class.scheme),
            type_code: coded(TYPE_CODE),
            format: FormatCode::of_code(&coded(FORMAT_CODE).unwrap_or_default().code),
            confidentiality: coded(CONFIDENTIALITY),
            facility: coded(FACILITY_TYPE),
            practice_setting: coded(PRACTICE_SETTING),
            created: slot_value(object, "creationTime").and_then(|text| read_seconds(&text)),
            service_start: slot_value(object, "serviceStartTime").and_then(|text| read_seconds(&text)),
            size: slot_value(object, "size").and_then(|size| size.parse().ok()),
            hash: slot_value(object, "hash"),
            language: slot_value(object, "languageCode"),
            patient: patient.and_then(|cx| PatientId::parse_cx(&cx).ok()),
            title: localised_value(object, "Name"),
            description: localised_value(object, "Description").map(Personal::new),
            authors: classified(AUTHOR).map(Author::read).collect(),
            events: classified(EVENT_CODE).map(|c| EventCode::of(Coded::read(c))).collect(),
        })
    }

    pub(super) fn write(&self) -> El {
        let mut ids = PartIds::new(&self.entry_id);
        let cx = self.patient.as_ref().map(PatientId::to_cx);
        let option = |name, value: Option<String>| value.map(|value| slot(name, [value]));
        let named = |local, value: Option<String>| value.map(|value| localised(local, value));
        let format = Coded::new(self.format.code(), self.format.scheme(), self.format.display());
        let title = self.title.clone().unwrap_or_default();
        let class = Coded::new(self.class.code(), self.class.scheme(), title);
        let mut object = rim("ExtrinsicObject")
            .attr("id", self.entry_id.clone())
            .attr("lid", self.entry_id.clone())
            .opt_attr("home", self.home.clone())
            .attr("mimeType", self.mime_type.clone())
            .attr("objectType", DOCUMENT_ENTRY)
            .attr("status", APPROVED)
            .opt_child(option("sourcePatientId", cx.clone()))
            .opt_child(option("size", self.size.map(|size| size.to_string())))
            .opt_child(option("hash", self.hash.clone()))
            .opt_child(option("creationTime", self.created.map(write_seconds)))
            .opt_child(option("serviceStartTime", self.service_start.map(write_seconds)))
            .child(slot("repositoryUniqueId", [self.repository.clone()]))
            .opt_child(option("languageCode", self.language.clone()))
            .opt_child(named("Name", self.title.clone()))
            .opt_child(named("Description", self.description.as_ref().map(|d| d.reveal().clone())))
            .child(rim("VersionInfo").attr("versionName", "1.1"));
        let classifications = [
            (CONFIDENTIALITY, self.confidentiality.as_ref()),
            (CLASS_CODE, Some(&class)),
            (TYPE_CODE, self.type_code.as_ref()),
            (FACILITY_TYPE, self.facility.as_ref()),
            (PRACTICE_SETTING, self.practice_setting.as_ref()),
            (FORMAT_CODE, Some(&format)),
        ];
        for (scheme, value) in classifications {
            object = object.opt_child(value.map(|value| classification(&mut ids, scheme, value)));
        }
        for event in &self.events {
            object = object.child(classification(&mut ids, EVENT_CODE, &event.coded()));
        }
        for author in &self.authors {
            object = object.child(author.write(&mut ids));
        }
        if let Some(cx) = cx {
            object = object.child(external_identifier(&mut ids, PATIENT_ID.0, PATIENT_ID.1, cx));
        }
        object.child(external_identifier(&mut ids, UNIQUE_ID.0, UNIQUE_ID.1, self.document.clone()))
    }
}

impl Author {
    fn read(classification: Element<'_>) -> Self {
        Self {
            person: slot_value(classification, "authorPerson").map(Personal::new),
            specialties: slot_values(classification, "authorSpecialty"),
        }
    }

    fn write(&self, ids: &mut PartIds<'_>) -> El {
        // The slot is written also when it is empty: peers read the first slot of each classification.
        let person = self.person.as_ref().map(|person| person.reveal().clone()).unwrap_or_default();
        let specialties =
            (!self.specialties.is_empty()).then(|| slot("authorSpecialty", self.specialties.iter().cloned()));
        bare_classification(ids, AUTHOR, String::new())
            .child(slot("authorPerson", [person]))
            .opt_child(specialties)
    }
}

/// An external identifier by its scheme, else by its name in any case.
fn external_value(object: Element<'_>, (scheme, name): (&str, &str)) -> Option<String> {
    let all = || object.children_named(RIM, "ExternalIdentifier");
    let of_name =
        |id: &Element<'_>| localised_value(*id, "Name").is_some_and(|n| n.eq_ignore_ascii_case(name));
    let found = all()
        .find(|id| id.attribute("identificationScheme") == Some(scheme))
        .or_else(|| all().find(of_name))?;
    found.attribute("value").map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}

/// A time to the second, which is all that is written.
fn read_seconds(text: &str) -> Option<Timestamp> {
    Timestamp::from_second(hl7::read_time(text)?.as_second()).ok()
}

/// `yyyyMMddHHmmss`: peers drop a time of any other length.
fn write_seconds(time: Timestamp) -> String {
    hl7::write_time(time).chars().take(14).collect()
}
