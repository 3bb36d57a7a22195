//! The header of a CDA document (CDA R2, 4.2; eHDSI profile): what it is, of whom, by whom, kept where.

mod participation;
mod patient;

pub use participation::{
    Author, Contact, CustodianOrganisation, LegalAuthenticator, Organisation, Performer, Person,
};
pub use patient::{Address, Guardian, Patient, PersonName, Telecom};

use konfido_xml::Element;

use crate::{
    narrative::Narrative,
    tree::Walk,
    value::{Coded, InstanceId, Interval, Moment, silent_debug},
};

/// Everything before the body. Lists keep document order; what the profile demands once may still be absent,
/// which [`crate::rules`] reports.
#[derive(Clone)]
#[non_exhaustive]
pub struct Header<'d> {
    /// `id`.
    pub id: Option<InstanceId<'d>>,
    /// `code`: the document type.
    pub code: Option<Coded<'d>>,
    /// Roots of the document's `templateId`s.
    pub templates: Vec<&'d str>,
    /// `title`.
    pub title: Option<String>,
    /// `effectiveTime`: when this document was made.
    pub effective_time: Option<Moment<'d>>,
    /// `confidentialityCode`.
    pub confidentiality: Option<Coded<'d>>,
    /// `languageCode/@code`.
    pub language: Option<&'d str>,
    /// `setId`: common to all formats and versions of one document.
    pub set_id: Option<InstanceId<'d>>,
    /// `versionNumber/@value`.
    pub version: Option<&'d str>,
    /// `recordTarget`s; one in practice.
    pub patients: Vec<Patient<'d>>,
    /// `author`s.
    pub authors: Vec<Author<'d>>,
    /// `custodian`.
    pub custodian: Option<CustodianOrganisation<'d>>,
    /// `legalAuthenticator`.
    pub legal_authenticator: Option<LegalAuthenticator<'d>>,
    /// `informant`s and `participant`s: relatives, emergency contacts, the preferred professional.
    pub contacts: Vec<Contact<'d>>,
    /// `documentationOf`.
    pub services: Vec<ServiceEvent<'d>>,
    /// `inFulfillmentOf/order/id`: the prescription that a dispensation fulfils.
    pub fulfils: Vec<InstanceId<'d>>,
    /// `relatedDocument`s: type code (`XFRM`, `APND`, `RPLC`) and the parent's id.
    pub related: Vec<(&'d str, Option<InstanceId<'d>>)>,
}

/// Care that the document is about (`documentationOf/serviceEvent`); its end is the last update of a summary.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServiceEvent<'d> {
    /// `@classCode`; `PCPR` for a summary.
    pub class: Option<&'d str>,
    /// From when to when.
    pub time: Option<Interval<'d>>,
    /// Who gave the care.
    pub performers: Vec<Performer<'d>>,
}

silent_debug!(Header, ServiceEvent);

impl<'d> Header<'d> {
    /// Reads the header below `ClinicalDocument`.
    pub fn new(root: Element<'d>) -> Self {
        // Header elements may not refer to narrative: there is none.
        let none = &Narrative::default();
        let contacts = root.every("informant").chain(root.every("participant"));
        Self {
            id: root.hl7("id").map(InstanceId::new),
            code: root.hl7("code").map(|code| Coded::new(code, none)),
            templates: root.every("templateId").filter_map(|template| template.attribute("root")).collect(),
            title: root.hl7("title").map(Walk::label).filter(|title| !title.is_empty()),
            effective_time: root.hl7("effectiveTime").and_then(|time| Moment::new(time.attribute("value")?)),
            confidentiality: root.hl7("confidentialityCode").map(|code| Coded::new(code, none)),
            language: root.hl7("languageCode").and_then(|language| language.attribute("code")),
            set_id: root.hl7("setId").map(InstanceId::new),
            version: root.hl7("versionNumber").and_then(|version| version.attribute("value")),
            patients: root.every("recordTarget").filter_map(Patient::new).collect(),
            authors: root.every("author").map(Author::new).collect(),
            custodian: root.hl7("custodian").and_then(CustodianOrganisation::new),
            legal_authenticator: root.hl7("legalAuthenticator").map(LegalAuthenticator::new),
            contacts: contacts.filter_map(Contact::new).collect(),
            services: root.every("documentationOf").filter_map(ServiceEvent::new).collect(),
            fulfils: root
                .every("inFulfillmentOf")
                .filter_map(|fulfilment| fulfilment.at(&["order", "id"]))
                .map(InstanceId::new)
                .collect(),
            related: root
                .every("relatedDocument")
                .map(|related| {
                    let parent = related.at(&["parentDocument", "id"]).map(InstanceId::new);
                    (related.attribute("typeCode").unwrap_or_default(), parent)
                })
                .collect(),
        }
    }

    /// The patient; a document of several has no one patient.
    pub fn patient(&self) -> Option<&Patient<'d>> {
        match self.patients.as_slice() {
            [patient] => Some(patient),
            _ => None,
        }
    }

    /// Last update of the content, if the document tells it apart from its own making.
    pub fn last_update(&self) -> Option<Moment<'d>> {
        self.services.iter().find_map(|service| service.time?.high)
    }
}

impl<'d> ServiceEvent<'d> {
    fn new(documentation: Element<'d>) -> Option<Self> {
        let event = documentation.hl7("serviceEvent")?;
        Some(Self {
            class: event.attribute("classCode"),
            time: event.hl7("effectiveTime").map(Interval::new),
            performers: event.every("performer").map(Performer::new).collect(),
        })
    }
}
