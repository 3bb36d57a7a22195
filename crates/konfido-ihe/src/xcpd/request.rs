//! `PRPA_IN201305UV02`: the query for a patient.

use jiff::Timestamp;
use konfido_circle::{HomeCommunityId, Oid, PatientId, Personal};
use konfido_xml::{El, Element};

use super::demographics::{self, Address, Demographics, PersonName};
use crate::hl7::{self, InstanceId, child, coded, descend, hl7, required};
use crate::malformed::Malformed;
use crate::transaction::Transaction;

const INTERACTION: &str = "2.16.840.1.113883.1.6";

/// A communicating device: the gateway of a home community.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The device's id: the home community without `urn:oid:`.
    pub id: InstanceId,
    /// The organisation it acts for; the reference implementation needs it in the sender of a request.
    pub organisation: Option<InstanceId>,
}

/// One identifier by which the patient is asked for, as the peer wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectId {
    /// Who gave it out.
    pub root: Option<String>,
    /// The number.
    pub extension: Option<Personal<String>>,
}

/// What is known of the patient who is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatientCriteria {
    /// The identifiers.
    pub ids: Vec<SubjectId>,
    /// Everything else.
    pub demographics: Personal<Demographics>,
}

/// The request of ITI-55.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XcpdRequest {
    /// The message.
    pub id: InstanceId,
    /// When it was written, if that is readable.
    pub created: Option<Timestamp>,
    /// For whom it is.
    pub receiver: Device,
    /// Who wrote it.
    pub sender: Device,
    /// The query. The reference implementation sends one constant: never a key.
    pub query_id: InstanceId,
    /// Who is looked for.
    pub criteria: PatientCriteria,
}

impl Device {
    /// The gateway of this home community.
    #[must_use]
    pub fn of(home: &HomeCommunityId) -> Self {
        let id = InstanceId::new(home.oid().as_str(), None);
        Self { organisation: Some(id.clone()), id }
    }

    /// True if this is the gateway of `home`. The bare OID is the profile's form; a `urn:oid:` before it is taken too.
    #[must_use]
    pub fn is(&self, home: &HomeCommunityId) -> bool {
        let root = self.id.root();
        root.strip_prefix("urn:oid:").unwrap_or(root) == home.oid().as_str()
    }

    pub(super) fn read(participant: Element<'_>) -> Result<Self, Malformed> {
        let device = required(participant, "device")?;
        let organisation = descend(device, &["asAgent", "representedOrganization", "id"])
            .map(InstanceId::read)
            .transpose()?;
        Ok(Self { id: InstanceId::read(required(device, "id")?)?, organisation })
    }

    pub(super) fn write(&self, local: &'static str, type_code: &'static str) -> El {
        let agent = self.organisation.as_ref().map(|organisation| {
            hl7("asAgent").attr("classCode", "AGNT").child(
                hl7("representedOrganization")
                    .attr("classCode", "ORG")
                    .attr("determinerCode", "INSTANCE")
                    .child(organisation.write("id")),
            )
        });
        let device = hl7("device")
            .attr("classCode", "DEV")
            .attr("determinerCode", "INSTANCE")
            .child(self.id.write("id"))
            .opt_child(agent);
        hl7(local).attr("typeCode", type_code).child(device)
    }
}

impl SubjectId {
    /// The identifier as a patient id, if it is whole.
    #[must_use]
    pub fn patient_id(&self) -> Option<PatientId> {
        let root = Oid::new(self.root.as_deref()?).ok()?;
        PatientId::new(root, self.extension.as_ref()?.reveal().as_str()).ok()
    }
}

impl From<&PatientId> for SubjectId {
    fn from(id: &PatientId) -> Self {
        Self { root: Some(id.root().as_str().to_owned()), extension: Some(id.extension().clone()) }
    }
}

impl PatientCriteria {
    /// A query by identifiers alone.
    #[must_use]
    pub fn by_ids<'a>(ids: impl IntoIterator<Item = &'a PatientId>) -> Self {
        Self { ids: ids.into_iter().map(SubjectId::from).collect(), demographics: Personal::default() }
    }

    /// The identifiers that are whole.
    pub fn patient_ids(&self) -> impl Iterator<Item = PatientId> {
        self.ids.iter().filter_map(SubjectId::patient_id)
    }

    pub(super) fn read(list: Element<'_>) -> Result<Self, Malformed> {
        let values = |parameter: &'static str| {
            list.children_named(hl7::NS, parameter).flat_map(|p| p.children_named(hl7::NS, "value"))
        };
        let ids = values("livingSubjectId")
            .map(|value| SubjectId {
                root: value.attribute("root").map(|root| root.trim().to_owned()),
                extension: value.attribute("extension").map(|ext| Personal::new(ext.trim().to_owned())),
            })
            .collect();
        let birth = match values("livingSubjectBirthTime").next() {
            Some(time) => demographics::read_birth(time)?,
            None => None,
        };
        let demographics = Demographics {
            names: values("livingSubjectName")
                .map(PersonName::read)
                .filter(|name| !name.is_empty())
                .collect(),
            gender: values("livingSubjectAdministrativeGender").find_map(demographics::read_gender),
            birth,
            addresses: values("patientAddress").map(Address::read).filter(|a| !a.is_empty()).collect(),
        };
        Ok(Self { ids, demographics: Personal::new(demographics) })
    }

    /// Parameters in the order of the schema, one element for each value.
    pub(super) fn write(&self) -> El {
        let known = self.demographics.reveal();
        let gender = known.gender.as_ref().map(|gender| {
            parameter(
                "livingSubjectAdministrativeGender",
                coded("value", gender.code().to_owned()),
                "LivingSubject.administrativeGender",
            )
        });
        let birth = known.birth.map(|birth| {
            let value = hl7("value").attr("value", birth.to_hl7());
            parameter("livingSubjectBirthTime", value, "LivingSubject.birthTime")
        });
        let ids = self.ids.iter().map(|id| {
            let value = hl7("value")
                .opt_attr("root", id.root.clone())
                .opt_attr("extension", id.extension.as_ref().map(|extension| extension.reveal().clone()));
            parameter("livingSubjectId", value, "LivingSubject.id")
        });
        let names = known
            .names
            .iter()
            .map(|name| parameter("livingSubjectName", name.write("value"), "LivingSubject.name"));
        let addresses = known
            .addresses
            .iter()
            .map(|address| parameter("patientAddress", address.write("value", "streetName"), "Patient.addr"));
        hl7("parameterList")
            .opt_child(gender)
            .opt_child(birth)
            .children(ids)
            .children(names)
            .children(addresses)
    }
}

fn parameter(local: &'static str, value: El, semantics: &'static str) -> El {
    hl7(local).child(value).child(hl7("semanticsText").text(semantics))
}

impl XcpdRequest {
    /// Reads the element `PRPA_IN201305UV02`.
    pub fn parse(message: Element<'_>) -> Result<Self, Malformed> {
        let (namespace, root) = Transaction::PatientDiscovery.request_root();
        if !message.is(namespace, root) {
            return Err(Malformed::at(message, "not a query for a patient"));
        }
        let query = required(required(message, "controlActProcess")?, "queryByParameter")?;
        Ok(Self {
            id: InstanceId::read(required(message, "id")?)?,
            created: read_created(message),
            receiver: Device::read(required(message, "receiver")?)?,
            sender: Device::read(required(message, "sender")?)?,
            query_id: InstanceId::read(required(query, "queryId")?)?,
            criteria: PatientCriteria::read(required(query, "parameterList")?)?,
        })
    }

    /// Writes the element `PRPA_IN201305UV02`.
    #[must_use]
    pub fn to_element(&self) -> El {
        let author = hl7("authorOrPerformer")
            .attr("typeCode", "AUT")
            .child(hl7("assignedPerson").attr("classCode", "ASSIGNED"));
        let query = hl7("queryByParameter")
            .child(self.query_id.write("queryId"))
            .child(coded("statusCode", "new"))
            .child(coded("responseModalityCode", "R"))
            .child(coded("responsePriorityCode", "I"))
            .child(hl7("matchCriterionList"))
            .child(self.criteria.write());
        let act = hl7("controlActProcess")
            .attr("classCode", "CACT")
            .attr("moodCode", "EVN")
            .child(coded("code", "PRPA_TE201305UV02").attr("codeSystem", INTERACTION))
            .child(author)
            .child(query);
        header("PRPA_IN201305UV02", &self.id, self.created, "AL")
            .child(self.receiver.write("receiver", "RCV"))
            .child(self.sender.write("sender", "SND"))
            .child(act)
    }
}

/// `creationTime`, where it is readable: nothing depends on it.
pub(super) fn read_created(message: Element<'_>) -> Option<Timestamp> {
    child(message, "creationTime").and_then(|time| hl7::read_time(time.attribute("value")?))
}

/// The transmission wrapper up to the receiver.
pub(super) fn header(
    interaction: &'static str,
    id: &InstanceId,
    created: Option<Timestamp>,
    accept_ack: &'static str,
) -> El {
    let interaction_id = InstanceId::new(INTERACTION, Some(interaction.to_owned()));
    hl7(interaction)
        .attr("ITSVersion", "XML_1.0")
        .child(id.write("id"))
        .child(hl7("creationTime").opt_attr("value", created.map(hl7::write_time)))
        .child(coded("versionCode", "V3PR1"))
        .child(interaction_id.write("interactionId"))
        .child(coded("processingCode", "P"))
        .child(coded("processingModeCode", "T"))
        .child(coded("acceptAckCode", accept_ack))
}
