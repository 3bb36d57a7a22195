//! Identifiers that cannot be read.

/// Why a text is not the identifier it should be. Patient identifiers are never repeated here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentifierError {
    /// Not two upper-case letters.
    #[error("`{0}` is no country code\ntwo upper-case letters are needed, such as `IT`")]
    Country(String),
    /// Not an object identifier.
    #[error("`{0}` is no object identifier\nnumbers joined by dots are needed, such as `2.16.17.710`")]
    Oid(String),
    /// Not a home community id.
    #[error("`{0}` is no home community id\n`urn:oid:` and an object identifier are needed")]
    HomeCommunity(String),
    /// Not a patient identifier; says which part, never the value.
    #[error("patient identifier: {0}")]
    Patient(&'static str),
}
