//! The event as an ATNA audit message (DICOM PS3.15 A.5), element for element as the reference implementation
//! writes it, and its signature.
//!
//! Attributes stand in alphabetical order, `csd-code` is the attribute of codes, texts in objects are base64. The
//! signature is enveloped over the whole document (`URI=""`), canonicalised inclusively with comments, and its
//! `KeyInfo` holds the bare key value: who verifies must hold the certificate beforehand.
//!
//! One deviation: the reference implementation writes the constant `SP` for the point of care at A in ITI-38, 39
//! and 41. We write the point of care.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use konfido_keys::Signer;
use konfido_xml::{El, dsig};

use crate::event::{AuditEvent, MessageRef, NetworkAddress, Side, Step, Subject};

/// What stands where no header is known.
const NO_HEADER: &str = "[No security header provided]";
/// Classification node of a submission set (ebXML metadata of XDS).
const SUBMISSION_SET: &str = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd";

/// Why a message was not made. Always our own fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The signature was not made.
    #[error("the audit message was not signed")]
    Signing(#[source] dsig::SignError),
}

impl AuditEvent {
    /// The message without signature.
    #[must_use]
    pub fn to_xml(&self) -> String {
        self.to_element().to_document_string()
    }

    /// The signed message, ready for the spool.
    pub fn sign(&self, signer: &dyn Signer) -> Result<String, MessageError> {
        dsig::sign_enveloped(&self.to_xml(), &dsig::SignOptions::audit_message(), signer)
            .map_err(MessageError::Signing)
    }

    fn to_element(&self) -> El {
        let codes = self.step.codes();
        let (event, event_name, action) = self.step.event(self.side);
        let identification = el("EventIdentification")
            .attr("EventActionCode", action)
            .attr("EventDateTime", format!("{:.3}", self.at))
            .attr("EventOutcomeIndicator", self.outcome.code())
            .child(
                el("EventID")
                    .attr("codeSystemName", "DCM")
                    .attr("csd-code", event)
                    .attr("displayName", codes.name)
                    .attr("originalText", event_name),
            )
            .child(
                el("EventTypeCode")
                    .attr("codeSystemName", "IHE Transactions")
                    .attr("csd-code", codes.transaction)
                    .attr("displayName", codes.service)
                    .attr("originalText", codes.name),
            );
        let source = el("AuditSourceIdentification")
            .attr("AuditEnterpriseSiteID", self.source.clone())
            .attr("AuditSourceID", self.source.clone())
            .child(el("AuditSourceTypeCode").attr("csd-code", "4"));
        el("AuditMessage")
            .child(identification)
            .children(self.participants())
            .child(source)
            .opt_child(self.patient_object())
            .opt_child(self.failure_object())
            .children(self.subject_objects())
            .children(self.message_objects())
    }

    fn participants(&self) -> Vec<El> {
        let address = Some(&self.systems.address);
        let mut list = Vec::with_capacity(4);
        if let Some(who) = &self.professional {
            if self.step != Step::CommunicationFailure {
                let poc = who.point_of_care.clone();
                list.push(
                    participant(poc.clone(), poc, address, false)
                        .child(role_dcm("110152", "Destination Role ID")),
                );
            }
            let requests = self.step.professional_requests(self.side);
            list.push(
                participant(who.name.reveal().clone(), who.user_id(), address, requests)
                    .child(role_dcm("110153", "Source Role ID")),
            );
        }
        let address = address.filter(|_| self.step.systems_have_addresses());
        let system = |name: &String, requests| participant(name.clone(), name.clone(), address, requests);
        list.push(
            system(&self.systems.consumer, true)
                .child(role_ehdsi("ServiceConsumer", "eHealth DSI Service Consumer")),
        );
        if self.step != Step::Translate {
            list.push(
                system(&self.systems.provider, false)
                    .child(role_ehdsi("ServiceProvider", "eHealth DSI Service Provider")),
            );
        }
        list
    }

    fn patient_object(&self) -> Option<El> {
        if let (Step::NokAssertion, Subject::Assertion { relative: Some(relative), .. }) =
            (self.step, &self.subject)
        {
            return Some(object(Some(relative.reveal().clone()), "1", Some("10")).child(code(
                "RFC-3881",
                "7",
                "Guarantor Number",
                "Patient Number",
            )));
        }
        let text = if self.step.systems_have_addresses() {
            "Patient Number"
        } else {
            "Cross Gateway Patient Discovery"
        };
        let patient = self.patient.as_ref()?;
        Some(object(Some(patient.to_cx()), "1", Some("1")).child(code(
            "RFC-3881",
            "2",
            "Patient Number",
            text,
        )))
    }

    fn failure_object(&self) -> Option<El> {
        let failure = self.failure.as_ref()?;
        Some(
            object(Some(failure.code.clone()), "2", Some("3"))
                .child(
                    el("ParticipantObjectIDTypeCode")
                        .attr("codeSystemName", "eHealth DSI Security")
                        .attr("csd-code", "9")
                        .attr("originalText", "error message"),
                )
                .child(detail("errormsg", &failure.text)),
        )
    }

    fn subject_objects(&self) -> Vec<El> {
        let community = || {
            self.asked
                .as_ref()
                .filter(|_| self.side == Side::B)
                .map(|id| detail("ihe:homeCommunityID", id.oid().as_str()))
        };
        let request_id = || self.object_id(&self.request);
        match &self.subject {
            Subject::None => Vec::new(),
            Subject::Query { query, documents } => {
                let discovery = self.step == Step::FindIdentity;
                let (text, id) = if discovery {
                    let asked = self.asked.as_ref().filter(|_| self.side == Side::B);
                    ("Cross Gateway Patient Discovery", asked.map(|id| id.oid().as_str().to_owned()))
                } else {
                    ("Cross Gateway Query", Some(request_id()))
                };
                let query = object(id, "2", Some("24"))
                    .child(code("IHE Transactions", self.step.codes().transaction, "Patient Number", text))
                    .child(el("ParticipantObjectQuery").text(STANDARD.encode(query)))
                    .opt_child(community());
                std::iter::once(query)
                    .chain(documents.iter().map(|id| document(id, "Cross Gateway Query")))
                    .collect()
            }
            Subject::Retrieve { documents } => {
                let set = object(Some(request_id()), "2", Some("3"))
                    .child(code("IHE Transactions", "ITI-39", "Patient Number", "Cross Gateway Retrieve"))
                    .opt_child(community());
                std::iter::once(set)
                    .chain(documents.iter().map(|id| document(id, "Cross Gateway Retrieve")))
                    .collect()
            }
            Subject::Submission { documents } => {
                let set = object(Some(request_id()), "2", Some("20")).child(code(
                    "IHE XDS Metadata",
                    SUBMISSION_SET,
                    "Patient Number",
                    "Cross Gateway Query",
                ));
                // 14 is the life cycle stage `logical deletion`.
                let stage = (self.step == Step::Discard).then_some("14");
                let submitted = documents
                    .iter()
                    .map(|id| staged(stage, Some(id.clone()), "2", Some("4")).child(code("", "12", "", "")));
                std::iter::once(set).chain(submitted).collect()
            }
            Subject::Assertion { id, .. } => {
                let Some(id) = id else { return Vec::new() };
                let (short, name) = match self.step {
                    Step::NokAssertion => ("NokA", "NOK Assertion"),
                    _ => ("TrcA", "TRC Assertion"),
                };
                vec![object(Some(prefixed(id)), "2", None).child(code(
                    "eHealth DSI Security",
                    short,
                    name,
                    name,
                ))]
            }
            // 5 is the life cycle stage `translation`.
            Subject::Translation { source, result } => vec![
                staged(Some("5"), Some(source.clone()), "4", None).child(code(
                    "eHealth DSI Translation",
                    "in",
                    "Input Data",
                    "Input Data",
                )),
                staged(Some("5"), Some(result.clone()), "4", None).child(code(
                    "eHealth DSI Translation",
                    "out",
                    "Output Data",
                    "Output Data",
                )),
            ],
        }
    }

    fn message_objects(&self) -> Vec<El> {
        if self.step == Step::CommunicationFailure {
            return Vec::new();
        }
        let message = |short, name, message: &MessageRef| {
            object(Some(self.object_id(message)), "4", None)
                .child(code("eHealth DSI Msg", short, name, short))
                .child(detail("securityheader", message.header.as_deref().unwrap_or(NO_HEADER)))
        };
        vec![
            message("req", "Request Message", &self.request),
            message("rsp", "Response Message", &self.response),
        ]
    }

    /// A message id with its prefix; where there was none, what the reference implementation writes on that side.
    fn object_id(&self, message: &MessageRef) -> String {
        match (&message.id, self.side) {
            (Some(id), _) => prefixed(id),
            (None, Side::A) => "urn:uuid:".to_owned(),
            (None, Side::B) => "urn:uuid:NA".to_owned(),
        }
    }
}

/// `urn:uuid:` before an id that has none; the two sides join on it.
fn prefixed(id: &str) -> String {
    let bare = id.strip_prefix("urn:uuid:").or_else(|| id.strip_prefix("uuid:")).unwrap_or(id);
    format!("urn:uuid:{bare}")
}

fn el(local: &'static str) -> El {
    El::new("", local)
}

fn participant(alternative: String, user: String, address: Option<&NetworkAddress>, requests: bool) -> El {
    let (id, kind) = match address {
        None => (None, None),
        Some(NetworkAddress::Name(name)) => (Some(name.clone()), Some("1")),
        Some(NetworkAddress::Ip(ip)) => (Some(ip.to_string()), Some("2")),
    };
    el("ActiveParticipant")
        .attr("AlternativeUserID", alternative)
        .opt_attr("NetworkAccessPointID", id)
        .opt_attr("NetworkAccessPointTypeCode", kind)
        .attr("UserID", user)
        .attr("UserIsRequestor", if requests { "true" } else { "false" })
}

fn role_dcm(role: &'static str, text: &'static str) -> El {
    el("RoleIDCode").attr("codeSystemName", "DCM").attr("csd-code", role).attr("originalText", text)
}

fn role_ehdsi(role: &'static str, text: &'static str) -> El {
    el("RoleIDCode")
        .attr("codeSystemName", "eHealth DSI")
        .attr("csd-code", role)
        .attr("displayName", text)
        .attr("originalText", text)
}

fn object(id: Option<String>, kind: &'static str, role: Option<&'static str>) -> El {
    staged(None, id, kind, role)
}

fn staged(
    stage: Option<&'static str>,
    id: Option<String>,
    kind: &'static str,
    role: Option<&'static str>,
) -> El {
    el("ParticipantObjectIdentification")
        .opt_attr("ParticipantObjectDataLifeCycle", stage)
        .opt_attr("ParticipantObjectID", id)
        .attr("ParticipantObjectTypeCode", kind)
        .opt_attr("ParticipantObjectTypeCodeRole", role)
}

fn document(id: &str, text: &'static str) -> El {
    object(Some(id.to_owned()), "2", Some("4")).child(code("DCM", "12", text, text))
}

fn code(system: &'static str, value: &'static str, display: &'static str, text: &'static str) -> El {
    el("ParticipantObjectIDTypeCode")
        .attr("codeSystemName", system)
        .attr("csd-code", value)
        .attr("displayName", display)
        .attr("originalText", text)
}

fn detail(kind: &'static str, value: &str) -> El {
    el("ParticipantObjectDetail").attr("type", kind).attr("value", STANDARD.encode(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_prefixed_once() {
        for id in ["urn:uuid:1", "uuid:1", "1"] {
            assert_eq!(prefixed(id), "urn:uuid:1");
        }
    }
}
