//! A whole message with its parts in memory, read and written without copying them.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use memchr::memmem;

use super::{ContentType, Event, MtomError, MtomLimits, PartHead, Reader};
use crate::{El, Element, base64, ns, soap};

const MULTIPART: &str = "multipart/related";
const XOP_TYPE: &str = "application/xop+xml";

/// A binary part.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Content id without angle brackets.
    pub content_id: String,
    /// Media type as in the part's head.
    pub content_type: String,
    /// The bytes.
    pub body: Bytes,
}

impl std::fmt::Debug for Attachment {
    /// Says the size, never content.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attachment({}, {} bytes)", self.content_type, self.body.len())
    }
}

/// A SOAP message and the parts it refers to.
#[derive(Debug, Clone)]
pub struct Package {
    root: Bytes,
    attachments: Vec<Attachment>,
    multipart: bool,
    action: Option<String>,
}

/// A message ready for the wire.
#[derive(Debug, Clone)]
pub struct Written {
    /// The `Content-Type` of the HTTP message.
    pub content_type: String,
    /// The body in pieces, in order; the parts are not copied.
    pub chunks: Vec<Bytes>,
}

impl Written {
    /// Length of the body.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chunks.iter().map(Bytes::len).sum()
    }

    /// Whether the body is empty (it never is).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The body in one piece.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut all = BytesMut::with_capacity(self.len());
        for chunk in &self.chunks {
            all.extend_from_slice(chunk);
        }
        all.freeze()
    }
}

impl Package {
    /// A message to be sent; `root` is the SOAP envelope.
    #[must_use]
    pub fn new(root: impl Into<Bytes>) -> Self {
        Self { root: root.into(), attachments: Vec::new(), multipart: false, action: None }
    }

    /// Adds a part; the message becomes multipart.
    #[must_use]
    pub fn attach(mut self, attachment: Attachment) -> Self {
        self.attachments.push(attachment);
        self.multipart = true;
        self
    }

    /// Makes the message multipart even without parts, as OpenNCP does in ITI-39.
    #[must_use]
    pub fn as_multipart(mut self) -> Self {
        self.multipart = true;
        self
    }

    /// Sets the `action` parameter of the content type.
    #[must_use]
    pub fn with_action(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }

    /// Reads the body of an HTTP message with this `Content-Type`: a plain SOAP 1.2 message or a multipart.
    ///
    /// # Errors
    /// When the packaging breaks a rule.
    pub fn read(content_type: &str, body: Bytes, limits: MtomLimits) -> Result<Self, MtomError> {
        let content_type = ContentType::parse(content_type)?;
        let action = content_type.parameter("action").map(str::to_owned);
        match content_type.essence() {
            soap::MEDIA_TYPE => {
                content_type.require_utf8()?;
                if body.len() > limits.max_bytes {
                    return Err(MtomError::TooLarge { limit: limits.max_bytes });
                }
                Ok(Self { root: body, attachments: Vec::new(), multipart: false, action })
            }
            MULTIPART => Self::read_multipart(&content_type, body, limits, action),
            other => Err(MtomError::MediaType(other.chars().take(80).collect())),
        }
    }

    fn read_multipart(
        content_type: &ContentType,
        body: Bytes,
        limits: MtomLimits,
        action: Option<String>,
    ) -> Result<Self, MtomError> {
        let kind = content_type.parameter("type").unwrap_or(XOP_TYPE);
        if !kind.eq_ignore_ascii_case(XOP_TYPE) && !kind.eq_ignore_ascii_case(soap::MEDIA_TYPE) {
            return Err(MtomError::MediaType(kind.chars().take(80).collect()));
        }
        let boundary = content_type.parameter("boundary").ok_or(MtomError::Boundary)?;
        let mut reader = Reader::new(boundary, limits)?;
        let mut events = Vec::new();
        reader.push(body, &mut events)?;
        reader.finish()?;
        let mut parts = collect(events)?;
        let root_at = match content_type.parameter("start") {
            None => 0,
            Some(start) => {
                let start = start.strip_prefix('<').and_then(|s| s.strip_suffix('>')).unwrap_or(start);
                parts
                    .iter()
                    .position(|(head, _)| head.content_id.as_deref() == Some(start))
                    .ok_or(MtomError::MissingRoot)?
            }
        };
        if root_at >= parts.len() {
            return Err(MtomError::MissingRoot);
        }
        let (root_head, root) = parts.remove(root_at);
        check_root(&root_head)?;
        let action = action.or_else(|| {
            let inner = root_head.content_type.as_ref()?;
            inner.parameter("action").map(str::to_owned)
        });
        let attachments = parts
            .into_iter()
            .map(|(head, body)| {
                let content_type = head
                    .content_type
                    .map_or_else(|| "application/octet-stream".to_owned(), |t| t.to_string());
                Attachment { content_id: head.content_id.unwrap_or_default(), content_type, body }
            })
            .collect();
        Ok(Self { root, attachments, multipart: true, action })
    }

    /// The SOAP envelope.
    #[must_use]
    pub fn root(&self) -> &Bytes {
        &self.root
    }

    /// The parts beside the envelope.
    #[must_use]
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// Whether the message came, or goes, as multipart.
    #[must_use]
    pub fn is_multipart(&self) -> bool {
        self.multipart
    }

    /// The `action` parameter of the content type.
    #[must_use]
    pub fn action(&self) -> Option<&str> {
        self.action.as_deref().filter(|a| !a.is_empty())
    }

    /// The part with this content id.
    #[must_use]
    pub fn attachment(&self, content_id: &str) -> Option<&Attachment> {
        self.attachments.iter().find(|a| !content_id.is_empty() && a.content_id == content_id)
    }

    /// The binary content of `element`: the part its `xop:Include` names, or its text as base64.
    ///
    /// # Errors
    /// When the reference leads nowhere, there is content beside it, or the text is no base64.
    pub fn content_of(&self, element: &Element<'_>) -> Result<Bytes, MtomError> {
        let mut children = element.children();
        let Some(include) = children.next() else {
            return base64::decode(&element.own_text()).map(Bytes::from).ok_or(MtomError::Base64);
        };
        let blank = element.own_text().trim().is_empty();
        if !include.is(ns::XOP, "Include") || children.next().is_some() || !blank {
            return Err(MtomError::Include);
        }
        let href = include.attribute("href").map(str::trim).ok_or(MtomError::Include)?;
        let cid = href.strip_prefix("cid:").ok_or(MtomError::Include)?;
        let decoded = percent_decode(cid).ok_or(MtomError::Include)?;
        let part =
            self.attachment(&decoded).or_else(|| self.attachment(cid)).ok_or(MtomError::MissingPart)?;
        Ok(part.body.clone())
    }

    /// Writes the message. `unique` seeds boundary and root id (a fresh UUID, for instance); a boundary that
    /// occurs in a part is made longer until it does not.
    #[must_use]
    pub fn write(&self, unique: &str) -> Written {
        if !self.multipart {
            let plain = ContentType::new(soap::MEDIA_TYPE).with("charset", "UTF-8");
            let content_type = with_action(plain, self.action());
            return Written { content_type: content_type.to_string(), chunks: vec![self.root.clone()] };
        }
        let unique: String = unique.chars().filter(char::is_ascii_alphanumeric).take(60).collect();
        let mut boundary = format!("MIMEBoundary_{unique}");
        let occurs = |b: &str| {
            let bodies = self.attachments.iter().map(|a| &a.body).chain([&self.root]);
            bodies.into_iter().any(|body| memmem::find(body, b.as_bytes()).is_some())
        };
        while occurs(&boundary) {
            boundary.push('0');
        }
        let root_id = format!("0.{unique}@konfido");
        let outer = ContentType::new(MULTIPART)
            .with("boundary", boundary.clone())
            .with("type", XOP_TYPE)
            .with("start", format!("<{root_id}>"))
            .with("start-info", soap::MEDIA_TYPE);
        let root_type =
            ContentType::new(XOP_TYPE).with("charset", "UTF-8").with("type", soap::MEDIA_TYPE).to_string();
        let mut chunks = vec![part_head("", &boundary, &root_type, &root_id), self.root.clone()];
        for part in &self.attachments {
            chunks.push(part_head("\r\n", &boundary, &part.content_type, &part.content_id));
            chunks.push(part.body.clone());
        }
        chunks.push(Bytes::from(format!("\r\n--{boundary}--\r\n")));
        Written { content_type: with_action(outer, self.action()).to_string(), chunks }
    }
}

fn with_action(content_type: ContentType, action: Option<&str>) -> ContentType {
    match action {
        Some(action) => content_type.with("action", action),
        None => content_type,
    }
}

fn part_head(before: &str, boundary: &str, content_type: &str, content_id: &str) -> Bytes {
    let clean = |s: &str| s.chars().filter(|c| !c.is_control()).collect::<String>();
    Bytes::from(format!(
        "{before}--{boundary}\r\nContent-Type: {}\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <{}>\r\n\r\n",
        clean(content_type),
        clean(content_id)
    ))
}

/// The `xop:Include` element for the part `content_id`. Characters that a URI cannot have are
/// percent-encoded; `:` and `@` are not, as OpenNCP writes and reads them.
#[must_use]
pub fn include(content_id: &str) -> El {
    let mut href = String::from("cid:");
    for byte in content_id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@!$&'()*+,;=/".contains(&byte) {
            href.push(char::from(byte));
        } else {
            href.push_str(&format!("%{byte:02X}"));
        }
    }
    El::new(ns::XOP, "Include").prefix("xop").attr("href", href)
}

fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high.checked_mul(16)?.checked_add(low)?).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

fn check_root(head: &PartHead) -> Result<(), MtomError> {
    let Some(content_type) = &head.content_type else { return Ok(()) };
    content_type.require_utf8()?;
    match content_type.essence() {
        XOP_TYPE | soap::MEDIA_TYPE => Ok(()),
        other => Err(MtomError::MediaType(other.chars().take(80).collect())),
    }
}

fn collect(events: Vec<Event>) -> Result<Vec<(PartHead, Bytes)>, MtomError> {
    let mut parts: Vec<(PartHead, Bytes)> = Vec::new();
    for event in events {
        match event {
            Event::Head(head) => {
                let known = |id: &String| parts.iter().any(|(h, _)| h.content_id.as_ref() == Some(id));
                if head.content_id.as_ref().is_some_and(known) {
                    return Err(MtomError::DuplicateContentId);
                }
                parts.push((head, Bytes::new()));
            }
            Event::Data(data) => {
                if let Some((_, body)) = parts.last_mut() {
                    *body = if body.is_empty() { data } else { Bytes::from([&body[..], &data[..]].concat()) };
                }
            }
            Event::PartEnd => {
                if let Some((head, body)) = parts.last_mut().filter(|(head, _)| head.base64) {
                    let text = std::str::from_utf8(body).map_err(|_| MtomError::Base64)?;
                    *body = base64::decode(text).map(Bytes::from).ok_or(MtomError::Base64)?;
                    head.base64 = false;
                }
            }
            Event::End => {}
        }
    }
    Ok(parts)
}
