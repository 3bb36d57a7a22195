//! Fixed fields out of untrusted bytes: every read is bounded and says so when it is short.

use super::Refusal;

/// `N` bytes at `offset`.
pub(super) fn array<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N], Refusal> {
    offset
        .checked_add(N)
        .and_then(|end| bytes.get(offset..end))
        .and_then(|field| field.try_into().ok())
        .ok_or_else(|| Refusal::Unreadable(format!("ends before byte {}", offset.saturating_add(N))))
}

/// The bytes behind hexadecimal text, if that is what this is.
pub(super) fn from_hex_text(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let digits: String = text.split_whitespace().collect();
    (digits.len() >= 64).then(|| hex::decode(digits).ok()).flatten()
}

/// A cursor over big-endian fields, as the TPM writes them.
#[derive(Debug)]
pub(super) struct BigEndian<'a> {
    rest: &'a [u8],
}

impl<'a> BigEndian<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Refusal> {
        let (head, tail) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| Refusal::Unreadable("ends in the middle of a field".to_owned()))?;
        self.rest = tail;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let field = self.take(N)?;
        array(field, 0)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Refusal> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Refusal> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Refusal> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Refusal> {
        self.array().map(u64::from_be_bytes)
    }

    /// A buffer with a 16-bit length before it (TPM2B).
    pub(super) fn sized(&mut self) -> Result<&'a [u8], Refusal> {
        let length = self.u16()?;
        self.take(length.into())
    }

    pub(super) fn end(&self) -> Result<(), Refusal> {
        if self.rest.is_empty() { Ok(()) } else { Err(Refusal::Unreadable("trailing bytes".to_owned())) }
    }
}
