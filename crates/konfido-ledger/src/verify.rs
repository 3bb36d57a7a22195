//! A receipt of any format, checked offline: nothing but the file and the circle's keys.

use konfido_circle::CountryCode;
use serde::Serialize;

use crate::certificate::Finalisation;
use crate::log::checkpoint::verify_note;
use crate::log::cose::verify_transparent;
use crate::log::proof::TlogProof;
use crate::log::tree::check_inclusion;
use crate::record::statement::{Content, Statement};
use crate::trust::Trust;
use crate::{LedgerError, hash};

/// What a receipt proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// `tlog-proof`, `cose` or `finalisation`.
    pub format: &'static str,
    /// Which log.
    pub origin: String,
    /// Position of the leaf, where the receipt is about one.
    pub index: Option<u64>,
    /// Leaves of the tree.
    pub size: u64,
    /// Root of the tree.
    pub root: String,
    /// Members whose signatures hold.
    pub members: Vec<String>,
    /// Members needed.
    pub quorum: usize,
    /// By when a quorum had signed, seconds since 1970, where the format says so.
    pub time_s: Option<u64>,
    /// The record, where the receipt carries one.
    pub record: Option<RecordView>,
}

/// What the record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordView {
    /// Which exchange.
    pub exchange: String,
    /// Who asked.
    pub requester: CountryCode,
    /// Who was asked.
    pub provider: CountryCode,
    /// For what.
    pub service: String,
    /// `requested`, `provided`, `refused` or `received`.
    pub stage: &'static str,
    /// What the provider did, once it answered.
    pub outcome: Option<String>,
    /// Countries that signed it.
    pub signed_by: Vec<CountryCode>,
    /// Whether both signed.
    pub mutual: bool,
    /// Commitment to the request.
    pub c_request: String,
    /// Commitment to the response, once there is one.
    pub c_response: Option<String>,
    /// Root over the fields.
    pub c_fields: String,
    /// The requester's time of the request, milliseconds since 1970.
    pub t_request_ms: u64,
    /// The provider's time of the response.
    pub t_response_ms: Option<u64>,
    /// The requester's time of the receipt.
    pub t_received_ms: Option<u64>,
}

impl RecordView {
    /// Shows a verified statement.
    #[must_use]
    pub fn of(statement: &Statement) -> Self {
        let request = statement.request();
        let answer = statement.signed_answer().map(|a| a.content());
        let received =
            if let Statement::Received(r) = statement { Some(r.content().t_received_ms) } else { None };
        let mut signed_by = vec![request.author()];
        signed_by.extend(answer.map(|_| request.provider));
        let exchange = crate::record::exchange::Exchange::open(statement.clone());
        Self {
            exchange: request.exchange.to_string(),
            requester: request.requester,
            provider: request.provider,
            service: request.service.to_string(),
            stage: match exchange.stage() {
                crate::record::exchange::Stage::Requested => "requested",
                crate::record::exchange::Stage::Provided => "provided",
                crate::record::exchange::Stage::Refused => "refused",
                crate::record::exchange::Stage::Received => "received",
            },
            outcome: answer.map(|a| a.outcome.to_string()),
            mutual: received.is_some(),
            signed_by,
            c_request: request.c_request.to_string(),
            c_response: answer.map(|a| a.c_response.to_string()),
            c_fields: request.c_fields.to_string(),
            t_request_ms: request.t_request_ms,
            t_response_ms: answer.map(|a| a.t_response_ms),
            t_received_ms: received,
        }
    }
}

/// Checks a receipt file of any format.
///
/// # Errors
/// If it is none, or anything in it does not hold.
pub fn verify(file: &[u8], trust: &Trust) -> Result<Verdict, LedgerError> {
    match file.first() {
        Some(b'c') => {
            let text = std::str::from_utf8(file).map_err(|e| LedgerError::malformed("receipt", e))?;
            tlog(&TlogProof::parse(text)?, trust)
        }
        Some(b'{') => {
            let text = std::str::from_utf8(file).map_err(|e| LedgerError::malformed("receipt", e))?;
            finalisation(text, trust)
        }
        Some(0xd2) => cose(file, trust),
        _ => Err(LedgerError::malformed("receipt", "neither tlog-proof, COSE nor finalisation")),
    }
}

fn record_view(bytes: &[u8], trust: &Trust) -> Result<RecordView, LedgerError> {
    Ok(RecordView::of(&Statement::verify(bytes, trust)?))
}

fn tlog(proof: &TlogProof, trust: &Trust) -> Result<Verdict, LedgerError> {
    let needed = trust.quorum();
    let head = verify_note(&proof.checkpoint, &trust.origin, &trust.cosigners(), needed)?;
    let Some(extra) = &proof.extra else {
        return Err(LedgerError::malformed("tlog-proof", "carries no record in `extra`"));
    };
    check_inclusion(&proof.path, head.head.size, &head.head.root, proof.index, &hash::entry(extra))?;
    Ok(Verdict {
        format: "tlog-proof",
        origin: head.head.origin,
        index: Some(proof.index),
        size: head.head.size,
        root: head.head.root.to_string(),
        members: head.cosigners,
        quorum: needed,
        time_s: Some(head.time_s),
        record: Some(record_view(extra, trust)?),
    })
}

fn cose(file: &[u8], trust: &Trust) -> Result<Verdict, LedgerError> {
    let needed = trust.quorum();
    let proven = verify_transparent(file, trust.evidence(), needed)?;
    Ok(Verdict {
        format: "cose",
        origin: trust.origin.clone(),
        index: Some(proven.index),
        size: proven.size,
        root: proven.root.to_string(),
        members: proven.members.iter().map(ToString::to_string).collect(),
        quorum: needed,
        time_s: None,
        record: Some(record_view(&proven.record, trust)?),
    })
}

fn finalisation(text: &str, trust: &Trust) -> Result<Verdict, LedgerError> {
    let file: Finalisation =
        serde_json::from_str(text).map_err(|e| LedgerError::malformed("finalisation", e))?;
    let proven = file.verify(trust)?;
    Ok(Verdict {
        format: "finalisation",
        origin: trust.origin.clone(),
        index: None,
        size: proven.header.size,
        root: proven.header.root.to_string(),
        members: vec![format!("{} of {} validators", proven.votes, trust.members().len())],
        quorum: trust.quorum(),
        time_s: Some(proven.time_ms / 1000),
        record: None,
    })
}
