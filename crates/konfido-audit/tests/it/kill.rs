//! The spool after `kill -9`: what was answered is there. The writer is this test binary, run once more.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use konfido_audit::{Spool, SpoolOptions};
use secrecy::ExposeSecret;

use crate::world::sealer;

const CHILD: &str = "KONFIDO_AUDIT_TEST_SPOOL";

fn options() -> SpoolOptions {
    SpoolOptions { segment_bytes: 20_000, ..SpoolOptions::default() }
}

/// Appends from four threads until it is killed, and says each number that was answered.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let spool = Spool::open(&PathBuf::from(dir), options(), sealer()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let sequence = spool.append_blocking(vec![b'm'; 997]).unwrap();
                    println!("answered {}", sequence.number());
                }
            });
        }
    });
}

#[test]
fn what_was_answered_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut last_answered = 0;
    for kill_after in [1, 17, 60] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut answered = 0;
        while answered < kill_after {
            let line = lines.next().expect("the child ended").unwrap();
            answered += usize::from(line.contains("answered "));
            last_answered = last_answered.max(number(&line));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        last_answered = lines.map_while(Result::ok).map(|l| number(&l)).fold(last_answered, u64::max);

        let spool = Spool::open(dir.path(), options(), sealer()).unwrap();
        let records = spool.read_unconfirmed(usize::MAX).unwrap();
        let numbers: Vec<u64> = records.iter().map(|r| r.sequence.number()).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
        assert!(numbers.len() as u64 >= last_answered, "{} records, {last_answered} answered", numbers.len());
        assert!(records.iter().all(|r| r.message.expose_secret() == [b'm'; 997]));
    }
}

fn number(line: &str) -> u64 {
    line.rsplit_once("answered ").and_then(|(_, n)| n.trim().parse().ok()).unwrap_or(0)
}
