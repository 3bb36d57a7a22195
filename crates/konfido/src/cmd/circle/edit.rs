//! `konfido circle init`, `add` and `sign`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use konfido_circle::circle::signature::SignatureSet;
use konfido_circle::circle::{MemberCertificates, Validator};
use konfido_circle::trust::country_of;
use konfido_circle::{Circle, Clock as _, Member, Service, SystemClock, Usage};
use konfido_keys::software::SoftwareSigner;
use konfido_keys::{SignatureAlgorithm, Signer as _};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use serde::Serialize;

use super::{AddArgs, InitArgs, SignArgs, refuse, refuse_mistakes, signature_file};
use crate::cmd::pki::read_certificate;
use crate::exit::{ExitCode, UsageError};
use crate::files;
use crate::ui::Ui;

#[derive(Serialize)]
struct Written {
    ok: bool,
    file: PathBuf,
    serial: u64,
    members: usize,
    quorum: usize,
}

pub(super) fn init(args: &InitArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let mut circle = Circle::new(args.name.clone(), this_second());
    circle.expires = args.expires;
    let text = circle.to_toml();
    if let Err(mistakes) = Circle::read_draft(text.as_bytes()) {
        let list: Vec<&str> = mistakes.iter().map(|m| m.what()).collect();
        return Err(UsageError(list.join("; ")).into());
    }
    files::create(&args.file, text.as_bytes())?;
    written(&circle, &args.file, ui);
    Ok(ExitCode::Good)
}

pub(super) fn add(args: &AddArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let before = files::read(&args.file)?;
    let mut circle = match Circle::read_draft(&before) {
        Ok(circle) => circle,
        Err(mistakes) => return Ok(refuse_mistakes(ui, &mistakes)),
    };
    let member = member(args)?;
    let country = member.country;
    circle.add(member);
    if let Some(quorum) = args.quorum {
        circle.quorum = quorum;
    }
    if signature_file(&args.file).exists() {
        circle.serial = circle.serial.next();
    }
    circle.issued = this_second();
    let text = circle.to_toml();
    if let Err(mistakes) = Circle::read_draft(text.as_bytes()) {
        return Ok(refuse_mistakes(ui, &mistakes));
    }
    files::replace(&args.file, text.as_bytes())?;
    ui.note(format!("{country} added; the members sign anew"));
    written(&circle, &args.file, ui);
    Ok(ExitCode::Good)
}

/// Now, without the fractions that no reader of the file wants.
fn this_second() -> Timestamp {
    let now = SystemClock.now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn written(circle: &Circle, file: &Path, ui: &Ui) {
    let (serial, members, quorum) = (circle.serial.number(), circle.members.len(), circle.quorum);
    ui.line(format!("{}: serial {serial}, {members} members, quorum {quorum}", file.display()));
    ui.object(&Written { ok: true, file: file.to_owned(), serial, members, quorum });
}

/// The member that the options and the folder of public files describe.
fn member(args: &AddArgs) -> anyhow::Result<Member> {
    let in_folder = |names: &[&str]| -> Vec<PathBuf> {
        args.pki.iter().flat_map(|dir| names.iter().map(move |n| dir.join(n))).collect()
    };
    let or_folder = |given: &[PathBuf], names: &[&str]| -> anyhow::Result<Vec<CertificateDer<'static>>> {
        let paths = if given.is_empty() { in_folder(names) } else { given.to_vec() };
        paths.iter().map(|p| read_certificate(p)).collect()
    };
    let roots = or_folder(&args.roots, &["root.pem"])?;
    let Some(first) = roots.first() else {
        return Err(UsageError("a root certificate is needed: `--root FILE` or `--pki DIR`".into()).into());
    };
    let country = match args.country {
        Some(country) => country,
        None => country_of(first).map_err(|e| UsageError(format!("root: {e}; say `--country`")))?,
    };
    let mut listed = BTreeMap::new();
    if !args.roots_only {
        listed.insert(Usage::TlsServer, or_folder(&args.tls_server, &["tls-server.pem"])?);
        listed.insert(Usage::TlsClient, or_folder(&args.tls_client, &["tls-client.pem"])?);
        listed.insert(Usage::Signing, or_folder(&args.signing, &["signing-rsa.pem", "signing.pem"])?);
        listed.retain(|_, certificates| !certificates.is_empty());
    }
    let circle_key = args.circle_key.clone().or_else(|| in_folder(&["circle.pub"]).pop());
    let circle_key = circle_key
        .ok_or_else(|| UsageError("the member's key is needed: `--circle-key FILE` or `--pki DIR`".into()))?;
    let key = SubjectPublicKeyInfoDer::from_pem_slice(&files::read(&circle_key)?)
        .map_err(|_| UsageError(format!("`{}` is no PEM public key", circle_key.display())))?;
    let mut member = Member {
        country,
        name: args.name.clone(),
        home_community: args.home_community.clone(),
        patient_authorities: args.patient_authorities.iter().cloned().collect(),
        circle_key: key.as_ref().to_vec(),
        endpoints: BTreeMap::new(),
        certificates: MemberCertificates { roots, listed, danger_without_revocation: false },
        validators: args.validators.iter().map(|v| validator(v)).collect::<Result<_, _>>()?,
    };
    for endpoint in &args.endpoints {
        let (service, url) = endpoint
            .split_once('=')
            .ok_or_else(|| UsageError(format!("`{endpoint}` is not of the form SERVICE=URL")))?;
        let service: Service = service.parse().map_err(|e| UsageError(format!("{e}")))?;
        member = member
            .with_endpoint(service, url)
            .ok_or_else(|| UsageError(format!("`{url}` is no `https` address with a host and a path")))?;
    }
    Ok(member)
}

fn validator(text: &str) -> Result<Validator, UsageError> {
    let wrong = || UsageError(format!("`{text}` is not of the form KEY@HOST:PORT"));
    let (key, address) = text.split_once('@').ok_or_else(wrong)?;
    let key = hex::decode(key).ok().and_then(|k| k.try_into().ok()).ok_or_else(wrong)?;
    Ok(Validator { key, address: address.to_owned() })
}

#[derive(Serialize)]
struct Signed {
    ok: bool,
    signed: Vec<String>,
    quorum: usize,
    complete: bool,
}

pub(super) fn sign(args: &SignArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let file = files::read(&args.file)?;
    let circle = match Circle::read(&file) {
        Ok(circle) => circle,
        Err(mistakes) => return Ok(refuse_mistakes(ui, &mistakes)),
    };
    let mut keys: Vec<Vec<u8>> = circle.members.values().map(|m| m.circle_key.clone()).collect();
    if let Some(previous) = &args.previous {
        match Circle::read(&files::read(previous)?) {
            Ok(before) => keys.extend(before.members.into_values().map(|m| m.circle_key)),
            Err(mistakes) => return Ok(refuse_mistakes(ui, &mistakes)),
        }
    }
    let algorithm = SignatureAlgorithm::EcdsaP256Sha256;
    let signer = SoftwareSigner::from_pem(&files::read(&args.key)?, algorithm, None)
        .map_err(|e| UsageError(format!("`{}`: {e}", args.key.display())))?;
    if !keys.iter().any(|k| k == signer.public_key_der()) {
        return Ok(refuse(ui, "stranger", "the key is of no member of this file".into(), &[]));
    }
    let beside = signature_file(&args.file);
    let mut set = match files::read_if_present(&beside)? {
        None => SignatureSet::default(),
        Some(bytes) => match SignatureSet::read(&bytes) {
            Ok(set) => set,
            Err(e) => return Ok(refuse(ui, "signature-file", e.to_string(), &[])),
        },
    };
    // Signatures over an older edition are dropped.
    let valid = set.valid(&file, keys.iter().map(Vec::as_slice));
    set.retain(&valid);
    set.sign(&file, &signer)?;
    files::replace(&beside, set.to_json()?.as_bytes())?;
    let signed: Vec<String> = circle.signed_by(&file, &set).iter().map(ToString::to_string).collect();
    let complete = signed.len() >= circle.quorum;
    ui.line(format!("{}: signed by {} of {} needed", beside.display(), signed.join(", "), circle.quorum));
    ui.object(&Signed { ok: true, signed, quorum: circle.quorum, complete });
    Ok(ExitCode::Good)
}
