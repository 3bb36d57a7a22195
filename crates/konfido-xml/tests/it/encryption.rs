//! XML Encryption: round trips and refusals.

use konfido_keys::software::{KeyKind, SystemRng, generate_pkcs8};
use konfido_xml::enc::{DecryptError, Recipient, SoftwareRecipientKey, decrypt, encrypt};
use konfido_xml::{Document, El, Fragment, Limits, ns};
use rustls_pki_types::PrivatePkcs8KeyDer;
use secrecy::ExposeSecret;

struct Party {
    key: SoftwareRecipientKey,
    pkcs8: Vec<u8>,
    certificate: Vec<u8>,
}

fn party(kind: KeyKind) -> Party {
    let pkcs8 = generate_pkcs8(kind).unwrap();
    let pair = rcgen::KeyPair::try_from(&PrivatePkcs8KeyDer::from(pkcs8.expose_secret().to_vec())).unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["recipient".to_owned()]).unwrap().self_signed(&pair).unwrap();
    Party {
        key: SoftwareRecipientKey::from_pkcs8(pkcs8.expose_secret()).unwrap(),
        pkcs8: pkcs8.expose_secret().to_vec(),
        certificate: certificate.der().to_vec(),
    }
}

const SECRET: &str = "<a:Assertion xmlns:a=\"urn:a\" ID=\"_1\">Jørgen &amp; co</a:Assertion>";

fn encrypted(party: &Party) -> String {
    let fragment = Fragment::parse(SECRET, &Limits::ASSERTION).unwrap();
    let recipient = Recipient::of_certificate(&party.certificate).unwrap();
    let data = encrypt(&fragment, &recipient, &SystemRng).unwrap();
    El::new(ns::SAML2, "EncryptedAssertion").child(data).to_document_string()
}

fn open(xml: &str, party: &Party) -> Result<String, DecryptError> {
    let document = Document::parse(xml.as_bytes(), &Limits::MESSAGE).unwrap();
    decrypt(&document.root(), &party.key, &Limits::ASSERTION).map(|d| d.as_str().to_owned())
}

#[test]
fn what_is_encrypted_is_decrypted_by_its_recipient_alone() {
    for kind in [KeyKind::Rsa3072, KeyKind::EcdsaP256, KeyKind::EcdsaP384] {
        let (mine, theirs) = (party(kind), party(KeyKind::EcdsaP256));
        let xml = encrypted(&mine);
        assert!(!xml.contains("rgen"));
        assert_eq!(open(&xml, &mine).unwrap(), SECRET);
        assert_ne!(xml, encrypted(&mine));
        assert_eq!(open(&xml, &theirs).unwrap_err(), DecryptError::Failed);
    }
    assert!(SoftwareRecipientKey::from_pkcs8(b"no key").is_none());
    assert!(
        encrypt(
            &Fragment::parse(SECRET, &Limits::ASSERTION).unwrap(),
            &Recipient::of_key(b"no key"),
            &SystemRng
        )
        .is_err()
    );
}

#[test]
fn every_failure_behind_the_key_looks_the_same() {
    for kind in [KeyKind::Rsa3072, KeyKind::EcdsaP256] {
        let mine = party(kind);
        let xml = encrypted(&mine);
        let values: Vec<&str> =
            xml.split("<xenc:CipherValue>").skip(1).map(|s| s.split('<').next().unwrap()).collect();
        for value in values {
            let mut flipped = konfido_xml::base64::decode(value).unwrap();
            let middle = flipped.len() / 2;
            flipped[middle] ^= 1;
            for bad in [flipped.clone(), flipped[..4].to_vec(), Vec::new(), [flipped, vec![0; 8]].concat()] {
                let tampered = xml.replace(value, &konfido_xml::base64::encode(&bad));
                assert_eq!(open(&tampered, &mine).unwrap_err(), DecryptError::Failed);
            }
        }
    }
    // Plaintext that is no document is the same failure.
    let mine = party(KeyKind::EcdsaP256);
    let large = El::new("", "x").text("y".repeat(200_000)).to_fragment();
    let data = encrypt(&large, &Recipient::of_certificate(&mine.certificate).unwrap(), &SystemRng).unwrap();
    assert_eq!(open(&data.to_document_string(), &mine).unwrap_err(), DecryptError::Failed);
}

#[test]
fn weak_algorithms_are_refused_before_the_key_is_used() {
    let rsa = encrypted(&party(KeyKind::Rsa3072));
    let ec = encrypted(&party(KeyKind::EcdsaP256));
    let stranger = party(KeyKind::EcdsaP256);
    for (xml, from, to) in [
        (&rsa, "http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2001/04/xmlenc#aes256-cbc"),
        (
            &rsa,
            "http://www.w3.org/2009/xmlenc11#aes256-gcm",
            "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
        ),
        (&rsa, "http://www.w3.org/2009/xmlenc11#rsa-oaep", "http://www.w3.org/2001/04/xmlenc#rsa-1_5"),
        (&rsa, "http://www.w3.org/2009/xmlenc11#rsa-oaep", "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"),
        (&rsa, "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"),
        (&rsa, "http://www.w3.org/2009/xmlenc11#mgf1sha256", "http://www.w3.org/2009/xmlenc11#mgf1sha1"),
        (&ec, "http://www.w3.org/2001/04/xmlenc#kw-aes256", "http://www.w3.org/2001/04/xmlenc#kw-tripledes"),
        (&ec, "http://www.w3.org/2009/xmlenc11#ECDH-ES", "http://www.w3.org/2001/04/xmlenc#dh"),
        (&ec, "http://www.w3.org/2009/xmlenc11#ConcatKDF", "http://www.w3.org/2009/xmlenc11#pbkdf2"),
        (&ec, "urn:oid:1.2.840.10045.3.1.7", "urn:oid:1.3.36.3.3.2.8.1.1.7"),
    ] {
        let error = open(&xml.replace(from, to), &stranger).unwrap_err();
        assert!(matches!(error, DecryptError::Algorithm(_)), "{to}: {error}");
    }
    for (from, to) in [
        ("xenc:CipherValue", "xenc:CipherReference"),
        ("#Element\"", "#Content\""),
        ("xenc:EncryptedKey", "xenc:OtherKey"),
        ("<xenc:CipherData>", "<xenc:CipherData/><xenc:CipherData>"),
    ] {
        let error = open(&rsa.replace(from, to), &stranger).unwrap_err();
        assert!(matches!(error, DecryptError::Malformed(_)), "{to}: {error}");
    }
}

/// The library that decrypts the EU node's own RSA vectors reads ours. For ECDH-ES the judge is OpenSSL
/// (`interop/xmldsig`).
#[test]
fn bergshamra_reads_what_we_encrypt() {
    let mine = party(KeyKind::Rsa3072);
    let body = konfido_xml::base64::encode(&mine.pkcs8);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).unwrap()).collect();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    let mut keys = bergshamra::KeysManager::new();
    keys.add_key(bergshamra::keys::loader::load_pem_auto(pem.as_bytes(), None).unwrap());
    let context = bergshamra::EncContext::new(keys);
    let fragment = Fragment::parse(SECRET, &Limits::ASSERTION).unwrap();
    let data =
        encrypt(&fragment, &Recipient::of_certificate(&mine.certificate).unwrap(), &SystemRng).unwrap();
    let theirs = bergshamra::decrypt(&context, &data.to_document_string()).unwrap();
    assert!(theirs.contains("J\u{f8}rgen &amp; co"), "{theirs}");
}
