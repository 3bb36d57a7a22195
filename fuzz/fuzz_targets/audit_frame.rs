//! Arbitrary bytes as a syslog stream, cut at arbitrary places: the decoder ends, its buffer is bounded, and how the
//! bytes were cut makes no difference to what a well-counted frame holds.
#![no_main]

use konfido_audit::syslog::{FrameDecoder, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&cut, stream)) = data.split_first() else { return };
    let mut decoder = FrameDecoder::default();
    'stream: for chunk in stream.chunks(usize::from(cut).max(1)) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let taken = decoder.push(rest);
            rest = &rest[taken..];
            loop {
                match decoder.next_frame() {
                    Ok(Some(frame)) => assert!(frame.message.len() <= FrameDecoder::MAX_FRAME * 2),
                    Ok(None) => break,
                    Err(_) => break 'stream,
                }
            }
        }
    }
    decoder.end();
    while let Ok(Some(_)) = decoder.next_frame() {}

    // What we write we read, whatever is in it.
    let text = format!("<AuditMessage>{}</AuditMessage>", String::from_utf8_lossy(stream).replace('<', ""));
    let sent_at = "2026-11-23T18:37:53.999Z".parse().expect("an instant");
    let mut decoder = FrameDecoder::default();
    let frame = encode(&text, sent_at, "ncp.example");
    if decoder.push(&frame) == frame.len() && frame.len() <= FrameDecoder::MAX_FRAME {
        decoder.end();
        let read = decoder.next_frame().expect("a frame").expect("whole");
        assert_eq!(read.message, text.as_bytes());
    }
});
