//! The little DER that XML signatures need: public keys as `SubjectPublicKeyInfo` (RFC 5280, 3279, 5480), and
//! the key and validity of a certificate. Trust in certificates is decided elsewhere (`konfido-circle`).

use jiff::Timestamp;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const NULL: u8 = 0x05;
const OID: u8 = 0x06;

const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];

/// The curves as XML Signature 1.1 names them.
const CURVES: [(&str, &[u8]); 2] = [("urn:oid:1.2.840.10045.3.1.7", P256), ("urn:oid:1.3.132.0.34", P384)];

/// What kind of public key a `SubjectPublicKeyInfo` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublicKey<'a> {
    Rsa { modulus: &'a [u8], exponent: &'a [u8] },
    Ec { curve: &'static str, point: &'a [u8] },
    Other,
}

/// Reads one element after the other.
struct Reader<'a>(&'a [u8]);

struct Tlv<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Tlv<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let count = usize::from(first & 0x7f);
            let (bytes, rest) = rest.split_at_checked(count).filter(|_| (1..=4).contains(&count))?;
            (bytes.iter().fold(0_usize, |n, b| (n << 8) | usize::from(*b)), rest)
        };
        let (content, after) = rest.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len().checked_sub(after.len())?)?;
        self.0 = after;
        Some(Tlv { tag, content, whole })
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|t| t.tag == tag).map(|t| t.content)
    }
}

/// Takes a `SubjectPublicKeyInfo` apart.
pub(crate) fn public_key(spki: &[u8]) -> Option<PublicKey<'_>> {
    let mut outer = Reader(Reader(spki).expect(SEQUENCE)?);
    let mut algorithm = Reader(outer.expect(SEQUENCE)?);
    let key = outer.expect(BIT_STRING)?.strip_prefix(&[0])?;
    match algorithm.expect(OID)? {
        RSA_ENCRYPTION => {
            let mut numbers = Reader(Reader(key).expect(SEQUENCE)?);
            let modulus = unsigned(numbers.expect(INTEGER)?);
            let exponent = unsigned(numbers.expect(INTEGER)?);
            Some(PublicKey::Rsa { modulus, exponent })
        }
        EC_PUBLIC_KEY => {
            let oid = algorithm.expect(OID)?;
            Some(
                CURVES
                    .iter()
                    .find(|(_, o)| *o == oid)
                    .map_or(PublicKey::Other, |(curve, _)| PublicKey::Ec { curve, point: key }),
            )
        }
        _ => Some(PublicKey::Other),
    }
}

/// Length of an RSA modulus in bits; `None` for another kind of key.
pub(crate) fn rsa_bits(spki: &[u8]) -> Option<usize> {
    match public_key(spki)? {
        PublicKey::Rsa { modulus, .. } => {
            let unused = modulus.first().map_or(0, |b| b.leading_zeros());
            modulus.len().checked_mul(8)?.checked_sub(usize::try_from(unused).ok()?)
        }
        _ => None,
    }
}

/// Puts an RSA public key together.
pub(crate) fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    let integer = |n: &[u8]| {
        let n = unsigned(n);
        let padded = if n.first().is_none_or(|b| *b >= 0x80) { [&[0], n].concat() } else { n.to_vec() };
        tlv(INTEGER, &padded)
    };
    let key = tlv(SEQUENCE, &[integer(modulus)?, integer(exponent)?].concat())?;
    spki(&[tlv(OID, RSA_ENCRYPTION)?, tlv(NULL, &[])?].concat(), &key)
}

/// Puts an elliptic-curve public key together; `curve` is a URN of XML Signature 1.1.
pub(crate) fn ec_spki(curve: &str, point: &[u8]) -> Option<Vec<u8>> {
    let (_, oid) = CURVES.iter().find(|(name, _)| *name == curve)?;
    spki(&[tlv(OID, EC_PUBLIC_KEY)?, tlv(OID, oid)?].concat(), point)
}

fn spki(algorithm: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    tlv(SEQUENCE, &[tlv(SEQUENCE, algorithm)?, tlv(BIT_STRING, &[&[0], key].concat())?].concat())
}

fn tlv(tag: u8, content: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short @ 0..=0x7f) => out.push(short),
        Ok(long) => out.extend([0x81, long]),
        Err(_) => {
            let [high, low] = u16::try_from(content.len()).ok()?.to_be_bytes();
            out.extend([0x82, high, low]);
        }
    }
    out.extend_from_slice(content);
    Some(out)
}

fn unsigned(mut integer: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = integer {
        integer = rest;
    }
    integer
}

/// What a certificate says, unverified.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CertificateFacts<'a> {
    pub(crate) spki: &'a [u8],
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) not_after: Option<Timestamp>,
}

/// Reads public key and validity of a DER certificate.
pub(crate) fn certificate(der: &[u8]) -> Option<CertificateFacts<'_>> {
    let mut tbs = Reader(Reader(Reader(der).expect(SEQUENCE)?).expect(SEQUENCE)?);
    let mut serial = tbs.next()?;
    if serial.tag == 0xa0 {
        serial = tbs.next()?;
    }
    if serial.tag != INTEGER {
        return None;
    }
    tbs.expect(SEQUENCE)?; // signature algorithm
    tbs.expect(SEQUENCE)?; // issuer
    let mut validity = Reader(tbs.expect(SEQUENCE)?);
    let (not_before, not_after) = (time(&validity.next()?), time(&validity.next()?));
    tbs.expect(SEQUENCE)?; // subject
    let spki = tbs.next().filter(|t| t.tag == SEQUENCE)?.whole;
    Some(CertificateFacts { spki, not_before, not_after })
}

/// UTCTime (two-digit year, 1950 to 2049) or GeneralizedTime, both in UTC with seconds (RFC 5280, 4.1.2.5).
fn time(tlv: &Tlv<'_>) -> Option<Timestamp> {
    let text = std::str::from_utf8(tlv.content).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tlv.tag {
        0x17 => {
            let (year, rest) = text.split_at_checked(2)?;
            let century = if year.parse::<u8>().ok()? < 50 { "20" } else { "19" };
            (format!("{century}{year}"), rest)
        }
        0x18 => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.to_owned(), rest)
        }
        _ => return None,
    };
    let part = |from: usize| rest.get(from..from.checked_add(2)?);
    let iso = format!("{year}-{}-{}T{}:{}:{}Z", part(0)?, part(2)?, part(4)?, part(6)?, part(8)?);
    iso.parse().ok()
}
