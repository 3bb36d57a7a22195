//! Writes a circle file: the same circle gives the same bytes, and [`super::read`] gives the circle back.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;

use super::{Circle, FORMAT, Member};
use crate::pki::certificate_pem;
use crate::trust::Usage;

const HEAD: &str = "\
# A Konfido circle: the members that trust each other. Signed as it stands, byte for byte, in `<this file>.jws`.
# A change needs a higher `serial` and new signatures of `quorum` members, of this file and of the one before.
";

pub(super) fn write(circle: &Circle) -> String {
    let mut out = HEAD.to_owned();
    entry(&mut out, "format", &FORMAT.to_string());
    entry(&mut out, "name", &string(&circle.name));
    entry(&mut out, "serial", &circle.serial.to_string());
    entry(&mut out, "issued", &circle.issued.to_string());
    if let Some(expires) = circle.expires {
        entry(&mut out, "expires", &expires.to_string());
    }
    entry(&mut out, "quorum", &circle.quorum.to_string());
    for member in circle.members.values() {
        write_member(&mut out, member);
    }
    for measurement in &circle.measurements {
        out.push_str("\n[[measurement]]\n");
        entry(&mut out, "tee", &string(measurement.tee.name()));
        entry(&mut out, "role", &string(&measurement.role));
        entry(&mut out, "value", &string(&hex::encode(&measurement.value)));
        if let Some(svn) = measurement.min_svn {
            entry(&mut out, "min_svn", &svn.to_string());
        }
        if let Some(until) = measurement.until {
            entry(&mut out, "until", &until.to_string());
        }
    }
    out
}

fn write_member(out: &mut String, member: &Member) {
    out.push_str("\n[[member]]\n");
    entry(out, "country", &string(member.country.as_str()));
    entry(out, "name", &string(&member.name));
    entry(out, "home_community", &string(&member.home_community.urn()));
    if !member.patient_authorities.is_empty() {
        let oids: Vec<String> = member.patient_authorities.iter().map(|o| string(o.as_str())).collect();
        entry(out, "patient_authorities", &format!("[{}]", oids.join(", ")));
    }
    entry(out, "circle_key", &string(&STANDARD.encode(&member.circle_key)));

    out.push_str("\n[member.endpoints]\n");
    for (service, url) in &member.endpoints {
        entry(out, service.key(), &string(&url.to_string()));
    }

    out.push_str("\n[member.certificates]\n");
    if member.certificates.danger_without_revocation {
        entry(out, "danger_without_revocation", "true");
    }
    certificates(out, "root", &member.certificates.roots);
    for (usage, listed) in &member.certificates.listed {
        let key = match usage {
            Usage::TlsServer => "tls_server",
            Usage::TlsClient => "tls_client",
            Usage::Signing => "signing",
        };
        certificates(out, key, listed);
    }
    for validator in &member.validators {
        out.push_str("\n[[member.validator]]\n");
        entry(out, "key", &string(&hex::encode(validator.key)));
        entry(out, "address", &string(&validator.address));
    }
}

fn certificates(out: &mut String, key: &str, list: &[CertificateDer<'static>]) {
    let pems: Vec<String> = list.iter().map(|c| format!("\"\"\"\n{}\"\"\"", certificate_pem(c))).collect();
    entry(out, key, &format!("[{}]", pems.join(", ")));
}

fn entry(out: &mut String, key: &str, value: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{key} = {value}");
}

/// A TOML basic string.
fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
