//! Documents of others and our own: read, written, rendered.

mod documents;
mod fixtures;
mod pages;
