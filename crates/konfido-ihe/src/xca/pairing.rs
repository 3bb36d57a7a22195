//! Which entries of a list are one document at two levels.

use super::entry::DocumentEntry;
use super::list::{Association, QueryResponse};
use crate::document_class::Level;

/// A document at one level or at both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentPair<'r> {
    /// The structured document.
    pub structured: Option<&'r DocumentEntry>,
    /// The scanned document, or one whose level is unknown.
    pub scanned: Option<&'r DocumentEntry>,
}

impl<'r> DocumentPair<'r> {
    fn single(entry: &'r DocumentEntry) -> Self {
        match entry.level() {
            Some(Level::Structured) => Self { structured: Some(entry), scanned: None },
            _ => Self { structured: None, scanned: Some(entry) },
        }
    }

    /// The better of the two.
    #[must_use]
    pub fn best(&self) -> Option<&'r DocumentEntry> {
        self.structured.or(self.scanned)
    }
}

impl QueryResponse {
    /// The entries as pairs: by association (either direction; one of an entry with itself says nothing), else
    /// by format code where a class has exactly one of each level left.
    pub(super) fn pair_up(&self) -> Vec<DocumentPair<'_>> {
        let mut open: Vec<&DocumentEntry> = self.entries.iter().collect();
        let mut pairs = Vec::new();
        while !open.is_empty() {
            let entry = open.remove(0);
            let partner = self.associated(entry, &open).or_else(|| self.lonely_partner(entry, &open));
            let Some(at) = partner else {
                pairs.push(DocumentPair::single(entry));
                continue;
            };
            let partner = open.remove(at);
            let (structured, scanned) = match (entry.level(), partner.level()) {
                (_, Some(Level::Structured)) => (partner, entry),
                _ => (entry, partner),
            };
            pairs.push(DocumentPair { structured: Some(structured), scanned: Some(scanned) });
        }
        pairs
    }

    fn associated(&self, entry: &DocumentEntry, open: &[&DocumentEntry]) -> Option<usize> {
        open.iter().position(|other| {
            fits(entry, other) && self.associations.iter().any(|a| a.joins(&entry.entry_id, &other.entry_id))
        })
    }

    /// The partner of an entry that no association names, if the two are the only ones of their class.
    fn lonely_partner(&self, entry: &DocumentEntry, open: &[&DocumentEntry]) -> Option<usize> {
        let alike = self.entries.iter().filter(|other| other.class == entry.class).count();
        let named = |e: &DocumentEntry| self.associations.iter().any(|a| a.names_another(&e.entry_id));
        let at = open.iter().position(|other| other.class == entry.class && fits(entry, other))?;
        (alike == 2 && !named(entry) && !open.get(at).is_some_and(|other| named(other))).then_some(at)
    }
}

/// Two levels, or at least not twice the same.
fn fits(a: &DocumentEntry, b: &DocumentEntry) -> bool {
    matches!(
        (a.level(), b.level()),
        (Some(Level::Structured), Some(Level::Scanned)) | (Some(Level::Scanned), Some(Level::Structured))
    )
}

impl Association {
    fn joins(&self, a: &str, b: &str) -> bool {
        self.is_transformation()
            && ((self.source == a && self.target == b) || (self.source == b && self.target == a))
    }

    fn names_another(&self, id: &str) -> bool {
        self.is_transformation() && self.source != self.target && (self.source == id || self.target == id)
    }
}
