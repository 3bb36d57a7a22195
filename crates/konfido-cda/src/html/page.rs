//! The page as a whole: policy, banner, contents, sections, footer.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    ClinicalDocument, DocumentKind,
    document::Body,
    header::{Header, Patient},
    html::{
        STYLE, STYLE_DIGEST, attachment,
        parts::{address, coded_words, language_tag, moment, telecom},
        people, sections,
    },
    section::{SECTIONS, Section, SectionKind},
};

/// A part of the page with its anchor.
pub(super) struct Block {
    /// `id` of the heading.
    pub(super) anchor: String,
    /// Heading.
    pub(super) heading: String,
    /// How many entries; none where counting says nothing.
    pub(super) count: Option<usize>,
    /// Whether the part tells of a danger.
    pub(super) danger: bool,
    /// Content below the heading.
    pub(super) content: Markup,
}

pub(super) fn page(document: &ClinicalDocument) -> Markup {
    let header = document.header();
    let kind = document.kind().title();
    let name = header.patient().and_then(Patient::name);
    let blocks = blocks(document, &header);
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; object-src data:; frame-src data:; base-uri 'none'; form-action 'none'",
        STYLE_DIGEST.trim()
    );
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                title {
                    (kind) @if let Some(name) = &name { ": " (name.reveal()) }
                }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the clinical content" }
                (banner(document, &header, name.as_ref().map(|name| name.reveal().as_str())))
                div.columns {
                    nav aria-label="Contents" {
                        ol {
                            @for block in &blocks {
                                li {
                                    a href={ "#" (block.anchor) } {
                                        span { (block.heading) }
                                        @if let Some(count) = block.count {
                                            " " span.count { (count) span.unseen { " listed" } }
                                        }
                                    }
                                }
                            }
                        }
                    }
                    main id="content" tabindex="-1" {
                        @for block in &blocks { (section(block)) }
                    }
                }
                (footer(&header))
            }
        }
    }
}

fn section(block: &Block) -> Markup {
    html! {
        section.danger[block.danger] aria-labelledby=(block.anchor) {
            h2 id=(block.anchor) { (block.heading) }
            (block.content)
        }
    }
}

/// Everything below the banner: dangers first, then the order of [`SECTIONS`], then what the profile doesn't name.
fn blocks(document: &ClinicalDocument, header: &Header<'_>) -> Vec<Block> {
    let language = header.language.and_then(language_tag);
    let mut blocks = Vec::new();
    match document.body() {
        Body::Structured(found) => {
            let mut flat = Vec::new();
            found.iter().for_each(|section| flatten(section, &mut flat));
            let rank = |section: &&Section<'_>| {
                let known = SECTIONS.iter().position(|profile| profile.kind == section.kind);
                known.unwrap_or(SECTIONS.len())
            };
            flat.sort_by_key(rank);
            blocks.extend(
                flat.iter().enumerate().map(|(index, section)| sections::block(section, index, language)),
            );
            if document.kind() == DocumentKind::PatientSummary {
                blocks.extend(missing(&flat));
            }
        }
        Body::Scanned(attached) => blocks.push(attachment::block(attached.as_ref())),
        Body::Missing => blocks.push(attachment::block(None)),
    }
    blocks.extend(people::contacts(header));
    blocks.push(people::about(header));
    blocks
}

fn flatten<'s, 'd>(section: &'s Section<'d>, into: &mut Vec<&'s Section<'d>>) {
    into.push(section);
    section.sections.iter().for_each(|inner| flatten(inner, into));
}

/// Names the basic sections that a summary should have and hasn't.
fn missing(sections: &[&Section<'_>]) -> Option<Block> {
    let has = |kind: SectionKind| sections.iter().any(|section| section.kind == kind);
    let absent: Vec<_> = SECTIONS.iter().filter(|profile| profile.basic && !has(profile.kind)).collect();
    (!absent.is_empty()).then(|| Block {
        anchor: "not-in-this-document".to_owned(),
        heading: "Not in this document".to_owned(),
        count: None,
        danger: false,
        content: html! {
            p { "The document has no section on the following. That does not mean that there is nothing: ask the patient." }
            ul { @for profile in absent { li { (profile.heading) } } }
        },
    })
}

fn banner(document: &ClinicalDocument, header: &Header<'_>, name: Option<&str>) -> Markup {
    let made = header.effective_time;
    let title = header.title.as_deref().filter(|title| *title != document.kind().title());
    html! {
        header {
            p.kind {
                (document.kind().title())
                @if let Some(title) = title {
                    " " span lang=[header.language.and_then(language_tag)] { (title) }
                }
            }
            @match header.patient() {
                Some(patient) => {
                    h1 { (name.unwrap_or("Name not given")) }
                    (facts(patient, header))
                }
                None => {
                    h1 { "Patient not identified" }
                    p { "The document names no patient, or more than one. Don't rely on it for this patient." }
                }
            }
            p.made {
                @if let Some(made) = made { span { "Made " (moment(made)) } }
                @if let Some(updated) = header.last_update() { span { "Last updated " (moment(updated)) } }
                @if let Some(organisation) = header.custodian.as_ref().and_then(|custodian| custodian.0.name.as_ref()) {
                    span { "Kept by " (organisation) }
                }
            }
        }
    }
}

fn facts(patient: &Patient<'_>, header: &Header<'_>) -> Markup {
    let birth = patient.birth.as_ref().map(|birth| *birth.reveal());
    let at = header.effective_time.and_then(|time| time.parse());
    let age = birth.and_then(|birth| birth.parse()).zip(at).and_then(|(birth, at)| birth.years_until(&at));
    html! {
        dl.facts {
            @if let Some(birth) = birth {
                div {
                    dt { "Born" }
                    dd { (moment(birth)) @if let Some(age) = age { span.reader { (age) " years when the document was made" } } }
                }
            }
            @if let Some(gender) = &patient.gender {
                div { dt { "Sex" } dd { (gender_words(gender.reveal())) } }
            }
            @for (index, id) in patient.ids.iter().enumerate() {
                @let id = id.reveal();
                div {
                    dt { @if index == 0 { "Patient identifier" } @else { "Further identifier" } }
                    dd {
                        span.id { (id.extension.unwrap_or(id.root)) }
                        @if id.extension.is_some() { span.reader { "issued by " (id.root) } }
                    }
                }
            }
            @for lines in patient.addresses.iter().filter_map(address).take(1) { div { dt { "Address" } dd { (lines) } } }
            @if !patient.telecoms.is_empty() {
                div { dt { "Reach" } dd { @for contact in &patient.telecoms { (telecom(contact)) } } }
            }
            @if !patient.languages.is_empty() {
                div { dt { "Speaks" } dd { (patient.languages.join(", ")) } }
            }
        }
    }
}

fn gender_words(gender: &crate::value::Coded<'_>) -> String {
    match gender.code {
        Some("F") => "Female".to_owned(),
        Some("M") => "Male".to_owned(),
        Some("UN") => "Undifferentiated".to_owned(),
        _ => coded_words(gender),
    }
}

fn footer(header: &Header<'_>) -> Markup {
    html! {
        footer {
            p {
                "Shown by Konfido"
                @if let Some(id) = &header.id { " from document " span.id { (id.unique_id()) } }
                ". The coded entries are shown in full; the text that the author wrote stands below each of them."
            }
        }
    }
}
