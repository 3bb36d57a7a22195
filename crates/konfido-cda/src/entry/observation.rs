//! Observations, alone or in organizers: vital signs 3.22 in 3.21, results 3.25 and 3.43 in 3.42, social history
//! 3.23, pregnancy 3.45 to 3.47 with 3.24 nested, functional status 3.40 in 3.39.

use konfido_xml::Element;

use crate::{
    entry::text,
    narrative::Narrative,
    tree::{Walk, statement_of},
    value::{Absence, Coded, Interval, Quantity, Value, silent_debug},
};

/// Observations that were made together; one that stands alone is a panel of itself.
#[derive(Clone)]
#[non_exhaustive]
pub struct Panel<'d> {
    /// `organizer`, `observation` or `act`.
    pub element: Element<'d>,
    /// What the panel is, where it is one.
    pub code: Option<Coded<'d>>,
    /// When, where said for all.
    pub time: Option<Interval<'d>>,
    /// The observations, nested ones behind their holder.
    pub observations: Vec<Observation<'d>>,
}

/// Something observed, asked or measured.
#[derive(Clone)]
#[non_exhaustive]
pub struct Observation<'d> {
    /// `observation`.
    pub element: Element<'d>,
    /// What was observed.
    pub code: Option<Coded<'d>>,
    /// What was found.
    pub values: Vec<Value<'d>>,
    /// When.
    pub time: Option<Interval<'d>>,
    /// High, low, abnormal, …
    pub interpretations: Vec<Coded<'d>>,
    /// What is usual.
    pub reference_range: Option<ReferenceRange<'d>>,
    /// The sentence about it in the narrative.
    pub text: Option<String>,
    /// Set when the value says that there is nothing, or nothing known.
    pub absence: Option<Absence>,
}

/// What is usual for an observation.
#[derive(Clone)]
#[non_exhaustive]
pub struct ReferenceRange<'d> {
    /// In words.
    pub text: Option<String>,
    /// As numbers.
    pub value: Option<Quantity<'d>>,
}

silent_debug!(Panel, Observation, ReferenceRange);

impl<'d> Panel<'d> {
    pub(super) fn new(statement: Element<'d>, narrative: &Narrative<'d>) -> Option<Self> {
        let mut observations = Vec::new();
        collect(statement, narrative, &mut observations);
        if observations.is_empty() {
            return None;
        }
        let alone = statement.local() == "observation";
        Some(Self {
            element: statement,
            code: if alone { None } else { statement.hl7("code").map(|code| Coded::new(code, narrative)) },
            time: if alone { None } else { statement.hl7("effectiveTime").map(Interval::new) },
            observations,
        })
    }
}

/// Observations at and below a statement in document order. Depth is bounded by the limits of the parse.
fn collect<'d>(statement: Element<'d>, narrative: &Narrative<'d>, into: &mut Vec<Observation<'d>>) {
    if statement.local() == "observation" {
        into.push(Observation::new(statement, narrative));
    }
    let components = statement.every("component").filter_map(statement_of);
    for inner in components.chain(statement.related().map(|(_, inner)| inner)) {
        collect(inner, narrative, into);
    }
}

impl<'d> Observation<'d> {
    fn new(element: Element<'d>, narrative: &Narrative<'d>) -> Self {
        let values: Vec<_> = element.every("value").map(|value| Value::new(value, narrative)).collect();
        let range = element.at(&["referenceRange", "observationRange"]);
        Self {
            element,
            code: element.hl7("code").map(|code| Coded::new(code, narrative)),
            absence: values.iter().find_map(|value| value.coded().and_then(Coded::absence)),
            values,
            time: element.hl7("effectiveTime").map(Interval::new),
            interpretations: element
                .every("interpretationCode")
                .map(|code| Coded::new(code, narrative))
                .filter(|code| code.null_flavor.is_none())
                .collect(),
            reference_range: range.map(|range| ReferenceRange {
                text: text(range, narrative),
                value: range.hl7("value").map(Quantity::new),
            }),
            text: text(element, narrative),
        }
    }

    /// What was observed, for a reader.
    pub fn words(&self) -> String {
        let code = self.code.as_ref();
        let words = code.and_then(Coded::name).or_else(|| self.text.clone());
        words.or_else(|| code.map(Coded::words)).unwrap_or_default()
    }
}
