//! `PRPA_IN201306UV02`: the answer to the query for a patient.

use jiff::Timestamp;
use konfido_circle::HomeCommunityId;
use konfido_xml::{El, Element};

use super::acknowledgement::{AckCode, AckDetail, AckDetailType};
use super::error::{self, XcpdRefusal};
use super::reason::ReasonCode;
use super::request::{Device, PatientCriteria, XcpdRequest, header, read_created};
use super::subject::PatientMatch;
use crate::hl7::{self, InstanceId, child, code_of, coded, descend, hl7, required};
use crate::malformed::Malformed;
use crate::refusal::Refusal;

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
