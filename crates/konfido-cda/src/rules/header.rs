//! Rules of the header (profile, section 3.3) and of the document as such (3.1).

use konfido_xml::Element;

use crate::{
    DocumentKind, Level,
    codes::{ADMINISTRATIVE_GENDER, CONFIDENTIALITY, LOINC},
    rules::{Check, Rule},
    tree::Walk,
    value::Moment,
};

pub(super) fn check(check: &mut Check<'_>) {
    document(check);
    identity(check);
    patient(check);
    authors(check);
    keepers(check);
    if check.is(DocumentKind::PatientSummary) {
        summary(check);
    }
    if check.is(DocumentKind::Dispensation) {
        let root = check.root;
        let orders = root.every("inFulfillmentOf").filter_map(|fulfilment| fulfilment.hl7("order"));
        let mut ids = orders
            .filter(|order| order.attribute("moodCode") == Some("RQO"))
            .flat_map(|order| order.every("id"));
        let named = ids.any(|id| filled(id, "root"));
        check.demand(Rule::Order, named, root);
    }
}

/// Whether the attribute is there and isn't blank.
pub(super) fn filled(element: Element<'_>, attribute: &str) -> bool {
    element.attribute(attribute).is_some_and(|value| !value.trim().is_empty())
}

pub(super) fn is_null(element: Element<'_>) -> bool {
    element.attribute("nullFlavor").is_some()
}

/// Whether `@value` is a time.
pub(super) fn is_time(element: Element<'_>) -> bool {
    element.attribute("value").and_then(Moment::new).and_then(Moment::parse).is_some()
}

fn has_text(element: Element<'_>) -> bool {
    !element.label().is_empty()
}

fn document(check: &mut Check<'_>) {
    let root = check.root;
    let Some(code) = root.hl7("code") else { return };
    check.demand(Rule::DocumentType, !check.is(DocumentKind::Other), code);
    check.demand(Rule::DocumentCodeSystem, code.attribute("codeSystem") == Some(LOINC), code);
    let mut types = root.every("typeId").map(|id| (id.attribute("root"), id.attribute("extension")));
    let one = types.next() == Some((Some("2.16.840.1.113883.1.3"), Some("POCD_HD000040")))
        && types.next().is_none();
    check.demand(Rule::TypeId, one, root);
    if let Some(template) = check.kind.template(check.level) {
        let other = if check.level == Level::Three { Level::One } else { Level::Three };
        let other = check.kind.template(other).filter(|other| *other != template);
        let level_slip = other.is_some_and(|other| root.has_template(&other));
        let own = root.has_template(&template);
        check.demand(Rule::Template, own || level_slip, root);
        check.demand(Rule::TemplateLevel, own || !level_slip, root);
    }
}

fn identity(check: &mut Check<'_>) {
    let root = check.root;
    let only = |name| {
        let mut all = root.every(name);
        all.next().filter(|_| all.next().is_none())
    };
    check.demand(Rule::Id, only("id").is_some_and(|id| filled(id, "root")), root);
    check.demand(Rule::Title, only("title").is_some_and(has_text), root);
    let time = root.hl7("effectiveTime");
    check.demand(Rule::EffectiveTime, time.is_some_and(is_time), time.unwrap_or(root));
    let confidentiality = root.hl7("confidentialityCode");
    let known = |code: Element<'_>| {
        let listed = matches!(code.attribute("code"), Some("N" | "R" | "V"));
        is_null(code) || (listed && code.attribute("codeSystem") == Some(CONFIDENTIALITY))
    };
    check.demand(Rule::Confidentiality, confidentiality.is_some_and(known), confidentiality.unwrap_or(root));
    let language = root.hl7("languageCode");
    let tag = language.and_then(|language| language.attribute("code"));
    check.demand(Rule::Language, tag.is_some_and(is_language_and_country), language.unwrap_or(root));
    check.demand(Rule::SetId, root.hl7("setId").is_some_and(|id| filled(id, "root")), root);
    if matches!(check.kind, DocumentKind::PatientSummary | DocumentKind::Prescription) {
        let made_from =
            root.every("relatedDocument").filter(|related| related.attribute("typeCode") == Some("XFRM"));
        let mut parents = made_from.filter_map(|related| related.at(&["parentDocument", "id"]));
        let named = parents.any(|id| filled(id, "root"));
        check.demand(Rule::Related, named, root);
    }
}

/// `nn-CC`.
fn is_language_and_country(tag: &str) -> bool {
    let Some((language, country)) = tag.split_once('-') else { return false };
    let two = |text: &str, test: fn(&u8) -> bool| text.len() == 2 && text.bytes().all(|byte| test(&byte));
    two(language, u8::is_ascii_lowercase) && two(country, u8::is_ascii_uppercase)
}

fn patient(check: &mut Check<'_>) {
    let root = check.root;
    let roles: Vec<_> = root.every("recordTarget").filter_map(|target| target.hl7("patientRole")).collect();
    check.demand(Rule::OnePatient, roles.len() == 1, root);
    for role in roles {
        check.demand(Rule::PatientId, role.every("id").any(|id| filled(id, "root")), role);
        check.demand(Rule::PatientAddress, role.hl7("addr").is_some(), role);
        for address in role.every("addr").filter(|address| !is_null(*address)) {
            check.demand(Rule::PatientAddress, has_text(address), address);
            let parts = address.children().filter(|part| ADDRESS_PARTS.contains(&part.local()));
            for part in parts {
                check.demand(Rule::PatientAddressPart, has_text(part) || is_null(part), part);
            }
        }
        check.demand(Rule::PatientTelecom, role.hl7("telecom").is_some(), role);
        for telecom in role.every("telecom").filter(|telecom| !is_null(*telecom)) {
            check.demand(Rule::PatientTelecom, filled(telecom, "value"), telecom);
            let value = telecom.attribute("value").map(str::trim).unwrap_or_default();
            let known = value.is_empty()
                || ["tel:", "fax:", "mailto:"].iter().any(|scheme| value.starts_with(scheme));
            check.demand(Rule::PatientTelecomScheme, known, telecom);
        }
        let patient = role.hl7("patient");
        let at = patient.unwrap_or(role);
        check.demand(Rule::PatientName, patient.is_some_and(has_full_name), at);
        let gender = patient.and_then(|patient| patient.hl7("administrativeGenderCode"));
        let known = |code: Element<'_>| {
            let listed = matches!(code.attribute("code"), Some("F" | "M" | "UN"));
            code.attribute("nullFlavor") == Some("UNK")
                || (listed && code.attribute("codeSystem") == Some(ADMINISTRATIVE_GENDER))
        };
        check.demand(Rule::PatientGender, gender.is_some_and(known), gender.unwrap_or(at));
        let birth = patient.and_then(|patient| patient.hl7("birthTime"));
        let is_date = |birth: Element<'_>| {
            let length = birth.attribute("value").map(|value| value.trim().len());
            matches!(length, Some(4 | 6 | 8)) && is_time(birth)
        };
        check.demand(Rule::PatientBirth, birth.is_some_and(is_date), birth.unwrap_or(at));
    }
}

const ADDRESS_PARTS: [&str; 5] = ["streetAddressLine", "city", "postalCode", "state", "country"];

/// Whether one of the names has a family and a given part with text.
fn has_full_name(person: Element<'_>) -> bool {
    person.every("name").any(|name| name.every("family").any(has_text) && name.every("given").any(has_text))
}

/// Whether there is an `id` with a root or a reason.
fn has_id(element: Element<'_>) -> bool {
    element.every("id").any(|id| filled(id, "root") || is_null(id))
}

/// Whether an address names its country, or says why there is no address.
fn has_country(element: Element<'_>) -> bool {
    element.every("addr").any(|address| is_null(address) || address.hl7("country").is_some_and(has_text))
}

fn is_organisation(organisation: Element<'_>) -> bool {
    has_id(organisation) && organisation.every("name").any(has_text) && has_country(organisation)
}

fn authors(check: &mut Check<'_>) {
    let root = check.root;
    check.demand(Rule::Author, root.hl7("author").is_some(), root);
    for author in root.every("author") {
        let time = author.hl7("time");
        check.demand(
            Rule::AuthorTime,
            time.is_some_and(|time| is_time(time) || is_null(time)),
            time.unwrap_or(author),
        );
        if check.is(DocumentKind::Prescription) {
            let function = author.hl7("functionCode");
            let coded = function.is_some_and(|code| filled(code, "code") && filled(code, "codeSystem"));
            check.demand(Rule::AuthorFunction, coded, function.unwrap_or(author));
        }
        let assigned = author.hl7("assignedAuthor");
        let at = assigned.unwrap_or(author);
        check.demand(Rule::AuthorId, assigned.is_some_and(has_id), at);
        let device = assigned.and_then(|author| author.hl7("assignedAuthoringDevice")).is_some();
        let person = assigned.and_then(|author| author.hl7("assignedPerson"));
        check.demand(Rule::AuthorName, device || person.is_some_and(has_full_name), at);
        let organisation = assigned.and_then(|author| author.hl7("representedOrganization"));
        check.demand(
            Rule::AuthorOrganisation,
            organisation.is_some_and(is_organisation),
            organisation.unwrap_or(at),
        );
    }
}

/// Custodian and legal authenticator.
fn keepers(check: &mut Check<'_>) {
    let root = check.root;
    let custodian = root.at(&["custodian", "assignedCustodian", "representedCustodianOrganization"]);
    let at = custodian.unwrap_or(root);
    check.demand(
        Rule::CustodianName,
        custodian.is_some_and(|custodian| custodian.every("name").any(has_text)),
        at,
    );
    check.demand(Rule::CustodianCountry, custodian.is_some_and(has_country), at);
    if !matches!(check.kind, DocumentKind::PatientSummary | DocumentKind::Prescription) {
        return;
    }
    let authenticator = root.hl7("legalAuthenticator");
    check.demand(Rule::Authenticator, authenticator.is_some(), root);
    let Some(authenticator) = authenticator else { return };
    let entity = authenticator.hl7("assignedEntity");
    let at = entity.unwrap_or(authenticator);
    check.demand(Rule::AuthenticatorId, entity.is_some_and(has_id), at);
    let person = entity.and_then(|entity| entity.hl7("assignedPerson"));
    check.demand(Rule::AuthenticatorName, person.is_some_and(has_full_name), at);
    let organisation = entity.and_then(|entity| entity.hl7("representedOrganization"));
    let reachable = |organisation: Element<'_>| {
        organisation.every("telecom").any(|telecom| filled(telecom, "value") || is_null(telecom))
    };
    let whole =
        organisation.is_some_and(|organisation| is_organisation(organisation) && reachable(organisation));
    check.demand(Rule::AuthenticatorOrganisation, whole, organisation.unwrap_or(at));
}

fn summary(check: &mut Check<'_>) {
    let root = check.root;
    let events = root.every("documentationOf").filter_map(|documentation| documentation.hl7("serviceEvent"));
    let mut care = events.filter(|event| event.attribute("classCode") == Some("PCPR"));
    let updated = care
        .any(|event| event.at(&["effectiveTime", "high"]).is_some_and(|high| is_time(high) || is_null(high)));
    check.demand(Rule::LastUpdate, updated, root);
    let contact = root.every("participant").any(|participant| participant.hl7("associatedEntity").is_some());
    check.demand(Rule::Contact, contact, root);
}
