//! What is said over the vault's socket: typed operations, never the bytes of a key.
//!
//! A message is a four-byte big-endian length and that many bytes of postcard. Each request has exactly one answer, in
//! order. INVARIANT (no key leaves): no variant of [`Answer`] can carry a private key, a session secret of another session,
//! or a signature over bytes that the caller chose freely: the vault builds or parses what it signs.

use std::fmt;
use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// The largest message either side takes, in bytes.
pub const MAX_MESSAGE: usize = 4 << 20;

/// The name of a key inside the vault.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyName(String);

impl KeyName {
    /// A name of lower-case letters, digits and hyphens, at most 64 bytes.
    pub fn new(name: &str) -> Option<Self> {
        let good = !name.is_empty()
            && name.len() <= 64
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        good.then(|| Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The opaque handle of a session: 256 random bits. Whoever shows it is the session's owner; it is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionHandle(pub(crate) [u8; 32]);

impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionHandle([secret])")
    }
}

impl Drop for SessionHandle {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Who signed in, and by what. The eID subsystem makes the other kinds; today there is one.
#[derive(Clone, Serialize, Deserialize)]
pub enum Login {
    /// Nobody checked anything: development only. A vault in the production profile refuses it.
    Development(Professional),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login::Development([personal])")
    }
}

/// The professional of a session, as the HCP identity assertion will name them. All of it is personal.
#[derive(Clone, Serialize, Deserialize)]
pub struct Professional {
    /// The user id and its NameID format.
    pub name_id: (String, String),
    /// Full name.
    pub name: String,
    /// ISCO role code of the eHDSI table.
    pub role: String,
    /// Kind of house, in the words of the profile.
    pub facility: String,
    /// Purpose of use: `TREATMENT` or `EMERGENCY`.
    pub purpose: String,
    /// Point of care.
    pub locality: String,
    /// Name and identifier of the organisation.
    pub organization: Option<(String, String)>,
    /// Home community of the treating country, as a URN.
    pub home_community: Option<String>,
    /// Permission codes such as `PRD-006`.
    pub permissions: Vec<String>,
}

impl fmt::Debug for Professional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Professional([personal])")
    }
}

/// One operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    /// How the vault is, and what it holds against.
    Status,
    /// The public half and the certificate of a key.
    PublicKey(KeyName),
    /// Opens a session for a professional who signed in.
    OpenSession(Login),
    /// Ends a session.
    CloseSession(SessionHandle),
    /// Ends every session of a user, at once.
    RevokeUser(String),
    /// Binds the patient that was identified to the session; TRC assertions are issued for no other. HL7 CX form.
    NamePatient(SessionHandle, String),
    /// Issues the HCP identity assertion of the session.
    IssueHcp(SessionHandle),
    /// Issues a TRC assertion for a patient of the session, on the session's own HCP assertion.
    IssueTrc {
        /// The session.
        session: SessionHandle,
        /// The patient, in HL7 CX form.
        patient: String,
        /// `TREATMENT` or `EMERGENCY`.
        purpose: String,
    },
    /// Signs an ATNA audit message; refused when the bytes are anything else.
    SignAudit(Vec<u8>),
    /// Seals bytes for a context of the caller.
    Seal(Vec<u8>, Vec<u8>),
    /// Opens what was sealed for that context.
    Open(Vec<u8>, Vec<u8>),
    /// A keyed pseudonym of a value in a context, the same each time.
    Pseudonym(Vec<u8>, Vec<u8>),
    /// Signs a hash that a key of kind `sign` may sign, under the domain that the key is bound to.
    Sign(KeyName, Vec<u8>),
}

/// What the vault answers.
#[derive(Clone, Serialize, Deserialize)]
pub enum Answer {
    /// Done; there is nothing to say.
    Done,
    /// Refused, with a stable code and a sentence.
    Refused(Refusal),
    /// The state of the vault.
    Status(Status),
    /// Algorithm (by its index in [`crate::keystore::ALGORITHMS`]), public key and certificate, DER.
    PublicKey(u8, Vec<u8>, Option<Vec<u8>>),
    /// A session was opened.
    Session(SessionHandle),
    /// A signed assertion: its id, its end (seconds), its XML.
    Assertion(String, i64, String),
    /// Bytes: a signature, sealed or opened bytes, a pseudonym, a signed message.
    Bytes(Vec<u8>),
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "Done",
            Self::Refused(refusal) => return write!(f, "Refused({refusal})"),
            Self::Status(_) => "Status(..)",
            Self::PublicKey(..) => "PublicKey(..)",
            Self::Session(_) => "Session([secret])",
            Self::Assertion(..) => "Assertion([personal])",
            Self::Bytes(_) => "Bytes(..)",
        })
    }
}

/// Why the vault did not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// No such live session: never opened, closed, revoked, idle too long or too old. One answer for all of them.
    #[error("no live session")]
    NoSession,
    /// The session does not name this patient.
    #[error("the session names another patient, or none")]
    OtherPatient,
    /// The operation is not one that this key is for.
    #[error("the key is not for this")]
    WrongKey,
    /// The login proves nothing that this profile accepts.
    #[error("this login is refused by the profile of this vault")]
    Login,
    /// The bytes are not what the operation signs.
    #[error("these bytes are not what this operation signs")]
    NotThat,
    /// Sealed bytes that do not open.
    #[error("does not open")]
    Sealed,
    /// A field outside of its vocabulary.
    #[error("a field is outside of its vocabulary")]
    Field,
    /// Too many requests for now.
    #[error("too many requests")]
    TooMany,
    /// The vault failed inside; its log says how, under the time of this answer.
    #[error("the vault failed")]
    Failed,
}

/// How a vault is, and what it holds against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The backend that seals the root secret.
    pub backend: String,
    /// The assurance level, 0 to 5.
    pub level: u8,
    /// What the level is called.
    pub level_name: String,
    /// Measures of the operating system in force.
    pub measures: Vec<String>,
    /// Measures that are not, each with its reason.
    pub missing: Vec<String>,
    /// Whether rollback of the sealed store would be seen, and by what.
    pub rollback: String,
    /// Live sessions.
    pub sessions: u64,
    /// Operations served and refused since start.
    pub served: u64,
    /// Operations refused since start.
    pub refused: u64,
    /// Version of the sealed store.
    pub store_epoch: u64,
    /// The names of the keys.
    pub keys: Vec<KeyName>,
    /// Whether development logins are taken.
    pub development: bool,
}

/// Writes one message.
///
/// # Errors
/// When it does not encode, is too large, or the socket fails.
pub fn write<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    let mut frame = postcard::to_extend(message, vec![0; 4]).map_err(io::Error::other)?;
    let length = frame.len().saturating_sub(4);
    if length > MAX_MESSAGE {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "message too large"));
    }
    let prefix = u32::try_from(length).map_err(io::Error::other)?.to_be_bytes();
    if let Some(head) = frame.first_chunk_mut::<4>() {
        *head = prefix;
    }
    let sent = to.write_all(&frame);
    frame.zeroize();
    sent
}

/// Reads one message; `None` at the end of the stream.
///
/// # Errors
/// When it is cut short, too large, or not a message.
pub fn read<T: for<'de> Deserialize<'de>>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut prefix = [0; 4];
    match from.read_exact(&mut prefix) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = usize::try_from(u32::from_be_bytes(prefix)).map_err(io::Error::other)?;
    if length > MAX_MESSAGE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "message too large"));
    }
    let mut frame = vec![0; length];
    from.read_exact(&mut frame)?;
    let parsed =
        postcard::take_from_bytes(&frame).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
    let parsed = parsed.and_then(|(message, rest)| {
        if rest.is_empty() {
            Ok(message)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "trailing bytes"))
        }
    });
    frame.zeroize();
    parsed.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_and_a_cut_one_is_an_error() {
        let mut wire = Vec::new();
        write(&mut wire, &Request::Seal(b"audit".to_vec(), vec![9; 300])).unwrap();
        let back: Request = read(&mut wire.as_slice()).unwrap().unwrap();
        assert!(matches!(back, Request::Seal(context, bytes) if context == b"audit" && bytes.len() == 300));
        for length in 1..wire.len() {
            let cut: io::Result<Option<Request>> = read(&mut &wire[..length]);
            assert!(matches!(cut, Ok(None) | Err(_)), "{length}");
        }
        wire[0] = 0xFF;
        assert!(read::<Request>(&mut wire.as_slice()).is_err(), "larger than any message");
    }

    #[test]
    fn a_key_name_is_a_name() {
        assert!(KeyName::new("assertion-signing").is_some());
        for bad in ["", "A", "a b", "../x", &"a".repeat(65)] {
            assert!(KeyName::new(bad).is_none(), "{bad}");
        }
    }
}
