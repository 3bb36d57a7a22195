//! The court exhibit as bytes: COSE receipts (RFC 9942) in a SCITT transparent statement (RFC 9943).
//!
//! The signed statement is the record itself. Each receipt is one member state's signature over the root, detached,
//! with the inclusion proof beside it: protected `395: 1` (RFC9162_SHA256), unprotected `396: {-1: [proof]}`. A
//! member's signature does not depend on the leaf, so one signature a head serves every receipt under it. The array
//! of receipts under label 394 holds one from each of a quorum.

use std::collections::BTreeMap;

use coset::cbor::value::Value;
use coset::{
    CborSerializable, CoseSign1, CoseSign1Builder, Header, HeaderBuilder, Label, RegisteredLabelWithPrivate,
    TaggedCborSerializable,
};
use konfido_circle::CountryCode;
use konfido_keys::Signer;

use crate::keys::{PartyKey, cose_algorithm};
use crate::log::tree::check_inclusion;
use crate::{Digest, LedgerError};

const RECEIPTS: i64 = 394;
const VDS: i64 = 395;
const VDP: i64 = 396;
const RFC9162_SHA256: i64 = 1;
const INCLUSION: i64 = -1;
const CWT_CLAIMS: i64 = 15;
const MAX_RECEIPTS: usize = 64;
const MAX_BUNDLE: usize = 256 * 1024;

fn malformed(reason: impl ToString) -> LedgerError {
    LedgerError::malformed("COSE receipt", reason)
}

fn protected(country: CountryCode, key: &PartyKey) -> Result<Header, LedgerError> {
    let claims = Value::Map(vec![(1.into(), format!("konfido:{country}").into())]);
    Ok(HeaderBuilder::new()
        .algorithm(cose_algorithm(key.algorithm())?)
        .key_id(key.id().to_vec())
        .value(CWT_CLAIMS, claims)
        .value(VDS, RFC9162_SHA256.into())
        .build())
}

/// A member's signature over a root, from which every receipt under that root is made.
///
/// # Errors
/// If the key's owner refuses.
pub fn sign_root(root: &Digest, country: CountryCode, signer: &dyn Signer) -> Result<Vec<u8>, LedgerError> {
    let header = protected(country, &PartyKey::of(signer)?)?;
    let signed = CoseSign1Builder::new()
        .protected(header)
        .try_create_detached_signature(&root.0, b"", |message| signer.sign(message))?
        .build();
    Ok(signed.signature)
}

/// Whether a member's signature over a root holds.
///
/// # Errors
/// If it does not.
pub fn check_root(
    root: &Digest,
    country: CountryCode,
    key: &PartyKey,
    signature: &[u8],
) -> Result<(), LedgerError> {
    let signed =
        CoseSign1Builder::new().protected(protected(country, key)?).signature(signature.to_vec()).build();
    signed
        .verify_detached_signature(&root.0, b"", |sig, message| key.verify(message, sig))
        .map_err(|_| LedgerError::Signature(country.to_string()))
}

/// The receipt of one member for one leaf.
///
/// # Errors
/// If it cannot be encoded.
pub fn receipt(
    country: CountryCode,
    key: &PartyKey,
    signature: &[u8],
    size: u64,
    index: u64,
    path: &[Digest],
) -> Result<Vec<u8>, LedgerError> {
    let hashes = path.iter().map(|hash| Value::Bytes(hash.0.to_vec())).collect();
    let proof = Value::Array(vec![size.into(), index.into(), Value::Array(hashes)]);
    let proof = proof.to_vec().map_err(malformed)?;
    let proofs = Value::Map(vec![(INCLUSION.into(), Value::Array(vec![Value::Bytes(proof)]))]);
    let signed = CoseSign1Builder::new()
        .protected(protected(country, key)?)
        .unprotected(HeaderBuilder::new().value(VDP, proofs).build())
        .signature(signature.to_vec())
        .build();
    signed.to_tagged_vec().map_err(malformed)
}

/// The record with receipts in its unprotected header.
///
/// # Errors
/// If the record is no COSE_Sign1.
pub fn transparent_statement(record: &[u8], receipts: Vec<Vec<u8>>) -> Result<Vec<u8>, LedgerError> {
    let mut statement = CoseSign1::from_tagged_slice(record).map_err(malformed)?;
    let receipts = receipts.into_iter().map(Value::Bytes).collect();
    statement.unprotected.rest.push((Label::Int(RECEIPTS), Value::Array(receipts)));
    statement.to_tagged_vec().map_err(malformed)
}

/// What a transparent statement proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transparent {
    /// The record as it was hashed into the log.
    pub record: Vec<u8>,
    /// Leaves of the tree.
    pub size: u64,
    /// Position of the leaf.
    pub index: u64,
    /// The root that all receipts sign.
    pub root: Digest,
    /// Members whose receipts hold.
    pub members: Vec<CountryCode>,
}

/// Reads a transparent statement and checks every receipt in it.
///
/// # Errors
/// If it is none, a receipt of a known member does not hold, or fewer than `needed` members gave one for one head.
pub fn verify_transparent(
    bytes: &[u8],
    members: &BTreeMap<CountryCode, Vec<PartyKey>>,
    needed: usize,
) -> Result<Transparent, LedgerError> {
    if bytes.len() > MAX_BUNDLE {
        return Err(malformed("too long"));
    }
    let mut statement = one_spelling(bytes)?;
    let unprotected = std::mem::take(&mut statement.unprotected);
    let [(Label::Int(RECEIPTS), Value::Array(receipts))] = unprotected.rest.as_slice() else {
        return Err(malformed("no receipts under label 394 alone"));
    };
    if receipts.len() > MAX_RECEIPTS {
        return Err(malformed("too many receipts"));
    }
    let record = statement.to_tagged_vec().map_err(malformed)?;
    let entry = crate::hash::entry(&record);
    let mut heads: BTreeMap<(u64, u64, Digest), Vec<CountryCode>> = BTreeMap::new();
    for receipt in receipts {
        let Value::Bytes(receipt) = receipt else {
            return Err(malformed("a receipt that is no byte string"));
        };
        let (country, size, index, root) = check_receipt(receipt, &entry, members)?;
        let signers = heads.entry((size, index, root)).or_default();
        if !signers.contains(&country) {
            signers.push(country);
        }
    }
    let best = heads.into_iter().max_by_key(|(_, signers)| signers.len());
    let Some(((size, index, root), signers)) = best else {
        return Err(LedgerError::Quorum { found: 0, needed });
    };
    if signers.len() < needed {
        return Err(LedgerError::Quorum { found: signers.len(), needed });
    }
    Ok(Transparent { record, size, index, root, members: signers })
}

/// Reads a COSE_Sign1 and refuses any other encoding of it than the one it would be written in.
fn one_spelling(bytes: &[u8]) -> Result<CoseSign1, LedgerError> {
    let read = CoseSign1::from_tagged_slice(bytes).map_err(malformed)?;
    if read.clone().to_tagged_vec().map_err(malformed)? == bytes {
        Ok(read)
    } else {
        Err(malformed("not the one encoding of its content"))
    }
}

fn check_receipt(
    bytes: &[u8],
    entry: &Digest,
    members: &BTreeMap<CountryCode, Vec<PartyKey>>,
) -> Result<(CountryCode, u64, u64, Digest), LedgerError> {
    let receipt = one_spelling(bytes)?;
    let vds = receipt.protected.header.rest.iter().find(|(label, _)| *label == Label::Int(VDS));
    if receipt.payload.is_some() || vds.map(|(_, value)| value) != Some(&Value::from(RFC9162_SHA256)) {
        return Err(malformed("not a detached RFC9162_SHA256 receipt"));
    }
    let [(Label::Int(VDP), Value::Map(proofs))] = receipt.unprotected.rest.as_slice() else {
        return Err(malformed("no proofs under label 396 alone"));
    };
    let [(kind, Value::Array(proofs))] = proofs.as_slice() else {
        return Err(malformed("more than one kind of proof"));
    };
    let [Value::Bytes(proof)] = proofs.as_slice() else { return Err(malformed("more than one proof")) };
    if *kind != Value::from(INCLUSION) {
        return Err(malformed("not a proof of inclusion"));
    }
    let proof = Value::from_slice(proof).map_err(malformed)?;
    let Some([Value::Integer(size), Value::Integer(index), Value::Array(path)]) =
        proof.as_array().map(Vec::as_slice)
    else {
        return Err(malformed("not an RFC 9162 inclusion proof"));
    };
    let (size, index) = (u64::try_from(*size).map_err(malformed)?, u64::try_from(*index).map_err(malformed)?);
    let mut hashes = Vec::with_capacity(path.len());
    for hash in path {
        let hash = hash.as_bytes().and_then(|b| <[u8; 32]>::try_from(b.as_slice()).ok());
        hashes.push(Digest(hash.ok_or_else(|| malformed("a hash of a wrong length"))?));
    }
    let root = root_from(&hashes, size, index, entry)?;
    let key_id = &receipt.protected.header.key_id;
    for (country, keys) in members {
        for key in keys.iter().filter(|key| key.id().as_slice() == key_id) {
            let algorithm = RegisteredLabelWithPrivate::Assigned(cose_algorithm(key.algorithm())?);
            let issued_by = protected(*country, key)?;
            if receipt.protected.header.alg == Some(algorithm)
                && receipt.protected.header == issued_by
                && receipt
                    .verify_detached_signature(&root.0, b"", |sig, message| key.verify(message, sig))
                    .is_ok()
            {
                return Ok((*country, size, index, root));
            }
        }
    }
    Err(LedgerError::Signature(format!("the member with key {}", hex::encode(key_id))))
}

/// The root that a path leads to (RFC 9162 section 2.1.3.2); whether it is the signed one, the signature decides.
fn root_from(path: &[Digest], size: u64, index: u64, entry: &Digest) -> Result<Digest, LedgerError> {
    if index >= size {
        return Err(LedgerError::Proof(format!("entry {index} lies outside a tree of {size}")));
    }
    let (mut first, mut last) = (index, size.saturating_sub(1));
    let mut hash = Digest::of(&[&[0], &entry.0]);
    for sibling in path {
        if last == 0 {
            return Err(LedgerError::Proof("path too long".to_owned()));
        }
        if first & 1 == 1 || first == last {
            hash = Digest::of(&[&[1], &sibling.0, &hash.0]);
            while first & 1 == 0 && first != 0 {
                first >>= 1;
                last >>= 1;
            }
        } else {
            hash = Digest::of(&[&[1], &hash.0, &sibling.0]);
        }
        first >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(LedgerError::Proof("path too short".to_owned()));
    }
    // The library's own check stands beside ours: they must agree.
    check_inclusion(path, size, &hash, index, entry)?;
    Ok(hash)
}
