//! OpenSSL's command line as independent judge of our certificates and CRLs, and as a maker of bad ones.

use std::path::Path;
use std::process::Command;

use jiff::SignedDuration;
use konfido_circle::pki::LeafRequest;
use konfido_circle::{TrustStore, Usage};
use konfido_keys::software::SystemRng;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::pki::{country, italy, make, now};

/// Runs openssl in `dir`; gives success and everything it said.
fn openssl(dir: &Path, args: &str) -> (bool, String) {
    let out = Command::new("openssl").args(args.split_whitespace()).current_dir(dir).output();
    let out = out.expect("openssl is on the path (apt install openssl)");
    let said = [out.stdout, out.stderr].concat();
    (out.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn openssl_verifies_our_certificates_and_crls() {
    let dir = tempfile::tempdir().unwrap();
    let mut pki = make("PT");
    let lost = pki.issue(&LeafRequest::new(country("PT"), Usage::TlsClient, now()), &SystemRng).unwrap();
    pki.write(dir.path()).unwrap();
    lost.write(dir.path(), "lost").unwrap();
    let at = now().as_second();
    let verify = |purpose: &str, file: &str| {
        openssl(
            dir.path(),
            &format!(
                "verify -x509_strict -attime {at} -crl_check -CRLfile crl.pem -CAfile root.pem {purpose} {file}"
            ),
        )
    };
    for (purpose, file) in [
        ("-purpose sslserver -verify_hostname localhost", "tls-server.pem"),
        ("-purpose sslserver -verify_ip 127.0.0.1", "tls-server.pem"),
        ("-purpose sslclient", "tls-client.pem"),
        ("-purpose sslclient", "lost.pem"),
        ("", "signing.pem"),
        ("", "signing-rsa.pem"),
    ] {
        let (ok, said) = verify(purpose, file);
        assert!(ok, "{file}: {said}");
    }
    pki.revoke(lost.certificate(), now() + SignedDuration::from_secs(1)).unwrap();
    pki.write_crl(dir.path()).unwrap();
    let (ok, said) = verify("-purpose sslclient", "lost.pem");
    assert!(!ok && said.contains("revoked"), "{said}");
    assert!(verify("-purpose sslclient", "tls-client.pem").0);
    let (ok, said) = openssl(dir.path(), "crl -in crl.pem -noout -crlnumber");
    assert!(ok && said.contains("02"), "{said}");
}

#[test]
fn what_an_openncp_asks_of_a_signing_certificate() {
    let dir = tempfile::tempdir().unwrap();
    italy().write(dir.path()).unwrap();
    let (ok, text) = openssl(dir.path(), "x509 -in signing-rsa.pem -noout -text -nameopt RFC2253");
    assert!(ok);
    for part in ["Public-Key: (3072 bit)", "rsaEncryption", "Digital Signature", "CA:FALSE"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let subject = text.lines().find(|l| l.contains("Subject:")).unwrap();
    assert!(subject.contains("C=IT"), "{subject}");
    assert_eq!(subject.matches("C=").count(), 1, "a naive search finds only the country: {subject}");
    // A second look at the private keys: openssl reads them.
    for name in ["root", "tls-server", "tls-client", "signing", "signing-rsa", "circle"] {
        let (ok, said) = openssl(dir.path(), &format!("pkey -in {name}.key -noout -check"));
        assert!(ok, "{name}: {said}");
    }
}

#[test]
fn weak_certificates_that_openssl_makes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &str| {
        let (ok, said) = openssl(dir.path(), args);
        assert!(ok, "openssl {args}: {said}");
    };
    std::fs::write(
        dir.path().join("ext.cnf"),
        "[leaf]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
         [nousage]\nbasicConstraints=critical,CA:FALSE\n",
    )
    .unwrap();
    run("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /C=ES/O=T/CN=ca -days 3 \
         -addext keyUsage=critical,keyCertSign,cRLSign");
    let leaf = |name: &str, newkey: &str, subject: &str, digest: &str, ext: &str| {
        run(&format!("req -newkey {newkey} -nodes -keyout {name}.key -out {name}.csr -subj {subject}"));
        run(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -{digest} -out {name}.pem \
             -extfile ext.cnf -extensions {ext}"
        ));
        CertificateDer::from_pem_file(dir.path().join(format!("{name}.pem"))).unwrap()
    };
    let cases = [
        (leaf("good", "rsa:2048", "/C=ES/CN=a", "sha256", "leaf"), "ok"),
        (leaf("small", "rsa:1024", "/C=ES/CN=a", "sha256", "leaf"), "weak-key"),
        (leaf("sha1", "rsa:2048", "/C=ES/CN=a", "sha1", "leaf"), "weak-algorithm"),
        (
            leaf("curve", "ec -pkeyopt ec_paramgen_curve:secp256k1", "/C=ES/CN=a", "sha256", "leaf"),
            "weak-key",
        ),
        (leaf("two", "rsa:2048", "/C=ES/C=PT/CN=a", "sha256", "leaf"), "wrong-country"),
        (leaf("lower", "rsa:2048", "/C=es/CN=a", "sha256", "leaf"), "wrong-country"),
        (leaf("dc", "rsa:2048", "/DC=ES/CN=a", "sha256", "leaf"), "wrong-country"),
        (leaf("nousage", "rsa:2048", "/C=ES/CN=a", "sha256", "nousage"), "wrong-usage"),
    ];
    let root = CertificateDer::from_pem_file(dir.path().join("ca.pem")).unwrap();
    let store = TrustStore::builder()
        .root(country("ES"), root)
        .danger_without_revocation(country("ES"))
        .build()
        .unwrap();
    // openssl stamps the certificates with the machine's time; an hour later all of them are valid.
    let made = std::fs::metadata(dir.path().join("ca.pem")).unwrap().modified().unwrap();
    let at = jiff::Timestamp::try_from(made).unwrap() + SignedDuration::from_hours(1);
    for (der, wanted) in cases {
        let found = match store.verify_certificate(&der, Usage::Signing, at) {
            Ok(_) => "ok",
            Err(e) => e.code(),
        };
        assert_eq!(found, wanted);
    }
}

/// The JWS of a circle file, checked without our code: signing input by RFC 7797, ES256 by OpenSSL.
#[test]
fn openssl_verifies_our_circle_signatures() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let dir = tempfile::tempdir().unwrap();
    italy().write(dir.path()).unwrap();
    let file = b"format = 1\n".as_slice();
    let mut set = konfido_circle::circle::signature::SignatureSet::default();
    set.sign(file, &italy().circle_signer().unwrap()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&set.to_json().unwrap()).unwrap();
    let entry = &json["signatures"][0];
    let protected = entry["protected"].as_str().unwrap();
    let value = URL_SAFE_NO_PAD.decode(entry["signature"].as_str().unwrap()).unwrap();
    let (r, s) = value.split_at(32);
    let integers = [der_integer(r), der_integer(s)].concat();
    let sequence = [&[0x30, u8::try_from(integers.len()).unwrap()], integers.as_slice()].concat();
    std::fs::write(dir.path().join("input"), [protected.as_bytes(), b".", file].concat()).unwrap();
    std::fs::write(dir.path().join("sig"), sequence).unwrap();
    let (ok, said) = openssl(dir.path(), "dgst -sha256 -verify circle.pub -signature sig input");
    assert!(ok, "{said}");
}

fn der_integer(bytes: &[u8]) -> Vec<u8> {
    let mut body: Vec<u8> = bytes.iter().copied().skip_while(|b| *b == 0).collect();
    if body.first().is_none_or(|b| b & 0x80 != 0) {
        body.insert(0, 0);
    }
    [&[0x02, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
}
