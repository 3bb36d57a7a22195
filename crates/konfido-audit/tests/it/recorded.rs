//! What OpenNCP sent: the signatures hold under the certificate held beforehand, the frames are taken.

use konfido_audit::syslog::FrameDecoder;
use konfido_xml::{Document, Limits, dsig};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::world::*;

#[test]
fn recorded_messages_and_ours_verify_under_the_certificate_held_beforehand() {
    let Some(dir) = recordings() else { return };
    let theirs = CertificateDer::from_pem_file(dir.join("certs/sig.pem")).unwrap();
    let keys = dsig::PinnedKeys::new([theirs]);
    let mut verified = 0;
    for entry in std::fs::read_dir(dir.join("audit")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "xml") {
            continue;
        }
        let document = Document::parse(&std::fs::read(&path).unwrap(), &Limits::RECORD).unwrap();
        dsig::verify_enveloped(&document, document.root(), &dsig::VerifyPolicy::record(), &keys)
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        verified += 1;
    }
    assert_eq!(verified, 34);
}

#[test]
fn our_signature_holds_and_a_change_breaks_it() {
    use konfido_audit::{Outcome, Side, Step};
    let signed = event(Step::FindIdentity, Side::A, Outcome::Success).sign(&signer()).unwrap();
    let keys = dsig::PinnedKeys::new([pki().signing_rsa().certificate()]);
    let verify = |xml: &str| {
        let document = Document::parse(xml.as_bytes(), &Limits::RECORD).unwrap();
        dsig::verify_enveloped(&document, document.root(), &dsig::VerifyPolicy::record(), &keys).map(drop)
    };
    verify(&signed).unwrap();
    assert!(!signed.contains("X509Certificate"));
    assert_eq!(verify(&signed.replace("John House", "Jane House")), Err(dsig::SignatureError::WrongDigest));
}

#[test]
fn recorded_frames_are_taken() {
    let Some(dir) = recordings() else { return };
    let mut stream = Vec::new();
    let mut messages = Vec::new();
    for entry in std::fs::read_dir(dir.join("audit/syslog")).unwrap() {
        let path = entry.unwrap().path();
        stream.extend_from_slice(&std::fs::read(&path).unwrap());
        let name = path.file_name().unwrap().to_str().unwrap().replace(".frame.bin", ".xml");
        messages.push(std::fs::read(dir.join("audit").join(name)).unwrap());
    }
    for size in [1000, stream.len()] {
        let mut decoder = FrameDecoder::default();
        let mut taken = Vec::new();
        for chunk in stream.chunks(size) {
            assert_eq!(decoder.push(chunk), chunk.len());
            while let Some(frame) = decoder.next_frame().unwrap() {
                taken.push(frame);
            }
        }
        decoder.end();
        assert_eq!(decoder.next_frame(), Ok(None));
        assert_eq!(taken.len(), messages.len());
        for (frame, message) in taken.iter().zip(&messages) {
            assert_eq!(frame.message, message.trim_ascii_end());
            assert!(frame.counted && matches!(frame.priority, Some(1 | 132)));
            assert_eq!(frame.host.as_deref(), Some("localhost"));
        }
    }
}
