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

/// Every CDA document of the fixtures with its path below `openncp`, in order, those within recorded exchanges and
/// test messages too; empty without fixtures.
pub(crate) fn documents() -> Vec<(String, Vec<u8>)> {
    let Some(root) = root() else { return Vec::new() };
    let root = root.join("openncp");
    let mut found = Vec::new();
    for folder in ["assertions", "cda", "konfido-testbed-2018", "messages", "recorded"] {
        walk(&root, &root.join(folder), &mut found);
    }
    found.sort();
    assert!(found.len() >= 80, "only {} documents below {}", found.len(), root.display());
    found
}

fn walk(root: &Path, folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(root, &path, into);
            continue;
        }
        let whole = path.extension().is_some_and(|extension| extension == "xml");
        let exchange = path.extension().is_some_and(|extension| extension == "http");
        if !(whole || exchange) {
            continue;
        }
        let bytes = std::fs::read(&path).expect("a readable file");
        let Some(document) = document_within(&bytes) else { continue };
        let name = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
        // A file that is a document is taken whole, with what stands around the root element.
        into.push((name, if whole { bytes } else { document.to_vec() }));
    }
}

/// The element `ClinicalDocument`, of any prefix, in the bytes of a file or message.
fn document_within(bytes: &[u8]) -> Option<&[u8]> {
    let find = |needle: &[u8]| bytes.windows(needle.len()).position(|window| window == needle);
    let name = find(b"ClinicalDocument")?;
    let start = bytes[..name].iter().rposition(|byte| *byte == b'<')?;
    let close = [b"</".as_slice(), &bytes[start + 1..name], b"ClinicalDocument>"].concat();
    let end = bytes.windows(close.len()).rposition(|window| window == close)? + close.len();
    bytes.get(start..end)
}

/// The repository's root.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
