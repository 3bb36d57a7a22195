//! konfido-circle
