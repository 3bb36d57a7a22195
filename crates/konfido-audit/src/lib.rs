//! The audit trail: ATNA messages as the reference implementation writes them, kept durably and shipped by syslog
//! over TLS.
//!
//! * [`AuditEvent`]: what happened, typed; [`AuditEvent::sign`] makes the signed XML message of it;
//! * [`Spool`]: makes it durable before the step goes on;
//! * [`Shipper`]: sends it to the collector, at least once, in order;
//! * [`Listener`]: takes such messages, ours and OpenNCP's.
//!
//! An audit message holds personal data: it names the patient and carries the assertions. It leaves the process
//! sealed (spool) or over TLS (shipper), and no log line quotes it.

mod event;
mod listener;
mod message;
mod shipper;
mod spool;

pub mod syslog;

pub use event::{
    AuditEvent, Documents, Failure, MessageRef, NetworkAddress, Outcome, Professional, Side, Step, StepCodes,
    Subject, Systems,
};
pub use listener::{Delivery, Listener, ListenerOptions};
pub use message::MessageError;
pub use shipper::{Shipper, ShipperOptions};
pub use spool::{Record, Sequence, Spool, SpoolError, SpoolOptions};
