//! Where the root secret comes from, and what that is worth: the backends behind one trait.
//!
//! The software backend keeps the root in a file of its own, outside of the store's folder where the operator says so; what
//! that holds against is exactly what the file's protection holds against, and the level says no more.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use konfido_keys::{KeyError, Rng, RootSource};
use secrecy::SecretBox;
use zeroize::Zeroize as _;

use crate::attest::Assurance;

/// A place that keeps or makes the root secret of a vault.
pub trait Backend: RootSource {
    /// Its name in configuration, status and evidence.
    fn name(&self) -> &'static str;

    /// The most that a vault on it may claim, before the kernel's measures are counted.
    fn assurance(&self) -> Assurance;
}

/// The root secret in a file with mode 0600.
#[derive(Debug, Clone)]
pub struct SoftwareBackend {
    path: PathBuf,
}

impl SoftwareBackend {
    /// The backend over a root file; makes the file when there is none.
    ///
    /// # Errors
    /// When the file is readable by others, of the wrong length, or cannot be made.
    pub fn open(path: &Path, rng: &dyn Rng) -> Result<Self, KeyError> {
        let unavailable =
            |error: io::Error| KeyError::Unavailable(format!("root file `{}`: {error}", path.display()));
        match fs::metadata(path) {
            Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
                Err(KeyError::Unavailable(format!(
                    "root file `{}` is open to others: `chmod 600` it, and consider its secret known",
                    path.display()
                )))
            }
            Ok(_) => Ok(Self { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut root = [0; 32];
                rng.fill(&mut root)?;
                let written = write_once(path, &root).map_err(unavailable);
                root.zeroize();
                written.map(|()| Self { path: path.to_owned() })
            }
            Err(error) => Err(unavailable(error)),
        }
    }
}

fn write_once(path: &Path, root: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(root)?;
    file.sync_all()
}

impl RootSource for SoftwareBackend {
    fn root(&self) -> Result<SecretBox<[u8; 32]>, KeyError> {
        let mut bytes = fs::read(&self.path).map_err(|error| {
            KeyError::Unavailable(format!("root file `{}`: {error}", self.path.display()))
        })?;
        let root = <[u8; 32]>::try_from(bytes.as_slice());
        bytes.zeroize();
        let mut root =
            root.map_err(|_| KeyError::Unavailable("the root file does not hold 32 bytes".to_owned()))?;
        let boxed = SecretBox::init_with_mut(|held: &mut [u8; 32]| held.copy_from_slice(&root));
        root.zeroize();
        Ok(boxed)
    }

    fn describe(&self) -> &str {
        "software: the root secret lies in a file"
    }
}

impl Backend for SoftwareBackend {
    fn name(&self) -> &'static str {
        "software"
    }

    fn assurance(&self) -> Assurance {
        Assurance::SoftwareIsolated
    }
}
