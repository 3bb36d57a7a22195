//! Clinical documents: HL7 CDA R2 patient summaries, prescriptions and dispensations of the eHDSI profile.
//!
//! * [`ClinicalDocument::read`] parses bytes into a tree with typed views: [`Header`], [`Section`], entries. The
//!   views borrow, and nothing writes: the bytes read are the bytes written.
//! * [`rules::check`] holds a document against the profile and reports every rule broken, with its path.
//! * [`html::render`] makes an accessible page of it, for one reader, without a script or an outside asset.
//! * [`envelope::around_pdf`] makes the level 1 form of a structured document.
//! * [`samples`] has our own synthetic patients.
//!
//! Reading is generous and checking is strict: documents of eight waves are in circulation, and a doctor must
//! see what was sent. `OpenNCP`'s own checks never block a document either.

pub mod codes;
pub mod entry;
pub mod envelope;
pub mod header;
pub mod html;
pub mod rules;
pub mod samples;
pub mod section;
pub mod value;

mod document;
mod error;
mod narrative;
mod tree;

pub use document::{Attachment, Body, ClinicalDocument, DocumentKind, Level};
pub use error::ReadError;
pub use header::Header;
pub use narrative::Narrative;
pub use section::{Section, SectionKind};
pub use tree::{EPSOS_MEDICATION, HL7, PHARM};
