//! What two countries sign about one exchange, and how the one statement grows out of the other.
//!
//! - On asking: B signs `Requested`: who asks whom, which service, and commitments to the request and to the fields.
//! - On answering: A signs `Provided` or `Refused` around B's whole signed statement.
//! - On receiving: B signs `Received` around A's whole signed statement.
//!
//! The last of them is one COSE_Sign1 inside another inside another: it is the record, and its hash is the leaf.

pub mod commitment;
pub mod exchange;
pub mod fields;
pub mod statement;
