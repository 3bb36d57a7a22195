//! Allergies and intolerances: concern act 3.16 with observation 3.17.

use konfido_xml::Element;

use crate::{
    entry::{SEVERITY, nested_value, text},
    narrative::Narrative,
    tree::Walk,
    value::{Absence, Coded, Interval, Value, silent_debug},
};

/// An allergy or intolerance.
#[derive(Clone)]
#[non_exhaustive]
pub struct Allergy<'d> {
    /// The concern act, or the observation itself.
    pub element: Element<'d>,
    /// What kind: allergy to a drug, food intolerance, … (observation `code`).
    pub kind: Option<Coded<'d>>,
    /// The substance (`participant[CSM]`).
    pub agent: Option<Coded<'d>>,
    /// The substance's name where it is not coded.
    pub agent_name: Option<String>,
    /// What it does.
    pub reactions: Vec<Reaction<'d>>,
    /// Severity of the allergy as such.
    pub severity: Option<Coded<'d>>,
    /// How dangerous the next exposure may be.
    pub criticality: Option<Coded<'d>>,
    /// How sure it is.
    pub certainty: Option<Coded<'d>>,
    /// Active, inactive, resolved.
    pub status: Option<Coded<'d>>,
    /// Since when.
    pub onset: Option<Interval<'d>>,
    /// The sentence about it in the narrative.
    pub text: Option<String>,
    /// Set when the entry says that there is none, or nothing known.
    pub absence: Option<Absence>,
}

/// One reaction (observation 3.44).
#[derive(Clone)]
#[non_exhaustive]
pub struct Reaction<'d> {
    /// What happened.
    pub manifestation: Option<Coded<'d>>,
    /// How severe it was.
    pub severity: Option<Coded<'d>>,
    /// When.
    pub time: Option<Interval<'d>>,
}

silent_debug!(Allergy, Reaction);

const CRITICALITY: u8 = 33;
const STATUS: u8 = 34;
const CERTAINTY: u8 = 35;

impl<'d> Allergy<'d> {
    pub(super) fn new(concern: Element<'d>, observation: Element<'d>, narrative: &Narrative<'d>) -> Self {
        let coded = |element| Coded::new(element, narrative);
        let consumer =
            observation.every("participant").find(|part| part.attribute("typeCode") == Some("CSM"));
        let agent = consumer.and_then(|part| part.at(&["participantRole", "playingEntity"]));
        let value = observation.hl7("value").map(|value| Value::new(value, narrative));
        let stated = value.as_ref().and_then(Value::coded).and_then(Coded::absence);
        let nested = |template| nested_value(observation, template, "", narrative);
        let reactions = observation.related().filter(|(kind, _)| *kind == "MFST");
        Self {
            element: concern,
            kind: observation.hl7("code").map(coded),
            agent: agent.and_then(|agent| agent.hl7("code")).map(coded),
            agent_name: agent
                .and_then(|agent| agent.hl7("name"))
                .map(Walk::label)
                .filter(|name| !name.is_empty()),
            reactions: reactions.map(|(_, reaction)| Reaction::new(reaction, narrative)).collect(),
            severity: nested_value(observation, 0, SEVERITY, narrative),
            criticality: nested(CRITICALITY),
            certainty: nested(CERTAINTY),
            status: nested(STATUS),
            onset: observation.hl7("effectiveTime").map(Interval::new),
            text: text(observation, narrative),
            absence: stated.or_else(|| observation.hl7("code").and_then(|code| coded(code).absence())),
        }
    }

    /// The substance for a reader: coded, else named, else what the narrative says.
    pub fn substance(&self) -> String {
        let coded =
            self.agent.as_ref().filter(|agent| agent.null_flavor.is_none() || agent.original_text.is_some());
        coded
            .map(Coded::words)
            .filter(|words| !words.is_empty())
            .or_else(|| self.agent_name.clone())
            .or_else(|| self.text.clone())
            .or_else(|| self.agent.as_ref().map(Coded::words))
            .unwrap_or_default()
    }

    /// Whether the next exposure may kill: criticality high, or a reaction or the allergy severe to fatal. What is
    /// said to be resolved counts too: a label too many is the safer mistake.
    pub fn is_dangerous(&self) -> bool {
        let high = self.criticality.as_ref().and_then(|code| code.code) == Some("high");
        let severities =
            self.reactions.iter().filter_map(|reaction| reaction.severity.as_ref()).chain(&self.severity);
        high || severities.filter_map(|severity| severity.code).any(|code| SEVERE.contains(&code))
    }
}

/// SNOMED CT: severe, life threatening, fatal; HL7: high.
const SEVERE: [&str; 4] = ["24484000", "442452003", "399166001", "H"];

impl<'d> Reaction<'d> {
    fn new(observation: Element<'d>, narrative: &Narrative<'d>) -> Self {
        let value = observation.hl7("value").map(|value| Value::new(value, narrative));
        Self {
            manifestation: value.as_ref().and_then(Value::coded).cloned(),
            severity: nested_value(observation, 0, SEVERITY, narrative),
            time: observation.hl7("effectiveTime").map(Interval::new),
        }
    }
}
