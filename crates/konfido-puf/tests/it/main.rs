//! The crate from outside.
mod physics;
mod regenerate;
