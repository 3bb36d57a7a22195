//! The WS-Security header: SAML 2.0 assertions and a timestamp.
//!
//! On receiving: one Security header for us; the assertions are its direct children, nothing that is buried
//! deeper (an assertion inside another one's Advice, in an Object, in an unknown element) is one. The
//! Timestamp stands at most once and is read with its time zone. The header is not signed in this profile:
//! each assertion is, by itself.

use jiff::Timestamp as Instant;

use crate::soap::{Envelope, Fault};
use crate::{El, Element, Fragment, ns};

/// A Security header that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecurityError {
    /// More than one header addressed to us.
    #[error("there is more than one Security header")]
    SeveralHeaders,
    /// More than one timestamp, or one that cannot be read.
    #[error("the timestamp of the Security header is malformed")]
    Timestamp,
}

impl SecurityError {
    /// The fault that answers such a message (WS-Security 1.1, section 12).
    #[must_use]
    pub fn to_fault(&self) -> Fault {
        Fault::sender("An error was discovered processing the Security header")
            .subcode(ns::WSSE, "InvalidSecurity")
    }
}

/// The wsu:Timestamp of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// When the message was made.
    pub created: Option<Instant>,
    /// From when on it is stale.
    pub expires: Option<Instant>,
}

/// A received Security header.
#[derive(Debug, Clone)]
pub struct Security<'d> {
    element: Element<'d>,
    assertions: Vec<Element<'d>>,
    timestamp: Option<Timestamp>,
}

impl<'d> Security<'d> {
    /// Reads the Security header of `envelope`; `None` when there is none.
    ///
    /// # Errors
    /// When it is ambiguous.
    pub fn parse(envelope: &Envelope<'d>) -> Result<Option<Self>, SecurityError> {
        let mut headers = envelope.headers().filter(|e| e.is(ns::WSSE, "Security"));
        let Some(element) = headers.next() else { return Ok(None) };
        if headers.next().is_some() {
            return Err(SecurityError::SeveralHeaders);
        }
        let assertions = element.children_named(ns::SAML2, "Assertion").collect();
        let mut timestamps = element.children_named(ns::WSU, "Timestamp");
        let timestamp = timestamps.next().map(|t| read_timestamp(&t)).transpose()?;
        if timestamps.next().is_some() {
            return Err(SecurityError::Timestamp);
        }
        Ok(Some(Self { element, assertions, timestamp }))
    }

    /// The Security element.
    #[must_use]
    pub fn element(&self) -> Element<'d> {
        self.element
    }

    /// The assertions, in document order, none of them verified.
    #[must_use]
    pub fn assertions(&self) -> &[Element<'d>] {
        &self.assertions
    }

    /// The timestamp.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

fn read_timestamp(element: &Element<'_>) -> Result<Timestamp, SecurityError> {
    let instant = |local: &str| {
        let mut found = element.children_named(ns::WSU, local);
        let Some(first) = found.next() else { return Ok(None) };
        if found.next().is_some() {
            return Err(SecurityError::Timestamp);
        }
        first.text().trim().parse().map(Some).map_err(|_| SecurityError::Timestamp)
    };
    Ok(Timestamp { created: instant("Created")?, expires: instant("Expires")? })
}

/// Builds a Security header with these assertions, in the order given (next of kin, professional, treatment
/// relationship: OpenNCP takes the last for the treatment relationship).
#[must_use]
pub fn security(assertions: impl IntoIterator<Item = Fragment>, timestamp: Option<Timestamp>) -> El {
    let timestamp = timestamp.map(|t| {
        let child = |local: &'static str, at: Option<Instant>| {
            at.map(|at| El::new(ns::WSU, local).text(format!("{at:.3}")))
        };
        El::new(ns::WSU, "Timestamp")
            .prefix("wsu")
            .opt_child(child("Created", t.created))
            .opt_child(child("Expires", t.expires))
    });
    let header = El::new(ns::WSSE, "Security").prefix("wsse").opt_child(timestamp);
    assertions.into_iter().fold(header, El::raw)
}
