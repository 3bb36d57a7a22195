//! The security token service: what it issues is admitted, what it must not issue it does not.

use konfido_circle::{FixedClock, Personal};
use konfido_saml::sts::{Exchange, Parameters, Sts, StsError, TokenResponse};
use konfido_saml::vocabulary::{Kind, Operation, PurposeOfUse};
use konfido_saml::{Class, Issued, Issuer, Profile};

use crate::world::*;

const MESSAGE_ID: &str = "urn:uuid:f65fbc43-b470-4ceb-8bd2-183a1fd2401c";

fn trc_parameters() -> Parameters {
    Parameters::Trc {
        patient: treatment().patient,
        purpose: Some(PurposeOfUse::Emergency),
        dispensation_pin: Some(Personal::new("123456".to_owned())),
        prescription_id: None,
    }
}

fn ask(world: &World, hcp: &Issued, parameters: &Parameters, caller: &str) -> Exchange {
    let request = parameters.to_envelope(MESSAGE_ID, hcp.xml.clone());
    send(world, &request, caller)
}

fn send(world: &World, request: &str, caller: &str) -> Exchange {
    Sts::new(world.issuer(), &world.trust, Profile::default()).handle(request.as_bytes(), cc(caller))
}

#[track_caller]
fn faulted(exchange: Exchange) -> StsError {
    assert_eq!(exchange.status, 500);
    assert!(TokenResponse::read(exchange.body.as_bytes(), MESSAGE_ID).is_err());
    exchange.result.unwrap_err()
}

#[test]
fn a_portal_gets_a_trc_that_is_admitted() {
    let world = World::new();
    let hcp = world.hcp();
    let exchange = ask(&world, &hcp, &trc_parameters(), "DK");
    assert_eq!((exchange.status, exchange.message_id.as_deref()), (200, Some(MESSAGE_ID)));
    let token = exchange.result.unwrap();
    assert_eq!((token.kind, token.hcp.id()), (Kind::Trc, &hcp.id));
    assert!(exchange.request_header.unwrap().contains(hcp.id.as_str()));
    assert!(token.response_header.contains(&token.response_id));
    let answer = TokenResponse::read(exchange.body.as_bytes(), MESSAGE_ID).unwrap();
    let set = [hcp.xml.as_str(), answer.assertion.as_str()];
    let admission = world.present(Operation::Dispensation, &set).unwrap();
    assert_eq!(admission.purpose(), PurposeOfUse::Emergency);
    assert_eq!(admission.patient(), Some(&treatment().patient));
}

#[test]
fn a_portal_gets_a_next_of_kin() {
    let world = World::new();
    let hcp = world.hcp();
    let exchange = ask(&world, &hcp, &Parameters::Nok(relative()), "DK");
    let answer = TokenResponse::read(exchange.body.as_bytes(), MESSAGE_ID).unwrap();
    let trc = world.trc(&hcp);
    let set = [answer.assertion.as_str(), hcp.xml.as_str(), trc.xml.as_str()];
    let admission = world.present(Operation::PatientSummary, &set).unwrap();
    assert_eq!(admission.nok().unwrap().claims(), &relative());
}

#[test]
fn no_token_for_another_country_or_without_two_factors() {
    let world = World::new();
    let hcp = world.hcp();
    assert!(matches!(faulted(ask(&world, &hcp, &trc_parameters(), "PT")), StsError::ForeignCaller(_)));
    let password = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
    let weak = world.issuer().hcp(&name_id(), password, &professional()).unwrap();
    let StsError::Refused(refusal) = faulted(ask(&world, &weak, &trc_parameters(), "DK")) else { panic!() };
    assert_eq!(refusal.class(), Class::InvalidField);
    let foreign = Issuer { country: cc("PT"), signer: &world.pt, ..world.issuer() };
    let foreign = foreign.hcp(&name_id(), konfido_saml::names::SMARTCARD_PKI, &professional()).unwrap();
    let StsError::Refused(refusal) = faulted(ask(&world, &foreign, &trc_parameters(), "DK")) else {
        panic!()
    };
    assert_eq!(refusal.class(), Class::Signature);
}

#[test]
fn the_sts_has_no_tolerance_for_time() {
    let world = World::new();
    let hcp = world.hcp();
    world.clock.set("2026-11-23T22:00:00.250Z".parse().unwrap());
    assert!(matches!(faulted(ask(&world, &hcp, &trc_parameters(), "DK")), StsError::Refused(_)));
    world.clock.set("2026-11-23T18:00:00.249Z".parse().unwrap());
    assert!(matches!(faulted(ask(&world, &hcp, &trc_parameters(), "DK")), StsError::Refused(_)));
}

#[test]
fn requests_that_are_none() {
    let world = World::new();
    let hcp = world.hcp();
    let good = trc_parameters().to_envelope(MESSAGE_ID, hcp.xml.clone());
    let trc = world.trc(&hcp);
    for (from, to) in [
        ("EMERGENCY", "CURIOSITY"),
        ("ws-trust/200512/Issue<", "ws-trust/200512/Renew<"),
        ("SAML:2.0:assertion</", "SAML:1.0:assertion</"),
        ("RSSMRA85T10A562S^^^", "RSSMRA85T10A562S^^"),
        (MESSAGE_ID, ""),
        ("TRCParameters", "TRCParameter"),
    ] {
        assert!(good.contains(from), "{from}");
        faulted(send(&world, &good.replace(from, to), "DK"));
    }
    faulted(send(&world, "<not-soap/>", "DK"));
    faulted(send(&world, "<not xml", "DK"));
    faulted(send(&world, &trc_parameters().to_envelope(MESSAGE_ID, trc.xml), "DK"));
}

#[test]
fn the_recorded_sts_requests_get_their_verdict() {
    let Some(dir) = crate::recorded::directory() else { return };
    let world = World::new();
    let trust = crate::recorded::trust(&dir);
    let clock = FixedClock::new("2026-11-23T18:39:30Z".parse().unwrap());
    let issuer = Issuer { country: cc("BE"), clock: &clock, ..world.issuer() };
    let sts = Sts::new(issuer, &trust, Profile::default());
    for (name, good) in [
        ("01-trc", true),
        ("02-trc-pin", true),
        ("03-nok", true),
        ("04-trc-tampered-hcp", false),
        ("05-trc-wrong-purpose", false),
    ] {
        let request = crate::recorded::body(&dir.join(format!("sts/{name}.request.http")));
        let exchange = sts.handle(&request, cc("BE"));
        assert_eq!(exchange.result.is_ok(), good, "{name}: {:?}", exchange.result);
    }
}
