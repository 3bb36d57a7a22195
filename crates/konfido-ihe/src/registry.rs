//! What all document transactions share: ebRS answers and errors, ebRIM slots, classifications and identifiers.
//!
//! Rules on reading: a severity that is absent is an error (the schema's default), one that is unknown is an error;
//! both URNs of PartialSuccess are taken; codes go through [`EhdsiError::from_wire`].
//! Rules on writing: `location` is `urn:oid:<home community>`, never empty and never anything internal (stricter
//! validators refuse an empty one); every classification has a slot (the reference implementation reads
//! `slot[0]` of each).

pub(crate) mod rim;

use konfido_circle::HomeCommunityId;
use konfido_xml::{El, Element};

use crate::error::EhdsiError;
use crate::malformed::Malformed;

pub use rim::Coded;

pub(crate) const RS: &str = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0";
pub(crate) const RIM: &str = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0";
pub(crate) const QUERY: &str = "urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0";
pub(crate) const XDS_B: &str = "urn:ihe:iti:xds-b:2007";

const STATUS: &str = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:";
const PARTIAL_SUCCESS: &str = "urn:ihe:iti:2007:ResponseStatusType:PartialSuccess";
const SEVERITY: &str = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:";

/// The status of an answer. Never to be trusted alone: peers say Success beside errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseStatus {
    /// Everything went well, maybe with warnings.
    Success,
    /// A part went well.
    PartialSuccess,
    /// Nothing went well.
    Failure,
    /// Any other URN.
    Other(String),
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The request was not fulfilled.
    Error,
    /// Something worth saying.
    Warning,
}

/// One entry of a registry error list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryError {
    /// The code.
    pub code: EhdsiError,
    /// How bad it is.
    pub severity: Severity,
    /// What the peer says about it.
    pub context: String,
    /// Where it happened: free text, often a stack frame.
    pub location: Option<String>,
}

impl ResponseStatus {
    /// The status of this URN.
    #[must_use]
    pub fn of_urn(urn: &str) -> Self {
        match urn.trim() {
            PARTIAL_SUCCESS => Self::PartialSuccess,
            other => match other.strip_prefix(STATUS) {
                Some("Success") => Self::Success,
                Some("PartialSuccess") => Self::PartialSuccess,
                Some("Failure") => Self::Failure,
                _ => Self::Other(other.to_owned()),
            },
        }
    }

    /// The URN.
    #[must_use]
    pub fn urn(&self) -> String {
        match self {
            Self::Success => format!("{STATUS}Success"),
            Self::PartialSuccess => PARTIAL_SUCCESS.to_owned(),
            Self::Failure => format!("{STATUS}Failure"),
            Self::Other(urn) => urn.clone(),
        }
    }
}

impl Severity {
    fn urn(self) -> String {
        match self {
            Self::Error => format!("{SEVERITY}Error"),
            Self::Warning => format!("{SEVERITY}Warning"),
        }
    }
}

impl RegistryError {
    /// An entry of our own: the code's sentence, located in our home community.
    #[must_use]
    pub fn of(code: EhdsiError, severity: Severity, home: &HomeCommunityId) -> Self {
        Self { context: code.sentence(), code, severity, location: Some(home.urn()) }
    }

    fn read(element: Element<'_>) -> Result<Self, Malformed> {
        let code = element.attribute("errorCode").map(str::trim).filter(|code| !code.is_empty());
        let code = code.ok_or_else(|| Malformed::at(element, "a registry error needs an `errorCode`"))?;
        Ok(Self {
            code: EhdsiError::from_wire(code),
            severity: match element.attribute("severity").map(|urn| urn.trim().ends_with(":Warning")) {
                Some(true) => Severity::Warning,
                _ => Severity::Error,
            },
            context: element.attribute("codeContext").unwrap_or_default().to_owned(),
            location: element.attribute("location").map(str::to_owned),
        })
    }

    fn write(&self) -> El {
        El::new(RS, "RegistryError")
            .attr("errorCode", self.code.wire().into_owned())
            .attr("codeContext", self.context.clone())
            .attr("severity", self.severity.urn())
            .opt_attr("location", self.location.clone())
    }
}

/// Reads the error list under `parent`, if there is one.
pub(crate) fn read_errors(parent: Element<'_>) -> Result<Vec<RegistryError>, Malformed> {
    parent
        .children_named(RS, "RegistryErrorList")
        .flat_map(|list| list.children_named(RS, "RegistryError"))
        .map(RegistryError::read)
        .collect()
}

/// Writes the error list, if there are errors.
pub(crate) fn write_errors(errors: &[RegistryError]) -> Option<El> {
    let highest = if errors.iter().any(|e| e.severity == Severity::Error) {
        Severity::Error
    } else {
        Severity::Warning
    };
    (!errors.is_empty()).then(|| {
        El::new(RS, "RegistryErrorList")
            .attr("highestSeverity", highest.urn())
            .children(errors.iter().map(RegistryError::write))
    })
}

/// The first entry of severity Error.
pub(crate) fn first_error(errors: &[RegistryError]) -> Option<&RegistryError> {
    errors.iter().find(|e| e.severity == Severity::Error)
}
