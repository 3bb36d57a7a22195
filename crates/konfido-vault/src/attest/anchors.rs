//! The vendors' roots, compiled in and named by their SHA-256.

use aws_lc_rs::digest::{SHA256, digest};

/// Intel's SGX root CA (DER), above every SGX and TDX quote.
pub const INTEL_SGX_ROOT: &[u8] = include_bytes!("roots/intel-sgx-root.der");

/// One AMD processor family: its root (ARK) and intermediate (ASK), as PEM.
#[derive(Debug, Clone, Copy)]
pub struct AmdFamily {
    /// The name inside the certificates: the issuer of a VCEK is `SEV-<name>`.
    pub name: &'static str,
    /// The AMD root key.
    pub ark: &'static [u8],
    /// The AMD SEV signing key that issues VCEKs.
    pub ask: &'static [u8],
}

/// The families whose reports we verify.
pub const AMD_FAMILIES: [AmdFamily; 3] = [
    AmdFamily {
        name: "Milan",
        ark: include_bytes!("roots/amd-milan-ark.pem"),
        ask: include_bytes!("roots/amd-milan-ask.pem"),
    },
    AmdFamily {
        name: "Genoa",
        ark: include_bytes!("roots/amd-genoa-ark.pem"),
        ask: include_bytes!("roots/amd-genoa-ask.pem"),
    },
    AmdFamily {
        name: "Turin",
        ark: include_bytes!("roots/amd-turin-ark.pem"),
        ask: include_bytes!("roots/amd-turin-ask.pem"),
    },
];

/// Lower-case hexadecimal SHA-256, by which anchors and evidence are named.
pub fn fingerprint(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Replacing an anchor is a security decision: it changes this list too.
    #[test]
    fn the_anchors_are_the_published_ones() {
        assert_eq!(
            fingerprint(INTEL_SGX_ROOT),
            "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3"
        );
        let expected = [
            ("Milan", "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd"),
            ("Genoa", "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1"),
            ("Turin", "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a"),
        ];
        for (family, (name, hash)) in AMD_FAMILIES.iter().zip(expected) {
            let (_, pem) = x509_parser::pem::parse_x509_pem(family.ark).unwrap();
            assert_eq!((family.name, fingerprint(&pem.contents).as_str()), (name, hash));
        }
    }
}
