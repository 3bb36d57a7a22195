//! Memory for secrets: `memfd_secret(2)` pages, wiped on drop.

#![expect(unsafe_code, reason = "mapping pages and reading them as a slice has no safe interface")]

use std::fmt;
use std::io;
use std::ptr::NonNull;

use zeroize::Zeroize as _;

/// A fixed number of bytes that no other process can read, nor a core dump hold.
///
/// INVARIANT (mapping): `start` is the start of a private mapping of `mapped` bytes, readable and writable, alive until
/// drop, of which the first `length` are used. Nobody else holds a pointer into it.
pub struct SecretBytes {
    start: NonNull<u8>,
    mapped: usize,
    length: usize,
    secret: bool,
}

// SAFETY: the mapping belongs to this value alone (INVARIANT mapping); moving the value to a thread moves nothing else.
unsafe impl Send for SecretBytes {}
// SAFETY: shared access only reads; writing takes `&mut self`.
unsafe impl Sync for SecretBytes {}

impl SecretBytes {
    /// `length` zero bytes.
    ///
    /// # Errors
    /// When the kernel gives no pages, or does not let them be locked.
    pub fn zeroed(length: usize) -> io::Result<Self> {
        let mapped = length.max(1).next_multiple_of(4096);
        match map_secret(mapped) {
            Ok(start) => Ok(Self { start, mapped, length, secret: true }),
            Err(_) => Ok(Self { start: map_locked(mapped)?, mapped, length, secret: false }),
        }
    }

    /// Takes the bytes over from `source`, and wipes it.
    ///
    /// # Errors
    /// As [`SecretBytes::zeroed`]; `source` is wiped all the same.
    pub fn take(source: &mut [u8]) -> io::Result<Self> {
        let taken = Self::zeroed(source.len()).map(|mut secret| {
            secret.as_mut().copy_from_slice(source);
            secret
        });
        source.zeroize();
        taken
    }

    /// Whether these are pages of `memfd_secret(2)`, which even root reads only by acting inside the process.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// Where they lie, for the test that attacks them from outside.
    pub fn address(&self) -> usize {
        self.start.as_ptr().addr()
    }
}

impl AsRef<[u8]> for SecretBytes {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: INVARIANT (mapping): `length <= mapped` initialised bytes, alive as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl AsMut<[u8]> for SecretBytes {
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `&mut self` excludes every other reference.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.as_mut().zeroize();
        // SAFETY: INVARIANT (mapping): exactly this range was mapped and is unmapped once.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.mapped) };
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes([secret])")
    }
}

fn map_secret(bytes: usize) -> io::Result<NonNull<u8>> {
    let size = libc::off_t::try_from(bytes).map_err(io::Error::other)?;
    // SAFETY: no pointers; the flags are those of the manual page.
    let raw = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    let file = libc::c_int::try_from(raw).map_err(io::Error::other)?;
    if file < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `file` is the descriptor just made.
    let sized = unsafe { libc::ftruncate(file, size) };
    let mapped =
        if sized == 0 { map(bytes, libc::MAP_SHARED, file) } else { Err(io::Error::last_os_error()) };
    // SAFETY: `file` is ours and closed once; the mapping keeps the pages.
    unsafe { libc::close(file) };
    mapped
}

fn map_locked(bytes: usize) -> io::Result<NonNull<u8>> {
    let start = map(bytes, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1)?;
    // SAFETY: the range was mapped just now and is ours.
    let kept = unsafe {
        libc::mlock(start.as_ptr().cast(), bytes) == 0
            && libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_DONTDUMP) == 0
    };
    if kept {
        return Ok(start);
    }
    let error = io::Error::last_os_error();
    // SAFETY: as above; nobody has seen the pointer.
    unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
    Err(error)
}

fn map(bytes: usize, flags: libc::c_int, file: libc::c_int) -> io::Result<NonNull<u8>> {
    // SAFETY: a fresh mapping at an address of the kernel's choice; no existing memory is touched.
    let start = unsafe {
        libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, file, 0)
    };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at address zero"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_taken_over_and_the_source_is_wiped() {
        let mut source = *b"a secret of thirty-two bytes ...";
        let secret = SecretBytes::take(&mut source).unwrap();
        assert_eq!(secret.as_ref(), b"a secret of thirty-two bytes ...");
        assert_eq!(source, [0; 32]);
        assert_eq!(format!("{secret:?}"), "SecretBytes([secret])");
    }

    #[test]
    fn more_than_a_page_is_one_slice() {
        let mut secret = SecretBytes::zeroed(10_000).unwrap();
        secret.as_mut().fill(7);
        assert_eq!(secret.as_ref().iter().map(|b| usize::from(*b)).sum::<usize>(), 70_000);
    }
}
