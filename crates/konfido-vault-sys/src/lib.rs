//! konfido-vault-sys
