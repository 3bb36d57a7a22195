//! The folder of third-party files, which lives outside the repository.

use std::path::PathBuf;

/// The fixtures' OpenNCP folder; says so when there is none, and fails when there must be.
pub(crate) fn openncp() -> Option<PathBuf> {
    match std::env::var_os("KONFIDO_FIXTURES") {
        Some(root) => Some(PathBuf::from(root).join("openncp")),
        None if std::env::var_os("KONFIDO_REQUIRE_FIXTURES").is_some_and(|v| v == "1") => {
            panic!("KONFIDO_FIXTURES is not set although KONFIDO_REQUIRE_FIXTURES=1")
        }
        None => {
            eprintln!("SKIPPED: KONFIDO_FIXTURES is not set, third-party files are not tested");
            None
        }
    }
}

/// A recorded HTTP message.
pub(crate) struct Http {
    pub(crate) content_type: String,
    pub(crate) body: bytes::Bytes,
}

/// Reads a `.http` recording.
pub(crate) fn http(path: &std::path::Path) -> Http {
    let bytes = bytes::Bytes::from(std::fs::read(path).unwrap());
    let end = memchr::memmem::find(&bytes, b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let content_type = head
        .lines()
        .find_map(|l| l.split_once(':').filter(|(n, _)| n.eq_ignore_ascii_case("content-type")))
        .map_or_else(String::new, |(_, v)| v.trim().to_owned());
    Http { content_type, body: bytes.slice(end + 4..) }
}
