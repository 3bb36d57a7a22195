//! Fresh identifiers from the injected source of randomness.

use konfido_ihe::InstanceId;
use konfido_keys::{KeyError, Rng};
use uuid::{Builder, Uuid};

/// A version 4 UUID.
pub(crate) fn uuid(rng: &dyn Rng) -> Result<Uuid, KeyError> {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes)?;
    Ok(Builder::from_random_bytes(bytes).into_uuid())
}

/// `urn:uuid:…`, as WS-Addressing and ebRIM want it.
pub(crate) fn urn(rng: &dyn Rng) -> Result<String, KeyError> {
    Ok(format!("urn:uuid:{}", uuid(rng)?))
}

/// The id of an HL7 message: a bare UUID as root, ten digits as extension (openncp.md 4.1).
pub(crate) fn hl7(rng: &dyn Rng) -> Result<InstanceId, KeyError> {
    let mut bytes = [0; 8];
    rng.fill(&mut bytes)?;
    let digits = u64::from_be_bytes(bytes) % 10_000_000_000;
    Ok(InstanceId::new(uuid(rng)?.to_string(), Some(format!("{digits:010}"))))
}
