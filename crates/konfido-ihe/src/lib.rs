//! konfido-ihe
