//! The crate from outside.
mod attacks;
mod entropy;
mod fibre;
mod physics;
mod protocols;
mod regenerate;
mod sram;

/// The folder of third-party fixtures, or a loud remark; required where `KONFIDO_REQUIRE_FIXTURES=1`.
fn fixtures() -> Option<std::path::PathBuf> {
    let folder = std::env::var_os("KONFIDO_FIXTURES").map(std::path::PathBuf::from);
    if folder.is_none() {
        assert!(
            std::env::var_os("KONFIDO_REQUIRE_FIXTURES").is_none_or(|v| v != "1"),
            "KONFIDO_FIXTURES is not set and KONFIDO_REQUIRE_FIXTURES=1"
        );
        eprintln!("NOT TESTED: KONFIDO_FIXTURES is not set");
    }
    folder
}
