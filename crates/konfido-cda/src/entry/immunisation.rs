//! Immunisations: administrations 3.19.

use konfido_xml::Element;

use crate::{
    entry::text,
    header::Performer,
    narrative::Narrative,
    tree::Walk,
    value::{Absence, Coded, Interval, Quantity, silent_debug},
};

/// One dose of a vaccine, given or refused.
#[derive(Clone)]
#[non_exhaustive]
pub struct Immunisation<'d> {
    /// `substanceAdministration`.
    pub element: Element<'d>,
    /// True when it says that the vaccine was not given (`@negationInd`).
    pub refused: bool,
    /// Vaccine.
    pub vaccine: Option<Coded<'d>>,
    /// Brand name.
    pub name: Option<String>,
    /// Lot number.
    pub lot: Option<String>,
    /// Maker.
    pub manufacturer: Option<String>,
    /// When.
    pub time: Option<Interval<'d>>,
    /// Against what.
    pub diseases: Vec<Coded<'d>>,
    /// Which dose of a series (observation 3.28).
    pub dose_number: Option<Quantity<'d>>,
    /// Who gave it.
    pub performers: Vec<Performer<'d>>,
    /// The sentence about it in the narrative.
    pub text: Option<String>,
    /// Set when the entry says that there is none, or nothing known.
    pub absence: Option<Absence>,
}

silent_debug!(Immunisation);

/// LOINC "Dose number in series".
const DOSE_NUMBER: &str = "30973-2";

impl<'d> Immunisation<'d> {
    pub(super) fn new(statement: Element<'d>, narrative: &Narrative<'d>) -> Option<Self> {
        if statement.local() != "substanceAdministration" {
            return None;
        }
        let coded = |element| Coded::new(element, narrative);
        let product = statement.at(&["consumable", "manufacturedProduct"]);
        let material = product.and_then(|product| product.hl7("manufacturedMaterial"));
        let label = |element: Option<Element<'d>>| element.map(Walk::label).filter(|text| !text.is_empty());
        let dose_number = statement
            .related()
            .map(|(_, inner)| inner)
            .find(|inner| inner.hl7("code").and_then(|code| code.attribute("code")) == Some(DOSE_NUMBER));
        let targets = statement.every("participant").filter_map(|part| part.hl7("participantRole"));
        let vaccine = material.and_then(|material| material.hl7("code")).map(coded);
        Some(Self {
            element: statement,
            refused: statement.attribute("negationInd") == Some("true"),
            name: label(material.and_then(|material| material.hl7("name"))),
            lot: label(material.and_then(|material| material.hl7("lotNumberText"))),
            manufacturer: label(
                product.and_then(|product| product.at(&["manufacturerOrganization", "name"])),
            ),
            time: statement.hl7("effectiveTime").map(Interval::new),
            diseases: targets.filter_map(|role| role.hl7("code")).map(coded).collect(),
            dose_number: dose_number.and_then(|inner| inner.hl7("value")).map(Quantity::new),
            performers: statement.every("performer").map(Performer::new).collect(),
            text: text(statement, narrative),
            absence: vaccine
                .as_ref()
                .and_then(Coded::absence)
                .or_else(|| statement.hl7("code").and_then(|code| coded(code).absence())),
            vaccine,
        })
    }

    /// The vaccine for a reader.
    pub fn words(&self) -> String {
        let coded = self.vaccine.as_ref().map(Coded::words).filter(|words| !words.is_empty());
        coded.or_else(|| self.name.clone()).or_else(|| self.text.clone()).unwrap_or_default()
    }
}
