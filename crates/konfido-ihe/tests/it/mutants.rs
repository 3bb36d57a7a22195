//! Broken copies of real messages: whatever comes, the readers answer with a value or a reason, and what they read
//! is written so that it reads the same again.

use bytes::Bytes;
use konfido_ihe::xca::{DocumentQuery, QueryResponse, RetrieveRequest, RetrieveResponse};
use konfido_ihe::xcpd::{XcpdRequest, XcpdResponse};
use konfido_xml::{Document, Limits};
use proptest::prelude::*;

use crate::emitted;

/// Reads a message by all readers and reads again what was written of it; true if one of them took it.
fn read_all(bytes: &[u8]) -> bool {
    let Ok(document) = Document::parse(bytes, &Limits::MESSAGE) else { return false };
    let root = document.root();
    let part = |_: &str| Some(Bytes::from_static(b"<part/>"));
    let again = |el: konfido_xml::El| Document::parse(el.to_xml().as_bytes(), &Limits::MESSAGE).unwrap();
    if let Ok(read) = XcpdRequest::parse(root) {
        assert_eq!(XcpdRequest::parse(again(read.to_element()).root()).unwrap(), read);
    } else if let Ok(read) = XcpdResponse::parse(root) {
        let _ = read.outcome();
        assert_eq!(XcpdResponse::parse(again(read.to_element()).root()).unwrap(), read);
    } else if let Ok(read) = DocumentQuery::parse(root) {
        assert_eq!(DocumentQuery::parse(again(read.to_element()).root()).unwrap(), read);
    } else if let Ok(read) = QueryResponse::parse(root) {
        let _ = read.outcome();
        assert_eq!(QueryResponse::parse(again(read.to_element()).root()).unwrap(), read);
    } else if let Ok(read) = RetrieveRequest::parse(root) {
        assert_eq!(RetrieveRequest::parse(again(read.to_element()).root()).unwrap(), read);
    } else if let Ok(read) = RetrieveResponse::parse(root, &part) {
        assert_eq!(RetrieveResponse::parse(again(read.to_element()).root(), &part).unwrap(), read);
    } else {
        return false;
    }
    true
}

#[test]
fn every_message_of_ours_is_read_by_one_reader() {
    for (name, message) in emitted::all() {
        assert!(read_all(message.to_xml().as_bytes()), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_mutant_makes_a_reader_panic(
        which in 0_usize..12,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4, any::<prop::sample::Index>()), 1..6),
    ) {
        let messages = emitted::all();
        let mut text = messages[which % messages.len()].1.to_xml();
        for (at, what, other) in edits {
            // Cuts between tags and words, so that many mutants stay well-formed.
            let marks: Vec<usize> = text.match_indices(['"', '>', '^', '.']).map(|(i, _)| i).collect();
            if marks.is_empty() { break }
            let at = marks[at.index(marks.len())];
            let words = ["", " ", "&amp;", "\u{e9}", "9", "nullFlavor", "'", "^^^", "\\F\\", "20260230", "urn:oid:"];
            let word = words[other.index(words.len())];
            match what {
                0 => text.insert_str(at, word),
                1 => { text.replace_range(at..=at, word); }
                2 => {
                    let next = marks.iter().find(|m| **m > at).copied().unwrap_or(text.len());
                    text.replace_range(at + 1..next, word);
                }
                _ => {
                    let next = marks.iter().find(|m| **m > at).copied().unwrap_or(text.len());
                    let piece = text[at..next].to_owned();
                    text.insert_str(at, &piece);
                }
            }
        }
        read_all(text.as_bytes());
    }
}
