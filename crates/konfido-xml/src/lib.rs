//! The only crate of Konfido that parses, writes, canonicalises, signs or encrypts XML.
//!
//! One tree for everything: a message is parsed once ([`Document::parse`], no document type declaration,
//! limits on every dimension), its signatures are verified on that tree ([`dsig::verify_enveloped`]), and what is read
//! afterwards is read from that same tree, from the node that the verification handed out. A second parser
//! behind the first is how signature wrapping works; there is none here.
//!
//! Parser, tree and canonicalisation are those of the `bergshamra` family; the rules of what is accepted
//! are ours (see `docs/adr/0003-xml-signatures.md`).

pub mod base64;
pub mod c14n;
pub mod dsig;
pub mod enc;
pub mod mtom;
pub mod ns;
pub mod soap;
pub mod wsa;
pub mod wss;

mod der;
mod document;
mod element;
mod error;
mod fragment;
mod limits;
mod prescan;
mod writer;

pub use document::Document;
pub use element::{Element, Node};
pub use error::XmlError;
pub use fragment::Fragment;
pub use limits::Limits;
pub use writer::El;
