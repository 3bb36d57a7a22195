//! ECDH-ES with ConcatKDF (XML Encryption 1.1, sections 5.4.1 and 5.6.2) and AES key wrap.

use aws_lc_rs::agreement::{Algorithm, ECDH_P256, ECDH_P384, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap};
use zeroize::Zeroizing;

pub(super) fn curve(urn: &str) -> Option<&'static Algorithm> {
    match urn {
        "urn:oid:1.2.840.10045.3.1.7" => Some(&ECDH_P256),
        "urn:oid:1.3.132.0.34" => Some(&ECDH_P384),
        _ => None,
    }
}

/// The key-encryption key of `length` bytes that both sides derive.
pub(super) fn derive(
    own: &PrivateKey,
    peer: &[u8],
    other_info: &[u8],
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let peer = UnparsedPublicKey::new(own.algorithm(), peer);
    agree(own, peer, Unspecified, |secret| {
        let mut key = Zeroizing::new(Vec::with_capacity(64));
        let mut counter: u32 = 1;
        while key.len() < length {
            let mut hash = Context::new(&SHA256);
            hash.update(&counter.to_be_bytes());
            hash.update(secret);
            hash.update(other_info);
            key.extend_from_slice(hash.finish().as_ref());
            counter = counter.checked_add(1).ok_or(Unspecified)?;
        }
        key.truncate(length);
        Ok(key)
    })
}

fn kek(key: &[u8]) -> Result<AesKek, Unspecified> {
    AesKek::new(if key.len() == 16 { &AES_128 } else { &AES_256 }, key)
}

pub(super) fn wrap(kek_bytes: &[u8], content_key: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let mut out = vec![0; content_key.len().saturating_add(8)];
    let written = kek(kek_bytes)?.wrap(content_key, &mut out)?.len();
    out.truncate(written);
    Ok(out)
}

pub(super) fn unwrap(kek_bytes: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let mut out = Zeroizing::new(vec![0; wrapped.len()]);
    let written = kek(kek_bytes)?.unwrap(wrapped, &mut out)?.len();
    out.truncate(written);
    Ok(out)
}
