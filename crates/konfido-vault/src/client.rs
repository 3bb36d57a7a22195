//! The other side of the socket: what the gateway holds instead of keys.

use std::fmt;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use konfido_keys::{KeyError, Sealer, SignatureAlgorithm, Signer};
use rustls_pki_types::CertificateDer;
use secrecy::SecretSlice;

use crate::keystore::ALGORITHMS;
use crate::protocol::{self, Answer, KeyName, Login, Refusal, Request, SessionHandle, Status};

/// Why a vault did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// It cannot be reached, or hung up.
    #[error("the vault at `{path}` does not answer: {source}\nis `konfido vault run` up, and may this user use its socket?", path = path.display())]
    Unreachable {
        /// Its socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It refused.
    #[error("the vault refuses: {0}")]
    Refused(#[from] Refusal),
    /// It answered something else than was asked.
    #[error("the vault answered out of turn")]
    OutOfTurn,
}

impl From<VaultError> for KeyError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Refused(refusal) => Self::Refused(refusal.to_string()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// A signed assertion as the vault gave it.
#[derive(Clone)]
pub struct IssuedAssertion {
    /// Its identifier.
    pub id: String,
    /// When it ends, seconds since 1970.
    pub not_on_or_after: i64,
    /// The signed element, to be inserted unchanged.
    pub xml: String,
}

impl fmt::Debug for IssuedAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedAssertion").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A connection to the vault, shared by threads; idle connections are kept and used again.
#[derive(Debug)]
pub struct VaultClient {
    path: PathBuf,
    idle: Mutex<Vec<UnixStream>>,
}

impl VaultClient {
    /// A client of the vault behind a socket. Nothing is connected yet.
    pub fn new(path: &Path) -> Arc<Self> {
        Arc::new(Self { path: path.to_owned(), idle: Mutex::new(Vec::new()) })
    }

    fn ask(&self, request: &Request) -> Result<Answer, VaultError> {
        let unreachable = |source| VaultError::Unreachable { path: self.path.clone(), source };
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut stream = match kept {
            Some(stream) => stream,
            None => UnixStream::connect(&self.path).map_err(unreachable)?,
        };
        protocol::write(&mut stream, request).map_err(unreachable)?;
        let answer = protocol::read(&mut stream)
            .and_then(|answer| answer.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof)))
            .map_err(unreachable)?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
        match answer {
            Answer::Refused(refusal) => Err(refusal.into()),
            answer => Ok(answer),
        }
    }

    fn bytes(&self, request: &Request) -> Result<Vec<u8>, VaultError> {
        match self.ask(request)? {
            Answer::Bytes(bytes) => Ok(bytes),
            _ => Err(VaultError::OutOfTurn),
        }
    }

    fn assertion(&self, request: &Request) -> Result<IssuedAssertion, VaultError> {
        match self.ask(request)? {
            Answer::Assertion(id, not_on_or_after, xml) => Ok(IssuedAssertion { id, not_on_or_after, xml }),
            _ => Err(VaultError::OutOfTurn),
        }
    }

    /// How the vault is.
    ///
    /// # Errors
    /// [`VaultError`], as all calls here.
    pub fn status(&self) -> Result<Status, VaultError> {
        match self.ask(&Request::Status)? {
            Answer::Status(status) => Ok(status),
            _ => Err(VaultError::OutOfTurn),
        }
    }

    /// Opens a session for a professional who signed in.
    ///
    /// # Errors
    /// [`Refusal::Login`] when the profile does not take this login.
    pub fn open_session(&self, login: Login) -> Result<SessionHandle, VaultError> {
        match self.ask(&Request::OpenSession(login))? {
            Answer::Session(session) => Ok(session),
            _ => Err(VaultError::OutOfTurn),
        }
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn close_session(&self, session: &SessionHandle) -> Result<(), VaultError> {
        self.ask(&Request::CloseSession(session.clone())).map(drop)
    }

    /// Ends every session of a user.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn revoke_user(&self, user: &str) -> Result<(), VaultError> {
        self.ask(&Request::RevokeUser(user.to_owned())).map(drop)
    }

    /// Binds a patient to a session. HL7 CX form.
    ///
    /// # Errors
    /// [`Refusal::NoSession`].
    pub fn name_patient(&self, session: &SessionHandle, patient_cx: &str) -> Result<(), VaultError> {
        self.ask(&Request::NamePatient(session.clone(), patient_cx.to_owned())).map(drop)
    }

    /// Issues the session's HCP identity assertion.
    ///
    /// # Errors
    /// [`Refusal::NoSession`].
    pub fn issue_hcp(&self, session: &SessionHandle) -> Result<IssuedAssertion, VaultError> {
        self.assertion(&Request::IssueHcp(session.clone()))
    }

    /// Issues a TRC assertion for a patient whom the session names.
    ///
    /// # Errors
    /// [`Refusal::NoSession`], [`Refusal::OtherPatient`].
    pub fn issue_trc(
        &self,
        session: &SessionHandle,
        patient_cx: &str,
        purpose: &str,
    ) -> Result<IssuedAssertion, VaultError> {
        self.assertion(&Request::IssueTrc {
            session: session.clone(),
            patient: patient_cx.to_owned(),
            purpose: purpose.to_owned(),
        })
    }

    /// Signs an audit message.
    ///
    /// # Errors
    /// [`Refusal::NotThat`] when it is none.
    pub fn sign_audit(&self, message: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.bytes(&Request::SignAudit(message.to_vec()))
    }

    /// A keyed pseudonym: the same value in the same context gives the same 32 bytes.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn pseudonym(&self, context: &[u8], value: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.bytes(&Request::Pseudonym(context.to_vec(), value.to_vec()))
    }

    /// A signer over a statement key of the vault.
    ///
    /// # Errors
    /// [`Refusal::WrongKey`] when there is no such key.
    pub fn signer(self: &Arc<Self>, name: &KeyName) -> Result<VaultSigner, VaultError> {
        let Answer::PublicKey(number, public, certificate) = self.ask(&Request::PublicKey(name.clone()))?
        else {
            return Err(VaultError::OutOfTurn);
        };
        let algorithm = ALGORITHMS.get(usize::from(number)).copied().ok_or(VaultError::OutOfTurn)?;
        let certificate = certificate.map(CertificateDer::from);
        Ok(VaultSigner { client: Arc::clone(self), name: name.clone(), algorithm, public, certificate })
    }

    /// A sealer over the vault's root.
    pub fn sealer(self: &Arc<Self>) -> VaultSealer {
        VaultSealer { client: Arc::clone(self) }
    }
}

/// Signs statements with a key of the vault.
#[derive(Debug)]
pub struct VaultSigner {
    client: Arc<VaultClient>,
    name: KeyName,
    algorithm: SignatureAlgorithm,
    public: Vec<u8>,
    certificate: Option<CertificateDer<'static>>,
}

impl Signer for VaultSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn public_key_der(&self) -> &[u8] {
        &self.public
    }

    fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.certificate.as_ref()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        Ok(self.client.bytes(&Request::Sign(self.name.clone(), message.to_vec()))?)
    }
}

/// Seals with keys of the vault.
#[derive(Debug)]
pub struct VaultSealer {
    client: Arc<VaultClient>,
}

impl Sealer for VaultSealer {
    fn seal(&self, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        Ok(self.client.bytes(&Request::Seal(context.to_vec(), plaintext.to_vec()))?)
    }

    fn open(&self, context: &[u8], sealed: &[u8]) -> Result<SecretSlice<u8>, KeyError> {
        Ok(self.client.bytes(&Request::Open(context.to_vec(), sealed.to_vec())).map(SecretSlice::from)?)
    }
}
