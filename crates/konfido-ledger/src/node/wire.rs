//! What nodes say to each other besides consensus. Signed contents prove themselves; the rest is believed of the
//! member the connection belongs to.

use konfido_circle::CountryCode;

use super::heads::Share;
use crate::cbor::{Reader, Writer};
use crate::chain::transaction::{MAX_BATCH, Pair, Transaction};
use crate::party::Handover;
use crate::{Digest, LedgerError};

const MAX_MESSAGE: usize = 512 * 1024;

/// A batch one party has signed and offers the other.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) pair: Pair,
    pub(super) first_seq: u64,
    pub(super) leaves: Vec<Digest>,
    pub(super) signature: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(super) enum Message {
    /// For a block.
    Transaction(Box<Transaction>),
    /// Under a head.
    Share(Share),
    /// For a batch.
    Offer(Offer),
    /// A statement of an exchange.
    Handover(Box<Handover>),
    /// I was offered these entries and do not hold their records.
    Missing(Vec<Digest>),
}

fn flat(digests: &[Digest]) -> Vec<u8> {
    digests.iter().flat_map(|digest| digest.0).collect()
}

fn digests(bytes: &[u8]) -> Result<Vec<Digest>, LedgerError> {
    let (all, rest) = bytes.as_chunks::<32>();
    if rest.is_empty() {
        Ok(all.iter().map(|digest| Digest(*digest)).collect())
    } else {
        Err(LedgerError::malformed("message", "digests of a wrong length"))
    }
}

impl Message {
    pub(super) fn encode(&self) -> Vec<u8> {
        let out = Writer::new();
        match self {
            Self::Transaction(tx) => out.array(2).uint(1).bytes(&tx.encode()),
            Self::Share(share) => share.write(out.array(2).uint(2)),
            Self::Offer(offer) => {
                let [one, other] = offer.pair.countries();
                out.array(6)
                    .uint(3)
                    .text(one.as_str())
                    .text(other.as_str())
                    .uint(offer.first_seq)
                    .bytes(&flat(&offer.leaves))
                    .bytes(&offer.signature)
            }
            Self::Handover(handover) => out.array(2).uint(4).bytes(&handover.encode()),
            Self::Missing(entries) => out.array(2).uint(5).bytes(&flat(entries)),
        }
        .done()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let mut input = Reader::new(bytes);
        let country = |input: &mut Reader<'_>| {
            CountryCode::new(input.text(2)?).map_err(|e| LedgerError::malformed("message", e))
        };
        let read = match (input.array(6)?, input.uint()?) {
            (2, 1) => Self::Transaction(Box::new(Transaction::decode(input.bytes(MAX_MESSAGE)?)?)),
            (2, 2) => Self::Share(Share::read(&mut input)?),
            (6, 3) => {
                let pair = Pair::of(country(&mut input)?, country(&mut input)?);
                let pair = pair.ok_or_else(|| LedgerError::malformed("message", "a pair of one"))?;
                let first_seq = input.uint()?;
                let leaves = digests(input.bytes(MAX_BATCH * 32)?)?;
                Self::Offer(Offer { pair, first_seq, leaves, signature: input.bytes(512)?.to_vec() })
            }
            (2, 4) => Self::Handover(Box::new(Handover::decode(input.bytes(MAX_MESSAGE)?)?)),
            (2, 5) => Self::Missing(digests(input.bytes(MAX_BATCH * 32)?)?),
            (_, kind) => return Err(LedgerError::malformed("message", format!("kind {kind}"))),
        };
        input.end()?;
        Ok(read)
    }
}
