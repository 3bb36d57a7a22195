//! ITI-38 and ITI-39: the readers of requests and answers take any bytes; what they read is written so that it reads
//! the same.
#![no_main]

use bytes::Bytes;
use konfido_ihe::xca::{DocumentQuery, QueryResponse, RetrieveRequest, RetrieveResponse};
use konfido_xml::{Document, El, Limits};
use libfuzzer_sys::fuzz_target;

fn again(message: &El) -> Document {
    Document::parse(message.to_xml().as_bytes(), &Limits::MESSAGE).expect("what is written is read")
}

fuzz_target!(|data: &[u8]| {
    let Ok(document) = Document::parse(data, &Limits::MESSAGE) else { return };
    let root = document.root();
    let part = |_: &str| Some(Bytes::from_static(b"<part/>"));
    if let Ok(query) = DocumentQuery::parse(root) {
        assert_eq!(DocumentQuery::parse(again(&query.to_element()).root()).as_ref(), Ok(&query));
    }
    if let Ok(list) = QueryResponse::parse(root) {
        let _ = list.outcome();
        assert_eq!(QueryResponse::parse(again(&list.to_element()).root()).as_ref(), Ok(&list));
    }
    if let Ok(request) = RetrieveRequest::parse(root) {
        assert_eq!(RetrieveRequest::parse(again(&request.to_element()).root()).as_ref(), Ok(&request));
    }
    if let Ok(answer) = RetrieveResponse::parse(root, &part) {
        let _ = answer.documents().iter().map(|d| answer.outcome(&d.id)).count();
        assert_eq!(RetrieveResponse::parse(again(&answer.to_element()).root(), &part).as_ref(), Ok(&answer));
    }
});
