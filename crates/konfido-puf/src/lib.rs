//! konfido-puf
