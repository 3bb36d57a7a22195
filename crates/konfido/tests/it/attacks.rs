//! The table of attacks on NCP-A: one row an attack, each over a socket, each with the answer that the profile has for it.
//!
//! What holds for every row:
//! * the answer is the expected one, and says nothing of a person, of our code or of our files;
//! * the national side is asked nothing, or, where the question itself is the attack (an unknown patient, somebody
//!   else's document), only who and which: no row ever makes it hand out a document;
//! * a message that came so far as to be read leaves an audit record of its failure;
//! * after all of them, an honest exchange still works.

mod assertions;
mod connections;
mod messages;
mod profile;
mod wrapping;

use std::time::Instant;

use konfido_gateway::trail::Ending;
use konfido_ihe::xca::{QueryOutcome, QueryResponse, Refused, RetrieveResponse};
use konfido_ihe::xcpd::{XcpdOutcome, XcpdResponse};
use konfido_xml::mtom::Package;
use konfido_xml::soap::Envelope;
use konfido_xml::{Document, Limits};

use crate::request::Ask;
use crate::socket::{Answer, Got, Shot, fire};
use crate::world::{PATIENTS, World};

/// One row.
pub(crate) struct Attack {
    name: &'static str,
    /// Builds what is sent; the last is the attack, those before it prepare it and are honest.
    shots: Box<dyn Fn(&World) -> Vec<Shot>>,
    expect: Expect,
    /// Whether the question to the national index belongs to the attack.
    asks_index: bool,
    /// A second way to ask; its answer must be the same to the byte.
    twin: Option<Box<dyn Fn(&World) -> Shot>>,
}

/// What an attack must get.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expect {
    /// No HTTP at all.
    Silence,
    /// An HTTP status, no body.
    Status(u16),
    /// A SOAP fault: HTTP status, code, innermost subcode.
    Fault(u16, &'static str, &'static str),
    /// ITI-55 in band: the code.
    Xcpd(&'static str),
    /// ITI-38 or ITI-39 in band: the code.
    Registry(&'static str),
}

impl Attack {
    fn new(name: &'static str, shot: impl Fn(&World) -> Shot + 'static, expect: Expect) -> Self {
        Self::after(name, move |world| vec![shot(world)], expect)
    }

    fn after(name: &'static str, shots: impl Fn(&World) -> Vec<Shot> + 'static, expect: Expect) -> Self {
        Self { name, shots: Box::new(shots), expect, asks_index: false, twin: None }
    }

    fn asks_index(self) -> Self {
        Self { asks_index: true, ..self }
    }

    fn same_as(self, twin: impl Fn(&World) -> Shot + 'static) -> Self {
        Self { twin: Some(Box::new(twin)), ..self }
    }
}

/// What no answer may hold: names and addresses of the patients, and anything of our inside.
const SECRETS: [&str; 22] = [
    "Esempi",
    "Lucia",
    "Diniego",
    "Marco",
    "Via delle",
    "Viale del",
    "Villa Prova",
    "Borgo",
    "example.org",
    "Proeve",
    "panicked",
    "stack",
    ".rs:",
    "/tmp",
    "src/",
    "policy",
    "cedar",
    "Cedar",
    "rustls",
    "webpki",
    "incident",
    "CircleClients",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attack_gets_its_standard_error_and_nothing_else() {
    let world = World::start().await;
    let begun = Instant::now();
    let table: Vec<Attack> =
        [connections::rows(), assertions::rows(), wrapping::rows(), messages::rows(), profile::rows()]
            .into_iter()
            .flatten()
            .collect();
    honest(&world).await;
    let mut failures = Vec::new();
    for attack in &table {
        if let Err(why) = judge(&world, attack).await {
            failures.push(format!("{}: {why}", attack.name));
        }
    }
    assert!(failures.is_empty(), "{} of {} rows:\n{}", failures.len(), table.len(), failures.join("\n"));
    honest(&world).await;
    println!("{} attacks in {:.1} s", table.len(), begun.elapsed().as_secs_f64());
    assert!(table.len() >= 60, "the table shrank to {} rows", table.len());
    world.end().await;
}

#[test]
fn no_two_rows_share_a_name() {
    let mut names: Vec<&str> =
        [connections::rows(), assertions::rows(), wrapping::rows(), messages::rows(), profile::rows()]
            .iter()
            .flatten()
            .map(|row| row.name)
            .collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
}

async fn judge(world: &World, attack: &Attack) -> Result<(), String> {
    let mut shots = (attack.shots)(world);
    let last = shots.pop().ok_or("no shot")?;
    for honest in &shots {
        match fire(world, honest).await {
            Got::Answer(answer) if answer.status == 200 => {}
            other => return Err(format!("the preparation failed: {other:?}")),
        }
    }
    let (asked, kept) = (world.registry.asked(), world.trail.kept());
    let got = fire(world, &last).await;
    compare(attack.expect, &got)?;
    let asked_now = world.registry.asked();
    if asked_now.1 != asked.1 {
        return Err("the national side handed a document out".to_owned());
    }
    if asked_now.0 != asked.0 && !attack.asks_index {
        return Err("the national side was asked".to_owned());
    }
    if let Got::Answer(answer) = &got {
        disclosed(answer)?;
    }
    if !matches!(attack.expect, Expect::Silence | Expect::Status(_)) {
        match world.trail.ending_after(kept).await {
            None => return Err("no audit record".to_owned()),
            Some(Ending::Served) => return Err("the audit says that it was served".to_owned()),
            Some(_) => {}
        }
    }
    if let Some(twin) = &attack.twin {
        let (one, other) = (normal(&got), normal(&fire(world, &twin(world)).await));
        if one != other {
            return Err(format!("the answers differ:\n{one}\n--- and ---\n{other}"));
        }
    }
    Ok(())
}

fn compare(expect: Expect, got: &Got) -> Result<(), String> {
    let answer = match (expect, got) {
        (Expect::Silence, Got::Silence) => return Ok(()),
        (Expect::Silence, Got::Answer(answer)) => return Err(format!("got an answer: {}", answer.text())),
        (_, Got::Silence) => return Err("got no answer".to_owned()),
        (_, Got::Answer(answer)) => answer,
    };
    let found = match expect {
        Expect::Silence => return Ok(()),
        Expect::Status(_) if answer.body.is_empty() => format!("{}", answer.status),
        Expect::Status(_) => return Err(format!("a body: {}", answer.text())),
        Expect::Fault(..) => fault(answer)?,
        Expect::Xcpd(_) => xcpd(answer)?,
        Expect::Registry(_) => registry(answer)?,
    };
    let wanted = match expect {
        Expect::Silence => String::new(),
        Expect::Status(status) => status.to_string(),
        Expect::Fault(status, code, subcode) => format!("{status} {code} {subcode}"),
        Expect::Xcpd(code) | Expect::Registry(code) => code.to_owned(),
    };
    if found == wanted { Ok(()) } else { Err(format!("expected `{wanted}`, got `{found}`")) }
}

fn envelope(answer: &Answer) -> Result<(Package, Document), String> {
    let content_type = answer.header("content-type").ok_or("an answer without content type")?;
    let length = answer.header("content-length").and_then(|text| text.parse().ok());
    if length != Some(answer.body.len()) {
        return Err("the answer is not as long as it says".to_owned());
    }
    let package =
        Package::read(content_type, answer.body.clone().into(), konfido_xml::mtom::MtomLimits::MESSAGE)
            .map_err(|e| format!("{e}: {}", answer.text()))?;
    let document = Document::parse(package.root(), &Limits::MESSAGE).map_err(|e| e.to_string())?;
    Ok((package, document))
}

fn fault(answer: &Answer) -> Result<String, String> {
    let (_, document) = envelope(answer)?;
    let fault = Envelope::parse(&document).map_err(|e| e.to_string())?.fault();
    let fault = fault.ok_or_else(|| format!("no fault: {}", answer.text()))?;
    let subcode = fault.subcodes().last().map_or("", |(_, local)| local.as_str());
    Ok(format!("{} {} {subcode}", answer.status, fault.code().as_str()))
}

fn xcpd(answer: &Answer) -> Result<String, String> {
    let (_, document) = envelope(answer)?;
    let payload = Envelope::parse(&document).and_then(|e| e.payload()).map_err(|e| e.to_string())?;
    let response = XcpdResponse::parse(payload).map_err(|_| format!("no ITI-55: {}", answer.text()))?;
    match response.outcome() {
        XcpdOutcome::NoMatch(failure) | XcpdOutcome::Refused(failure) => Ok(failure.code.wire().into_owned()),
        _ => Err("somebody was found".to_owned()),
    }
}

fn registry(answer: &Answer) -> Result<String, String> {
    let (package, document) = envelope(answer)?;
    let payload = Envelope::parse(&document).and_then(|e| e.payload()).map_err(|e| e.to_string())?;
    if let Ok(response) = QueryResponse::parse(payload) {
        return match response.outcome() {
            QueryOutcome::Refused(Refused::Told(error)) | QueryOutcome::NothingFound(Some(error)) => {
                Ok(error.code.wire().into_owned())
            }
            other => Err(format!("no refusal: {other:?}")),
        };
    }
    let parts = |_: &str| None;
    let response =
        RetrieveResponse::parse(payload, &parts).map_err(|_| format!("no XCA: {}", answer.text()))?;
    if !response.documents().is_empty() || !package.attachments().is_empty() {
        return Err("a document came beside the error".to_owned());
    }
    response.errors().first().map(|e| e.code.wire().into_owned()).ok_or_else(|| "no error".to_owned())
}

fn disclosed(answer: &Answer) -> Result<(), String> {
    let text = answer.text();
    match SECRETS.iter().find(|secret| text.contains(*secret)) {
        None => Ok(()),
        Some(secret) => Err(format!("`{secret}` is in the answer:\n{text}")),
    }
}

/// The answer with every UUID and the date made equal.
fn normal(got: &Got) -> String {
    let Got::Answer(answer) = got else { return String::new() };
    let text = answer.text();
    let lines: Vec<String> = text
        .lines()
        .filter(|line| !line.to_ascii_lowercase().starts_with("date:"))
        .map(|line| {
            let mut out = String::new();
            let mut hex = String::new();
            for c in line.chars().chain(['\n']) {
                if c.is_ascii_hexdigit() || c == '-' {
                    hex.push(c);
                    continue;
                }
                // Identifiers, boundaries and their counters: every run of hexadecimal digits as long as one.
                if hex.len() >= 32 {
                    out.push_str("<id>");
                } else {
                    out.push_str(&hex);
                }
                hex.clear();
                out.push(c);
            }
            out
        })
        .collect();
    lines.concat()
}

/// One patient, one list, one document, as an honest peer would ask.
async fn honest(world: &World) {
    let [lucia, ..] = PATIENTS;
    let id = world.documents[0].as_str();
    for ask in [Ask::identify(world, &[lucia]), Ask::list(world, lucia), Ask::retrieve(world, lucia, id)] {
        let kept = world.trail.kept();
        let Got::Answer(answer) = fire(world, &ask.shot()).await else {
            panic!("no answer to an honest peer")
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(
            answer.text().contains("Esempi") || !answer.text().contains("RegistryError"),
            "{}",
            answer.text()
        );
        assert_eq!(world.trail.ending_after(kept).await, Some(Ending::Served));
    }
}
