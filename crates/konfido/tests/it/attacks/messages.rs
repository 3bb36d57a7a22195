//! Attacks on the form of the message: XML, MIME, SOAP, WS-Addressing.

use konfido_ihe::Transaction;
use konfido_xml::mtom::{Attachment, Package};

use super::{Attack, Expect};
use crate::request::{Ask, SOAP12, WSSE, post, random};
use crate::socket::Shot;
use crate::world::{Who, World};

const LUCIA: &str = "SYN-0001";
const SENDER: Expect = Expect::Fault(500, "Sender", "");

/// An identification whose envelope is changed as text.
fn text(name: &'static str, change: fn(String) -> String, expect: Expect) -> Attack {
    Attack::new(name, move |w| Ask::identify(w, &[LUCIA]).changed(change), expect)
}

/// An identification whose envelope is other bytes.
fn bytes(name: &'static str, make: fn(String) -> Vec<u8>, expect: Expect) -> Attack {
    let shot = move |w: &World| {
        let ask = Ask::identify(w, &[LUCIA]);
        ask.with_envelope(make(ask.envelope()))
    };
    Attack::new(name, shot, expect)
}

/// A multipart retrieve, changed after it was written: content type and body.
fn multipart(name: &'static str, change: fn(String, Vec<u8>) -> (String, Vec<u8>), expect: Expect) -> Attack {
    let shot = move |w: &World| {
        let ask = Ask::retrieve(w, LUCIA, "1.2.3^4");
        let part = |id: &str| Attachment {
            content_id: id.to_owned(),
            content_type: "application/octet-stream".to_owned(),
            body: b"filler"[..].into(),
        };
        let package = Package::new(ask.envelope()).attach(part("one@example")).attach(part("two@example"));
        let written = package.with_action(ask.transaction.request_action()).write(&random());
        let (content_type, body) = change(written.content_type.clone(), written.to_bytes().to_vec());
        Shot::of(Who::Denmark, post(ask.path, &content_type, &body))
    };
    Attack::new(name, shot, expect)
}

pub(super) fn rows() -> Vec<Attack> {
    let mut rows = xml();
    rows.extend(mime());
    rows.extend(soap());
    rows
}

fn with_doctype(xml: &str, doctype: &str) -> String {
    let start = xml.find("<soapenv:Envelope").unwrap();
    format!("{}{doctype}{}", &xml[..start], &xml[start..])
}

fn xml() -> Vec<Attack> {
    vec![
        text(
            "an external entity",
            |xml| {
                let doctype = "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>";
                with_doctype(&xml, doctype).replace("SYN-0001", "&e;")
            },
            SENDER,
        ),
        text(
            "an external dtd",
            |xml| with_doctype(&xml, "<!DOCTYPE x SYSTEM \"http://127.0.0.1:9/x.dtd\">"),
            SENDER,
        ),
        text(
            "an entity bomb",
            |xml| {
                let mut doctype = "<!DOCTYPE x [<!ENTITY a0 \"ha\">".to_owned();
                for n in 1..30 {
                    let before = n - 1;
                    doctype.push_str(&format!("<!ENTITY a{n} \"&a{before};&a{before};\">"));
                }
                with_doctype(&xml, &format!("{doctype}]>")).replace("SYN-0001", "&a29;")
            },
            SENDER,
        ),
        text("an entity that nobody declared", |xml| xml.replace("SYN-0001", "&lucia;"), SENDER),
        text(
            "elements as deep as the sea",
            |xml| {
                let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
                xml.replacen("<soapenv:Header>", &format!("<soapenv:Header>{deep}"), 1)
            },
            SENDER,
        ),
        text(
            "a thousand attributes",
            |xml| {
                let many: String = (0..1000).map(|n| format!(" a{n}=\"\"")).collect();
                xml.replacen("<soapenv:Header>", &format!("<soapenv:Header{many}>"), 1)
            },
            SENDER,
        ),
        text(
            "a million elements",
            |xml| {
                xml.replacen("<soapenv:Header>", &format!("<soapenv:Header>{}", "<a/>".repeat(1_000_000)), 1)
            },
            SENDER,
        ),
        text(
            "one attribute twice",
            |xml| xml.replacen("<soapenv:Header>", "<soapenv:Header a=\"1\" a=\"2\">", 1),
            SENDER,
        ),
        text(
            "a prefix that nobody declared",
            |xml| xml.replacen("<soapenv:Header>", "<soapenv:Header><b:b/>", 1),
            SENDER,
        ),
        bytes(
            "bad utf-8",
            |xml| {
                let (before, after) = xml.split_once("SYN-0001").unwrap();
                [before.as_bytes(), &[0xc3, 0x28, 0xff], after.as_bytes()].concat()
            },
            SENDER,
        ),
        bytes("utf-16", |xml| xml.encode_utf16().flat_map(u16::to_le_bytes).collect(), SENDER),
        bytes("a zero byte", |xml| xml.replace("SYN-0001", "SYN\0").into_bytes(), SENDER),
        bytes("half a message", |xml| xml.as_bytes()[..xml.len() / 2].to_vec(), SENDER),
        bytes("two messages in one", |xml| [xml.as_bytes(), b"<a/>"].concat(), SENDER),
        bytes("json", |_| b"{\"patient\": \"SYN-0001\"}".to_vec(), SENDER),
        bytes("nothing", |_| Vec::new(), SENDER),
    ]
}

fn mime() -> Vec<Attack> {
    vec![
        multipart("a multipart cut off", |kind, body| (kind, body[..body.len() - 20].to_vec()), SENDER),
        multipart(
            "two parts of one content id",
            |kind, body| {
                (kind, String::from_utf8(body).unwrap().replace("two@example", "one@example").into_bytes())
            },
            SENDER,
        ),
        multipart("no boundary", |kind, body| (kind.replace("boundary=", "border="), body), SENDER),
        multipart("another boundary", |kind, body| (kind.replace("MIMEBoundary_", "Other_"), body), SENDER),
        multipart(
            "a root part that is not there",
            |kind, body| (kind.replace("start=\"<0.", "start=\"<9."), body),
            SENDER,
        ),
        multipart(
            "bytes behind the last boundary",
            |kind, body| (kind, [body, b"<a/>".to_vec()].concat()),
            SENDER,
        ),
        Attack::new(
            "another media type",
            |w| {
                let ask = Ask::identify(w, &[LUCIA]);
                Shot::of(Who::Denmark, post(ask.path, "text/plain", ask.envelope().as_bytes()))
            },
            SENDER,
        ),
        Attack::new(
            "another charset",
            |w| {
                let ask = Ask::identify(w, &[LUCIA]);
                let kind = "application/soap+xml; charset=ISO-8859-1";
                Shot::of(Who::Denmark, post(ask.path, kind, ask.envelope().as_bytes()))
            },
            SENDER,
        ),
        Attack::new(
            "a content type that is none",
            |w| {
                let ask = Ask::identify(w, &[LUCIA]);
                let kind = "application/soap+xml; action=\"a\"; action=\"b\"";
                Shot::of(Who::Denmark, post(ask.path, kind, ask.envelope().as_bytes()))
            },
            SENDER,
        ),
    ]
}

fn soap() -> Vec<Attack> {
    let nowhere = || Some("urn:example:GiveMeEverything".to_owned());
    let unsupported = Expect::Fault(500, "Sender", "ActionNotSupported");
    vec![
        Attack::new(
            "an unknown action in the header",
            move |w| {
                Ask { header_action: nowhere(), parameter_action: None, ..Ask::identify(w, &[LUCIA]) }.shot()
            },
            unsupported,
        ),
        Attack::new(
            "an unknown action in the content type",
            move |w| {
                Ask { header_action: None, parameter_action: nowhere(), ..Ask::identify(w, &[LUCIA]) }.shot()
            },
            unsupported,
        ),
        Attack::new(
            "an unknown action in both",
            move |w| {
                Ask { header_action: nowhere(), parameter_action: nowhere(), ..Ask::identify(w, &[LUCIA]) }
                    .shot()
            },
            unsupported,
        ),
        Attack::new(
            "two different actions",
            |w| {
                let other = Some(Transaction::Retrieve.request_action().to_owned());
                Ask { parameter_action: other, ..Ask::identify(w, &[LUCIA]) }.shot()
            },
            Expect::Fault(500, "Sender", "ActionMismatch"),
        ),
        Attack::new(
            "the body of another transaction",
            |w| {
                let other = Some(Transaction::Retrieve.request_action().to_owned());
                let ask = Ask::identify(w, &[LUCIA]);
                Ask { header_action: other.clone(), parameter_action: other, ..ask }.shot()
            },
            SENDER,
        ),
        text(
            "soap 1.1",
            |xml| xml.replace(SOAP12, "http://schemas.xmlsoap.org/soap/envelope/"),
            Expect::Fault(500, "VersionMismatch", ""),
        ),
        text("no envelope", |xml| xml.replace("soapenv:Envelope", "soapenv:Parcel"), SENDER),
        text(
            "a header that must be understood",
            |xml| {
                let block = "<x:x xmlns:x=\"urn:x\" soapenv:mustUnderstand=\"true\"/>";
                xml.replacen("<soapenv:Header>", &format!("<soapenv:Header>{block}"), 1)
            },
            Expect::Fault(500, "MustUnderstand", ""),
        ),
        text(
            "two security headers",
            |xml| {
                let second = format!("<x:Security xmlns:x=\"{WSSE}\"/>");
                xml.replacen("<soapenv:Header>", &format!("<soapenv:Header>{second}"), 1)
            },
            Expect::Fault(500, "Sender", "InvalidSecurity"),
        ),
        text(
            "two message ids",
            |xml| {
                let second = "<x:MessageID xmlns:x=\"http://www.w3.org/2005/08/addressing\">a</x:MessageID>";
                xml.replacen("<soapenv:Header>", &format!("<soapenv:Header>{second}"), 1)
            },
            Expect::Fault(500, "Sender", "InvalidCardinality"),
        ),
        text(
            "two bodies",
            |xml| xml.replacen("</soapenv:Envelope>", "<soapenv:Body/></soapenv:Envelope>", 1),
            SENDER,
        ),
        text(
            "an element beside the payload",
            |xml| xml.replacen("</soapenv:Body>", "<a/></soapenv:Body>", 1),
            SENDER,
        ),
        text("a query without a question", |xml| xml.replace("queryByParameter", "queryByMood"), SENDER),
        Attack::new(
            "a transaction that is not served",
            |w| {
                Ask { parameter_action: None, ..Ask::identify(w, &[LUCIA]) }
                    .changed(|xml| xml.replace("PRPA_IN201305UV02", "PRPA_IN201309UV02"))
            },
            unsupported,
        ),
    ]
}
