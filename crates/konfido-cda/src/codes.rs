//! Object identifiers of the eHDSI document profile.

/// LOINC.
pub const LOINC: &str = "2.16.840.1.113883.6.1";
/// SNOMED CT.
pub const SNOMED_CT: &str = "2.16.840.1.113883.6.96";
/// Root of the document templates; the last arc tells the kind.
pub const EHDSI_DOCUMENT: &str = "1.3.6.1.4.1.12559.11.10.1.3.1.1.";
/// Root of the section templates.
pub const EHDSI_SECTION: &str = "1.3.6.1.4.1.12559.11.10.1.3.1.2.";
/// Root of the entry templates.
pub const EHDSI_ENTRY: &str = "1.3.6.1.4.1.12559.11.10.1.3.1.3.";
/// HL7 Confidentiality.
pub const CONFIDENTIALITY: &str = "2.16.840.1.113883.5.25";
/// HL7 AdministrativeGender.
pub const ADMINISTRATIVE_GENDER: &str = "2.16.840.1.113883.5.1";

/// A whole entry template identifier from its last arc.
pub(crate) fn entry_template(arc: u8) -> String {
    format!("{EHDSI_ENTRY}{arc}")
}

/// The short name of a code system that a professional knows.
pub fn system_words(oid: &str) -> Option<&'static str> {
    Some(match oid {
        LOINC => "LOINC",
        SNOMED_CT => "SNOMED CT",
        "1.3.6.1.4.1.12559.11.10.1.3.1.44.2" | "2.16.840.1.113883.6.3" => "ICD-10",
        "2.16.840.1.113883.6.73" => "ATC",
        "0.4.0.127.0.16.1.1.2.1" | "1.3.6.1.4.1.12559.11.10.1.3.1.44.1" => "EDQM",
        "1.3.6.1.4.1.12559.11.10.1.3.1.44.5" => "ORPHA",
        "2.16.840.1.113883.2.9.6.2.7" => "ISCO",
        "2.16.840.1.113883.5.139" => "HL7 timing",
        _ => return None,
    })
}
