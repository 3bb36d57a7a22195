//! `AdhocQueryResponse`: the answer of ITI-38.

use konfido_circle::HomeCommunityId;
use konfido_xml::{El, Element};

use super::entry::DocumentEntry;
use super::error::{self, Step};
use super::pairing::DocumentPair;
use crate::document_class::Group;
use crate::malformed::Malformed;
use crate::refusal::Refusal;
use crate::registry::rim::{PartIds, rim};
use crate::registry::{self, QUERY, RIM, RegistryError, ResponseStatus};

const XFRM: &str = "urn:ihe:iti:2007:AssociationType:XFRM";

/// A relation between two entries of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    /// What relation.
    pub kind: String,
    /// From which entry.
    pub source: String,
    /// To which entry.
    pub target: String,
}

/// The answer of ITI-38. What it says is told by [`QueryResponse::outcome`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryResponse {
    pub(super) status: Option<ResponseStatus>,
    pub(super) errors: Vec<RegistryError>,
    pub(super) entries: Vec<DocumentEntry>,
    pub(super) associations: Vec<Association>,
}

/// Why there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused<'r> {
    /// The peer says why.
    Told(&'r RegistryError),
    /// The peer doesn't: no status, or Failure without an entry, or something that was not asked for.
    Unexplained,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryOutcome<'r> {
    /// There are documents, with warnings if there are any.
    Documents {
        /// The documents, levels paired.
        documents: Vec<DocumentPair<'r>>,
        /// What the peer warns of.
        warnings: &'r [RegistryError],
    },
    /// The patient has no such documents; with the peer's word for it, if it had one.
    NothingFound(Option<&'r RegistryError>),
    /// Refused, whatever else the answer holds.
    Refused(Refused<'r>),
}

impl Association {
    /// The scanned document is made from the structured one.
    #[must_use]
    pub fn transformation(scanned: &DocumentEntry, structured: &DocumentEntry) -> Self {
        Self { kind: XFRM.to_owned(), source: scanned.entry_id.clone(), target: structured.entry_id.clone() }
    }

    /// True for the relation that pairs two levels of one document.
    #[must_use]
    pub fn is_transformation(&self) -> bool {
        self.kind == XFRM
    }

    fn read(element: Element<'_>) -> Self {
        let attribute = |name| element.attribute(name).unwrap_or_default().trim().to_owned();
        Self {
            kind: attribute("associationType"),
            source: attribute("sourceObject"),
            target: attribute("targetObject"),
        }
    }

    fn write(&self, id: String) -> El {
        rim("Association")
            .attr("id", id)
            .attr("associationType", self.kind.clone())
            .attr("sourceObject", self.source.clone())
            .attr("targetObject", self.target.clone())
    }
}

impl QueryResponse {
    /// The answer with these entries, and warnings if there are any. Levels of one document are joined by `associations`.
    #[must_use]
    pub fn found(
        entries: Vec<DocumentEntry>,
        associations: Vec<Association>,
        warnings: Vec<RegistryError>,
    ) -> Self {
        Self { status: Some(ResponseStatus::Success), errors: warnings, entries, associations }
    }

    /// The answer without entries, and why.
    #[must_use]
    pub fn refused(home: &HomeCommunityId, group: Option<Group>, refusal: &Refusal) -> Self {
        let refused = error::wire(Step::Query, group, refusal);
        let status = Some(refused.status.clone());
        let (code, severity) = refused.entry();
        let errors = vec![RegistryError::of(code, severity, home)];
        Self { status, errors, entries: Vec::new(), associations: Vec::new() }
    }

    /// The entries, as they are listed and whatever the answer means.
    #[must_use]
    pub fn entries(&self) -> &[DocumentEntry] {
        &self.entries
    }

    /// The relations between the entries.
    #[must_use]
    pub fn associations(&self) -> &[Association] {
        &self.associations
    }

    /// The entries of the error list.
    #[must_use]
    pub fn errors(&self) -> &[RegistryError] {
        &self.errors
    }

    /// The status that the peer gave.
    #[must_use]
    pub fn status(&self) -> Option<&ResponseStatus> {
        self.status.as_ref()
    }

    /// What the answer means.
    #[must_use]
    pub fn outcome(&self) -> QueryOutcome<'_> {
        let nothing_found = self.errors.iter().find(|e| e.code.is_nothing_found());
        match registry::first_error(&self.errors) {
            Some(error) if self.entries.is_empty() && error.code.is_nothing_found() => {
                return QueryOutcome::NothingFound(Some(error));
            }
            Some(error) => return QueryOutcome::Refused(Refused::Told(error)),
            None => {}
        }
        match (&self.status, self.entries.is_empty()) {
            (Some(ResponseStatus::Success | ResponseStatus::PartialSuccess), false) => {
                QueryOutcome::Documents { documents: self.pair_up(), warnings: &self.errors }
            }
            (Some(ResponseStatus::Success | ResponseStatus::PartialSuccess), true) => {
                QueryOutcome::NothingFound(nothing_found)
            }
            (Some(_), true) if nothing_found.is_some() => QueryOutcome::NothingFound(nothing_found),
            _ => QueryOutcome::Refused(self.errors.first().map_or(Refused::Unexplained, Refused::Told)),
        }
    }

    /// Reads the element `AdhocQueryResponse`.
    pub fn parse(message: Element<'_>) -> Result<Self, Malformed> {
        if !message.is(QUERY, "AdhocQueryResponse") {
            return Err(Malformed::at(message, "not an answer to a query for documents"));
        }
        let objects = |local: &'static str| {
            message
                .children_named(RIM, "RegistryObjectList")
                .flat_map(move |list| list.children_named(RIM, local))
        };
        Ok(Self {
            status: message.attribute("status").map(ResponseStatus::of_urn),
            errors: registry::read_errors(message)?,
            entries: objects("ExtrinsicObject").map(DocumentEntry::read).collect::<Result<_, _>>()?,
            associations: objects("Association").map(Association::read).collect(),
        })
    }

    /// Writes the element `AdhocQueryResponse`.
    #[must_use]
    pub fn to_element(&self) -> El {
        // Ids of associations are derived from the entry they start at, which has not used so many parts itself.
        let associations = self.associations.iter().zip(1000..).map(|(association, number)| {
            association.write(PartIds::after(&association.source, number).next_id())
        });
        let list = rim("RegistryObjectList")
            .children(self.entries.iter().map(DocumentEntry::write))
            .children(associations);
        El::new(QUERY, "AdhocQueryResponse")
            .opt_attr("status", self.status.as_ref().map(ResponseStatus::urn))
            .opt_child(registry::write_errors(&self.errors))
            .child(list)
    }
}
