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
