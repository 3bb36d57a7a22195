//! Development PKIs for the tests, made once (RSA keys take their time), and what they look like on disk.

use std::sync::OnceLock;

use jiff::Timestamp;
use konfido_circle::CountryCode;
use konfido_circle::pki::{CountryPki, PkiRequest};
use konfido_keys::software::SystemRng;
use konfido_keys::{SignatureAlgorithm, Signer};

/// The instant at which all tests of this crate play.
pub(crate) fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

pub(crate) fn country(code: &str) -> CountryCode {
    CountryCode::new(code).unwrap()
}

pub(crate) fn make(code: &str) -> CountryPki {
    CountryPki::generate(&PkiRequest::local(country(code), now()), &SystemRng).unwrap()
}

pub(crate) fn italy() -> &'static CountryPki {
    static PKI: OnceLock<CountryPki> = OnceLock::new();
    PKI.get_or_init(|| make("IT"))
}

pub(crate) fn denmark() -> &'static CountryPki {
    static PKI: OnceLock<CountryPki> = OnceLock::new();
    PKI.get_or_init(|| make("DK"))
}

#[test]
fn what_is_written_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("IT");
    italy().write(&home).unwrap();
    let again = CountryPki::read(&home).unwrap();
    assert_eq!(again.country(), country("IT"));
    for (ours, theirs) in [
        (italy().root(), again.root()),
        (italy().tls_server(), again.tls_server()),
        (italy().tls_client(), again.tls_client()),
        (italy().signing(), again.signing()),
        (italy().signing_rsa(), again.signing_rsa()),
    ] {
        assert_eq!(ours.certificate(), theirs.certificate());
    }
    assert_eq!(again.crl(), italy().crl());
    let rsa = again.signing_rsa().signer(SignatureAlgorithm::RsaPkcs1Sha256).unwrap();
    assert_eq!(rsa.sign(b"x").unwrap().len(), 384);
    assert_eq!(
        again.circle_signer().unwrap().public_key_der(),
        italy().circle_signer().unwrap().public_key_der()
    );
}

#[cfg(unix)]
#[test]
fn keys_are_for_their_owner_alone_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("IT");
    italy().write(&home).unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let mut keys = 0;
    for entry in std::fs::read_dir(&home).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "key") {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            keys += 1;
        }
    }
    assert_eq!(keys, 6);
    assert_eq!(mode(&home), 0o700);
    assert!(denmark().write(&home).is_err());
    assert_eq!(CountryPki::read(&home).unwrap().country(), country("IT"));
}
