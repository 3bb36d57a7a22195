//! One cheap pass over the bytes before the parser, which enforces [`Limits`].
//!
//! The parser compares each attribute of a tag with all before it and allocates for each node, so limits
//! checked after it would come too late. This pass only counts. It never accepts anything: what it
//! misjudges because the input is not well-formed, the parser behind it refuses at the same place or before.

use crate::{Limits, XmlError};

/// Counts nodes, depth, attributes and lengths of text; refuses characters that XML 1.0 does not have.
pub(crate) fn check(text: &str, limits: &Limits) -> Result<(), XmlError> {
    let bytes = text.as_bytes();
    refuse_illegal_characters(bytes)?;
    let mut nodes: usize = 0;
    let mut depth: u32 = 0;
    let mut at: usize = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(());
        }
        let text_len = memchr::memchr(b'<', rest).unwrap_or(rest.len());
        if text_len > limits.max_text {
            return Err(XmlError::TextTooLong { limit: limits.max_text });
        }
        if text_len > 0 {
            nodes = nodes.saturating_add(1);
        }
        let Some(markup) = rest.get(text_len..).filter(|m| !m.is_empty()) else {
            return limit_nodes(nodes, limits);
        };
        nodes = nodes.saturating_add(1);
        limit_nodes(nodes, limits)?;
        let length = if markup.starts_with(b"<!--") {
            delimited(markup, 4, b"-->")
        } else if markup.starts_with(b"<![CDATA[") {
            delimited(markup, 9, b"]]>")
        } else if markup.starts_with(b"<?") {
            delimited(markup, 2, b"?>")
        } else if markup.starts_with(b"<!") {
            return Err(XmlError::DocumentType);
        } else if markup.starts_with(b"</") {
            depth = depth.saturating_sub(1);
            memchr::memchr(b'>', markup).map(|i| i.saturating_add(1))
        } else {
            let tag = start_tag(markup, limits)?;
            if let Some(tag) = &tag {
                if depth.saturating_add(1) > limits.max_depth {
                    return Err(XmlError::TooDeep { limit: limits.max_depth });
                }
                if !tag.self_closing {
                    depth = depth.saturating_add(1);
                }
            }
            tag.map(|t| t.length)
        };
        // Unterminated markup: the parser says what is wrong with it.
        let Some(length) = length else { return Ok(()) };
        if length > limits.max_text && markup.starts_with(b"<!") {
            return Err(XmlError::TextTooLong { limit: limits.max_text });
        }
        at = at.saturating_add(text_len).saturating_add(length);
    }
}

/// XML 1.0, production 2. The parser overlooks such characters in attribute values, and a writer would have to
/// replace them: what is read would not be what is written.
fn refuse_illegal_characters(utf8: &[u8]) -> Result<(), XmlError> {
    let control = |byte: &u8| *byte < 0x20 && !matches!(*byte, b'\t' | b'\n' | b'\r');
    // U+FFFE and U+FFFF; UTF-8 has no surrogates.
    let is_there = |noncharacter: &[u8]| memchr::memmem::find(utf8, noncharacter).is_some();
    if utf8.iter().any(control) || is_there(b"\xEF\xBF\xBE") || is_there(b"\xEF\xBF\xBF") {
        return Err(XmlError::Malformed("a character that XML does not have".to_owned()));
    }
    Ok(())
}

fn limit_nodes(nodes: usize, limits: &Limits) -> Result<(), XmlError> {
    if nodes > limits.max_nodes { Err(XmlError::TooManyNodes { limit: limits.max_nodes }) } else { Ok(()) }
}

fn delimited(markup: &[u8], skip: usize, end: &[u8]) -> Option<usize> {
    let found = memchr::memmem::find(markup.get(skip..)?, end)?;
    Some(skip.saturating_add(found).saturating_add(end.len()))
}

struct StartTag {
    length: usize,
    self_closing: bool,
}

/// Runs from quote to quote: each attribute has exactly one quoted value.
fn start_tag(markup: &[u8], limits: &Limits) -> Result<Option<StartTag>, XmlError> {
    let mut attributes: usize = 0;
    let mut at: usize = 1;
    while let Some(rest) = markup.get(at..) {
        let Some(found) = memchr::memchr3(b'>', b'"', b'\'', rest) else { return Ok(None) };
        let stop = at.saturating_add(found);
        let Some(&byte) = markup.get(stop) else { return Ok(None) };
        let after = stop.saturating_add(1);
        if byte == b'>' {
            let self_closing = markup.get(..stop).is_some_and(|tag| tag.ends_with(b"/"));
            return Ok(Some(StartTag { length: after, self_closing }));
        }
        let Some(value) = markup.get(after..).and_then(|m| memchr::memchr(byte, m)) else { return Ok(None) };
        if value > limits.max_text {
            return Err(XmlError::TextTooLong { limit: limits.max_text });
        }
        attributes = attributes.saturating_add(1);
        if attributes > limits.max_attributes {
            return Err(XmlError::TooManyAttributes { limit: limits.max_attributes });
        }
        at = after.saturating_add(value).saturating_add(1);
    }
    Ok(None)
}
