//! Rendering: safe, accessible, complete.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use konfido_cda::{ClinicalDocument, html, samples};
use konfido_xml::{Document, Element, Limits};

use crate::fixtures;

fn page(bytes: &[u8]) -> String {
    html::render(&ClinicalDocument::read(bytes).expect("readable"))
}

/// The page as XML: our pages close every tag but void ones, so that a strict parser can judge their structure.
fn tree(page: &str) -> Document {
    let mut text = page.strip_prefix("<!DOCTYPE html>").expect("a doctype").to_owned();
    let style = text.find("<style>").expect("a style")..text.find("</style>").expect("its end");
    text.replace_range(style, "<style>");
    for void in ["<meta ", "<br", "<col "] {
        let mut at = 0;
        while let Some(found) = text[at..].find(void) {
            let end = at + found + text[at + found..].find('>').expect("the end of a tag");
            text.insert(end, '/');
            at = end;
        }
    }
    // Boolean attributes.
    let text = text.replace("<details open>", "<details open=\"\">");
    Document::parse(text.as_bytes(), &Limits::DOCUMENT).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn all<'d>(document: &'d Document, name: &str) -> Vec<Element<'d>> {
    document.root().descendants().filter(|element| element.local() == name).collect()
}

fn pages() -> Vec<(String, String)> {
    let own = [samples::FULL_SUMMARY, samples::KNOWN_ABSENCE, samples::NO_INFORMATION].map(<[u8]>::to_vec);
    let own = own.into_iter().enumerate().map(|(index, bytes)| (format!("sample {}", index + 1), bytes));
    own.chain(fixtures::documents()).map(|(name, bytes)| (name, page(&bytes))).collect()
}

#[test]
fn the_policy_admits_the_style_and_nothing_else() {
    use aws_lc_rs::digest::{SHA256, digest};
    let expected = STANDARD.encode(digest(&SHA256, html::STYLE.as_bytes()));
    assert_eq!(html::STYLE_DIGEST.trim(), expected, "write this into src/html/style.sha256");
    let page = page(samples::FULL_SUMMARY);
    assert!(page.contains(&format!("default-src 'none'; style-src 'sha256-{expected}'")));
    for forbidden in
        ["<script", " style=\"", " onclick", "http://", "https://", "javascript:", "<img", "<link"]
    {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn every_page_has_the_structure_that_assistive_software_walks() {
    for (name, page) in pages() {
        let document = tree(&page);
        let root = document.root();
        assert_eq!(root.attribute("lang"), Some("en"), "{name}");
        for landmark in ["main", "nav", "h1", "title"] {
            assert_eq!(all(&document, landmark).len(), 1, "{name}: {landmark}");
        }
        assert!(!all(&document, "title").first().expect("one").text().is_empty());
        // Headings go down one step at a time.
        let mut level = 0;
        for heading in root.descendants().filter(|e| matches!(e.local(), "h1" | "h2" | "h3" | "h4")) {
            let next: u8 = heading.local()[1..].parse().expect("a level");
            assert!(next <= level + 1, "{name}: h{next} after h{level}");
            assert!(!heading.text().trim().is_empty(), "{name}: an empty heading");
            level = next;
        }
        // Ids are unique, and every reference has its target.
        let mut ids: Vec<_> = root.descendants().filter_map(|element| element.attribute("id")).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{name}: an id is not unique");
        for element in root.descendants() {
            let label = element.attribute("aria-labelledby");
            let link = element.attribute("href").and_then(|href| href.strip_prefix('#'));
            for target in label.into_iter().chain(link) {
                assert!(ids.binary_search(&target).is_ok(), "{name}: #{target} leads nowhere");
            }
            if element.local() == "section" {
                assert!(label.is_some(), "{name}: a section without a name");
            }
        }
        for table in all(&document, "table") {
            let written = core::iter::successors(Some(table), |e| e.parent())
                .any(|e| e.attribute("class") == Some("written"));
            let region = table.parent().expect("a region");
            assert_eq!(
                region.attribute("tabindex"),
                Some("0"),
                "{name}: a table that the keyboard cannot scroll"
            );
            assert!(
                written || table.children().next().is_some_and(|child| child.local() == "caption"),
                "{name}"
            );
            assert!(
                table
                    .descendants()
                    .filter(|cell| cell.local() == "th")
                    .all(|cell| cell.attribute("scope").is_some()),
                "{name}: a header cell without a scope"
            );
        }
    }
}

#[test]
fn allergies_come_first_and_alone_are_red() {
    let page = page(samples::FULL_SUMMARY);
    let document = tree(&page);
    let sections = all(&document, "section");
    let heading =
        |section: &Element<'_>| section.children().next().map(|heading| heading.text()).unwrap_or_default();
    let first = sections.first().expect("a section");
    assert_eq!(heading(first), "Allergies and intolerances");
    let red: Vec<_> =
        sections.iter().filter(|section| section.attribute("class") == Some("danger")).collect();
    assert_eq!(red.len(), 1);
    assert!(page.contains("High risk"), "danger is said in words too");
    let none = self::page(samples::KNOWN_ABSENCE);
    assert!(!none.contains("class=\"danger\""));
    assert!(none.contains("No known allergies or intolerances."));
    assert!(self::page(samples::NO_INFORMATION).contains("No information on allergies or intolerances."));
}

/// A document whose every text is hostile.
fn hostile(section_text: &str, media: &str) -> Vec<u8> {
    let body = if media.is_empty() {
        format!(
            "<structuredBody><component><section><code code='\"&gt;&lt;script&gt;alert(1)&lt;/script&gt;'/>\
             <title>&lt;script&gt;alert(2)&lt;/script&gt;</title><text>{section_text}</text></section></component></structuredBody>"
        )
    } else {
        format!("<nonXMLBody>{media}</nonXMLBody>")
    };
    format!(
        "<ClinicalDocument xmlns='urn:hl7-org:v3'><id root='\"&gt;&lt;script&gt;'/><code code='60591-5'/>\
         <title>&lt;/title&gt;&lt;script&gt;alert(3)&lt;/script&gt;</title><languageCode code='en\" onload=\"x'/>\
         <recordTarget><patientRole><id root='1' extension='&lt;img src=x&gt;'/><telecom value='javascript:alert(4)'/>\
         <patient><name><family>&lt;/h1&gt;&lt;script&gt;</family></name></patient></patientRole></recordTarget>\
         <component>{body}</component></ClinicalDocument>"
    )
    .into_bytes()
}

#[test]
fn a_hostile_document_stays_text() {
    let text = "<linkHtml href='javascript:alert(5)'>x</linkHtml><script>alert(6)</script>\
        <paragraph onclick='alert(7)' style='color:red'>y</paragraph><content styleCode='Bold' language='en\" onload=\"z'>z</content>\
        <renderMultiMedia referencedObject='a'/><iframe src='x'/><object data='x'/><table><tr><td colspan='99999999'>t</td></tr></table>";
    let page = page(&hostile(text, ""));
    for forbidden in [
        "<script",
        "onclick",
        "onload=\"",
        "href=\"javascript",
        "<iframe",
        "<object",
        "<img",
        "99999999",
        "style=\"color",
    ] {
        assert!(!page.contains(forbidden), "{forbidden} in {page}");
    }
    assert!(page.contains("alert(6)"), "unknown elements leave their text");
    tree(&page);
}

#[test]
fn a_pdf_is_shown_and_offered_and_nothing_else_is() {
    let wrap = |media_type: &str, bytes: &[u8]| {
        format!("<text mediaType='{media_type}' representation='B64'>{}</text>", STANDARD.encode(bytes))
    };
    let shown = page(&hostile("", &wrap("application/pdf", b"%PDF-1.7 x")));
    let address = format!("data:application/pdf;base64,{}", STANDARD.encode(b"%PDF-1.7 x"));
    assert!(
        shown.contains(&format!("<object data=\"{address}\"")) && shown.contains("download=\"document.pdf\"")
    );
    for (media_type, bytes) in [
        ("text/html", b"<script>alert(1)</script>".as_slice()),
        ("application/pdf", b"<script>"),
        ("image/svg+xml", b"<svg/>"),
    ] {
        let page = page(&hostile("", &wrap(media_type, bytes)));
        assert!(!page.contains("<object") && !page.contains("href=\"data:"), "{media_type}");
    }
    let page = page(&hostile("", "<text mediaType='application/pdf'>not base64!</text>"));
    assert!(page.contains("not valid base64"));
}
