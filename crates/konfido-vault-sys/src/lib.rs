//! What the vault asks of the kernel: memory that others cannot read, and rights given away for good.
//!
//! This is the one crate of the project with `unsafe` code. It knows nothing of keys or sessions: it offers secret memory
//! and one way to close a process off, and reports honestly which measures are in force. INVARIANT (fail-closed): a measure
//! that the caller demands and the kernel refuses is an error, never a silent gap.
//!
//! - [`SecretBytes`]: pages of `memfd_secret(2)`, taken out of the kernel's own map, so that even a passive read by root
//!   through `/proc/PID/mem` fails. Where the kernel has none, locked and undumpable memory, and [`SecretBytes::is_secret`]
//!   says so.
//! - [`Confinement`]: no core dumps and no `ptrace` by the same user, no writable and executable memory, no new privileges,
//!   another user, no network, only the files named (Landlock), only the system calls needed (seccomp).

mod confine;
mod memory;

pub use confine::{ConfineError, Confinement, Measure, Measures};
pub use memory::SecretBytes;
