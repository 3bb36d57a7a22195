//! konfido-audit
