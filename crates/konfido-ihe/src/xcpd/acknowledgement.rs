//! `acknowledgement`: how the request was taken, and what went wrong.

use konfido_xml::{El, Element};

use crate::error::EhdsiError;
use crate::hl7::{child, code_of, coded, hl7};

/// How the message was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AckCode {
    /// `AA`: application accept.
    Accept,
    /// `AE`: application error.
    Error,
    /// Anything else, such as `AR`.
    Other(String),
}

/// What an acknowledgement detail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckDetailType {
    /// `E`.
    Error,
    /// `W`.
    Warning,
    /// `I`.
    Information,
}

/// One thing that went wrong, or is worth saying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AckDetail {
    /// What it is; the reference implementation does not say.
    pub kind: Option<AckDetailType>,
    /// The code.
    pub code: Option<EhdsiError>,
    /// What the peer says about it.
    pub text: String,
    /// Where the peer says it happened; some peers put the explanation here.
    pub location: String,
}

impl AckCode {
    pub(super) fn of(code: &str) -> Self {
        match code {
            "AA" => Self::Accept,
            "AE" => Self::Error,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The code on the wire.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Accept => "AA",
            Self::Error => "AE",
            Self::Other(code) => code,
        }
    }
}

impl AckDetail {
    pub(super) fn read(detail: Element<'_>) -> Self {
        let text = |local| child(detail, local).map(|e| e.text().trim().to_owned()).unwrap_or_default();
        Self {
            kind: match detail.attribute("typeCode") {
                Some("E") => Some(AckDetailType::Error),
                Some("W") => Some(AckDetailType::Warning),
                Some("I") => Some(AckDetailType::Information),
                _ => None,
            },
            code: code_of(detail, "code").map(|code| EhdsiError::from_wire(&code)),
            text: text("text"),
            location: text("location"),
        }
    }

    pub(super) fn write(&self) -> El {
        let kind = self.kind.map(|kind| match kind {
            AckDetailType::Error => "E",
            AckDetailType::Warning => "W",
            AckDetailType::Information => "I",
        });
        let code = self.code.as_ref().map(|code| coded("code", code.wire().into_owned()));
        hl7("acknowledgementDetail")
            .opt_attr("typeCode", kind)
            .opt_child(code)
            .child(hl7("text").text(self.text.clone()))
            .child(hl7("location").text(self.location.clone()))
    }

    /// True if this is an error and no mere warning.
    pub(super) fn is_error(&self) -> bool {
        match self.kind {
            Some(AckDetailType::Warning | AckDetailType::Information) => false,
            Some(AckDetailType::Error) | None => !self.code.as_ref().is_some_and(EhdsiError::is_warning),
        }
    }
}
