//! Coded entries of the sections, each a typed view on its clinical statement.
//!
//! A statement that isn't of its section's kind is kept in [`Entries::other`]; nothing is dropped. What the rules
//! say about it is [`crate::rules`]'s business: reading is generous, so that a reader sees what was sent.

mod allergy;
mod device;
mod immunisation;
mod medication;
mod observation;
mod problem;
mod procedure;

pub use allergy::{Allergy, Reaction};
pub use device::Device;
pub use immunisation::Immunisation;
pub use medication::{Ingredient, Medication, Package};
pub use observation::{Observation, Panel, ReferenceRange};
pub use problem::Problem;
pub use procedure::Procedure;

use konfido_xml::Element;

use crate::{
    codes::entry_template,
    narrative::Narrative,
    section::SectionKind,
    tree::Walk,
    value::{Absence, Coded, Value, silent_debug},
};

/// The entries of one section.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Entries<'d> {
    /// Allergies and intolerances.
    pub allergies: Vec<Allergy<'d>>,
    /// Problems, active or past by the section.
    pub problems: Vec<Problem<'d>>,
    /// Medications, prescribed items and dispensed products.
    pub medications: Vec<Medication<'d>>,
    /// Immunisations.
    pub immunisations: Vec<Immunisation<'d>>,
    /// Procedures.
    pub procedures: Vec<Procedure<'d>>,
    /// Devices and implants.
    pub devices: Vec<Device<'d>>,
    /// Observations: vital signs, results, social history, pregnancy, functional status.
    pub panels: Vec<Panel<'d>>,
    /// What the section says by having nothing to list.
    pub absences: Vec<Absence>,
    /// Statements of another kind than the section's.
    pub other: Vec<Element<'d>>,
}

silent_debug!(Entries);

impl<'d> Entries<'d> {
    /// Sorts the statements of a section into the model.
    pub(crate) fn new(kind: SectionKind, statements: &[Element<'d>], narrative: &Narrative<'d>) -> Self {
        let mut entries = Self::default();
        for &statement in statements {
            if !entries.take(kind, statement, narrative) {
                entries.other.push(statement);
            }
        }
        entries
    }

    /// How many things are listed, absences left out.
    pub fn len(&self) -> usize {
        self.allergies.len()
            + self.problems.len()
            + self.medications.len()
            + self.immunisations.len()
            + self.procedures.len()
            + self.devices.len()
            + self.panels.iter().map(|panel| panel.observations.len()).sum::<usize>()
    }

    /// Whether nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn take(&mut self, kind: SectionKind, statement: Element<'d>, narrative: &Narrative<'d>) -> bool {
        match kind {
            SectionKind::Allergies => {
                let observations = concerned(statement);
                for &observation in &observations {
                    let allergy = Allergy::new(statement, observation, narrative);
                    keep(&mut self.allergies, &mut self.absences, allergy.absence, allergy);
                }
                !observations.is_empty()
            }
            SectionKind::Problems | SectionKind::PastIllness => {
                let observations = concerned(statement);
                for &observation in &observations {
                    let problem = Problem::new(statement, observation, narrative);
                    keep(&mut self.problems, &mut self.absences, problem.absence, problem);
                }
                !observations.is_empty()
            }
            SectionKind::Medications | SectionKind::Prescription | SectionKind::Dispensation => {
                match Medication::new(statement, narrative) {
                    Some(medication) => {
                        keep(&mut self.medications, &mut self.absences, medication.absence, medication);
                        true
                    }
                    None => false,
                }
            }
            SectionKind::Immunisations => match Immunisation::new(statement, narrative) {
                Some(immunisation) => {
                    keep(&mut self.immunisations, &mut self.absences, immunisation.absence, immunisation);
                    true
                }
                None => false,
            },
            SectionKind::Procedures => match Procedure::new(statement, narrative) {
                Some(procedure) => {
                    keep(&mut self.procedures, &mut self.absences, procedure.absence, procedure);
                    true
                }
                None => false,
            },
            SectionKind::Devices => match Device::new(statement, narrative) {
                Some(device) => {
                    keep(&mut self.devices, &mut self.absences, device.absence, device);
                    true
                }
                None => false,
            },
            _ => match Panel::new(statement, narrative) {
                Some(panel) => {
                    self.panels.push(panel);
                    true
                }
                None => false,
            },
        }
    }
}

/// Files an entry under what it lists, or under what it says to be absent.
fn keep<T>(list: &mut Vec<T>, absences: &mut Vec<Absence>, absence: Option<Absence>, entry: T) {
    match absence {
        Some(absence) => absences.push(absence),
        None => list.push(entry),
    }
}

/// The observations that a concern act is about; an observation that stands alone is about itself.
fn concerned(statement: Element<'_>) -> Vec<Element<'_>> {
    match statement.local() {
        "observation" => vec![statement],
        "act" => statement
            .related()
            .map(|(_, inner)| inner)
            .filter(|inner| inner.local() == "observation")
            .collect(),
        _ => Vec::new(),
    }
}

/// The coded value of the first nested observation that carries an entry template or an older one.
fn nested_value<'d>(
    observation: Element<'d>,
    template: u8,
    older: &str,
    narrative: &Narrative<'d>,
) -> Option<Coded<'d>> {
    let template = entry_template(template);
    let nested = observation.related().map(|(_, inner)| inner);
    let mut matching = nested.filter(|inner| inner.has_template(&template) || inner.has_template(older));
    let value = matching.next()?.hl7("value")?;
    Value::new(value, narrative).coded().cloned()
}

/// Severity observation of IHE PCC, inside allergies, reactions and problems.
const SEVERITY: &str = "1.3.6.1.4.1.19376.1.5.3.1.4.1";
/// Status observation of IHE PCC.
const STATUS: &str = "1.3.6.1.4.1.19376.1.5.3.1.4.1.1";
/// Health status observation of IHE PCC.
const HEALTH_STATUS: &str = "1.3.6.1.4.1.19376.1.5.3.1.4.1.2";

/// The text that a statement refers to or holds.
fn text<'d>(statement: Element<'d>, narrative: &Narrative<'d>) -> Option<String> {
    statement.hl7("text").and_then(|text| narrative.text_of(text))
}
