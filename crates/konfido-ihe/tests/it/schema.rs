//! Every message that we emit against the schemas of the reference implementation's services, judged by xmllint.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::{emitted, fixtures};

#[test]
fn the_schemas_accept_every_message_we_emit() {
    let Some(openncp) = fixtures::root() else { return };
    let folder = tempfile::tempdir().unwrap();
    let schemas = [
        ("PRPA_IN201305UV02", "xcpd/schema/PRPA_IN201305UV02.xsd"),
        ("PRPA_IN201306UV02", "xcpd/schema/PRPA_IN201306UV02.xsd"),
        ("AdhocQuery", "xca/schema/query.xsd"),
        ("RetrieveDocumentSet", "xca/schema/IHEXDS.xsd"),
    ];
    let mut files: Vec<Vec<std::path::PathBuf>> = vec![Vec::new(); schemas.len()];
    for (number, (name, message)) in emitted::all().into_iter().enumerate() {
        let text = message.to_document_string();
        let which =
            schemas.iter().position(|(root, _)| text.contains(&format!("<{root}"))).expect("a known root");
        let path = folder.path().join(format!("{number:03}.xml"));
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        writeln!(file, "<!-- {} -->", name.replace("--", "-")).unwrap();
        files[which].push(path);
    }
    for ((root, schema), files) in schemas.iter().zip(&files) {
        assert!(!files.is_empty(), "{root}");
        let output = Command::new("xmllint")
            .args(["--noout", "--nonet", "--schema"])
            .arg(openncp.join("wsdl").join(schema))
            .args(files)
            .stdout(Stdio::null())
            .output()
            .expect("xmllint (Debian package libxml2-utils) judges the messages");
        let said = String::from_utf8_lossy(&output.stderr);
        let complaints: Vec<_> = said.lines().filter(|line| !line.ends_with(" validates")).take(20).collect();
        assert!(output.status.success(), "{root}: {complaints:#?}");
    }
}
