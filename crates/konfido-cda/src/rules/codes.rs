//! Rules of coded elements (profile, section 1.2), of references and of times, over the whole tree.

use std::collections::HashSet;

use konfido_xml::Element;

use crate::{
    Narrative,
    codes::entry_template,
    rules::{
        Check, Rule,
        header::{filled, is_null, is_time},
    },
    tree::{HL7, PHARM, Walk},
    value::Coded,
};

/// Names of elements that are coded in the profile. `value` is too where its type says so.
const CODED: [&str; 8] = [
    "administrativeGenderCode",
    "code",
    "confidentialityCode",
    "event",
    "formCode",
    "functionCode",
    "interpretationCode",
    "routeCode",
];

pub(super) fn check(check: &mut Check<'_>) {
    let root = check.root;
    let ids: HashSet<&str> = root.descendants().filter_map(|element| element.attribute("ID")).collect();
    let body = root.every("component").find_map(|part| part.hl7("structuredBody"));
    for element in root.descendants() {
        if !matches!(element.namespace(), HL7 | PHARM) {
            continue;
        }
        if let Some(system) = element.attribute("codeSystem") {
            check.demand(Rule::CodeSystem, is_oid(system), element);
        }
        if is_coded(element) {
            coded(check, element);
        }
        if element.local() == "reference" {
            let target = element.attribute("value").and_then(|value| value.trim().strip_prefix('#'));
            check.demand(Rule::Reference, target.is_none_or(|target| ids.contains(target)), element);
        }
    }
    let Some(body) = body else { return };
    for element in body.descendants().filter(|element| element.namespace() == HL7) {
        match element.local() {
            "effectiveTime" => times(check, element),
            "substanceAdministration" | "supply" => medicine(check, element),
            "observation" => observation(check, element),
            _ => {}
        }
    }
}

fn is_coded(element: Element<'_>) -> bool {
    if element.local() == "value" {
        return matches!(element.xsi_type(), Some("CD" | "CE" | "CV" | "CO"));
    }
    CODED.contains(&element.local())
}

/// What OpenNCP's Transformation Manager asks before it looks a code up: warnings 2508 and 2507.
fn coded<'d>(check: &mut Check<'d>, element: Element<'d>) {
    let pair = filled(element, "code") && filled(element, "codeSystem");
    let excused = || is_null(element) || element.descendants().any(|inner| inner.local() == "originalText");
    check.demand(Rule::CodePair, pair || excused(), element);
    if pair && !is_null(element) {
        check.demand(Rule::CodeType, matches!(element.xsi_type(), None | Some("CD" | "CE")), element);
    }
}

/// An OID: arcs without leading zeros, the first one 0 to 2.
fn is_oid(text: &str) -> bool {
    let arc = |arc: &str| {
        !arc.is_empty()
            && arc.bytes().all(|byte| byte.is_ascii_digit())
            && (arc == "0" || !arc.starts_with('0'))
    };
    let mut arcs = text.split('.');
    matches!(arcs.next(), Some("0" | "1" | "2")) && text.contains('.') && arcs.all(arc)
}

fn times<'d>(check: &mut Check<'d>, time: Element<'d>) {
    let bounds = time.every("low").chain(time.every("high"));
    for part in core::iter::once(time).chain(bounds).filter(|part| part.attribute("value").is_some()) {
        check.demand(Rule::Time, is_time(part), part);
    }
}

/// Medication of a summary (3.4), item of a prescription (3.2), dispensed supply (3.3).
fn medicine<'d>(check: &mut Check<'d>, statement: Element<'d>) {
    let is = |arc| statement.has_template(&entry_template(arc));
    let (summary, prescribed, dispensed) = (is(4), is(2), is(3));
    if !(summary || prescribed || dispensed) {
        return;
    }
    let holder = if statement.local() == "supply" { "product" } else { "consumable" };
    let material = statement.at(&[holder, "manufacturedProduct", "manufacturedMaterial"]);
    let at = material.unwrap_or(statement);
    if prescribed || dispensed {
        let form = material.and_then(|material| material.medicine("formCode"));
        let whole = form.is_some_and(|form| filled(form, "code") && filled(form, "codeSystem"));
        check.demand(Rule::CodeRequired, whole, form.unwrap_or(at));
    }
    let none = Narrative::default();
    let absent = statement.hl7("code").is_some_and(|code| Coded::new(code, &none).absence().is_some());
    if absent || material.is_some_and(is_null) {
        return;
    }
    check.demand(Rule::CodeExpected, material.is_some_and(names_its_substance), at);
}

/// Whether a material says what is in it: by its kind, or by an ingredient, in one of its parts too.
fn names_its_substance(material: Element<'_>) -> bool {
    let parts = material.every_medicine("part").filter_map(|part| part.medicine("partProduct"));
    core::iter::once(material).chain(parts).any(|product| {
        let kind = product.medicine("asSpecializedKind").and_then(|kind| {
            kind.medicine("generalizedMaterialKind").or_else(|| kind.medicine("generalizedMedicineClass"))
        });
        let substances = product
            .every_medicine("ingredient")
            .filter_map(|part| part.medicine("ingredientSubstance").or_else(|| part.medicine("ingredient")));
        kind.into_iter().chain(substances).any(|substance| substance.medicine("code").is_some())
    })
}

/// Allergy (3.17): the agent; its reactions (3.44) and problems (3.7): the value.
fn observation<'d>(check: &mut Check<'d>, observation: Element<'d>) {
    let is = |arc| observation.has_template(&entry_template(arc));
    let value = observation.hl7("value");
    if is(7) || is(44) {
        check.demand(Rule::CodeExpected, value.is_some(), observation);
    }
    if is(17) {
        let none = Narrative::default();
        let coded = [value, observation.hl7("code")].into_iter().flatten();
        let absent = coded.map(|element| Coded::new(element, &none)).any(|code| code.absence().is_some());
        let agents =
            observation.every("participant").filter(|part| part.attribute("typeCode") == Some("CSM"));
        let mut codes = agents.filter_map(|part| part.at(&["participantRole", "playingEntity", "code"]));
        check.demand(Rule::CodeExpected, absent || codes.next().is_some(), observation);
    }
}
