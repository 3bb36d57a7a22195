//! `RetrieveDocumentSetRequest`: the request of ITI-39.

use konfido_xml::{El, Element};

use crate::malformed::Malformed;
use crate::registry::XDS_B;
use crate::transaction::Transaction;

/// One document that is asked for, in the words of the list it was found in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DocumentRequest {
    /// The home community, `urn:oid:…`; kept as it came.
    pub home: Option<String>,
    /// The repository.
    pub repository: String,
    /// The document.
    pub document: String,
}

/// The request of ITI-39.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrieveRequest {
    /// The documents asked for, at least one.
    pub documents: Vec<DocumentRequest>,
}

impl DocumentRequest {
    pub(super) fn read(parent: Element<'_>) -> Result<Self, Malformed> {
        let part = |local: &'static str| {
            parent.child(XDS_B, local).map(|e| e.text().trim().to_owned()).filter(|text| !text.is_empty())
        };
        let needed = |local: &'static str| {
            part(local).ok_or_else(|| Malformed::at(parent, format!("`{local}` is missing")))
        };
        Ok(Self {
            home: part("HomeCommunityId"),
            repository: needed("RepositoryUniqueId")?,
            document: needed("DocumentUniqueId")?,
        })
    }

    /// The identifying children, in the order of the schema.
    pub(super) fn write_into(&self, parent: El) -> El {
        let part = |local, text: &String| El::new(XDS_B, local).text(text.clone());
        parent
            .opt_child(self.home.as_ref().map(|home| part("HomeCommunityId", home)))
            .child(part("RepositoryUniqueId", &self.repository))
            .child(part("DocumentUniqueId", &self.document))
    }

    /// True if `other` names the same document: home communities are compared only where both are told.
    #[must_use]
    pub fn names_same(&self, other: &Self) -> bool {
        let homes = match (&self.home, &other.home) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        homes && self.repository == other.repository && self.document == other.document
    }
}

impl RetrieveRequest {
    /// A request for one document.
    #[must_use]
    pub fn one(document: DocumentRequest) -> Self {
        Self { documents: vec![document] }
    }

    /// Reads the element `RetrieveDocumentSetRequest`.
    pub fn parse(message: Element<'_>) -> Result<Self, Malformed> {
        let (namespace, root) = Transaction::Retrieve.request_root();
        if !message.is(namespace, root) {
            return Err(Malformed::at(message, "not a request for documents"));
        }
        let documents: Vec<_> = message
            .children_named(XDS_B, "DocumentRequest")
            .map(DocumentRequest::read)
            .collect::<Result<_, _>>()?;
        if documents.is_empty() {
            return Err(Malformed::at(message, "`DocumentRequest` is missing"));
        }
        Ok(Self { documents })
    }

    /// Writes the element `RetrieveDocumentSetRequest`.
    #[must_use]
    pub fn to_element(&self) -> El {
        El::new(XDS_B, "RetrieveDocumentSetRequest")
            .children(self.documents.iter().map(|d| d.write_into(El::new(XDS_B, "DocumentRequest"))))
    }
}
