//! Everything that must not pass, each with its class.

use jiff::SignedDuration;
use konfido_saml::vocabulary::Operation::{self, *};
use konfido_saml::{Class, Hcp, Issuer, NameId, Profile, Reason, Refusal, names};

use crate::world::*;

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>, class: Class) -> Reason {
    let refusal = result.expect_err("must be refused");
    assert_eq!(refusal.class(), class, "{refusal}");
    refusal.reason().clone()
}

/// An HCP assertion changed before signing is refused for `operation`.
#[track_caller]
fn forged(operation: Operation, class: Class, from: &str, to: &str) -> Reason {
    let world = World::new();
    let hcp = world.hcp();
    let xml = world.forge(&hcp, |xml| {
        assert!(xml.contains(from), "{from} is not in {xml}");
        xml.replace(from, to)
    });
    let trc = world.trc(&hcp);
    let set = [xml.as_str(), trc.xml.as_str()];
    refused(world.present(operation, if operation.needs_trc() { &set } else { &set[..1] }), class)
}

#[test]
fn a_forged_but_unchanged_assertion_would_pass() {
    let world = World::new();
    let xml = world.forge(&world.hcp(), |xml| xml);
    world.present(PatientDiscovery, &[&xml]).unwrap();
}

#[test]
fn tampered() {
    let world = World::new();
    let hcp = world.hcp();
    let xml = hcp.xml.as_str().replace("Grete Hansen", "Grete Jensen");
    let reason = refused(world.present(PatientDiscovery, &[&xml]), Class::Signature);
    assert!(matches!(reason, Reason::Signature(why) if why.contains("digest")));
    let xml = hcp.xml.as_str().replace("PRD-006", "PRD-007");
    refused(world.present(PatientDiscovery, &[&xml]), Class::Signature);
}

#[test]
fn unsigned_or_signed_by_somebody_else() {
    let world = World::new();
    let hcp = world.hcp();
    let bare = unsigned(hcp.xml.as_str());
    let reason = refused(world.present(PatientDiscovery, &[&bare]), Class::MissingField);
    assert_eq!(reason, Reason::Missing("Signature"));
    // A certificate of an unknown root that calls itself Denmark, and one that has expired.
    refused(world.present(PatientDiscovery, &[&world.sign(&bare, &world.stranger)]), Class::Signature);
    refused(world.present(PatientDiscovery, &[&world.sign(&bare, &world.dk_expired)]), Class::Signature);
    // A member, but another one.
    let reason = refused(world.present(PatientDiscovery, &[&world.sign(&bare, &world.pt)]), Class::Signature);
    assert!(matches!(reason, Reason::ForeignSigner { .. }));
}

#[test]
fn presented_by_another_country() {
    let world = World::new();
    let hcp = world.hcp();
    let result = world.present_by("PT", PatientDiscovery, &[hcp.xml.as_str()], &Profile::default());
    let reason = refused(result, Class::Signature);
    assert_eq!(reason, Reason::ForeignSigner { signer: "DK".into(), presenter: "PT".into() });
}

#[test]
fn two_certificates() {
    let world = World::new();
    let xml = world.hcp().xml.into_string();
    let start = xml.find("X509Certificate>").unwrap();
    let start = xml[..start].rfind('<').unwrap();
    let end = xml
        .rfind("</")
        .map(|_| xml.find("</ds:X509Data>").or_else(|| xml.find("</X509Data>")).unwrap())
        .unwrap();
    let twice = format!("{}{}{}", &xml[..end], &xml[start..end], &xml[end..]);
    refused(world.present(PatientDiscovery, &[&twice]), Class::Signature);
}

#[test]
fn expired_not_yet_valid_too_long() {
    let world = World::new();
    let hcp = world.hcp();
    let at = |offset: SignedDuration| {
        world.clock.set(start().checked_add(offset).unwrap());
        world.present(PatientDiscovery, &[hcp.xml.as_str()])
    };
    let hours = SignedDuration::from_hours(4);
    let skew = SignedDuration::from_secs(60);
    let tick = SignedDuration::from_millis(1);
    at(-skew).unwrap();
    assert_eq!(refused(at(-skew - tick), Class::InvalidField), Reason::NotYetValid);
    at(hours + skew - tick).unwrap();
    assert_eq!(refused(at(hours + skew), Class::InvalidField), Reason::Expired);
    let reason = forged(PatientDiscovery, Class::InvalidField, "T22:00:00.250Z", "T22:00:00.251Z");
    assert_eq!(reason, Reason::WrongLifetime);
    let reason = forged(PatientDiscovery, Class::InvalidField, "T22:00:00.250Z", "T18:00:00.250Z");
    assert_eq!(reason, Reason::WrongLifetime);
}

#[test]
fn a_trc_is_held_to_two_hours() {
    let world = World::new();
    let hcp = world.hcp();
    let trc = world.forge(&world.trc(&hcp), |xml| xml.replace("T20:00:00.250Z", "T21:00:00.250Z"));
    let reason = refused(world.present(PatientSummary, &[hcp.xml.as_str(), &trc]), Class::InvalidField);
    assert_eq!(reason, Reason::WrongLifetime);
}

#[test]
fn wrong_audience_qualifier_issuer_confirmation() {
    let reason = forged(PatientDiscovery, Class::InvalidField, ":x-border<", ":national<");
    assert_eq!(reason, Reason::WrongAudience);
    let reason = forged(PatientDiscovery, Class::InvalidField, "assertions:hcp", "assertions:admin");
    assert!(matches!(reason, Reason::UnknownQualifier(_)));
    let reason = forged(PatientDiscovery, Class::Signature, "urn:idp:DK:", "urn:idp:PT:");
    assert!(matches!(reason, Reason::ForeignIssuer(_)));
    let reason = forged(PatientDiscovery, Class::InvalidField, "cm:sender-vouches", "cm:bearer");
    assert!(matches!(reason, Reason::WrongConfirmation(_)));
    let reason =
        forged(PatientDiscovery, Class::MissingField, "NameQualifier=\"urn:ehdsi:assertions:hcp\"", "");
    assert!(matches!(reason, Reason::Missing(_)));
}

#[test]
fn the_older_generation_only_by_configuration() {
    let world = World::new();
    let xml = world.forge(&world.hcp(), |xml| {
        xml.replace("urn:ehdsi:assertions:hcp", names::QUALIFIER_EPSOS)
            .replace("urn:oasis:names:tc:xspa:1.0:subject:hl7:permission:PRD", "PRD")
    });
    refused(world.present(PatientDiscovery, &[&xml]), Class::InvalidField);
    let old = Profile { danger_accept_older_generation: true, ..Profile::default() };
    world.present_by("DK", PatientDiscovery, &[&xml], &old).unwrap();
}

#[test]
fn roles_purposes_facilities_outside_the_lists() {
    forged(PatientSummary, Class::InvalidField, "code=\"221\"", "code=\"999\"");
    forged(PatientSummary, Class::InvalidField, ">Hospital<", ">Garage<");
    forged(PatientSummary, Class::InsufficientRights, "code=\"TREATMENT\"", "code=\"CURIOSITY\"");
    forged(PatientSummary, Class::InvalidField, ">København<", "> <");
    forged(PatientSummary, Class::MissingField, "environment:locality", "environment:nowhere");
    // The role's name counts in the search only.
    let reason = forged(PatientDiscovery, Class::InsufficientRights, "Medical Doctors", "Witch Doctors");
    assert_eq!(reason, Reason::RoleNameMismatch);
    let world = World::new();
    let hcp = world.hcp();
    let xml = world.forge(&hcp, |xml| xml.replace("Medical Doctors", "Medical doctors"));
    world.present(PatientDiscovery, &[&xml]).unwrap();
}

#[test]
fn each_permission_of_each_operation_is_needed() {
    for operation in [PatientDiscovery, PatientSummary, OriginalDocument, Prescription, Dispensation] {
        for needed in operation.permissions() {
            let reason = forged(operation, Class::InsufficientRights, needed, "PRD-999");
            assert_eq!(reason, Reason::NoPermission(needed));
        }
    }
    // Bare codes, as before 2017, are no permissions.
    forged(PatientDiscovery, Class::InsufficientRights, "hl7:permission:PRD-006", "hl7:permissions:PRD-006");
    let reason =
        forged(DiscardDispensation, Class::MissingField, "subject:organization-id", "subject:nothing");
    assert_eq!(reason, Reason::Missing("XSPA Organization ID"));
}

#[test]
fn parts_that_are_absent_doubled_or_out_of_order() {
    forged(PatientDiscovery, Class::Schema, "Version=\"2.0\"", "Version=\"1.1\"");
    forged(PatientDiscovery, Class::MissingField, "IssueInstant=\"2026-11-23T18:00:00.250Z\"", "");
    forged(
        PatientDiscovery,
        Class::MissingField,
        " Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\"",
        "",
    );
    forged(
        PatientDiscovery,
        Class::Schema,
        "NotBefore=\"2026-11-23T18:00:00.250Z\"",
        "NotBefore=\"yesterday\"",
    );
    let conditions = |xml: &str| {
        let start = xml.find("<saml2:Conditions").unwrap();
        let end = xml.find("</saml2:Conditions>").unwrap() + "</saml2:Conditions>".len();
        (start, end)
    };
    let world = World::new();
    let hcp = world.hcp();
    let without = world.forge(&hcp, |xml| {
        let (start, end) = conditions(&xml);
        format!("{}{}", &xml[..start], &xml[end..])
    });
    refused(world.present(PatientDiscovery, &[&without]), Class::MissingField);
    let twice = world.forge(&hcp, |xml| {
        let (start, end) = conditions(&xml);
        format!("{}{}{}", &xml[..end], &xml[start..end], &xml[end..])
    });
    refused(world.present(PatientDiscovery, &[&twice]), Class::Schema);
    let last = world.forge(&hcp, |xml| {
        let (start, end) = conditions(&xml);
        let close = xml.rfind("</saml2:Assertion>").unwrap();
        format!("{}{}{}{}", &xml[..start], &xml[end..close], &xml[start..end], &xml[close..])
    });
    refused(world.present(PatientDiscovery, &[&last]), Class::Schema);
    let one_time = world.forge(&hcp, |xml| {
        xml.replace("<saml2:AudienceRestriction>", "<saml2:OneTimeUse/><saml2:AudienceRestriction>")
    });
    refused(world.present(PatientDiscovery, &[&one_time]), Class::InvalidField);
}

#[test]
fn a_comment_cannot_cut_a_name_short() {
    let world = World::new();
    let hcp = world.hcp();
    // Exclusive canonicalisation drops comments, so the signature holds; the name must still be whole.
    let xml = hcp.xml.as_str().replace("house@hospital.example<", "house@<!---->hospital.example<");
    let admission = world.present(PatientDiscovery, &[&xml]).unwrap();
    assert_eq!(admission.hcp().content().name_id(), &name_id());
}

#[test]
fn sets_that_are_not_whole_or_ambiguous() {
    let world = World::new();
    let (hcp, other) = (world.hcp(), world.hcp());
    let trc = world.trc(&hcp);
    assert_eq!(refused(world.present(PatientDiscovery, &[]), Class::MissingField), Reason::NoAssertion);
    assert_eq!(
        refused(world.present(PatientSummary, &[hcp.xml.as_str()]), Class::MissingField),
        Reason::NoAssertion
    );
    assert_eq!(
        refused(world.present(PatientSummary, &[trc.xml.as_str()]), Class::MissingField),
        Reason::NoAssertion
    );
    let set = [hcp.xml.as_str(), other.xml.as_str(), trc.xml.as_str()];
    assert_eq!(refused(world.present(PatientSummary, &set), Class::InvalidField), Reason::Twice);
    let second = world.trc(&hcp);
    let set = [hcp.xml.as_str(), second.xml.as_str(), trc.xml.as_str()];
    assert_eq!(refused(world.present(PatientSummary, &set), Class::InvalidField), Reason::Twice);
}

#[test]
fn a_trc_of_another_session_subject_or_patient() {
    let world = World::new();
    let (hcp, other) = (world.hcp(), world.hcp());
    let trc = world.trc(&other);
    let reason = refused(
        world.present(PatientSummary, &[hcp.xml.as_str(), trc.xml.as_str()]),
        Class::InsufficientRights,
    );
    assert_eq!(reason, Reason::NotLinked);

    // Linked, but of another professional.
    let mut reference = reference(&hcp);
    reference.name_id = NameId { format: names::NAMEID_UNSPECIFIED.to_owned(), ..name_id() };
    let trc = world.issuer().trc(&reference, &treatment()).unwrap();
    let reason = refused(
        world.present(PatientSummary, &[hcp.xml.as_str(), trc.xml.as_str()]),
        Class::InsufficientRights,
    );
    assert_eq!(reason, Reason::OtherSubject);

    let trc = world.trc(&hcp);
    let admission = world.present(PatientSummary, &[hcp.xml.as_str(), trc.xml.as_str()]).unwrap();
    let reason = refused(admission.demand_patient(&patient("SOMEBODYELSE")), Class::InsufficientRights);
    assert_eq!(reason, Reason::OtherPatient);

    // The id stands second among the references.
    let trc = world.forge(&world.trc(&hcp), |xml| {
        xml.replace(
            "<saml2:AssertionIDRef>",
            "<saml2:AssertionIDRef>_other</saml2:AssertionIDRef><saml2:AssertionIDRef>",
        )
    });
    let reason = refused(world.present(PatientSummary, &[hcp.xml.as_str(), &trc]), Class::InsufficientRights);
    assert_eq!(reason, Reason::NotLinked);
}

#[test]
fn a_next_of_kin_is_never_taken_for_a_trc() {
    let world = World::new();
    let hcp = world.hcp();
    let nok = world.issuer().nok(&reference(&hcp), &relative()).unwrap();
    let reason =
        refused(world.present(PatientSummary, &[hcp.xml.as_str(), nok.xml.as_str()]), Class::MissingField);
    assert_eq!(reason, Reason::NoAssertion);
    // One of another session spoils the set.
    let other = world.hcp();
    let nok = world.issuer().nok(&reference(&other), &relative()).unwrap();
    let trc = world.trc(&hcp);
    let set = [hcp.xml.as_str(), nok.xml.as_str(), trc.xml.as_str()];
    assert_eq!(refused(world.present(PatientSummary, &set), Class::InsufficientRights), Reason::NotLinked);
}

#[test]
fn two_factors_where_asked_for() {
    let world = World::new();
    let password = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
    let hcp = world.issuer().hcp(&name_id(), password, &professional()).unwrap();
    world.present(PatientDiscovery, &[hcp.xml.as_str()]).unwrap();
    let strict = Profile { demand_two_factor: true, ..Profile::default() };
    let reason =
        refused(world.present_by("DK", PatientDiscovery, &[hcp.xml.as_str()], &strict), Class::InvalidField);
    assert_eq!(reason, Reason::OneFactor(password.to_owned()));
}

#[test]
fn empty_name_and_no_permission_at_all() {
    let world = World::new();
    let hcp = Hcp { permissions: Vec::new(), ..professional() };
    let issuer: Issuer<'_> = world.issuer();
    let hcp = issuer.hcp(&name_id(), names::SMARTCARD_PKI, &hcp).unwrap();
    refused(world.present(PatientDiscovery, &[hcp.xml.as_str()]), Class::InsufficientRights);
    forged(PatientDiscovery, Class::InvalidField, ">Grete Hansen &amp; Søn<", "><");
}
