//! The court exhibit as text: C2SP tlog-proof@v1. One file with the leaf's index, its path, and the head that a quorum
//! of member states cosigned; `extra` carries the record itself, so that the file needs no companion.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::{Digest, LedgerError};

const MAGIC: &str = "c2sp.org/tlog-proof@v1";
/// A proof file is no longer than this.
const MAX_PROOF: usize = 256 * 1024;
/// A tree has at most 2^63 leaves.
const MAX_PATH: usize = 63;

/// A tlog-proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Application data; here the record whose hash is the entry.
    pub extra: Option<Vec<u8>>,
    /// Position of the leaf.
    pub index: u64,
    /// The audit path, the leaf's sibling first.
    pub path: Vec<Digest>,
    /// The signed note of the head.
    pub checkpoint: String,
}

impl TlogProof {
    /// The file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("{MAGIC}\n");
        if let Some(extra) = &self.extra {
            out.push_str(&format!("extra {}\n", BASE64_STANDARD.encode(extra)));
        }
        out.push_str(&format!("index {}\n", self.index));
        for hash in &self.path {
            out.push_str(&BASE64_STANDARD.encode(hash.0));
            out.push('\n');
        }
        out.push('\n');
        out.push_str(&self.checkpoint);
        out
    }

    /// Reads the file. Every other spelling of the same proof is refused.
    ///
    /// # Errors
    /// If it is no tlog-proof.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let malformed = |reason: &str| LedgerError::malformed("tlog-proof", reason);
        if text.len() > MAX_PROOF {
            return Err(malformed("too long"));
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or_else(|| malformed("no checkpoint"))?;
        let mut lines = head.lines().peekable();
        if lines.next() != Some(MAGIC) {
            return Err(malformed("does not begin with `c2sp.org/tlog-proof@v1`"));
        }
        let decode = |line: &str| BASE64_STANDARD.decode(line).map_err(|_| malformed("not base64"));
        let extra = lines
            .next_if(|line| line.starts_with("extra "))
            .and_then(|line| line.strip_prefix("extra "))
            .map(decode)
            .transpose()?;
        let index =
            lines.next().and_then(|line| line.strip_prefix("index ")).ok_or_else(|| malformed("no index"))?;
        let index = index.parse().map_err(|_| malformed("the index is no number"))?;
        let mut path = Vec::new();
        for line in lines {
            let hash = decode(line)?.try_into().map_err(|_| malformed("a hash of a wrong length"))?;
            path.push(Digest(hash));
            if path.len() > MAX_PATH {
                return Err(malformed("path too long"));
            }
        }
        let read = Self { extra, index, path, checkpoint: checkpoint.to_owned() };
        if read.to_text() == text { Ok(read) } else { Err(malformed("not the one spelling of its content")) }
    }
}
