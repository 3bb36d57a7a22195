//! What stands in blocks. Everything but a batch has one author, who signs `"KONFIDO/v1/transaction" ‖ circle ‖ body`.
//! A batch has two: both sign `"KONFIDO/v1/batch" ‖ circle ‖ pair ‖ first_seq ‖ root(leaves)`.

use konfido_circle::CountryCode;
use konfido_keys::Signer;

use crate::cbor::{Reader, Writer};
use crate::chain::governance::{Action, ProposalId};
use crate::keys::PartyKey;
use crate::log::tree::root_of;
use crate::record::statement::{ExchangeId, MAX_STATEMENT};
use crate::{Digest, LedgerError};

/// Leaves of one batch at most.
pub const MAX_BATCH: usize = 4096;
const MAX_SIGNATURE: usize = 512;

/// Two countries, in the order of their codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair(CountryCode, CountryCode);

impl Pair {
    /// The pair of two different countries.
    #[must_use]
    pub fn of(one: CountryCode, other: CountryCode) -> Option<Self> {
        match one.cmp(&other) {
            std::cmp::Ordering::Less => Some(Self(one, other)),
            std::cmp::Ordering::Greater => Some(Self(other, one)),
            std::cmp::Ordering::Equal => None,
        }
    }

    /// The two.
    #[must_use]
    pub fn countries(&self) -> [CountryCode; 2] {
        [self.0, self.1]
    }

    /// Whether a country is one of them.
    #[must_use]
    pub fn contains(&self, country: CountryCode) -> bool {
        self.0 == country || self.1 == country
    }

    /// The other one.
    #[must_use]
    pub fn other(&self, country: CountryCode) -> CountryCode {
        if self.0 == country { self.1 } else { self.0 }
    }
}

/// Leaves that a pair of countries hands in together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Who.
    pub pair: Pair,
    /// Number of the first leaf among all of this pair, from 0, without gaps: a gap is a missing record.
    pub first_seq: u64,
    /// Hashes of complete records.
    pub leaves: Vec<Digest>,
    /// Signatures in the order of the pair.
    pub signatures: [Vec<u8>; 2],
}

impl Batch {
    /// What both sign.
    #[must_use]
    pub fn message(circle: &Digest, pair: Pair, first_seq: u64, leaves: &[Digest]) -> Vec<u8> {
        let body = Writer::new()
            .array(5)
            .text(pair.0.as_str())
            .text(pair.1.as_str())
            .uint(first_seq)
            .uint(leaves.len() as u64)
            .bytes(&root_of(leaves).0)
            .done();
        [b"KONFIDO/v1/batch".as_slice(), &circle.0, &body].concat()
    }
}

/// Why a party was left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Silence {
    /// B asked and A did not answer.
    NoAnswer,
    /// A answered and B did not confirm.
    NoReceipt,
}

impl Silence {
    pub(crate) fn code(self) -> u64 {
        match self {
            Self::NoAnswer => 0,
            Self::NoReceipt => 1,
        }
    }

    pub(crate) fn from_code(code: u64) -> Result<Self, LedgerError> {
        match code {
            0 => Ok(Self::NoAnswer),
            1 => Ok(Self::NoReceipt),
            other => Err(LedgerError::malformed("transaction", format!("silence {other} is unknown"))),
        }
    }
}

/// What one member says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// I hold this statement and `against` owes me the next one.
    Unilateral {
        /// Which exchange.
        exchange: ExchangeId,
        /// Who is silent.
        against: CountryCode,
        /// What is missing.
        silence: Silence,
        /// Entry of the statement held.
        statement: Digest,
    },
    /// The claim against me is not true.
    Deny {
        /// Which exchange.
        exchange: ExchangeId,
        /// A commitment to what I did receive, or zeros for nothing.
        received: Digest,
    },
    /// The missing statement, late.
    Resolve {
        /// Which exchange.
        exchange: ExchangeId,
        /// Entry of the statement that was missing.
        statement: Digest,
    },
    /// Two statements of one member that exclude each other; both stand here in full.
    Equivocation {
        /// One.
        first: Vec<u8>,
        /// The other.
        second: Vec<u8>,
    },
    /// Two consensus votes of one validator that exclude each other.
    DoubleVote {
        /// The validator's consensus key.
        culprit: [u8; 32],
        /// Messages and signatures.
        votes: [(Vec<u8>, [u8; 64]); 2],
    },
    /// Something for all members to vote on.
    Propose {
        /// What.
        action: Action,
        /// Tells two equal proposals apart.
        nonce: u64,
    },
    /// Yes to a proposal.
    Vote {
        /// Which.
        proposal: ProposalId,
    },
    /// My new evidence key, besides the old ones.
    EvidenceKey {
        /// The key.
        key: PartyKey,
    },
    /// I have destroyed what opens this leaf's commitments.
    Erased {
        /// Entry of the record.
        entry: Digest,
        /// Code of the legal basis.
        basis: u64,
    },
    /// The hash of something outside: evidence of another system, a time stamp.
    Anchor {
        /// What kind of thing, short.
        kind: String,
        /// Its hash.
        digest: Digest,
    },
}

/// A body with its author's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authored {
    /// Who.
    pub author: CountryCode,
    /// What.
    pub body: Body,
    /// By the author's governance key for `Propose`, `Vote` and `EvidenceKey`, else by an evidence key.
    pub signature: Vec<u8>,
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// Leaves of a pair.
    Batch(Batch),
    /// Anything else.
    Authored(Authored),
}

impl Body {
    /// Whether the governance key signs it, not the evidence key.
    #[must_use]
    pub fn is_governance(&self) -> bool {
        matches!(self, Self::Propose { .. } | Self::Vote { .. } | Self::EvidenceKey { .. })
    }

    fn write(&self, author: CountryCode, out: Writer) -> Writer {
        let head = |items: usize, kind: u64| out.array(items + 2).text(author.as_str()).uint(kind);
        match self {
            Self::Unilateral { exchange, against, silence, statement } => {
                head(4, 1).bytes(&exchange.0).text(against.as_str()).uint(silence.code()).bytes(&statement.0)
            }
            Self::Deny { exchange, received } => head(2, 2).bytes(&exchange.0).bytes(&received.0),
            Self::Resolve { exchange, statement } => head(2, 3).bytes(&exchange.0).bytes(&statement.0),
            Self::Equivocation { first, second } => head(2, 4).bytes(first).bytes(second),
            Self::DoubleVote { culprit, votes: [(m1, s1), (m2, s2)] } => {
                head(5, 5).bytes(culprit).bytes(m1).bytes(s1).bytes(m2).bytes(s2)
            }
            Self::Propose { action, nonce } => action.write(head(2, 6).uint(*nonce)),
            Self::Vote { proposal } => head(1, 7).bytes(&proposal.0.0),
            Self::EvidenceKey { key } => key.write(head(2, 8)),
            Self::Erased { entry, basis } => head(2, 9).bytes(&entry.0).uint(*basis),
            Self::Anchor { kind, digest } => head(2, 10).text(kind).bytes(&digest.0),
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<(CountryCode, Self), LedgerError> {
        let items = input.array(16)?;
        let author = country(input)?;
        let body = match (items.saturating_sub(2), input.uint()?) {
            (4, 1) => Self::Unilateral {
                exchange: ExchangeId(input.fixed()?),
                against: country(input)?,
                silence: Silence::from_code(input.uint()?)?,
                statement: Digest(input.fixed()?),
            },
            (2, 2) => Self::Deny { exchange: ExchangeId(input.fixed()?), received: Digest(input.fixed()?) },
            (2, 3) => {
                Self::Resolve { exchange: ExchangeId(input.fixed()?), statement: Digest(input.fixed()?) }
            }
            (2, 4) => Self::Equivocation {
                first: input.bytes(MAX_STATEMENT)?.to_vec(),
                second: input.bytes(MAX_STATEMENT)?.to_vec(),
            },
            (5, 5) => Self::DoubleVote {
                culprit: input.fixed()?,
                votes: [
                    (input.bytes(512)?.to_vec(), input.fixed()?),
                    (input.bytes(512)?.to_vec(), input.fixed()?),
                ],
            },
            (2, 6) => {
                let nonce = input.uint()?;
                Self::Propose { nonce, action: Action::read(input)? }
            }
            (1, 7) => Self::Vote { proposal: ProposalId(Digest(input.fixed()?)) },
            (2, 8) => Self::EvidenceKey { key: PartyKey::read(input)? },
            (2, 9) => Self::Erased { entry: Digest(input.fixed()?), basis: input.uint()? },
            (2, 10) => Self::Anchor { kind: input.text(64)?.to_owned(), digest: Digest(input.fixed()?) },
            (_, kind) => return Err(LedgerError::malformed("transaction", format!("kind {kind}"))),
        };
        Ok((author, body))
    }
}

fn country(input: &mut Reader<'_>) -> Result<CountryCode, LedgerError> {
    CountryCode::new(input.text(2)?).map_err(|e| LedgerError::malformed("country", e))
}

impl Authored {
    /// Signs `body` for `author`.
    ///
    /// # Errors
    /// If the key's owner refuses.
    pub fn sign(
        circle: &Digest,
        author: CountryCode,
        body: Body,
        signer: &dyn Signer,
    ) -> Result<Self, LedgerError> {
        let signature = signer.sign(&Self::message(circle, author, &body))?;
        Ok(Self { author, body, signature })
    }

    /// What the author signs.
    #[must_use]
    pub fn message(circle: &Digest, author: CountryCode, body: &Body) -> Vec<u8> {
        [b"KONFIDO/v1/transaction".as_slice(), &circle.0, &body.write(author, Writer::new()).done()].concat()
    }
}

impl Transaction {
    /// Encoded as it stands in a block.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Batch(batch) => {
                let flat: Vec<u8> = batch.leaves.iter().flat_map(|leaf| leaf.0).collect();
                let [first, second] = &batch.signatures;
                Writer::new()
                    .array(6)
                    .text(batch.pair.0.as_str())
                    .text(batch.pair.1.as_str())
                    .uint(batch.first_seq)
                    .bytes(&flat)
                    .bytes(first)
                    .bytes(second)
                    .done()
            }
            Self::Authored(tx) => {
                tx.body.write(tx.author, Writer::new().array(2)).bytes(&tx.signature).done()
            }
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// If the bytes are something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let mut input = Reader::new(bytes);
        let read = match input.array(6)? {
            6 => {
                let (one, other) = (country(&mut input)?, country(&mut input)?);
                let pair = Pair::of(one, other).filter(|pair| pair.0 == one);
                let pair = pair.ok_or_else(|| LedgerError::malformed("batch", "pair out of order"))?;
                let first_seq = input.uint()?;
                let (leaves, rest) = input.bytes(MAX_BATCH * 32)?.as_chunks::<32>();
                if leaves.is_empty() || !rest.is_empty() {
                    return Err(LedgerError::malformed("batch", "leaves of a wrong length"));
                }
                let leaves = leaves.iter().map(|leaf| Digest(*leaf)).collect();
                let signatures = [input.bytes(MAX_SIGNATURE)?.to_vec(), input.bytes(MAX_SIGNATURE)?.to_vec()];
                Self::Batch(Batch { pair, first_seq, leaves, signatures })
            }
            2 => {
                let (author, body) = Body::read(&mut input)?;
                Self::Authored(Authored { author, body, signature: input.bytes(MAX_SIGNATURE)?.to_vec() })
            }
            _ => return Err(LedgerError::malformed("transaction", "neither batch nor authored")),
        };
        input.end()?;
        Ok(read)
    }
}

/// The payload of a block.
#[must_use]
pub fn encode_payload(transactions: &[Vec<u8>]) -> Vec<u8> {
    transactions.iter().fold(Writer::new().array(transactions.len()), |out, tx| out.bytes(tx)).done()
}

/// Reads the payload of a block.
///
/// # Errors
/// If the bytes are something else.
pub fn decode_payload(bytes: &[u8]) -> Result<Vec<Transaction>, LedgerError> {
    let mut input = Reader::new(bytes);
    let count = input.array(1 << 16)?;
    let all = (0..count)
        .map(|_| Transaction::decode(input.bytes(bytes.len())?))
        .collect::<Result<_, LedgerError>>()?;
    input.end()?;
    Ok(all)
}

/// Encodes what must have the same bytes at every member: a fact that time alone made true.
#[must_use]
pub fn fact(
    exchange: &ExchangeId,
    silence: Silence,
    against: CountryCode,
    filed_ms: u64,
    sealed_ms: u64,
) -> Vec<u8> {
    let name = match silence {
        Silence::NoAnswer => "unanswered",
        Silence::NoReceipt => "unacknowledged",
    };
    Writer::new()
        .array(5)
        .text(name)
        .bytes(&exchange.0)
        .text(against.as_str())
        .uint(filed_ms)
        .uint(sealed_ms)
        .done()
}
