//! The table of all codes: variant, form on the wire, name, and the digits of an older generation where they differ.
//!
//! The wire form is what the reference implementation sends and looks up; names and digits are those of its own
//! table and of ITI TF-3, table 4.2.4.1-2 (the `XDS…` codes).

use std::borrow::Cow;

use super::{TransformationCode, UnknownCode};

macro_rules! catalogue {
    ($($variant:ident: $wire:literal, $name:literal $(, $older:literal)?;)*) => {
        /// An error or warning of the eHDSI profiles.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EhdsiError {
            $(#[doc = concat!("`", $name, "`, on the wire `", $wire, "`.")] $variant,)*
            /// A code of the document transformation.
            Transformation(TransformationCode),
            /// A code in no table, as the peer wrote it.
            Unknown(UnknownCode),
        }

        impl EhdsiError {
            /// Every code of the table.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];

            pub(super) fn known(code: &str) -> Option<Self> {
                match code {
                    $($wire $(| $older)? => Some(Self::$variant),)*
                    other => match other {
                        $($name => Some(Self::$variant),)*
                        _ => None,
                    },
                }
            }

            /// The form that goes on the wire: digits for the older codes, else the name.
            #[must_use]
            pub fn wire(&self) -> Cow<'_, str> {
                match self {
                    $(Self::$variant => Cow::Borrowed($wire),)*
                    Self::Transformation(code) => Cow::Owned(code.number().to_string()),
                    Self::Unknown(code) => Cow::Borrowed(code.as_str()),
                }
            }

            /// The name, also of a code that travels as digits.
            #[must_use]
            pub fn name(&self) -> Cow<'_, str> {
                match self {
                    $(Self::$variant => Cow::Borrowed($name),)*
                    Self::Transformation(_) | Self::Unknown(_) => self.wire(),
                }
            }
        }
    };
}

catalogue! {
    Generic: "ERROR_GENERIC", "ERROR_GENERIC";
    WarningGeneric: "WARNING_GENERIC", "WARNING_GENERIC";
    GenericConnectionNotPossible: "ERROR_GENERIC_CONNECTION_NOT_POSSIBLE", "ERROR_GENERIC_CONNECTION_NOT_POSSIBLE";
    GenericDocumentMissing: "ERROR_GENERIC_DOCUMENT_MISSING", "ERROR_GENERIC_DOCUMENT_MISSING";
    GenericServiceSignifierUnknown: "ERROR_GENERIC_SERVICE_SIGNIFIER_UNKNOWN", "ERROR_GENERIC_SERVICE_SIGNIFIER_UNKNOWN";
    HpiGeneric: "ERROR_HPI_GENERIC", "ERROR_HPI_GENERIC";
    WarningHpiGeneric: "WARNING_HPI_GENERIC", "WARNING_HPI_GENERIC";
    HpiNoInformation: "ERROR_HPI_NO_INFORMATION", "ERROR_HPI_NO_INFORMATION";
    HpiInsufficientInformation: "ERROR_HPI_INSUFFICIENT_INFORMATION", "ERROR_HPI_INSUFFICIENT_INFORMATION";
    HpiHaiNoInformation: "ERROR_HPI_HAI_NO_INFORMATION", "ERROR_HPI_HAI_NO_INFORMATION";
    HpiPocNoInformation: "ERROR_HPI_POC_NO_INFORMATION", "ERROR_HPI_POC_NO_INFORMATION";
    HpiAuthenticationNotReceived: "ERROR_HPI_AUTHENTICATION_NOT_RECEIVED", "ERROR_HPI_AUTHENTICATION_NOT_RECEIVED";
    PiGeneric: "ERROR_PI_GENERIC", "ERROR_PI_GENERIC";
    WarningPiGeneric: "WARNING_PI_GENERIC", "WARNING_PI_GENERIC";
    PiNoMatch: "ERROR_PI_NO_MATCH", "ERROR_PI_NO_MATCH";
    PiMultipleMatches: "ERROR_PI_MULTIPLE_MATCHES", "ERROR_PI_MULTIPLE_MATCHES";
    PiIncorrectFormatting: "ERROR_PI_INCORRECT_FORMATTING", "ERROR_PI_INCORRECT_FORMATTING";
    PiMissingRequiredFields: "ERROR_PI_MISSING_REQUIRED_FIELDS", "ERROR_PI_MISSING_REQUIRED_FIELDS";
    PiRegistryNotAvailable: "ERROR_PI_REGISTRY_NOT_AVAILABLE", "ERROR_PI_REGISTRY_NOT_AVAILABLE";
    PiInternalError: "ERROR_PI_INTERNAL_ERROR", "ERROR_PI_INTERNAL_ERROR";
    WarningPiNoConsent: "WARNING_PI_NO_CONSENT", "WARNING_PI_NO_CONSENT";
    PsGeneric: "ERROR_PS_GENERIC", "ERROR_PS_GENERIC";
    WarningPsGeneric: "WARNING_PS_GENERIC", "WARNING_PS_GENERIC";
    PsMissingBasicSections: "ERROR_PS_MISSING_BASIC_SECTIONS", "ERROR_PS_MISSING_BASIC_SECTIONS";
    WarningPsMissingBasicData: "WARNING_PS_MISSING_BASIC_DATA", "WARNING_PS_MISSING_BASIC_DATA";
    PsMissingExpectedMapping: "ERROR_PS_MISSING_EXPECTED_MAPPING", "ERROR_PS_MISSING_EXPECTED_MAPPING";
    WarningPsMissingExpectedMapping: "WARNING_PS_MISSING_EXPECTED_MAPPING", "WARNING_PS_MISSING_EXPECTED_MAPPING";
    WarningPsMissingExpectedTranslation: "EHDSI_WARNING_PS_MISSING_EXPECTED_TRANSLATION", "WARNING_PS_MISSING_EXPECTED_TRANSLATION";
    PsPdfFormatNotProvided: "ERROR_PS_PDF_FORMAT_NOT_PROVIDED", "ERROR_PS_PDF_FORMAT_NOT_PROVIDED";
    PsIncorrectFormatting: "ERROR_PS_INCORRECT_FORMATTING", "ERROR_PS_INCORRECT_FORMATTING";
    PsMissingRequiredFields: "ERROR_PS_MISSING_REQUIRED_FIELDS", "ERROR_PS_MISSING_REQUIRED_FIELDS";
    PsInternalError: "ERROR_PS_INTERNAL_ERROR", "ERROR_PS_INTERNAL_ERROR";
    PsRegistryNotAvailable: "ERROR_PS_REGISTRY_NOT_AVAILABLE", "ERROR_PS_REGISTRY_NOT_AVAILABLE";
    PsMissingBasicData: "ERROR_PS_MISSING_BASIC_DATA", "ERROR_PS_MISSING_BASIC_DATA";
    PsNoConsent: "ERROR_PS_NO_CONSENT", "ERROR_PS_NO_CONSENT";
    PsNotFound: "ERROR_PS_NOT_FOUND", "ERROR_PS_NOT_FOUND", "1102";
    EpGeneric: "ERROR_EP_GENERIC", "ERROR_EP_GENERIC";
    WarningEpGeneric: "WARNING_EP_GENERIC", "WARNING_EP_GENERIC";
    WarningEpMissingBasicData: "WARNING_EP_MISSING_BASIC_DATA", "WARNING_EP_MISSING_BASIC_DATA";
    EpMissingExpectedMapping: "ERROR_EP_MISSING_EXPECTED_MAPPING", "ERROR_EP_MISSING_EXPECTED_MAPPING";
    WarningEpMissingExpectedMapping: "WARNING_EP_MISSING_EXPECTED_MAPPING", "WARNING_EP_MISSING_EXPECTED_MAPPING";
    WarningEpMissingExpectedTranslation: "WARNING_EP_MISSING_EXPECTED_TRANSLATION", "WARNING_EP_MISSING_EXPECTED_TRANSLATION";
    EpPdfFormatNotProvided: "ERROR_EP_PDF_FORMAT_NOT_PROVIDED", "ERROR_EP_PDF_FORMAT_NOT_PROVIDED";
    EpIncorrectFormatting: "ERROR_EP_INCORRECT_FORMATTING", "ERROR_EP_INCORRECT_FORMATTING";
    EpMissingRequiredFields: "ERROR_EP_MISSING_REQUIRED_FIELDS", "ERROR_EP_MISSING_REQUIRED_FIELDS";
    EpInternalError: "ERROR_EP_INTERNAL_ERROR", "ERROR_EP_INTERNAL_ERROR";
    EpMissingBasicData: "ERROR_EP_MISSING_BASIC_DATA", "ERROR_EP_MISSING_BASIC_DATA";
    EpNoConsent: "ERROR_EP_NO_CONSENT", "ERROR_EP_NO_CONSENT";
    EpNotFound: "ERROR_EP_NOT_FOUND", "ERROR_EP_NOT_FOUND", "1101";
    EpRegistryNotAvailable: "ERROR_EP_REGISTRY_NOT_AVAILABLE", "ERROR_EP_REGISTRY_NOT_AVAILABLE";
    EdGeneric: "ERROR_ED_GENERIC", "ERROR_ED_GENERIC";
    WarningEdGeneric: "WARNING_ED_GENERIC", "WARNING_ED_GENERIC";
    EdNotDispensableEprescription: "ERROR_ED_NOT_DISPENSABLE_EPRESCRIPTION", "ERROR_ED_NOT_DISPENSABLE_EPRESCRIPTION";
    EdSubstitutionInformationNotAllowed: "ERROR_ED_SUBSTITUTION_INFORMATION_NOT_ALLOWED", "ERROR_ED_SUBSTITUTION_INFORMATION_NOT_ALLOWED";
    EdEprescriptionNotIdentifiable: "ERROR_ED_EPRESCRIPTION_NOT_IDENTIFIABLE", "ERROR_ED_EPRESCRIPTION_NOT_IDENTIFIABLE";
    WarningEdMissingBasicData: "WARNING_ED_MISSING_BASIC_DATA", "WARNING_ED_MISSING_BASIC_DATA";
    EdInformationNotStore: "ERROR_ED_INFORMATION_NOT_STORE", "ERROR_ED_INFORMATION_NOT_STORE";
    EdMissingExpectedMapping: "ERROR_ED_MISSING_EXPECTED_MAPPING", "ERROR_ED_MISSING_EXPECTED_MAPPING";
    WarningEdMissingExpectedMapping: "WARNING_ED_MISSING_EXPECTED_MAPPING", "WARNING_ED_MISSING_EXPECTED_MAPPING";
    EdEdispensationAckNotReceived: "ERROR_ED_EDISPENSATION_ACK_NOT_RECEIVED", "ERROR_ED_EDISPENSATION_ACK_NOT_RECEIVED";
    EdEprescriptionNotUpdated: "ERROR_ED_EPRESCRIPTION_NOT_UPDATED", "ERROR_ED_EPRESCRIPTION_NOT_UPDATED";
    EdEdispensationNotStored: "ERROR_ED_EDISPENSATION_NOT_STORED", "ERROR_ED_EDISPENSATION_NOT_STORED";
    EdDiscardServiceNotAvailable: "ERROR_ED_DISCARD_SERVICE_NOT_AVAILABLE", "ERROR_ED_DISCARD_SERVICE_NOT_AVAILABLE";
    EdDiscardFailed: "ERROR_ED_DISCARD_FAILED", "ERROR_ED_DISCARD_FAILED";
    WarningEdDiscardMissingMandatoryData: "WARNING_ED_DISCARD_MISSING_MANDATORY_DATA", "WARNING_ED_DISCARD_MISSING_MANDATORY_DATA";
    EdIncorrectFormatting: "ERROR_ED_INCORRECT_FORMATTING", "ERROR_ED_INCORRECT_FORMATTING";
    EdMissingRequiredFields: "ERROR_ED_MISSING_REQUIRED_FIELDS", "ERROR_ED_MISSING_REQUIRED_FIELDS";
    EdInternalError: "ERROR_ED_INTERNAL_ERROR", "ERROR_ED_INTERNAL_ERROR";
    EdMissingBasicData: "ERROR_ED_MISSING_BASIC_DATA", "ERROR_ED_MISSING_BASIC_DATA";
    EdRegistryNotAvailable: "ERROR_ED_REGISTRY_NOT_AVAILABLE", "ERROR_ED_REGISTRY_NOT_AVAILABLE";
    EdNoConsent: "ERROR_ED_NO_CONSENT", "ERROR_ED_NO_CONSENT";
    OrcdGeneric: "ERROR_ORCD_GENERIC", "ERROR_ORCD_GENERIC";
    WarningOrcdGeneric: "WARNING_ORCD_GENERIC", "WARNING_ORCD_GENERIC";
    OrcdServiceNotAvailable: "ERROR_ORCD_SERVICE_NOT_AVAILABLE", "ERROR_ORCD_SERVICE_NOT_AVAILABLE";
    WarningOrcdMissingMandatoryData: "WARNING_ORCD_MISSING_MANDATORY_DATA", "WARNING_ORCD_MISSING_MANDATORY_DATA";
    OrcdIncorrectFormat: "ERROR_ORCD_INCORRECT_FORMAT", "ERROR_ORCD_INCORRECT_FORMAT";
    WarningOrcdMissingMandatoryMetadata: "WARNING_ORCD_MISSING_MANDATORY_METADATA", "WARNING_ORCD_MISSING_MANDATORY_METADATA";
    HqiGeneric: "ERROR_HQI_GENERIC", "ERROR_HQI_GENERIC";
    WarningHqiGeneric: "WARNING_HQI_GENERIC", "WARNING_HQI_GENERIC";
    WarningHqiBInformationNotProperlyStructured: "WARNING_HQI_B_INFORMATION_NOT_PROPERLY_STRUCTURED", "WARNING_HQI_B_INFORMATION_NOT_PROPERLY_STRUCTURED";
    WarningHqiAInformationNotProperlyStructured: "WARNING_HQI_A_INFORMATION_NOT_PROPERLY_STRUCTURED", "WARNING_HQI_A_INFORMATION_NOT_PROPERLY_STRUCTURED";
    SecGeneric: "ERROR_SEC_GENERIC", "ERROR_SEC_GENERIC";
    WarningSecGeneric: "WARNING_SEC_GENERIC", "WARNING_SEC_GENERIC";
    SecDataIntegrityNotEnsured: "ERROR_SEC_DATA_INTEGRITY_NOT_ENSURED", "ERROR_SEC_DATA_INTEGRITY_NOT_ENSURED";
    WarningSecUnexpectedNumberOfRequestsForUniquePatient: "WARNING_SEC_UNEXPECTED_NUMBER_OF_REQUESTS_FOR_UNIQUE_PATIENT", "WARNING_SEC_UNEXPECTED_NUMBER_OF_REQUESTS_FOR_UNIQUE_PATIENT";
    WarningSecUnexpectedNumberOfRequestsForUniquePointOfCare: "WARNING_SEC_UNEXPECTED_NUMBER_OF_REQUESTS_FOR_UNIQUE_POINT_OF_CARE", "WARNING_SEC_UNEXPECTED_NUMBER_OF_REQUESTS_FOR_UNIQUE_POINT_OF_CARE";
    WarningSecUnexpectedNumberOfRequests: "WARNING_SEC_UNEXPECTED_NUMBER_OF_REQUESTS", "WARNING_SEC_UNEXPECTED_NUMBER_OF_REQUESTS";
    UiTransformation: "ERROR_UI_TRANSFORMATION", "ERROR_UI_TRANSFORMATION";
    NotValidAssertion: "1001", "ERROR_NOT_VALID_ASSERTION";
    NotValidTrcAssertion: "1002", "ERROR_NOT_VALID_TRC_ASSERTION";
    MroNoData: "1103", "ERROR_MRO_NO_DATA";
    OrcdNotFound: "1104", "ERROR_ORCD_NOT_FOUND";
    DocumentNotFound: "1100", "ERROR_DOCUMENT_NOT_FOUND";
    DocumentNotProcessed: "2201", "ERROR_DOCUMENT_NOT_PROCESSED";
    RenderingIncomplete: "4101", "ERROR_RENDERING_INCOMPLETE";
    CollectionIncomplete: "4102", "ERROR_COLLECTION_INCOMPLETE";
    EpRegistryNotAccessible: "4103", "ERROR_EP_REGISTRY_NOT_ACCESSIBLE";
    EpNotAvailable: "4104", "ERROR_EP_NOT_AVAILABLE";
    EpNotMatching: "4105", "ERROR_EP_NOT_MATCHING";
    EpAlreadyDispensed: "4106", "ERROR_EP_ALREADY_DISPENSED";
    OriginalDataMissing: "4107", "ERROR_ORIGINAL_DATA_MISSING";
    PivotMissing: "4108", "ERROR_PIVOT_MISSING";
    UnsupportedFeature: "4201", "ERROR_UNSUPPORTED_FEATURE";
    TranscodingError: "4203", "ERROR_TRANSCODING_ERROR";
    UnknownFilter: "4204", "ERROR_UNKNOWN_FILTER";
    UnknownOption: "4205", "ERROR_UNKNOWN_OPTION";
    UnknownPatientIdentifier: "4206", "ERROR_UNKNOWN_PATIENT_IDENTIFIER";
    ExtraParametersDiffer: "4207", "ERROR_4207";
    NoConsent: "4701", "ERROR_NO_CONSENT";
    WeakAuthentication: "4702", "ERROR_WEAK_AUTHENTICATION";
    InsufficientRights: "4703", "ERROR_INSUFFICIENT_RIGHTS";
    NoSignature: "4704", "ERROR_NO_SIGNATURE";
    PolicyViolation: "4705", "ERROR_POLICY_VIOLATION";
    UnknownPolicy: "4706", "ERROR_UNKNOWN_POLICY";
    UnknownSignifier: "4202", "ERROR_UNKNOWN_SIGNIFIER";
    XdsMissingDocument: "XDSMissingDocument", "XDSMissingDocument";
    XdsMissingDocumentMetadata: "XDSMissingDocumentMetadata", "XDSMissingDocumentMetadata";
    XdsMissingHomeCommunityId: "XDSMissingHomeCommunityId", "XDSMissingHomeCommunityId";
    XdsPatientIdDoesNotMatch: "XDSPatientIdDoesNotMatch", "XDSPatientIdDoesNotMatch";
    XdsRegistryBusy: "XDSRegistryBusy", "XDSRegistryBusy";
    XdsRegistryError: "XDSRegistryError", "XDSRegistryError";
    XdsRegistryMetadataError: "XDSRegistryMetadataError", "XDSRegistryMetadataError";
    XdsRegistryNotAvailable: "XDSRegistryNotAvailable", "XDSRegistryNotAvailable";
    XdsRegistryOutOfResources: "XDSRegistryOutOfResources", "XDSRegistryOutOfResources";
    XdsRepositoryBusy: "XDSRepositoryBusy", "XDSRepositoryBusy";
    XdsRepositoryError: "XDSRepositoryError", "XDSRepositoryError";
    XdsRepositoryMetadataError: "XDSRepositoryMetadataError", "XDSRepositoryMetadataError";
    XdsRepositoryOutOfResources: "XDSRepositoryOutOfResources", "XDSRepositoryOutOfResources";
    XdsResultNotSinglePatient: "XDSResultNotSinglePatient", "XDSResultNotSinglePatient";
    XdsStoredQueryMissingParam: "XDSStoredQueryMissingParam", "XDSStoredQueryMissingParam";
    XdsStoredQueryParamNumber: "XDSStoredQueryParamNumber", "XDSStoredQueryParamNumber";
    XdsTooManyResults: "XDSTooManyResults", "XDSTooManyResults";
    XdsUnavailableCommunity: "XDSUnavailableCommunity", "XDSUnavailableCommunity";
    XdsUnknownCommunity: "XDSUnknownCommunity", "XDSUnknownCommunity";
    XdsUnknownPatientId: "XDSUnknownPatientId", "XDSUnknownPatientId";
    XdsUnknownRepositoryId: "XDSUnknownRepositoryId", "XDSUnknownRepositoryId";
    XdsUnknownStoredQuery: "XDSUnknownStoredQuery", "XDSUnknownStoredQuery";
    PartialAppendContentNotProcessed: "PartialAppendContentNotProcessed", "PartialAppendContentNotProcessed";
    DocumentQueued: "DocumentQueued", "DocumentQueued";
}
