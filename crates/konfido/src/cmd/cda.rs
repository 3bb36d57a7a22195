//! `konfido cda check|render`: clinical documents on the desk of an operator.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use konfido_cda::rules::{self, Severity};
use konfido_cda::{ClinicalDocument, Level, ReadError, html};
use serde::Serialize;

use crate::exit::ExitCode;
use crate::ui::Ui;

/// Arguments of `konfido cda`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Hold a document against the rules of the profile and report every one broken, with its path.
    Check {
        /// The document; `-` for standard input.
        file: PathBuf,
    },
    /// Make an accessible page of a document.
    Render {
        /// The document; `-` for standard input.
        file: PathBuf,
        /// Write the page here instead of to standard output.
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Serialize)]
struct Finding<'a> {
    rule: &'static str,
    severity: &'static str,
    demand: &'static str,
    path: &'a str,
}

#[derive(Default, Serialize)]
struct Verdict<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<u8>,
    errors: usize,
    warnings: usize,
    truncated: bool,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Rendered<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a Path>,
}

/// Runs the chosen action.
pub(crate) fn run(args: Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Check { file } => check(&file, ui),
        Action::Render { file, out } => render(&file, out.as_deref(), ui),
    }
}

fn check(file: &Path, ui: &Ui) -> anyhow::Result<ExitCode> {
    let document = match ClinicalDocument::read(&read(file)?) {
        Ok(document) => document,
        Err(error) => {
            ui.object(&Verdict { refusal: Some(error.to_string()), ..Verdict::default() });
            return Ok(refused(&error, ui));
        }
    };
    let report = rules::check(&document);
    let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
    let level = if document.level() == Level::Three { 3 } else { 1 };
    let findings = report.findings.iter().map(|finding| Finding {
        rule: finding.rule.id(),
        severity: finding.rule.severity().words(),
        demand: finding.rule.demand(),
        path: &finding.path,
    });
    ui.object(&Verdict {
        ok: report.is_sound(),
        refusal: None,
        kind: Some(document.kind().title()),
        level: Some(level),
        errors,
        warnings,
        truncated: report.truncated,
        findings: findings.collect(),
    });
    ui.heading(&format!("{}, level {level}: {}", document.kind().title(), counted(errors, warnings)));
    for finding in &report.findings {
        let rule = finding.rule;
        ui.line(format!("  {:<8} {:<20} broken: {}", rule.severity().words(), rule.id(), rule.demand()));
        ui.line(format!("  {:<8} {:<20} {}", "", "", finding.path));
    }
    if report.truncated {
        ui.line("  more is broken than is worth listing");
    }
    Ok(ExitCode::from_verdict(report.is_sound()))
}

fn counted(errors: usize, warnings: usize) -> String {
    let plural = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    match (errors, warnings) {
        (0, 0) => "no rule broken".to_owned(),
        _ => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
    }
}

fn render(file: &Path, out: Option<&Path>, ui: &Ui) -> anyhow::Result<ExitCode> {
    let document = match ClinicalDocument::read(&read(file)?) {
        Ok(document) => document,
        Err(error) => {
            ui.object(&Rendered { ok: false, refusal: Some(error.to_string()), html: None, file: None });
            return Ok(refused(&error, ui));
        }
    };
    let page = html::render(&document);
    match out {
        Some(out) => {
            std::fs::write(out, &page).with_context(|| format!("cannot write `{}`", out.display()))?;
            ui.object(&Rendered { ok: true, refusal: None, html: None, file: Some(out) });
            ui.line(format!("{}", out.display()));
        }
        None if ui.is_json() => {
            ui.object(&Rendered { ok: true, refusal: None, html: Some(&page), file: None })
        }
        None => ui.raw(page.as_bytes()),
    }
    Ok(ExitCode::Good)
}

/// A document that cannot be read is something found wrong, and no fault of the environment.
fn refused(error: &ReadError, ui: &Ui) -> ExitCode {
    if !ui.is_json() {
        ui.note(format!("refused: {error}"));
    }
    ExitCode::FoundWrong
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        // One byte over what a document may have is enough to refuse it.
        let limit = konfido_xml::Limits::DOCUMENT.max_bytes as u64 + 1;
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok(bytes);
    }
    std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))
}
