//! The folder of third-party fixtures, and what is in its files.

use std::path::{Path, PathBuf};

/// The fixtures, or `None` if they are absent: said aloud, and a failure where they are required.
pub(crate) fn root() -> Option<PathBuf> {
    match std::env::var_os("KONFIDO_FIXTURES") {
        Some(root) => Some(PathBuf::from(root).join("openncp")),
        None => {
            let required = std::env::var_os("KONFIDO_REQUIRE_FIXTURES").is_some_and(|v| v == "1");
            assert!(!required, "KONFIDO_FIXTURES is unset, but KONFIDO_REQUIRE_FIXTURES=1");
            eprintln!("SKIPPED: KONFIDO_FIXTURES is unset, nothing of the peers' messages is checked");
            None
        }
    }
}

/// Every file below `folder`, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap_or_else(|e| panic!("{}: {e}", next.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// A recorded HTTP message.
pub(crate) struct Http {
    pub(crate) start: String,
    headers: String,
    body: Vec<u8>,
}

impl Http {
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (head, body) = split(&bytes, b"\r\n\r\n").expect("a header block");
        let head = String::from_utf8(head.to_vec()).unwrap();
        let (start, headers) = head.split_once("\r\n").unwrap();
        Self { start: start.to_owned(), headers: headers.to_owned(), body: body.to_vec() }
    }

    fn boundary(&self) -> Option<String> {
        let at = self.headers.find("boundary=\"")? + "boundary=\"".len();
        self.headers.get(at..)?.split('"').next().map(str::to_owned)
    }

    /// The parts as (content id, bytes); a plain body is one part without id.
    pub(crate) fn parts(&self) -> Vec<(String, Vec<u8>)> {
        let Some(boundary) = self.boundary() else {
            return vec![(String::new(), self.body.clone())];
        };
        let delimiter = format!("--{boundary}");
        let mut parts = Vec::new();
        let mut rest = split(&self.body, delimiter.as_bytes()).expect("a first boundary").1;
        while let Some((part, next)) = split(rest, format!("\r\n{delimiter}").as_bytes()) {
            let (head, content) = split(part, b"\r\n\r\n").expect("a part's header block");
            let head = String::from_utf8_lossy(head).into_owned();
            let id = head.split("Content-ID: <").nth(1).and_then(|id| id.split('>').next());
            parts.push((id.unwrap_or_default().to_owned(), content.to_vec()));
            rest = next;
        }
        parts
    }
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let start = bytes.windows(at.len()).position(|window| window == at)?;
    Some((&bytes[..start], &bytes[start + at.len()..]))
}
