//! Why an assertion, or a set of them, was refused.
//!
//! A [`Refusal`] says to our own side what was wrong in full; what the peer may learn is its [`Class`] alone, from
//! which `konfido-ihe` derives the code of the transaction.

use std::fmt;

use konfido_xml::dsig::SignatureError;

use crate::vocabulary::Kind;

/// The five classes that the error codes of the profile distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Something required is absent: `ERROR_…_MISSING_REQUIRED_FIELDS`.
    MissingField,
    /// Something is there and wrong: `ERROR_…_INCORRECT_FORMATTING`.
    InvalidField,
    /// The assertions are sound and do not allow this: `4703`.
    InsufficientRights,
    /// Signature or certificate do not hold: `ERROR_PI_GENERIC`, `ERROR_SEC_GENERIC`.
    Signature,
    /// No assertion by the SAML schema: `ERROR_SEC_DATA_INTEGRITY_NOT_ENSURED`.
    Schema,
}

/// What exactly was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// There is no `wsse:Security` header.
    NoSecurityHeader,
    /// An assertion that the operation needs is absent.
    NoAssertion,
    /// A required element or attribute is absent.
    Missing(&'static str),
    /// A required value is empty.
    Empty(&'static str),
    /// Not an assertion by the schema.
    Schema(String),
    /// Two assertions of one kind: which one was meant nobody can say.
    Twice,
    /// The same attribute, statement or condition twice.
    Ambiguous(&'static str),
    /// `Issuer/@NameQualifier` names no kind of the profile.
    UnknownQualifier(String),
    /// The signature does not hold.
    Signature(String),
    /// The signing certificate was not accepted.
    Certificate(String),
    /// Signed in another country than the one that presents it.
    ForeignSigner {
        /// Country of the signing certificate.
        signer: String,
        /// Country of the TLS peer.
        presenter: String,
    },
    /// The issuer names another country than its certificate.
    ForeignIssuer(String),
    /// `NotBefore` lies in the future by more than the skew.
    NotYetValid,
    /// `NotOnOrAfter` has passed by more than the skew.
    Expired,
    /// Valid for longer than the profile allows, or not at all.
    WrongLifetime,
    /// Another audience than the border.
    WrongAudience,
    /// A condition that we do not know and therefore cannot meet.
    UnknownCondition(String),
    /// Another subject confirmation than sender-vouches.
    WrongConfirmation(String),
    /// A value outside its code list.
    NotInList {
        /// The attribute.
        attribute: &'static str,
        /// The value found.
        value: String,
    },
    /// The role's name is not that of its code.
    RoleNameMismatch,
    /// The purpose is neither treatment nor emergency.
    WrongPurpose(String),
    /// A permission is absent.
    NoPermission(&'static str),
    /// The first `AssertionIDRef` is not the HCP assertion's id.
    NotLinked,
    /// The TRC speaks of another professional than the HCP assertion.
    OtherSubject,
    /// The TRC speaks of another patient than the request.
    OtherPatient,
    /// The authentication was by one factor only (security token service).
    OneFactor(String),
}

/// A refusal: which assertion, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    kind: Option<Kind>,
    reason: Reason,
}

impl Refusal {
    /// A refusal of one assertion.
    #[must_use]
    pub const fn of(kind: Kind, reason: Reason) -> Self {
        Self { kind: Some(kind), reason }
    }

    /// A refusal that concerns no assertion in particular.
    #[must_use]
    pub const fn of_header(reason: Reason) -> Self {
        Self { kind: None, reason }
    }

    /// The assertion concerned.
    #[must_use]
    pub const fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// What was wrong.
    #[must_use]
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }

    /// What the peer may learn.
    #[must_use]
    pub const fn class(&self) -> Class {
        match &self.reason {
            Reason::NoSecurityHeader | Reason::NoAssertion | Reason::Missing(_) => Class::MissingField,
            Reason::Schema(_) => Class::Schema,
            Reason::Signature(_)
            | Reason::Certificate(_)
            | Reason::ForeignSigner { .. }
            | Reason::ForeignIssuer(_) => Class::Signature,
            Reason::WrongPurpose(_)
            | Reason::NoPermission(_)
            | Reason::RoleNameMismatch
            | Reason::NotLinked
            | Reason::OtherSubject
            | Reason::OtherPatient => Class::InsufficientRights,
            Reason::Empty(_)
            | Reason::Twice
            | Reason::Ambiguous(_)
            | Reason::UnknownQualifier(_)
            | Reason::NotYetValid
            | Reason::Expired
            | Reason::WrongLifetime
            | Reason::WrongAudience
            | Reason::UnknownCondition(_)
            | Reason::WrongConfirmation(_)
            | Reason::NotInList { .. }
            | Reason::OneFactor(_) => Class::InvalidField,
        }
    }

    pub(crate) fn signature(kind: Kind, error: &SignatureError) -> Self {
        match error {
            SignatureError::Missing => Self::of(kind, Reason::Missing("Signature")),
            other => Self::of(kind, Reason::Signature(other.to_string())),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(kind) => write!(f, "{kind} assertion: {}", self.reason),
            None => write!(f, "security header: {}", self.reason),
        }
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSecurityHeader => f.write_str("the message has no wsse:Security header"),
            Self::NoAssertion => f.write_str("absent"),
            Self::Missing(what) => write!(f, "`{what}` is absent"),
            Self::Empty(what) => write!(f, "`{what}` is empty"),
            Self::Schema(what) => write!(f, "not an assertion by the schema: {what}"),
            Self::Twice => f.write_str("there are two of this kind"),
            Self::Ambiguous(what) => write!(f, "`{what}` is there twice"),
            Self::UnknownQualifier(q) => write!(f, "unknown issuer qualifier `{q}`"),
            Self::Signature(why) => write!(f, "signature: {why}"),
            Self::Certificate(why) => write!(f, "signing certificate: {why}"),
            Self::ForeignSigner { signer, presenter } => {
                write!(f, "signed in {signer}, presented by {presenter}")
            }
            Self::ForeignIssuer(issuer) => {
                write!(f, "issuer `{issuer}` is of another country than its certificate")
            }
            Self::NotYetValid => f.write_str("not yet valid"),
            Self::Expired => f.write_str("expired"),
            Self::WrongLifetime => f.write_str("lifetime outside the profile"),
            Self::WrongAudience => f.write_str("made for another audience"),
            Self::UnknownCondition(what) => write!(f, "unknown condition `{what}`"),
            Self::WrongConfirmation(what) => write!(f, "subject confirmation `{what}`"),
            Self::NotInList { attribute, value } => {
                write!(f, "`{attribute}` has the unlisted value `{value}`")
            }
            Self::RoleNameMismatch => f.write_str("the role's name is not that of its code"),
            Self::WrongPurpose(p) => write!(f, "purpose of use `{p}`"),
            Self::NoPermission(p) => write!(f, "permission {p} is absent"),
            Self::NotLinked => f.write_str("does not refer to the HCP assertion first"),
            Self::OtherSubject => f.write_str("speaks of another professional than the HCP assertion"),
            Self::OtherPatient => f.write_str("speaks of another patient than the request"),
            Self::OneFactor(class) => write!(f, "authentication context `{class}` is not two-factor"),
        }
    }
}
