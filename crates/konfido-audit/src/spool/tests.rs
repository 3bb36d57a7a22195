//! Durability: torn tails, group commit, quota, order.

use konfido_keys::software::{SoftwareSealer, SystemRng};
use secrecy::{ExposeSecret, SecretBox};

use super::*;

fn sealer() -> Arc<dyn Sealer> {
    let key = SecretBox::new(Box::new([7; 32]));
    Arc::new(SoftwareSealer::new(&key, Arc::new(SystemRng)).unwrap())
}

fn open(dir: &Path) -> Spool {
    Spool::open(dir, SpoolOptions::default(), sealer()).unwrap()
}

fn texts(spool: &Spool) -> Vec<String> {
    let records = spool.read_unconfirmed(1000).unwrap();
    records.iter().map(|r| String::from_utf8(r.message.expose_secret().to_vec()).unwrap()).collect()
}

fn append(spool: &Spool, text: &str) -> Sequence {
    spool.append_blocking(text.as_bytes().to_vec()).unwrap()
}

fn reopen(dir: &Path, spool: Spool) -> Spool {
    drop(spool);
    open(dir)
}

#[test]
fn what_was_appended_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    for i in 0..5 {
        assert_eq!(append(&spool, &format!("m{i}")).number(), i + 1);
    }
    let spool = reopen(dir.path(), spool);
    assert_eq!(texts(&spool), ["m0", "m1", "m2", "m3", "m4"]);
    assert_eq!(append(&spool, "m5").number(), 6);
    spool.confirm(Sequence(4)).unwrap();
    let spool = reopen(dir.path(), spool);
    assert_eq!(texts(&spool), ["m4", "m5"]);
    assert_eq!(spool.backlog(), 2);
}

#[test]
fn a_segment_cut_at_any_byte_gives_what_was_whole() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    for i in 0..3 {
        append(&spool, &format!("message {i}"));
    }
    drop(spool);
    let path = segment::path(dir.path(), 1);
    let whole = std::fs::read(&path).unwrap();
    let record = (whole.len() - 8) / 3;
    for cut in 0..whole.len() {
        let torn = tempfile::tempdir().unwrap();
        std::fs::write(segment::path(torn.path(), 1), &whole[..cut]).unwrap();
        let spool = open(torn.path());
        let expected = cut.saturating_sub(8) / record;
        assert_eq!(texts(&spool).len(), expected, "cut at {cut}");
        assert_eq!(append(&spool, "next").number(), expected as u64 + 1);
        assert_eq!(texts(&spool).last().unwrap(), "next");
        let spool = reopen(torn.path(), spool);
        assert_eq!(texts(&spool).len(), expected + 1, "cut at {cut}, reopened");
    }
}

#[test]
fn zeros_behind_the_last_record_are_a_torn_tail() {
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path()), "one");
    let path = segment::path(dir.path(), 1);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(&[0; 4096]);
    std::fs::write(&path, bytes).unwrap();
    let spool = open(dir.path());
    assert_eq!(texts(&spool), ["one"]);
    assert!(path.with_extension("torn").exists());
}

#[test]
fn records_are_sealed_and_bound_to_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    append(&spool, "aaaa-personal");
    append(&spool, "bbbb-personal");
    drop(spool);
    let path = segment::path(dir.path(), 1);
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(8).any(|w| w == b"personal"));
    // Exchange the two sealed records, keep their numbers.
    let (head, records) = bytes.split_at(8);
    let (one, two) = records.split_at(records.len() / 2);
    let swapped = [head, &one[..12], &two[12..], &two[..12], &one[12..]].concat();
    std::fs::write(&path, swapped).unwrap();
    assert!(texts(&open(dir.path())).is_empty());
}

#[test]
fn concurrent_writers_share_a_sync() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let threads: Vec<_> = (0..16)
        .map(|t| {
            let spool = spool.clone();
            std::thread::spawn(move || {
                (0..50).map(|i| append(&spool, &format!("{t}/{i}")).0).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut numbers: Vec<u64> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=800).collect::<Vec<_>>());
    assert_eq!(texts(&spool).len(), 800);
    assert!(spool.syncs() < 800, "{} syncs for 800 appends", spool.syncs());
}

#[test]
fn confirmed_segments_are_deleted_and_numbers_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let options = SpoolOptions { segment_bytes: 64, ..SpoolOptions::default() };
    let spool = Spool::open(dir.path(), options.clone(), sealer()).unwrap();
    for i in 0..6 {
        append(&spool, &format!("a message of some length {i}"));
    }
    assert_eq!(segment::list(dir.path()).unwrap().len(), 6);
    spool.confirm(Sequence(6)).unwrap();
    assert_eq!(segment::list(dir.path()).unwrap().len(), 1);
    assert_eq!(spool.bytes(), segment::list(dir.path()).unwrap()[0].2);
    drop(spool);
    let spool = Spool::open(dir.path(), options, sealer()).unwrap();
    assert_eq!(append(&spool, "seven").number(), 7);
    assert_eq!(texts(&spool), ["seven"]);
}

#[test]
fn a_full_spool_refuses_and_takes_again() {
    let dir = tempfile::tempdir().unwrap();
    let options = SpoolOptions { segment_bytes: 100, quota_bytes: 600, ..SpoolOptions::default() };
    let spool = Spool::open(dir.path(), options, sealer()).unwrap();
    let mut appended = 0;
    let refused = loop {
        match spool.append_blocking(vec![b'x'; 100]) {
            Ok(_) => appended += 1,
            Err(error) => break error,
        }
        assert!(appended < 10);
    };
    assert!(matches!(refused, SpoolError::Full(_)));
    assert_eq!(texts(&spool).len(), appended);
    spool.confirm(Sequence(appended as u64)).unwrap();
    append(&spool, "again");
}

#[test]
fn two_processes_do_not_share_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(dir.path());
    assert!(matches!(Spool::open(dir.path(), SpoolOptions::default(), sealer()), Err(SpoolError::InUse(_))));
}

#[test]
fn too_long_a_message_is_refused_alone() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    assert!(matches!(spool.append_blocking(vec![0; 2 << 20]), Err(SpoolError::TooLong(_))));
    assert_eq!(append(&spool, "short").number(), 1);
}
