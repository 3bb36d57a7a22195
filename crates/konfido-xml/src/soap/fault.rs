//! SOAP 1.2 faults (part 1, section 5.4).

use crate::{El, Element, Fragment, ns};

/// The five codes of SOAP 1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultCode {
    /// Another version of SOAP.
    VersionMismatch,
    /// A mandatory header block is unknown.
    MustUnderstand,
    /// An unknown data encoding.
    DataEncodingUnknown,
    /// The message is wrong; sending it again will not help.
    Sender,
    /// We failed; sending it again may help.
    Receiver,
}

impl FaultCode {
    /// The local name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VersionMismatch => "VersionMismatch",
            Self::MustUnderstand => "MustUnderstand",
            Self::DataEncodingUnknown => "DataEncodingUnknown",
            Self::Sender => "Sender",
            Self::Receiver => "Receiver",
        }
    }

    fn parse(element: &Element<'_>) -> Option<Self> {
        let text = element.own_text();
        let (namespace, local) = element.resolve_qname(&text)?;
        let all = [
            Self::VersionMismatch,
            Self::MustUnderstand,
            Self::DataEncodingUnknown,
            Self::Sender,
            Self::Receiver,
        ];
        all.into_iter().find(|c| namespace == ns::SOAP12 && c.as_str() == local)
    }
}

/// A fault, received or to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    code: FaultCode,
    subcodes: Vec<(String, String)>,
    reason: String,
    detail: Option<Fragment>,
}

impl Fault {
    /// A fault with `code` and a reason in English.
    #[must_use]
    pub fn new(code: FaultCode, reason: impl Into<String>) -> Self {
        Self { code, subcodes: Vec::new(), reason: reason.into(), detail: None }
    }

    /// The message is wrong.
    #[must_use]
    pub fn sender(reason: impl Into<String>) -> Self {
        Self::new(FaultCode::Sender, reason)
    }

    /// We failed.
    #[must_use]
    pub fn receiver(reason: impl Into<String>) -> Self {
        Self::new(FaultCode::Receiver, reason)
    }

    /// Adds a subcode below the last one.
    #[must_use]
    pub fn subcode(mut self, namespace: impl Into<String>, local: impl Into<String>) -> Self {
        self.subcodes.push((namespace.into(), local.into()));
        self
    }

    /// Sets the one element inside Detail.
    #[must_use]
    pub fn detail(mut self, detail: &El) -> Self {
        self.detail = Some(detail.to_fragment());
        self
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> FaultCode {
        self.code
    }

    /// The subcodes from the outermost on, as (namespace, local name).
    #[must_use]
    pub fn subcodes(&self) -> &[(String, String)] {
        &self.subcodes
    }

    /// The first reason text.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The first element inside Detail.
    #[must_use]
    pub fn detail_xml(&self) -> Option<&str> {
        self.detail.as_ref().map(Fragment::as_str)
    }

    /// The `wsa:Action` of a message that carries this fault: one for the faults that WS-Addressing defines,
    /// one for all others (WS-Addressing 1.0 SOAP binding, section 6).
    #[must_use]
    pub fn action(&self) -> &'static str {
        if self.subcodes.first().is_some_and(|(namespace, _)| namespace == ns::WSA) {
            "http://www.w3.org/2005/08/addressing/fault"
        } else {
            "http://www.w3.org/2005/08/addressing/soap/fault"
        }
    }

    /// Reads a Fault element. A code we do not know counts as Receiver, a missing reason as empty: a fault
    /// is bad news in any case.
    #[must_use]
    pub fn parse(element: &Element<'_>) -> Self {
        let code_element = element.child(ns::SOAP12, "Code");
        let code = code_element
            .and_then(|c| c.child(ns::SOAP12, "Value"))
            .and_then(|v| FaultCode::parse(&v))
            .unwrap_or(FaultCode::Receiver);
        let mut subcodes = Vec::new();
        let mut at = code_element.and_then(|c| c.child(ns::SOAP12, "Subcode"));
        while let Some(subcode) = at {
            if let Some(value) = subcode.child(ns::SOAP12, "Value") {
                let text = value.own_text();
                if let Some((namespace, local)) = value.resolve_qname(&text) {
                    subcodes.push((namespace.to_owned(), local.to_owned()));
                }
            }
            at = subcode.child(ns::SOAP12, "Subcode");
        }
        let reason = element
            .child(ns::SOAP12, "Reason")
            .and_then(|r| r.child(ns::SOAP12, "Text"))
            .map_or_else(String::new, |t| t.text());
        let detail =
            element.child(ns::SOAP12, "Detail").and_then(|d| d.children().next()).map(|d| d.to_fragment());
        Self { code, subcodes, reason, detail }
    }

    /// The Fault element.
    #[must_use]
    pub fn to_el(&self) -> El {
        let subcode = self.subcodes.iter().enumerate().rev().fold(None, |inner, (i, (namespace, local))| {
            let prefix = if namespace == ns::WSA { "wsa".to_owned() } else { format!("f{i}") };
            let value = El::new(ns::SOAP12, "Value")
                .declare(prefix.clone(), namespace.clone())
                .text(format!("{prefix}:{local}"));
            Some(El::new(ns::SOAP12, "Subcode").child(value).opt_child(inner))
        });
        let code = El::new(ns::SOAP12, "Code")
            .child(El::new(ns::SOAP12, "Value").text(format!("soapenv:{}", self.code.as_str())))
            .opt_child(subcode);
        let text =
            El::new(ns::SOAP12, "Text").attr_ns(ns::XML, "xml", "lang", "en").text(self.reason.clone());
        let detail = self.detail.clone().map(|d| El::new(ns::SOAP12, "Detail").raw(d));
        El::new(ns::SOAP12, "Fault")
            .prefix("soapenv")
            .declare("soapenv", ns::SOAP12)
            .child(code)
            .child(El::new(ns::SOAP12, "Reason").child(text))
            .opt_child(detail)
    }
}
