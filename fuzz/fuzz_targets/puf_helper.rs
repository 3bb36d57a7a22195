//! Helper data: any bytes are read or refused; what is read has exactly one encoding.
#![no_main]

use konfido_puf::helper::HelperData;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(helper) = HelperData::from_bytes(data) {
        assert_eq!(helper.to_bytes(), data);
    }
});
