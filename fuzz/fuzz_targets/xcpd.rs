//! ITI-55: the readers of request and answer take any bytes; what they read is written so that it reads the same.
#![no_main]

use konfido_ihe::xcpd::{XcpdRequest, XcpdResponse};
use konfido_xml::{Document, El, Limits};
use libfuzzer_sys::fuzz_target;

fn again(message: &El) -> Document {
    Document::parse(message.to_xml().as_bytes(), &Limits::MESSAGE).expect("what is written is read")
}

fuzz_target!(|data: &[u8]| {
    let Ok(document) = Document::parse(data, &Limits::MESSAGE) else { return };
    if let Ok(request) = XcpdRequest::parse(document.root()) {
        let _ = request.criteria.patient_ids().count();
        assert_eq!(XcpdRequest::parse(again(&request.to_element()).root()).as_ref(), Ok(&request));
    }
    if let Ok(answer) = XcpdResponse::parse(document.root()) {
        let _ = answer.outcome();
        assert_eq!(XcpdResponse::parse(again(&answer.to_element()).root()).as_ref(), Ok(&answer));
    }
});
