//! The block that consensus agrees on: a chain link, a time, an opaque header and an opaque payload.
//!
//! Digest, so that anyone can recompute it with a header and the hash of the payload alone:
//! `SHA-256("KONFIDO/v1/block" ‖ parent ‖ u64be height ‖ u64be time_ms ‖ u32be len(header) ‖ header ‖
//! SHA-256(payload))`.

use bytes::{BufMut, Bytes};
use commonware_codec::{Buf, EncodeSize, Error, FixedSize, MaxEncodeSize, RangeCfg, Read, ReadExt, Write};
use commonware_consensus::{self as consensus, Heightable, types::Height};
use commonware_cryptography::{Digestible, Hasher, Sha256, sha256};

/// Largest header an application may put into a block.
pub const MAX_HEADER: usize = 1024;
/// Largest payload an application may put into a block. It may never shrink: old blocks are decoded with it.
pub const MAX_PAYLOAD: usize = 1024 * 1024;

const DOMAIN: &[u8] = b"KONFIDO/v1/block";

/// One block of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    parent: sha256::Digest,
    height: Height,
    time_ms: u64,
    header: Bytes,
    payload: Bytes,
    digest: sha256::Digest,
}

impl Block {
    pub(crate) fn new(
        parent: sha256::Digest,
        height: Height,
        time_ms: u64,
        header: Bytes,
        payload: Bytes,
    ) -> Self {
        let digest = Self::hash(&parent, height, time_ms, &header, &payload);
        Self { parent, height, time_ms, header, payload, digest }
    }

    /// The block at height zero, on which all members must agree before the ledger starts.
    pub fn genesis(header: Bytes, payload: Bytes) -> Self {
        Self::new(sha256::Digest([0; 32]), Height::zero(), 0, header, payload)
    }

    fn hash(
        parent: &sha256::Digest,
        height: Height,
        time_ms: u64,
        header: &Bytes,
        payload: &Bytes,
    ) -> sha256::Digest {
        let body = Sha256::hash(&[payload]);
        let length = u32::try_from(header.len()).unwrap_or(u32::MAX).to_be_bytes();
        Sha256::hash(&[
            DOMAIN,
            parent.as_ref(),
            &height.get().to_be_bytes(),
            &time_ms.to_be_bytes(),
            &length,
            header,
            body.as_ref(),
        ])
    }

    /// SHA-256 that consensus votes on.
    pub fn digest(&self) -> [u8; 32] {
        self.digest.0
    }

    /// Digest of the block before.
    pub fn parent(&self) -> [u8; 32] {
        self.parent.0
    }

    /// Number of blocks below this one.
    pub fn height(&self) -> u64 {
        self.height.get()
    }

    /// The leader's time in milliseconds since 1970, strictly after the parent's.
    pub fn time_ms(&self) -> u64 {
        self.time_ms
    }

    /// What the application states about itself after this block.
    pub fn header(&self) -> &Bytes {
        &self.header
    }

    /// What the application orders in this block.
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }
}

impl Write for Block {
    fn write(&self, out: &mut impl BufMut) {
        self.parent.write(out);
        self.height.write(out);
        self.time_ms.write(out);
        self.header.write(out);
        self.payload.write(out);
    }
}

impl Read for Block {
    type Cfg = ();

    fn read_cfg(input: &mut impl Buf, _: &()) -> Result<Self, Error> {
        let parent = sha256::Digest::read(input)?;
        let height = Height::read(input)?;
        let time_ms = u64::read(input)?;
        let header = Bytes::read_cfg(input, &RangeCfg::from(0..=MAX_HEADER))?;
        let payload = Bytes::read_cfg(input, &RangeCfg::from(0..=MAX_PAYLOAD))?;
        Ok(Self::new(parent, height, time_ms, header, payload))
    }
}

impl EncodeSize for Block {
    fn encode_size(&self) -> usize {
        self.parent.encode_size()
            + self.height.encode_size()
            + self.time_ms.encode_size()
            + self.header.encode_size()
            + self.payload.encode_size()
    }
}

impl Digestible for Block {
    type Digest = sha256::Digest;

    fn digest(&self) -> sha256::Digest {
        self.digest
    }
}

impl Heightable for Block {
    fn height(&self) -> Height {
        self.height
    }
}

impl consensus::Block for Block {
    fn parent(&self) -> sha256::Digest {
        self.parent
    }
}

impl consensus::BoundedBlock for Block {
    fn max_encode_size(_: &()) -> usize {
        sha256::Digest::SIZE + Height::MAX_ENCODE_SIZE + 8 + 5 + MAX_HEADER + 5 + MAX_PAYLOAD
    }
}
