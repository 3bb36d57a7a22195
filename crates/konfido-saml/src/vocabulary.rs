//! The closed code lists of the profile: roles, purposes, facility types, permissions, and which permissions an
//! operation demands (eHDSI SAML profile; the tables are those of the reference implementation).

use std::fmt;

/// ISCO, the code system of roles.
pub const ROLE_SYSTEM: &str = "2.16.840.1.113883.2.9.6.2.7";
/// The code system of purposes of use.
pub const PURPOSE_SYSTEM: &str = "3bc18518-d305-46c2-a8d6-94bd59856e9e";
/// Name of the code system of purposes of use.
pub const PURPOSE_SYSTEM_NAME: &str = "eHDSI XSPA PurposeOfUse";

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $display:literal;)+) => {
        /// What the professional is. Any role of the list may call any operation; permissions decide.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Role { $($(#[$doc])* $name,)+ }

        impl Role {
            /// All roles, in the order of the profile's table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The ISCO code.
            #[must_use]
            pub const fn code(self) -> &'static str { match self { $(Self::$name => $code,)+ } }

            /// The English name that travels beside the code and is compared with it in ITI-55.
            #[must_use]
            pub const fn display_name(self) -> &'static str { match self { $(Self::$name => $display,)+ } }

            /// The role of an ISCO code.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> { match code { $($code => Some(Self::$name),)+ _ => None } }
        }
    };
}

roles! {
    /// Audiologists and speech therapists.
    Audiologist = "2266", "Audiologists and speech therapists";
    /// Dentists.
    Dentist = "2261", "Dentists";
    /// Medical doctors.
    MedicalDoctor = "221", "Medical Doctors";
    /// Technicians of imaging and therapeutic equipment.
    ImagingTechnician = "3211", "Medical imaging and therapeutic equipment technicians";
    /// Midwives.
    Midwife = "2222", "Midwifery professionals";
    /// Nurses.
    Nurse = "2221", "Nursing professionals";
    /// Dieticians and nutritionists.
    Dietician = "2265", "Dieticians and nutritionists";
    /// Optometrists and ophthalmic opticians.
    Optometrist = "2267", "Optometrists and ophthalmic opticians";
    /// Health professionals not elsewhere classified.
    OtherProfessional = "2269", "Health professionals not elsewhere classified";
    /// Other clerical support workers.
    ClericalWorker = "44", "Other Clerical Support Workers";
    /// Pharmacists.
    Pharmacist = "2262", "Pharmacists";
    /// Pharmaceutical technicians and assistants.
    PharmaceuticalTechnician = "3213", "Pharmaceutical technicians and assistants";
    /// Physiotherapists.
    Physiotherapist = "2264", "Physiotherapists";
}

/// Why data is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PurposeOfUse {
    /// A treatment relationship that both sides confirmed.
    Treatment,
    /// Break-glass: the patient could not confirm. Flagged all the way.
    Emergency,
}

impl PurposeOfUse {
    /// The code, exactly as it must be spelt.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Treatment => "TREATMENT",
            Self::Emergency => "EMERGENCY",
        }
    }

    /// The purpose of a code; case matters.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "TREATMENT" => Some(Self::Treatment),
            "EMERGENCY" => Some(Self::Emergency),
            _ => None,
        }
    }
}

/// Kind of house in which the professional works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FacilityType {
    /// Hospital.
    Hospital,
    /// Resident physician.
    ResidentPhysician,
    /// Pharmacy.
    Pharmacy,
    /// Anything else.
    Other,
}

impl FacilityType {
    /// All types.
    pub const ALL: [Self; 4] = [Self::Hospital, Self::ResidentPhysician, Self::Pharmacy, Self::Other];

    /// The text on the wire.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Hospital => "Hospital",
            Self::ResidentPhysician => "Resident Physician",
            Self::Pharmacy => "Pharmacy",
            Self::Other => "Other",
        }
    }

    /// The type of a text; case does not matter.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.text().eq_ignore_ascii_case(text.trim()))
    }
}

/// What every permission on the wire begins with.
pub const PERMISSION_PREFIX: &str = "urn:oasis:names:tc:xspa:1.0:subject:hl7:permission:";

/// A permission by its short code, e.g. `PRD-006`. Codes that the profile does not name are kept: a peer may
/// carry more than we ask for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission(String);

impl Permission {
    /// A permission of our own code lists.
    #[must_use]
    pub fn new(code: &str) -> Self {
        Self(code.to_owned())
    }

    /// Reads the full URN; a bare code, as assertions before 2017 carried, is no permission.
    #[must_use]
    pub fn from_urn(urn: &str) -> Option<Self> {
        let code = urn.trim().strip_prefix(PERMISSION_PREFIX)?;
        (!code.is_empty()).then(|| Self(code.to_owned()))
    }

    /// The short code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0
    }

    /// The full URN.
    #[must_use]
    pub fn urn(&self) -> String {
        format!("{PERMISSION_PREFIX}{}", self.0)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the presenter of an assertion wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// ITI-55.
    PatientDiscovery,
    /// ITI-38 or ITI-39 for a patient summary.
    PatientSummary,
    /// ITI-38 or ITI-39 for prescriptions.
    Prescription,
    /// ITI-38 or ITI-39 for a medication related overview.
    MedicationOverview,
    /// ITI-38 or ITI-39 for original clinical documents.
    OriginalDocument,
    /// ITI-41 with a dispensation.
    Dispensation,
    /// ITI-41 that takes a dispensation back.
    DiscardDispensation,
    /// ITI-41 with a consent.
    Consent,
}

impl Operation {
    /// The permissions that the HCP assertion must carry, all of them.
    #[must_use]
    pub const fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::PatientDiscovery => &["PRD-006"],
            Self::PatientSummary | Self::OriginalDocument => &["PRD-003", "PRD-005", "PRD-010", "PRD-016"],
            Self::Prescription | Self::MedicationOverview => &["PRD-004", "PRD-010"],
            Self::Dispensation | Self::DiscardDispensation => &["PPD-046"],
            Self::Consent => &["PPD-032"],
        }
    }

    /// Whether a confirmed treatment relationship must be shown: everywhere but in the search for the patient.
    #[must_use]
    pub const fn needs_trc(self) -> bool {
        !matches!(self, Self::PatientDiscovery)
    }
}

/// The three kinds of assertion in the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Identity of the health care professional.
    Hcp,
    /// Confirmation of the treatment relationship.
    Trc,
    /// Next of kin.
    Nok,
}

impl Kind {
    /// Issuer `NameQualifier`, by which a receiver tells the kinds apart.
    #[must_use]
    pub const fn qualifier(self) -> &'static str {
        match self {
            Self::Hcp => "urn:ehdsi:assertions:hcp",
            Self::Trc => "urn:ehdsi:assertions:trc",
            Self::Nok => "urn:ehdsi:assertions:nok",
        }
    }

    /// The kind of a qualifier.
    #[must_use]
    pub fn from_qualifier(qualifier: &str) -> Option<Self> {
        [Self::Hcp, Self::Trc, Self::Nok].into_iter().find(|k| k.qualifier() == qualifier)
    }

    /// Longest span between NotBefore and NotOnOrAfter, and the one we issue.
    #[must_use]
    pub const fn lifetime(self) -> jiff::SignedDuration {
        match self {
            Self::Hcp => jiff::SignedDuration::from_hours(4),
            Self::Trc | Self::Nok => jiff::SignedDuration::from_hours(2),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hcp => "HCP",
            Self::Trc => "TRC",
            Self::Nok => "NoK",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_codes_are_one_to_one() {
        assert_eq!(Role::ALL.len(), 13);
        for role in Role::ALL {
            assert_eq!(Role::from_code(role.code()), Some(*role));
        }
        assert_eq!(Role::from_code("999"), None);
    }

    #[test]
    fn permissions_travel_as_full_urn_only() {
        let p = Permission::new("PRD-006");
        assert_eq!(Permission::from_urn(&p.urn()), Some(p));
        assert_eq!(Permission::from_urn("PRD-006"), None);
        assert_eq!(Permission::from_urn(PERMISSION_PREFIX), None);
    }

    #[test]
    fn purpose_is_case_sensitive_and_facility_is_not() {
        assert_eq!(PurposeOfUse::from_code("treatment"), None);
        assert_eq!(FacilityType::from_text("resident physician"), Some(FacilityType::ResidentPhysician));
        assert_eq!(FacilityType::from_text("Garage"), None);
    }
}
