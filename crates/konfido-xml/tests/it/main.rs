//! Integration tests of konfido-xml: one binary, one module a subject.

mod documents;
mod fixtures;
mod messages;
