//! Those who took part: authors, custodian, legal authenticator, performers, contacts.

use konfido_circle::Personal;
use konfido_xml::Element;

use crate::{
    header::{Address, PersonName, Telecom},
    narrative::Narrative,
    tree::Walk,
    value::{Coded, InstanceId, Moment, silent_debug},
};

/// An organisation. Its name is public and so isn't wrapped.
#[derive(Clone)]
#[non_exhaustive]
pub struct Organisation<'d> {
    /// Identifiers.
    pub ids: Vec<InstanceId<'d>>,
    /// Name.
    pub name: Option<String>,
    /// Addresses.
    pub addresses: Vec<Address<'d>>,
    /// Telecoms.
    pub telecoms: Vec<Telecom<'d>>,
}

/// A professional, relative or device in a role.
#[derive(Clone)]
#[non_exhaustive]
pub struct Person<'d> {
    /// Identifiers.
    pub ids: Vec<InstanceId<'d>>,
    /// Profession or relationship.
    pub code: Option<Coded<'d>>,
    /// Names; empty for a device.
    pub names: Vec<PersonName<'d>>,
    /// Manufacturer's model and software name, when a device wrote the document.
    pub device: Option<String>,
    /// Addresses.
    pub addresses: Vec<Address<'d>>,
    /// Telecoms.
    pub telecoms: Vec<Telecom<'d>>,
    /// The organisation acted for.
    pub organisation: Option<Organisation<'d>>,
}

/// `author`.
#[derive(Clone)]
#[non_exhaustive]
pub struct Author<'d> {
    /// In which function.
    pub function: Option<Coded<'d>>,
    /// When the part was taken.
    pub time: Option<Moment<'d>>,
    /// Who.
    pub person: Person<'d>,
}

/// `legalAuthenticator`.
#[derive(Clone)]
#[non_exhaustive]
pub struct LegalAuthenticator<'d> {
    /// When the document was signed.
    pub time: Option<Moment<'d>>,
    /// `signatureCode/@code`.
    pub signature: Option<&'d str>,
    /// Who.
    pub person: Person<'d>,
}

/// `custodian`: who keeps the document.
#[derive(Clone)]
#[non_exhaustive]
pub struct CustodianOrganisation<'d>(pub Organisation<'d>);

/// `documentationOf/serviceEvent/performer`, and performers of entries.
#[derive(Clone)]
#[non_exhaustive]
pub struct Performer<'d> {
    /// In which function.
    pub function: Option<Coded<'d>>,
    /// Who.
    pub person: Person<'d>,
}

/// An `informant` or `participant` of the header.
#[derive(Clone)]
#[non_exhaustive]
pub struct Contact<'d> {
    /// `participant/@typeCode`, or `INF`.
    pub kind: &'d str,
    /// `associatedEntity/@classCode`: `NOK` next of kin, `ECON` emergency contact, `PRS`, `AGNT`, `CAREGIVER`.
    pub class: Option<&'d str>,
    /// `functionCode`; `PCP` marks the preferred professional.
    pub function: Option<Coded<'d>>,
    /// Who.
    pub person: Person<'d>,
}

silent_debug!(Organisation, Person, Author, LegalAuthenticator, CustodianOrganisation, Performer, Contact);

impl<'d> Organisation<'d> {
    /// Reads an organisation of any role name.
    pub fn new(element: Element<'d>) -> Self {
        Self {
            ids: element.every("id").map(InstanceId::new).collect(),
            name: element.hl7("name").map(Walk::label).filter(|name| !name.is_empty()),
            addresses: Address::all(element),
            telecoms: Telecom::all(element),
        }
    }
}

impl<'d> Person<'d> {
    /// Reads a role (`assignedAuthor`, `assignedEntity`, `associatedEntity`, `relatedEntity`).
    pub fn new(role: Element<'d>) -> Self {
        let person = ["assignedPerson", "associatedPerson", "relatedPerson"]
            .into_iter()
            .find_map(|name| role.hl7(name));
        let organisation =
            ["representedOrganization", "scopingOrganization"].into_iter().find_map(|name| role.hl7(name));
        Self {
            ids: role.every("id").map(InstanceId::new).collect(),
            code: role.hl7("code").map(|code| Coded::new(code, &Narrative::default())),
            names: person.map(PersonName::all).unwrap_or_default(),
            device: role.hl7("assignedAuthoringDevice").map(|device| {
                let parts =
                    ["manufacturerModelName", "softwareName"].into_iter().filter_map(|name| device.hl7(name));
                parts.map(Walk::label).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
            }),
            addresses: Address::all(role),
            telecoms: Telecom::all(role),
            organisation: organisation.map(Organisation::new),
        }
    }

    fn empty() -> Self {
        Self {
            ids: Vec::new(),
            code: None,
            names: Vec::new(),
            device: None,
            addresses: Vec::new(),
            telecoms: Vec::new(),
            organisation: None,
        }
    }

    /// The name to show, or the device's.
    pub fn name(&self) -> Option<Personal<String>> {
        let spoken = self.names.iter().find(|name| !name.is_empty()).map(PersonName::spoken);
        spoken.or_else(|| self.device.clone().filter(|device| !device.is_empty()).map(Personal::new))
    }
}

fn function(element: Element<'_>) -> Option<Coded<'_>> {
    element.hl7("functionCode").map(|code| Coded::new(code, &Narrative::default()))
}

fn time(element: Element<'_>) -> Option<Moment<'_>> {
    let time = element.hl7("time")?;
    time.attribute("value").or_else(|| time.hl7("low")?.attribute("value")).and_then(Moment::new)
}

fn person<'d>(element: Element<'d>, role: &'static str) -> Person<'d> {
    element.hl7(role).map_or_else(Person::empty, Person::new)
}

impl<'d> Author<'d> {
    pub(super) fn new(element: Element<'d>) -> Self {
        Self { function: function(element), time: time(element), person: person(element, "assignedAuthor") }
    }
}

impl<'d> LegalAuthenticator<'d> {
    pub(super) fn new(element: Element<'d>) -> Self {
        Self {
            time: time(element),
            signature: element.hl7("signatureCode").and_then(|code| code.attribute("code")),
            person: person(element, "assignedEntity"),
        }
    }
}

impl<'d> CustodianOrganisation<'d> {
    pub(super) fn new(element: Element<'d>) -> Option<Self> {
        element
            .at(&["assignedCustodian", "representedCustodianOrganization"])
            .map(|organisation| Self(Organisation::new(organisation)))
    }
}

impl<'d> Performer<'d> {
    pub(crate) fn new(element: Element<'d>) -> Self {
        Self { function: function(element), person: person(element, "assignedEntity") }
    }
}

impl<'d> Contact<'d> {
    pub(super) fn new(element: Element<'d>) -> Option<Self> {
        let role = ["associatedEntity", "relatedEntity", "assignedEntity"]
            .into_iter()
            .find_map(|name| element.hl7(name))?;
        Some(Self {
            kind: element.attribute("typeCode").unwrap_or("INF"),
            class: role.attribute("classCode"),
            function: function(element),
            person: Person::new(role),
        })
    }

    /// Whether this is the professional to ask about the patient.
    pub fn is_preferred_professional(&self) -> bool {
        self.function.as_ref().is_some_and(|function| function.is("2.16.840.1.113883.5.88", "PCP"))
    }
}
