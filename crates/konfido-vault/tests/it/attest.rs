//! Real Intel quotes and a real AMD report (the samples inside `dcap-qvl` and `sev`), their outdated ones, every byte
//! changed, every length cut, and time moved.

use std::path::PathBuf;
use std::process::Command;

use jiff::Timestamp;
use konfido_vault::attest::{Assurance, At, Policy, Refusal, TeeKind, verify};

/// Where cargo keeps the sources of a dependency that is pinned in our lock file.
fn source_of(package: &str) -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let manifest = metadata["packages"]
        .as_array()
        .and_then(|all| all.iter().find(|p| p["name"] == package))
        .and_then(|p| p["manifest_path"].as_str())
        .expect("the package is in the lock file");
    PathBuf::from(manifest).parent().expect("a manifest is in a folder").to_owned()
}

fn intel(name: &str) -> (Vec<u8>, Vec<u8>) {
    let samples = source_of("dcap-qvl").join("sample");
    (
        std::fs::read(samples.join(name)).expect("the sample ships with the crate"),
        std::fs::read(samples.join(format!("{name}_collateral.json"))).expect("its collateral too"),
    )
}

fn milan() -> (Vec<u8>, Vec<u8>) {
    let samples = source_of("sev").join("tests/certs_data");
    (
        std::fs::read(samples.join("report_milan.hex")).expect("the sample ships with the crate"),
        std::fs::read(samples.join("vcek_milan.der")).expect("its VCEK too"),
    )
}

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().expect("an instant")
}

#[test]
fn a_real_tdx_quote_is_accepted_at_its_issue_and_refused_by_the_strict_policy() {
    for name in ["tdx_quote", "tdx_quote_td15ex"] {
        let (quote, collateral) = intel(name);
        let claims = verify(&quote, Some(&collateral), At::Issue, now(), &Policy::default()).expect(name);
        assert_eq!(
            (claims.kind, claims.assurance, claims.tcb_status.as_str()),
            (TeeKind::Tdx, Assurance::HardwareTee, "UpToDate")
        );
        assert!(claims.notes.contains(&"dynamic-platform".to_owned()), "{:?}", claims.notes);
        let strict = verify(&quote, Some(&collateral), At::Issue, now(), &Policy::strict());
        assert!(matches!(strict, Err(Refusal::Policy(_))), "{strict:?}");
    }
}

#[test]
fn what_is_out_of_date_is_refused_for_that_reason() {
    let (quote, collateral) = intel("sgx_quote");
    let refused = verify(&quote, Some(&collateral), At::Issue, now(), &Policy::default());
    assert!(matches!(&refused, Err(Refusal::Policy(why)) if why.contains("INTEL-SA-00289")), "{refused:?}");
    let lenient =
        Policy { tcb_status: vec!["ConfigurationAndSWHardeningNeeded".to_owned()], ..Policy::default() };
    let claims = verify(&quote, Some(&collateral), At::Issue, now(), &lenient).expect("genuine all the same");
    assert_eq!(claims.kind, TeeKind::Sgx);
    let (quote, collateral) = intel("tdx_quote_outdated");
    let refused = verify(&quote, Some(&collateral), At::Issue, now(), &Policy::default());
    assert!(matches!(refused, Err(Refusal::Policy(_))), "{refused:?}");
}

#[test]
fn time_travel_is_refused() {
    let (quote, collateral) = intel("tdx_quote");
    for at in ["2020-01-01T00:00:00Z", "2035-01-01T00:00:00Z"] {
        let at = At::Time(at.parse().expect("an instant"));
        let refused = verify(&quote, Some(&collateral), at, now(), &Policy::default());
        assert!(matches!(refused, Err(Refusal::Expired(_))), "{refused:?}");
    }
    let (report, vcek) = milan();
    for at in ["2022-01-01T00:00:00Z", "2031-01-01T00:00:00Z"] {
        let at = At::Time(at.parse().expect("an instant"));
        let refused = verify(&report, Some(&vcek), at, now(), &Policy::default());
        assert!(matches!(refused, Err(Refusal::Expired(_))), "{refused:?}");
    }
}

/// Every seventh byte of a quote: a change inside the signed range is always refused, and one outside of it never changes
/// a claim.
#[test]
fn no_claim_comes_from_outside_the_signed_range() {
    let (quote, collateral) = intel("tdx_quote");
    let genuine = verify(&quote, Some(&collateral), At::Issue, now(), &Policy::default()).expect("genuine");
    let signed = 48 + 584;
    for index in (0..quote.len()).step_by(7) {
        let mut changed = quote.clone();
        changed[index] ^= 1;
        if let Ok(claims) = verify(&changed, Some(&collateral), At::Issue, now(), &Policy::default()) {
            assert!(index >= signed, "byte {index} is signed");
            assert_eq!(claims, genuine, "byte {index}");
        }
    }
    for length in [0, 1, 47, 48, 435, 436, 631, 632, 1000, 4000] {
        assert!(
            verify(&quote[..length], Some(&collateral), At::Issue, now(), &Policy::default()).is_err(),
            "{length}"
        );
    }
}

#[test]
fn a_real_milan_report_is_accepted_and_every_changed_byte_of_its_signed_range_refused() {
    let (report, vcek) = milan();
    let claims = verify(&report, Some(&vcek), At::Issue, now(), &Policy::default()).expect("genuine");
    assert_eq!((claims.kind, claims.assurance), (TeeKind::Snp, Assurance::HardwareTee));
    let raw = hex::decode(String::from_utf8(report).expect("text").trim()).expect("hexadecimal");
    assert_eq!(verify(&raw, Some(&vcek), At::Issue, now(), &Policy::default()).expect("as bytes"), claims);
    for index in (0..0x2A0).chain(0x2A0..0x2A0 + 144) {
        let mut changed = raw.clone();
        changed[index] ^= 1;
        let verdict = verify(&changed, Some(&vcek), At::Issue, now(), &Policy::default());
        assert!(verdict.is_err(), "byte {index} of the signed range or of the signature");
    }
    for length in [0, 1, 100, 500, 1183] {
        assert!(
            verify(&raw[..length], Some(&vcek), At::Issue, now(), &Policy::default()).is_err(),
            "{length}"
        );
    }
}

#[test]
fn a_report_below_the_demanded_patch_level_is_refused() {
    let (report, vcek) = milan();
    let policy = Policy { min_snp_tcb: [0, 0, 0, 255], ..Policy::default() };
    let refused = verify(&report, Some(&vcek), At::Issue, now(), &policy);
    assert!(matches!(refused, Err(Refusal::Policy(_))), "{refused:?}");
}

#[test]
fn a_turin_certificate_does_not_serve_for_a_milan_report() {
    let (report, _) = milan();
    let turin = std::fs::read(source_of("sev").join("tests/certs_data/vcek_turin.der"))
        .expect("it ships with the crate");
    let refused = verify(&report, Some(&turin), At::Issue, now(), &Policy::default());
    assert!(matches!(refused, Err(Refusal::Collateral(_))), "{refused:?}");
}

#[test]
fn only_listed_measurements_are_admitted() {
    let (quote, collateral) = intel("tdx_quote");
    let measurement =
        verify(&quote, Some(&collateral), At::Issue, now(), &Policy::default()).expect("genuine").measurement;
    let listed = Policy { measurements: vec![measurement], ..Policy::default() };
    assert!(verify(&quote, Some(&collateral), At::Issue, now(), &listed).is_ok());
    let other = Policy { measurements: vec!["00".repeat(48)], ..Policy::default() };
    let refused = verify(&quote, Some(&collateral), At::Issue, now(), &other);
    assert!(matches!(refused, Err(Refusal::Measurement(_))), "{refused:?}");
}

#[test]
fn bytes_that_are_no_evidence_are_unreadable() {
    for bytes in [&b""[..], b"hello", &[0u8; 5000], &[0xFF; 1184]] {
        let refused = verify(bytes, None, At::Now, now(), &Policy::default());
        assert!(matches!(refused, Err(Refusal::Unreadable(_))), "{refused:?}");
    }
}
