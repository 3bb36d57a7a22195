//! Requests as Denmark's NCP-B would send them, with every screw within reach.

use jiff::SignedDuration;
use konfido_ihe::xca::{DocumentQuery, DocumentRequest, RetrieveRequest};
use konfido_ihe::xcpd::{Device, PatientCriteria, XcpdRequest};
use konfido_ihe::{ClassCode, DocumentClass, InstanceId, Transaction};
use konfido_keys::Rng;
use konfido_keys::software::{SoftwareSigner, SystemRng};
use konfido_saml::Issued;
use konfido_xml::dsig::{SignOptions, sign_enveloped};
use konfido_xml::mtom::Package;
use konfido_xml::soap::Message;
use konfido_xml::wsa::Addressing;
use konfido_xml::{Document, El, Fragment, Limits, ns, wss};

use crate::socket::Shot;
use crate::world::{Who, World, home, now, patient};

/// A request that an honest peer could send, until somebody changes it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) transaction: Transaction,
    pub(crate) body: El,
    pub(crate) assertions: Vec<String>,
    pub(crate) message_id: String,
    /// `wsa:Action`.
    pub(crate) header_action: Option<String>,
    /// The `action` parameter of the content type.
    pub(crate) parameter_action: Option<String>,
    pub(crate) path: &'static str,
    pub(crate) who: Who,
}

impl Ask {
    fn new(transaction: Transaction, body: El, assertions: Vec<String>) -> Self {
        let action = transaction.request_action().to_owned();
        let path = match transaction {
            Transaction::PatientDiscovery => "/services/XCPD_Service",
            _ => "/services/XCA_Service",
        };
        Self {
            transaction,
            body,
            assertions,
            message_id: format!("urn:uuid:{}", random()),
            header_action: Some(action.clone()),
            parameter_action: Some(action),
            path,
            who: Who::Denmark,
        }
    }

    /// ITI-55 with a sound assertion.
    pub(crate) fn identify(world: &World, extensions: &[&str]) -> Self {
        Self::identify_with(vec![world.hcp().xml.into_string()], extensions)
    }

    /// ITI-55 with these assertions.
    pub(crate) fn identify_with(assertions: Vec<String>, extensions: &[&str]) -> Self {
        Self::discovery(assertions, &Device::of(&home()), extensions)
    }

    /// ITI-55 to a receiver.
    pub(crate) fn discovery(assertions: Vec<String>, receiver: &Device, extensions: &[&str]) -> Self {
        let ids: Vec<_> = extensions.iter().map(|extension| patient(extension)).collect();
        let request = XcpdRequest {
            id: InstanceId::new(random(), Some("1".to_owned())),
            created: Some(now()),
            receiver: receiver.clone(),
            sender: Device { id: InstanceId::new("2.999.208", None), organisation: None },
            query_id: InstanceId::new(random(), Some("2".to_owned())),
            criteria: PatientCriteria::by_ids(&ids),
        };
        Self::new(Transaction::PatientDiscovery, request.to_element(), assertions)
    }

    /// ITI-38 for the summaries of a patient, with a sound pair of assertions.
    pub(crate) fn list(world: &World, extension: &str) -> Self {
        let hcp = world.hcp();
        let trc = world.trc(&hcp, extension);
        let assertions = vec![hcp.xml.into_string(), trc.xml.into_string()];
        Self::list_with(assertions, extension, vec![ClassCode::Known(DocumentClass::PatientSummary)])
    }

    /// ITI-38 with these assertions and classes.
    pub(crate) fn list_with(assertions: Vec<String>, extension: &str, classes: Vec<ClassCode>) -> Self {
        let query = DocumentQuery::new(patient(extension), classes);
        Self::new(Transaction::Query, query.to_element(), assertions)
    }

    /// ITI-39 for one document, with a treatment relationship to a patient.
    pub(crate) fn retrieve(world: &World, extension: &str, document: &str) -> Self {
        let wanted = DocumentRequest {
            home: Some(home().urn()),
            repository: home().oid().as_str().to_owned(),
            document: document.to_owned(),
        };
        Self::retrieve_all(world, extension, vec![wanted])
    }

    /// ITI-39 for these documents.
    pub(crate) fn retrieve_all(world: &World, extension: &str, documents: Vec<DocumentRequest>) -> Self {
        let hcp = world.hcp();
        let trc = world.trc(&hcp, extension);
        let assertions = vec![hcp.xml.into_string(), trc.xml.into_string()];
        Self::new(Transaction::Retrieve, RetrieveRequest { documents }.to_element(), assertions)
    }

    pub(crate) fn by(self, who: Who) -> Self {
        Self { who, ..self }
    }

    /// The envelope as text.
    pub(crate) fn envelope(&self) -> String {
        let addressing = Addressing {
            action: self.header_action.clone(),
            message_id: Some(self.message_id.clone()),
            to: Some(format!("https://localhost{}", self.path)),
            ..Addressing::default()
        };
        let assertions = self.assertions.iter().map(|xml| Fragment::parse(xml, &Limits::MESSAGE).unwrap());
        Message::new(self.body.clone())
            .headers(addressing.headers())
            .header(wss::security(assertions, None))
            .into_document_string()
    }

    /// The request with another envelope.
    pub(crate) fn with_envelope(&self, envelope: impl Into<Vec<u8>>) -> Shot {
        let mut package = Package::new(envelope.into());
        if let Some(action) = &self.parameter_action {
            package = package.with_action(action.clone());
        }
        let written = package.write(&random());
        Shot::of(self.who, post(self.path, &written.content_type, &written.to_bytes()))
    }

    /// The request with its envelope changed.
    pub(crate) fn changed(&self, change: impl FnOnce(String) -> String) -> Shot {
        let before = self.envelope();
        let after = change(before.clone());
        assert_ne!(before, after, "the change does not touch the envelope");
        self.with_envelope(after)
    }

    /// The request as it is.
    pub(crate) fn shot(&self) -> Shot {
        self.with_envelope(self.envelope())
    }
}

/// The head of a POST.
pub(crate) fn head(path: &str, content_type: &str, more: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nConnection: close\r\n{more}\r\n"
    )
    .into_bytes()
}

/// A whole POST.
pub(crate) fn post(path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = head(path, content_type, &format!("Content-Length: {}\r\n", body.len()));
    bytes.extend_from_slice(body);
    bytes
}

/// A fresh UUID.
pub(crate) fn random() -> String {
    let mut bytes = [0_u8; 16];
    SystemRng.fill(&mut bytes).unwrap();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Signs an assertion of the attacker's own making.
pub(crate) fn sign(xml: &str, signer: &SoftwareSigner) -> String {
    let document = Document::parse(xml.as_bytes(), &Limits::ASSERTION).unwrap();
    let id = document.root().attribute("ID").unwrap_or("none").to_owned();
    sign_enveloped(xml, &SignOptions::assertion(id).with_prefixes(["xsd"]), signer).unwrap()
}

/// An issued assertion without signature, changed, and signed again by `signer`.
pub(crate) fn forge(issued: &Issued, signer: &SoftwareSigner, changes: &[(&str, &str)]) -> String {
    let mut xml = cut(issued.xml.as_str()).0;
    for (from, to) in changes {
        assert!(xml.contains(from), "{from} is not in {xml}");
        xml = xml.replace(from, to);
    }
    sign(&xml, signer)
}

/// An assertion without its signature, and the signature.
pub(crate) fn cut(xml: &str) -> (String, String) {
    let start = xml.find("<ds:Signature").or_else(|| xml.find("<Signature")).expect("a signature");
    let close = if xml[start..].starts_with("<ds:") { "</ds:Signature>" } else { "</Signature>" };
    let end = start + xml[start..].find(close).unwrap() + close.len();
    (format!("{}{}", &xml[..start], &xml[end..]), xml[start..end].to_owned())
}

/// Hours, for readers.
pub(crate) fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

pub(crate) use ns::{SAML2, SOAP12, WSSE};
