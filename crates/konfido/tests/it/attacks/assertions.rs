//! Attacks on the assertions: who says so, when, to whom, and of whom.

use jiff::SignedDuration;
use konfido_ihe::{ClassCode, DocumentClass};
use konfido_keys::software::SoftwareSigner;
use konfido_saml::vocabulary::PurposeOfUse;
use konfido_saml::{Hcp, Issued};

use super::{Attack, Expect};
use crate::request::{Ask, cut, forge, hours, sign};
use crate::world::{Who, World, doctor, treatment};

const LUCIA: &str = "SYN-0001";
const GENERIC: Expect = Expect::Xcpd("ERROR_PI_GENERIC");
const MISSING: Expect = Expect::Xcpd("ERROR_PI_MISSING_REQUIRED_FIELDS");
const FORMAT: Expect = Expect::Xcpd("ERROR_PI_INCORRECT_FORMATTING");
const RIGHTS: Expect = Expect::Xcpd("4703");
const INTEGRITY: Expect = Expect::Xcpd("ERROR_SEC_DATA_INTEGRITY_NOT_ENSURED");

/// An identification with one assertion.
fn identify(name: &'static str, make: impl Fn(&World) -> String + 'static, expect: Expect) -> Attack {
    Attack::new(name, move |w| Ask::identify_with(vec![make(w)], &[LUCIA]).shot(), expect)
}

/// An identification with an assertion that Denmark signed with these words changed.
fn worded(name: &'static str, changes: &'static [(&'static str, &'static str)], expect: Expect) -> Attack {
    identify(name, move |w| forge(&w.hcp(), &w.dk, changes), expect)
}

/// An identification with Denmark's assertion signed by another key.
fn signed(name: &'static str, key: fn(&World) -> &SoftwareSigner, expect: Expect) -> Attack {
    identify(name, move |w| forge(&w.hcp(), key(w), &[]), expect)
}

/// A list with a treatment relationship of the attacker's making.
fn relation(name: &'static str, make: fn(&World, &Issued) -> String, code: &'static str) -> Attack {
    let shot = move |w: &World| {
        let hcp = w.hcp();
        let trc = make(w, &hcp);
        list(vec![hcp.xml.into_string(), trc]).shot()
    };
    Attack::new(name, shot, Expect::Registry(code))
}

fn list(assertions: Vec<String>) -> Ask {
    Ask::list_with(assertions, LUCIA, vec![ClassCode::Known(DocumentClass::PatientSummary)])
}

pub(super) fn rows() -> Vec<Attack> {
    let mut rows = professional();
    rows.extend(relationship());
    rows.extend(replays());
    rows
}

fn professional() -> Vec<Attack> {
    vec![
        Attack::new(
            "a member's certificate with another country's assertion",
            |w| Ask::identify(w, &[LUCIA]).by(Who::Portugal).shot(),
            GENERIC,
        ),
        Attack::new("no assertion", |_| Ask::identify_with(Vec::new(), &[LUCIA]).shot(), MISSING),
        Attack::new(
            "no security header",
            |w| {
                Ask::identify(w, &[LUCIA]).changed(|xml| {
                    let start = xml.find("<wsse:Security").unwrap();
                    let end = xml.find("</wsse:Security>").unwrap() + "</wsse:Security>".len();
                    format!("{}{}", &xml[..start], &xml[end..])
                })
            },
            MISSING,
        ),
        identify("unsigned", |w| cut(w.hcp().xml.as_str()).0, MISSING),
        identify("another name", |w| w.hcp().xml.as_str().replace("Anne Proeve", "Eve Mallory"), GENERIC),
        identify("another permission", |w| w.hcp().xml.as_str().replace("PRD-006", "PRD-007"), GENERIC),
        identify(
            "another signature value",
            |w| {
                let xml = w.hcp().xml.into_string();
                let at = xml.find("SignatureValue>").unwrap() + "SignatureValue>".len() + 20;
                let other = if &xml[at..=at] == "A" { "B" } else { "A" };
                format!("{}{other}{}", &xml[..at], &xml[at + 1..])
            },
            GENERIC,
        ),
        identify(
            "no certificate in the signature",
            |w| {
                let xml = w.hcp().xml.into_string();
                let start = xml.find("<ds:KeyInfo").unwrap();
                let end = xml.find("</ds:KeyInfo>").unwrap() + "</ds:KeyInfo>".len();
                format!("{}{}", &xml[..start], &xml[end..])
            },
            GENERIC,
        ),
        signed("signed by another member", |w| &w.pt, GENERIC),
        signed("signed by a stranger", |w| &w.stranger, GENERIC),
        signed("signed with an expired certificate", |w| &w.dk_expired, GENERIC),
        signed("signed with a revoked certificate", |w| &w.dk_revoked, GENERIC),
        signed("signed with the key of a tls client", |w| &w.dk_client, GENERIC),
        identify("expired", |w| w.hcp_issued(hours(5), &doctor()).xml.into_string(), FORMAT),
        identify("not yet valid", |w| w.hcp_issued(hours(-1), &doctor()).xml.into_string(), FORMAT),
        identify("a life of five hours", |w| longer(w, &w.hcp()), FORMAT),
        worded("another audience", &[(":x-border<", ":national<")], FORMAT),
        worded("another kind of assertion", &[("assertions:hcp", "assertions:admin")], FORMAT),
        worded("no kind of assertion", &[(" NameQualifier=\"urn:ehdsi:assertions:hcp\"", "")], MISSING),
        worded("another country as its issuer", &[("urn:idp:DK:", "urn:idp:PT:")], GENERIC),
        worded("a bearer token", &[("cm:sender-vouches", "cm:bearer")], FORMAT),
        worded("another version of saml", &[("Version=\"2.0\"", "Version=\"1.1\"")], INTEGRITY),
        worded("an unknown role", &[("code=\"221\"", "code=\"999\"")], FORMAT),
        worded("a role under another name", &[("Medical Doctors", "Witch Doctors")], RIGHTS),
        worded("a missing permission", &[("PRD-006", "PRD-999")], RIGHTS),
        worded("a purpose that is none", &[("code=\"TREATMENT\"", "code=\"CURIOSITY\"")], RIGHTS),
        worded("a house that is none", &[(">Hospital<", ">Garage<")], FORMAT),
        worded("no name", &[(">Anne Proeve<", "><")], FORMAT),
        Attack::new(
            "two professionals",
            |w| {
                Ask::identify_with(vec![w.hcp().xml.into_string(), w.hcp().xml.into_string()], &[LUCIA])
                    .shot()
            },
            FORMAT,
        ),
    ]
}

fn relationship() -> Vec<Attack> {
    vec![
        Attack::new(
            "no treatment relationship",
            |w| list(vec![w.hcp().xml.into_string()]).shot(),
            Expect::Registry("ERROR_PS_MISSING_REQUIRED_FIELDS"),
        ),
        Attack::new(
            "a relationship without a professional",
            |w| list(vec![w.trc(&w.hcp(), LUCIA).xml.into_string()]).shot(),
            Expect::Registry("ERROR_PS_MISSING_REQUIRED_FIELDS"),
        ),
        relation(
            "a relationship to another patient",
            |w, hcp| w.trc(hcp, "SYN-0002").xml.into_string(),
            "4206",
        ),
        relation(
            "a relationship of another session",
            |w, _| w.trc(&w.hcp(), LUCIA).xml.into_string(),
            "4703",
        ),
        relation(
            "an expired relationship",
            |w, hcp| {
                w.trc_issued(hours(3), hcp, &treatment(LUCIA, PurposeOfUse::Treatment)).xml.into_string()
            },
            "ERROR_PS_INCORRECT_FORMATTING",
        ),
        relation(
            "a relationship of tomorrow",
            |w, hcp| {
                w.trc_issued(hours(-24), hcp, &treatment(LUCIA, PurposeOfUse::Treatment)).xml.into_string()
            },
            "ERROR_PS_INCORRECT_FORMATTING",
        ),
        relation(
            "a relationship of three hours",
            |w, hcp| longer(w, &w.trc(hcp, LUCIA)),
            "ERROR_PS_INCORRECT_FORMATTING",
        ),
        relation(
            "an unsigned relationship",
            |w, hcp| cut(w.trc(hcp, LUCIA).xml.as_str()).0,
            "ERROR_PS_MISSING_REQUIRED_FIELDS",
        ),
        relation(
            "a relationship changed to another patient",
            |w, hcp| w.trc(hcp, "SYN-0002").xml.as_str().replace("SYN-0002", LUCIA),
            "ERROR_SEC_GENERIC",
        ),
        relation(
            "a relationship that another member confirms",
            |w, hcp| forge(&w.trc(hcp, LUCIA), &w.pt, &[]),
            "ERROR_SEC_GENERIC",
        ),
        relation(
            "a relationship that is an identity",
            |w, hcp| forge(&w.trc(hcp, LUCIA), &w.dk, &[("assertions:trc", "assertions:hcp")]),
            "ERROR_PS_INCORRECT_FORMATTING",
        ),
        relation(
            "a next of kin for a relationship",
            |w, hcp| w.next_of_kin(hcp).xml.into_string(),
            "ERROR_PS_MISSING_REQUIRED_FIELDS",
        ),
        Attack::new(
            "an emergency that a clerk declares",
            |w| {
                let clerk = Hcp { role: konfido_saml::vocabulary::Role::ClericalWorker, ..doctor() };
                let hcp = w.hcp_issued(SignedDuration::ZERO, &clerk);
                let trc = treatment(LUCIA, PurposeOfUse::Emergency);
                let trc = w.trc_issued(SignedDuration::ZERO, &hcp, &trc);
                list(vec![hcp.xml.into_string(), trc.xml.into_string()]).shot()
            },
            Expect::Registry("4703"),
        ),
    ]
}

fn replays() -> Vec<Attack> {
    vec![
        Attack::after(
            "the same message id with another body",
            |w| {
                let first = Ask::identify(w, &[LUCIA]);
                let second = Ask {
                    message_id: first.message_id.clone(),
                    ..Ask::identify_with(first.assertions.clone(), &["SYN-0002"])
                };
                vec![first.shot(), second.shot()]
            },
            INTEGRITY,
        ),
        Attack::after(
            "the same message id with another assertion",
            |w| {
                let first = Ask::identify(w, &[LUCIA]);
                let second = Ask { assertions: vec![w.hcp().xml.into_string()], ..first.clone() };
                vec![first.shot(), second.shot()]
            },
            INTEGRITY,
        ),
        Attack::after(
            "the same message from another member",
            |w| {
                let first = Ask::identify(w, &[LUCIA]);
                let second = first.clone().by(Who::Portugal);
                vec![first.shot(), second.shot()]
            },
            GENERIC,
        ),
        Attack::after(
            "another member's message id",
            |w| {
                let first = Ask::identify(w, &[LUCIA]);
                let second = Ask { assertions: vec![w.portuguese_hcp().xml.into_string()], ..first.clone() };
                vec![first.shot(), second.by(Who::Portugal).shot()]
            },
            INTEGRITY,
        ),
    ]
}

/// An assertion of one hour more than it was issued for, signed by Denmark.
fn longer(world: &World, issued: &Issued) -> String {
    let end = |at: jiff::Timestamp| format!("NotOnOrAfter=\"{at:.3}\"");
    let later = issued.not_on_or_after.checked_add(hours(1)).unwrap();
    let xml = cut(issued.xml.as_str()).0;
    let changed = xml.replace(&end(issued.not_on_or_after), &end(later));
    assert_ne!(xml, changed, "no end in {xml}");
    sign(&changed, &world.dk)
}
