//! `konfido ncp find-patient|list|retrieve`: NCP-B for operators and scripts.
//!
//! The configuration is a node's; the professional is described in a TOML file of its own. Each command issues the
//! assertions anew, records what it did, and exits with 0 for an answer and 1 for a refusal.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use konfido_circle::{CountryCode, PatientId, Personal};
use konfido_gateway::ncp_b::{AskError, Credentials, Facts, NcpB, SignIn};
use konfido_ihe::DocumentClass;
use konfido_ihe::xca::DocumentRequest;
use konfido_ihe::xcpd::PatientCriteria;
use konfido_saml::vocabulary::{FacilityType, Operation, Permission, PurposeOfUse, Role};
use konfido_saml::{Hcp, NameId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::assembly::Assembly;
use crate::config::Settings;
use crate::exit::{ExitCode, UsageError};
use crate::ui::Ui;

/// Arguments of `konfido ncp`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// ITI-55: who has this identifier.
    FindPatient {
        #[command(flatten)]
        whom: Whom,
    },
    /// ITI-38: which documents the patient has.
    List {
        #[command(flatten)]
        whom: Whom,
        /// Class code of the documents.
        #[arg(long, default_value = "60591-5", value_name = "CODE")]
        class: String,
    },
    /// ITI-39: one document, to a file or to standard output.
    Retrieve {
        #[command(flatten)]
        whom: Whom,
        /// Class code of the document.
        #[arg(long, default_value = "60591-5", value_name = "CODE")]
        class: String,
        /// Unique id of the document, as the list tells it.
        #[arg(long, value_name = "ID")]
        document: String,
        /// Repository, as the list tells it [default: the other country's home community].
        #[arg(long, value_name = "OID")]
        repository: Option<String>,
        /// Where to write the document [default: standard output, unless --json].
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
struct Whom {
    /// The node's configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The country that is asked.
    #[arg(long, value_name = "CC")]
    country: CountryCode,
    /// The patient, as `extension^^^&root&ISO`.
    #[arg(long, value_name = "CX")]
    patient: String,
    /// Who asks: a TOML file.
    #[arg(long, value_name = "FILE")]
    professional: PathBuf,
    /// Break the glass: an emergency.
    #[arg(long)]
    emergency: bool,
}

/// A professional's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfessionalFile {
    name_id: String,
    name: String,
    role: String,
    facility: String,
    locality: String,
    organization: Option<String>,
    organization_id: Option<String>,
    #[serde(default)]
    permissions: Vec<String>,
}

/// Runs a command.
pub(crate) fn run(args: Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(ask(args.command, ui))
}

/// Everything that the three commands share.
struct Session {
    assembly: Assembly,
    ncp_b: NcpB,
    credentials: Credentials,
    patient: PatientId,
    purpose: PurposeOfUse,
}

impl Session {
    fn open(whom: &Whom) -> anyhow::Result<Self> {
        let assembly = Assembly::new(Settings::load(&whom.config)?, "audit-client")?;
        let patient = PatientId::parse_cx(&whom.patient)
            .map_err(|e| UsageError(format!("--patient: {e}\nthe form is `extension^^^&root&ISO`")))?;
        let purpose = if whom.emergency { PurposeOfUse::Emergency } else { PurposeOfUse::Treatment };
        let sign_in = read_professional(&whom.professional, purpose, assembly.common.home.urn())?;
        let ncp_b = assembly.ncp_b()?;
        let credentials = ncp_b.sign_in(&sign_in)?;
        Ok(Self { assembly, ncp_b, credentials, patient, purpose })
    }

    async fn confirm(&mut self) -> anyhow::Result<()> {
        self.credentials =
            self.ncp_b.confirm_treatment(&self.credentials, &self.patient, self.purpose).await?;
        Ok(())
    }

    /// Gives the audit messages a moment to reach the collector; what does not, goes with the next command.
    async fn close(self) -> anyhow::Result<()> {
        if let Some(shipper) = self.assembly.shipper()? {
            let spool = self.assembly.trail.spool().clone();
            let empty = async move {
                while spool.backlog() > 0 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            let _left_behind = tokio::time::timeout(Duration::from_secs(5), shipper.run(empty)).await;
        }
        Ok(())
    }
}

async fn ask(command: Command, ui: &Ui) -> anyhow::Result<ExitCode> {
    match command {
        Command::FindPatient { whom } => {
            let session = Session::open(&whom)?;
            let criteria = PatientCriteria::by_ids([&session.patient]);
            let result = session.ncp_b.find_patient(whom.country, &session.credentials, criteria).await;
            let code = tell(ui, result.map(|reply| (found(&reply.answer), reply.facts)));
            session.close().await?;
            code
        }
        Command::List { whom, class } => {
            let class = class_of(&class)?;
            let mut session = Session::open(&whom)?;
            session.confirm().await?;
            let result =
                session.ncp_b.list(whom.country, &session.credentials, &session.patient, class).await;
            let code = tell(ui, result.map(|reply| (listed(&reply.answer.entries), reply.facts)));
            session.close().await?;
            code
        }
        Command::Retrieve { whom, class, document, repository, out } => {
            let class = class_of(&class)?;
            let mut session = Session::open(&whom)?;
            let member = session.assembly.circle.circle().member(whom.country);
            let home = member
                .map(|member| member.home_community.clone())
                .ok_or_else(|| UsageError(format!("`{}` is no member of the circle", whom.country)))?;
            session.confirm().await?;
            let wanted = DocumentRequest {
                home: Some(home.urn()),
                repository: repository.unwrap_or_else(|| home.oid().as_str().to_owned()),
                document,
            };
            let group = class.group();
            let result = session
                .ncp_b
                .retrieve(whom.country, &session.credentials, &session.patient, group, &wanted)
                .await;
            if let Ok(reply) = &result {
                match &out {
                    Some(path) => std::fs::write(path, &reply.answer.bytes)
                        .with_context(|| format!("could not write `{}`", path.display()))?,
                    None if !ui.is_json() => ui.raw(&reply.answer.bytes),
                    None => {}
                }
            }
            let quiet = out.is_none() && result.is_ok() && !ui.is_json();
            let told = result.map(|reply| {
                let answer = json!({
                    "document": wanted.document,
                    "sha256": reply.answer.sha256.to_string(),
                    "bytes": reply.answer.bytes.len(),
                    "mime_type": reply.answer.mime_type,
                });
                (answer, reply.facts)
            });
            let code = if quiet { Ok(ExitCode::Good) } else { tell(ui, told) };
            session.close().await?;
            code
        }
    }
}

fn tell(ui: &Ui, result: Result<(Value, Facts), AskError>) -> anyhow::Result<ExitCode> {
    match result {
        Ok((answer, facts)) => {
            ui.line(serde_json::to_string_pretty(&answer).unwrap_or_default());
            ui.note(format!("{}; {:.1} ms", facts.agreed, facts.took.as_secs_f64() * 1_000.0));
            ui.object(&json!({
                "ok": true,
                "answer": answer,
                "tls": facts.agreed.to_string(),
                "message_id": facts.message_id,
                "duration_ms": facts.took.as_secs_f64() * 1_000.0,
            }));
            Ok(ExitCode::Good)
        }
        Err(error) if error.is_answer() => {
            ui.line(format!("refused: {error}"));
            let code = error.code();
            ui.object(&json!({ "ok": false, "code": code.wire(), "text": error.to_string() }));
            Ok(ExitCode::FoundWrong)
        }
        Err(error) => {
            ui.object(&json!({ "ok": false, "code": error.code().wire(), "text": error.to_string() }));
            Err(error.into())
        }
    }
}

fn found(patient: &konfido_ihe::xcpd::PatientMatch) -> Value {
    let person = patient.demographics.reveal();
    let name = person.names.first().map(|name| {
        let parts: Vec<&str> = name.given.iter().chain(&name.family).map(String::as_str).collect();
        parts.join(" ")
    });
    json!({
        "patient": patient.id.to_cx(),
        "name": name,
        "gender": person.gender.as_ref().map(|gender| gender.code().to_owned()),
        "birth_date": person.birth.map(|birth| birth.to_hl7()),
    })
}

fn listed(entries: &[konfido_ihe::xca::DocumentEntry]) -> Value {
    entries
        .iter()
        .map(|entry| {
            json!({
                "document": entry.document,
                "repository": entry.repository,
                "class": entry.class.code(),
                "format": entry.format.code(),
                "title": entry.title,
                "created": entry.created.map(|t| t.to_string()),
                "size": entry.size,
                "language": entry.language,
            })
        })
        .collect()
}

fn class_of(code: &str) -> anyhow::Result<DocumentClass> {
    match DocumentClass::of_code(code).filter(|class| class.is_queryable()) {
        Some(class) => Ok(class),
        None => Err(UsageError(format!("`{code}` is no class of documents that can be asked for")).into()),
    }
}

fn read_professional(path: &std::path::Path, purpose: PurposeOfUse, home: String) -> anyhow::Result<SignIn> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("could not read `{}`", path.display()))?;
    let wrong = |what: String| UsageError(format!("`{}`: {what}", path.display()));
    let file: ProfessionalFile = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
    let role =
        Role::from_code(&file.role).ok_or_else(|| wrong(format!("`{}` is no role code", file.role)))?;
    let facility = FacilityType::from_text(&file.facility)
        .ok_or_else(|| wrong(format!("`{}` is no kind of facility", file.facility)))?;
    let permissions: Vec<Permission> = if file.permissions.is_empty() {
        all_reading_permissions()
    } else {
        file.permissions.iter().map(|code| Permission::new(code)).collect()
    };
    Ok(SignIn {
        name_id: NameId {
            value: Personal::new(file.name_id),
            format: "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified".to_owned(),
            sp_provided_id: None,
        },
        authn_context: "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI".to_owned(),
        claims: Hcp {
            name: Personal::new(file.name),
            role,
            facility,
            purpose,
            locality: file.locality,
            organization: file.organization,
            organization_id: file.organization_id,
            home_community: Some(home),
            on_behalf_of: None,
            permissions,
        },
    })
}

/// The permissions of every operation that only reads.
fn all_reading_permissions() -> Vec<Permission> {
    let operations = [Operation::PatientDiscovery, Operation::PatientSummary, Operation::Prescription];
    let mut codes: Vec<&str> = operations.iter().flat_map(|o| o.permissions()).copied().collect();
    codes.sort_unstable();
    codes.dedup();
    codes.into_iter().map(Permission::new).collect()
}
