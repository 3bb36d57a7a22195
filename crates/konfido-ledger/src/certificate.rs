//! The finalisation certificate of a block: the votes of a quorum of validators, checked without the engine.
//!
//! Layout, frozen: `varint epoch ‖ varint view ‖ varint parent view ‖ 32-byte block digest ‖ u64be set size ‖ signer
//! bitmap (bit i of byte i/8, least significant first) ‖ varint count ‖ 64-byte signatures in the order of the sorted
//! public keys`. Each signature is ed25519 over `varint len(ns) ‖ ns ‖ epoch ‖ view ‖ parent view ‖ digest` with
//! `ns = "KONFIDO-LEDGER-" ‖ hex(circle) ‖ "_FINALIZE"`.
//!
//! The block digest is `SHA-256("KONFIDO/v1/block" ‖ parent ‖ u64be height ‖ u64be time_ms ‖ u32be len(header) ‖ header
//! ‖ SHA-256(payload))`, and the header is the CBOR array `[1, epoch, log size, log root]`.

use serde::{Deserialize, Serialize};

use crate::cbor::Reader;
use crate::keys::PartyKey;
use crate::trust::{Trust, quorum};
use crate::{Digest, LedgerError};

/// What a block's header says of the log after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    /// The epoch the block belongs to.
    pub epoch: u64,
    /// Leaves of the log after it.
    pub size: u64,
    /// Root of the log after it.
    pub root: Digest,
}

impl BlockHeader {
    /// Encoded as it stands in the block.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        crate::cbor::Writer::new()
            .array(4)
            .uint(1)
            .uint(self.epoch)
            .uint(self.size)
            .bytes(&self.root.0)
            .done()
    }

    /// Reads it.
    ///
    /// # Errors
    /// If the bytes are something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let mut input = Reader::new(bytes);
        input.tuple(4)?;
        if input.uint()? != 1 {
            return Err(LedgerError::malformed("block header", "unknown version"));
        }
        let read = Self { epoch: input.uint()?, size: input.uint()?, root: Digest(input.fixed()?) };
        input.end()?;
        Ok(read)
    }
}

/// A certificate with what is needed to check it; the file of `konfido ledger receipt --format certificate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finalisation {
    /// `konfido-finalisation/v1`.
    pub format: String,
    /// Hexadecimal digest of the block before.
    pub parent: String,
    /// Height of the block.
    pub height: u64,
    /// Its time in milliseconds since 1970.
    pub time_ms: u64,
    /// Its header, hexadecimal.
    pub header: String,
    /// SHA-256 of its payload, hexadecimal.
    pub payload_sha256: String,
    /// The certificate, hexadecimal.
    pub certificate: String,
    /// Domain of the votes, as text.
    pub namespace: String,
    /// The validators' public keys in order, hexadecimal; a verifier compares them with the circle file's.
    pub validators: Vec<String>,
}

/// Names the format.
pub const FORMAT: &str = "konfido-finalisation/v1";

/// What a certificate proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finalised {
    /// Height of the block.
    pub height: u64,
    /// Its time.
    pub time_ms: u64,
    /// What it says of the log.
    pub header: BlockHeader,
    /// Validators whose votes hold.
    pub votes: usize,
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], LedgerError> {
        let (head, rest) = self.0.split_at_checked(length).ok_or_else(|| malformed("ends early"))?;
        self.0 = rest;
        Ok(head)
    }

    fn varint(&mut self) -> Result<u64, LedgerError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let &[byte] = self.take(1)? else { return Err(malformed("ends early")) };
            value |=
                u64::from(byte & 0x7f).checked_shl(shift).ok_or_else(|| malformed("number too large"))?;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(malformed("number too long"))
    }
}

fn malformed(reason: impl ToString) -> LedgerError {
    LedgerError::malformed("finalisation certificate", reason)
}

/// The digest of the block and the number of distinct validators whose finalisation votes for it hold.
///
/// # Errors
/// If the certificate is malformed, a signature in it does not hold, or there are fewer than a quorum.
pub fn verify(
    certificate: &[u8],
    namespace: &[u8],
    validators: &[[u8; 32]],
) -> Result<(Digest, usize), LedgerError> {
    let mut input = Input(certificate);
    for _ in 0..3 {
        input.varint()?;
    }
    let digest: [u8; 32] = input.take(32)?.try_into().map_err(malformed)?;
    let proposal = certificate.get(..certificate.len().saturating_sub(input.0.len())).unwrap_or_default();
    let set = u64::from_be_bytes(input.take(8)?.try_into().map_err(malformed)?);
    if set != validators.len() as u64 {
        return Err(malformed(format!("made by a set of {set}, expected {}", validators.len())));
    }
    let bitmap = input.take(validators.len().div_ceil(8))?;
    let set = |place: usize| bitmap.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1);
    let signers: Vec<_> = validators.iter().enumerate().filter(|(place, _)| set(*place)).collect();
    if input.varint()? != signers.len() as u64 {
        return Err(malformed("bitmap and signatures differ in number"));
    }
    let domain = [namespace, b"_FINALIZE"].concat();
    let length = u8::try_from(domain.len()).map_err(malformed)?;
    if length >= 0x80 {
        return Err(malformed("namespace too long"));
    }
    let message = [&[length], domain.as_slice(), proposal].concat();
    for (place, key) in &signers {
        let signature = input.take(64)?;
        PartyKey::ed25519(key)?
            .verify(&message, signature)
            .map_err(|_| LedgerError::Signature(format!("validator {place}")))?;
    }
    if !input.0.is_empty() {
        return Err(malformed("bytes after the end"));
    }
    let needed = quorum(validators.len());
    if signers.len() < needed {
        return Err(LedgerError::Quorum { found: signers.len(), needed });
    }
    Ok((Digest(digest), signers.len()))
}

impl Finalisation {
    /// Checks the file against the circle's validators.
    ///
    /// # Errors
    /// If anything in it does not hold.
    pub fn verify(&self, trust: &Trust) -> Result<Finalised, LedgerError> {
        if self.format != FORMAT || self.namespace.as_bytes() != trust.namespace() {
            return Err(malformed("another format or another circle"));
        }
        let certificate = hex::decode(&self.certificate).map_err(malformed)?;
        let (digest, votes) = verify(&certificate, &trust.namespace(), &trust.validators())?;
        if digest != self.digest()? {
            return Err(LedgerError::Proof("the certificate is of another block".to_owned()));
        }
        let header = BlockHeader::decode(&hex::decode(&self.header).map_err(malformed)?)?;
        Ok(Finalised { height: self.height, time_ms: self.time_ms, header, votes })
    }

    fn digest(&self) -> Result<Digest, LedgerError> {
        let header = hex::decode(&self.header).map_err(malformed)?;
        let length = u32::try_from(header.len()).map_err(malformed)?.to_be_bytes();
        let fixed = |text: &str| Digest::from_hex(text).ok_or_else(|| malformed("not a digest"));
        Ok(Digest::of(&[
            b"KONFIDO/v1/block",
            &fixed(&self.parent)?.0,
            &self.height.to_be_bytes(),
            &self.time_ms.to_be_bytes(),
            &length,
            &header,
            &fixed(&self.payload_sha256)?.0,
        ]))
    }
}
