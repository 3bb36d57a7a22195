//! The PKI of a country as files in a folder, and back.

use std::fs;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use konfido_keys::Signer;
use konfido_keys::software::KeyKind;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivatePkcs8KeyDer};
use secrecy::{ExposeSecret, SecretSlice};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use zeroize::Zeroizing;

use super::{CountryPki, Issued, PkiError};
use crate::CountryCode;

impl CountryPki {
    /// Writes all files into `dir`, which is made if absent. Private keys get mode 0600 and never replace a file.
    pub fn write(&self, dir: &Path) -> Result<(), PkiError> {
        make_dir(dir)?;
        for (name, issued) in self.named() {
            write_secret(&dir.join(format!("{name}.key")), &issued.key)?;
            write_public(&dir.join(format!("{name}.pem")), &issued.certificate_pem())?;
        }
        write_secret(&dir.join("circle.key"), &self.circle_key)?;
        write_public(&dir.join("circle.pub"), &pem("PUBLIC KEY", self.circle_signer()?.public_key_der()))?;
        self.write_crl(dir)
    }

    /// Writes the CRL alone, replacing the one before.
    pub fn write_crl(&self, dir: &Path) -> Result<(), PkiError> {
        // Renamed into place: a node that reads meanwhile sees the old list or the new one, never half of one.
        let path = dir.join("crl.pem");
        let fresh = dir.join("crl.pem.new");
        write_public(&fresh, &pem("X509 CRL", &self.crl))?;
        fs::rename(&fresh, &path).map_err(|source| PkiError::Io { what: "replace", path, source })
    }

    /// Reads what [`CountryPki::write`] wrote.
    pub fn read(dir: &Path) -> Result<Self, PkiError> {
        let root = Issued::read(dir, "root", KeyKind::EcdsaP256)?;
        let (country, organisation) = subject_of(&root.certificate).ok_or_else(|| PkiError::Content {
            path: dir.join("root.pem"),
            what: "certificate of one country",
        })?;
        Ok(Self {
            country,
            organisation,
            crl: CertificateRevocationListDer::from_pem_slice(&read(&dir.join("crl.pem"))?)
                .map_err(|_| PkiError::Content { path: dir.join("crl.pem"), what: "PEM CRL" })?,
            tls_server: Issued::read(dir, "tls-server", KeyKind::EcdsaP256)?,
            tls_client: Issued::read(dir, "tls-client", KeyKind::EcdsaP256)?,
            signing_rsa: Issued::read(dir, "signing-rsa", KeyKind::Rsa3072)?,
            signing: Issued::read(dir, "signing", KeyKind::EcdsaP256)?,
            circle_key: read_key(&dir.join("circle.key"))?,
            root,
        })
    }

    fn named(&self) -> [(&'static str, &Issued); 5] {
        [
            ("root", &self.root),
            ("tls-server", &self.tls_server),
            ("tls-client", &self.tls_client),
            ("signing-rsa", &self.signing_rsa),
            ("signing", &self.signing),
        ]
    }
}

impl Issued {
    /// Writes `<name>.pem` and `<name>.key` (mode 0600) into `dir`; neither may exist.
    pub fn write(&self, dir: &Path, name: &str) -> Result<(), PkiError> {
        make_dir(dir)?;
        write_secret(&dir.join(format!("{name}.key")), &self.key)?;
        write_public(&dir.join(format!("{name}.pem")), &self.certificate_pem())
    }

    /// Reads `<name>.pem` and `<name>.key` of `dir`.
    pub fn read(dir: &Path, name: &str, kind: KeyKind) -> Result<Self, PkiError> {
        let path = dir.join(format!("{name}.pem"));
        let certificate = CertificateDer::from_pem_slice(&read(&path)?)
            .map_err(|_| PkiError::Content { path, what: "PEM certificate" })?;
        Ok(Self { certificate, key: read_key(&dir.join(format!("{name}.key")))?, kind })
    }
}

/// Country and organisation in the subject of a root.
fn subject_of(root: &CertificateDer<'_>) -> Option<(CountryCode, String)> {
    let (_, cert) = X509Certificate::from_der(root).ok()?;
    let country: Vec<_> = cert.subject().iter_country().collect();
    let [country] = country.as_slice() else { return None };
    let organisation = cert.subject().iter_organization().next()?.as_str().ok()?;
    Some((CountryCode::new(country.as_str().ok()?).ok()?, organisation.to_owned()))
}

/// RFC 7468 text of one block.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let body = Zeroizing::new(STANDARD.encode(der));
    let mut text = String::with_capacity(body.len() + body.len() / 64 + 2 * label.len() + 40);
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for (at, c) in body.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    text.push_str(&format!("\n-----END {label}-----\n"));
    text
}

fn read(path: &Path) -> Result<Vec<u8>, PkiError> {
    fs::read(path).map_err(|source| PkiError::Io { what: "read", path: path.to_owned(), source })
}

fn read_key(path: &Path) -> Result<SecretSlice<u8>, PkiError> {
    let text = Zeroizing::new(read(path)?);
    let key = PrivatePkcs8KeyDer::from_pem_slice(&text)
        .map_err(|_| PkiError::Content { path: path.to_owned(), what: "PEM private key (PKCS#8)" })?;
    Ok(SecretSlice::from(key.secret_pkcs8_der().to_vec()))
}

fn make_dir(dir: &Path) -> Result<(), PkiError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|source| PkiError::Io { what: "make", path: dir.to_owned(), source })
}

fn write_public(path: &Path, text: &str) -> Result<(), PkiError> {
    fs::write(path, text).map_err(|source| PkiError::Io { what: "write", path: path.to_owned(), source })
}

fn write_secret(path: &Path, key: &SecretSlice<u8>) -> Result<(), PkiError> {
    let text = Zeroizing::new(pem("PRIVATE KEY", key.expose_secret()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(|source| PkiError::Io {
        what: "write",
        path: path.to_owned(),
        source,
    })
}
