//! SOAP, WS-Addressing, WS-Security, MTOM.

use std::fs;

use bytes::Bytes;
use konfido_xml::mtom::{Attachment, ContentType, Event, MtomError, MtomLimits, Package, Reader, include};
use konfido_xml::soap::{Envelope, Fault, FaultCode, Message, SoapError};
use konfido_xml::wsa::{self, Addressing};
use konfido_xml::wss::{self, Security, SecurityError};
use konfido_xml::{Document, El, Fragment, Limits, ns};
use proptest::prelude::*;

use crate::fixtures;

fn parse(xml: &str) -> Document {
    Document::parse(xml.as_bytes(), &Limits::MESSAGE).unwrap()
}

const SOAP: &str = "xmlns:s='http://www.w3.org/2003/05/soap-envelope'";

#[test]
fn a_message_is_read_as_it_was_written() {
    let addressing = Addressing::request("urn:do", "urn:uuid:1", "https://a.example/x");
    let xml = Message::new(El::new("urn:p", "Ask"))
        .headers(addressing.headers())
        .header(wss::security(
            [Fragment::parse(&format!("<a:Assertion xmlns:a='{}'/>", ns::SAML2), &Limits::ASSERTION)
                .unwrap()],
            Some(wss::Timestamp {
                created: Some("2026-11-23T18:37:53.150Z".parse().unwrap()),
                expires: None,
            }),
        ))
        .into_document_string();
    let document = parse(&xml);
    let envelope = Envelope::parse(&document).unwrap();
    assert_eq!(Addressing::parse(&envelope).unwrap(), addressing);
    assert!(envelope.payload().unwrap().is("urn:p", "Ask"));
    let security = Security::parse(&envelope).unwrap().unwrap();
    assert_eq!(security.assertions().len(), 1);
    assert_eq!(security.timestamp().unwrap().created.unwrap().to_string(), "2026-11-23T18:37:53.15Z");
    let answer = addressing.response("urn:done", "urn:uuid:2");
    assert_eq!(answer.relates_to.as_deref(), Some("urn:uuid:1"));
    assert_eq!(envelope.not_understood(|_| false).count(), 1);
    assert_eq!(envelope.not_understood(|h| h.is(ns::WSA, "Action")).count(), 0);
}

#[test]
fn envelopes_with_a_second_meaning_are_refused() {
    let refuse = |xml: String| {
        let document = parse(&xml);
        match Envelope::parse(&document) {
            Err(e) => e,
            Ok(envelope) => envelope.payload().unwrap_err(),
        }
    };
    for inner in [
        "",
        "<s:Header/>",
        "<s:Body/>",
        "<s:Body><a/><b/></s:Body>",
        "<s:Body><a/></s:Body><s:Body><a/></s:Body>",
        "<s:Body><a/></s:Body><s:Header/>",
        "<s:Header/><s:Header/><s:Body><a/></s:Body>",
        "<x/><s:Body><a/></s:Body>",
        "<s:Body><a/></s:Body><x/>",
    ] {
        let error = refuse(format!("<s:Envelope {SOAP}>{inner}</s:Envelope>"));
        assert!(matches!(error, SoapError::Structure(_)), "{inner}: {error}");
    }
    assert_eq!(refuse("<a/>".to_owned()), SoapError::NotAnEnvelope);
    let old = refuse(format!("<s:Envelope xmlns:s='{}'><s:Body><a/></s:Body></s:Envelope>", ns::SOAP11));
    assert_eq!(old, SoapError::Version);
    assert_eq!(old.to_fault().code(), FaultCode::VersionMismatch);
}

#[test]
fn faults_survive_the_wire() {
    for fault in [
        Fault::receiver("not now"),
        Fault::sender("a<b").subcode("urn:x", "Outer").subcode("urn:y", "Inner"),
        wsa::action_not_supported("urn:nobody"),
        wsa::action_mismatch(),
        SecurityError::SeveralHeaders.to_fault(),
    ] {
        let xml = Message::fault(&fault).into_document_string();
        let document = parse(&xml);
        let envelope = Envelope::parse(&document).unwrap();
        let read = envelope.fault().unwrap();
        assert_eq!(
            (read.code(), read.subcodes(), read.reason()),
            (fault.code(), fault.subcodes(), fault.reason())
        );
        assert_eq!(read.detail_xml().is_some(), fault.detail_xml().is_some());
    }
    assert_eq!(wsa::action_mismatch().action(), "http://www.w3.org/2005/08/addressing/fault");
    assert_eq!(Fault::receiver("x").action(), "http://www.w3.org/2005/08/addressing/soap/fault");
}

#[test]
fn ambiguous_headers_are_refused() {
    let envelope = |headers: &str| {
        parse(&format!(
            "<s:Envelope {SOAP} xmlns:w='{}' xmlns:o='{}' xmlns:u='{}' xmlns:a='{}'><s:Header>{headers}</s:Header><s:Body><x/></s:Body></s:Envelope>",
            ns::WSA,
            ns::WSSE,
            ns::WSU,
            ns::SAML2
        ))
    };
    let document = envelope("<w:Action>a</w:Action><w:Action>b</w:Action>");
    let error = Addressing::parse(&Envelope::parse(&document).unwrap()).unwrap_err();
    assert_eq!(error.to_fault().subcodes().len(), 2);
    let document = envelope("<o:Security/><o:Security/>");
    assert_eq!(
        Security::parse(&Envelope::parse(&document).unwrap()).unwrap_err(),
        SecurityError::SeveralHeaders
    );
    let document =
        envelope("<o:Security><u:Timestamp><u:Created>soon</u:Created></u:Timestamp></o:Security>");
    assert_eq!(Security::parse(&Envelope::parse(&document).unwrap()).unwrap_err(), SecurityError::Timestamp);
    let document =
        envelope("<o:Security><x><a:Assertion/></x><a:Assertion><a:Assertion/></a:Assertion></o:Security>");
    let security = Security::parse(&Envelope::parse(&document).unwrap()).unwrap().unwrap();
    assert_eq!(security.assertions().len(), 1);
    let document = envelope("");
    assert!(Security::parse(&Envelope::parse(&document).unwrap()).unwrap().is_none());
}

#[test]
fn content_types_are_parsed_by_the_rules() {
    let t = ContentType::parse(
        "Multipart/Related; boundary=\"a;b\\\"c\"; type=application/xop+xml ;Action=\"urn:x\";",
    )
    .unwrap();
    assert_eq!(t.essence(), "multipart/related");
    assert_eq!(t.parameter("boundary"), Some("a;b\"c"));
    assert_eq!(t.parameter("type"), Some("application/xop+xml"));
    assert_eq!(t.parameter("action"), Some("urn:x"));
    assert_eq!(ContentType::parse(&t.to_string()).unwrap(), t);
    for bad in ["", "a", "a/b; x", "a/b; x=\"y", "a/b; x=1; X=2", "a b/c", "a/b; x=\"y\"z"] {
        assert!(ContentType::parse(bad).is_err(), "{bad}");
    }
}

const TYPE: &str = "multipart/related; boundary=B; type=\"application/xop+xml\"; start=\"<r>\"";

fn read(body: &str) -> Result<Package, MtomError> {
    Package::read(TYPE, Bytes::copy_from_slice(body.as_bytes()), MtomLimits::MESSAGE)
}

#[test]
fn multiparts_that_break_a_rule_are_refused() {
    let root = "--B\r\nContent-ID: <r>\r\nContent-Type: application/xop+xml; charset=UTF-8\r\n\r\n<x/>\r\n";
    let part = |id: &str| format!("--B\r\nContent-ID: <{id}>\r\n\r\nbinary\r\n");
    read(&format!("{root}{}--B--\r\n", part("1"))).unwrap();
    read(&format!("\r\n{}{root}--B--", part("1"))).unwrap();
    let cases = [
        (format!("{root}{}{}--B--\r\n", part("1"), part("1")), MtomError::DuplicateContentId),
        (format!("{root}{}", part("1")), MtomError::Truncated),
        (format!("{root}--B\r\nContent-ID: <1>\r\n\r\nbina"), MtomError::Truncated),
        (format!("{root}--B\r\nContent-ID: <1"), MtomError::Truncated),
        (root.get(..20).unwrap().to_owned(), MtomError::Truncated),
        (String::new(), MtomError::Truncated),
        (format!("{}--B--", part("1")), MtomError::MissingRoot),
        (format!("{root}--B--\r\nmore"), MtomError::StrayBytes),
        (format!("before\r\n{root}--B--"), MtomError::StrayBytes),
        (format!("{root}--Bx\r\n\r\n--B--"), MtomError::Boundary),
        (format!("{root}--B\r\nno colon\r\n\r\nx\r\n--B--"), MtomError::PartHead),
        (format!("{root}--B\r\nContent-ID: <a>\r\nContent-ID: <b>\r\n\r\nx\r\n--B--"), MtomError::PartHead),
        (format!("{root}--B\r\nA: {}\r\n\r\nx\r\n--B--", "y".repeat(9000)), MtomError::PartHead),
        (
            format!("{root}--B\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nx\r\n--B--"),
            MtomError::TransferEncoding("quoted-printable".to_owned()),
        ),
        (
            "--B\r\nContent-ID: <r>\r\nContent-Type: application/xop+xml; charset=utf-16\r\n\r\nx\r\n--B--"
                .to_owned(),
            MtomError::Charset("utf-16".to_owned()),
        ),
        (
            format!("{root}{}--B--", (0..64).map(|i| part(&i.to_string())).collect::<String>()),
            MtomError::TooManyParts { limit: 64 },
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(read(&body).unwrap_err(), expected, "{}", body.get(..body.len().min(300)).unwrap());
    }
    let small = MtomLimits { max_bytes: 10, ..MtomLimits::MESSAGE };
    let error = Package::read(TYPE, Bytes::from(root), small).unwrap_err();
    assert_eq!(error, MtomError::TooLarge { limit: 10 });
    for (content_type, expected) in [
        ("text/xml", MtomError::MediaType("text/xml".to_owned())),
        ("application/soap+xml; charset=latin1", MtomError::Charset("latin1".to_owned())),
        ("multipart/related", MtomError::Boundary),
        ("multipart/related; boundary=\"a\u{7f}\"", MtomError::Boundary),
        ("multipart/related; boundary=B; type=text/xml", MtomError::MediaType("text/xml".to_owned())),
    ] {
        let error = Package::read(content_type, Bytes::from(root), MtomLimits::MESSAGE).unwrap_err();
        assert_eq!(error, expected);
    }
}

#[test]
fn content_comes_as_part_or_inline() {
    let package = Package::new("").attach(Attachment {
        content_id: "urn:uuid:1 2".to_owned(),
        content_type: "text/xml".to_owned(),
        body: Bytes::from_static(b"<doc/>"),
    });
    let content = |inner: &str| {
        let xml = format!("<d xmlns:x='{}'>{inner}</d>", ns::XOP);
        package.content_of(&parse(&xml).root())
    };
    for href in ["cid:urn:uuid:1 2", "cid:urn%3Auuid%3a1%202"] {
        assert_eq!(content(&format!(" <x:Include href='{href}'/> ")).unwrap(), "<doc/>");
    }
    assert_eq!(content(&include("urn:uuid:1 2").to_xml()).unwrap(), "<doc/>");
    assert_eq!(content("PGRv\n Yy8+").unwrap(), "<doc/>");
    assert_eq!(content("").unwrap(), "");
    assert_eq!(content("PGR%").unwrap_err(), MtomError::Base64);
    assert_eq!(content("<x:Include href='cid:other'/>").unwrap_err(), MtomError::MissingPart);
    for bad in [
        "<x:Include/>",
        "<x:Include href='http://x'/>",
        "PGRv<x:Include href='cid:urn:uuid:1 2'/>",
        "<y/>",
        "<x:Include href='cid:%zz'/>",
        "<x:Include href='cid:%4'/>",
        "<x:Include href='cid:urn:uuid:1 2'/><x:Include href='cid:urn:uuid:1 2'/>",
    ] {
        assert_eq!(content(bad).unwrap_err(), MtomError::Include, "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_is_packed_is_unpacked(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..5),
        unique in "[a-z0-9-]{0,20}",
        split in 1_usize..64,
    ) {
        let mut package = Package::new("<root/>").as_multipart().with_action("urn:do \"it\"");
        for (i, body) in bodies.iter().enumerate() {
            package = package.attach(Attachment {
                content_id: format!("part{i}@x"),
                content_type: "application/octet-stream".to_owned(),
                body: Bytes::from(body.clone()),
            });
        }
        let written = package.write(&unique);
        let all = written.to_bytes();
        let read = Package::read(&written.content_type, all.clone(), MtomLimits::MESSAGE).unwrap();
        prop_assert_eq!(read.root(), "<root/>");
        prop_assert_eq!(read.action(), Some("urn:do \"it\""));
        prop_assert_eq!(read.attachments(), package.attachments());
        // The same in small pieces.
        let boundary = ContentType::parse(&written.content_type).unwrap().parameter("boundary").unwrap().to_owned();
        let mut reader = Reader::new(&boundary, MtomLimits::MESSAGE).unwrap();
        let mut events = Vec::new();
        for piece in all.chunks(split) {
            reader.push(Bytes::copy_from_slice(piece), &mut events).unwrap();
        }
        reader.finish().unwrap();
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for event in events {
            match event {
                Event::Head(_) => parts.push(Vec::new()),
                Event::Data(d) => parts.last_mut().unwrap().extend_from_slice(&d),
                _ => {}
            }
        }
        prop_assert_eq!(&parts[1..], &bodies[..]);
        // Cut off anywhere before the closing delimiter it is refused.
        let cut = all.len() * split / 80;
        prop_assert!(Package::read(&written.content_type, all.slice(..cut), MtomLimits::MESSAGE).is_err());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(body in "(--B|\r\n|--|Content-ID: <r>|:|x| |\r\n\r\n){0,30}") {
        let _ = read(&body);
    }
}

#[test]
fn recorded_messages_are_read() {
    let Some(root) = fixtures::openncp() else { return };
    let mut read = 0;
    let mut refused = Vec::new();
    for entry in fs::read_dir(root.join("recorded/soap")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let message = fixtures::http(&path);
        let outcome = Package::read(&message.content_type, message.body, MtomLimits::MESSAGE)
            .map_err(|e| e.to_string())
            .and_then(|package| {
                let document =
                    Document::parse(package.root(), &Limits::MESSAGE).map_err(|e| e.to_string())?;
                let envelope = Envelope::parse(&document).map_err(|e| e.to_string())?;
                let payload = envelope.payload().map_err(|e| e.to_string())?;
                Addressing::parse(&envelope).map_err(|e| e.to_string())?;
                Security::parse(&envelope).map_err(|e| e.to_string())?;
                let documents = payload.descendants().filter(|e| e.is("urn:ihe:iti:xds-b:2007", "Document"));
                for document in documents {
                    assert!(!package.content_of(&document).unwrap().is_empty(), "{name}");
                }
                Ok(())
            });
        match outcome {
            Ok(()) => read += 1,
            Err(why) => refused.push(format!("{name}: {why}")),
        }
    }
    refused.sort();
    eprintln!("{read} read, refused: {refused:#?}");
    let expected = ["48-", "49-", "51-"];
    assert!(refused.iter().all(|r| expected.iter().any(|e| r.starts_with(e))), "{refused:#?}");
    assert!(read >= 120, "{read}");
}
