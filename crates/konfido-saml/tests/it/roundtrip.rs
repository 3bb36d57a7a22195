//! What we issue we accept, and it looks as the reference implementation's does.

use konfido_circle::Personal;
use konfido_saml::Trc;
use konfido_saml::vocabulary::{Operation, PurposeOfUse};
use konfido_xml::{Document, Element, Limits, ns};

use crate::world::*;

#[test]
fn a_doctor_is_admitted_to_search_and_to_read() {
    let world = World::new();
    let hcp = world.hcp();
    let trc = world.trc(&hcp);
    let admission = world.present(Operation::PatientDiscovery, &[hcp.xml.as_str()]).unwrap();
    let claims = admission.hcp().claims();
    assert_eq!(claims.name.reveal(), "Grete Hansen & Søn");
    assert_eq!(claims.role, professional().role);
    assert_eq!(claims.permissions, professional().permissions);
    assert_eq!(claims.point_of_care(), "Rigshospitalet");
    assert_eq!(admission.hcp().signatory().country, cc("DK"));
    assert!(admission.trc().is_none() && admission.patient().is_none());

    // Any order.
    for set in [[&hcp, &trc], [&trc, &hcp]] {
        let set = set.map(|a| a.xml.as_str());
        let admission = world.present(Operation::PatientSummary, &set).unwrap();
        admission.demand_patient(&treatment().patient).unwrap();
        assert_eq!(admission.purpose(), PurposeOfUse::Treatment);
        assert_eq!(
            admission.ids().map(|id| id.as_str()).collect::<Vec<_>>(),
            [hcp.id.as_str(), trc.id.as_str()]
        );
        assert_eq!(admission.not_on_or_after(), trc.not_on_or_after);
    }
}

#[test]
fn break_glass_is_the_trcs_purpose() {
    let world = World::new();
    let hcp = world.hcp();
    let trc = Trc { purpose: PurposeOfUse::Emergency, ..treatment() };
    let trc = world.issuer().trc(&reference(&hcp), &trc).unwrap();
    let admission = world.present(Operation::Prescription, &[hcp.xml.as_str(), trc.xml.as_str()]).unwrap();
    assert_eq!(admission.purpose(), PurposeOfUse::Emergency);
}

#[test]
fn next_of_kin_and_codes_for_a_dispensation_arrive() {
    let world = World::new();
    let hcp = world.hcp();
    let nok = world.issuer().nok(&reference(&hcp), &relative()).unwrap();
    let trc = Trc {
        dispensation_pin: Some(Personal::new("123456".to_owned())),
        prescription_id: Some(Personal::new("prescription-1".to_owned())),
        ..treatment()
    };
    let trc = world.issuer().trc(&reference(&hcp), &trc).unwrap();
    let set = [nok.xml.as_str(), hcp.xml.as_str(), trc.xml.as_str()];
    let admission = world.present(Operation::Dispensation, &set).unwrap();
    assert_eq!(admission.nok().unwrap().claims(), &relative());
    let claims = admission.trc().unwrap().claims();
    assert_eq!(claims.dispensation_pin.as_ref().unwrap().reveal(), "123456");
    assert_eq!(claims.prescription_id.as_ref().unwrap().reveal(), "prescription-1");
}

/// Local names, attribute names and fixed texts of an assertion, in document order; values that differ are left out.
fn skeleton(element: Element<'_>, out: &mut Vec<String>, depth: usize) {
    let mut names: Vec<&str> = element.attributes().map(|(_, local, _)| local).collect();
    names.sort_unstable();
    let fixed = ["Algorithm", "Method", "NameFormat", "FriendlyName", "Name", "codeSystem", "NameQualifier"];
    let values = element
        .attributes()
        .filter(|(_, local, _)| fixed.contains(local))
        .map(|(_, local, value)| format!("{local}={value}"));
    let values: Vec<String> = values.collect();
    out.push(format!("{depth} {{{}}}{} {names:?} {values:?}", element.namespace(), element.local()));
    for child in element.children() {
        skeleton(child, out, depth + 1);
    }
}

fn skeleton_of(xml: &str) -> Vec<String> {
    let document = Document::parse(xml.as_bytes(), &Limits::ASSERTION).unwrap();
    let mut out = Vec::new();
    skeleton(document.root(), &mut out, 0);
    out
}

#[test]
fn our_assertions_have_the_structure_of_the_recorded_ones() {
    let Some(dir) = crate::recorded::directory() else { return };
    let world = World::new();
    let hcp = world.hcp();
    let trc = world.trc(&hcp);
    let nok = world.issuer().nok(&reference(&hcp), &relative()).unwrap();
    let recorded = |file: &str| {
        let document = crate::recorded::body(&dir.join(file));
        let document = Document::parse(&document, &Limits::MESSAGE).unwrap();
        let assertion = document.root().descendants().find(|e| e.is(ns::SAML2, "Assertion")).unwrap();
        assertion.to_xml()
    };
    assert_eq!(skeleton_of(trc.xml.as_str()), skeleton_of(&recorded("sts/01-trc.response.http")));
    assert_eq!(skeleton_of(nok.xml.as_str()), skeleton_of(&recorded("sts/03-nok.response.http")));

    // The recorded HCP assertions are not OpenNCP's own; they have no home community and keep no prefix.
    let mut ours = skeleton_of(hcp.xml.as_str());
    ours.retain(|line| !line.contains("InclusiveNamespaces"));
    let at = ours.iter().position(|line| line.contains("HCI Identifier")).unwrap();
    ours.drain(at..at + 2);
    let theirs = skeleton_of(&recorded("sts/01-trc.request.http"));
    let permissions =
        |lines: &[String]| lines.iter().position(|l| l.contains("Hl7 Permissions")).unwrap() + 2;
    let (a, b) = (permissions(&ours), permissions(&theirs));
    assert_eq!(ours[..a], theirs[..b]);
}

#[test]
fn role_and_purpose_have_no_prefix() {
    let world = World::new();
    let hcp = world.hcp();
    assert!(hcp.xml.as_str().contains("<Role xmlns=\"urn:hl7-org:v3\" code=\"221\""));
    assert!(hcp.xml.as_str().contains("<PurposeOfUse xmlns=\"urn:hl7-org:v3\" code=\"TREATMENT\""));
    assert!(
        hcp.xml
            .as_str()
            .contains("NotBefore=\"2026-11-23T18:00:00.250Z\" NotOnOrAfter=\"2026-11-23T22:00:00.250Z\"")
    );
    assert_eq!(
        hcp.xml.as_str().matches("<ds:X509Certificate").count()
            + hcp.xml.as_str().matches("<X509Certificate").count(),
        1
    );
}
