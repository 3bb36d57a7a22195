//! The second opinion: `interop/cda/check.py` on lxml must say the same of every document, path by path.

use std::{collections::BTreeMap, process::Command};

use konfido_cda::{ClinicalDocument, rules, samples};

use crate::{
    fixtures,
    rules::{MISTAKES, with_mistake},
};

/// The Python with lxml; none when it isn't there, which is said aloud, or demanded together with the fixtures.
fn python() -> Option<String> {
    let python = std::env::var("KONFIDO_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let works = Command::new(&python)
        .args(["-c", "import lxml.etree"])
        .output()
        .is_ok_and(|run| run.status.success());
    if works {
        return Some(python);
    }
    let demanded = std::env::var("KONFIDO_REQUIRE_FIXTURES").as_deref() == Ok("1");
    assert!(
        !demanded,
        "`{python}` has no lxml, and KONFIDO_REQUIRE_FIXTURES=1\nhint: `make test` sets KONFIDO_PYTHON up"
    );
    eprintln!("`{python}` has no lxml: the second opinion on documents is NOT asked");
    None
}

#[test]
fn a_second_judge_agrees_on_every_document() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut cases = fixtures::documents();
    let own = [samples::FULL_SUMMARY, samples::KNOWN_ABSENCE, samples::NO_INFORMATION].map(<[u8]>::to_vec);
    cases.extend(own.into_iter().enumerate().map(|(index, bytes)| (format!("sample {index}"), bytes)));
    let mistakes =
        MISTAKES.iter().map(|(from, to, _)| (format!("`{to}` for `{from}`"), with_mistake(from, to)));
    cases.extend(mistakes);
    cases.push(("no document".to_owned(), b"<ClinicalDocument/>".to_vec()));
    cases.push((
        "two codes".to_owned(),
        with_mistake("<code code=\"60591-5\"", "<code code=\"x\"/><code code=\"60591-5\""),
    ));
    cases.push((
        "not XML".to_owned(),
        b"<ClinicalDocument xmlns='urn:hl7-org:v3'><code code='60591-5'/>".to_vec(),
    ));

    let file = |index: usize| folder.path().join(format!("{index:04}.xml"));
    for (index, (_, bytes)) in cases.iter().enumerate() {
        std::fs::write(file(index), bytes).expect("written");
    }
    let script = fixtures::repository().join("interop/cda/check.py");
    let run =
        Command::new(python).arg(script).args((0..cases.len()).map(file)).output().expect("the script runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let verdicts: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&run.stdout).expect("JSON");

    for (index, (name, bytes)) in cases.iter().enumerate() {
        let verdict = &verdicts[&file(index).display().to_string()];
        let theirs: Option<Vec<(String, String)>> =
            verdict.get("findings").map(|findings| serde_json::from_value(findings.clone()).expect("pairs"));
        let ours = ClinicalDocument::read(bytes).ok().map(|document| {
            let findings = rules::check(&document).findings;
            let mut pairs: Vec<_> =
                findings.into_iter().map(|finding| (finding.rule.id().to_owned(), finding.path)).collect();
            pairs.sort();
            pairs
        });
        let theirs = theirs.map(|mut pairs| {
            pairs.sort();
            pairs
        });
        assert_eq!(ours, theirs, "{name}");
    }
}
