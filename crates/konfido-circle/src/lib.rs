//! Who belongs together: countries, identifiers, the signed circle file, certificates and the clock.
//!
//! A *circle* is the set of member states that trust each other. This crate holds what every other crate needs to
//! name a member, a patient or an instant, and to decide whether a certificate or a circle file may be believed.

pub mod circle;
mod clock;
mod country;
mod endpoint;
mod error;
mod oid;
mod patient;
mod personal;
pub mod pki;
pub mod trust;

pub use self::circle::{AcceptedCircle, Circle, CircleError, Member};
pub use self::clock::{Clock, FixedClock, SystemClock};
pub use self::country::CountryCode;
pub use self::endpoint::{EndpointError, EndpointSource, Service};
pub use self::error::IdentifierError;
pub use self::oid::{HomeCommunityId, Oid};
pub use self::patient::PatientId;
pub use self::personal::Personal;
pub use self::trust::{CertificateError, CheckedCertificate, TrustStore, TrustStoreMistake, Usage};
