//! `controlActProcess/subject`: one patient who matches.

use konfido_circle::{Oid, PatientId, Personal};
use konfido_xml::{El, Element, ns};

use super::demographics::{self, Address, Demographics, PersonName};
use crate::hl7::{self, child, coded, descend, hl7, required};
use crate::malformed::Malformed;

/// A patient who matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatientMatch {
    /// The id by which the patient is known from here on, which may differ from the one that was asked for.
    pub id: PatientId,
    /// Who it is.
    pub demographics: Personal<Demographics>,
    /// How well it matches, of 100.
    pub score: Option<u8>,
    /// The home community that holds the patient's data, as the peer wrote it.
    pub custodian: Option<String>,
}

impl PatientMatch {
    pub(super) fn read(subject: Element<'_>) -> Result<Self, Malformed> {
        let event = required(subject, "registrationEvent")?;
        let patient = required(required(event, "subject1")?, "patient")?;
        let person = required(patient, "patientPerson")?;
        let birth = match child(person, "birthTime") {
            Some(time) => demographics::read_birth(time)?,
            None => None,
        };
        let addresses = person.children_named(hl7::NS, "addr").chain(patient.children_named(hl7::NS, "addr"));
        let demographics = Demographics {
            names: person
                .children_named(hl7::NS, "name")
                .map(PersonName::read)
                .filter(|name| !name.is_empty())
                .collect(),
            gender: child(person, "administrativeGenderCode").and_then(demographics::read_gender),
            birth,
            addresses: addresses.map(Address::read).filter(|a| !a.is_empty()).collect(),
        };
        let score = descend(patient, &["subjectOf1", "queryMatchObservation", "value"])
            .and_then(|value| value.attribute("value")?.parse().ok())
            .filter(|score| *score <= 100);
        let custodian = descend(event, &["custodian", "assignedEntity", "id"])
            .and_then(|id| id.attribute("root").map(str::to_owned));
        let id = read_patient_id(required(patient, "id")?)?;
        Ok(Self { id, demographics: Personal::new(demographics), score, custodian })
    }

    /// Family name, given name and street in one element each: of several the reference implementation shows only the last.
    pub(super) fn in_one_of_each(self) -> Self {
        let demographics = self.demographics.map(|mut known| {
            known.names.iter_mut().for_each(PersonName::join);
            known.addresses.iter_mut().for_each(Address::join);
            known
        });
        Self { demographics, ..self }
    }

    pub(super) fn write(&self) -> El {
        let known = self.demographics.reveal();
        let nameless = known.names.is_empty().then(|| hl7("name").attr("nullFlavor", "NI"));
        let gender =
            known.gender.as_ref().map(|gender| coded("administrativeGenderCode", gender.code().to_owned()));
        let person = hl7("patientPerson")
            .attr("classCode", "PSN")
            .attr("determinerCode", "INSTANCE")
            .opt_child(nameless)
            .children(known.names.iter().map(|name| name.write("name")))
            .opt_child(gender)
            .opt_child(known.birth.map(|birth| hl7("birthTime").attr("value", birth.to_hl7())))
            .children(known.addresses.iter().map(|address| address.write("addr", "streetAddressLine")));
        let value = hl7("value")
            .attr_ns(ns::XSI, "xsi", "type", "INT")
            .opt_attr("value", self.score.map(|score| score.to_string()))
            .opt_attr("nullFlavor", self.score.is_none().then_some("NI"));
        let observation = hl7("queryMatchObservation")
            .attr("classCode", "OBS")
            .attr("moodCode", "EVN")
            .child(coded("code", "IHE_PDQ").attr("codeSystem", "2.16.840.1.113883.1.11.19914"))
            .child(value);
        let patient = hl7("patient")
            .attr("classCode", "PAT")
            .child(
                hl7("id")
                    .attr("root", self.id.root().as_str().to_owned())
                    .attr("extension", self.id.extension().reveal().clone()),
            )
            .child(coded("statusCode", "active"))
            .child(person)
            .child(hl7("subjectOf1").child(observation));
        let custodian = hl7("assignedEntity")
            .attr("classCode", "ASSIGNED")
            .child(hl7("id").opt_attr("root", self.custodian.clone()))
            .child(coded("code", "NotHealthDataLocator").attr("codeSystem", "1.3.6.1.4.1.19376.1.2.27.2"));
        let event = hl7("registrationEvent")
            .attr("classCode", "REG")
            .attr("moodCode", "EVN")
            .child(hl7("id").attr("nullFlavor", "NA"))
            .child(coded("statusCode", "active"))
            .child(hl7("subject1").attr("typeCode", "SBJ").child(patient))
            .child(hl7("custodian").attr("typeCode", "CST").child(custodian));
        hl7("subject").attr("typeCode", "SUBJ").child(event)
    }
}

fn read_patient_id(id: Element<'_>) -> Result<PatientId, Malformed> {
    let root = id.attribute("root").ok_or_else(|| Malformed::at(id, "the patient's id needs a root"))?;
    let root =
        Oid::new(root.trim()).map_err(|_| Malformed::at(id, "the patient's id needs an OID as root"))?;
    let extension = id.attribute("extension").unwrap_or_default().trim();
    PatientId::new(root, extension).map_err(|e| Malformed::at(id, e.to_string()))
}
