//! Classes, formats and levels of the documents that are exchanged, as open enumerations.

/// The OID of LOINC, the coding scheme of every class code of the profile.
pub const LOINC: &str = "2.16.840.1.113883.6.1";

/// What kind of document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DocumentClass {
    /// Patient summary.
    PatientSummary,
    /// ePrescription.
    EPrescription,
    /// eDispensation.
    EDispensation,
    /// Discard of an eDispensation.
    EDispensationDiscard,
    /// Original clinical document: hospital discharge report.
    HospitalDischarge,
    /// Original clinical document: laboratory report.
    Laboratory,
    /// Original clinical document: imaging report.
    ImagingReport,
    /// Original clinical document: medical image.
    MedicalImage,
    /// Medication related overview, of an older generation.
    MedicationOverview,
    /// Consent.
    Consent,
    /// Healthcare encounter report, of an older generation.
    EncounterReport,
}

/// The three groups that differ in codes and permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Patient summaries.
    PatientSummary,
    /// Prescriptions and what follows from them.
    Prescription,
    /// Original clinical documents.
    Original,
}

impl DocumentClass {
    /// Every class.
    pub const ALL: [Self; 11] = [
        Self::PatientSummary,
        Self::EPrescription,
        Self::EDispensation,
        Self::EDispensationDiscard,
        Self::HospitalDischarge,
        Self::Laboratory,
        Self::ImagingReport,
        Self::MedicalImage,
        Self::MedicationOverview,
        Self::Consent,
        Self::EncounterReport,
    ];

    /// The class code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::PatientSummary => "60591-5",
            Self::EPrescription => "57833-6",
            Self::EDispensation => "60593-1",
            Self::EDispensationDiscard => "DISCARD-60593-1",
            Self::HospitalDischarge => "34105-7",
            Self::Laboratory => "11502-2",
            Self::ImagingReport => "18748-4",
            Self::MedicalImage => "x-clinical-image",
            Self::MedicationOverview => "56445-0",
            Self::Consent => "57016-8",
            Self::EncounterReport => "34133-9",
        }
    }

    /// The title that goes with the class code.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::PatientSummary => "Patient Summary",
            Self::EPrescription => "eHDSI - ePrescription",
            Self::EDispensation => "eHDSI - eDispensation",
            Self::EDispensationDiscard => "eHDSI - eDispensation Discard",
            Self::HospitalDischarge => "OrCD Hospital Discharge Summary",
            Self::Laboratory => "OrCD Laboratory Report",
            Self::ImagingReport => "OrCD Diagnostic Imaging Study",
            Self::MedicalImage => "OrCD Medical Image",
            Self::MedicationOverview => "MRO Summary",
            Self::Consent => "Consent",
            Self::EncounterReport => "HCER",
        }
    }

    /// The class of this code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.code() == code)
    }

    /// The group whose codes and permissions apply.
    #[must_use]
    pub fn group(self) -> Group {
        match self {
            Self::PatientSummary => Group::PatientSummary,
            Self::HospitalDischarge | Self::Laboratory | Self::ImagingReport | Self::MedicalImage => {
                Group::Original
            }
            _ => Group::Prescription,
        }
    }

    /// True for the classes that a query may ask for.
    #[must_use]
    pub fn is_queryable(self) -> bool {
        matches!(self, Self::PatientSummary | Self::EPrescription) || self.group() == Group::Original
    }
}

/// A class code of a query or an entry: one of ours, or whatever else the peer wrote.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ClassCode {
    /// A class of the profile, in LOINC.
    Known(DocumentClass),
    /// Any other code in any scheme.
    Other {
        /// The code.
        code: String,
        /// Its coding scheme, empty if none was named.
        scheme: String,
    },
}

impl ClassCode {
    /// The class code of this code and scheme.
    #[must_use]
    pub fn new(code: &str, scheme: &str) -> Self {
        match DocumentClass::of_code(code) {
            Some(class) if scheme == LOINC => Self::Known(class),
            _ => Self::Other { code: code.to_owned(), scheme: scheme.to_owned() },
        }
    }

    /// The class, if it is one of the profile's.
    #[must_use]
    pub fn class(&self) -> Option<DocumentClass> {
        match self {
            Self::Known(class) => Some(*class),
            Self::Other { .. } => None,
        }
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Known(class) => class.code(),
            Self::Other { code, .. } => code,
        }
    }

    /// The coding scheme.
    #[must_use]
    pub fn scheme(&self) -> &str {
        match self {
            Self::Known(_) => LOINC,
            Self::Other { scheme, .. } => scheme,
        }
    }
}

/// Whether a document is structured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// L3: a structured body.
    Structured,
    /// L1: a header around a PDF or a picture.
    Scanned,
}

/// The format of a document.
///
/// Read without regard to case; coding scheme and display name of a format code are never compared, because
/// generations of peers differ in them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FormatCode {
    /// Patient summary, L3.
    PatientSummary,
    /// ePrescription, L3. The profile's spelling is in lower case.
    EPrescription,
    /// eDispensation, L3.
    EDispensation,
    /// PDF in a CDA header, for patient summary and ePrescription.
    Pdf,
    /// PDF of an original clinical document.
    OriginalPdf,
    /// PNG of an original clinical document.
    OriginalPng,
    /// JPEG of an original clinical document.
    OriginalJpeg,
    /// Any other format.
    Other(String),
}

impl FormatCode {
    const KNOWN: [Self; 7] = [
        Self::PatientSummary,
        Self::EPrescription,
        Self::EDispensation,
        Self::Pdf,
        Self::OriginalPdf,
        Self::OriginalPng,
        Self::OriginalJpeg,
    ];

    /// The format of this code.
    #[must_use]
    pub fn of_code(code: &str) -> Self {
        let code = code.trim();
        Self::KNOWN
            .into_iter()
            .find(|known| known.code().eq_ignore_ascii_case(code))
            .unwrap_or_else(|| Self::Other(code.to_owned()))
    }

    /// The format that documents of this class and level have.
    #[must_use]
    pub fn of(class: DocumentClass, level: Level) -> Self {
        match (class, level) {
            (DocumentClass::PatientSummary, Level::Structured) => Self::PatientSummary,
            (DocumentClass::EDispensation, Level::Structured) => Self::EDispensation,
            (class, Level::Scanned) if class.group() == Group::Original => Self::OriginalPdf,
            (_, Level::Scanned) => Self::Pdf,
            (_, Level::Structured) => Self::EPrescription,
        }
    }

    /// The code as it goes on the wire.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::PatientSummary => "urn:epSOS:ps:ps:2010",
            Self::EPrescription => "urn:epsos:ep:pre:2010",
            Self::EDispensation => "urn:epSOS:ep:dis:2010",
            Self::Pdf => "urn:ihe:iti:xds-sd:pdf:2008",
            Self::OriginalPdf => "urn:eHDSI:orcd:pdf:2021",
            Self::OriginalPng => "urn:eHDSI:orcd:png:2021",
            Self::OriginalJpeg => "urn:eHDSI:orcd:jpeg:2021",
            Self::Other(code) => code,
        }
    }

    /// The coding scheme that is written with it.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        match self {
            Self::Pdf => "IHE PCC",
            _ => "eHDSI formatCodes",
        }
    }

    /// The display name that is written with it.
    #[must_use]
    pub fn display(&self) -> &'static str {
        match self {
            Self::PatientSummary => "epSOS coded Patient Summary",
            Self::EPrescription => "epSOS coded ePrescription",
            Self::EDispensation => "eHDSI coded eDispensation",
            Self::Pdf | Self::OriginalPdf => "PDF/A coded document",
            Self::OriginalPng => "PNG coded document",
            Self::OriginalJpeg => "JPEG coded document",
            Self::Other(_) => "Other",
        }
    }

    /// The level that a document of this format has; unknown for an unknown format.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        match self {
            Self::PatientSummary | Self::EPrescription | Self::EDispensation => Some(Level::Structured),
            Self::Pdf | Self::OriginalPdf | Self::OriginalPng | Self::OriginalJpeg => Some(Level::Scanned),
            Self::Other(_) => None,
        }
    }
}
