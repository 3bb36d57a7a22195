//! Repeats: OpenNCP sends a request a second time after a fault; anything else that looks like it is an attack.

use konfido_gateway::trail::Ending;

use crate::bench::{Bench, fixtures, read_http, recorded_at};

#[tokio::test]
async fn the_same_request_is_served_again_and_marked() {
    let Some(fixtures) = fixtures() else { return };
    let soap = fixtures.join("recorded/soap");
    let request = read_http(&soap.join("05-list-ps.request.http"));
    let at = recorded_at(&read_http(&soap.join("05-list-ps.response.http")));
    let bench = Bench::new(&fixtures);
    let ncp = bench.ncp_a(at);
    ncp.send(&request).await;
    ncp.send(&request).await;
    assert_eq!(ncp.ending(), Ending::Served);
    let records = ncp.trail.0.lock().unwrap();
    let marks: Vec<bool> = records.iter().map(|record| record.repeated).collect();
    assert_eq!(marks, [false, true]);
}

#[tokio::test]
async fn the_same_message_id_with_another_body_is_refused() {
    let Some(fixtures) = fixtures() else { return };
    let soap = fixtures.join("recorded/soap");
    let mut request = read_http(&soap.join("05-list-ps.request.http"));
    let at = recorded_at(&read_http(&soap.join("05-list-ps.response.http")));
    let bench = Bench::new(&fixtures);
    let ncp = bench.ncp_a(at);
    ncp.send(&request).await;
    let asked = ncp.asked();
    let body = String::from_utf8(request.body).unwrap();
    let changed = body.replace("LeafClass", "ObjectRef");
    assert_ne!(body, changed);
    request.body = changed.into_bytes();
    ncp.send(&request).await;
    assert_eq!(ncp.asked(), asked, "the connector was asked for a replay");
    let Ending::Refused { code, .. } = ncp.ending() else { panic!("served") };
    assert_eq!(code, "ERROR_SEC_DATA_INTEGRITY_NOT_ENSURED");
}

#[tokio::test]
async fn a_treatment_of_two_hours_ends_after_two_hours() {
    let Some(fixtures) = fixtures() else { return };
    let soap = fixtures.join("recorded/soap");
    let request = read_http(&soap.join("12-get-ps-l3.request.http"));
    let at = recorded_at(&read_http(&soap.join("12-get-ps-l3.response.http")));
    let bench = Bench::new(&fixtures);
    let ncp = bench.ncp_a(at);
    ncp.send(&request).await;
    assert_eq!(ncp.ending(), Ending::Served);
    ncp.clock.advance(jiff::SignedDuration::from_mins(121));
    let asked = ncp.asked();
    ncp.send(&request).await;
    assert_eq!(ncp.asked(), asked);
    assert!(matches!(ncp.ending(), Ending::Refused { .. }));
}
