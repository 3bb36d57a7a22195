//! The `konfido` binary.
fn main() {}
