//! Coded values (`CD`, `CE`, `CV`), null flavours, and the codes that say "none" or "not known".

use konfido_xml::Element;

use crate::{codes::system_words, narrative::Narrative, tree::Walk, value::silent_debug};

/// Why a value is missing (HL7 v3 `NullFlavor`). Open: an unlisted code is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NullFlavor<'d> {
    /// `NI`
    NoInformation,
    /// `UNK`
    Unknown,
    /// `NA`
    NotApplicable,
    /// `NASK`
    NotAsked,
    /// `ASKU`
    AskedButUnknown,
    /// `NAV`
    TemporarilyUnavailable,
    /// `OTH`
    Other,
    /// `MSK`
    Masked,
    /// Any other code, as written.
    Unlisted(&'d str),
}

impl<'d> NullFlavor<'d> {
    /// From the code of the standard.
    pub fn from_code(code: &'d str) -> Self {
        match code {
            "NI" => Self::NoInformation,
            "UNK" => Self::Unknown,
            "NA" => Self::NotApplicable,
            "NASK" => Self::NotAsked,
            "ASKU" => Self::AskedButUnknown,
            "NAV" => Self::TemporarilyUnavailable,
            "OTH" => Self::Other,
            "MSK" => Self::Masked,
            other => Self::Unlisted(other),
        }
    }

    /// In words for a reader.
    pub fn words(self) -> &'d str {
        match self {
            Self::NoInformation => "no information",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not applicable",
            Self::NotAsked => "not asked",
            Self::AskedButUnknown => "asked but unknown",
            Self::TemporarilyUnavailable => "not available at present",
            Self::Other => "other",
            Self::Masked => "withheld",
            Self::Unlisted(code) => code,
        }
    }
}

/// What a section says by having nothing to list. The two differ in care: "no known allergies" is a finding,
/// "no information on allergies" is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Somebody looked and there is none.
    KnownAbsence,
    /// Nothing is known either way.
    NoInformation,
}

/// A coded value with all that came with it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Coded<'d> {
    /// Where it stands.
    pub element: Element<'d>,
    /// `@code`.
    pub code: Option<&'d str>,
    /// `@codeSystem`, an OID.
    pub system: Option<&'d str>,
    /// `@codeSystemName`.
    pub system_name: Option<&'d str>,
    /// `@codeSystemVersion`.
    pub system_version: Option<&'d str>,
    /// `@displayName`.
    pub display_name: Option<&'d str>,
    /// `@nullFlavor`.
    pub null_flavor: Option<NullFlavor<'d>>,
    /// `originalText`, its reference into the narrative followed.
    pub original_text: Option<String>,
    /// Direct `translation` children: the codes it was transcoded from, nested as NCPs leave them.
    pub translations: Vec<Self>,
    /// `qualifier` pairs, such as laterality.
    pub qualifiers: Vec<(Self, Self)>,
}

silent_debug!(Coded);

/// Code system of the "absent or unknown" codes (value sets 42.47 to 42.53).
pub(super) const ABSENT_OR_UNKNOWN: &str = "2.16.840.1.113883.5.1150.1";
const SNOMED_CT: &str = "2.16.840.1.113883.6.96";

/// SNOMED CT concepts by which waves 2 and 3 said the same before the system above existed.
const SNOMED_KNOWN_ABSENCE: [&str; 8] =
    ["160244002", "160245001", "716186003", "409137002", "428607008", "429625007", "787481004", "182849000"];
const SNOMED_NO_INFORMATION: [&str; 3] = ["182904002", "396782006", "1631000175102"];

impl<'d> Coded<'d> {
    /// Reads a coded element; references go to `narrative`.
    pub fn new(element: Element<'d>, narrative: &Narrative<'d>) -> Self {
        let filled = |name| element.attribute(name).filter(|value| !value.trim().is_empty());
        let original = element.hl7("originalText").or_else(|| element.medicine("originalText"));
        Self {
            element,
            code: filled("code"),
            system: filled("codeSystem"),
            system_name: filled("codeSystemName"),
            system_version: filled("codeSystemVersion"),
            display_name: filled("displayName"),
            null_flavor: element.null_flavor(),
            original_text: original.and_then(|text| narrative.text_of(text)),
            translations: element
                .children()
                .filter(|child| child.local() == "translation")
                .map(|child| Self::new(child, narrative))
                .collect(),
            qualifiers: element
                .every("qualifier")
                .filter_map(|qualifier| {
                    let name = Self::new(qualifier.hl7("name")?, narrative);
                    Some((name, Self::new(qualifier.hl7("value")?, narrative)))
                })
                .collect(),
        }
    }

    /// The best words for a reader: the display name, else the original text, else a translation's, else the
    /// code and its system, else why there is none.
    pub fn words(&self) -> String {
        if let Some(name) = self.name() {
            return name;
        }
        match (self.code, self.null_flavor) {
            (Some(code), _) => {
                let system = self.system.and_then(system_words).or(self.system_name).unwrap_or_default();
                format!("{code} {system}").trim_end().to_owned()
            }
            (None, Some(null)) => null.words().to_owned(),
            (None, None) => String::new(),
        }
    }

    /// Words that somebody wrote for this value, if any.
    pub fn name(&self) -> Option<String> {
        self.display_name
            .map(|name| name.trim().to_owned())
            .or_else(|| self.original_text.clone())
            .or_else(|| self.translations.iter().find_map(Self::name))
    }

    /// Whether there is anything for a reader.
    pub fn is_empty(&self) -> bool {
        self.code.is_none() && self.null_flavor.is_none() && self.name().is_none()
    }

    /// What this code says by absence, if it is such a code.
    pub fn absence(&self) -> Option<Absence> {
        let code = self.code?;
        match self.system? {
            ABSENT_OR_UNKNOWN if code.starts_with("no-known-") => Some(Absence::KnownAbsence),
            ABSENT_OR_UNKNOWN if code.starts_with("no-") && code.ends_with("-info") => {
                Some(Absence::NoInformation)
            }
            SNOMED_CT if SNOMED_KNOWN_ABSENCE.contains(&code) => Some(Absence::KnownAbsence),
            SNOMED_CT if SNOMED_NO_INFORMATION.contains(&code) => Some(Absence::NoInformation),
            _ => None,
        }
    }

    /// Whether the code is this one in this system.
    pub fn is(&self, system: &str, code: &str) -> bool {
        self.system == Some(system) && self.code == Some(code)
    }
}
