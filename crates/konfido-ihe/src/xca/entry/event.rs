//! Facts about a prescription or a report, told as event codes and told apart by their coding scheme.

use crate::registry::rim::Coded;

const WORKFLOW: &str = "1.3.6.1.4.1.19376.1.2.3";
const OPEN: &str = "urn:ihe:iti:xdw:2011:eventCode:open";
const CLOSED: &str = "urn:ihe:iti:xdw:2011:eventCode:closed";
const ATC: &str = "2.16.840.1.113883.6.73";
const EDQM: &str = "0.4.0.127.0.16.1.1.2.1";
const STRENGTH: &str = "eHDSI_Strength_CodeSystem";
const SUBSTITUTION: &str = "2.16.840.1.113883.5.1070";
const ICD10: &str = "1.3.6.1.4.1.12559.11.10.1.3.1.44.2";

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventCode {
    /// Whether the prescription can be dispensed.
    Dispensable(bool),
    /// The active ingredient, in ATC.
    Ingredient {
        /// The code.
        code: String,
        /// Its name.
        name: String,
    },
    /// The dose form, in EDQM.
    DoseForm {
        /// The code.
        code: String,
        /// Its name.
        name: String,
    },
    /// The strength, in words.
    Strength(String),
    /// Which substitution is allowed, in HL7's code: `N` none, `G` generic, `TE` therapeutic.
    Substitution {
        /// The code.
        code: String,
        /// Its name.
        name: String,
    },
    /// Why the patient was in hospital, in ICD-10.
    ReasonOfHospitalisation {
        /// The code.
        code: String,
        /// Its name.
        name: String,
    },
    /// Anything else.
    Other(Coded),
}

impl EventCode {
    pub(super) fn of(value: Coded) -> Self {
        let Coded { code, scheme, name } = value;
        match scheme.as_str() {
            WORKFLOW if code == OPEN => Self::Dispensable(true),
            WORKFLOW if code == CLOSED => Self::Dispensable(false),
            ATC => Self::Ingredient { code, name },
            EDQM => Self::DoseForm { code, name },
            STRENGTH => Self::Strength(code),
            SUBSTITUTION => Self::Substitution { code, name },
            ICD10 => Self::ReasonOfHospitalisation { code, name },
            _ => Self::Other(Coded { code, scheme, name }),
        }
    }

    pub(super) fn coded(&self) -> Coded {
        match self {
            Self::Dispensable(true) => Coded::new(OPEN, WORKFLOW, "Open"),
            Self::Dispensable(false) => Coded::new(CLOSED, WORKFLOW, "Closed"),
            Self::Ingredient { code, name } => Coded::new(code, ATC, name),
            Self::DoseForm { code, name } => Coded::new(code, EDQM, name),
            Self::Strength(text) => Coded::new(text, STRENGTH, "Strength of medication"),
            Self::Substitution { code, name } => Coded::new(code, SUBSTITUTION, name),
            Self::ReasonOfHospitalisation { code, name } => Coded::new(code, ICD10, name),
            Self::Other(coded) => coded.clone(),
        }
    }
}
