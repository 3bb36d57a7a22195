//! The other NCP of a connection: a member state, known by its TLS certificate.
//!
//! INVARIANT (peer is current): a [`Peer`] value was judged by the trust store at the time of the request it serves,
//! not at the time of the handshake. [`Peer::check`] is the only way to one.

use jiff::Timestamp;
use konfido_circle::{CertificateError, CheckedCertificate, CountryCode, TrustStore, Usage};
use rustls_pki_types::CertificateDer;

use crate::tls::Agreed;

/// A member state at the other end of a connection, checked for this request.
#[derive(Clone, Debug)]
pub struct Peer {
    certificate: CheckedCertificate,
    agreed: Agreed,
}

impl Peer {
    /// Judges the certificate chain of a connection, leaf first, at `now`: chain, validity, revocation, one of
    /// the usages.
    pub fn check(
        trust: &TrustStore,
        chain: &[CertificateDer<'static>],
        usages: &[Usage],
        agreed: Agreed,
        now: Timestamp,
    ) -> Result<Self, CertificateError> {
        Ok(Self { certificate: judge(trust, chain, usages, now)?, agreed })
    }

    /// The member state.
    #[must_use]
    pub fn country(&self) -> CountryCode {
        self.certificate.country()
    }

    /// The distinguished name of the certificate.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.certificate.subject()
    }

    /// The common name of the certificate, as OpenNCP writes it into its audit messages; else the whole name.
    #[must_use]
    pub fn common_name(&self) -> &str {
        self.certificate.common_name().unwrap_or_else(|| self.certificate.subject())
    }

    /// What the handshake agreed on.
    #[must_use]
    pub fn agreed(&self) -> Agreed {
        self.agreed
    }
}

/// The verdict on a chain, leaf first, for the first of `usages` that fits; else why the first does not.
pub(crate) fn judge(
    trust: &TrustStore,
    chain: &[CertificateDer<'static>],
    usages: &[Usage],
    now: Timestamp,
) -> Result<CheckedCertificate, CertificateError> {
    let (leaf, intermediates) =
        chain.split_first().ok_or_else(|| CertificateError::Malformed("no certificate".into()))?;
    let mut refused = None;
    for usage in usages {
        match trust.verify_chain(leaf, intermediates, *usage, now) {
            Ok(checked) => return Ok(checked),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or(CertificateError::WrongUsage("no usage is accepted here")))
}
