//! Patient identifiers and their HL7 v2 form.
//!
//! IHE XDS writes a patient id as the HL7 v2.5 data type CX with three components empty:
//! `extension^^^&root&ISO`. Delimiters inside the extension are escaped as in HL7 v2.5 chapter 2.7
//! (`\F\ \S\ \T\ \R\ \E\` for `| ^ & ~ \`): German access codes hold a `|`, and peers send it as `\F\`.
//! A peer that sends the bare `|`, `~` or `\` is understood too, as these cannot be mistaken here.

use std::fmt;
use std::hash::{Hash, Hasher};

use subtle::ConstantTimeEq;

use crate::{IdentifierError, Oid, Personal};

/// Longest extension that is read, in bytes, after unescaping.
const MAX_EXTENSION: usize = 256;
/// Longest CX that is read, in bytes: each byte escaped, and the root.
const MAX_CX: usize = 3 * MAX_EXTENSION + 160;

/// A patient in one assigning authority: the authority's object identifier and the number it gave.
#[derive(Clone, Eq)]
pub struct PatientId {
    root: Oid,
    extension: Personal<String>,
}

impl PatientId {
    /// The patient `extension` of authority `root`. The extension is neither empty nor longer than 256 bytes and
    /// holds no control characters.
    pub fn new(root: Oid, extension: impl Into<String>) -> Result<Self, IdentifierError> {
        let extension = extension.into();
        if extension.is_empty() {
            return Err(IdentifierError::Patient("extension is empty"));
        }
        if extension.len() > MAX_EXTENSION {
            return Err(IdentifierError::Patient("extension is too long"));
        }
        if extension.chars().any(char::is_control) {
            return Err(IdentifierError::Patient("extension holds control characters"));
        }
        Ok(Self { root, extension: Personal::new(extension) })
    }

    /// The assigning authority.
    #[must_use]
    pub fn root(&self) -> &Oid {
        &self.root
    }

    /// The number the authority gave.
    #[must_use]
    pub fn extension(&self) -> &Personal<String> {
        &self.extension
    }

    /// The form of XDS slots and of the TRC assertion: `extension^^^&root&ISO`. It holds personal data.
    #[must_use]
    pub fn to_cx(&self) -> String {
        format!("{}^^^&{}&ISO", escape(self.extension.reveal()), self.root)
    }

    /// Reads [`PatientId::to_cx`]'s form.
    pub fn parse_cx(text: &str) -> Result<Self, IdentifierError> {
        if text.len() > MAX_CX {
            return Err(IdentifierError::Patient("too long"));
        }
        let mut components = text.split('^');
        let (Some(extension), Some(""), Some(""), Some(authority), None) =
            (components.next(), components.next(), components.next(), components.next(), components.next())
        else {
            return Err(IdentifierError::Patient("not of the form `extension^^^&root&ISO`"));
        };
        let mut parts = authority.split('&');
        let (Some(""), Some(root), Some("ISO"), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(IdentifierError::Patient("assigning authority is not of the form `&root&ISO`"));
        };
        if extension.contains('&') {
            return Err(IdentifierError::Patient("extension holds an unescaped `&`"));
        }
        let root = Oid::new(root).map_err(|_| IdentifierError::Patient("root is no object identifier"))?;
        Self::new(root, unescape(extension))
    }
}

fn escape(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '|' => out.push_str("\\F\\"),
            '^' => out.push_str("\\S\\"),
            '&' => out.push_str("\\T\\"),
            '~' => out.push_str("\\R\\"),
            '\\' => out.push_str("\\E\\"),
            c => out.push(c),
        }
    }
    out
}

fn unescape(mut escaped: &str) -> String {
    let mut out = String::with_capacity(escaped.len());
    while let Some((before, after)) = escaped.split_once('\\') {
        out.push_str(before);
        let (c, rest) = [("F\\", '|'), ("S\\", '^'), ("T\\", '&'), ("R\\", '~'), ("E\\", '\\')]
            .iter()
            .find_map(|(code, c)| after.strip_prefix(code).map(|rest| (*c, rest)))
            .unwrap_or(('\\', after));
        out.push(c);
        escaped = rest;
    }
    out.push_str(escaped);
    out
}

impl PartialEq for PatientId {
    /// Takes the same time wherever two extensions of one length differ: ids are compared with what peers send.
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
            && bool::from(self.extension.reveal().as_bytes().ct_eq(other.extension.reveal().as_bytes()))
    }
}

impl Hash for PatientId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.root.hash(state);
        self.extension.hash(state);
    }
}

impl fmt::Debug for PatientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PatientId").field("root", &self.root).field("extension", &self.extension).finish()
    }
}
