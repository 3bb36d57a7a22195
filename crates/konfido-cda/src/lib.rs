//! konfido-cda
