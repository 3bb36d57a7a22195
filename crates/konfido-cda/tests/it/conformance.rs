//! `docs/conformance.md`, section "Documents": every document of the fixtures and what we make of it. Written by the
//! test with `KONFIDO_WRITE_DOCS=1`; without, the test fails when the section is stale.

use std::{collections::BTreeMap, fmt::Write as _, path::Path, process::Command};

use konfido_cda::{
    ClinicalDocument, Level,
    rules::{self, Severity},
};

use crate::fixtures;

const BEGIN: &str = "<!-- documents: begin, written by the test `conformance::the_table_is_fresh` -->";
const END: &str = "<!-- documents: end -->";
const HEAD: &str = "## Documents

Every clinical document of the fixtures, those in recorded exchanges and test messages too: whether it is read, which rules it breaks (`konfido cda check` says where),
and whether the schema of OpenNCP's Transformation Manager, `CDA_Pharma.xsd`, takes it. That schema knows the pharmacy
extension of wave 3 and later; older waves used another extension, and official test data of theirs is refused by it.
What is read is written byte for byte.
";

/// Whether xmllint and the schema accept the file.
fn schema_takes(schema: &Path, file: &Path) -> bool {
    let run = Command::new("xmllint").args(["--noout", "--nonet", "--schema"]).arg(schema).arg(file).output();
    run.expect("xmllint (Debian: libxml2-utils)").status.success()
}

pub(crate) fn schema() -> Option<std::path::PathBuf> {
    let root = fixtures::root()?;
    if Command::new("xmllint").arg("--version").output().is_err() {
        let demanded = std::env::var("KONFIDO_REQUIRE_FIXTURES").as_deref() == Ok("1");
        assert!(!demanded, "xmllint is not installed, and KONFIDO_REQUIRE_FIXTURES=1");
        eprintln!("xmllint is not installed: the schema is NOT asked");
        return None;
    }
    Some(root.join("openncp/schema/TM_resources/schema/CDA_Pharma.xsd"))
}

#[test]
fn the_schema_takes_our_samples() {
    let Some(schema) = schema() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let large = folder.path().join("large.xml");
    std::fs::write(&large, konfido_cda::samples::summary_of_at_least(100_000).expect("made"))
        .expect("written");
    let store = fixtures::repository().join("samples/psstore");
    for name in ["SYN-0001.xml", "SYN-0002.xml", "SYN-0003.xml"] {
        assert!(schema_takes(&schema, &store.join(name)), "{name}");
    }
    assert!(schema_takes(&schema, &large), "the summary of any size");
    let paper = folder.path().join("paper.xml");
    std::fs::write(&paper, crate::samples::on_paper()).expect("written");
    assert!(schema_takes(&schema, &paper), "level 1");
}

fn section(schema: &Path) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("document.xml");
    let documents = fixtures::documents();
    let (mut rows, mut refused, mut sound, mut taken) = (String::new(), 0, 0, 0);
    for (name, bytes) in &documents {
        std::fs::write(&file, bytes).expect("written");
        let accepted = schema_takes(schema, &file);
        taken += usize::from(accepted);
        let schema_words = if accepted { "taken" } else { "refused" };
        match ClinicalDocument::read(bytes) {
            Err(error) => {
                refused += 1;
                writeln!(rows, "| `{name}` | **refused**: {error} | | | {schema_words} |").unwrap();
            }
            Ok(document) => {
                let report = rules::check(&document);
                sound += usize::from(report.is_sound());
                let level = if document.level() == Level::Three { "structured" } else { "PDF" };
                let list = |severity| {
                    let mut counts = BTreeMap::new();
                    for finding in
                        report.findings.iter().filter(|finding| finding.rule.severity() == severity)
                    {
                        *counts.entry(finding.rule).or_insert(0) += 1;
                    }
                    let words = counts.iter().map(|(rule, count)| match count {
                        1 => rule.id().to_owned(),
                        _ => format!("{} × {count}", rule.id()),
                    });
                    words.collect::<Vec<_>>().join(", ")
                };
                let (errors, warnings) = (list(Severity::Error), list(Severity::Warning));
                let kind = document.kind().title();
                writeln!(rows, "| `{name}` | {kind}, {level} | {errors} | {warnings} | {schema_words} |")
                    .unwrap();
            }
        }
    }
    let total = documents.len();
    let refusals = if refused == 0 { "none is refused".to_owned() } else { format!("{refused} are refused") };
    format!(
        "{BEGIN}\n{total} documents, {} read, {refusals}; {sound} break no rule by error; the schema takes {taken}.\n\n\
         | document | read as | errors | warnings | schema |\n| --- | --- | --- | --- | --- |\n{rows}\n{END}",
        total - refused
    )
}

/// The book's page of rules, from their table.
fn rules_page() -> String {
    let mut rows = String::new();
    for rule in rules::Rule::ALL {
        writeln!(rows, "| `{}` | {} | {} |", rule.id(), rule.severity().words(), rule.demand()).unwrap();
    }
    format!(
        "# Document rules\n\n\
         What `konfido cda check FILE` holds a clinical document against: the eHDSI document profile. An error breaks the\n\
         profile; a warning is what documents in circulation do differently, or what only some readers need. An identifier\n\
         never changes its meaning. The command ends with 0 when no rule is broken by error, else with 1.\n\n\
         With `--json` it prints `ok`, `kind`, `level` (3 structured, 1 a PDF), `errors`, `warnings`, `truncated`, and\n\
         `findings`, each with `rule`, `severity`, `demand` and `path`; of a document that cannot be read only `ok` and\n\
         `refusal` say something.\n\n\
         This page is written by the test `conformance::the_page_of_rules_is_fresh`.\n\n\
         | rule | weight | demand |\n| --- | --- | --- |\n{rows}"
    )
}

fn writing() -> bool {
    std::env::var_os("KONFIDO_WRITE_DOCS").is_some_and(|value| value == "1")
}

#[test]
fn the_page_of_rules_is_fresh() {
    let path = fixtures::repository().join("docs/src/document-rules.md");
    if writing() {
        return std::fs::write(&path, rules_page()).expect("written");
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        page,
        rules_page(),
        "docs/src/document-rules.md is stale\nhint: run the test with KONFIDO_WRITE_DOCS=1"
    );
}

#[test]
fn the_table_is_fresh() {
    let Some(schema) = schema() else { return };
    let section = section(&schema);
    let path = fixtures::repository().join("docs/conformance.md");
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    let old = page.find(BEGIN).zip(page.find(END)).and_then(|(from, to)| page.get(from..to + END.len()));
    if writing() {
        let new = match old {
            Some(old) => page.replace(old, &section),
            None => format!("{}\n\n{HEAD}\n{section}\n", page.trim_end()),
        };
        std::fs::write(&path, new).expect("written");
        return;
    }
    assert_eq!(
        old,
        Some(section.as_str()),
        "docs/conformance.md is stale\nhint: run the test with KONFIDO_WRITE_DOCS=1 and look at what changed"
    );
}
