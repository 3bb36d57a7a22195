//! Fields of an exchange under one root, each of which can be shown without the others.
//!
//! The tree is RFC 6962 over eight entries in fixed order, `SHA-256("KONFIDO/v1/field" ‖ salt ‖ name ‖ 0x00 ‖ value)`
//! each; places without a field hold random bytes, so that nobody sees how many there are. To open a field to an
//! auditor is to hand out its salt, its value and three hashes; it says nothing of its neighbours.

use konfido_keys::{KeyError, Rng};

use crate::record::commitment::Salt;
use crate::{
    Digest, LedgerError,
    cbor::{Reader, Writer},
};

/// Places in the tree.
const PLACES: usize = 8;
const MAX_VALUE: usize = 4096;

/// A field of an exchange, by its place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Field {
    /// The patient's pseudonym.
    Patient,
    /// The role of the professional who asked.
    Role,
    /// The purpose of use.
    Purpose,
    /// The legal basis.
    LegalBasis,
    /// The class of the document.
    DocumentClass,
    /// Whether the glass was broken.
    Emergency,
}

impl Field {
    /// All fields in the order of their places.
    pub const ALL: [Self; 6] =
        [Self::Patient, Self::Role, Self::Purpose, Self::LegalBasis, Self::DocumentClass, Self::Emergency];

    /// Its name under the hash.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Role => "role",
            Self::Purpose => "purpose",
            Self::LegalBasis => "legal-basis",
            Self::DocumentClass => "document-class",
            Self::Emergency => "emergency",
        }
    }

    /// The field with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    fn place(self) -> usize {
        Self::ALL.iter().position(|field| *field == self).unwrap_or(0)
    }
}

/// The openings of all fields: stays with the two parties, sealed at rest.
#[derive(Clone, Debug)]
pub struct FieldOpenings {
    /// Salt of each place; `None` once it was erased.
    salts: [Option<Salt>; PLACES],
    values: [Option<Vec<u8>>; PLACES],
    /// Entries of the places, kept so that the others can still be opened after one was erased.
    entries: [Digest; PLACES],
}

impl FieldOpenings {
    /// Commits to `values`.
    ///
    /// # Errors
    /// If the random source fails.
    pub fn commit(values: &[(Field, &[u8])], rng: &dyn Rng) -> Result<Self, KeyError> {
        let mut out = Self {
            salts: std::array::from_fn(|_| None),
            values: std::array::from_fn(|_| None),
            entries: [Digest([0; 32]); PLACES],
        };
        for entry in &mut out.entries {
            rng.fill(&mut entry.0)?;
        }
        for (field, value) in values {
            let salt = Salt::draw(rng)?;
            let place = field.place();
            let digest = entry_of(*field, &salt, value);
            out.entries.iter_mut().skip(place).take(1).for_each(|e| *e = digest);
            out.salts.iter_mut().skip(place).take(1).for_each(|s| *s = Some(salt.clone()));
            out.values.iter_mut().skip(place).take(1).for_each(|v| *v = Some(value.to_vec()));
        }
        Ok(out)
    }

    /// The root that the record carries.
    #[must_use]
    pub fn root(&self) -> Digest {
        root(&self.entries)
    }

    /// The opening of one field alone.
    ///
    /// # Errors
    /// If it was never committed to, or erased.
    pub fn open(&self, field: Field) -> Result<Disclosure, LedgerError> {
        let place = field.place();
        let missing = || LedgerError::Unknown(format!("opening of the field {}", field.name()));
        let salt = self.salts.get(place).and_then(Option::clone).ok_or_else(missing)?;
        let value = self.values.get(place).and_then(Option::clone).ok_or_else(missing)?;
        Ok(Disclosure { field, salt, value, path: path(&self.entries, place) })
    }

    /// Destroys salt and value of one field. Its commitment can never be opened again.
    pub fn erase(&mut self, field: Field) {
        self.salts.iter_mut().skip(field.place()).take(1).for_each(|s| *s = None);
        self.values.iter_mut().skip(field.place()).take(1).for_each(|v| *v = None);
    }

    /// Whether each opening that is left leads to the entry it stands for.
    #[must_use]
    pub fn consistent(&self) -> bool {
        Field::ALL.into_iter().all(|field| match self.open(field) {
            Ok(opened) => opened.check(&self.root()).is_ok(),
            Err(_) => true,
        })
    }

    /// Encoded for the sealed store or for the other party.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new().array(PLACES);
        for ((salt, value), entry) in self.salts.iter().zip(&self.values).zip(&self.entries) {
            out = match (salt, value) {
                (Some(salt), Some(value)) => out.array(3).bytes(&entry.0).bytes(salt.expose()).bytes(value),
                _ => out.array(1).bytes(&entry.0),
            };
        }
        out.done()
    }

    /// Reads what [`FieldOpenings::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let mut input = Reader::new(bytes);
        let mut out = Self {
            salts: std::array::from_fn(|_| None),
            values: std::array::from_fn(|_| None),
            entries: [Digest([0; 32]); PLACES],
        };
        input.tuple(PLACES)?;
        for ((salt, value), entry) in out.salts.iter_mut().zip(&mut out.values).zip(&mut out.entries) {
            let items = input.array(3)?;
            *entry = Digest(input.fixed()?);
            match items {
                1 => {}
                3 => {
                    *salt = Some(Salt::from_bytes(input.fixed()?));
                    *value = Some(input.bytes(MAX_VALUE)?.to_vec());
                }
                _ => return Err(LedgerError::malformed("field openings", "wrong number of items")),
            }
        }
        input.end()?;
        Ok(out)
    }
}

/// One opened field: enough to check it against a record, nothing about the others.
#[derive(Clone, Debug)]
pub struct Disclosure {
    /// Which field.
    pub field: Field,
    salt: Salt,
    value: Vec<u8>,
    path: Vec<Digest>,
}

impl Disclosure {
    /// The value, if it belongs to this root.
    ///
    /// # Errors
    /// If it does not.
    pub fn check(&self, root: &Digest) -> Result<&[u8], LedgerError> {
        let mut hash = leaf(&entry_of(self.field, &self.salt, &self.value));
        let mut place = self.field.place();
        for sibling in &self.path {
            hash = if place.is_multiple_of(2) { node(&hash, sibling) } else { node(sibling, &hash) };
            place /= 2;
        }
        if self.path.len() == PLACES.ilog2() as usize && hash == *root {
            Ok(&self.value)
        } else {
            Err(LedgerError::Proof(format!("field {}", self.field.name())))
        }
    }

    /// Encoded to be handed to an auditor.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new()
            .array(3 + self.path.len())
            .text(self.field.name())
            .bytes(self.salt.expose())
            .bytes(&self.value);
        for hash in &self.path {
            out = out.bytes(&hash.0);
        }
        out.done()
    }

    /// Reads what [`Disclosure::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let mut input = Reader::new(bytes);
        let items = input.array(3 + PLACES)?;
        let name = input.text(32)?;
        let field = Field::from_name(name)
            .ok_or_else(|| LedgerError::malformed("disclosure", format!("no field `{name}`")))?;
        let salt = Salt::from_bytes(input.fixed()?);
        let value = input.bytes(MAX_VALUE)?.to_vec();
        let path = (3..items).map(|_| Ok(Digest(input.fixed()?))).collect::<Result<_, LedgerError>>()?;
        input.end()?;
        Ok(Self { field, salt, value, path })
    }
}

fn entry_of(field: Field, salt: &Salt, value: &[u8]) -> Digest {
    Digest::of(&[b"KONFIDO/v1/field", salt.expose(), field.name().as_bytes(), b"\0", value])
}

fn leaf(entry: &Digest) -> Digest {
    Digest::of(&[&[0], &entry.0])
}

fn node(left: &Digest, right: &Digest) -> Digest {
    Digest::of(&[&[1], &left.0, &right.0])
}

fn levels(entries: &[Digest]) -> Vec<Vec<Digest>> {
    let mut levels = vec![entries.iter().map(leaf).collect::<Vec<_>>()];
    while let Some(last) = levels.last().filter(|level| level.len() > 1) {
        let next = last
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => node(left, right),
                rest => rest.first().copied().unwrap_or(Digest([0; 32])),
            })
            .collect();
        levels.push(next);
    }
    levels
}

fn root(entries: &[Digest]) -> Digest {
    levels(entries).last().and_then(|level| level.first()).copied().unwrap_or(Digest([0; 32]))
}

fn path(entries: &[Digest], place: usize) -> Vec<Digest> {
    let levels = levels(entries);
    let below = levels.len().saturating_sub(1);
    levels
        .iter()
        .take(below)
        .enumerate()
        .filter_map(|(height, level)| level.get((place >> height) ^ 1).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use konfido_keys::software::SystemRng;

    use super::*;

    fn openings() -> FieldOpenings {
        FieldOpenings::commit(
            &[(Field::Patient, b"pseudonym"), (Field::Purpose, b"TREATMENT"), (Field::Role, b"physician")],
            &SystemRng,
        )
        .unwrap()
    }

    #[test]
    fn one_field_opens_without_the_others() {
        let openings = openings();
        let shown = Disclosure::decode(&openings.open(Field::Purpose).unwrap().encode()).unwrap();
        assert_eq!(shown.check(&openings.root()).unwrap(), b"TREATMENT");
        let bytes = shown.encode();
        for secret in [b"pseudonym".as_slice(), b"physician"] {
            assert!(!bytes.windows(secret.len()).any(|w| w == secret));
        }
    }

    #[test]
    fn an_erased_field_never_opens_again_and_the_root_stands() {
        let mut openings = openings();
        let root = openings.root();
        openings.erase(Field::Patient);
        let kept = FieldOpenings::decode(&openings.encode()).unwrap();
        assert!(kept.open(Field::Patient).is_err());
        assert_eq!(kept.root(), root);
        assert_eq!(kept.open(Field::Purpose).unwrap().check(&root).unwrap(), b"TREATMENT");
        let bytes = kept.encode();
        assert!(!bytes.windows(9).any(|w| w == b"pseudonym"));
    }

    #[test]
    fn a_field_does_not_open_as_another_or_with_another_value() {
        let openings = openings();
        let mut shown = openings.open(Field::Purpose).unwrap();
        shown.value = b"RESEARCH".to_vec();
        assert!(shown.check(&openings.root()).is_err());
        let mut shown = openings.open(Field::Purpose).unwrap();
        shown.field = Field::Role;
        assert!(shown.check(&openings.root()).is_err());
        assert!(openings.open(Field::DocumentClass).is_err());
    }
}
