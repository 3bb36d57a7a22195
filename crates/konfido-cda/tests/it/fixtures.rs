//! Where the documents of others are.

use std::path::{Path, PathBuf};

/// The folder of third-party fixtures; none when it isn't given, which is said aloud, or demanded.
pub(crate) fn root() -> Option<PathBuf> {
    match std::env::var_os("KONFIDO_FIXTURES") {
        Some(root) => Some(PathBuf::from(root)),
        None if std::env::var("KONFIDO_REQUIRE_FIXTURES").as_deref() == Ok("1") => {
            panic!("KONFIDO_REQUIRE_FIXTURES=1 but KONFIDO_FIXTURES is not set")
        }
        None => {
            eprintln!("KONFIDO_FIXTURES is not set: documents of others are NOT tested");
            None
        }
    }
}

/// Every CDA document of the fixtures with its path below `openncp/cda`, in order; empty without fixtures.
pub(crate) fn documents() -> Vec<(String, Vec<u8>)> {
    let Some(root) = root() else { return Vec::new() };
    let root = root.join("openncp/cda");
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found.sort();
    assert!(found.len() >= 60, "only {} documents below {}", found.len(), root.display());
    found
}

fn walk(root: &Path, folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(root, &path, into);
        } else if path.extension().is_some_and(|extension| extension == "xml") {
            let name = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
            into.push((name, std::fs::read(&path).expect("a readable file")));
        }
    }
}

/// The repository's root.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
