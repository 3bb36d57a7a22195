//! konfido-vault
