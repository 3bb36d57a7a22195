//! The gateway of a national contact point: NCP-A answers for this country's patients, NCP-B asks for this country's
//! professionals.
//!
//! Wire formats are in the crates below (`konfido-xml`, `konfido-saml`, `konfido-ihe`, `konfido-audit`); here is what is
//! decided and in which order ([`ncp_a`], [`ncp_b`]), the sockets ([`server`], [`tls`]), and the seams to everything that
//! differs from country to country or from deployment to deployment: the national connector, the access policy, the
//! audit trail, the observer of exchanges, the directory of endpoints, who ends TLS and who holds keys.

pub mod admin;
pub mod connector;
pub mod directory;
mod ids;
pub mod metrics;
pub mod ncp_a;
pub mod ncp_b;
pub mod observer;
pub mod peer;
pub mod policy;
pub mod server;
pub mod sts;
pub mod tls;
pub mod trail;
mod wire;
