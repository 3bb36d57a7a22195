//! How large a document may be. Every parse takes its limits; there is no way around them.

/// Upper bounds of one XML document. All are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the whole document.
    pub max_bytes: usize,
    /// Nesting of elements; the document element has depth 1.
    pub max_depth: u32,
    /// Attributes of one element, namespace declarations included.
    pub max_attributes: usize,
    /// Bytes of one piece of character data or of one attribute value.
    pub max_text: usize,
    /// Elements, pieces of text, comments and processing instructions together.
    pub max_nodes: usize,
}

impl Limits {
    /// A SOAP message without its attachments (documents inline in base64 included).
    pub const MESSAGE: Self = Self {
        max_bytes: 24 << 20,
        max_depth: 100,
        max_attributes: 64,
        max_text: 20 << 20,
        max_nodes: 400_000,
    };
    /// A clinical document (CDA), whose embedded PDF is one long piece of text.
    pub const DOCUMENT: Self = Self {
        max_bytes: 16 << 20,
        max_depth: 120,
        max_attributes: 64,
        max_text: 15 << 20,
        max_nodes: 1_000_000,
    };
    /// A SAML assertion, request or response by itself (the EU's eIDAS node allows 131 072 bytes).
    pub const ASSERTION: Self =
        Self { max_bytes: 131_072, max_depth: 40, max_attributes: 32, max_text: 65_536, max_nodes: 8_000 };
    /// An audit message, an evidence, a circle file.
    pub const RECORD: Self =
        Self { max_bytes: 4 << 20, max_depth: 60, max_attributes: 64, max_text: 2 << 20, max_nodes: 100_000 };

    /// The same limits with another size of the whole.
    #[must_use]
    pub const fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// The same limits with another depth.
    #[must_use]
    pub const fn with_max_depth(mut self, max_depth: u32) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// The same limits with another number of attributes.
    #[must_use]
    pub const fn with_max_attributes(mut self, max_attributes: usize) -> Self {
        self.max_attributes = max_attributes;
        self
    }

    /// The same limits with another length of text.
    #[must_use]
    pub const fn with_max_text(mut self, max_text: usize) -> Self {
        self.max_text = max_text;
        self
    }

    /// The same limits with another number of nodes.
    #[must_use]
    pub const fn with_max_nodes(mut self, max_nodes: usize) -> Self {
        self.max_nodes = max_nodes;
        self
    }
}
