//! Denmark treats, Portugal is another member. Keys are made once a run.

use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};
use konfido_circle::pki::{CountryPki, LeafRequest, PkiRequest};
use konfido_circle::{CountryCode, FixedClock, Oid, PatientId, Personal, TrustStore, Usage};
use konfido_keys::SignatureAlgorithm;
use konfido_keys::software::{SoftwareSigner, SystemRng};
use konfido_saml::vocabulary::{FacilityType, Operation, Permission, PurposeOfUse, Role};
use konfido_saml::{
    Admission, Hcp, HcpReference, Issued, Issuer, NameId, Nok, Presented, Profile, Refusal, Trc,
    TrustedSigners, names,
};
use konfido_xml::{Document, El, Fragment, Limits, ns};

pub(crate) const RNG: SystemRng = SystemRng;

pub(crate) struct World {
    pub(crate) clock: FixedClock,
    pub(crate) dk: SoftwareSigner,
    pub(crate) pt: SoftwareSigner,
    pub(crate) dk_expired: SoftwareSigner,
    pub(crate) stranger: SoftwareSigner,
    pub(crate) trust: TrustStore,
}

struct Keys {
    dk: CountryPki,
    pt: CountryPki,
    stranger: CountryPki,
    dk_expired: konfido_circle::pki::Issued,
}

pub(crate) fn start() -> Timestamp {
    "2026-11-23T18:00:00.250Z".parse().unwrap()
}

pub(crate) fn cc(code: &str) -> CountryCode {
    CountryCode::new(code).unwrap()
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let made = start().checked_sub(SignedDuration::from_hours(1)).unwrap();
        let country = |code| CountryPki::generate(&PkiRequest::local(cc(code), made), &RNG).unwrap();
        let dk = country("DK");
        let late = LeafRequest::new(cc("DK"), Usage::Signing, made).rsa().expired(made);
        let dk_expired = dk.issue(&late, &RNG).unwrap();
        Keys { dk_expired, dk, pt: country("PT"), stranger: country("DK") }
    })
}

impl World {
    pub(crate) fn new() -> Self {
        let keys = keys();
        let rsa = SignatureAlgorithm::RsaPkcs1Sha256;
        let trust = keys.pt.trusted_by(keys.dk.trusted_by(TrustStore::builder())).build().unwrap();
        Self {
            clock: FixedClock::new(start()),
            dk: keys.dk.signing_rsa().signer(rsa).unwrap(),
            pt: keys.pt.signing_rsa().signer(rsa).unwrap(),
            stranger: keys.stranger.signing_rsa().signer(rsa).unwrap(),
            dk_expired: keys.dk_expired.signer(rsa).unwrap(),
            trust,
        }
    }

    pub(crate) fn issuer(&self) -> Issuer<'_> {
        Issuer { country: cc("DK"), signer: &self.dk, clock: &self.clock, rng: &RNG }
    }

    pub(crate) fn hcp(&self) -> Issued {
        self.issuer().hcp(&name_id(), names::SMARTCARD_PKI, &professional()).unwrap()
    }

    pub(crate) fn trc(&self, hcp: &Issued) -> Issued {
        self.issuer().trc(&reference(hcp), &treatment()).unwrap()
    }

    /// Presents assertions for `operation` over a TLS connection of Denmark.
    pub(crate) fn present(&self, operation: Operation, assertions: &[&str]) -> Result<Admission, Refusal> {
        self.present_by("DK", operation, assertions, &Profile::default())
    }

    pub(crate) fn present_by(
        &self,
        presenter: &str,
        operation: Operation,
        assertions: &[&str],
        profile: &Profile,
    ) -> Result<Admission, Refusal> {
        let message = message(assertions);
        let document = Document::parse(message.as_bytes(), &Limits::MESSAGE).unwrap();
        let security = document.root().descendants().find(|e| e.is(ns::WSSE, "Security"));
        let signers = TrustedSigners::new(&self.trust, &self.clock);
        Presented::find(&document, security, profile)?.admit(
            operation,
            cc(presenter),
            &signers,
            &self.clock,
            profile,
        )
    }

    /// Signs an assertion of our own making.
    pub(crate) fn sign(&self, xml: &str, signer: &SoftwareSigner) -> String {
        let document = Document::parse(xml.as_bytes(), &Limits::ASSERTION).unwrap();
        let id = document.root().attribute("ID").unwrap_or("none").to_owned();
        let options = konfido_xml::dsig::SignOptions::assertion(id).with_prefixes(["xsd"]);
        konfido_xml::dsig::sign_enveloped(xml, &options, signer).unwrap()
    }

    /// The HCP assertion without signature, changed, and signed again.
    pub(crate) fn forge(&self, assertion: &Issued, change: impl FnOnce(String) -> String) -> String {
        self.sign(&change(unsigned(assertion.xml.as_str())), &self.dk)
    }
}

/// Cuts the signature out.
pub(crate) fn unsigned(xml: &str) -> String {
    let (head, rest) = xml.split_at(xml.find("<ds:Signature").or_else(|| xml.find("<Signature")).unwrap());
    let end = rest.find("Signature>").unwrap();
    let tail = &rest[end..];
    let tail = match tail.find("</ds:Signature>").or_else(|| tail.find("</Signature>")) {
        Some(at) => &tail[at..],
        None => tail,
    };
    let tail = &tail[tail.find('>').unwrap() + 1..];
    format!("{head}{tail}")
}

pub(crate) fn message(assertions: &[&str]) -> String {
    let security = assertions.iter().fold(El::new(ns::WSSE, "Security").prefix("wsse"), |security, xml| {
        security.raw(Fragment::parse(xml, &Limits::ASSERTION).unwrap())
    });
    El::new(ns::SOAP12, "Envelope")
        .prefix("soapenv")
        .child(El::new(ns::SOAP12, "Header").child(security))
        .child(El::new(ns::SOAP12, "Body"))
        .to_document_string()
}

pub(crate) fn reference(hcp: &Issued) -> HcpReference {
    HcpReference { id: hcp.id.clone(), name_id: name_id() }
}

pub(crate) fn name_id() -> NameId {
    NameId {
        value: Personal::new("house@hospital.example".to_owned()),
        format: names::NAMEID_EMAIL.to_owned(),
        sp_provided_id: None,
    }
}

pub(crate) fn permissions(codes: &[&str]) -> Vec<Permission> {
    codes.iter().map(|c| Permission::new(c)).collect()
}

pub(crate) fn professional() -> Hcp {
    Hcp {
        name: Personal::new("Grete Hansen & Søn".to_owned()),
        role: Role::MedicalDoctor,
        facility: FacilityType::Hospital,
        purpose: PurposeOfUse::Treatment,
        locality: "København".to_owned(),
        organization: Some("Rigshospitalet".to_owned()),
        organization_id: Some("urn:hl7ii:1.2.3.4:ABCD".to_owned()),
        home_community: Some("urn:oid:1.2.3".to_owned()),
        on_behalf_of: None,
        permissions: permissions(&[
            "PRD-003", "PRD-004", "PRD-005", "PRD-006", "PRD-010", "PRD-016", "PPD-046",
        ]),
    }
}

pub(crate) fn patient(extension: &str) -> PatientId {
    PatientId::new(Oid::new("2.16.17.710").unwrap(), extension).unwrap()
}

pub(crate) fn treatment() -> Trc {
    Trc {
        patient: patient("RSSMRA85T10A562S"),
        purpose: PurposeOfUse::Treatment,
        dispensation_pin: None,
        prescription_id: None,
    }
}

pub(crate) fn relative() -> Nok {
    let p = |s: &str| Some(Personal::new(s.to_owned()));
    Nok {
        id: p("9-9999-NOK"),
        first_name: p("Clara"),
        family_name: p("Schuman"),
        gender: p("F"),
        birth_date: p("1960-06-29"),
        street: p("Breydelstraat, 4"),
        city: p("Brussel"),
        postal_code: p("1040"),
        country: p("BE"),
    }
}

/// Denmark's signing certificate and key as PEM, for other people's software.
pub(crate) fn signing_pem() -> (String, String) {
    use base64::Engine as _;
    use secrecy::ExposeSecret as _;
    let issued = keys().dk.signing_rsa();
    let key = base64::engine::general_purpose::STANDARD.encode(issued.key_pkcs8().expose_secret());
    let lines: Vec<&str> = key.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).unwrap()).collect();
    let key = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    (issued.certificate_pem(), key)
}
