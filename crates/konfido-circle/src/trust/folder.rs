//! Trust material as files in a folder: what a node keeps beside its circle file, and what commands take as `--trust`.
//!
//! ```text
//! trust/IT/root.pem    one or more CA certificates
//! trust/IT/crl.pem     their revocation lists
//! ```
//! Other files of a country's folder are left alone, so that the folder of `konfido pki init` serves as it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};

use super::TrustStoreBuilder;
use crate::CountryCode;

/// Why a folder of trust material cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustFolderError {
    /// A file or folder cannot be read.
    #[error("cannot read `{}`", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file is not PEM of the right kind.
    #[error("`{}` is not {what}", .path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
    },
    /// No country in the folder.
    #[error("`{}` has no folder of a country with a `root.pem`", .0.display())]
    Empty(PathBuf),
}

impl TrustStoreBuilder {
    /// Adds the roots and CRLs of each country that has a folder in `dir`.
    pub fn folder(mut self, dir: &Path) -> Result<Self, TrustFolderError> {
        let mut found = false;
        for (country, home) in countries(dir)? {
            let path = home.join("root.pem");
            let Some(roots) = read_if_present(&path)? else { continue };
            for root in CertificateDer::pem_slice_iter(&roots) {
                let root = root.map_err(|_| TrustFolderError::Content {
                    path: path.clone(),
                    what: "PEM certificates",
                })?;
                self = self.root(country, root);
                found = true;
            }
            for crl in read_crls(&home.join("crl.pem"))? {
                self = self.crl(crl);
            }
        }
        if found { Ok(self) } else { Err(TrustFolderError::Empty(dir.to_owned())) }
    }
}

/// The CRLs of each country that has a folder in `dir`: for [`crate::Circle::trust_store`].
pub fn crls_in_folder(dir: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TrustFolderError> {
    let mut all = Vec::new();
    for (_, home) in countries(dir)? {
        all.extend(read_crls(&home.join("crl.pem"))?);
    }
    Ok(all)
}

/// The folders that are called like a country, in order.
fn countries(dir: &Path) -> Result<Vec<(CountryCode, PathBuf)>, TrustFolderError> {
    let failed = |source| TrustFolderError::Io { path: dir.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if let Some(country) = entry.file_name().to_str().and_then(|n| CountryCode::new(n).ok()) {
            found.push((country, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

fn read_crls(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TrustFolderError> {
    let Some(text) = read_if_present(path)? else { return Ok(Vec::new()) };
    CertificateRevocationListDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|_| TrustFolderError::Content { path: path.to_owned(), what: "PEM revocation lists" })
}

fn read_if_present(path: &Path) -> Result<Option<Vec<u8>>, TrustFolderError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TrustFolderError::Io { path: path.to_owned(), source }),
    }
}
