//! Certificates, good and bad, each with its verdict.

use jiff::{SignedDuration, Timestamp};
use konfido_circle::pki::{CountryPki, Issued, LeafRequest};
use konfido_circle::{CertificateError, TrustStore, Usage};
use konfido_keys::software::SystemRng;
use rustls_pki_types::{CertificateDer, ServerName};

use crate::pki::{country, denmark, italy, make, now};

fn leaf(pki: &CountryPki, request: &LeafRequest) -> Issued {
    pki.issue(request, &SystemRng).unwrap()
}

fn store() -> TrustStore {
    denmark().trusted_by(italy().trusted_by(TrustStore::builder())).build().unwrap()
}

/// The verdict in one word, to compare.
fn verdict(store: &TrustStore, leaf: &CertificateDer<'_>, usage: Usage, at: Timestamp) -> String {
    match store.verify_certificate(leaf, usage, at) {
        Ok(checked) => format!("good {}", checked.country()),
        Err(e) => e.code().to_owned(),
    }
}

#[test]
fn each_certificate_gets_its_verdict() {
    let [it, dk] = [italy(), denmark()];
    let new = |usage| LeafRequest::new(country("IT"), usage, now());
    let stranger = make("FR");
    let it_again = make("IT");
    let cert = |issued: &Issued| issued.certificate().clone();
    let mut tampered = it.signing().certificate().to_vec();
    *tampered.last_mut().unwrap() ^= 1;
    let mut longer = it.signing().certificate().to_vec();
    longer.push(0);

    let cases: Vec<(&str, CertificateDer<'_>, Usage, &str)> = vec![
        ("signing RSA", cert(it.signing_rsa()), Usage::Signing, "good IT"),
        ("signing ECDSA", cert(it.signing()), Usage::Signing, "good IT"),
        ("TLS server", cert(it.tls_server()), Usage::TlsServer, "good IT"),
        ("TLS client", cert(dk.tls_client()), Usage::TlsClient, "good DK"),
        ("one more", cert(&leaf(it, &new(Usage::TlsClient))), Usage::TlsClient, "good IT"),
        ("expired", cert(&leaf(it, &new(Usage::Signing).expired(now()))), Usage::Signing, "expired"),
        (
            "early",
            cert(&leaf(it, &new(Usage::Signing).not_yet_valid(now()))),
            Usage::Signing,
            "not-yet-valid",
        ),
        ("stranger", cert(stranger.signing()), Usage::Signing, "unknown-issuer"),
        ("same name, other key", cert(it_again.signing()), Usage::Signing, "bad-signature"),
        (
            "of DK by IT",
            cert(&leaf(it, &new(Usage::Signing).of_country(Some(country("DK"))))),
            Usage::Signing,
            "wrong-country",
        ),
        (
            "of FR by IT",
            cert(&leaf(it, &new(Usage::Signing).of_country(Some(country("FR"))))),
            Usage::Signing,
            "wrong-country",
        ),
        (
            "of nobody by IT",
            cert(&leaf(it, &new(Usage::Signing).of_country(None))),
            Usage::Signing,
            "wrong-country",
        ),
        ("client as server", cert(it.tls_client()), Usage::TlsServer, "wrong-usage"),
        ("server as client", cert(it.tls_server()), Usage::TlsClient, "wrong-usage"),
        ("server as signer", cert(it.tls_server()), Usage::Signing, "wrong-usage"),
        ("client as signer", cert(it.tls_client()), Usage::Signing, "wrong-usage"),
        ("signer as client", cert(it.signing()), Usage::TlsClient, "wrong-usage"),
        ("root as signer", cert(it.root()), Usage::Signing, "wrong-usage"),
        ("tampered", tampered.into(), Usage::Signing, "bad-signature"),
        ("trailing byte", longer.into(), Usage::Signing, "malformed"),
        ("empty", CertificateDer::from(Vec::new()), Usage::Signing, "malformed"),
        ("noise", CertificateDer::from(vec![0x30; 500]), Usage::Signing, "malformed"),
    ];
    let store = store();
    for (name, der, usage, wanted) in cases {
        assert_eq!(verdict(&store, &der, usage, now()), wanted, "{name}");
    }
}

#[test]
fn the_clock_decides_at_every_use() {
    let store = store();
    let signing = italy().signing().certificate();
    let day = SignedDuration::from_hours(24);
    let at = |days: i32| verdict(&store, signing, Usage::Signing, now() + day * days);
    assert_eq!(at(-1), "not-yet-valid");
    assert_eq!(at(0), "good IT");
    assert_eq!(at(179), "good IT");
    assert_eq!(at(181), "revocation-unknown", "the CRL is past its next update");
    assert_eq!(at(731), "expired");
}

#[test]
fn revoked_is_revoked_and_only_that() {
    let mut pki = make("PT");
    let new = LeafRequest::new(country("PT"), Usage::TlsClient, now());
    let [first, second, third] = [(); 3].map(|()| leaf(&pki, &new));
    pki.revoke(first.certificate(), now()).unwrap();
    let old_crl = pki.crl().clone();
    pki.revoke(second.certificate(), now() + SignedDuration::from_secs(5)).unwrap();
    // The older list beside the newer one changes nothing.
    for builder in [TrustStore::builder(), TrustStore::builder().crl(old_crl)] {
        let store = pki.trusted_by(builder).build().unwrap();
        for (issued, wanted) in [(&first, "revoked"), (&second, "revoked"), (&third, "good PT")] {
            assert_eq!(verdict(&store, issued.certificate(), Usage::TlsClient, now()), wanted);
        }
    }
    pki.renew_crl(now() + SignedDuration::from_hours(24 * 100)).unwrap();
    let store = pki.trusted_by(TrustStore::builder()).build().unwrap();
    let later = now() + SignedDuration::from_hours(24 * 200);
    assert_eq!(verdict(&store, first.certificate(), Usage::TlsClient, later), "revoked");
    assert_eq!(verdict(&store, third.certificate(), Usage::TlsClient, later), "good PT");
    assert!(pki.revoke(italy().signing().certificate(), now()).is_err(), "another root's certificate");
}

#[test]
fn listed_certificates_exclude_all_others() {
    let it = italy();
    let store = it
        .trusted_by(TrustStore::builder())
        .listed(country("IT"), Usage::Signing, it.signing_rsa().certificate().clone())
        .build()
        .unwrap();
    assert_eq!(verdict(&store, it.signing_rsa().certificate(), Usage::Signing, now()), "good IT");
    assert_eq!(verdict(&store, it.signing().certificate(), Usage::Signing, now()), "not-listed");
    assert_eq!(verdict(&store, it.tls_client().certificate(), Usage::TlsClient, now()), "good IT");
    let checked = store.verify_certificate(it.signing_rsa().certificate(), Usage::Signing, now()).unwrap();
    let found: Vec<_> = store.listed_with_key(Usage::Signing, checked.spki_der()).collect();
    assert_eq!(found, [(country("IT"), it.signing_rsa().certificate())]);
    assert_eq!(store.listed_with_key(Usage::TlsClient, checked.spki_der()).count(), 0);
}

#[test]
fn server_names_are_checked() {
    let store = store();
    let check = |name: &str| {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        store.verify_tls_server(italy().tls_server().certificate(), &[], &name, now())
    };
    for good in ["localhost", "127.0.0.1", "::1"] {
        assert_eq!(check(good).unwrap().common_name(), Some("ncp-a.konfido.it"));
    }
    for bad in ["example.org", "127.0.0.2", "ncp-a.konfido.it"] {
        assert_eq!(check(bad).unwrap_err(), CertificateError::WrongName { wanted: bad.into() });
    }
}

#[test]
fn a_store_reports_all_mistakes_of_its_material() {
    let it = italy();
    let mistakes = TrustStore::builder()
        .root(country("IT"), it.root().certificate().clone())
        .root(country("ES"), it.signing().certificate().clone())
        .root(country("PT"), CertificateDer::from(vec![1, 2, 3]))
        .crl(vec![1, 2, 3].into())
        .listed(country("DK"), Usage::Signing, it.signing().certificate().clone())
        .build()
        .unwrap_err();
    let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 5, "{shown:#?}");
    for part in
        ["IT: no CRL", "ES: not a CA", "PT: certificate cannot", "CRL: ", "DK: the country has no root"]
    {
        assert!(shown.iter().any(|m| m.contains(part)), "{part} in {shown:#?}");
    }
    // A CRL that somebody else signed in the root's name is no CRL of the root.
    let other = make("IT");
    let forged = TrustStore::builder()
        .root(country("IT"), it.root().certificate().clone())
        .crl(other.crl().clone())
        .build()
        .unwrap_err();
    assert!(forged.iter().any(|m| m.to_string().contains("not signed by its issuer")), "{forged:#?}");
}

#[test]
fn without_crl_only_when_said_aloud() {
    let it = italy();
    let root = || TrustStore::builder().root(country("IT"), it.root().certificate().clone());
    assert!(root().build().is_err());
    let store = root().danger_without_revocation(country("IT")).build().unwrap();
    assert_eq!(verdict(&store, it.signing().certificate(), Usage::Signing, now()), "good IT");
    // Beside a member that needs its CRL, the exception is the other's alone.
    let store = denmark().trusted_by(root().danger_without_revocation(country("IT"))).build().unwrap();
    assert_eq!(verdict(&store, it.signing().certificate(), Usage::Signing, now()), "good IT");
    assert_eq!(verdict(&store, denmark().signing().certificate(), Usage::Signing, now()), "good DK");
}

#[test]
fn a_folder_of_the_pki_is_trust_material_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    assert!(TrustStore::builder().folder(dir.path()).is_err(), "empty");
    for pki in [italy(), denmark()] {
        pki.write(&dir.path().join(pki.country().as_str())).unwrap();
    }
    std::fs::write(dir.path().join("README"), "not a country").unwrap();
    let store = TrustStore::builder().folder(dir.path()).unwrap().build().unwrap();
    assert_eq!(store.countries(), [country("DK"), country("IT")].into());
    assert_eq!(verdict(&store, denmark().signing_rsa().certificate(), Usage::Signing, now()), "good DK");
    assert_eq!(konfido_circle::trust::crls_in_folder(dir.path()).unwrap().len(), 2);
    std::fs::remove_file(dir.path().join("IT/crl.pem")).unwrap();
    assert!(TrustStore::builder().folder(dir.path()).unwrap().build().is_err(), "no CRL");
    std::fs::write(dir.path().join("IT/root.pem"), "-----BEGIN CERTIFICATE-----\n?").unwrap();
    assert!(TrustStore::builder().folder(dir.path()).is_err(), "no PEM");
}

/// Certificates of a recorded OpenNCP, which has no CRL.
#[test]
fn certificates_of_a_recorded_openncp() {
    use rustls_pki_types::pem::PemObject;
    let Some(fixtures) = std::env::var_os("KONFIDO_FIXTURES") else {
        assert_ne!(
            std::env::var("KONFIDO_REQUIRE_FIXTURES").as_deref(),
            Ok("1"),
            "KONFIDO_FIXTURES is not set"
        );
        eprintln!("SKIPPED: KONFIDO_FIXTURES is not set, the recorded OpenNCP certificates are not read");
        return;
    };
    let dir = std::path::Path::new(&fixtures).join("openncp/recorded/certs");
    let read = |name: &str| CertificateDer::from_pem_file(dir.join(name)).unwrap();
    let store = TrustStore::builder()
        .root(country("BE"), read("ca.pem"))
        .danger_without_revocation(country("BE"))
        .build()
        .unwrap();
    let at = "2026-11-23T18:30:00Z".parse().unwrap();
    for (name, usage) in
        [("sp.pem", Usage::TlsServer), ("sc.pem", Usage::TlsClient), ("sig.pem", Usage::Signing)]
    {
        assert_eq!(verdict(&store, &read(name), usage, at), "good BE", "{name}");
    }
    assert_eq!(verdict(&store, &read("sc.pem"), Usage::Signing, at), "wrong-usage");
    assert_eq!(verdict(&store, &read("sig.pem"), Usage::Signing, now()), "not-yet-valid");
}
