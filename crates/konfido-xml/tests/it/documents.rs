//! Parsing, limits, reading, writing.

use konfido_xml::{Document, El, Fragment, Limits, Node, XmlError};
use proptest::prelude::*;

fn parse(xml: &str) -> Result<Document, XmlError> {
    Document::parse(xml.as_bytes(), &Limits::MESSAGE)
}

#[test]
fn document_type_declarations_are_refused() {
    for xml in [
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a SYSTEM 'http://example.org/a.dtd'><a/>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        "<!DOCTYPE a [<!ATTLIST a ID CDATA 'x'>]><a/>",
        "<?xml version='1.0'?><!-- c --><!DOCTYPE lolz [<!ENTITY l 'l'><!ENTITY m '&l;&l;'>]><a>&m;</a>",
    ] {
        assert_eq!(parse(xml).unwrap_err(), XmlError::DocumentType, "{xml}");
    }
    assert!(matches!(parse("<a>&x;</a>").unwrap_err(), XmlError::Malformed(_)));
}

/// Found by the fuzzer of the XCPD reader: the parser takes them in attribute values.
#[test]
fn characters_that_xml_does_not_have_are_refused_everywhere() {
    for bad in ["\u{0}", "\u{12}", "\u{1f}", "\u{fffe}", "\u{ffff}", "&#x12;", "&#0;", "&#xFFFF;", "&#xD800;"]
    {
        for xml in [format!("<a b='{bad}'/>"), format!("<a>{bad}</a>")] {
            assert!(parse(&xml).is_err(), "{xml:?}");
        }
        if !bad.starts_with('&') {
            for xml in [
                format!("<a><!--{bad}--></a>"),
                format!("<a><?p {bad}?></a>"),
                format!("<a><![CDATA[{bad}]]></a>"),
                format!("<a {bad}/>"),
            ] {
                assert!(parse(&xml).is_err(), "{xml:?}");
            }
        }
    }
    assert!(parse("<a b='\t&#9;&#10;&#13;\u{85}\u{fffd}\u{10000}'>\r\n\t</a>").is_ok());
}

#[test]
fn limits_hold_on_every_dimension() {
    let tight = Limits::MESSAGE
        .with_max_bytes(10_000)
        .with_max_depth(5)
        .with_max_attributes(3)
        .with_max_text(20)
        .with_max_nodes(12);
    let refuse = |xml: &str| Document::parse(xml.as_bytes(), &tight).unwrap_err();
    assert_eq!(refuse(&" ".repeat(10_001)), XmlError::TooLarge { actual: 10_001, limit: 10_000 });
    assert_eq!(refuse("<a><a><a><a><a><a/></a></a></a></a></a>"), XmlError::TooDeep { limit: 5 });
    assert_eq!(refuse("<a b='1' c='2' d='3' e='4'/>"), XmlError::TooManyAttributes { limit: 3 });
    assert_eq!(refuse(&format!("<a>{}</a>", "x".repeat(21))), XmlError::TextTooLong { limit: 20 });
    assert_eq!(refuse(&format!("<a b='{}'/>", "x".repeat(21))), XmlError::TextTooLong { limit: 20 });
    assert_eq!(refuse(&format!("<a>{}</a>", "<b/>".repeat(13))), XmlError::TooManyNodes { limit: 12 });
    Document::parse(b"<a b='1' c='2' d='3'><b><c><d><e/></d></c></b></a>", &tight).unwrap();
}

#[test]
fn hostile_shapes_end_quickly() {
    let deep = "<a>".repeat(200_000);
    assert_eq!(parse(&deep).unwrap_err(), XmlError::TooDeep { limit: Limits::MESSAGE.max_depth });
    let wide = (0..200_000).fold(String::from("<a"), |s, i| s + &format!(" a{i}=''")) + "/>";
    assert_eq!(
        parse(&wide).unwrap_err(),
        XmlError::TooManyAttributes { limit: Limits::MESSAGE.max_attributes }
    );
    let many = "<a/>".repeat(500_000);
    assert!(parse(&many).is_err());
}

#[test]
fn only_utf8_and_xml_1_0() {
    assert_eq!(Document::parse(b"\xEF\xBB\xBF<a/>", &Limits::MESSAGE).unwrap().root().local(), "a");
    let utf16: Vec<u8> = "\u{FEFF}<a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(
        Document::parse(&utf16, &Limits::MESSAGE).unwrap_err(),
        XmlError::Encoding("UTF-16".to_owned())
    );
    let bare: Vec<u8> = "<a/>".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert!(matches!(Document::parse(&bare, &Limits::MESSAGE).unwrap_err(), XmlError::Encoding(_)));
    assert_eq!(
        Document::parse(b"<a>\xC3\x28</a>", &Limits::MESSAGE).unwrap_err(),
        XmlError::NotUtf8 { at: 3 }
    );
    assert_eq!(
        parse("<?xml version='1.0' encoding='ISO-8859-1'?><a/>").unwrap_err(),
        XmlError::Encoding("ISO-8859-1".to_owned())
    );
    assert_eq!(parse("<?xml version='1.1'?><a/>").unwrap_err(), XmlError::Version);
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for xml in [
        "",
        " ",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a b=1/>",
        "<a b='1' b='2'/>",
        "<p:a/>",
        "<a>&#0;</a>",
        "<a>\u{1}</a>",
        "x<a/>",
        "<a/>x",
        "<a b='<'/>",
        "<a><![CDATA[x</a>",
        "<a><!-- -- --></a>",
        "<a:b:c xmlns:a='x'/>",
        "<a xmlns:p='x' xmlns:q='x' p:b='1' q:b='2'/>",
        "<a xmlns:p=''/>",
        "<a>]]></a>",
        "<a",
    ] {
        assert!(parse(xml).is_err(), "`{xml}` was accepted");
    }
}

#[test]
fn text_is_read_whole() {
    let d = parse("<a>ad<!-- x -->min<b>!</b><![CDATA[<&]]><?pi x?>\u{e9}</a>").unwrap();
    assert_eq!(d.root().text(), "admin!<&\u{e9}");
    assert_eq!(d.root().own_text(), "admin<&\u{e9}");
    assert_eq!(d.root().nodes().count(), 7);
    assert!(d.root().nodes().any(|n| matches!(n, Node::Comment(" x "))));
}

#[test]
fn names_paths_and_namespaces() {
    let d =
        parse("<r xmlns='u:d' xmlns:p='u:p'><p:a x='1' p:x='2'/><b/><p:a><c xmlns=''>p:string</c></p:a></r>")
            .unwrap();
    let r = d.root();
    assert!(r.is("u:d", "r"));
    let a = r.child("u:p", "a").unwrap();
    assert_eq!(a.attribute("x"), Some("1"));
    assert_eq!(a.attribute_ns("u:p", "x"), Some("2"));
    assert_eq!(a.attributes().count(), 2);
    assert_eq!(r.children_named("u:p", "a").count(), 2);
    let c = r.descendants().last().unwrap();
    assert!(c.is("", "c"));
    assert_eq!(c.path(), "/r/a[2]/c");
    assert_eq!(c.parent().unwrap().path(), "/r/a[2]");
    assert!(c.is_within(&r) && !r.is_within(&c));
    assert_eq!(c.resolve_qname("p:string"), Some(("u:p", "string")));
    assert_eq!(c.resolve_qname("string"), Some(("", "string")));
    assert_eq!(c.resolve_qname("q:string"), None);
    assert_eq!(r.children().count(), 3);
}

#[test]
fn an_element_stands_alone_with_its_namespaces() {
    let d = parse("<r xmlns='u:d' xmlns:p='u:p'><p:a y=\"1\"><b/></p:a><c xmlns=''/></r>").unwrap();
    let a = d.root().child("u:p", "a").unwrap().to_xml();
    let again = parse(&a).unwrap();
    assert!(again.root().is("u:p", "a"));
    assert!(again.root().children().next().unwrap().is("u:d", "b"));
    assert!(a.ends_with("y=\"1\"><b/></p:a>"));
    let c = d.root().children().last().unwrap().to_fragment();
    let inside = El::new("u:other", "o").raw(c).to_document_string();
    assert!(parse(&inside).unwrap().root().children().next().unwrap().is("", "c"));
}

#[test]
fn a_fragment_keeps_its_meaning_under_a_default_namespace() {
    let f = Fragment::parse("<p:a xmlns:p='u:p'><b/></p:a>", &Limits::MESSAGE).unwrap();
    let xml = El::new("u:d", "r").raw(f).to_document_string();
    let d = parse(&xml).unwrap();
    assert!(d.root().descendants().last().unwrap().is("", "b"), "{xml}");
}

#[test]
fn the_writer_declares_what_is_needed_once() {
    let xml = El::new("u:s", "Envelope")
        .prefix("soap")
        .declare("xs", "u:xs")
        .child(El::new("u:s", "Header").child(El::new("u:w", "Action").attr_ns("u:s", "soap", "must", "1")))
        .child(El::new("u:s", "Body").child(El::new("", "plain").text("a<&>\r\"'")))
        .to_xml();
    assert_eq!(
        xml,
        "<soap:Envelope xmlns:xs=\"u:xs\" xmlns:soap=\"u:s\"><soap:Header><Action xmlns=\"u:w\" soap:must=\"1\"/>\
         </soap:Header><soap:Body><plain>a&lt;&amp;&gt;&#xD;\"'</plain></soap:Body></soap:Envelope>"
    );
    let clash = El::new("u:a", "a").prefix("p").attr_ns("u:b", "p", "x", "1").to_xml();
    let d = parse(&clash).unwrap();
    assert_eq!(d.root().attribute_ns("u:b", "x"), Some("1"));
    let odd = El::new("u:a", "not a name").attr("1x", "\u{0}\t\n").comment("--x-").to_document_string();
    assert_eq!(parse(&odd).unwrap().root().attribute("_1x"), Some("\u{FFFD}\t\n"));
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z_\u{e9}][a-zA-Z0-9._\u{e9}-]{0,5}"
}

fn tree() -> impl Strategy<Value = El> {
    let ns = prop_oneof![Just(""), Just("urn:a"), Just("urn:b"), Just("urn:c&<\"")];
    let text = "[\\PC\t\n\r<>&\"']{0,12}";
    let leaf = (ns.clone(), name(), text).prop_map(|(ns, name, text)| El::new(ns, name).text(text));
    leaf.prop_recursive(5, 40, 5, move |inner| {
        (
            ns.clone(),
            name(),
            prop::option::of(prop_oneof![Just("p"), Just("q"), Just("")]),
            prop::collection::vec((ns.clone(), name(), text), 0..4),
            prop::collection::vec(inner, 0..5),
        )
            .prop_map(|(ns, local, prefix, attributes, children)| {
                let mut el = El::new(ns, local).declare("q", "urn:declared");
                if let Some(prefix) = prefix {
                    el = el.prefix(prefix);
                }
                for (i, (ns, name, value)) in attributes.into_iter().enumerate() {
                    el = el.attr_ns(ns, "p", format!("{name}{i}"), value);
                }
                el.children(children)
            })
    })
}

/// Everything a reader sees, without prefixes and declarations.
fn seen(e: konfido_xml::Element<'_>) -> String {
    let mut attributes: Vec<String> = e.attributes().map(|(n, l, v)| format!("{{{n}}}{l}={v:?}")).collect();
    attributes.sort();
    let inner: Vec<String> = e
        .nodes()
        .map(|n| match n {
            Node::Element(c) => seen(c),
            Node::Text(t) => format!("{t:?}"),
            other => format!("{other:?}"),
        })
        .collect();
    format!("{{{}}}{}({attributes:?}){inner:?}", e.namespace(), e.local())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_is_read_back(el in tree()) {
        let xml = el.to_document_string();
        let first = parse(&xml).unwrap();
        prop_assert_eq!(first.to_bytes(), xml.as_bytes());
        let copied = El::copy_of(&first.root()).to_document_string();
        prop_assert_eq!(seen(parse(&copied).unwrap().root()), seen(first.root()));
        let raw = El::new("urn:outer", "outer").raw(el.to_fragment()).to_document_string();
        let inserted = parse(&raw).unwrap();
        prop_assert_eq!(seen(inserted.root().children().next().unwrap()), seen(first.root()));
        prop_assert_eq!(seen(parse(&first.root().to_xml()).unwrap().root()), seen(first.root()));
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Document::parse(&bytes, &Limits::ASSERTION);
    }

    #[test]
    fn no_markup_makes_the_parser_panic(s in "[<>/&;!?\\[\\]a:='\" \\-#x0-9\u{e9}]{0,80}") {
        if let Ok(d) = parse(&s) {
            prop_assert_eq!(d.to_bytes(), s.as_bytes());
            prop_assert!(parse(&d.root().to_xml()).is_ok());
        }
    }
}
