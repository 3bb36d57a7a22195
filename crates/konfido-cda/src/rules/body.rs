//! Rules of the body: the PDF of level 1, the sections and entries of level 3 (profile, sections 3.1 and 3.2).

use konfido_xml::Element;

use crate::{
    DocumentKind, Level, SectionKind,
    codes::{EHDSI_ENTRY, LOINC},
    document::Attachment,
    rules::{Check, Rule},
    section::SECTIONS,
    tree::{Walk, statement_of},
};

pub(super) fn check(check: &mut Check<'_>) {
    let root = check.root;
    let bodies =
        root.every("component").flat_map(|part| part.every("structuredBody").chain(part.every("nonXMLBody")));
    check.demand(Rule::OneBody, bodies.count() == 1, root);
    match check.level {
        Level::Three => structured(check),
        Level::One => scanned(check),
    }
}

fn scanned(check: &mut Check<'_>) {
    let Some(body) = check.root.every("component").find_map(|part| part.hl7("nonXMLBody")) else { return };
    let text = body.hl7("text");
    let at = text.unwrap_or(body);
    let media_type = text.and_then(|text| text.attribute("mediaType"));
    let right = match check.kind {
        DocumentKind::MedicalImages => matches!(media_type, Some("image/png" | "image/jpeg")),
        _ => media_type == Some("application/pdf"),
    };
    check.demand(Rule::PdfType, right, at);
    let bytes = text
        .map(Attachment::new)
        .filter(|attached| attached.representation == Some("B64"))
        .and_then(|attached| attached.decode());
    check.demand(Rule::PdfBase64, bytes.is_some(), at);
    if let (Some(bytes), Some("application/pdf")) = (bytes, media_type) {
        check.demand(Rule::PdfContent, bytes.starts_with(b"%PDF-"), at);
    }
}

fn structured(check: &mut Check<'_>) {
    let Some(body) = check.root.every("component").find_map(|part| part.hl7("structuredBody")) else {
        return;
    };
    let mut sections = Vec::new();
    collect(body, &mut sections);
    let mut seen = Vec::new();
    for &section in &sections {
        let kind = kind_of(section);
        let again = kind != SectionKind::Other && seen.contains(&kind);
        check.demand(Rule::SectionOnce, !again, section);
        seen.push(kind);
        one(check, section, kind);
    }
    let has = |kind: SectionKind| seen.iter().filter(|seen| **seen == kind).count();
    match check.kind {
        DocumentKind::PatientSummary => {
            for profile in SECTIONS.iter().filter(|profile| profile.basic) {
                check.demand(Rule::BasicSection, has(profile.kind) > 0, body);
            }
        }
        DocumentKind::Prescription => {
            check.demand(Rule::PrescriptionSection, has(SectionKind::Prescription) == 1, body)
        }
        DocumentKind::Dispensation => {
            check.demand(Rule::DispensationSection, has(SectionKind::Dispensation) == 1, body)
        }
        _ => {}
    }
}

/// Sections below a body or section, each before those within it. Depth is bounded by the limits of the parse.
fn collect<'d>(holder: Element<'d>, into: &mut Vec<Element<'d>>) {
    for section in holder.every("component").filter_map(|part| part.hl7("section")) {
        into.push(section);
        collect(section, into);
    }
}

fn kind_of(section: Element<'_>) -> SectionKind {
    let code = section.hl7("code").and_then(|code| code.attribute("code")).unwrap_or_default();
    SectionKind::from_loinc(code)
}

fn one<'d>(check: &mut Check<'d>, section: Element<'d>, kind: SectionKind) {
    let code = section.hl7("code");
    let coded = |code: Element<'_>| {
        code.attribute("codeSystem") == Some(LOINC)
            && code.attribute("code").is_some_and(|code| !code.trim().is_empty())
    };
    check.demand(Rule::SectionCode, code.is_some_and(coded), code.unwrap_or(section));
    check.demand(
        Rule::SectionTitle,
        section.hl7("title").is_some_and(|title| !title.label().is_empty()),
        section,
    );
    let statements: Vec<_> = section.every("entry").filter_map(statement_of).collect();
    let readable = section.hl7("text").is_some_and(|text| !text.label().is_empty());
    check.demand(Rule::SectionText, readable || statements.is_empty(), section);
    let Some(profile) = kind.profile() else { return };
    let own = section.has_template(&profile.template_id());
    let older = profile.older.iter().any(|older| section.has_template(older));
    check.demand(Rule::SectionTemplate, own || older, section);
    check.demand(Rule::SectionTemplateOld, own || !older, section);
    check.demand(Rule::SectionEntry, !profile.basic || !statements.is_empty(), section);
    if !profile.entries.is_empty() {
        for &statement in &statements {
            check.demand(Rule::EntryTemplate, profile.is_entry(statement), statement);
        }
    }
    let has_item = |local: &str, arc: u8| {
        let template = format!("{EHDSI_ENTRY}{arc}");
        statements.iter().any(|statement| statement.local() == local && statement.has_template(&template))
    };
    match kind {
        SectionKind::Prescription => {
            check.demand(Rule::PrescriptionItem, has_item("substanceAdministration", 2), section)
        }
        SectionKind::Dispensation => check.demand(Rule::DispensationItem, has_item("supply", 3), section),
        _ => {}
    }
}
