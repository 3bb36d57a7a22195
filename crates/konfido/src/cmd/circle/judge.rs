//! `konfido circle verify` and `show`.

use std::path::Path;

use jiff::Timestamp;
use konfido_circle::circle::signature::SignatureSet;
use konfido_circle::circle::{Trust, fingerprint};
use konfido_circle::{AcceptedCircle, Circle, CircleError, Clock as _, CountryCode, Member, SystemClock};
use serde::Serialize;

use super::{ShowArgs, VerifyArgs, refuse, refuse_mistakes, signature_file};
use crate::exit::{ExitCode, UsageError};
use crate::files;
use crate::ui::Ui;

#[derive(Serialize)]
struct Accepted<'a> {
    ok: bool,
    verdict: &'static str,
    trusted_by: &'static str,
    name: &'a str,
    serial: u64,
    fingerprint: String,
    quorum: usize,
    signed: &'a [CountryCode],
}

pub(super) fn verify(args: &VerifyArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let now = args.at.unwrap_or_else(|| SystemClock.now());
    let previous = match &args.previous {
        None => None,
        // The file in use was believed when it was taken; here only its own signatures are asked for.
        Some(path) => match accept(path, Trust::DangerFirstUse, Timestamp::MIN)? {
            Ok(accepted) => Some(accepted),
            Err(e) => {
                return Ok(refuse(ui, "previous", format!("the file in use: {e}"), mistakes_of(&e)));
            }
        },
    };
    let (trust, trusted_by) = match (&previous, &args.fingerprint) {
        (Some(known), _) => (Trust::Successor(known), "previous"),
        (None, Some(hex)) => (Trust::Fingerprint(parse_fingerprint(hex)?), "fingerprint"),
        (None, None) => (Trust::DangerFirstUse, "first-use"),
    };
    match accept(&args.file, trust, now)? {
        Ok(accepted) => {
            let circle = accepted.circle();
            let print = hex::encode(accepted.fingerprint());
            ui.line(format!(
                "good: circle `{}`, serial {}, signed by {} ({} needed)",
                circle.name,
                circle.serial,
                names(accepted.signers()),
                circle.quorum
            ));
            ui.line(format!("fingerprint {print}"));
            if trusted_by == "first-use" {
                ui.note("nothing was compared: ask another member for the fingerprint");
            }
            ui.object(&Accepted {
                ok: true,
                verdict: "good",
                trusted_by,
                name: &circle.name,
                serial: circle.serial.number(),
                fingerprint: print,
                quorum: circle.quorum,
                signed: accepted.signers(),
            });
            Ok(ExitCode::Good)
        }
        Err(CircleError::Mistakes(mistakes)) => Ok(refuse_mistakes(ui, &mistakes)),
        Err(e) => Ok(refuse(ui, e.code(), e.to_string(), &[])),
    }
}

fn accept(
    file: &Path,
    trust: Trust<'_>,
    now: Timestamp,
) -> anyhow::Result<Result<AcceptedCircle, CircleError>> {
    let bytes = files::read(file)?;
    // Without a signature file nobody has signed.
    let signatures = match files::read_if_present(&signature_file(file))? {
        Some(signatures) => signatures,
        None => SignatureSet::default().to_json()?.into_bytes(),
    };
    Ok(AcceptedCircle::accept(&bytes, &signatures, trust, now))
}

fn mistakes_of(error: &CircleError) -> &[konfido_circle::circle::CircleMistake] {
    if let CircleError::Mistakes(mistakes) = error { mistakes } else { &[] }
}

fn parse_fingerprint(text: &str) -> Result<[u8; 32], UsageError> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != ':').collect();
    hex::decode(plain)
        .ok()
        .and_then(|b| b.try_into().ok())
        .ok_or_else(|| UsageError(format!("`{text}` is no SHA-256 in hexadecimal")))
}

#[derive(Serialize)]
struct Shown {
    ok: bool,
    name: String,
    serial: u64,
    issued: Timestamp,
    expires: Option<Timestamp>,
    fingerprint: String,
    quorum: usize,
    signed: Vec<CountryCode>,
    members: Vec<ShownMember>,
    measurements: Vec<ShownMeasurement>,
}

#[derive(Serialize)]
struct ShownMember {
    country: CountryCode,
    name: String,
    home_community: String,
    endpoints: std::collections::BTreeMap<&'static str, String>,
    roots: usize,
    listed: std::collections::BTreeMap<&'static str, usize>,
    danger_without_revocation: bool,
    validators: Vec<String>,
    signed: bool,
}

#[derive(Serialize)]
struct ShownMeasurement {
    tee: &'static str,
    role: String,
    value: String,
    min_svn: Option<u64>,
    until: Option<Timestamp>,
}

pub(super) fn show(args: &ShowArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let file = files::read(&args.file)?;
    let circle = match Circle::read_draft(&file) {
        Ok(circle) => circle,
        Err(mistakes) => return Ok(refuse_mistakes(ui, &mistakes)),
    };
    let set = match files::read_if_present(&signature_file(&args.file))? {
        None => SignatureSet::default(),
        Some(bytes) => match SignatureSet::read(&bytes) {
            Ok(set) => set,
            Err(e) => return Ok(refuse(ui, "signature-file", e.to_string(), &[])),
        },
    };
    let signed = circle.signed_by(&file, &set);
    let print = hex::encode(fingerprint(&file));
    ui.heading(&format!("circle `{}`, serial {}", circle.name, circle.serial));
    ui.line(format!("  issued       {}", circle.issued));
    if let Some(expires) = circle.expires {
        ui.line(format!("  expires      {expires}"));
    }
    ui.line(format!("  signed by    {} ({} needed)", names(&signed), circle.quorum));
    ui.line(format!("  fingerprint  {print}"));
    for member in circle.members.values() {
        show_member(member, ui);
    }
    for m in &circle.measurements {
        ui.line(format!("measurement  {} {} {}", m.tee.name(), m.role, hex::encode(&m.value)));
    }
    ui.object(&Shown {
        ok: true,
        fingerprint: print,
        quorum: circle.quorum,
        members: circle.members.values().map(|m| shown(m, signed.contains(&m.country))).collect(),
        measurements: circle
            .measurements
            .iter()
            .map(|m| ShownMeasurement {
                tee: m.tee.name(),
                role: m.role.clone(),
                value: hex::encode(&m.value),
                min_svn: m.min_svn,
                until: m.until,
            })
            .collect(),
        serial: circle.serial.number(),
        issued: circle.issued,
        expires: circle.expires,
        name: circle.name,
        signed,
    });
    Ok(ExitCode::Good)
}

fn show_member(member: &Member, ui: &Ui) {
    ui.heading(&format!("{} {}", member.country, member.name));
    ui.line(format!("  community    {}", member.home_community));
    for (service, url) in &member.endpoints {
        ui.line(format!("  {service:<22} {url}"));
    }
    let listed: usize = member.certificates.listed.values().map(Vec::len).sum();
    ui.line(format!("  certificates {} roots, {listed} listed", member.certificates.roots.len()));
    if member.certificates.danger_without_revocation {
        ui.line("  DANGER       revoked certificates are believed: its CAs publish no CRL");
    }
    for validator in &member.validators {
        ui.line(format!("  validator    {} at {}", hex::encode(validator.key), validator.address));
    }
}

fn shown(member: &Member, signed: bool) -> ShownMember {
    ShownMember {
        country: member.country,
        name: member.name.clone(),
        home_community: member.home_community.urn(),
        endpoints: member.endpoints.iter().map(|(s, url)| (s.key(), url.to_string())).collect(),
        roots: member.certificates.roots.len(),
        listed: member.certificates.listed.iter().map(|(u, c)| (u.name(), c.len())).collect(),
        danger_without_revocation: member.certificates.danger_without_revocation,
        validators: member
            .validators
            .iter()
            .map(|v| format!("{}@{}", hex::encode(v.key), v.address))
            .collect(),
        signed,
    }
}

fn names(countries: &[CountryCode]) -> String {
    if countries.is_empty() {
        return "nobody".to_owned();
    }
    countries.iter().map(CountryCode::as_str).collect::<Vec<_>>().join(", ")
}
