//! XML signatures (XML Signature 1.1), enveloped in the element they cover.
//!
//! **On receiving** ([`verify_enveloped`]) the caller says which element must be covered, and gets back exactly that
//! element or a refusal, never a boolean:
//! 1. the element has exactly one Signature as its direct child; what stands elsewhere is not looked at;
//! 2. the Signature holds SignedInfo, SignatureValue and at most one KeyInfo; no Object, no Manifest, and nowhere
//!    in it an element of another namespace, which nobody signed;
//! 3. SignatureMethod, CanonicalizationMethod, DigestMethod and the transforms are on lists of what is
//!    accepted, before anything is computed: the transforms are `enveloped-signature` and at most one
//!    canonicalisation, no XPath, no XSLT, no base64;
//! 4. there is exactly one Reference. Its URI is `#` and the value of the element's id attribute, and no other
//!    element of the document has an id of that value; or it is empty, where the policy allows that, and the
//!    element is the document element;
//! 5. the key is one that the caller's [`KeyResolver`] trusts. KeyInfo only helps to find it;
//! 6. RSA moduli have the least length of the policy;
//! 7. the digest is that of the canonical element without this Signature; the value is that key's over the
//!    canonical SignedInfo.
//!
//! Both canonical forms are computed on the tree that the caller goes on reading. The reference processing is
//! our own, small because of rule 3; canonicalisation is `bergshamra`'s, and the tests hold our verdicts
//! against its verifier and against libxmlsec1.
//!
//! **On sending** ([`sign_enveloped`]) the Signature is inserted into the text without touching the rest.

mod algorithm;
mod diagnose;
mod error;
mod key_info;
mod sign;
mod structure;
mod verify;

pub use diagnose::{Check, Diagnosis, diagnose};
pub use error::{SignError, SignatureError};
pub use key_info::{KeyInfo, KeyResolver, PinnedKeys, TrustedKey};
pub use sign::{KeyInfoForm, Position, SignOptions, Target, sign_document, sign_enveloped};
pub use verify::{Verified, VerifyPolicy, verify_enveloped};
