//! Where a member offers a service.
//!
//! The circle file answers today. An SMP (eDelivery's service metadata publisher) may answer tomorrow, behind the same
//! trait; [`Service::smp_document_type`] is what one asks it for.

use std::fmt;
use std::str::FromStr;

use http::Uri;

use crate::CountryCode;

/// A service that a member may offer to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Service {
    /// Finds a patient: XCPD, ITI-55.
    PatientIdentification,
    /// Patient summaries: XCA, ITI-38 and ITI-39 at one address.
    PatientSummary,
    /// Orders (prescriptions): XCA, ITI-38 and ITI-39 at one address.
    OrderService,
    /// Original clinical documents: XCA, ITI-38 and ITI-39 at one address.
    OrcdService,
    /// Takes dispensations and discards: XDR, ITI-41.
    Dispensation,
    /// Takes consents: XDR, ITI-41.
    Consent,
    /// Issues TRC and next-of-kin assertions: WS-Trust. Internal to a country; a member seldom lists it.
    Sts,
}

impl Service {
    /// All services, in the order of the circle file.
    pub const ALL: [Self; 7] = [
        Self::PatientIdentification,
        Self::PatientSummary,
        Self::OrderService,
        Self::OrcdService,
        Self::Dispensation,
        Self::Consent,
        Self::Sts,
    ];

    /// The key in the circle file.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::PatientIdentification => "patient-identification",
            Self::PatientSummary => "patient-summary",
            Self::OrderService => "order",
            Self::OrcdService => "orcd",
            Self::Dispensation => "dispensation",
            Self::Consent => "consent",
            Self::Sts => "sts",
        }
    }

    /// The document type under which an SMP publishes the service's query (OpenNCP's `RegisteredService`).
    #[must_use]
    pub const fn smp_document_type(self) -> Option<&'static str> {
        match self {
            Self::PatientIdentification => Some(
                "urn:ehealth:PatientIdentificationAndAuthentication::XCPD::CrossGatewayPatientDiscovery##ITI-55",
            ),
            Self::PatientSummary | Self::OrderService | Self::OrcdService => {
                Some("urn:ehealth:RequestOfData::XCA::CrossGatewayQuery##ITI-38")
            }
            Self::Dispensation => {
                Some("urn:ehealth:ProvisioningOfData:Provide::XDR::ProvideandRegisterDocumentSet-b##ITI-41")
            }
            Self::Consent => Some(
                "urn:ehealth:ProvisioningOfData:BPPC-RegisterUpdate::XDR::ProvideandRegisterDocumentSet-b##ITI-41",
            ),
            Self::Sts => None,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.key())
    }
}

impl FromStr for Service {
    type Err = EndpointError;

    fn from_str(key: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|s| s.key() == key)
            .ok_or_else(|| EndpointError::UnknownService(key.to_owned()))
    }
}

/// Why there is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The country is not in the circle.
    #[error("{0} is no member of the circle")]
    NoMember(CountryCode),
    /// The member does not offer the service.
    #[error("{country} does not offer the service {service}")]
    NotOffered {
        /// The member.
        country: CountryCode,
        /// The service.
        service: Service,
    },
    /// No service has this name.
    #[error("`{0}` is no service of the circle")]
    UnknownService(String),
    /// The source cannot answer now.
    #[error("endpoints cannot be looked up now: {0}")]
    Unavailable(String),
}

/// Knows where a member offers a service.
pub trait EndpointSource: Send + Sync + fmt::Debug {
    /// The `https` address of `service` at `country`.
    fn endpoint(&self, country: CountryCode, service: Service) -> Result<Uri, EndpointError>;
}

/// Reads an endpoint: an absolute `https` address with a host, without user, query or fragment.
pub(crate) fn parse_endpoint(text: &str) -> Result<Uri, &'static str> {
    if text.contains('#') {
        return Err("a fragment has no meaning here");
    }
    let uri: Uri = text.parse().map_err(|_| "not an address")?;
    if uri.scheme_str() != Some("https") {
        return Err("an `https` address is needed");
    }
    match uri.authority() {
        Some(a) if a.as_str().contains('@') => Err("a user name has no meaning here"),
        Some(a) if a.host().is_empty() => Err("a host is needed"),
        Some(_) if uri.query().is_some() => Err("a query has no meaning here"),
        Some(_) => Ok(uri),
        None => Err("a host is needed"),
    }
}
