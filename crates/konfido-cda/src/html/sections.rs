//! Clinical sections: coded entries as tables, absences in words, then the author's own text.

use maud::{Markup, html};

use crate::{
    entry::{Allergy, Immunisation, Medication, Observation},
    html::{
        narrative::narrative,
        page::Block,
        parts::{
            capital, code_note, coded, coded_words, interval, maybe_interval, plain, schedule,
            treatment_time, value,
        },
        table::Table,
    },
    section::{Section, SectionKind},
    value::{Absence, Coded},
};

/// A section of the document as a part of the page. `index` makes its anchors unique.
pub(super) fn block(section: &Section<'_>, index: usize, language: Option<&str>) -> Block {
    let anchor = format!("section-{}", index + 1);
    let entries = &section.entries;
    let count = entries.len();
    let lists_something = count > 0;
    let text_only = !lists_something && entries.absences.is_empty();
    Block {
        content: html! {
            @for absence in &entries.absences { (absence_words(section.kind, *absence)) }
            (tables(section, &anchor))
            @if !entries.other.is_empty() {
                p.reader { (other_words(entries.other.len())) }
            }
            (written(section, language, text_only))
        },
        heading: section.heading(),
        count: lists_something.then_some(count),
        danger: section.kind == SectionKind::Allergies && !entries.allergies.is_empty(),
        anchor,
    }
}

fn other_words(count: usize) -> String {
    match count {
        1 => "One further entry is of another kind; the text below tells of it.".to_owned(),
        _ => format!("{count} further entries are of other kinds; the text below tells of them."),
    }
}

/// "None" and "not known" differ in care, so each says what it is.
fn absence_words(kind: SectionKind, absence: Absence) -> Markup {
    let what = match kind {
        SectionKind::Allergies => "allergies or intolerances",
        SectionKind::Problems => "current problems",
        SectionKind::PastIllness => "past illnesses",
        SectionKind::Medications => "current medication",
        SectionKind::Procedures => "procedures",
        SectionKind::Devices => "medical devices or implants",
        SectionKind::Immunisations => "immunisations",
        _ => "entries",
    };
    match absence {
        Absence::KnownAbsence => {
            html! { p.absence { strong { "No known " (what) "." } " Somebody asked, and there are none." } }
        }
        Absence::NoInformation => html! {
            p.absence { strong { "No information on " (what) "." } " Nothing is known either way: ask the patient." }
        },
    }
}

/// The author's own words. They are what was signed, so they are always there: folded away below coded entries,
/// open where they are all there is.
fn written(section: &Section<'_>, language: Option<&str>, open: bool) -> Markup {
    let Some(text) = section.narrative.element().filter(|_| !section.narrative.is_empty()) else {
        return html! { @if open { p.empty { "The section is empty." } } };
    };
    let title = section.title.as_deref();
    html! {
        details open[open] {
            summary { "As written by the author" @if let Some(title) = title { span.reader lang=[language] { (title) } } }
            div.written lang=[language] { (narrative(text)) }
        }
    }
}

fn tables(section: &Section<'_>, anchor: &str) -> Markup {
    let entries = &section.entries;
    let mut tables = Vec::new();
    if !entries.allergies.is_empty() {
        tables.push(allergies(&entries.allergies));
    }
    if !entries.medications.is_empty() {
        tables.push(medications(&entries.medications));
    }
    if !entries.problems.is_empty() {
        let mut table =
            Table::new("Conditions", &["Condition", "When", "Severity", "Status", "Certainty", "Outcome"]);
        for problem in &entries.problems {
            table.row(
                false,
                vec![
                    words_and_code(&problem.words(), problem.condition.as_ref()),
                    maybe_interval(problem.time.as_ref()),
                    plain(problem.severity.as_ref()),
                    plain(problem.status.as_ref()),
                    plain(problem.certainty.as_ref()),
                    plain(problem.outcome.as_ref()),
                ],
            );
        }
        tables.push(table);
    }
    if !entries.devices.is_empty() {
        let mut table = Table::new("Devices", &["Device", "When", "Identifier"]);
        for device in &entries.devices {
            table.row(false, vec![
                words_and_code(&device.words(), device.code.as_ref()),
                maybe_interval(device.time.as_ref()),
                html! { @for id in &device.ids { span.id { (id.reveal().extension.unwrap_or_default()) } } },
            ]);
        }
        tables.push(table);
    }
    if !entries.procedures.is_empty() {
        let mut table = Table::new("Procedures", &["Procedure", "When", "Where"]);
        for procedure in &entries.procedures {
            table.row(
                false,
                vec![
                    words_and_code(&procedure.words(), procedure.code.as_ref()),
                    maybe_interval(procedure.time.as_ref()),
                    html! { @for site in &procedure.sites { span.line { (site_words(site)) } } },
                ],
            );
        }
        tables.push(table);
    }
    if !entries.immunisations.is_empty() {
        tables.push(immunisations(&entries.immunisations));
    }
    if !entries.panels.is_empty() {
        tables.push(observations(section));
    }
    html! {
        @for (index, table) in tables.iter().enumerate() { (table.render(&format!("{anchor}-{}", index + 1))) }
    }
}

fn words_and_code(words: &str, code: Option<&Coded<'_>>) -> Markup {
    // A code that is all there is stands for the words, and isn't repeated below them.
    let note = code.filter(|code| code.name().is_some() || code.words() != words);
    html! { (capital(words)) @if let Some(code) = note { (code_note(code)) } }
}

/// A body site with its laterality.
fn site_words(site: &Coded<'_>) -> String {
    let qualifiers = site.qualifiers.iter().map(|(_, value)| value.words());
    core::iter::once(coded_words(site)).chain(qualifiers).collect::<Vec<_>>().join(", ")
}

fn allergies(allergies: &[Allergy<'_>]) -> Table {
    let columns = ["Substance", "Reaction", "Criticality", "Kind", "Certainty", "Status", "When"];
    let mut table = Table::new("Allergies and intolerances", &columns);
    for allergy in allergies {
        table.row(allergy.is_dangerous(), vec![
            html! {
                (words_and_code(&allergy.substance(), allergy.agent.as_ref()))
                @if allergy.is_dangerous() { span.badge { "High risk" } }
            },
            html! {
                @for reaction in &allergy.reactions {
                    span.line {
                        @if let Some(manifestation) = &reaction.manifestation { (coded_words(manifestation)) }
                        @if let Some(severity) = &reaction.severity { " " span.reader { (severity.words()) } }
                    }
                }
                @if let Some(severity) = &allergy.severity { span.line { (coded_words(severity)) } }
            },
            plain(allergy.criticality.as_ref()),
            plain(allergy.kind.as_ref()),
            plain(allergy.certainty.as_ref()),
            plain(allergy.status.as_ref()),
            maybe_interval(allergy.onset.as_ref()),
        ]);
    }
    table
}

fn medications(medications: &[Medication<'_>]) -> Table {
    let columns = [
        "Medicine",
        "Active ingredient",
        "Form",
        "Dose",
        "How often",
        "Route",
        "When",
        "Reason",
        "Quantity",
        "Substitution",
        "Advice",
    ];
    let mut table = Table::new("Medicines", &columns);
    for medication in medications {
        let dose = medication.dose.map(|dose| dose.words()).unwrap_or_default();
        let rate = medication.rate.map(|rate| rate.words()).unwrap_or_default();
        table.row(false, vec![
            html! {
                (words_and_code(&medication.words(), medication.class.as_ref().filter(|class| class.code.is_some())))
                @if medication.class.is_none() && medication.ingredients.is_empty() {
                    @if let Some(product) = &medication.product { (code_note(product)) }
                }
            },
            html! {
                @for ingredient in &medication.ingredients {
                    span.line { (capital(&ingredient.words())) @if let Some(substance) = &ingredient.substance { (code_note(substance)) } }
                }
            },
            html! {
                @if let Some(form) = &medication.form { span.line { (coded_words(form)) } }
                @for package in &medication.packages {
                    span.line.reader {
                        (plain(package.form.as_ref()))
                        @if let Some(quantity) = &package.quantity { " of " (quantity.words()) }
                    }
                }
            },
            html! {
                @if !dose.is_empty() { span.number { (dose) } }
                @if !rate.is_empty() { span.line { "at " (rate) } }
            },
            schedule(&medication.timings),
            plain(medication.route.as_ref()),
            treatment_time(&medication.timings),
            html! { @for reason in &medication.reasons { span.line { (coded(reason)) } } },
            html! { @if let Some(quantity) = &medication.quantity { span.number { (quantity.words()) } } },
            html! { @if let Some(substitution) = &medication.substitution { (substitution_words(substitution)) } },
            html! { @for instruction in &medication.instructions { span.line { (instruction) } } },
        ]);
    }
    table
}

/// Only an exact `N` forbids (the profile, and OpenNCP's portal and mock).
fn substitution_words(code: &Coded<'_>) -> &'static str {
    match code.code {
        Some("N") => "Not allowed",
        Some("TE") => "Therapeutic alternative allowed",
        _ => "Allowed",
    }
}

fn immunisations(immunisations: &[Immunisation<'_>]) -> Table {
    let columns = ["Vaccine", "Product", "Against", "When", "Dose number", "Lot", "Maker", "Given by"];
    let mut table = Table::new("Immunisations", &columns);
    for immunisation in immunisations {
        table.row(false, vec![
            html! {
                (words_and_code(&immunisation.words(), immunisation.vaccine.as_ref()))
                @if immunisation.refused { span.line { strong { "Not given" } } }
            },
            html! { @if let Some(name) = &immunisation.name { (name) } },
            html! { @for disease in &immunisation.diseases { span.line { (coded_words(disease)) } } },
            maybe_interval(immunisation.time.as_ref()),
            html! { @if let Some(number) = &immunisation.dose_number { span.number { (number.words()) } } },
            html! { @if let Some(lot) = &immunisation.lot { span.id { (lot) } } },
            html! { @if let Some(maker) = &immunisation.manufacturer { (maker) } },
            html! {
                @for performer in &immunisation.performers {
                    @if let Some(name) = performer.person.name() { span.line { (name.reveal()) } }
                    @if let Some(organisation) = performer.person.organisation.as_ref().and_then(|place| place.name.as_ref()) {
                        span.line.reader { (organisation) }
                    }
                }
            },
        ]);
    }
    table
}

fn observations(section: &Section<'_>) -> Table {
    let mut table = Table::new("Observations", &["Observation", "Finding", "When", "Usual range", "Remark"]);
    for panel in &section.entries.panels {
        for observation in &panel.observations {
            let time = observation.time.as_ref().filter(|time| !time.is_empty()).or(panel.time.as_ref());
            table.row(false, vec![
                observed(observation),
                html! { @for found in &observation.values { span.line { (value(found)) } } },
                html! { @if let Some(time) = time { (interval(time)) } },
                html! {
                    @if let Some(range) = &observation.reference_range {
                        @if let Some(value) = &range.value { span.number { (value.words()) } }
                        @else if let Some(text) = &range.text { (text) }
                    }
                },
                html! { @for remark in &observation.interpretations { span.line { (interpretation_words(remark)) } } },
            ]);
        }
    }
    table
}

fn observed(observation: &Observation<'_>) -> Markup {
    words_and_code(&observation.words(), observation.code.as_ref())
}

/// HL7 ObservationInterpretation, where no words came with the code.
fn interpretation_words(code: &Coded<'_>) -> String {
    let known = match code.code {
        Some("N") => "Normal",
        Some("H") => "High",
        Some("HH") => "Very high",
        Some("L") => "Low",
        Some("LL") => "Very low",
        Some("A") => "Abnormal",
        Some("AA") => "Very abnormal",
        _ => return coded_words(code),
    };
    code.display_name.map_or_else(|| known.to_owned(), str::to_owned)
}
