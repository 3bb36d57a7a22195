//! Frames of ours, of the reference implementation, and of senders that count wrong.

use super::*;

fn frames(chunks: &[&[u8]]) -> Result<Vec<Frame>, FrameError> {
    let mut decoder = FrameDecoder::default();
    let mut out = Vec::new();
    for chunk in chunks {
        assert_eq!(decoder.push(chunk), chunk.len());
        while let Some(frame) = decoder.next_frame()? {
            out.push(frame);
        }
    }
    decoder.end();
    while let Some(frame) = decoder.next_frame()? {
        out.push(frame);
    }
    Ok(out)
}

fn at() -> Timestamp {
    "2026-11-23T18:37:54.254Z".parse().unwrap()
}

const XML: &str = "<?xml version=\"1.0\"?><AuditMessage>\n <a>é</a>\n</AuditMessage>";

#[test]
fn what_we_write_we_read() {
    let frame = encode(XML, at(), "ncp.example");
    let both = [frame.clone(), frame].concat();
    for size in [1, 2, 7, 64, both.len()] {
        let chunks: Vec<&[u8]> = both.chunks(size).collect();
        let read = frames(&chunks).unwrap();
        assert_eq!(read.len(), 2, "chunks of {size}");
        for frame in read {
            assert_eq!(frame.message, XML.as_bytes());
            assert_eq!(frame.priority, Some(85));
            assert_eq!(frame.sent_at, Some(at()));
            assert_eq!(frame.host.as_deref(), Some("ncp.example"));
            assert!(frame.counted);
        }
    }
}

#[test]
fn a_count_that_is_too_short_is_overcome() {
    let good = encode(XML, at(), "h");
    let text = String::from_utf8(good.clone()).unwrap();
    let (count, rest) = text.split_once(' ').unwrap();
    let short = format!("{} {rest}", count.parse::<usize>().unwrap() - 3);
    let both = [short.as_bytes(), &good].concat();
    for size in [1, 5, both.len()] {
        let read = frames(&both.chunks(size).collect::<Vec<_>>()).unwrap();
        assert_eq!(read.iter().map(|f| f.counted).collect::<Vec<_>>(), [false, true]);
        assert!(read.iter().all(|f| f.message == XML.as_bytes()));
    }
}

#[test]
fn a_count_that_is_too_long_is_overcome_at_the_end() {
    let text = String::from_utf8(encode(XML, at(), "h")).unwrap();
    let (count, rest) = text.split_once(' ').unwrap();
    let long = format!("{} {rest}", count.parse::<usize>().unwrap() + 40);
    let read = frames(&[long.as_bytes()]).unwrap();
    assert_eq!(read.len(), 1);
    assert!(!read[0].counted);
}

#[test]
fn lines_without_count_are_taken() {
    let read = frames(&[b"<34>1 2026-11-23T18:37:54Z h app - - - hello\n<34>1 - - - - - - bye"]).unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!(read[0].host.as_deref(), Some("h"));
    assert_eq!(read[1].host, None);
}

#[test]
fn what_is_no_frame_ends_the_connection() {
    assert_eq!(frames(&[b"GET / HTTP/1.1\r\n"]), Err(FrameError::NoFrame));
    assert_eq!(frames(&[b"99999999999 x"]), Err(FrameError::TooLong));
    assert_eq!(frames(&[b"2000000 <1>1 "]), Err(FrameError::TooLong));
    assert_eq!(frames(&[b"100 <1>1 "]), Err(FrameError::Truncated));
}

#[test]
fn the_buffer_is_bounded() {
    let mut decoder = FrameDecoder::default();
    let junk = vec![b'x'; 4 << 20];
    assert_eq!(decoder.push(&junk), 2 << 20);
}
