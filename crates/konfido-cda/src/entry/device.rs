//! Medical devices and implants: supply 3.5.

use konfido_circle::Personal;
use konfido_xml::Element;

use crate::{
    entry::text,
    narrative::Narrative,
    tree::Walk,
    value::{Absence, Coded, InstanceId, Interval, silent_debug},
};

/// A device that the patient carries or uses.
#[derive(Clone)]
#[non_exhaustive]
pub struct Device<'d> {
    /// `supply`.
    pub element: Element<'d>,
    /// What device.
    pub code: Option<Coded<'d>>,
    /// Serial numbers or unique device identifiers.
    pub ids: Vec<Personal<InstanceId<'d>>>,
    /// Implanted or used from when to when.
    pub time: Option<Interval<'d>>,
    /// The sentence about it in the narrative.
    pub text: Option<String>,
    /// Set when the entry says that there is none, or nothing known.
    pub absence: Option<Absence>,
}

silent_debug!(Device);

impl<'d> Device<'d> {
    pub(super) fn new(statement: Element<'d>, narrative: &Narrative<'d>) -> Option<Self> {
        let role = statement
            .every("participant")
            .filter(|part| part.attribute("typeCode") == Some("DEV"))
            .find_map(|part| part.hl7("participantRole"));
        if statement.local() != "supply" {
            return None;
        }
        let code =
            role.and_then(|role| role.at(&["playingDevice", "code"])).map(|code| Coded::new(code, narrative));
        Some(Self {
            element: statement,
            ids: role
                .map(|role| role.every("id").map(|id| Personal::new(InstanceId::new(id))).collect())
                .unwrap_or_default(),
            time: statement.hl7("effectiveTime").map(Interval::new),
            text: text(statement, narrative),
            absence: code.as_ref().and_then(Coded::absence),
            code,
        })
    }

    /// The device for a reader.
    pub fn words(&self) -> String {
        let coded = self.code.as_ref().map(Coded::words).filter(|words| !words.is_empty());
        coded.or_else(|| self.text.clone()).unwrap_or_default()
    }
}
