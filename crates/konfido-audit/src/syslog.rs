//! Syslog frames: RFC 5424 messages under the octet counting of RFC 5425.
//!
//! Writing: `LEN SP <85>1 TIME HOST - - - - BOM XML`. Facility 10 and severity 5 are what IHE ITI-20 asks for (the
//! reference implementation sends `<1>` and `<132>`; nobody may route on it).
//!
//! Reading is lenient, because what is refused at the door is lost to the audit:
//!
//! * on receiving `LEN SP`: the frame has LEN bytes. If what follows looks like no frame, LEN was wrong (the reference
//!   implementation counts in the platform's charset and writes UTF-8): the frame ends behind its `</AuditMessage>`;
//! * on receiving `<`: a frame without length, ended by a line feed (RFC 6587);
//! * a frame over [`FrameDecoder::MAX_FRAME`] or bytes that begin no frame end the connection.

use std::fmt;

use jiff::Timestamp;

/// Byte order mark, which RFC 5424 wants before UTF-8 text.
const BOM: &[u8] = b"\xEF\xBB\xBF";
/// Facility 10 (security), severity 5 (notice).
const PRIORITY: u8 = 85;
const END_OF_MESSAGE: &[u8] = b"</AuditMessage>";

/// Writes one frame.
#[must_use]
pub fn encode(message: &str, sent_at: Timestamp, host: &str) -> Vec<u8> {
    let host: String = host.chars().filter(char::is_ascii_graphic).take(255).collect();
    let host = if host.is_empty() { "-".to_owned() } else { host };
    let header = format!("<{PRIORITY}>1 {sent_at:.3} {host} - - - - ");
    let length = header.len().saturating_add(BOM.len()).saturating_add(message.len());
    let mut frame = format!("{length} {header}").into_bytes();
    frame.reserve_exact(BOM.len().saturating_add(message.len()));
    frame.extend_from_slice(BOM);
    frame.extend_from_slice(message.as_bytes());
    frame
}

/// A frame that was taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// Priority, if the header had one.
    pub priority: Option<u16>,
    /// When the sender says it was sent.
    pub sent_at: Option<Timestamp>,
    /// What the sender calls itself.
    pub host: Option<String>,
    /// The message behind the header, without byte order mark.
    pub message: Vec<u8>,
    /// Whether the octet count was there and right.
    pub counted: bool,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("sent_at", &self.sent_at)
            .field("host", &self.host)
            .field("bytes", &self.message.len())
            .field("counted", &self.counted)
            .finish_non_exhaustive()
    }
}

/// Bytes that are no frame. The connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Neither a length nor a priority begins here.
    #[error("these bytes begin no syslog frame")]
    NoFrame,
    /// Longer than we take.
    #[error("the frame is longer than {} bytes", FrameDecoder::MAX_FRAME)]
    TooLong,
    /// The connection ended within a frame.
    #[error("the connection ended within a frame")]
    Truncated,
}

/// Cuts a stream of bytes into frames.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    buffer: Vec<u8>,
    ended: bool,
}

impl FrameDecoder {
    /// Longest frame. A message with two full security headers has some 30 KB.
    pub const MAX_FRAME: usize = 1 << 20;

    /// Takes bytes from the connection. Returns how many of them; the rest must wait until frames were taken out.
    #[must_use]
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let room = Self::MAX_FRAME.saturating_mul(2).saturating_sub(self.buffer.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.buffer.extend_from_slice(taken);
        taken.len()
    }

    /// Says that no more bytes will come.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The next frame, if it is there in full.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let blank = self.buffer.iter().take_while(|b| b.is_ascii_whitespace()).count();
        self.buffer.drain(..blank);
        let found = match self.buffer.first() {
            None => return Ok(None),
            Some(b'<') => self.line(),
            Some(b'1'..=b'9') => self.counted()?,
            Some(_) => return Err(FrameError::NoFrame),
        };
        match found {
            Some((body, end, counted)) => {
                let frame = take_apart(self.buffer.get(body..end).unwrap_or_default(), counted);
                self.buffer.drain(..end);
                Ok(Some(frame))
            }
            None if self.buffer.len() > Self::MAX_FRAME => Err(FrameError::TooLong),
            None if self.ended => Err(FrameError::Truncated),
            None => Ok(None),
        }
    }

    /// A frame without count: up to the line feed, or to the end of an audit message that holds line feeds.
    fn line(&self) -> Option<(usize, usize, bool)> {
        let first = self.buffer.iter().position(|b| *b == b'\n');
        let audit = find(&self.buffer, b"<AuditMessage").filter(|at| first.is_none_or(|f| *at < f));
        let end = match audit {
            Some(_) => find(&self.buffer, END_OF_MESSAGE).map(|at| at.saturating_add(END_OF_MESSAGE.len())),
            None => first.or_else(|| self.ended.then_some(self.buffer.len())),
        };
        end.map(|end| (0, end, false))
    }

    fn counted(&self) -> Result<Option<(usize, usize, bool)>, FrameError> {
        let digits = self.buffer.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits > 8 {
            return Err(FrameError::TooLong);
        }
        match self.buffer.get(digits) {
            None => return Ok(None),
            Some(b' ') => {}
            Some(_) => return Err(FrameError::NoFrame),
        }
        let length =
            self.buffer.iter().take(digits).fold(0_usize, |n, d| {
                n.saturating_mul(10).saturating_add(usize::from(d.saturating_sub(b'0')))
            });
        if length > Self::MAX_FRAME {
            return Err(FrameError::TooLong);
        }
        let body = digits.saturating_add(1);
        let end = body.saturating_add(length);
        let rest = self.buffer.get(body..).unwrap_or_default();
        if rest.len() < length {
            return Ok(if self.ended { self.resynchronised(body) } else { None });
        }
        let after = self.buffer.get(end..).unwrap_or_default();
        match looks_like_start(after) {
            Start::Yes => Ok(Some((body, end, true))),
            Start::NotYet if self.ended || self.ends_whole(body, end) => Ok(Some((body, end, true))),
            // The count may have been too short; more bytes will tell.
            Start::NotYet => Ok(None),
            Start::No => Ok(self.resynchronised(body)),
        }
    }

    /// Whether the counted bytes end where a message ends, so that nothing needs to be waited for.
    fn ends_whole(&self, body: usize, end: usize) -> bool {
        let counted = self.buffer.get(body..end).unwrap_or_default().trim_ascii_end();
        counted.ends_with(END_OF_MESSAGE) || find(counted, b"<AuditMessage").is_none()
    }

    fn resynchronised(&self, body: usize) -> Option<(usize, usize, bool)> {
        let rest = self.buffer.get(body..).unwrap_or_default();
        let at = find(rest, END_OF_MESSAGE)?;
        Some((body, body.saturating_add(at).saturating_add(END_OF_MESSAGE.len()), false))
    }
}

enum Start {
    Yes,
    No,
    NotYet,
}

/// Whether a frame begins here: `<` or digits and a blank.
fn looks_like_start(bytes: &[u8]) -> Start {
    let bytes = bytes.trim_ascii_start();
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    match bytes.get(digits) {
        None => Start::NotYet,
        Some(b' ') if digits > 0 => Start::Yes,
        Some(b'<') if digits == 0 && bytes.get(1).is_none_or(u8::is_ascii_digit) => Start::Yes,
        Some(_) => Start::No,
    }
}

/// Splits the RFC 5424 header off; what has none is taken whole.
fn take_apart(frame: &[u8], counted: bool) -> Frame {
    let priority_end = frame.iter().take(8).position(|b| *b == b'>');
    let priority = priority_end
        .and_then(|end| frame.get(1..end))
        .and_then(|p| std::str::from_utf8(p).ok())
        .and_then(|p| p.parse().ok());
    let head = frame.get(..frame.len().min(512)).unwrap_or(frame);
    let mut fields = head.split(|b| *b == b' ').skip(1).map(|f| std::str::from_utf8(f).unwrap_or(""));
    let (sent_at, host) = match priority {
        Some(_) => (fields.next().and_then(|f| f.parse().ok()), fields.next().filter(|h| *h != "-")),
        None => (None, None),
    };
    let start = find(head, BOM)
        .map(|at| at.saturating_add(BOM.len()))
        .or_else(|| find(head, b"<?xml"))
        .or_else(|| find(head, b"<AuditMessage"))
        .unwrap_or(0);
    let message = frame.get(start..).unwrap_or_default().trim_ascii_end().to_vec();
    Frame { priority, sent_at, host: host.map(str::to_owned), message, counted }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

#[cfg(test)]
mod tests;
