//! The configuration of a node: one TOML file, checked as a whole, with all faults told at once.
//!
//! [`Settings`] exist only for a file without faults; an unknown key is a fault. Paths are relative to the file.
//! A risky choice is spelled `danger_…`.

mod reader;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use konfido_circle::{CountryCode, Oid};
use konfido_gateway::server::Limits;

use self::reader::{Faults, Section};
use crate::exit::UsageError;

/// A checked configuration.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) country: CountryCode,
    pub(crate) state: PathBuf,
    pub(crate) circle: CircleFiles,
    pub(crate) tls_server: Option<KeyFiles>,
    pub(crate) tls_client: Option<KeyFiles>,
    pub(crate) signing: KeyFiles,
    pub(crate) ncp_a: Option<NcpA>,
    pub(crate) ncp_b: NcpB,
    pub(crate) sts: Option<SocketAddr>,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) audit: Option<Collector>,
}

/// The circle file, how it is believed, and the members' revocation lists.
#[derive(Clone, Debug)]
pub(crate) struct CircleFiles {
    pub(crate) file: PathBuf,
    pub(crate) signatures: PathBuf,
    /// SHA-256 that people compared; nothing with `danger_first_use = true`.
    pub(crate) fingerprint: Option<[u8; 32]>,
    pub(crate) crls: Vec<PathBuf>,
}

/// A certificate (chain) in PEM and its PKCS#8 key in PEM.
#[derive(Clone, Debug)]
pub(crate) struct KeyFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// The role of the patient's country.
#[derive(Clone, Debug)]
pub(crate) struct NcpA {
    pub(crate) listen: SocketAddr,
    pub(crate) store: PathBuf,
    pub(crate) policies: Option<PathBuf>,
    pub(crate) repository: Option<Oid>,
    pub(crate) limits: Limits,
}

/// The role of the treating country.
#[derive(Clone, Debug)]
pub(crate) struct NcpB {
    pub(crate) timeout: Duration,
}

/// Where audit messages go.
#[derive(Clone, Debug)]
pub(crate) struct Collector {
    pub(crate) address: String,
    pub(crate) server_name: String,
}

impl Settings {
    /// Reads and checks a file.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("could not read `{}`", path.display()))?;
        let base = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, base).map_err(|faults| {
            let list: String = faults.iter().map(|fault| format!("\n  {fault}")).collect();
            let word = if faults.len() == 1 { "fault" } else { "faults" };
            UsageError(format!("`{}` has {} {word}:{list}", path.display(), faults.len())).into()
        })
    }

    /// Checks a text; paths in it are relative to `base`.
    pub(crate) fn parse(text: &str, base: &Path) -> Result<Self, Vec<String>> {
        let table = text.parse::<toml::Table>().map_err(|e| vec![e.to_string().trim_end().to_owned()])?;
        let faults = Faults::default();
        let root = Section::root(&table, &faults, base);
        let settings = read(&root);
        root.close();
        match (settings, faults.into_list()) {
            (Some(settings), list) if list.is_empty() => Ok(settings),
            (_, list) => Err(list),
        }
    }
}

/// Reads everything before it gives up on anything, so that all faults are found.
fn read(root: &Section<'_>) -> Option<Settings> {
    let country = root
        .required("country", |text| text.parse().map_err(|e: konfido_circle::IdentifierError| e.to_string()));
    let state = root.path("state");
    let circle = root.section("circle", true).and_then(|s| circle(&s));
    let keys = root.section("keys", true);
    let key = |name: &str, required: bool| {
        let pair = keys.as_ref()?.section(name, required)?;
        let files = Some(KeyFiles { certificate: pair.path("certificate")?, key: pair.path("key")? });
        pair.close();
        files
    };
    let ncp_a = root.section("ncp_a", false).map(|s| ncp_a(&s));
    let tls_server = key("tls_server", ncp_a.is_some());
    let tls_client = key("tls_client", false);
    let signing = key("signing", true);
    if let Some(keys) = &keys {
        keys.close();
    }
    let ncp_b = root.section("ncp_b", false).map(|s| {
        let timeout = s.seconds("timeout_seconds", Duration::from_secs(60));
        s.close();
        NcpB { timeout }
    });
    let listen = |name: &str| {
        let section = root.section(name, false)?;
        let address = section.required("listen", address);
        section.close();
        address
    };
    let (sts, admin) = (listen("sts"), listen("admin"));
    let audit = root.section("audit", false).and_then(|s| {
        let collector = s.required("collector", |text| Ok(text.to_owned()));
        let server_name = s.required("server_name", |text| Ok(text.to_owned()));
        s.close();
        Some(Collector { address: collector?, server_name: server_name? })
    });
    Some(Settings {
        country: country?,
        state: state?,
        circle: circle?,
        tls_server,
        tls_client,
        signing: signing?,
        ncp_a: match ncp_a {
            Some(ncp_a) => Some(ncp_a?),
            None => None,
        },
        ncp_b: ncp_b.unwrap_or(NcpB { timeout: Duration::from_secs(60) }),
        sts,
        admin,
        audit,
    })
}

fn circle(section: &Section<'_>) -> Option<CircleFiles> {
    let file = section.path("file");
    let signatures = section.path("signatures");
    let fingerprint = section.optional("fingerprint", |text| {
        let bytes = hex::decode(text).map_err(|e| e.to_string())?;
        <[u8; 32]>::try_from(bytes).map_err(|_| "32 bytes in hex are needed".to_owned())
    });
    let first_use = section.flag("danger_first_use");
    match (&fingerprint, first_use) {
        (None, false) => section
            .fault("fingerprint", "is missing\ncompare it with another member, or set danger_first_use"),
        (Some(_), true) => section.fault("danger_first_use", "has no meaning beside a fingerprint"),
        _ => {}
    }
    let crls = section.paths("crls");
    section.close();
    Some(CircleFiles { file: file?, signatures: signatures?, fingerprint, crls })
}

fn ncp_a(section: &Section<'_>) -> Option<NcpA> {
    let listen = section.required("listen", address);
    let store = section.path("store");
    let policies = section.optional_path("policies");
    let repository = section.optional("repository", |text| {
        text.parse().map_err(|e: konfido_circle::IdentifierError| e.to_string())
    });
    let mut limits = Limits::default();
    if let Some(s) = section.section("limits", false) {
        limits.body_bytes = s.number("body_bytes", limits.body_bytes, 1024..=256 << 20);
        limits.connections = s.number("connections", limits.connections, 1..=65_536);
        limits.requests = s.number("requests", limits.requests, 1..=65_536);
        limits.handshake = s.seconds("handshake_seconds", limits.handshake);
        limits.head = s.seconds("head_seconds", limits.head);
        limits.body_time = s.seconds("body_seconds", limits.body_time);
        limits.answer = s.seconds("answer_seconds", limits.answer);
        limits.drain = s.seconds("drain_seconds", limits.drain);
        s.close();
    }
    section.close();
    Some(NcpA { listen: listen?, store: store?, policies, repository, limits })
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("`{text}` is no address with port"))
}

#[cfg(test)]
mod tests;
