//! Arbitrary bytes as a signed document. The resolver believes whatever key the document brings along, so that
//! the fuzzer gets as far as the digest.
#![no_main]

use konfido_xml::dsig::{KeyInfo, KeyResolver, SignatureError, TrustedKey, VerifyPolicy, diagnose, verify_enveloped};
use konfido_xml::{Document, Limits};
use libfuzzer_sys::fuzz_target;

struct Gullible;

impl KeyResolver for Gullible {
    fn resolve(&self, key_info: &KeyInfo) -> Result<TrustedKey, SignatureError> {
        let of_certificate = key_info.certificates.first().and_then(|c| TrustedKey::of_certificate(c));
        let of_value = key_info.key_value.clone().map(|spki| TrustedKey { spki, certificate: None });
        of_certificate.or(of_value).ok_or_else(|| SignatureError::Untrusted(String::new()))
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(document) = Document::parse(data, &Limits::ASSERTION) else { return };
    for element in std::iter::once(document.root()).chain(document.root().descendants()).take(50) {
        for policy in [VerifyPolicy::assertion(), VerifyPolicy::record().min_rsa_bits(2048)] {
            if let Ok(verified) = verify_enveloped(&document, element, &policy, &Gullible) {
                assert_eq!(verified.element(), element);
            }
        }
        let _ = diagnose(&document, element);
    }
});
