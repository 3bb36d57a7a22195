//! Sections of a structured body, and which template, code and entries each kind has.

use konfido_xml::Element;

use crate::{
    codes::{EHDSI_ENTRY, EHDSI_SECTION},
    entry::Entries,
    narrative::Narrative,
    tree::{Walk, statement_of},
    value::{Coded, silent_debug},
};

/// What a section is about, told by its LOINC code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SectionKind {
    /// Allergies, adverse reactions, alerts: 48765-2.
    Allergies,
    /// Active problems: 11450-4.
    Problems,
    /// Medication summary: 10160-0.
    Medications,
    /// Procedures and surgeries: 47519-4.
    Procedures,
    /// Medical devices and implants: 46264-8.
    Devices,
    /// History of past illness: 11348-0.
    PastIllness,
    /// Immunisations: 11369-6.
    Immunisations,
    /// Pregnancy status and history: 10162-6.
    Pregnancy,
    /// Vital signs: 8716-3.
    VitalSigns,
    /// Diagnostic results: 30954-2.
    Results,
    /// Social history: 29762-2.
    SocialHistory,
    /// Functional status: 47420-5.
    FunctionalStatus,
    /// Health maintenance and care plan: 18776-5.
    CarePlan,
    /// Advance directives: 42348-3.
    AdvanceDirectives,
    /// Prescription: 57828-6.
    Prescription,
    /// Dispensation: 60590-7.
    Dispensation,
    /// Any other code, or none.
    Other,
}

/// The facts of a kind of section (openly a table: the profile is one).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SectionProfile {
    /// Kind.
    pub kind: SectionKind,
    /// LOINC code.
    pub loinc: &'static str,
    /// Heading for a reader.
    pub heading: &'static str,
    /// Last arc of the eHDSI section template, below 1.3.6.1.4.1.12559.11.10.1.3.1.2.
    pub template: u8,
    /// Templates of older waves that stood for the same.
    pub older: &'static [&'static str],
    /// Last arcs of the entry templates that make up the section, below 1.3.6.1.4.1.12559.11.10.1.3.1.3.
    pub entries: &'static [u8],
    /// Entry templates of older waves.
    pub older_entries: &'static [&'static str],
    /// Whether a patient summary must have it: the five basic sections.
    pub basic: bool,
}

const fn profile(
    kind: SectionKind,
    loinc: &'static str,
    heading: &'static str,
    template: u8,
) -> SectionProfile {
    SectionProfile {
        kind,
        loinc,
        heading,
        template,
        older: &[],
        entries: &[],
        older_entries: &[],
        basic: false,
    }
}

/// All kinds that the profile names, in the order in which a reader should meet them: dangers first.
pub const SECTIONS: [SectionProfile; 16] = [
    SectionProfile {
        older: &["1.3.6.1.4.1.19376.1.5.3.1.3.13", "2.16.840.1.113883.10.20.1.2"],
        entries: &[16],
        older_entries: &["1.3.6.1.4.1.19376.1.5.3.1.4.5.3"],
        basic: true,
        ..profile(SectionKind::Allergies, "48765-2", "Allergies and intolerances", 12)
    },
    SectionProfile {
        older: &["1.3.6.1.4.1.19376.1.5.3.1.3.19", "2.16.840.1.113883.10.20.1.8"],
        entries: &[4],
        older_entries: &["1.3.6.1.4.1.19376.1.5.3.1.4.7", "2.16.840.1.113883.10.20.1.24"],
        basic: true,
        ..profile(SectionKind::Medications, "10160-0", "Current medication", 3)
    },
    SectionProfile {
        older: &["1.3.6.1.4.1.19376.1.5.3.1.3.6", "2.16.840.1.113883.10.20.1.11"],
        entries: &[15],
        older_entries: &["1.3.6.1.4.1.19376.1.5.3.1.4.5.2"],
        basic: true,
        ..profile(SectionKind::Problems, "11450-4", "Current problems", 9)
    },
    SectionProfile {
        older: &["2.16.840.1.113883.10.20.1.7", "1.3.6.1.4.1.19376.1.5.3.1.1.5.3.5"],
        entries: &[5],
        basic: true,
        ..profile(SectionKind::Devices, "46264-8", "Medical devices and implants", 4)
    },
    SectionProfile {
        older: &[
            "1.3.6.1.4.1.19376.1.5.3.1.3.11",
            "1.3.6.1.4.1.19376.1.5.3.1.3.12",
            "2.16.840.1.113883.10.20.1.12",
        ],
        entries: &[26],
        older_entries: &["1.3.6.1.4.1.19376.1.5.3.1.4.19"],
        basic: true,
        ..profile(SectionKind::Procedures, "47519-4", "Procedures", 11)
    },
    SectionProfile {
        entries: &[45, 46, 47, 24],
        older: &["1.3.6.1.4.1.19376.1.5.3.1.1.5.3.4"],
        ..profile(SectionKind::Pregnancy, "10162-6", "Pregnancy", 7)
    },
    SectionProfile {
        older: &["1.3.6.1.4.1.19376.1.5.3.1.3.8"],
        entries: &[15],
        older_entries: &["1.3.6.1.4.1.19376.1.5.3.1.4.5.2"],
        ..profile(SectionKind::PastIllness, "11348-0", "History of past illness", 10)
    },
    SectionProfile {
        older: &["1.3.6.1.4.1.19376.1.5.3.1.3.23", "2.16.840.1.113883.10.20.1.6"],
        entries: &[19],
        older_entries: &["1.3.6.1.4.1.19376.1.5.3.1.4.12"],
        ..profile(SectionKind::Immunisations, "11369-6", "Immunisations", 15)
    },
    SectionProfile {
        older: &[
            "1.3.6.1.4.1.19376.1.5.3.1.3.25",
            "1.3.6.1.4.1.19376.1.5.3.1.1.5.3.2",
            "2.16.840.1.113883.10.20.1.16",
        ],
        entries: &[21, 22],
        older_entries: &["1.3.6.1.4.1.19376.1.5.3.1.4.13.1", "1.3.6.1.4.1.19376.1.5.3.1.4.13.2"],
        ..profile(SectionKind::VitalSigns, "8716-3", "Vital signs", 6)
    },
    SectionProfile {
        entries: &[25, 42, 43],
        older_entries: &["1.3.6.1.4.1.19376.1.5.3.1.4.13"],
        ..profile(SectionKind::Results, "30954-2", "Results", 5)
    },
    SectionProfile {
        older: &[
            "1.3.6.1.4.1.19376.1.5.3.1.3.16",
            "1.3.6.1.4.1.19376.1.5.3.1.3.16.1",
            "2.16.840.1.113883.10.20.1.15",
        ],
        entries: &[23],
        older_entries: &["1.3.6.1.4.1.19376.1.5.3.1.4.13.4"],
        ..profile(SectionKind::SocialHistory, "29762-2", "Social history", 13)
    },
    SectionProfile {
        entries: &[39],
        ..profile(SectionKind::FunctionalStatus, "47420-5", "Functional status", 14)
    },
    profile(SectionKind::CarePlan, "18776-5", "Health maintenance and care plan", 8),
    profile(SectionKind::AdvanceDirectives, "42348-3", "Advance directives", 16),
    SectionProfile {
        entries: &[2],
        older_entries: &["1.3.6.1.4.1.19376.1.5.3.1.4.7"],
        ..profile(SectionKind::Prescription, "57828-6", "Prescription", 1)
    },
    SectionProfile { entries: &[3], ..profile(SectionKind::Dispensation, "60590-7", "Dispensation", 2) },
];

impl SectionKind {
    /// By LOINC code.
    pub fn from_loinc(code: &str) -> Self {
        SECTIONS.iter().find(|profile| profile.loinc == code).map_or(Self::Other, |profile| profile.kind)
    }

    /// The facts of this kind; none for [`SectionKind::Other`].
    pub fn profile(self) -> Option<&'static SectionProfile> {
        SECTIONS.iter().find(|profile| profile.kind == self)
    }
}

impl SectionProfile {
    /// The eHDSI section template, whole.
    pub fn template_id(&self) -> String {
        format!("{EHDSI_SECTION}{}", self.template)
    }

    /// Whether a statement carries one of the entry templates, of today or older.
    pub(crate) fn is_entry(&self, statement: Element<'_>) -> bool {
        statement.every("templateId").filter_map(|template| template.attribute("root")).any(|root| {
            let own = root.strip_prefix(EHDSI_ENTRY).and_then(|arc| arc.parse().ok());
            own.is_some_and(|arc| self.entries.contains(&arc)) || self.older_entries.contains(&root)
        })
    }
}

/// One section with its entries.
#[derive(Clone)]
#[non_exhaustive]
pub struct Section<'d> {
    /// Where it stands.
    pub element: Element<'d>,
    /// What it is about.
    pub kind: SectionKind,
    /// `code`.
    pub code: Option<Coded<'d>>,
    /// `title`.
    pub title: Option<String>,
    /// What its author wrote.
    pub narrative: Narrative<'d>,
    /// Coded content.
    pub entries: Entries<'d>,
    /// Nested sections.
    pub sections: Vec<Self>,
}

silent_debug!(Section);

impl<'d> Section<'d> {
    /// Reads a `section` and what is nested in it. Depth is bounded by the limits of the parse.
    pub fn new(element: Element<'d>) -> Self {
        let narrative = Narrative::of_section(element);
        let code = element.hl7("code").map(|code| Coded::new(code, &narrative));
        let kind =
            code.as_ref().and_then(|code| code.code).map_or(SectionKind::Other, SectionKind::from_loinc);
        let statements: Vec<_> = element.every("entry").filter_map(statement_of).collect();
        Self {
            element,
            kind,
            title: element.hl7("title").map(Walk::label).filter(|title| !title.is_empty()),
            entries: Entries::new(kind, &statements, &narrative),
            sections: element
                .every("component")
                .filter_map(|component| component.hl7("section"))
                .map(Self::new)
                .collect(),
            code,
            narrative,
        }
    }

    /// The heading for a reader: ours where the kind is known, else the author's.
    pub fn heading(&self) -> String {
        match self.kind.profile() {
            Some(profile) => profile.heading.to_owned(),
            None => self
                .title
                .clone()
                .or_else(|| self.code.as_ref().map(Coded::words))
                .filter(|heading| !heading.is_empty())
                .unwrap_or_else(|| "Further section".to_owned()),
        }
    }
}
