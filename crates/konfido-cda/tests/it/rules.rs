//! The rules: our own samples keep them all, each of them can be broken, and the count over others' documents is known.

use std::collections::BTreeMap;

use konfido_cda::{
    ClinicalDocument,
    rules::{self, Rule, Severity},
    samples,
};

use crate::fixtures;

fn broken(bytes: &[u8]) -> Vec<Rule> {
    let document = ClinicalDocument::read(bytes).expect("readable");
    let mut broken: Vec<_> = rules::check(&document).findings.iter().map(|finding| finding.rule).collect();
    broken.dedup();
    broken
}

#[test]
fn our_samples_keep_every_rule() {
    for bytes in [samples::FULL_SUMMARY, samples::KNOWN_ABSENCE, samples::NO_INFORMATION] {
        assert_eq!(broken(bytes), []);
    }
    assert_eq!(broken(&samples::summary_of_at_least(100_000).expect("made")), []);
}

/// Documents with one thing wrong: what is replaced in the full sample, by what, and the rules that this breaks.
pub(crate) const MISTAKES: &[(&str, &str, &[Rule])] = &[
    ("<code code=\"60591-5\"", "<code code=\"60591-6\"", &[Rule::DocumentType]),
    (
        "<code code=\"60591-5\" codeSystem=\"2.16.840.1.113883.6.1\"",
        "<code code=\"60591-5\" codeSystem=\"2.16.840.1.113883.6.96\"",
        &[Rule::DocumentCodeSystem],
    ),
    ("extension=\"POCD_HD000040\"", "extension=\"POCD_HD000041\"", &[Rule::TypeId]),
    ("10.1.3.1.1.3\"", "10.1.3.1.1.9\"", &[Rule::Template]),
    ("10.1.3.1.1.3\"", "10.1.3.1.1.7\"", &[Rule::TemplateLevel]),
    ("</structuredBody>", "</structuredBody><nonXMLBody/>", &[Rule::OneBody]),
    ("<id root=\"2.999.380.1.9\" extension=\"SYN-0001\"/>", "<id extension=\"SYN-0001\"/>", &[Rule::Id]),
    ("<title>Profilo Sanitario Sintetico</title>", "<title> </title>", &[Rule::Title]),
    (
        "<effectiveTime value=\"20260303091500+0100\"/>",
        "<effectiveTime value=\"1772525700000\"/>",
        &[Rule::EffectiveTime],
    ),
    ("<confidentialityCode code=\"N\"", "<confidentialityCode code=\"X\"", &[Rule::Confidentiality]),
    ("<languageCode code=\"it-IT\"/>\n <setId", "<languageCode code=\"it\"/>\n <setId", &[Rule::Language]),
    ("<setId root=\"2.999.380.1.9\"", "<setId root=\"\"", &[Rule::SetId]),
    ("<relatedDocument typeCode=\"XFRM\"", "<relatedDocument typeCode=\"APND\"", &[Rule::Related]),
    ("classCode=\"PCPR\"", "classCode=\"ACT\"", &[Rule::LastUpdate]),
    (
        "<patientRole>",
        "<patientRole><id/></patientRole></recordTarget><recordTarget><patientRole>",
        &[
            Rule::OnePatient,
            Rule::PatientId,
            Rule::PatientAddress,
            Rule::PatientTelecom,
            Rule::PatientName,
            Rule::PatientGender,
            Rule::PatientBirth,
        ],
    ),
    (
        "<id root=\"2.999.380.1\" extension=\"SYN-0001\"/>",
        "<id root=\"\" extension=\"SYN-0001\"/>",
        &[Rule::PatientId],
    ),
    ("<city>Villa Prova</city>", "<city/>", &[Rule::PatientAddressPart]),
    ("<telecom value=\"tel:+39.06.5550111\"", "<telecom value=\"\"", &[Rule::PatientTelecom]),
    ("<telecom value=\"tel:+39.06.5550111\"", "<telecom value=\"+39\"", &[Rule::PatientTelecomScheme]),
    ("<family>Esempi</family>", "<family/>", &[Rule::PatientName]),
    ("<administrativeGenderCode code=\"F\"", "<administrativeGenderCode code=\"X\"", &[Rule::PatientGender]),
    ("<birthTime value=\"19610514\"", "<birthTime value=\"19610231\"", &[Rule::PatientBirth]),
    ("<author>\n  <time value=\"20260303091500+0100\"/>", "<author>\n  <time/>", &[Rule::AuthorTime]),
    (
        "<assignedAuthor>\n   <id root=\"2.999.380.1.2\" extension=\"MED-0042\"/>",
        "<assignedAuthor>\n   <id extension=\"MED-0042\"/>",
        &[Rule::AuthorId],
    ),
    ("<given>Teresa</given>", "<given> </given>", &[Rule::AuthorName]),
    (
        "<representedOrganization>\n    <id root=\"2.999.380.1.3\"",
        "<representedOrganization>\n    <id root=\"\"",
        &[Rule::AuthorOrganisation],
    ),
    (
        "<custodian>",
        "<custodian/><x:custodian xmlns:x=\"urn:x\">",
        &[Rule::CustodianName, Rule::CustodianCountry],
    ),
    (
        "<legalAuthenticator",
        "<legalAuthenticator nullFlavor=\"NI\"/><legalAuthenticator",
        &[Rule::AuthenticatorId, Rule::AuthenticatorName, Rule::AuthenticatorOrganisation],
    ),
    ("10.1.3.1.2.12\"", "10.1.3.1.2.99\"", &[Rule::SectionTemplate]),
    ("10.1.3.1.2.12\"", "10.1.3.1.2.13\"", &[Rule::SectionTemplate]),
    ("<templateId root=\"1.3.6.1.4.1.12559.11.10.1.3.1.2.3\"/>", "", &[Rule::SectionTemplateOld]),
    ("<code code=\"48765-2\"", "<code code=\"48765-9\"", &[Rule::BasicSection]),
    (
        "<code code=\"11348-0\"",
        "<code code=\"48765-2\"",
        &[Rule::SectionTemplate, Rule::SectionOnce, Rule::EntryTemplate],
    ),
    ("<title>Allergie e intolleranze</title>", "<title/>", &[Rule::SectionTitle]),
    ("10.1.3.1.3.16\"", "10.1.3.1.3.99\"", &[Rule::EntryTemplate]),
    ("<code code=\"J01CA04\"", "<code", &[]),
    (
        "<value xsi:type=\"CD\" code=\"39579001\"",
        "<value xsi:type=\"CV\" code=\"39579001\"",
        &[Rule::CodeType],
    ),
    ("<value xsi:type=\"CD\" code=\"442452003\"", "<value xsi:type=\"CD\"", &[Rule::CodePair]),
    (
        "codeSystem=\"2.16.840.1.113883.6.103\"",
        "codeSystem=\"urn:oid:2.16.840.1.113883.6.103\"",
        &[Rule::CodeSystem],
    ),
    ("<reference value=\"#all-1\"/>", "<reference value=\"#nowhere\"/>", &[Rule::Reference]),
    ("<low value=\"20090316\"/>", "<low value=\"2009-03-16\"/>", &[Rule::Time]),
    ("<participant typeCode=\"CSM\">", "<participant typeCode=\"DEV\">", &[Rule::CodeExpected]),
];

pub(crate) fn with_mistake(from: &str, to: &str) -> Vec<u8> {
    let text = core::str::from_utf8(samples::FULL_SUMMARY).expect("UTF-8");
    assert!(text.contains(from), "`{from}` isn't in the sample any more");
    let text = text.replacen(from, to, 1);
    // Renaming a start tag needs its end renamed too.
    let text = if from == "<custodian>" { text.replacen("</custodian>", "</x:custodian>", 1) } else { text };
    text.into_bytes()
}

#[test]
fn each_mistake_breaks_its_rules() {
    for (from, to, expected) in MISTAKES.iter().filter(|(.., expected)| !expected.is_empty()) {
        let found = broken(&with_mistake(from, to));
        for rule in *expected {
            assert!(found.contains(rule), "`{to}` for `{from}`: {rule:?} not in {found:?}");
        }
    }
}

#[test]
fn a_finding_says_where() {
    let document = ClinicalDocument::read(&with_mistake("<low value=\"20090316\"/>", "<low value=\"x\"/>"))
        .expect("readable");
    let report = rules::check(&document);
    let finding = report.findings.first().expect("one");
    assert!(
        finding
            .path
            .starts_with("/ClinicalDocument/component/structuredBody/component[2]/section/entry[1]/act")
    );
    assert!(finding.path.ends_with("/effectiveTime/low"));
    assert_eq!((report.count(Severity::Error), report.count(Severity::Warning)), (0, 1));
    assert!(report.is_sound());
}

#[test]
fn identifiers_are_unique_and_keep_their_form() {
    let mut ids: Vec<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), Rule::ALL.len());
    assert!(
        ids.iter().all(|id| id
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-'))
    );
}

#[test]
fn the_count_over_others_documents_is_known() {
    let documents = fixtures::documents();
    if documents.is_empty() {
        return;
    }
    let mut counts = BTreeMap::new();
    for (_, bytes) in &documents {
        for finding in rules::check(&ClinicalDocument::read(bytes).expect("readable")).findings {
            *counts.entry(finding.rule.id()).or_insert(0) += 1;
        }
    }
    let expected = BTreeMap::from([
        ("AUT-ID", 1),
        ("AUT-NAME", 2),
        ("AUT-ORGANISATION", 6),
        ("AUT-TIME", 3),
        ("COD-EXPECTED", 5),
        ("COD-PAIR", 18),
        ("COD-REQUIRED", 2),
        ("COD-SYSTEM", 105),
        ("CUS-COUNTRY", 5),
        ("CUS-NAME", 6),
        ("DOC-BODY", 1),
        ("DOC-CODE-SYSTEM", 2),
        ("DOC-TEMPLATE-LEVEL", 2),
        ("DOC-TYPE", 6),
        ("ENT-TEMPLATE", 10),
        ("HDR-CONFIDENTIALITY", 5),
        ("HDR-LAST-UPDATE", 19),
        ("HDR-RELATED", 11),
        ("HDR-SET-ID", 42),
        ("HDR-TIME", 2),
        ("LEG-ID", 1),
        ("LEG-NAME", 18),
        ("LEG-ORGANISATION", 8),
        ("PAT-ADDRESS-PART", 2),
        ("PAT-ONE", 1),
        ("PRE-SECTION", 2),
        ("REF-TARGET", 25),
        ("SEC-BASIC", 2),
        ("SEC-TEMPLATE", 11),
        ("SEC-TEMPLATE-OLD", 156),
        ("SEC-TEXT", 14),
        ("SEC-TITLE", 21),
        ("TIM-FORM", 1),
    ]);
    assert_eq!(counts, expected);
}

/// A document of many mistakes is answered in bounded work.
#[test]
fn a_million_mistakes_are_cut_short() {
    let references = "<reference value='#nowhere'/>".repeat(200_000);
    let text = format!(
        "<ClinicalDocument xmlns='urn:hl7-org:v3'><code code='60591-5'/><component><structuredBody>{references}</structuredBody></component></ClinicalDocument>"
    );
    let report = rules::check(&ClinicalDocument::read(text.as_bytes()).expect("readable"));
    assert!(report.truncated && !report.is_sound());
    assert_eq!(report.findings.len(), rules::Report::LIMIT);
}
