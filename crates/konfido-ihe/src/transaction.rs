//! The transactions by their WS-Addressing actions and body roots.

use crate::{hl7, registry};

/// A cross-border transaction of IHE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transaction {
    /// ITI-55, Cross Gateway Patient Discovery.
    PatientDiscovery,
    /// ITI-38, Cross Gateway Query.
    Query,
    /// ITI-39, Cross Gateway Retrieve.
    Retrieve,
}

impl Transaction {
    /// All transactions that are served.
    pub const ALL: [Self; 3] = [Self::PatientDiscovery, Self::Query, Self::Retrieve];

    /// The name of the transaction in IHE ITI.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PatientDiscovery => "ITI-55",
            Self::Query => "ITI-38",
            Self::Retrieve => "ITI-39",
        }
    }

    /// `wsa:Action` of the request.
    #[must_use]
    pub fn request_action(self) -> &'static str {
        match self {
            Self::PatientDiscovery => "urn:hl7-org:v3:PRPA_IN201305UV02:CrossGatewayPatientDiscovery",
            Self::Query => "urn:ihe:iti:2007:CrossGatewayQuery",
            Self::Retrieve => "urn:ihe:iti:2007:CrossGatewayRetrieve",
        }
    }

    /// `wsa:Action` of the answer.
    #[must_use]
    pub fn response_action(self) -> &'static str {
        match self {
            Self::PatientDiscovery => "urn:hl7-org:v3:PRPA_IN201306UV02:CrossGatewayPatientDiscovery",
            Self::Query => "urn:ihe:iti:2007:CrossGatewayQueryResponse",
            Self::Retrieve => "urn:ihe:iti:2007:CrossGatewayRetrieveResponse",
        }
    }

    /// The transaction that this `wsa:Action` asks for.
    #[must_use]
    pub fn of_action(action: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.request_action() == action)
    }

    /// Namespace and name of the request's root element.
    #[must_use]
    pub fn request_root(self) -> (&'static str, &'static str) {
        match self {
            Self::PatientDiscovery => (hl7::NS, "PRPA_IN201305UV02"),
            Self::Query => (registry::QUERY, "AdhocQueryRequest"),
            Self::Retrieve => (registry::XDS_B, "RetrieveDocumentSetRequest"),
        }
    }

    /// The transaction whose request has this root element.
    #[must_use]
    pub fn of_root(namespace: &str, local: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.request_root() == (namespace, local))
    }
}
