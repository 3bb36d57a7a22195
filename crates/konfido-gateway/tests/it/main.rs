//! What the gateway does as a whole, without sockets: recorded requests of an OpenNCP and of hostile clients against our
//! NCP-A.

mod bench;
mod recorded;
mod repeats;
