//! Circle files: writing and reading, mistakes, signatures, tampering, rollback.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use konfido_circle::circle::signature::{KeyId, SignatureSet};
use konfido_circle::circle::{CircleSerial, Measurement, Tee, Trust, Validator, fingerprint};
use konfido_circle::pki::CountryPki;
use konfido_circle::{
    AcceptedCircle, Circle, CircleError, EndpointError, EndpointSource, HomeCommunityId, Member, Service,
    Usage,
};
use konfido_keys::software::{KeyKind, SoftwareSigner, generate_pkcs8};
use konfido_keys::{SignatureAlgorithm, Signer};
use proptest::prelude::*;
use secrecy::ExposeSecret;

use crate::pki::{country, denmark, italy, make, now};

/// IT, DK, ES, PT.
pub(crate) fn pkis() -> [&'static CountryPki; 4] {
    static MORE: OnceLock<[CountryPki; 2]> = OnceLock::new();
    let [es, pt] = MORE.get_or_init(|| ["ES", "PT"].map(make));
    [italy(), denmark(), es, pt]
}

fn member(pki: &CountryPki) -> Member {
    let arc = pki.country().as_str().bytes().map(u32::from).fold(0, |n, b| n * 100 + b);
    let home = HomeCommunityId::from_urn(&format!("urn:oid:2.16.17.710.{arc}.1000.990.1")).unwrap();
    let host = pki.country().as_str().to_lowercase();
    Member::of_pki(pki, format!("Country {}", pki.country()), home)
        .unwrap()
        .with_endpoint(Service::PatientIdentification, &format!("https://ncp.{host}.example:8443/xcpd"))
        .unwrap()
        .with_endpoint(Service::PatientSummary, &format!("https://ncp.{host}.example:8443/xca"))
        .unwrap()
}

pub(crate) fn four() -> Circle {
    let mut circle = Circle::new("test", now());
    for pki in pkis() {
        circle.add(member(pki));
    }
    circle
}

fn sign(file: &str, signers: &[&CountryPki]) -> String {
    let mut set = SignatureSet::default();
    for pki in signers {
        set.sign(file.as_bytes(), &pki.circle_signer().unwrap()).unwrap();
    }
    set.to_json().unwrap()
}

fn accept(file: &str, signatures: &str, trust: Trust<'_>) -> Result<AcceptedCircle, CircleError> {
    AcceptedCircle::accept(file.as_bytes(), signatures.as_bytes(), trust, now())
}

fn accepted(circle: &Circle) -> AcceptedCircle {
    let file = circle.to_toml();
    accept(&file, &sign(&file, &pkis()), Trust::DangerFirstUse).unwrap()
}

#[test]
fn four_members_make_a_circle() {
    let circle = four();
    assert_eq!(circle.quorum, 3);
    let accepted = accepted(&circle);
    assert_eq!(accepted.circle(), &circle);
    assert_eq!(accepted.signers(), ["DK", "ES", "IT", "PT"].map(country));
    let at = accepted.endpoint(country("IT"), Service::PatientSummary).unwrap();
    assert_eq!(at.to_string(), "https://ncp.it.example:8443/xca");
    assert_eq!(
        accepted.endpoint(country("IT"), Service::Consent).unwrap_err(),
        EndpointError::NotOffered { country: country("IT"), service: Service::Consent }
    );
    assert_eq!(
        accepted.endpoint(country("FR"), Service::Consent).unwrap_err(),
        EndpointError::NoMember(country("FR"))
    );
    let home = circle.member(country("DK")).unwrap().home_community.clone();
    assert_eq!(accepted.circle().member_of_community(&home).unwrap().country, country("DK"));

    let store = accepted.circle().trust_store(pkis().map(|p| p.crl().clone())).unwrap();
    for pki in pkis() {
        let checked =
            store.verify_certificate(pki.signing_rsa().certificate(), Usage::Signing, now()).unwrap();
        assert_eq!(checked.country(), pki.country());
    }
    let missing = circle.trust_store(pkis().into_iter().skip(1).map(|p| p.crl().clone())).unwrap_err();
    assert!(missing[0].to_string().contains("root of IT: no CRL"), "{missing:?}");
}

#[test]
fn the_quorum_must_sign_this_very_file() {
    let file = four().to_toml();
    let [it, dk, es, pt] = pkis();
    let verdict = |signatures: &str| match accept(&file, signatures, Trust::DangerFirstUse) {
        Ok(accepted) => accepted.signers().len(),
        Err(CircleError::Quorum { needed: 3, signed, predecessor: false }) => signed.len(),
        Err(other) => panic!("{other:?}"),
    };
    assert_eq!(verdict(&sign(&file, &[it, dk, es])), 3);
    assert_eq!(verdict(&sign(&file, &[it, dk])), 2);
    assert_eq!(verdict(&sign(&file, &[it, it, it])), 1);
    assert_eq!(verdict(&sign(&file, &[])), 0);
    assert_eq!(verdict(&sign(&file.replace("Country IT", "Country XX"), &[it, dk, es, pt])), 0);
    // A stranger's signature, and one by a key of another kind, add nothing.
    let mut set = SignatureSet::default();
    set.sign(file.as_bytes(), &fresh_key()).unwrap();
    assert_eq!(verdict(&set.to_json().unwrap()), 0);
    let rsa = it.signing_rsa().signer(SignatureAlgorithm::RsaPkcs1Sha256).unwrap();
    assert!(set.sign(file.as_bytes(), &rsa).is_err());
}

fn fresh_key() -> SoftwareSigner {
    let key = generate_pkcs8(KeyKind::EcdsaP256).unwrap();
    SoftwareSigner::from_pkcs8_der(key.expose_secret(), SignatureAlgorithm::EcdsaP256Sha256, None).unwrap()
}

#[test]
fn a_changed_byte_is_never_accepted() {
    let file = four().to_toml();
    let signatures = sign(&file, &pkis());
    for at in (0..file.len()).step_by(131) {
        let mut bytes = file.clone().into_bytes();
        bytes[at] ^= 1;
        let found = AcceptedCircle::accept(&bytes, signatures.as_bytes(), Trust::DangerFirstUse, now());
        assert!(found.is_err(), "byte {at}");
    }
    for bytes in [format!("{file}\n"), file.trim_end().to_owned(), file.replace('\n', "\r\n")] {
        assert!(accept(&bytes, &signatures, Trust::DangerFirstUse).is_err());
    }
    // The signature file: each value altered leaves three of four, two altered are too few.
    let damaged = |n: usize| {
        let mut json: serde_json::Value = serde_json::from_str(&signatures).unwrap();
        for entry in json["signatures"].as_array_mut().unwrap().iter_mut().take(n) {
            let mut value = URL_SAFE_NO_PAD.decode(entry["signature"].as_str().unwrap()).unwrap();
            value[5] ^= 1;
            entry["signature"] = URL_SAFE_NO_PAD.encode(value).into();
        }
        accept(&file, &json.to_string(), Trust::DangerFirstUse).map(|a| a.signers().len())
    };
    assert_eq!(damaged(1), Ok(3));
    assert!(matches!(damaged(2), Err(CircleError::Quorum { .. })));
}

#[test]
fn headers_other_than_ours_are_refused() {
    let file = four().to_toml();
    let signatures = sign(&file, &pkis());
    let ours = serde_json::json!({
        "alg": "ES256", "b64": false, "crit": ["b64"],
        "kid": KeyId::of(italy().circle_signer().unwrap().public_key_der()).as_str(), "typ": "konfido-circle",
    });
    let refused = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut header = ours.clone();
        change(&mut header);
        let mut json: serde_json::Value = serde_json::from_str(&signatures).unwrap();
        json["signatures"][0]["protected"] = URL_SAFE_NO_PAD.encode(header.to_string()).into();
        matches!(accept(&file, &json.to_string(), Trust::DangerFirstUse), Err(CircleError::SignatureFile(_)))
    };
    assert!(!refused(&|_| ()), "the header itself is fine");
    assert!(refused(&|h| h["alg"] = "none".into()));
    assert!(refused(&|h| h["alg"] = "HS256".into()));
    assert!(refused(&|h| h["b64"] = true.into()));
    assert!(refused(&|h| h["crit"] = serde_json::json!([])));
    assert!(refused(&|h| h["crit"] = serde_json::json!(["b64", "exp"])));
    assert!(refused(&|h| h["typ"] = "JWT".into()));
    assert!(refused(&|h| h["jku"] = "https://evil.example/keys".into()));
    assert!(refused(&|h| {
        h.as_object_mut().unwrap().remove("crit");
    }));
    let twice = |json: &str| SignatureSet::read(json.as_bytes()).unwrap_err().to_string();
    let mut json: serde_json::Value = serde_json::from_str(&signatures).unwrap();
    let first = json["signatures"][0].clone();
    json["signatures"].as_array_mut().unwrap().push(first);
    assert!(twice(&json.to_string()).contains("twice"));
    for bad in [
        "",
        "{}",
        "[]",
        "{\"signatures\":{}}",
        "{\"signatures\":[],\"payload\":\"\"}",
        "{\"signatures\":[]} x",
    ] {
        assert!(SignatureSet::read(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(SignatureSet::read(&vec![b' '; 200 * 1024]).is_err());
}

#[test]
fn editions_only_go_forward_and_by_the_will_of_both_quorums() {
    let [it, dk, es, pt] = pkis();
    let mut first = four();
    first.serial = CircleSerial::new(7).unwrap();
    let known = accepted(&first);
    let next = |change: &dyn Fn(&mut Circle), signers: &[&CountryPki]| {
        let mut circle = first.clone();
        circle.serial = circle.serial.next();
        change(&mut circle);
        let file = circle.to_toml();
        accept(&file, &sign(&file, signers), Trust::Successor(&known))
    };
    // The same file again is fine; a higher serial is fine.
    let file = first.to_toml();
    assert!(accept(&file, &sign(&file, &[it, dk, es]), Trust::Successor(&known)).is_ok());
    assert!(next(&|_| (), &[it, dk, es]).is_ok());
    // Rollback, fork, another circle.
    let old = next(&|c| c.serial = CircleSerial::new(6).unwrap(), &[it, dk, es, pt]).unwrap_err();
    assert_eq!(old, CircleError::Rollback { known: first.serial, found: CircleSerial::new(6).unwrap() });
    let fork = next(&|c| c.serial = CircleSerial::new(7).unwrap(), &[it, dk, es, pt]);
    assert!(fork.is_ok(), "the same content is the same file");
    let fork = |c: &mut Circle| {
        c.serial = CircleSerial::new(7).unwrap();
        c.issued = now() - SignedDuration::from_secs(1);
    };
    assert_eq!(next(&fork, &[it, dk, es, pt]).unwrap_err(), CircleError::Fork(first.serial));
    let other = next(&|c| c.name = "other".into(), &[it, dk, es, pt]).unwrap_err();
    assert_eq!(other, CircleError::OtherCircle { known: "test".into(), found: "other".into() });
    // Members cannot be dropped by fewer than the old quorum, even if the rest would be a quorum of the new file.
    let shrink = |c: &mut Circle| {
        c.members.retain(|country, _| ["IT", "DK"].contains(&country.as_str()));
        c.quorum = 2;
    };
    assert_eq!(
        next(&shrink, &[it, dk]).unwrap_err(),
        CircleError::Quorum { needed: 3, signed: vec![country("DK"), country("IT")], predecessor: true }
    );
    assert!(next(&shrink, &[it, dk, pt]).is_ok());
    // A member changes its key: the new key counts for the new file, the old one for the old.
    let fresh = fresh_key();
    let mut circle = first.clone();
    circle.serial = circle.serial.next();
    circle.members.get_mut(&country("IT")).unwrap().circle_key = fresh.public_key_der().to_vec();
    let file = circle.to_toml();
    let mut set = SignatureSet::read(sign(&file, &[it, dk, es]).as_bytes()).unwrap();
    let without = accept(&file, &set.to_json().unwrap(), Trust::Successor(&known)).unwrap_err();
    assert!(matches!(without, CircleError::Quorum { predecessor: false, .. }), "{without:?}");
    set.sign(file.as_bytes(), &fresh).unwrap();
    assert!(accept(&file, &set.to_json().unwrap(), Trust::Successor(&known)).is_ok());
}

#[test]
fn fingerprint_and_expiry() {
    let mut circle = four();
    circle.expires = Some(now() + SignedDuration::from_hours(1));
    let file = circle.to_toml();
    let signatures = sign(&file, &pkis());
    let print = fingerprint(file.as_bytes());
    assert!(accept(&file, &signatures, Trust::Fingerprint(print)).is_ok());
    let wrong = accept(&file, &signatures, Trust::Fingerprint([0; 32])).unwrap_err();
    assert_eq!(wrong, CircleError::Fingerprint);
    let later = now() + SignedDuration::from_hours(1);
    let late = AcceptedCircle::accept(file.as_bytes(), signatures.as_bytes(), Trust::DangerFirstUse, later);
    assert_eq!(late.unwrap_err(), CircleError::Expired(later));
}

#[test]
fn all_mistakes_at_once_each_with_its_line() {
    let good = four().to_toml();
    let bad = good
        .replacen("quorum = 3", "quorum = 9\ncolour = \"blue\"", 1)
        .replacen("country = \"ES\"", "country = \"es\"", 1)
        .replacen("https://ncp.it.example:8443/xca", "http://ncp.it.example/xca", 1)
        .replacen("[member.endpoints]", "[member.endpoints]\ncoffee = \"https://x\"", 1)
        .replacen("urn:oid:2.16.17.710.8084", "urn:oid:2.16.017.710.8084", 1)
        .replacen("name = \"Country DK\"", "name = 5", 1)
        + "\n[[measurement]]\ntee = \"sgx\"\nvalue = \"00\"\n\n[surprise]\n";
    let found = Circle::read(bad.as_bytes()).unwrap_err();
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    for part in [
        "line 7: `quorum` 9 is more than the 4 members",
        "line 8: unknown key `colour`",
        "member DK: `name` should be a string, not integer",
        "member DK, endpoints: unknown key `coffee`",
        "member 2: `country`: `es` is no country code",
        "member IT, endpoints: `patient-summary`: an `https` address is needed",
        "member PT: `home_community`:",
        "measurement 1: `role` is missing",
        "measurement 1: `value` of sgx is 32 bytes, not 1",
        "unknown key `surprise`",
    ] {
        assert!(shown.iter().any(|m| m.contains(part)), "{part} in {shown:#?}");
    }
    assert_eq!(shown.len(), 10, "{shown:#?}");
    assert!(found.is_sorted());
}

#[test]
fn each_rule_of_the_file() {
    let good = four().to_toml();
    let read = |from: &str, to: &str| -> Vec<String> {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "{from}");
        match Circle::read(changed.as_bytes()) {
            Ok(_) => Vec::new(),
            Err(found) => found.iter().map(|m| m.what().to_owned()).collect(),
        }
    };
    for (from, to, wanted) in [
        ("format = 1", "format = 2", "`format` 2 is not known"),
        ("format = 1", "", "`format` is missing"),
        ("serial = 1", "serial = 0", "`serial` starts at 1"),
        ("serial = 1", "serial = -1", "`serial` should be a whole number"),
        ("serial = 1", "serial = 18446744073709551616", "`serial` should be a whole number"),
        ("quorum = 3", "quorum = 2", "not more than half"),
        ("issued = 2026-11-23T12:00:00Z", "issued = 2026-11-23", "`issued`:"),
        ("quorum = 3", "quorum = 3\nexpires = 2026-11-23T12:00:00Z", "`expires` is not after `issued`"),
        ("country = \"ES\"", "country = \"DK\"", "DK is a member twice"),
        ("[member.endpoints]", "[member.endpoint]", "`endpoints` is missing"),
        ("https://ncp.dk.example:8443/xca", "https://u@ncp.dk.example/xca", "a user name"),
        ("https://ncp.dk.example:8443/xca", "https://ncp.dk.example/xca?a=b", "a query"),
        ("https://ncp.dk.example:8443/xca", "/xca", "an `https` address is needed"),
        ("-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE----", "exactly one PEM certificate"),
        ("circle_key = \"M", "circle_key = \"N", "a P-256 public key"),
        ("root = [", "root = []\nother = [", "`root` lists no certificate"),
        ("name = \"Country DK\"", "name = \" \"", "is empty"),
        ("name = \"test\"", "name = \"a\\nb\"", "one line"),
        ("[[member]]", "[[member]", ""),
    ] {
        let found = read(from, to);
        assert!(found.iter().any(|m| m.contains(wanted)), "{to}: {found:#?}");
    }
    let same_key = {
        let mut circle = four();
        let key = circle.members[&country("IT")].circle_key.clone();
        circle.members.get_mut(&country("DK")).unwrap().circle_key = key;
        Circle::read(circle.to_toml().as_bytes()).unwrap_err()
    };
    assert!(same_key[0].what().contains("another member's"), "{same_key:?}");
    assert!(Circle::read(&[0xff]).is_err());
    assert!(Circle::read(&vec![b'\n'; 2 << 20]).is_err());
    let empty = Circle::new("new", now()).to_toml();
    assert!(Circle::read(empty.as_bytes()).is_err());
    assert!(Circle::read_draft(empty.as_bytes()).is_ok());
}

/// Format 1 is frozen: this file, signed on 2026-11-23, is read and accepted by every later version, and written back
/// to the byte.
#[test]
fn format_1_stays_readable() {
    let file = include_bytes!("../samples/circle-v1.toml");
    let signatures = include_bytes!("../samples/circle-v1.toml.jws");
    let accepted = AcceptedCircle::accept(file, signatures, Trust::DangerFirstUse, now()).unwrap();
    assert_eq!(
        hex::encode(accepted.fingerprint()),
        "d0d8850233a3a38c0fe1accdad0b202c40cd345de58e678a1588fcbfb5407ca7"
    );
    let circle = accepted.circle();
    assert_eq!(circle.to_toml().as_bytes(), file);
    let it = circle.member(country("IT")).unwrap();
    assert_eq!((it.endpoints.len(), it.certificates.listed.len(), it.validators.len()), (2, 3, 1));
    assert!(circle.member(country("DK")).unwrap().certificates.listed.is_empty());
    assert_eq!(circle.measurements[0].min_svn, Some(2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn what_is_written_reads_back(
        name in "[^\\p{C}]{1,40}[a-z]",
        serial in 1..u64::MAX,
        key in any::<[u8; 32]>(),
        value in prop::collection::vec(any::<u8>(), 48),
        min_svn in prop::option::of(0..u64::MAX),
        port in 1..u16::MAX,
        seconds in 0..4_000_000_000i64,
    ) {
        let mut circle = four();
        circle.name = name.clone();
        circle.serial = CircleSerial::new(serial).unwrap();
        circle.issued = jiff::Timestamp::from_second(seconds).unwrap();
        circle.measurements.push(Measurement {
            tee: Tee::Tdx, role: name, value, min_svn, until: Some(circle.issued),
        });
        let it = circle.members.get_mut(&country("IT")).unwrap();
        it.validators.push(Validator { key, address: format!("ledger.it.example:{port}") });
        it.patient_authorities.insert("2.16.17".parse().unwrap());
        it.certificates.danger_without_revocation = true;
        let text = circle.to_toml();
        prop_assert_eq!(Circle::read(text.as_bytes()), Ok(circle));
    }

    #[test]
    fn reading_anything_never_panics(text in "(\\PC|\n|\\[|=|\"){0,200}") {
        let _ = Circle::read(text.as_bytes());
        let _ = SignatureSet::read(text.as_bytes());
    }
}
