//! konfido-keys
