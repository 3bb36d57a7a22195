//! An incremental reader of `multipart/related` (RFC 2046 section 5.1): bytes in as they arrive, events out.
//!
//! Holds back only what could be the start of a delimiter or an unfinished head, so a part of any size passes
//! through. Body bytes are slices of what was pushed, not copies.

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memmem;

use super::{ContentType, MtomError};

/// Upper bounds of one multipart message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MtomLimits {
    /// Bytes of the whole body.
    pub max_bytes: usize,
    /// Number of parts, root included.
    pub max_parts: usize,
    /// Bytes of the head of one part.
    pub max_head: usize,
}

impl MtomLimits {
    /// A retrieve or submission of documents.
    pub const MESSAGE: Self = Self { max_bytes: 64 << 20, max_parts: 64, max_head: 8192 };
}

/// What the reader saw.
#[derive(Debug, Clone)]
pub enum Event {
    /// A part begins.
    Head(PartHead),
    /// Bytes of the current part, still in its transfer encoding.
    Data(Bytes),
    /// The current part is complete.
    PartEnd,
    /// The closing delimiter: the message is complete.
    End,
}

/// The head of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartHead {
    /// Content id without angle brackets.
    pub content_id: Option<String>,
    /// Media type.
    pub content_type: Option<ContentType>,
    /// Whether the bytes are in base64.
    pub base64: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Preamble,
    AfterDelimiter,
    Head,
    Body,
    Epilogue,
}

/// The reader.
#[derive(Debug)]
pub struct Reader {
    delimiter: Vec<u8>,
    limits: MtomLimits,
    state: State,
    pending: Bytes,
    seen: usize,
    parts: usize,
}

impl Reader {
    /// A reader for parts separated by `boundary`.
    ///
    /// # Errors
    /// When the boundary is not one of RFC 2046.
    pub fn new(boundary: &str, limits: MtomLimits) -> Result<Self, MtomError> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&b);
        if boundary.is_empty()
            || boundary.len() > 200
            || boundary.ends_with(' ')
            || !boundary.bytes().all(legal)
        {
            return Err(MtomError::Boundary);
        }
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        Ok(Self { delimiter, limits, state: State::Preamble, pending: Bytes::new(), seen: 0, parts: 0 })
    }

    /// Takes the next bytes and appends what they complete to `events`.
    ///
    /// # Errors
    /// When the message breaks a rule; the reader is of no further use then.
    pub fn push(&mut self, chunk: Bytes, events: &mut Vec<Event>) -> Result<(), MtomError> {
        self.seen = self.seen.saturating_add(chunk.len());
        if self.seen > self.limits.max_bytes {
            return Err(MtomError::TooLarge { limit: self.limits.max_bytes });
        }
        let mut data = if self.pending.is_empty() {
            chunk
        } else {
            let mut joined = BytesMut::with_capacity(self.pending.len().saturating_add(chunk.len()));
            joined.extend_from_slice(&self.pending);
            joined.extend_from_slice(&chunk);
            joined.freeze()
        };
        while self.step(&mut data, events)? {}
        self.pending = data;
        Ok(())
    }

    /// Ends the input.
    ///
    /// # Errors
    /// When the closing delimiter has not been seen.
    pub fn finish(self) -> Result<(), MtomError> {
        if self.state == State::Epilogue { Ok(()) } else { Err(MtomError::Truncated) }
    }

    /// Consumes what can be consumed; false when more bytes are needed.
    fn step(&mut self, data: &mut Bytes, events: &mut Vec<Event>) -> Result<bool, MtomError> {
        match self.state {
            State::Preamble => self.preamble(data),
            State::AfterDelimiter => self.after_delimiter(data, events),
            State::Head => self.head(data, events),
            State::Body => Ok(self.body(data, events)),
            State::Epilogue => {
                if data.iter().any(|b| !b.is_ascii_whitespace()) {
                    return Err(MtomError::StrayBytes);
                }
                data.clear();
                Ok(false)
            }
        }
    }

    fn preamble(&mut self, data: &mut Bytes) -> Result<bool, MtomError> {
        let blanks = data.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let first = self.delimiter.get(2..).unwrap_or_default();
        let rest = data.get(blanks..).unwrap_or_default();
        if rest.len() < first.len() {
            if !first.starts_with(rest) || blanks > 16 {
                return Err(MtomError::StrayBytes);
            }
            return Ok(false);
        }
        if !rest.starts_with(first) || blanks > 16 {
            return Err(MtomError::StrayBytes);
        }
        data.advance(blanks.saturating_add(first.len()));
        self.state = State::AfterDelimiter;
        Ok(true)
    }

    fn after_delimiter(&mut self, data: &mut Bytes, events: &mut Vec<Event>) -> Result<bool, MtomError> {
        if data.starts_with(b"--") {
            data.advance(2);
            events.push(Event::End);
            self.state = State::Epilogue;
            return Ok(true);
        }
        let blanks = data.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let rest = data.get(blanks..).unwrap_or_default();
        if blanks > 64 {
            return Err(MtomError::Boundary);
        }
        if rest.starts_with(b"\r\n") {
            data.advance(blanks.saturating_add(2));
            self.parts = self.parts.saturating_add(1);
            if self.parts > self.limits.max_parts {
                return Err(MtomError::TooManyParts { limit: self.limits.max_parts });
            }
            self.state = State::Head;
            return Ok(true);
        }
        if matches!(rest, [] | [b'\r'] | [b'-']) { Ok(false) } else { Err(MtomError::Boundary) }
    }

    fn head(&mut self, data: &mut Bytes, events: &mut Vec<Event>) -> Result<bool, MtomError> {
        let window = data.get(..self.limits.max_head.min(data.len())).unwrap_or_default();
        let (length, skip) = if window.starts_with(b"\r\n") {
            (0, 2)
        } else if let Some(at) = memmem::find(window, b"\r\n\r\n") {
            (at, 4)
        } else if window.len() >= self.limits.max_head {
            return Err(MtomError::PartHead);
        } else {
            return Ok(false);
        };
        let head = data.split_to(length);
        data.advance(skip);
        events.push(Event::Head(parse_head(&head)?));
        self.state = State::Body;
        Ok(true)
    }

    fn body(&mut self, data: &mut Bytes, events: &mut Vec<Event>) -> bool {
        if let Some(at) = memmem::find(data, &self.delimiter) {
            let body = data.split_to(at);
            if !body.is_empty() {
                events.push(Event::Data(body));
            }
            data.advance(self.delimiter.len());
            events.push(Event::PartEnd);
            self.state = State::AfterDelimiter;
            return true;
        }
        let keep = self.delimiter.len().saturating_sub(1);
        let free = data.len().saturating_sub(keep);
        if free > 0 {
            events.push(Event::Data(data.split_to(free)));
        }
        false
    }
}

fn parse_head(bytes: &[u8]) -> Result<PartHead, MtomError> {
    let text = std::str::from_utf8(bytes).map_err(|_| MtomError::PartHead)?;
    let unfolded = text.replace("\r\n ", " ").replace("\r\n\t", " ");
    let mut head = PartHead::default();
    let mut encoding_seen = false;
    for line in unfolded.split("\r\n").filter(|l| !l.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(MtomError::PartHead)?;
        let value = value.trim();
        match name.trim_end().to_ascii_lowercase().as_str() {
            "content-id" if head.content_id.is_none() => {
                let id = value.strip_prefix('<').and_then(|v| v.strip_suffix('>')).unwrap_or(value);
                if id.is_empty() {
                    return Err(MtomError::PartHead);
                }
                head.content_id = Some(id.to_owned());
            }
            "content-type" if head.content_type.is_none() => {
                head.content_type = Some(ContentType::parse(value)?);
            }
            "content-transfer-encoding" if !encoding_seen => {
                encoding_seen = true;
                match value.to_ascii_lowercase().as_str() {
                    "binary" | "8bit" | "7bit" => {}
                    "base64" => head.base64 = true,
                    other => return Err(MtomError::TransferEncoding(other.chars().take(40).collect())),
                }
            }
            "content-id" | "content-type" | "content-transfer-encoding" => return Err(MtomError::PartHead),
            _ => {}
        }
    }
    Ok(head)
}
