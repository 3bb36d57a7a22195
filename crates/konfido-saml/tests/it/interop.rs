//! PySAML2 reads ours, we read PySAML2's; libxmlsec1 verifies and signs. The script is `interop/saml/pysaml2_judge.py`,
//! its interpreter is named by `KONFIDO_PYTHON`.

use std::path::{Path, PathBuf};
use std::process::Command;

use konfido_saml::vocabulary::{Operation, Role};

use crate::world::*;

fn judge() -> Option<Command> {
    let Some(python) = std::env::var_os("KONFIDO_PYTHON") else {
        eprintln!("SKIPPED: KONFIDO_PYTHON is not set, PySAML2 does not judge");
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../interop/saml/pysaml2_judge.py");
    let mut command = Command::new(python);
    command.arg(script);
    Some(command)
}

fn run(mut command: Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn write(dir: &Path, name: &str, content: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn pysaml2_reads_what_we_issue() {
    let Some(_) = judge() else { return };
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let certificate = write(dir.path(), "cert.pem", &signing_pem().0);
    let hcp = world.hcp();
    let trc = world.trc(&hcp);
    let nok = world.issuer().nok(&reference(&hcp), &relative()).unwrap();
    for (name, assertion, words) in [
        (
            "hcp",
            &hcp,
            vec!["urn:ehdsi:assertions:hcp", "house@hospital.example", "Grete Hansen & S\\u00f8n", "\"221\""],
        ),
        (
            "trc",
            &trc,
            vec![
                "urn:ehdsi:assertions:trc",
                "RSSMRA85T10A562S^^^&2.16.17.710&ISO",
                hcp.id.as_str(),
                "TREATMENT",
            ],
        ),
        ("nok", &nok, vec!["urn:ehdsi:assertions:nok", "9-9999-NOK", "Breydelstraat, 4", hcp.id.as_str()]),
    ] {
        let file = write(dir.path(), name, assertion.xml.as_str());
        let mut command = judge().unwrap();
        command.arg("parse").arg(file).arg(&certificate);
        let said = String::from_utf8(run(command)).unwrap();
        for word in words.into_iter().chain([
            assertion.id.as_str(),
            "cm:sender-vouches",
            "assertions.audience:x-border",
        ]) {
            assert!(said.contains(word), "{name}: {word} is not in {said}");
        }
    }
}

#[test]
fn we_read_what_pysaml2_issues() {
    let Some(mut command) = judge() else { return };
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = signing_pem();
    let certificate = write(dir.path(), "cert.pem", &certificate);
    let key = write(dir.path(), "key.pem", &key);
    command.arg("issue").arg(key).arg(certificate).arg(start().to_string());
    let xml = String::from_utf8(run(command)).unwrap();
    let admission = world.present(Operation::PatientDiscovery, &[&xml]).unwrap();
    let claims = admission.hcp().claims();
    assert_eq!(claims.role, Role::Pharmacist);
    assert_eq!(claims.name.reveal(), "Guido Pædagog");
    assert_eq!(claims.permissions, permissions(&["PRD-006", "PPD-046"]));
    let changed = xml.replace("Odense", "Aarhus");
    assert!(world.present(Operation::PatientDiscovery, &[&changed]).is_err());
}
