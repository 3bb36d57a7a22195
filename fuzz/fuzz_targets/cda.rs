//! Clinical documents: any bytes are read or refused; what is read is kept byte for byte, and checking and rendering
//! end without a panic, on a page that carries no script.
#![no_main]

use konfido_cda::{ClinicalDocument, html, rules};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(document) = ClinicalDocument::read(data) else { return };
    assert_eq!(document.as_bytes(), data);
    let _ = rules::check(&document);
    let page = html::render(&document);
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<iframe"));
});
