//! Every algorithm signs and verifies; nothing else does.

use konfido_keys::software::{KeyKind, SoftwareSigner, generate_pkcs8};
use konfido_keys::{KeyError, SignatureAlgorithm, Signer, VerifyingKey, verify};
use secrecy::ExposeSecret;

/// A key pair for `algorithm`, made for this test.
pub(crate) fn signer(algorithm: SignatureAlgorithm) -> SoftwareSigner {
    let kind = match algorithm {
        SignatureAlgorithm::EcdsaP256Sha256 => KeyKind::EcdsaP256,
        SignatureAlgorithm::EcdsaP384Sha384 => KeyKind::EcdsaP384,
        SignatureAlgorithm::Ed25519 => KeyKind::Ed25519,
        _ => KeyKind::Rsa3072,
    };
    let pkcs8 = generate_pkcs8(kind).unwrap();
    SoftwareSigner::from_pkcs8_der(pkcs8.expose_secret(), algorithm, None).unwrap()
}

#[test]
fn every_algorithm_signs_and_verifies() {
    for algorithm in SignatureAlgorithm::ALL {
        let signer = signer(algorithm);
        let signature = signer.sign(b"message").unwrap();
        verify(algorithm, signer.public_key_der(), b"message", &signature).unwrap();
        let bad = KeyError::BadSignature(algorithm);
        assert_eq!(verify(algorithm, signer.public_key_der(), b"massage", &signature).unwrap_err(), bad);
        let mut flipped = signature.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert_eq!(verify(algorithm, signer.public_key_der(), b"message", &flipped).unwrap_err(), bad);
        assert_eq!(verify(algorithm, signer.public_key_der(), b"message", &[]).unwrap_err(), bad);
        match algorithm {
            SignatureAlgorithm::EcdsaP256Sha256 | SignatureAlgorithm::Ed25519 => {
                assert_eq!(signature.len(), 64);
            }
            SignatureAlgorithm::EcdsaP384Sha384 => assert_eq!(signature.len(), 96),
            _ => assert_eq!(signature.len(), 384),
        }
    }
}

#[test]
fn a_key_serves_only_its_own_kind() {
    let rsa = signer(SignatureAlgorithm::RsaPkcs1Sha256);
    let p256 = signer(SignatureAlgorithm::EcdsaP256Sha256);
    let ed = signer(SignatureAlgorithm::Ed25519);
    for (key, fitting) in [
        (rsa.public_key_der(), 3),
        (p256.public_key_der(), 1),
        (ed.public_key_der(), 1),
        (b"no key at all", 0),
        (b"", 0),
    ] {
        let fits = SignatureAlgorithm::ALL.iter().filter(|a| VerifyingKey::from_spki(**a, key).is_ok());
        assert_eq!(fits.count(), fitting);
    }
    // The same RSA key with the wrong padding or digest: the key fits, the signature does not.
    let signature = rsa.sign(b"message").unwrap();
    for other in [SignatureAlgorithm::RsaPkcs1Sha512, SignatureAlgorithm::RsaPssSha256] {
        let found = verify(other, rsa.public_key_der(), b"message", &signature).unwrap_err();
        assert_eq!(found, KeyError::BadSignature(other));
    }
}

#[test]
fn pkcs8_of_another_kind_is_refused() {
    let pkcs8 = generate_pkcs8(KeyKind::EcdsaP256).unwrap();
    for algorithm in SignatureAlgorithm::ALL {
        let made = SoftwareSigner::from_pkcs8_der(pkcs8.expose_secret(), algorithm, None);
        assert_eq!(made.is_ok(), algorithm == SignatureAlgorithm::EcdsaP256Sha256, "{algorithm}");
    }
    let error = SoftwareSigner::from_pem(b"nothing", SignatureAlgorithm::Ed25519, None).unwrap_err();
    assert!(error.to_string().contains("PKCS#8"), "{error}");
}

#[test]
fn debug_says_nothing_of_the_key() {
    let shown = format!("{:?}", signer(SignatureAlgorithm::Ed25519));
    assert_eq!(shown, "SoftwareSigner { algorithm: Ed25519, .. }");
}
