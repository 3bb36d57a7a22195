//! The first line as content type, the rest as body: in one piece and in small ones it is the same.
#![no_main]

use bytes::Bytes;
use konfido_xml::mtom::{ContentType, Event, MtomLimits, Package, Reader};
use konfido_xml::{Document, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|b| *b == b'\n').unwrap_or(data.len());
    let (head, body) = data.split_at(end);
    let body = body.get(1..).unwrap_or_default();
    let Ok(head) = std::str::from_utf8(head) else { return };
    let Ok(content_type) = ContentType::parse(head) else { return };
    let limits = MtomLimits { max_bytes: 1 << 20, max_parts: 8, max_head: 512 };
    let whole = Package::read(head, Bytes::copy_from_slice(body), limits);
    if let Some(mut reader) = content_type.parameter("boundary").and_then(|b| Reader::new(b, limits).ok()) {
        let mut events = Vec::new();
        let pushed = body.chunks(7).try_for_each(|c| reader.push(Bytes::copy_from_slice(c), &mut events));
        let complete = pushed.is_ok() && reader.finish().is_ok();
        if content_type.essence() == "multipart/related" && whole.is_ok() {
            assert!(complete);
            let parts = events.iter().filter(|e| matches!(e, Event::Head(_))).count();
            assert_eq!(parts, whole.as_ref().map_or(0, |p| p.attachments().len() + 1));
        }
    }
    let Ok(package) = whole else { return };
    if let Ok(document) = Document::parse(package.root(), &Limits::ASSERTION) {
        for element in document.root().descendants() {
            let _ = package.content_of(&element);
        }
    }
    let written = package.write("fuzz");
    if let Ok(again) = Package::read(&written.content_type, written.to_bytes(), MtomLimits::MESSAGE) {
        assert_eq!(again.root(), package.root());
    }
});
