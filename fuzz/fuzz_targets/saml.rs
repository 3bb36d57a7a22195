//! Arbitrary bytes as a message with assertions, as a request to the token service and as its answer. Nothing is
//! trusted, so nothing may be admitted or issued; content is read unverified so that the reader is reached.
#![no_main]

use std::sync::LazyLock;

use konfido_circle::{CountryCode, FixedClock, TrustStore};
use konfido_keys::software::{KeyKind, SoftwareSigner, SystemRng, generate_pkcs8};
use konfido_keys::SignatureAlgorithm;
use konfido_saml::sts::{Sts, TokenResponse};
use konfido_saml::vocabulary::Operation;
use konfido_saml::{Assertion, Issuer, Presented, Profile, TrustedSigners};
use konfido_xml::{Document, Limits, ns};
use libfuzzer_sys::fuzz_target;
use secrecy::ExposeSecret;

static SIGNER: LazyLock<SoftwareSigner> = LazyLock::new(|| {
    let key = generate_pkcs8(KeyKind::EcdsaP256).expect("a key is made");
    SoftwareSigner::from_pkcs8_der(key.expose_secret(), SignatureAlgorithm::EcdsaP256Sha256, None)
        .expect("a key is read")
});
static TRUST: LazyLock<TrustStore> =
    LazyLock::new(|| TrustStore::builder().build().expect("an empty store is a store"));

fuzz_target!(|data: &[u8]| {
    let clock = FixedClock::new("2026-11-23T18:43:35Z".parse().expect("an instant"));
    let country = CountryCode::new("BE").expect("a country");
    let profile = Profile::default();
    let issuer = Issuer { country, signer: &*SIGNER, clock: &clock, rng: &SystemRng };
    assert!(Sts::new(issuer, &TRUST, profile.clone()).handle(data, country).result.is_err());
    let _ = TokenResponse::read(data, "urn:uuid:1");

    let Ok(document) = Document::parse(data, &Limits::ASSERTION) else { return };
    let root = document.root();
    for element in std::iter::once(root).chain(root.descendants()).take(64) {
        if let Ok(assertion) = Assertion::receive(&document, element, &profile) {
            let _ = assertion.danger_unverified_content();
        }
    }
    let security = root.descendants().find(|e| e.is(ns::WSSE, "Security"));
    let signers = TrustedSigners::new(&TRUST, &clock);
    let admitted = Presented::find(&document, security, &profile)
        .and_then(|p| p.admit(Operation::PatientDiscovery, country, &signers, &clock, &profile));
    assert!(admitted.is_err());
});
