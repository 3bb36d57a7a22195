//! konfido-xml
