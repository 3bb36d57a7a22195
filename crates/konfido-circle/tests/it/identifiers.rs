//! Identifiers: what is read, what is refused, and that writing and reading are each other's inverse.

use konfido_circle::{CountryCode, HomeCommunityId, Oid, PatientId, Personal};
use proptest::prelude::*;

#[test]
fn countries() {
    for good in ["IT", "DK", "EL", "EU"] {
        assert_eq!(CountryCode::new(good).unwrap().to_string(), good);
    }
    for bad in ["", "I", "it", "ITA", "I1", "Ü", " I", "IT "] {
        assert!(CountryCode::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn object_identifiers() {
    for good in ["2.16.17.710.813.1000.990.1", "1.3.6.1.4.1.12559.11.10.1.3.1.1.3", "0.39", "2.999"] {
        assert_eq!(Oid::new(good).unwrap().as_str(), good);
    }
    let long = format!("2.{}", "9".repeat(200));
    for bad in
        ["", "2", "2.", ".2", "2..1", "3.1", "1.40", "2.01", "2.a", "2.-1", "2.1 ", "urn:oid:2.1", &long]
    {
        assert!(Oid::new(bad).is_err(), "{bad}");
    }
    assert!(Oid::new(long).unwrap_err().to_string().len() < 200);
}

#[test]
fn home_communities() {
    let id = HomeCommunityId::from_urn("urn:oid:2.16.17.710.813.1000.990.1").unwrap();
    assert_eq!(id.urn(), "urn:oid:2.16.17.710.813.1000.990.1");
    assert_eq!(id.oid().as_str(), "2.16.17.710.813.1000.990.1");
    for bad in ["2.16.17", "urn:oid:", "URN:OID:2.16", "urn:oid:urn:oid:2.16", "urn:uuid:2.16"] {
        assert!(HomeCommunityId::from_urn(bad).is_err(), "{bad}");
    }
}

#[test]
fn patients() {
    let id = PatientId::parse_cx("2-1234-W8^^^&2.16.17.710.850.1000.990.1.1000&ISO").unwrap();
    assert_eq!(id.extension().reveal(), "2-1234-W8");
    assert_eq!(id.root().as_str(), "2.16.17.710.850.1000.990.1.1000");
    for (cx, plain) in [("a\\F\\b^^^&2.1&ISO", "a|b"), ("a|b^^^&2.1&ISO", "a|b"), ("a\\b^^^&2.1&ISO", "a\\b")]
    {
        assert_eq!(PatientId::parse_cx(cx).unwrap().extension().reveal(), plain);
    }
    let long = format!("{}^^^&2.1&ISO", "x".repeat(300));
    for bad in [
        "",
        "x",
        "x^^^",
        "^^^&2.1&ISO",
        "x^^^&2.1&UUID",
        "x^^^&2.1&ISO&",
        "x^^^&2.1&ISO^",
        "x^^&2.1&ISO",
        "x^y^^&2.1&ISO",
        "x^^^n&2.1&ISO",
        "x^^^&two&ISO",
        "x&y^^^&2.1&ISO",
        "x\n^^^&2.1&ISO",
        "'x^^^&2.1&ISO'",
        &long,
    ] {
        let error = PatientId::parse_cx(bad).unwrap_err().to_string();
        assert!(!error.contains('x') || error.contains("extension"), "{error}");
    }
}

#[test]
fn personal_data_does_not_print() {
    let id = PatientId::parse_cx("2-1234-W8^^^&2.1&ISO").unwrap();
    assert_eq!(format!("{id:?}"), "PatientId { root: 2.1, extension: [personal] }");
    let name = Personal::new("Marie");
    assert_eq!(
        format!("{name} {name:?} {:#?}", Some(&name)),
        "[personal] [personal] Some(\n    [personal],\n)"
    );
    assert_eq!(name.map(str::len).reveal(), &5);
}

proptest! {
    #[test]
    fn patient_ids_survive_writing_and_reading(ext in "\\PC{1,60}", arcs in prop::collection::vec(0u32.., 1..8)) {
        let root = arcs.iter().fold("2".to_owned(), |oid, arc| format!("{oid}.{arc}"));
        let id = PatientId::new(Oid::new(root).unwrap(), ext).unwrap();
        let again = PatientId::parse_cx(&id.to_cx()).unwrap();
        prop_assert!(again == id);
    }

    #[test]
    fn reading_anything_never_panics(text in "\\PC*") {
        let _ = (CountryCode::new(&text), Oid::new(text.as_str()), HomeCommunityId::from_urn(&text));
        if let Ok(id) = PatientId::parse_cx(&text) {
            prop_assert!(PatientId::parse_cx(&id.to_cx()).unwrap() == id);
        }
    }

    #[test]
    fn near_misses_are_read_the_same_way_twice(text in "[a\\\\FSTRE|^&~.0-9]{0,20}\\^\\^\\^&[0-9.]{1,10}&ISO") {
        if let Ok(id) = PatientId::parse_cx(&text) {
            prop_assert!(PatientId::parse_cx(&id.to_cx()).unwrap() == id);
        }
    }

    #[test]
    fn oids_survive_json_like_text(text in "[0-2](\\.[0-9]{1,4}){1,8}") {
        if let Ok(oid) = Oid::new(text.as_str()) {
            prop_assert_eq!(oid.to_string(), text);
            let home = HomeCommunityId::new(oid);
            prop_assert_eq!(&HomeCommunityId::from_urn(&home.urn()).unwrap(), &home);
        }
    }
}
