//! The circle file, its signatures and patient identifiers take any bytes; what is read is written so that it reads the
//! same.
#![no_main]

use konfido_circle::circle::signature::SignatureSet;
use konfido_circle::{Circle, PatientId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(circle) = Circle::read_draft(data) {
        assert_eq!(Circle::read_draft(circle.to_toml().as_bytes()), Ok(circle));
    }
    if let Ok(signatures) = SignatureSet::read(data) {
        let written = signatures.to_json().expect("signatures are written");
        assert_eq!(SignatureSet::read(written.as_bytes()), Ok(signatures));
    }
    if let Some(id) = std::str::from_utf8(data).ok().and_then(|text| PatientId::parse_cx(text).ok()) {
        assert_eq!(PatientId::parse_cx(&id.to_cx()), Ok(id));
    }
});
