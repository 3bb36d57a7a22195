//! A development PKI: one root a country, and under it what a national contact point needs.
//!
//! For tests, the demo and first steps. A production member brings certificates of its own CA; nothing else of Konfido
//! asks who made them. What each country gets:
//!
//! | file | key | for |
//! | --- | --- | --- |
//! | `root.pem`, `root.key` | ECDSA P-256 | issues the others and the CRL |
//! | `crl.pem` | | revoked certificates of the root |
//! | `tls-server.pem`, `.key` | ECDSA P-256 | TLS server, names of the host |
//! | `tls-client.pem`, `.key` | ECDSA P-256 | TLS client towards other members |
//! | `signing-rsa.pem`, `.key` | RSA 3072 | what an OpenNCP must verify: it insists on RSA |
//! | `signing.pem`, `.key` | ECDSA P-256 | signatures between Konfido peers |
//! | `circle.key`, `circle.pub` | ECDSA P-256 | the member's signature under the circle file |
//!
//! Each subject has exactly one `C=` (an OpenNCP takes the signer's country from there) and no `DC=`, each signing
//! certificate the key usage `digitalSignature`. Private keys are PKCS#8, readable by their owner alone.

mod crl;
mod files;
mod issue;

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use konfido_keys::software::{KeyKind, SoftwareSigner};
use konfido_keys::{KeyError, Rng, SignatureAlgorithm};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use secrecy::{ExposeSecret, SecretSlice};

pub use self::issue::LeafRequest;

use crate::CountryCode;
use crate::trust::{TrustStoreBuilder, Usage};

/// How long a development root is valid.
const ROOT_LIFE: SignedDuration = SignedDuration::from_hours(24 * 3650);
/// How long a development leaf is valid.
const LEAF_LIFE: SignedDuration = SignedDuration::from_hours(24 * 730);
/// How long a development CRL is valid.
const CRL_LIFE: SignedDuration = SignedDuration::from_hours(24 * 180);
/// Certificates are valid from a little before they are made, for clocks that go slow.
const BACKDATE: SignedDuration = SignedDuration::from_mins(10);

/// Why a development PKI could not be made, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PkiError {
    /// A key could not be made or read.
    #[error("key")]
    Key(#[from] KeyError),
    /// A certificate or CRL could not be made.
    #[error("certificate")]
    Certificate(#[from] rcgen::Error),
    /// The request makes no sense.
    #[error("{0}")]
    Request(String),
    /// A file cannot be read as what its name says.
    #[error("`{}` is no {what}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
    },
    /// A file cannot be read or written.
    #[error("cannot {what} `{}`", .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// A certificate and its private key.
pub struct Issued {
    certificate: CertificateDer<'static>,
    key: SecretSlice<u8>,
    kind: KeyKind,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Issued {
    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The certificate as PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        certificate_pem(&self.certificate)
    }

    /// The private key as PKCS#8 DER, for a TLS library that insists on holding it.
    #[must_use]
    pub fn key_pkcs8(&self) -> &SecretSlice<u8> {
        &self.key
    }

    /// A signer with this key and certificate. An RSA key serves every RSA algorithm; an ECDSA key its curve's.
    pub fn signer(&self, algorithm: SignatureAlgorithm) -> Result<SoftwareSigner, KeyError> {
        SoftwareSigner::from_pkcs8_der(self.key.expose_secret(), algorithm, Some(self.certificate.clone()))
    }
}

/// A certificate as PEM text.
pub(crate) fn certificate_pem(certificate: &CertificateDer<'_>) -> String {
    files::pem("CERTIFICATE", certificate)
}

/// What a development PKI is to be made of.
#[derive(Clone, Debug)]
pub struct PkiRequest {
    /// The country of the root and of each subject.
    pub country: CountryCode,
    /// The `O=` of each subject.
    pub organisation: String,
    /// Host names and IP addresses of the TLS server.
    pub hosts: Vec<String>,
    /// When it is made.
    pub now: Timestamp,
}

impl PkiRequest {
    /// A country on this machine alone.
    #[must_use]
    pub fn local(country: CountryCode, now: Timestamp) -> Self {
        Self {
            country,
            organisation: format!("Konfido development {country}"),
            hosts: ["localhost", "127.0.0.1", "::1"].map(String::from).to_vec(),
            now,
        }
    }
}

/// The development PKI of one country.
#[derive(Debug)]
pub struct CountryPki {
    country: CountryCode,
    organisation: String,
    root: Issued,
    crl: CertificateRevocationListDer<'static>,
    tls_server: Issued,
    tls_client: Issued,
    signing_rsa: Issued,
    signing: Issued,
    circle_key: SecretSlice<u8>,
}

impl CountryPki {
    /// Makes all keys and certificates of a country.
    pub fn generate(request: &PkiRequest, rng: &dyn Rng) -> Result<Self, PkiError> {
        let root = issue::root(request, rng)?;
        let leaf = |usage, kind, name: &str| {
            let leaf = LeafRequest {
                kind,
                common_name: format!("{name}.{}", request.country.as_str().to_ascii_lowercase()),
                hosts: if usage == Usage::TlsServer { request.hosts.clone() } else { Vec::new() },
                ..LeafRequest::new(request.country, usage, request.now)
            };
            issue::leaf(&leaf, &request.organisation, &root, rng)
        };
        Ok(Self {
            country: request.country,
            organisation: request.organisation.clone(),
            tls_server: leaf(Usage::TlsServer, KeyKind::EcdsaP256, "ncp-a.konfido")?,
            tls_client: leaf(Usage::TlsClient, KeyKind::EcdsaP256, "ncp-b.konfido")?,
            signing_rsa: leaf(Usage::Signing, KeyKind::Rsa3072, "signature-rsa.konfido")?,
            signing: leaf(Usage::Signing, KeyKind::EcdsaP256, "signature.konfido")?,
            crl: crl::empty(&root, request.now)?,
            circle_key: konfido_keys::software::generate_pkcs8(KeyKind::EcdsaP256)?,
            root,
        })
    }

    /// The country.
    #[must_use]
    pub fn country(&self) -> CountryCode {
        self.country
    }

    /// The root CA.
    #[must_use]
    pub fn root(&self) -> &Issued {
        &self.root
    }

    /// The root's revocation list.
    #[must_use]
    pub fn crl(&self) -> &CertificateRevocationListDer<'static> {
        &self.crl
    }

    /// The TLS server's certificate.
    #[must_use]
    pub fn tls_server(&self) -> &Issued {
        &self.tls_server
    }

    /// The TLS client's certificate.
    #[must_use]
    pub fn tls_client(&self) -> &Issued {
        &self.tls_client
    }

    /// The RSA signing certificate, for what an OpenNCP must verify.
    #[must_use]
    pub fn signing_rsa(&self) -> &Issued {
        &self.signing_rsa
    }

    /// The ECDSA signing certificate, for signatures between Konfido peers.
    #[must_use]
    pub fn signing(&self) -> &Issued {
        &self.signing
    }

    /// The signer of the circle file (ES256, no certificate).
    pub fn circle_signer(&self) -> Result<SoftwareSigner, KeyError> {
        let algorithm = SignatureAlgorithm::EcdsaP256Sha256;
        SoftwareSigner::from_pkcs8_der(self.circle_key.expose_secret(), algorithm, None)
    }

    /// One more leaf under this root: a second client, or a bad one for a test.
    pub fn issue(&self, request: &LeafRequest, rng: &dyn Rng) -> Result<Issued, PkiError> {
        issue::leaf(request, &self.organisation, &self.root, rng)
    }

    /// Issues the CRL anew with one more certificate revoked. The one before stays valid until its end, as in life.
    pub fn revoke(&mut self, certificate: &CertificateDer<'_>, now: Timestamp) -> Result<(), PkiError> {
        self.crl = crl::with_revoked(&self.root, &self.crl, certificate, now)?;
        Ok(())
    }

    /// Issues the CRL anew with the same entries, valid from `now`.
    pub fn renew_crl(&mut self, now: Timestamp) -> Result<(), PkiError> {
        self.crl = crl::renewed(&self.root, &self.crl, now)?;
        Ok(())
    }

    /// Adds this country's root and CRL to a trust store. Nothing is listed: every sound leaf of the root counts.
    #[must_use]
    pub fn trusted_by(&self, store: TrustStoreBuilder) -> TrustStoreBuilder {
        store.root(self.country, self.root.certificate.clone()).crl(self.crl.clone())
    }
}
