//! Problems, active and past: concern act 3.15 with observation 3.7.

use konfido_xml::Element;

use crate::{
    entry::{HEALTH_STATUS, SEVERITY, STATUS, nested_value, text},
    narrative::Narrative,
    tree::Walk,
    value::{Absence, Coded, Interval, Value, silent_debug},
};

/// A diagnosis or other problem.
#[derive(Clone)]
#[non_exhaustive]
pub struct Problem<'d> {
    /// The concern act, or the observation itself.
    pub element: Element<'d>,
    /// What kind: diagnosis, finding, complaint (observation `code`).
    pub kind: Option<Coded<'d>>,
    /// The condition (observation `value`).
    pub condition: Option<Coded<'d>>,
    /// From when to when.
    pub time: Option<Interval<'d>>,
    /// How severe.
    pub severity: Option<Coded<'d>>,
    /// How sure.
    pub certainty: Option<Coded<'d>>,
    /// Active, inactive, …
    pub status: Option<Coded<'d>>,
    /// What became of it: disability, recovery, … (health status or resolution).
    pub outcome: Option<Coded<'d>>,
    /// The sentence about it in the narrative.
    pub text: Option<String>,
    /// Set when the entry says that there is none, or nothing known.
    pub absence: Option<Absence>,
}

silent_debug!(Problem);

const PROBLEM_STATUS: u8 = 9;
const RESOLUTION: u8 = 10;
const CERTAINTY: u8 = 49;

impl<'d> Problem<'d> {
    pub(super) fn new(concern: Element<'d>, observation: Element<'d>, narrative: &Narrative<'d>) -> Self {
        let value = observation.hl7("value").map(|value| Value::new(value, narrative));
        let condition = value.as_ref().and_then(Value::coded).cloned();
        let kind = observation.hl7("code").map(|code| Coded::new(code, narrative));
        let absence = |coded: &Option<Coded<'d>>| coded.as_ref().and_then(Coded::absence);
        let time = observation.hl7("effectiveTime").or_else(|| concern.hl7("effectiveTime"));
        Self {
            element: concern,
            absence: absence(&condition).or_else(|| absence(&kind)),
            kind,
            condition,
            time: time.map(Interval::new),
            severity: nested_value(observation, 0, SEVERITY, narrative),
            certainty: nested_value(observation, CERTAINTY, "", narrative),
            status: nested_value(observation, PROBLEM_STATUS, STATUS, narrative),
            outcome: nested_value(observation, RESOLUTION, HEALTH_STATUS, narrative),
            text: text(observation, narrative).or_else(|| text(concern, narrative)),
        }
    }

    /// The condition for a reader.
    pub fn words(&self) -> String {
        let coded = self.condition.as_ref().map(Coded::words).filter(|words| !words.is_empty());
        coded.or_else(|| self.text.clone()).unwrap_or_default()
    }
}
