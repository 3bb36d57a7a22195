//! The `base64Binary` of XML Schema: blanks between the characters are allowed, everything else is strict.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Encodes without line breaks.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes; `None` when it is no canonical base64.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let is_blank = |b: u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    if text.bytes().any(is_blank) {
        let packed: Vec<u8> = text.bytes().filter(|b| !is_blank(*b)).collect();
        STANDARD.decode(packed).ok()
    } else {
        STANDARD.decode(text).ok()
    }
}
