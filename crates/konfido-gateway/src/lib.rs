//! konfido-gateway
