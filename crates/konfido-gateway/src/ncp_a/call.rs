//! One request on its way through NCP-A: what is known from the start, and what comes out.

use konfido_circle::{PatientId, Personal};
use konfido_ihe::xca::OutgoingPart;
use konfido_ihe::{Group, Transaction};
use konfido_saml::Admission;
use konfido_saml::vocabulary::PurposeOfUse;
use konfido_xml::El;

use super::stop::Stop;
use crate::connector::DocumentId;
use crate::observer::Fingerprint;
use crate::peer::Peer;
use crate::wire::Incoming;

/// What is known of a request before anything of it was judged.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) peer: Peer,
    pub(super) transaction: Transaction,
    /// The MessageID by which a repeat is known, also one in OpenNCP's wrong namespace (openncp.md Q1).
    pub(super) message_id: Option<String>,
    /// The MessageID that the answer relates to: only one in the right namespace.
    pub(super) addressed: Option<String>,
    pub(super) fingerprint: Fingerprint,
    pub(super) header: Option<Personal<String>>,
    pub(super) query: Personal<String>,
    pub(super) incident: String,
}

impl Call {
    pub(super) fn new(peer: Peer, transaction: Transaction, incoming: &Incoming, incident: String) -> Self {
        Self {
            peer,
            transaction,
            message_id: incoming.message_id(),
            addressed: incoming.addressed_id(),
            fingerprint: incoming.fingerprint(),
            header: incoming.header().map(Personal::new),
            query: Personal::new(incoming.body().to_xml()),
            incident,
        }
    }
}

/// What came out: the answer's body, and what the audit and the observer are told.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) body: El,
    pub(super) parts: Vec<OutgoingPart>,
    pub(super) group: Option<Group>,
    pub(super) admission: Option<Admission>,
    pub(super) patient: Option<PatientId>,
    pub(super) documents: Vec<(DocumentId, Option<Fingerprint>)>,
    pub(super) repeated: bool,
    pub(super) stop: Option<Stop>,
}

/// Whether the request breaks the glass.
pub(super) fn is_break_glass(admission: &Admission) -> bool {
    admission.purpose() == PurposeOfUse::Emergency
}
