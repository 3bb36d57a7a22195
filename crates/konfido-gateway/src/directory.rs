//! Where a member state answers: its endpoint for a transaction and its home community.
//!
//! The circle file knows both today; an SMP may take over the endpoints later, behind the same trait.

use std::fmt;

use http::Uri;
use konfido_circle::{Circle, CountryCode, EndpointSource, HomeCommunityId, Service};
use konfido_ihe::{Group, Transaction};

/// One place to send a request to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The member state.
    pub country: CountryCode,
    /// Its home community.
    pub home: HomeCommunityId,
    /// Its endpoint.
    pub endpoint: Uri,
}

/// Knows the destinations.
pub trait Directory: Send + Sync + fmt::Debug {
    /// Where `country` answers `transaction`. ITI-38 and ITI-39 of one group answer at one place (openncp.md 1.1).
    fn destination(
        &self,
        country: CountryCode,
        transaction: Transaction,
        group: Option<Group>,
    ) -> Result<Destination, DirectoryError>;
}

/// There is no such place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// Not a member of the circle.
    #[error("`{0}` is no member of the circle")]
    NoMember(CountryCode),
    /// A member without this service.
    #[error("`{country}` does not offer {service}")]
    NoService {
        /// The member.
        country: CountryCode,
        /// What it does not offer.
        service: &'static str,
    },
    /// The endpoint is no `https` address.
    #[error("the endpoint of `{country}` can't be used: {reason}")]
    BadEndpoint {
        /// The member.
        country: CountryCode,
        /// Why.
        reason: String,
    },
}

/// The circle file as a directory.
#[derive(Clone, Debug)]
pub struct CircleDirectory(pub Circle);

impl Directory for CircleDirectory {
    fn destination(
        &self,
        country: CountryCode,
        transaction: Transaction,
        group: Option<Group>,
    ) -> Result<Destination, DirectoryError> {
        let member = self.0.member(country).ok_or(DirectoryError::NoMember(country))?;
        let service = match (transaction, group) {
            (Transaction::PatientDiscovery, _) => Service::PatientIdentification,
            (_, Some(Group::Prescription)) => Service::OrderService,
            (_, Some(Group::Original)) => Service::OrcdService,
            _ => Service::PatientSummary,
        };
        let endpoint = self
            .0
            .endpoint(country, service)
            .map_err(|_| DirectoryError::NoService { country, service: service.key() })?;
        Ok(Destination { country, home: member.home_community.clone(), endpoint })
    }
}
