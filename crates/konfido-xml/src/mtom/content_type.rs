//! The `Content-Type` header field (RFC 9110 section 8.3, RFC 2045 section 5.1).

use std::fmt;

use super::MtomError;

/// A media type with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentType {
    essence: String,
    parameters: Vec<(String, String)>,
}

impl ContentType {
    /// A media type without parameters, in lower case.
    #[must_use]
    pub fn new(essence: &str) -> Self {
        Self { essence: essence.to_ascii_lowercase(), parameters: Vec::new() }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parameters.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Parses a header value. A parameter that occurs twice is refused: two readers could take different ones.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(value: &str) -> Result<Self, MtomError> {
        let (essence, mut rest) = value.split_once(';').unwrap_or((value, ""));
        let essence = essence.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/').ok_or(MtomError::ContentType)?;
        if !is_token(kind) || !is_token(subtype) {
            return Err(MtomError::ContentType);
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        loop {
            rest = rest.trim_start_matches([' ', '\t', ';']);
            if rest.is_empty() {
                break;
            }
            let (name, after) = rest.split_once('=').ok_or(MtomError::ContentType)?;
            let name = name.trim().to_ascii_lowercase();
            let after = after.trim_start_matches([' ', '\t']);
            let (value, tail) = match after.strip_prefix('"') {
                Some(quoted) => unquote(quoted)?,
                None => {
                    let (value, tail) = after.split_once(';').unwrap_or((after, ""));
                    (value.trim().to_owned(), tail)
                }
            };
            let tail = tail.trim_start_matches([' ', '\t']);
            let bare_end = tail.is_empty() || tail.starts_with(';') || !after.starts_with('"');
            if !is_token(&name) || !bare_end || parameters.iter().any(|(n, _)| *n == name) {
                return Err(MtomError::ContentType);
            }
            parameters.push((name, value));
            rest = tail;
        }
        Ok(Self { essence, parameters })
    }

    /// Type and subtype in lower case, without parameters.
    #[must_use]
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// A parameter by its name in lower case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Refuses a charset other than UTF-8 (or its subset US-ASCII).
    pub(super) fn require_utf8(&self) -> Result<(), MtomError> {
        match self.parameter("charset") {
            None => Ok(()),
            Some(c) if c.eq_ignore_ascii_case("utf-8") || c.eq_ignore_ascii_case("us-ascii") => Ok(()),
            Some(c) => Err(MtomError::Charset(c.chars().take(40).collect())),
        }
    }
}

/// Reads up to the closing quote; returns the value and what follows.
fn unquote(quoted: &str) -> Result<(String, &str), MtomError> {
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok((value, chars.as_str())),
            '\\' => value.push(chars.next().ok_or(MtomError::ContentType)?),
            '\r' | '\n' => break,
            c => value.push(c),
        }
    }
    Err(MtomError::ContentType)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

impl fmt::Display for ContentType {
    /// The header value; parameters are quoted except `charset`, as Axis2 writes them. Line breaks and other
    /// control characters are dropped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.essence)?;
        for (name, value) in &self.parameters {
            if name == "charset" && is_token(value) {
                write!(f, "; {name}={value}")?;
            } else {
                write!(f, "; {name}=\"")?;
                for c in value.chars().filter(|c| !c.is_control()) {
                    if c == '"' || c == '\\' {
                        f.write_str("\\")?;
                    }
                    write!(f, "{c}")?;
                }
                f.write_str("\"")?;
            }
        }
        Ok(())
    }
}
