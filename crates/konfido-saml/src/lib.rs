//! konfido-saml
