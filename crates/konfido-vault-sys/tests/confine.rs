//! The measures from inside a process that has given its rights away: each is tried, none may be had.
//!
//! The test starts itself again as the confined process, because what is given away cannot be taken back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::io::Read as _;
use std::process::{Command, Stdio};

use konfido_vault_sys::{Confinement, Measure, SecretBytes};

const ROLE: &str = "KONFIDO_CONFINED";

#[test]
fn what_is_given_away_is_gone() {
    if std::env::var_os(ROLE).is_some() {
        return confined();
    }
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "what_is_given_away_is_gone", "--nocapture", "--test-threads=1"])
        .env(ROLE, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test starts itself");
    let mut said = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut said).expect("text");
    assert!(child.wait().expect("it ends").success(), "{said}");
    for line in ["file: refused", "socket: refused", "exec: refused", "own folder: written"] {
        assert!(said.contains(line), "`{line}` is missing in\n{said}");
    }
}

fn confined() {
    let own = tempfile::tempdir().expect("a folder");
    let measures = Confinement {
        read_write: vec![own.path().to_owned()],
        demanded: vec![
            Measure::NoDump,
            Measure::NoWriteExecute,
            Measure::OnlyNamedFiles,
            Measure::OnlyNeededCalls,
        ],
        ..Confinement::default()
    }
    .apply()
    .expect("this kernel has what is demanded");
    assert!(measures.held.contains(&Measure::OnlyNeededCalls));
    let secret = SecretBytes::take(&mut [7; 32]).expect("secret memory after the rights are gone");
    assert_eq!(secret.as_ref(), [7; 32]);
    println!("file: {}", verdict(std::fs::read("/etc/passwd").is_err()));
    println!("socket: {}", verdict(std::net::TcpListener::bind("127.0.0.1:0").is_err()));
    println!("exec: {}", verdict(Command::new("/bin/true").status().is_err()));
    let written = std::fs::write(own.path().join("file"), b"x").is_ok();
    println!("own folder: {}", if written { "written" } else { "REFUSED" });
}

fn verdict(refused: bool) -> &'static str {
    if refused { "refused" } else { "HAD" }
}
