//! The error codes of the eHDSI profiles, as one open enumeration.
//!
//! Two generations travel side by side: newer codes go as their name (`ERROR_PI_NO_MATCH`), older ones as
//! digits (`4703` is `ERROR_INSUFFICIENT_RIGHTS`), and some peers send the name of a code that the others send
//! as digits. Rules:
//! - reading takes the digits and the name of a code for the same error; an unknown code is kept as it came;
//! - writing always uses the wire form that the reference implementation looks up in its own table;
//! - the digits 24xx, 25xx and 45xx are those of the document transformation, whose numbers carry their meaning
//!   only together with a text, so they are kept as a number ([`TransformationCode`]).
//!
//! What an error *means* for an answer is not said here: [`crate::xcpd::error`] and [`crate::xca::error`] hold
//! the one table of their protocol.

mod catalogue;

use std::fmt;

pub use catalogue::EhdsiError;

/// The longest code that is kept of a peer's message; the rest is cut off.
const LONGEST_CODE: usize = 128;

/// A code that is in no table of ours, kept as the peer wrote it.
///
/// INVARIANT (unknown stays unknown): only [`EhdsiError::from_wire`] makes one, after no known code has matched, so
/// two equal errors are always the same variant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnknownCode(String);

impl UnknownCode {
    /// The code as it was on the wire, cut to 128 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A code of the document transformation: 2401 to 2599 are warnings, 4500 to 4599 errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransformationCode(u16);

impl TransformationCode {
    /// The code with this number, if the number is one of the transformation's.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        matches!(number, 2400..=2599 | 4500..=4599).then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

impl EhdsiError {
    /// Reads a code in any of its forms: digits, name, or something unknown.
    #[must_use]
    pub fn from_wire(code: &str) -> Self {
        let code = code.trim();
        if let Some(known) = Self::known(code) {
            return known;
        }
        let number =
            code.parse().ok().filter(|_| code.len() == 4 && code.bytes().all(|b| b.is_ascii_digit()));
        if let Some(transformation) = number.and_then(TransformationCode::new) {
            return Self::Transformation(transformation);
        }
        let kept: String = code.chars().take(LONGEST_CODE).collect();
        Self::Unknown(UnknownCode(kept.trim_end().to_owned()))
    }

    /// True when the code itself says that it is no more than a warning.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        match self {
            Self::Transformation(code) => code.number() < 4000,
            other => other.name().starts_with("WARNING_"),
        }
    }

    /// True for the codes by which a peer says that the patient has no such document.
    #[must_use]
    pub fn is_nothing_found(&self) -> bool {
        matches!(
            self,
            Self::PsNotFound
                | Self::EpNotFound
                | Self::OrcdNotFound
                | Self::DocumentNotFound
                | Self::MroNoData
        )
    }

    /// One sentence in plain English for the reader of an answer, in our own words.
    ///
    /// Codes that this node never sends have no sentence of their own; their name stands for it.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::PiNoMatch => "no patient matches the given identification",
            Self::PiMultipleMatches => "several patients match the given identification",
            Self::PiGeneric => "the patient could not be identified",
            Self::PiMissingRequiredFields => "the identification request lacks a required field",
            Self::PiIncorrectFormatting => "the identification request is not well formed",
            Self::PiRegistryNotAvailable => "the national patient registry does not answer",
            Self::PiInternalError => "the identification failed inside the country of affiliation",
            Self::WarningPiNoConsent => "the patient has not consented to being identified across borders",
            Self::PsNotFound => "no patient summary is registered for this patient",
            Self::PsNoConsent | Self::EpNoConsent | Self::NoConsent => "the patient has not given consent",
            Self::PsMissingRequiredFields | Self::EpMissingRequiredFields => {
                "the request lacks a required field"
            }
            Self::PsIncorrectFormatting | Self::EpIncorrectFormatting => "the request is not well formed",
            Self::PsRegistryNotAvailable | Self::EpRegistryNotAvailable => {
                "the national registry does not answer"
            }
            Self::EpRegistryNotAccessible => "the national prescription registry does not answer",
            Self::PsGeneric | Self::EpGeneric | Self::OrcdGeneric => "the request could not be answered",
            Self::PsInternalError | Self::EpInternalError | Self::Generic => {
                "the request failed inside the country of affiliation"
            }
            Self::PsMissingExpectedMapping | Self::EpMissingExpectedMapping => {
                "a code of the document has no mapping that the exchange needs"
            }
            Self::TranscodingError => "the document could not be transcoded",
            Self::EpNotFound => "no prescription is registered for this patient",
            Self::OrcdNotFound => "no original clinical document is registered for this patient",
            Self::DocumentNotFound => "no such document is registered for this patient",
            Self::GenericDocumentMissing => "the requested document was not found",
            Self::GenericServiceSignifierUnknown => "this class of documents is not served",
            Self::InsufficientRights => "the requested operation is not allowed to this health professional",
            Self::UnknownPatientIdentifier => {
                "the patient of the query is not the patient of the treatment relationship"
            }
            Self::SecGeneric => "the security checks of the request failed",
            Self::SecDataIntegrityNotEnsured => "the integrity of the request cannot be ensured",
            Self::NotValidAssertion => "an assertion is not valid",
            Self::NotValidTrcAssertion => {
                "the treatment relationship assertion does not fit the identity assertion"
            }
            Self::WeakAuthentication => "a stronger authentication of the health professional is required",
            Self::UnknownFilter => "an argument of the query cannot be evaluated",
            other => return other.name().into_owned(),
        }
        .to_owned()
    }
}

impl fmt::Display for EhdsiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.wire())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_name_are_the_same_error() {
        for known in EhdsiError::KNOWN {
            assert_eq!(&EhdsiError::from_wire(&known.wire()), known);
            assert_eq!(&EhdsiError::from_wire(&known.name()), known);
        }
        assert_eq!(EhdsiError::from_wire("4701"), EhdsiError::NoConsent);
        assert_eq!(EhdsiError::from_wire("ERROR_NO_CONSENT"), EhdsiError::NoConsent);
        assert_eq!(EhdsiError::from_wire(" 4703 "), EhdsiError::InsufficientRights);
        assert_eq!(EhdsiError::from_wire("1102"), EhdsiError::PsNotFound);
    }

    #[test]
    fn the_irregular_code_keeps_its_prefix_on_the_wire() {
        let error = EhdsiError::from_wire("WARNING_PS_MISSING_EXPECTED_TRANSLATION");
        assert_eq!(error.wire(), "EHDSI_WARNING_PS_MISSING_EXPECTED_TRANSLATION");
        assert!(error.is_warning());
    }

    #[test]
    fn an_unknown_code_is_kept() {
        let error = EhdsiError::from_wire("ERROR_OF_TOMORROW");
        assert_eq!(error.wire(), "ERROR_OF_TOMORROW");
        assert!(!error.is_warning());
        assert_eq!(EhdsiError::from_wire(&"x".repeat(1000)).wire().len(), LONGEST_CODE);
    }

    #[test]
    fn transformation_codes_stay_numbers() {
        let warning = EhdsiError::from_wire("2508");
        assert!(matches!(warning, EhdsiError::Transformation(code) if code.number() == 2508));
        assert!(warning.is_warning());
        assert!(!EhdsiError::from_wire("4505").is_warning());
        assert!(matches!(EhdsiError::from_wire("+450"), EhdsiError::Unknown(_)));
        assert_eq!(EhdsiError::from_wire("4505").wire(), "4505");
    }
}
