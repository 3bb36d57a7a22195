//! People and organisations, and what the document says about itself.

use maud::{Markup, html};

use crate::{
    header::{Contact, Header, Organisation, Person, PersonName},
    html::{
        page::Block,
        parts::{address, coded_words, moment, plain, telecom},
    },
    value::InstanceId,
};

/// Whom to ask: guardians, relatives, the preferred professional. None where nobody is named.
pub(super) fn contacts(header: &Header<'_>) -> Option<Block> {
    let guardians = header.patients.iter().flat_map(|patient| &patient.guardians);
    let guardians = guardians.map(|guardian| {
        let name = guardian.names.iter().find(|name| !name.is_empty()).map(PersonName::spoken);
        card(
            "Guardian",
            name.as_ref().map(|name| name.reveal().as_str()),
            html! {
                @for lines in guardian.addresses.iter().filter_map(address) { p { (lines) } }
                @for contact in &guardian.telecoms { (telecom(contact)) }
            },
        )
    });
    let contacts = header.contacts.iter().map(|contact| person_card(&role_words(contact), &contact.person));
    let cards: Vec<_> = guardians.chain(contacts).collect();
    (!cards.is_empty()).then(|| Block {
        anchor: "contacts".to_owned(),
        heading: "Contacts".to_owned(),
        count: Some(cards.len()),
        danger: false,
        content: html! { div.cards { @for card in &cards { (card) } } },
    })
}

fn role_words(contact: &Contact<'_>) -> String {
    if contact.is_preferred_professional() {
        return "Preferred professional".to_owned();
    }
    let relation = contact
        .person
        .code
        .as_ref()
        .map(|code| relation_words(code.code).map_or_else(|| coded_words(code), str::to_owned));
    let class = match contact.class {
        Some("NOK") => "Next of kin",
        Some("ECON") => "Emergency contact",
        Some("CAREGIVER") => "Caregiver",
        Some("PRS") => "Contact person",
        Some("GUARD") => "Guardian",
        _ if contact.kind == "INF" => "Informant",
        _ => "Contact",
    };
    match relation.filter(|relation| !relation.is_empty()) {
        Some(relation) => format!("{class}, {}", relation.to_lowercase()),
        None => class.to_owned(),
    }
}

/// HL7 PersonalRelationshipRoleType, where no words came with the code.
fn relation_words(code: Option<&str>) -> Option<&'static str> {
    Some(match code? {
        "CHILD" => "Child",
        "DAU" => "Daughter",
        "SON" => "Son",
        "FTH" => "Father",
        "MTH" => "Mother",
        "PRN" => "Parent",
        "SIB" => "Sibling",
        "SIS" => "Sister",
        "BRO" => "Brother",
        "SPS" => "Spouse",
        "HUSB" => "Husband",
        "WIFE" => "Wife",
        "GRPRN" => "Grandparent",
        _ => return None,
    })
}

/// What the document says about itself.
pub(super) fn about(header: &Header<'_>) -> Block {
    let content = html! {
        div.cards {
            @for author in &header.authors {
                (person_card("Author", &author.person))
            }
            @if let Some(authenticator) = &header.legal_authenticator {
                (person_card("Responsible for the content", &authenticator.person))
            }
            @if let Some(custodian) = &header.custodian {
                (card("Kept by", custodian.0.name.as_deref(), organisation_lines(&custodian.0)))
            }
            @for service in &header.services {
                @for performer in &service.performers { (person_card("Gave the care", &performer.person)) }
            }
        }
        dl.facts {
            @if let Some(title) = &header.title { div { dt { "Title" } dd { (title) } } }
            @if let Some(id) = &header.id { div { dt { "Document identifier" } dd { (identifier(id)) } } }
            @if let Some(set) = &header.set_id {
                div {
                    dt { "Set" }
                    dd { (identifier(set)) @if let Some(version) = header.version { span.reader { "version " (version) } } }
                }
            }
            @if let Some(time) = header.effective_time { div { dt { "Made" } dd { (moment(time)) } } }
            @if let Some(signed) = header.legal_authenticator.as_ref().and_then(|who| who.time) {
                div { dt { "Authenticated" } dd { (moment(signed)) } }
            }
            @if let Some(language) = header.language { div { dt { "Language" } dd { (language) } } }
            @if header.confidentiality.is_some() {
                div { dt { "Confidentiality" } dd { (plain(header.confidentiality.as_ref())) } }
            }
            @for (kind, parent) in &header.related {
                @if let Some(parent) = parent.as_ref().filter(|parent| parent.null_flavor.is_none()) {
                    div { dt { (related_words(kind)) } dd { (identifier(parent)) } }
                }
            }
            @for order in &header.fulfils { div { dt { "Fulfils prescription" } dd { (identifier(order)) } } }
        }
    };
    Block {
        anchor: "about".to_owned(),
        heading: "About this document".to_owned(),
        count: None,
        danger: false,
        content,
    }
}

fn related_words(kind: &str) -> &'static str {
    match kind {
        "XFRM" => "Made from",
        "APND" => "Adds to",
        "RPLC" => "Replaces",
        _ => "Related to",
    }
}

fn identifier(id: &InstanceId<'_>) -> Markup {
    html! {
        span.id { (id.extension.unwrap_or(id.root)) }
        @if id.extension.is_some() { span.reader { "in " (id.root) } }
    }
}

fn person_card(role: &str, person: &Person<'_>) -> Markup {
    let name = person.name();
    let organisation = person.organisation.as_ref();
    // A professional's own address is that of the organisation as a rule; one is enough.
    let addresses = if person.addresses.iter().filter_map(address).next().is_some() || organisation.is_none()
    {
        html! { @for lines in person.addresses.iter().filter_map(address).take(1) { p { (lines) } } }
    } else {
        html! {}
    };
    let heading = name.as_ref().map(|name| name.reveal().as_str()).or_else(|| organisation?.name.as_deref());
    card(
        role,
        heading,
        html! {
            @if let Some(code) = person.code.as_ref().filter(|code| relation_words(code.code).is_none() && code.code.is_some()) {
                p.reader { (coded_words(code)) }
            }
            @if let (Some(_), Some(organisation)) = (&name, organisation.and_then(|organisation| organisation.name.as_ref())) {
                p { (organisation) }
            }
            (addresses)
            @for contact in &person.telecoms { (telecom(contact)) }
            @if let (true, Some(organisation)) = (person.telecoms.is_empty(), organisation) {
                @for contact in &organisation.telecoms { (telecom(contact)) }
            }
        },
    )
}

fn organisation_lines(organisation: &Organisation<'_>) -> Markup {
    html! {
        @for lines in organisation.addresses.iter().filter_map(address).take(1) { p { (lines) } }
        @for contact in &organisation.telecoms { (telecom(contact)) }
    }
}

fn card(role: &str, name: Option<&str>, lines: Markup) -> Markup {
    html! {
        div.card {
            h3 { span.role { (role) } (name.unwrap_or("Not named")) }
            (lines)
        }
    }
}
