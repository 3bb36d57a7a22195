//! The signatures of a running OpenNCP, each with the verdict that its recording states, and the old signed
//! files that verify nowhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use konfido_xml::dsig::{PinnedKeys, SignatureError, VerifyPolicy, diagnose, verify_enveloped};
use konfido_xml::mtom::{MtomLimits, Package};
use konfido_xml::{Document, Limits, ns};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::fixtures;

fn pinned(root: &Path, name: &str) -> PinnedKeys {
    let pem = fs::read(root.join("recorded/certs").join(name)).unwrap();
    PinnedKeys::new([CertificateDer::from_pem_slice(&pem).unwrap()])
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut all: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect();
    all.sort();
    all
}

#[test]
fn audit_messages_and_evidences_verify() {
    let Some(root) = fixtures::openncp() else { return };
    let keys = pinned(&root, "sig.pem");
    let mut count = 0;
    for folder in ["recorded/audit", "recorded/evidence"] {
        for path in files(&root.join(folder)) {
            let bytes = fs::read(&path).unwrap();
            let document = Document::parse(&bytes, &Limits::RECORD).unwrap();
            let verified =
                verify_enveloped(&document, document.root(), &VerifyPolicy::record(), &keys).unwrap();
            assert_eq!(verified.element(), document.root());
            let error = verify_enveloped(
                &document,
                document.root(),
                &VerifyPolicy::record(),
                &pinned(&root, "ca.pem"),
            )
            .unwrap_err();
            assert!(matches!(error, SignatureError::Untrusted(_)), "{}", path.display());
            let tampered = document.as_str().replacen("2026", "2025", 1);
            let tampered = Document::parse(tampered.as_bytes(), &Limits::RECORD).unwrap();
            assert_eq!(
                verify_enveloped(&tampered, tampered.root(), &VerifyPolicy::record(), &keys).unwrap_err(),
                SignatureError::WrongDigest,
                "{}",
                path.display()
            );
            count += 1;
        }
    }
    assert_eq!(count, 46);
}

/// The assertions changed after signing, on purpose (SOURCES.md of the recordings).
const TAMPERED: [&str; 5] = [
    "32-xcpd-tampered-hcp.request.http",
    "54-list-tampered-hcp.request.http",
    "66-",
    "76-",
    "04-trc-tampered-hcp.request.http",
];

#[test]
fn assertions_verify_inside_their_envelopes() {
    let Some(root) = fixtures::openncp() else { return };
    let keys = pinned(&root, "sig.pem");
    let (mut good, mut bad) = (0, 0);
    for path in ["recorded/soap", "recorded/sts"].iter().flat_map(|f| files(&root.join(f))) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let message = fixtures::http(&path);
        let Ok(package) = Package::read(&message.content_type, message.body, MtomLimits::MESSAGE) else {
            continue;
        };
        let Ok(document) = Document::parse(package.root(), &Limits::MESSAGE) else { continue };
        for assertion in document.root().descendants().filter(|e| e.is(ns::SAML2, "Assertion")) {
            let issuer = assertion.child(ns::SAML2, "Issuer").unwrap();
            let is_hcp = issuer.attribute("NameQualifier").is_some_and(|q| q.ends_with(":hcp"));
            let tampered = is_hcp && TAMPERED.iter().any(|t| name.starts_with(t)) && name.contains("request");
            match verify_enveloped(&document, assertion, &VerifyPolicy::assertion(), &keys) {
                Ok(verified) => {
                    assert!(!tampered, "{name} verifies although it was changed");
                    assert_eq!(verified.element(), assertion);
                    good += 1;
                }
                Err(error) => {
                    assert!(tampered, "{name}: {error}");
                    assert_eq!(error, SignatureError::WrongDigest, "{name}");
                    bad += 1;
                }
            }
        }
    }
    eprintln!("{good} assertions verify, {bad} do not");
    assert!(good >= 90 && bad == 5, "{good} {bad}");
}

/// Old material: no tool verifies it. The verdicts are those of libxmlsec1 (`interop/xmldsig/old.py` compares).
#[test]
fn old_signed_files_are_classified() {
    let Some(root) = fixtures::openncp() else { return };
    let now = "2026-11-23T00:00:00Z".parse().unwrap();
    let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
    let testbed = root.join("konfido-testbed-2018/evidences/country-b-it/obligations");
    let folders = [root.join("assertions"), testbed.join("nro"), testbed.join("nrr")];
    for path in folders.iter().flat_map(|f| files(f)) {
        let Ok(document) = Document::parse(&fs::read(&path).unwrap(), &Limits::DOCUMENT) else { continue };
        let elements = std::iter::once(document.root()).chain(document.root().descendants());
        for element in elements.filter(|e| e.child(ns::DSIG, "Signature").is_some()) {
            let verdict = match diagnose(&document, element) {
                Ok(diagnosis) => {
                    assert!(!diagnosis.weak.is_empty(), "{}", path.display());
                    format!("{} {:?} {:?}", diagnosis.verdict(now), diagnosis.digest, diagnosis.value)
                }
                Err(error) => error.to_string(),
            };
            let name = path.file_name().unwrap().to_str().unwrap();
            let group = if folders[0].join(name) == path { name } else { "testbed" };
            *verdicts.entry(format!("{group}: {verdict}")).or_default() += 1;
            let strict =
                verify_enveloped(&document, element, &VerifyPolicy::record(), &PinnedKeys::default());
            assert!(
                matches!(strict, Err(SignatureError::WeakAlgorithm(_) | SignatureError::Malformed(_))),
                "{name}"
            );
        }
    }
    eprintln!("{verdicts:#?}");
    assert_eq!(verdicts.values().sum::<usize>(), 65);
}
