//! Deterministic CBOR (RFC 8949 section 4.2.1) for what the ledger hashes and signs: unsigned integers, byte and text
//! strings, arrays. Reading refuses every other spelling, so that `encode(decode(x)) == x`.

/// Bytes that are not the one encoding of what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// The bytes end too early.
    #[error("encoding ends early")]
    Short,
    /// Bytes follow the end.
    #[error("bytes after the end of the encoding")]
    Trailing,
    /// Another type stands where one was expected.
    #[error("unexpected type in the encoding")]
    Type,
    /// An integer or length is not in its shortest form.
    #[error("not the deterministic form of the encoding")]
    Form,
    /// A length or value is beyond its bound.
    #[error("length or value beyond its bound")]
    Bound,
}

/// Writes one item after the other.
#[derive(Clone, Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn head(mut self, major: u8, value: u64) -> Self {
        let major = major << 5;
        let bytes = value.to_be_bytes();
        match value {
            0..=23 => self.0.push(major | u8::try_from(value).unwrap_or(0)),
            24..=0xff => self.0.extend([major | 24, u8::try_from(value).unwrap_or(0)]),
            0x100..=0xffff => {
                self.0.push(major | 25);
                self.0.extend(bytes.iter().skip(6));
            }
            0x1_0000..=0xffff_ffff => {
                self.0.push(major | 26);
                self.0.extend(bytes.iter().skip(4));
            }
            _ => {
                self.0.push(major | 27);
                self.0.extend(bytes);
            }
        }
        self
    }

    /// An unsigned integer.
    #[must_use]
    pub fn uint(self, value: u64) -> Self {
        self.head(0, value)
    }

    /// A byte string.
    #[must_use]
    pub fn bytes(self, value: &[u8]) -> Self {
        let mut out = self.head(2, value.len() as u64);
        out.0.extend_from_slice(value);
        out
    }

    /// A text string.
    #[must_use]
    pub fn text(self, value: &str) -> Self {
        let mut out = self.head(3, value.len() as u64);
        out.0.extend_from_slice(value.as_bytes());
        out
    }

    /// The head of an array; its items follow.
    #[must_use]
    pub fn array(self, items: usize) -> Self {
        self.head(4, items as u64)
    }

    /// What was written.
    #[must_use]
    pub fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Reads one item after the other and refuses anything else.
#[derive(Clone, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], CborError> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(CborError::Short)?;
        self.0 = rest;
        Ok(head)
    }

    fn head(&mut self, major: u8) -> Result<u64, CborError> {
        let &[first] = self.take(1)? else { return Err(CborError::Short) };
        if first >> 5 != major {
            return Err(CborError::Type);
        }
        let (width, least) = match first & 0x1f {
            small @ 0..=23 => return Ok(u64::from(small)),
            24 => (1, 24),
            25 => (2, 0x100),
            26 => (4, 0x1_0000),
            27 => (8, 0x1_0000_0000),
            _ => return Err(CborError::Form),
        };
        let value = self.take(width)?.iter().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
        if value < least { Err(CborError::Form) } else { Ok(value) }
    }

    /// An unsigned integer.
    ///
    /// # Errors
    /// If something else comes.
    pub fn uint(&mut self) -> Result<u64, CborError> {
        self.head(0)
    }

    /// A byte string of at most `limit` bytes.
    ///
    /// # Errors
    /// If something else comes or it is longer.
    pub fn bytes(&mut self, limit: usize) -> Result<&'a [u8], CborError> {
        let length = usize::try_from(self.head(2)?).map_err(|_| CborError::Bound)?;
        if length > limit {
            return Err(CborError::Bound);
        }
        self.take(length)
    }

    /// A byte string of exactly `N` bytes.
    ///
    /// # Errors
    /// If something else comes.
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        self.bytes(N)?.try_into().map_err(|_| CborError::Bound)
    }

    /// A text string of at most `limit` bytes.
    ///
    /// # Errors
    /// If something else comes or it is longer.
    pub fn text(&mut self, limit: usize) -> Result<&'a str, CborError> {
        let length = usize::try_from(self.head(3)?).map_err(|_| CborError::Bound)?;
        if length > limit {
            return Err(CborError::Bound);
        }
        std::str::from_utf8(self.take(length)?).map_err(|_| CborError::Form)
    }

    /// The head of an array of at most `limit` items.
    ///
    /// # Errors
    /// If something else comes or it is longer.
    pub fn array(&mut self, limit: usize) -> Result<usize, CborError> {
        let items = usize::try_from(self.head(4)?).map_err(|_| CborError::Bound)?;
        if items > limit { Err(CborError::Bound) } else { Ok(items) }
    }

    /// The head of an array of exactly `items` items.
    ///
    /// # Errors
    /// If something else comes.
    pub fn tuple(&mut self, items: usize) -> Result<(), CborError> {
        if self.array(items)? == items { Ok(()) } else { Err(CborError::Bound) }
    }

    /// Ends reading.
    ///
    /// # Errors
    /// If bytes are left.
    pub fn end(self) -> Result<(), CborError> {
        if self.0.is_empty() { Ok(()) } else { Err(CborError::Trailing) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_have_one_spelling() {
        assert_eq!(Reader::new(&[0x18, 5]).uint(), Err(CborError::Form));
        assert_eq!(Reader::new(&[0x19, 0, 200]).uint(), Err(CborError::Form));
        assert_eq!(Reader::new(&[0x1f]).uint(), Err(CborError::Form));
        assert_eq!(Reader::new(&[0x20]).uint(), Err(CborError::Type));
        assert_eq!(Reader::new(&[]).uint(), Err(CborError::Short));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(n: u64, b: Vec<u8>, t in "\\PC*") {
            let bytes = Writer::new().array(3).uint(n).bytes(&b).text(&t).done();
            let mut reader = Reader::new(&bytes);
            reader.tuple(3).unwrap();
            prop_assert_eq!(reader.uint().unwrap(), n);
            prop_assert_eq!(reader.bytes(b.len()).unwrap(), &b[..]);
            prop_assert_eq!(reader.text(t.len()).unwrap(), &t[..]);
            reader.end().unwrap();
        }

        #[test]
        fn any_bytes_are_refused_or_canonical(bytes: Vec<u8>) {
            if let Ok(n) = Reader::new(&bytes).uint() {
                let again = Writer::new().uint(n).done();
                prop_assert!(bytes.starts_with(&again));
            }
        }
    }
}
