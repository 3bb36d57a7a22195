//! Documents of others and our own: read, written, checked, rendered.

mod conformance;
mod documents;
mod fixtures;
mod judge;
mod pages;
mod rules;
mod samples;
