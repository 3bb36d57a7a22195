//! The L1 form of a document: its header around a PDF (openncp-behaviour.md 3, 4.5).

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use konfido_ihe::DocumentClass;
use konfido_xml::{Document, El, Limits};

use super::FileError;
use super::index::{HL7, read_file, unusable};

/// The template that says "PDF in a CDA" for a class, in place of the structured one's.
fn template(class: DocumentClass) -> &'static str {
    match class {
        DocumentClass::PatientSummary => "1.3.6.1.4.1.12559.11.10.1.3.1.1.7",
        _ => "1.3.6.1.4.1.12559.11.10.1.3.1.1.6",
    }
}

/// Puts the PDF into the header of the structured document: another template, `.2` at the id, the PDF as the body.
pub(super) fn wrap(header: &Path, pdf: &Path, class: DocumentClass) -> Result<Vec<u8>, FileError> {
    let bytes = read_file(header)?;
    let document = Document::parse(&bytes, &Limits::DOCUMENT).map_err(|e| unusable(header, e))?;
    let root = document.root();
    let mut out = El::new(HL7, "ClinicalDocument");
    for (namespace, local, value) in root.attributes() {
        out = if namespace.is_empty() { out.attr(local.to_owned(), value.to_owned()) } else { out };
    }
    let (mut template_seen, mut id_seen) = (false, false);
    for child in root.children().filter(|child| !child.is(HL7, "component")) {
        if child.is(HL7, "templateId") && !template_seen {
            template_seen = true;
            out = out.child(El::new(HL7, "templateId").attr("root", template(class)));
        } else if child.is(HL7, "id") && !id_seen {
            id_seen = true;
            let extension = match child.attribute("extension").map(str::trim).filter(|e| !e.is_empty()) {
                Some(extension) => format!("{extension}.2"),
                None => "2".to_owned(),
            };
            let root = child.attribute("root").unwrap_or_default().to_owned();
            out = out.child(El::new(HL7, "id").attr("root", root).attr("extension", extension));
        } else {
            out = out.raw(child.to_fragment());
        }
    }
    let text = El::new(HL7, "text")
        .attr("mediaType", "application/pdf")
        .attr("representation", "B64")
        .text(STANDARD.encode(read_file(pdf)?));
    let body = El::new(HL7, "nonXMLBody").attr("classCode", "DOCBODY").attr("moodCode", "EVN").child(text);
    Ok(out.child(El::new(HL7, "component").child(body)).to_document_string().into_bytes())
}
