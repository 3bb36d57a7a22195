//! Arbitrary bytes as a SOAP message with its headers.
#![no_main]

use konfido_xml::soap::{Envelope, Message};
use konfido_xml::wsa::Addressing;
use konfido_xml::wss::Security;
use konfido_xml::{Document, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(document) = Document::parse(data, &Limits::ASSERTION) else { return };
    let envelope = match Envelope::parse(&document) {
        Ok(envelope) => envelope,
        Err(error) => {
            let answer = Message::fault(&error.to_fault()).into_document_string();
            Document::parse(answer.as_bytes(), &Limits::MESSAGE).expect("a fault is well-formed");
            return;
        }
    };
    let _ = (envelope.payload(), envelope.not_understood(|_| false).count());
    if let Some(fault) = envelope.fault() {
        let again = Message::fault(&fault).into_document_string();
        let again = Document::parse(again.as_bytes(), &Limits::MESSAGE).expect("a fault is well-formed");
        let read = Envelope::parse(&again).expect("an envelope").fault().expect("a fault");
        assert_eq!(read.code(), fault.code());
    }
    if let Ok(addressing) = Addressing::parse(&envelope) {
        let _ = addressing.response("urn:a", "urn:b").headers();
    }
    if let Ok(Some(security)) = Security::parse(&envelope) {
        let _ = (security.assertions().len(), security.timestamp());
    }
});
