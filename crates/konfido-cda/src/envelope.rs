//! Level 1: a PDF in the header of the structured document that it prints (profile, section 3.1; OpenNCP's mock does
//! the same at its start).
//!
//! Four places change, everything between them stays as it was written, comments and spaces too: the template is that
//! of level 1, the id's extension gets `.2`, a relatedDocument `XFRM` names the structured document, and the body is
//! the PDF. `setId` binds both formats, so it stays.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use konfido_xml::{El, Element};

use crate::{
    ClinicalDocument, Level,
    tree::{HL7, Walk},
};

/// The level 1 form of a structured document; none for a kind that has no such form, or without a body to replace.
pub fn around_pdf(document: &ClinicalDocument, pdf: &[u8]) -> Option<Vec<u8>> {
    if document.level() != Level::Three {
        return None;
    }
    let structured = document.kind().template(Level::Three)?;
    let scanned = document.kind().template(Level::One).filter(|scanned| *scanned != structured)?;
    let root = document.root();
    let template =
        root.every("templateId").find(|template| template.attribute("root") == Some(&structured))?;
    let id = root.hl7("id")?;
    let body = root.every("component").find(|part| part.hl7("structuredBody").is_some())?;

    let extension =
        id.attribute("extension").map_or_else(|| "2".to_owned(), |extension| format!("{extension}.2"));
    let changed = |element: El| element.to_fragment().into_string();
    let mut edits = vec![
        (span(document, template)?, changed(El::copy_of(&template).attr("root", scanned))),
        (span(document, id)?, changed(El::copy_of(&id).attr("extension", extension))),
    ];
    let new_body = changed(nonxml_body(pdf));
    let related: Vec<_> = root.every("relatedDocument").collect();
    let origin = changed(made_from(id));
    match related.iter().find(|related| related.attribute("typeCode") == Some("XFRM")) {
        Some(old) => edits.push((span(document, *old)?, origin)),
        None => {
            // The schema wants relatedDocument behind what is there already and before the body.
            let at = span(document, body)?.start;
            edits.push((at..at, origin));
        }
    }
    edits.push((span(document, body)?, new_body));
    edits.sort_by_key(|(span, _)| (span.start, span.end));

    let source = document.as_bytes();
    let mut written = Vec::with_capacity(source.len() + pdf.len() * 4 / 3);
    let mut from = 0;
    for (span, text) in edits {
        written.extend_from_slice(source.get(from..span.start)?);
        written.extend_from_slice(text.as_bytes());
        from = span.end;
    }
    written.extend_from_slice(source.get(from..)?);
    Some(written)
}

/// Where an element stands in the text of its document.
fn span(document: &ClinicalDocument, element: Element<'_>) -> Option<core::ops::Range<usize>> {
    let (whole, part) = (document.as_bytes(), element.source());
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    (end <= whole.len() && !part.is_empty()).then_some(start..end)
}

fn nonxml_body(pdf: &[u8]) -> El {
    let text = El::new(HL7, "text")
        .attr("mediaType", "application/pdf")
        .attr("representation", "B64")
        .text(STANDARD.encode(pdf));
    let body = El::new(HL7, "nonXMLBody").attr("classCode", "DOCBODY").attr("moodCode", "EVN").child(text);
    El::new(HL7, "component").child(body)
}

fn made_from(id: Element<'_>) -> El {
    let parent = El::new(HL7, "parentDocument").child(El::copy_of(&id));
    El::new(HL7, "relatedDocument").attr("typeCode", "XFRM").child(parent)
}
