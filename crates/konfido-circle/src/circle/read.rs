//! Reads a circle file and reports all its mistakes at once.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use konfido_keys::{SignatureAlgorithm, VerifyingKey};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use toml::de::DeTable;

use super::mistakes::{CircleMistake, Mistakes};
use super::table::Section;
use super::{
    Circle, CircleSerial, FORMAT, MAX_FILE, MAX_MEMBERS, Measurement, Member, MemberCertificates, Tee,
    Validator,
};
use crate::endpoint::{Service, parse_endpoint};
use crate::trust::{Usage, is_certificate};
use crate::{CountryCode, HomeCommunityId, Oid};

/// Whether a file must be ready to be signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Completeness {
    /// All rules hold.
    Required,
    /// Members may still be missing.
    Draft,
}

pub(super) fn read(bytes: &[u8], completeness: Completeness) -> Result<Circle, Vec<CircleMistake>> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let mut mistakes = Mistakes::of("");
        mistakes.note(0, "not UTF-8 text");
        return Err(mistakes.into_sorted());
    };
    let mut mistakes = Mistakes::of(text);
    if bytes.len() > MAX_FILE {
        mistakes.note(0, format!("larger than {MAX_FILE} bytes"));
        return Err(mistakes.into_sorted());
    }
    let (table, syntax) = DeTable::parse_recoverable(text);
    if !syntax.is_empty() {
        for error in syntax {
            mistakes.note(error.span().map_or(0, |s| s.start), error.message());
        }
        return Err(mistakes.into_sorted());
    }
    let circle = circle(Section::new(table.get_ref(), "", 0), completeness, &mut mistakes);
    match circle {
        Some(circle) if mistakes.is_empty() => Ok(circle),
        _ => Err(mistakes.into_sorted()),
    }
}

fn circle(mut s: Section<'_, '_>, completeness: Completeness, m: &mut Mistakes<'_>) -> Option<Circle> {
    if let Some((format, at)) = s.number("format", true, m)
        && format != FORMAT
    {
        // Of another format nothing else can be said.
        m.note(at, format!("`format` {format} is not known here, only {FORMAT}"));
        return None;
    }
    let name = s.need("name", m, text);
    let serial = s.number("serial", true, m).and_then(|(n, at)| {
        let serial = CircleSerial::new(n);
        if serial.is_none() {
            m.note(at, "`serial` starts at 1");
        }
        serial
    });
    let issued = s.instant("issued", true, m);
    let expires = s.instant("expires", false, m);
    if let (Some((from, _)), Some((to, at))) = (issued, expires)
        && to <= from
    {
        m.note(at, "`expires` is not after `issued`");
    }
    let quorum = s.number("quorum", true, m);

    let mut members = BTreeMap::new();
    let mut taken = Taken::default();
    let sections = s.tables("member", m);
    let described = sections.len();
    for section in sections {
        let at = section.offset();
        if let Some(member) = member(section, &mut taken, m)
            && let Some(twice) = members.insert(member.country, member)
        {
            m.note(at, format!("{} is a member twice", twice.country));
        }
    }
    let measurements = s.tables("measurement", m).into_iter().filter_map(|s| measurement(s, m)).collect();

    if described > MAX_MEMBERS {
        m.note(0, format!("more than {MAX_MEMBERS} members"));
    }
    if completeness == Completeness::Required {
        if described == 0 {
            m.note(0, "no `[[member]]`");
        } else if let Some((q, at)) = quorum {
            let q = usize::try_from(q).unwrap_or(usize::MAX);
            if q > described {
                m.note(at, format!("`quorum` {q} is more than the {described} members"));
            } else if q.saturating_mul(2) <= described {
                m.note(at, format!("`quorum` {q} is not more than half of the {described} members"));
            }
        }
    }
    s.finish(m);
    Some(Circle {
        name: name?.0,
        serial: serial?,
        issued: issued?.0,
        expires: expires.map(|(t, _)| t),
        quorum: usize::try_from(quorum?.0).unwrap_or(usize::MAX),
        members,
        measurements,
    })
}

/// What no two members may have in common.
#[derive(Default)]
struct Taken {
    communities: BTreeSet<HomeCommunityId>,
    keys: BTreeSet<Vec<u8>>,
}

fn member(mut s: Section<'_, '_>, taken: &mut Taken, m: &mut Mistakes<'_>) -> Option<Member> {
    let country = s.need("country", m, CountryCode::new);
    if let Some((country, _)) = country {
        s.name = format!("member {country}");
    }
    let name = s.need("name", m, text);
    let home_community = s.need("home_community", m, HomeCommunityId::from_urn);
    if let Some((home, at)) = &home_community
        && !taken.communities.insert(home.clone())
    {
        m.note(*at, s.called(&format!("`home_community` {home} is another member's")));
    }
    let patient_authorities = s.list("patient_authorities", m, |t| Oid::new(t));
    let circle_key = s.need("circle_key", m, circle_key);
    if let Some((key, at)) = &circle_key
        && !taken.keys.insert(key.clone())
    {
        m.note(*at, s.called("`circle_key` is another member's"));
    }
    let endpoints = s.need_table("endpoints", m).map(|s| endpoints(s, m));
    let certificates = s.need_table("certificates", m).map(|s| certificates(s, m));
    let mut validators = Vec::new();
    for section in s.tables("validator", m) {
        let at = section.offset();
        if let Some(validator) = validator(section, m) {
            if !taken.keys.insert(validator.key.to_vec()) {
                m.note(at, s.called("a validator's `key` is listed twice"));
            }
            validators.push(validator);
        }
    }
    s.finish(m);
    Some(Member {
        country: country?.0,
        name: name?.0,
        home_community: home_community?.0,
        patient_authorities: patient_authorities.into_iter().map(|(oid, _)| oid).collect(),
        circle_key: circle_key?.0,
        endpoints: endpoints?,
        certificates: certificates?,
        validators,
    })
}

fn endpoints(mut s: Section<'_, '_>, m: &mut Mistakes<'_>) -> BTreeMap<Service, http::Uri> {
    let found = Service::ALL
        .into_iter()
        .filter_map(|service| Some((service, s.may(service.key(), m, parse_endpoint)?.0)))
        .collect();
    s.finish(m);
    found
}

fn certificates(mut s: Section<'_, '_>, m: &mut Mistakes<'_>) -> MemberCertificates {
    let mut list = |key, m: &mut Mistakes<'_>| -> Vec<CertificateDer<'static>> {
        s.list(key, m, certificate).into_iter().map(|(c, _)| c).collect()
    };
    let roots = list("root", m);
    let mut listed = BTreeMap::new();
    for (key, usage) in
        [("tls_server", Usage::TlsServer), ("tls_client", Usage::TlsClient), ("signing", Usage::Signing)]
    {
        let certificates = list(key, m);
        if !certificates.is_empty() {
            listed.insert(usage, certificates);
        }
    }
    let danger_without_revocation = s.flag("danger_without_revocation", m);
    if roots.is_empty() {
        m.note(s.offset(), s.called("`root` lists no certificate"));
    }
    s.finish(m);
    MemberCertificates { roots, listed, danger_without_revocation }
}

fn validator(mut s: Section<'_, '_>, m: &mut Mistakes<'_>) -> Option<Validator> {
    let key = s.need("key", m, |t| {
        let bytes = hex::decode(t).map_err(|e| e.to_string())?;
        <[u8; 32]>::try_from(bytes)
            .map_err(|_| "an Ed25519 key of 32 bytes in hexadecimal is needed".to_owned())
    });
    let address = s.need("address", m, |t| {
        let (host, port) = t.rsplit_once(':').ok_or("`host:port` is needed")?;
        let port_ok = port.parse::<u16>().is_ok_and(|p| p != 0);
        if host.is_empty() || !port_ok { Err("`host:port` is needed") } else { text(t) }
    });
    s.finish(m);
    Some(Validator { key: key?.0, address: address?.0 })
}

fn measurement(mut s: Section<'_, '_>, m: &mut Mistakes<'_>) -> Option<Measurement> {
    let tee = s.need("tee", m, |t| {
        Tee::ALL
            .into_iter()
            .find(|tee| tee.name() == t)
            .ok_or("one of `sgx`, `tdx`, `sev-snp`, `tpm` is needed")
    });
    let role = s.need("role", m, text);
    let value = s.need("value", m, |t| hex::decode(t));
    if let (Some((tee, _)), Some((value, at))) = (&tee, &value)
        && value.len() != tee.measurement_len()
    {
        let what =
            format!("`value` of {} is {} bytes, not {}", tee.name(), tee.measurement_len(), value.len());
        m.note(*at, s.called(&what));
    }
    let min_svn = s.number("min_svn", false, m);
    let until = s.instant("until", false, m);
    s.finish(m);
    Some(Measurement {
        tee: tee?.0,
        role: role?.0,
        value: value?.0,
        min_svn: min_svn.map(|(n, _)| n),
        until: until.map(|(t, _)| t),
    })
}

/// One line of text, neither empty nor endless.
fn text(t: &str) -> Result<String, &'static str> {
    if t.trim().is_empty() {
        return Err("is empty");
    }
    if t.len() > 200 || t.chars().any(char::is_control) {
        return Err("one line of at most 200 bytes is needed");
    }
    Ok(t.to_owned())
}

fn circle_key(t: &str) -> Result<Vec<u8>, &'static str> {
    let der = STANDARD.decode(t).map_err(|_| "a public key in base64 is needed")?;
    VerifyingKey::from_spki(SignatureAlgorithm::EcdsaP256Sha256, &der)
        .map_err(|_| "a P-256 public key is needed")?;
    Ok(der)
}

fn certificate(t: &str) -> Result<CertificateDer<'static>, String> {
    let mut blocks = CertificateDer::pem_slice_iter(t.as_bytes());
    let (Some(Ok(der)), None) = (blocks.next(), blocks.next()) else {
        return Err("exactly one PEM certificate is needed".to_owned());
    };
    is_certificate(&der).map_err(|e| e.to_string())?;
    Ok(der)
}
