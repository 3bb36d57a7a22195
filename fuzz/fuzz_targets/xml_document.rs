//! Arbitrary bytes as a document: no panic, nothing lost, canonical form of the canonical form is itself.
#![no_main]

use konfido_xml::c14n::{self, Method};
use konfido_xml::{Document, El, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(document) = Document::parse(data, &Limits::ASSERTION) else { return };
    assert_eq!(document.to_bytes(), data);
    let roomy = Limits::DOCUMENT;
    let alone = document.root().to_xml();
    let again = Document::parse(alone.as_bytes(), &roomy).expect("an element stands alone");
    assert_eq!(again.root().text(), document.root().text());
    let copied = El::copy_of(&document.root()).to_document_string();
    let copied = Document::parse(copied.as_bytes(), &roomy).expect("a copy is well-formed");
    assert_eq!(copied.root().text(), document.root().text());
    for method in [Method::ExclusiveWithComments, Method::Inclusive] {
        let once = c14n::element(&document.root(), method, &[]).expect("a parsed tree is canonicalised");
        let parsed = Document::parse(&once, &roomy).expect("a canonical form is well-formed");
        let twice = c14n::element(&parsed.root(), method, &[]).expect("a parsed tree is canonicalised");
        assert_eq!(once, twice);
    }
    for element in document.root().descendants() {
        let _ = (element.path(), element.resolve_qname("a:b"), element.attributes().count());
    }
});
