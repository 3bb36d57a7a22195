//! Identifiers of signature and digest algorithms, and digests computed as canonical bytes come.

use aws_lc_rs::digest;
use bergshamra::c14n::C14nSink;
use konfido_keys::SignatureAlgorithm;

pub(super) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// The identifier of a signature algorithm (RFC 9231).
pub(super) fn signature_uri(algorithm: SignatureAlgorithm) -> Option<&'static str> {
    Some(match algorithm {
        SignatureAlgorithm::RsaPkcs1Sha256 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        SignatureAlgorithm::RsaPkcs1Sha512 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        SignatureAlgorithm::RsaPssSha256 => "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        SignatureAlgorithm::EcdsaP256Sha256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        SignatureAlgorithm::EcdsaP384Sha384 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        SignatureAlgorithm::Ed25519 => "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
        _ => return None,
    })
}

pub(super) fn signature_from_uri(uri: &str) -> Option<SignatureAlgorithm> {
    SignatureAlgorithm::ALL.into_iter().find(|a| signature_uri(*a) == Some(uri))
}

/// The digests that are accepted, and SHA-1, which only [`super::diagnose`] computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DigestMethod {
    Sha256,
    Sha384,
    Sha512,
    Sha1,
}

impl DigestMethod {
    const ALL: [Self; 4] = [Self::Sha256, Self::Sha384, Self::Sha512, Self::Sha1];

    pub(super) const fn uri(self) -> &'static str {
        match self {
            Self::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Self::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Self::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
            Self::Sha1 => "http://www.w3.org/2000/09/xmldsig#sha1",
        }
    }

    pub(super) fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.uri() == uri)
    }

    /// The digest that goes with a signature algorithm when we sign.
    pub(super) const fn of(algorithm: SignatureAlgorithm) -> Self {
        match algorithm {
            SignatureAlgorithm::RsaPkcs1Sha512 => Self::Sha512,
            SignatureAlgorithm::EcdsaP384Sha384 => Self::Sha384,
            _ => Self::Sha256,
        }
    }

    fn backend(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        }
    }
}

/// Hashes canonical bytes as they are produced; gathers the many small writes.
pub(super) struct DigestSink {
    context: digest::Context,
    buffer: Vec<u8>,
}

const BUFFER: usize = 8192;

impl DigestSink {
    pub(super) fn new(method: DigestMethod) -> Self {
        Self { context: digest::Context::new(method.backend()), buffer: Vec::with_capacity(BUFFER) }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.context.update(&self.buffer);
        self.context.finish().as_ref().to_vec()
    }

    fn flush(&mut self) {
        self.context.update(&self.buffer);
        self.buffer.clear();
    }
}

impl C14nSink for DigestSink {
    fn write(&mut self, bytes: &[u8]) {
        if self.buffer.len().saturating_add(bytes.len()) > BUFFER {
            self.flush();
        }
        if bytes.len() >= BUFFER {
            self.context.update(bytes);
        } else {
            self.buffer.extend_from_slice(bytes);
        }
    }

    fn write_byte(&mut self, byte: u8) {
        if self.buffer.len() >= BUFFER {
            self.flush();
        }
        self.buffer.push(byte);
    }
}
