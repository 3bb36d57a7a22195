//! `PRPA_IN201306UV02`: the answer to the query for a patient.

use jiff::Timestamp;
use konfido_circle::{HomeCommunityId, Oid, PatientId, Personal};
use konfido_xml::{El, Element, ns};

use super::demographics::{self, Address, Demographics, PersonName};
use super::error::{self, XcpdRefusal};
use super::reason::ReasonCode;
use super::request::{Device, PatientCriteria, XcpdRequest, header, read_created};
use crate::error::EhdsiError;
use crate::hl7::{self, InstanceId, child, code_of, coded, descend, hl7, required};
use crate::malformed::Malformed;
use crate::refusal::Refusal;

/// How the message was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AckCode {
    /// `AA`: application accept.
    Accept,
    /// `AE`: application error.
    Error,
    /// Anything else, such as `AR`.
    Other(String),
}

/// What an acknowledgement detail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckDetailType {
    /// `E`.
    Error,
    /// `W`.
    Warning,
    /// `I`.
    Information,
}

/// One thing that went wrong, or is worth saying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AckDetail {
    /// What it is; the reference implementation does not say.
    pub kind: Option<AckDetailType>,
    /// The code.
    pub code: Option<EhdsiError>,
    /// What the peer says about it.
    pub text: String,
    /// Where the peer says it happened; some peers put the explanation here.
    pub location: String,
}

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

/// How the query went, by HL7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryAck {
    /// The query.
    pub query_id: Option<InstanceId>,
    /// `deliveredResponse`, `aborted`, or what else peers write: `OK`, `AE`, `completed`.
    pub status: Option<String>,
    /// `OK`, `NF`, `AE`, `QE`.
    pub response: Option<String>,
}

/// The query, repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryEcho {
    /// The query.
    pub query_id: InstanceId,
    /// What was asked for.
    pub criteria: PatientCriteria,
}

/// The answer of ITI-55. What it says is told by [`XcpdResponse::outcome`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XcpdResponse {
    pub(super) id: InstanceId,
    pub(super) created: Option<Timestamp>,
    pub(super) receiver: Option<Device>,
    pub(super) sender: Option<Device>,
    pub(super) ack: Option<AckCode>,
    pub(super) target: Option<InstanceId>,
    pub(super) details: Vec<AckDetail>,
    pub(super) matches: Vec<PatientMatch>,
    /// One entry for each `reasonOf`; `None` where it holds no code.
    pub(super) reasons: Vec<Option<ReasonCode>>,
    pub(super) query_ack: QueryAck,
    pub(super) echo: Option<QueryEcho>,
}

impl AckCode {
    fn of(code: &str) -> Self {
        match code {
            "AA" => Self::Accept,
            "AE" => Self::Error,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The code on the wire.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Accept => "AA",
            Self::Error => "AE",
            Self::Other(code) => code,
        }
    }
}

impl AckDetail {
    fn read(detail: Element<'_>) -> Self {
        let text = |local| child(detail, local).map(|e| e.text().trim().to_owned()).unwrap_or_default();
        Self {
            kind: match detail.attribute("typeCode") {
                Some("E") => Some(AckDetailType::Error),
                Some("W") => Some(AckDetailType::Warning),
                Some("I") => Some(AckDetailType::Information),
                _ => None,
            },
            code: code_of(detail, "code").map(|code| EhdsiError::from_wire(&code)),
            text: text("text"),
            location: text("location"),
        }
    }

    fn write(&self) -> El {
        let kind = self.kind.map(|kind| match kind {
            AckDetailType::Error => "E",
            AckDetailType::Warning => "W",
            AckDetailType::Information => "I",
        });
        let code = self.code.as_ref().map(|code| coded("code", code.wire().into_owned()));
        hl7("acknowledgementDetail")
            .opt_attr("typeCode", kind)
            .opt_child(code)
            .child(hl7("text").text(self.text.clone()))
            .child(hl7("location").text(self.location.clone()))
    }

    /// True if this is an error and no mere warning.
    pub(super) fn is_error(&self) -> bool {
        match self.kind {
            Some(AckDetailType::Warning | AckDetailType::Information) => false,
            Some(AckDetailType::Error) | None => !self.code.as_ref().is_some_and(EhdsiError::is_warning),
        }
    }
}

impl PatientMatch {
    fn read(subject: Element<'_>) -> Result<Self, Malformed> {
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
    fn in_one_of_each(self) -> Self {
        let demographics = self.demographics.map(|mut known| {
            known.names.iter_mut().for_each(PersonName::join);
            known.addresses.iter_mut().for_each(Address::join);
            known
        });
        Self { demographics, ..self }
    }

    fn write(&self) -> El {
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

impl XcpdResponse {
    /// The answer that these patients match; nobody is the answer [`Refusal::NotFound`].
    #[must_use]
    pub fn found(
        request: &XcpdRequest,
        from: &HomeCommunityId,
        id: InstanceId,
        now: Timestamp,
        patients: Vec<PatientMatch>,
    ) -> Self {
        if patients.is_empty() {
            return Self::refused(request, from, id, now, &Refusal::NotFound);
        }
        let mut answer = Self::of(request, from, id, now, AckCode::Accept, "deliveredResponse", "OK");
        answer.matches = patients
            .into_iter()
            .map(|patient| {
                let custodian = patient.custodian.clone().or_else(|| Some(from.oid().as_str().to_owned()));
                PatientMatch { custodian, ..patient.in_one_of_each() }
            })
            .collect();
        answer
    }

    /// The answer that nobody is told, and why.
    #[must_use]
    pub fn refused(
        request: &XcpdRequest,
        from: &HomeCommunityId,
        id: InstanceId,
        now: Timestamp,
        refusal: &Refusal,
    ) -> Self {
        let XcpdRefusal { ack, response, reason, code } = error::wire(refusal);
        let status = if response == "AE" { "aborted" } else { "deliveredResponse" };
        let mut answer = Self::of(request, from, id, now, ack, status, response);
        answer.details.push(AckDetail {
            kind: Some(AckDetailType::Error),
            text: code.sentence(),
            code: Some(code),
            location: from.urn(),
        });
        answer.reasons.push(Some(reason));
        answer
    }

    fn of(
        request: &XcpdRequest,
        from: &HomeCommunityId,
        id: InstanceId,
        now: Timestamp,
        ack: AckCode,
        status: &str,
        response: &str,
    ) -> Self {
        Self {
            id,
            created: Some(now),
            receiver: Some(request.sender.clone()),
            sender: Some(Device::of(from)),
            ack: Some(ack),
            target: Some(request.id.clone()),
            details: Vec::new(),
            matches: Vec::new(),
            reasons: Vec::new(),
            query_ack: QueryAck {
                query_id: Some(request.query_id.clone()),
                status: Some(status.to_owned()),
                response: Some(response.to_owned()),
            },
            echo: Some(QueryEcho { query_id: request.query_id.clone(), criteria: request.criteria.clone() }),
        }
    }

    /// The message.
    #[must_use]
    pub fn id(&self) -> &InstanceId {
        &self.id
    }

    /// The request that it answers, if it says so.
    #[must_use]
    pub fn target(&self) -> Option<&InstanceId> {
        self.target.as_ref()
    }

    /// How the query went by HL7; peers contradict themselves here.
    #[must_use]
    pub fn query_ack(&self) -> &QueryAck {
        &self.query_ack
    }

    /// Everything the peer says about errors and warnings.
    #[must_use]
    pub fn details(&self) -> &[AckDetail] {
        &self.details
    }

    /// Reads the element `PRPA_IN201306UV02`.
    pub fn parse(message: Element<'_>) -> Result<Self, Malformed> {
        if !message.is(hl7::NS, "PRPA_IN201306UV02") {
            return Err(Malformed::at(message, "not an answer to a query for a patient"));
        }
        let acknowledgement = required(message, "acknowledgement")?;
        let act = required(message, "controlActProcess")?;
        let query_ack = required(act, "queryAck")?;
        let device = |local| child(message, local).map(Device::read).transpose();
        let echo = match child(act, "queryByParameter") {
            Some(query) => Some(QueryEcho {
                query_id: InstanceId::read(required(query, "queryId")?)?,
                criteria: PatientCriteria::read(required(query, "parameterList")?)?,
            }),
            None => None,
        };
        Ok(Self {
            id: InstanceId::read(required(message, "id")?)?,
            created: read_created(message),
            receiver: device("receiver")?,
            sender: device("sender")?,
            ack: code_of(acknowledgement, "typeCode").map(|code| AckCode::of(&code)),
            target: descend(acknowledgement, &["targetMessage", "id"]).map(InstanceId::read).transpose()?,
            details: acknowledgement
                .children_named(hl7::NS, "acknowledgementDetail")
                .map(AckDetail::read)
                .collect(),
            matches: act
                .children_named(hl7::NS, "subject")
                .map(PatientMatch::read)
                .collect::<Result<_, _>>()?,
            reasons: act.children_named(hl7::NS, "reasonOf").map(ReasonCode::read).collect(),
            query_ack: QueryAck {
                query_id: child(query_ack, "queryId").map(InstanceId::read).transpose()?,
                status: code_of(query_ack, "statusCode"),
                response: code_of(query_ack, "queryResponseCode"),
            },
            echo,
        })
    }

    /// Writes the element `PRPA_IN201306UV02`.
    #[must_use]
    pub fn to_element(&self) -> El {
        let code = |local, code: &Option<String>| code.clone().map(|code| coded(local, code));
        let target = self.target.as_ref().map(|id| hl7("targetMessage").child(id.write("id")));
        let acknowledgement = hl7("acknowledgement")
            .child(hl7("typeCode").opt_attr("code", self.ack.as_ref().map(|ack| ack.code().to_owned())))
            .opt_child(target)
            .children(self.details.iter().map(AckDetail::write));
        let query_ack = hl7("queryAck")
            .opt_child(self.query_ack.query_id.as_ref().map(|id| id.write("queryId")))
            .opt_child(code("statusCode", &self.query_ack.status))
            .opt_child(code("queryResponseCode", &self.query_ack.response));
        let echo = self.echo.as_ref().map(|echo| {
            hl7("queryByParameter")
                .child(echo.query_id.write("queryId"))
                .child(coded("statusCode", "new"))
                .child(echo.criteria.write())
        });
        let act = hl7("controlActProcess")
            .attr("classCode", "CACT")
            .attr("moodCode", "EVN")
            .child(coded("code", "PRPA_TE201306UV02"))
            .children(self.matches.iter().map(PatientMatch::write))
            .children(self.reasons.iter().map(|reason| ReasonCode::write(reason.as_ref())))
            .child(query_ack)
            .opt_child(echo);
        header("PRPA_IN201306UV02", &self.id, self.created, "NE")
            .opt_child(self.receiver.as_ref().map(|device| device.write("receiver", "RCV")))
            .opt_child(self.sender.as_ref().map(|device| device.write("sender", "SND")))
            .child(acknowledgement)
            .child(act)
    }
}
