//! OpenSSL's command line as independent judge: it verifies ours, we verify its; certificates match keys.

use std::path::Path;
use std::process::Command;

use konfido_keys::software::SoftwareSigner;
use konfido_keys::{KeyError, SignatureAlgorithm, Signer, verify};

use crate::signing::signer;

fn openssl(dir: &Path, args: &str) -> bool {
    let out = Command::new("openssl").args(args.split(' ')).current_dir(dir).output();
    let out = out.expect("openssl is on the path (apt install openssl)");
    if !out.status.success() {
        eprintln!("openssl {args}: {}", String::from_utf8_lossy(&out.stderr));
    }
    out.status.success()
}

#[test]
fn openssl_verifies_what_we_sign() {
    let dir = tempfile::tempdir().unwrap();
    for (algorithm, options) in [
        (SignatureAlgorithm::RsaPkcs1Sha256, "-sha256"),
        (SignatureAlgorithm::RsaPkcs1Sha512, "-sha512"),
        (SignatureAlgorithm::RsaPssSha256, "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"),
    ] {
        let signer = signer(algorithm);
        std::fs::write(dir.path().join("pub.der"), signer.public_key_der()).unwrap();
        std::fs::write(dir.path().join("msg"), b"message").unwrap();
        std::fs::write(dir.path().join("sig"), signer.sign(b"message").unwrap()).unwrap();
        let args = format!("dgst {options} -keyform DER -verify pub.der -signature sig msg");
        assert!(openssl(dir.path(), &args), "{algorithm}");
    }
}

#[test]
fn we_verify_what_openssl_signs_and_name_the_weak() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("msg"), b"message").unwrap();
    for bits in [1024, 2048] {
        assert!(openssl(dir.path(), &format!("genrsa -out key.pem {bits}")));
        assert!(openssl(dir.path(), "rsa -in key.pem -pubout -outform DER -out pub.der"));
        assert!(openssl(dir.path(), "dgst -sha256 -sign key.pem -out sig msg"));
        let [spki, sig] = ["pub.der", "sig"].map(|f| std::fs::read(dir.path().join(f)).unwrap());
        let found = verify(SignatureAlgorithm::RsaPkcs1Sha256, &spki, b"message", &sig);
        let wanted = if bits < 2048 { Err(KeyError::WeakKey { bits }) } else { Ok(()) };
        assert_eq!(found, wanted);
    }
}

#[test]
fn certificate_must_be_of_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for name in ["one", "two"] {
        let req = format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.crt \
             -subj /C=IT/CN={name} -days 1"
        );
        assert!(openssl(dir.path(), &req));
        files
            .push(["key", "crt"].map(|ext| std::fs::read(dir.path().join(format!("{name}.{ext}"))).unwrap()));
    }
    let algorithm = SignatureAlgorithm::EcdsaP256Sha256;
    let good = SoftwareSigner::from_pem(&files[0][0], algorithm, Some(&files[0][1])).unwrap();
    assert!(good.certificate().is_some());
    let wrong = SoftwareSigner::from_pem(&files[0][0], algorithm, Some(&files[1][1])).unwrap_err();
    assert_eq!(wrong, KeyError::CertificateMismatch);
}
