//! Signing and verifying what we signed; hostile documents made from it.

use std::sync::{Arc, OnceLock};

use bergshamra::keys::{Key, KeysManager};
use konfido_keys::software::{KeyKind, SoftwareSigner, generate_pkcs8};
use konfido_keys::{SignatureAlgorithm, Signer};
use konfido_xml::c14n::Method;
use konfido_xml::dsig::{
    Check, KeyInfoForm, PinnedKeys, Position, SignError, SignOptions, SignatureError, Target, VerifyPolicy,
    diagnose, sign_enveloped, verify_enveloped,
};
use konfido_xml::{Document, El, Element, Fragment, Limits, ns};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use secrecy::ExposeSecret;

const CONTENT: &str = "<saml2:Assertion xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
    xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" ID=\"_a\" Version=\"2.0\"><saml2:Issuer>urn:idp:DK</saml2:Issuer>\
    <saml2:Subject><saml2:NameID>doctor<!-- c -->@example.dk</saml2:NameID></saml2:Subject>\
    <saml2:AttributeStatement><saml2:Attribute Name=\"role\"><saml2:AttributeValue \
    xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"xsd:string\">221</saml2:AttributeValue>\
    </saml2:Attribute></saml2:AttributeStatement></saml2:Assertion>";

fn make(algorithm: SignatureAlgorithm) -> Arc<dyn Signer> {
    let kind = match algorithm {
        SignatureAlgorithm::EcdsaP256Sha256 => KeyKind::EcdsaP256,
        SignatureAlgorithm::EcdsaP384Sha384 => KeyKind::EcdsaP384,
        SignatureAlgorithm::Ed25519 => KeyKind::Ed25519,
        _ => KeyKind::Rsa3072,
    };
    let pkcs8 = generate_pkcs8(kind).unwrap();
    let pkcs8 = pkcs8.expose_secret();
    let pair = rcgen::KeyPair::try_from(&PrivatePkcs8KeyDer::from(pkcs8.to_vec())).unwrap();
    let certificate: CertificateDer<'static> =
        rcgen::CertificateParams::new(vec!["signer".to_owned()]).unwrap().self_signed(&pair).unwrap().into();
    Arc::new(SoftwareSigner::from_pkcs8_der(pkcs8, algorithm, Some(certificate)).unwrap())
}

/// One signer an algorithm, made once; RSA ones share nothing.
fn signer(algorithm: SignatureAlgorithm) -> Arc<dyn Signer> {
    static ALL: OnceLock<Vec<Arc<dyn Signer>>> = OnceLock::new();
    let all = ALL.get_or_init(|| SignatureAlgorithm::ALL.into_iter().map(make).collect());
    all.iter().find(|s| s.algorithm() == algorithm).unwrap().clone()
}

fn p256() -> Arc<dyn Signer> {
    signer(SignatureAlgorithm::EcdsaP256Sha256)
}

fn pinned(signer: &dyn Signer) -> PinnedKeys {
    PinnedKeys::new([signer.certificate().unwrap()])
}

fn parse(xml: &str) -> Document {
    Document::parse(xml.as_bytes(), &Limits::MESSAGE).unwrap()
}

fn signed() -> String {
    sign_enveloped(CONTENT, &SignOptions::assertion("_a"), &*p256()).unwrap()
}

fn refusal(xml: &str, pick: impl Fn(&Document) -> Element<'_>) -> SignatureError {
    let document = parse(xml);
    verify_enveloped(&document, pick(&document), &VerifyPolicy::assertion(), &pinned(&*p256())).unwrap_err()
}

#[test]
fn every_algorithm_and_form_verifies_here_and_in_bergshamra() {
    for algorithm in SignatureAlgorithm::ALL {
        let signer = signer(algorithm);
        for options in [
            SignOptions::assertion("_a"),
            SignOptions::assertion("_a").with_prefixes(["xsd"]),
            SignOptions::assertion("_a").at(Position::LastChild).with_key_info(KeyInfoForm::KeyValue),
            SignOptions {
                canonicalization: Method::Inclusive,
                transform: None,
                ..SignOptions::assertion("_a")
            },
            SignOptions::document(),
            SignOptions::audit_message(),
            SignOptions::evidence(),
        ] {
            let xml = match sign_enveloped(CONTENT, &options, &*signer) {
                Ok(xml) => xml,
                Err(SignError::NoKeyValue(SignatureAlgorithm::Ed25519)) => continue,
                Err(e) => panic!("{algorithm} {options:?}: {e}"),
            };
            let document = parse(&xml);
            let policy = VerifyPolicy::record().id_attribute("ID");
            let verified = verify_enveloped(&document, document.root(), &policy, &pinned(&*signer)).unwrap();
            assert_eq!(verified.element(), document.root());
            assert_eq!(verified.algorithm(), algorithm);
            assert_eq!(verified.certificate_der(), signer.certificate().map(|c| c.as_ref()));
            assert_eq!(verified.spki_der(), signer.public_key_der());
            let diagnosis = diagnose(&document, document.root()).unwrap();
            assert_eq!((diagnosis.digest, diagnosis.value), (Check::Good, Check::Good));
            second_opinion(&xml, &*signer);
            let strict =
                verify_enveloped(&document, document.root(), &VerifyPolicy::assertion(), &pinned(&*signer));
            let exclusive_by_id =
                matches!(options.target, Target::ById { .. }) && options.transform.is_some();
            assert_eq!(strict.is_ok(), exclusive_by_id, "{algorithm} {options:?}");
        }
    }
}

/// The library's own verifier, which shares nothing with ours but parser and canonicalisation.
fn second_opinion(xml: &str, signer: &dyn Signer) {
    if signer.algorithm() == SignatureAlgorithm::Ed25519 {
        return;
    }
    let key: Key = bergshamra::keys::loader::load_x509_cert_der(signer.certificate().unwrap()).unwrap();
    let mut keys = KeysManager::new();
    keys.add_key(key);
    let result = bergshamra::verify(&bergshamra::DsigContext::new(keys), xml).unwrap();
    assert!(matches!(result, bergshamra::VerifyResult::Valid { .. }), "{result:?}");
}

#[test]
fn a_signature_survives_the_move_into_a_message() {
    let inside = El::new(ns::SOAP12, "Envelope")
        .prefix("s")
        .declare("xsd", "urn:somebody:else")
        .child(El::new(ns::SOAP12, "Header").child(
            El::new("urn:default", "Security").raw(Fragment::parse(&signed(), &Limits::ASSERTION).unwrap()),
        ))
        .to_document_string();
    let document = parse(&inside);
    let assertion = document.root().descendants().find(|e| e.is(ns::SAML2, "Assertion")).unwrap();
    let verified =
        verify_enveloped(&document, assertion, &VerifyPolicy::assertion(), &pinned(&*p256())).unwrap();
    assert_eq!(verified.element(), assertion);
    assert!(verified.element().text().contains("doctor@example.dk"));
}

#[test]
fn inclusive_signatures_hold_deep_in_a_document() {
    let xml = "<?pi before?><r xmlns=\"u:d\" xmlns:z=\"u:z&amp;\" xml:lang=\"da\"><!-- c --><e Id=\"i\" xml:space=\"preserve\"/></r>";
    let options = SignOptions {
        target: Target::ById { attribute: "Id", value: "i".to_owned() },
        ..SignOptions::evidence()
    };
    let signer = p256();
    let xml = sign_enveloped(xml, &options, &*signer).unwrap();
    let document = parse(&xml);
    let e = document.root().child("u:d", "e").unwrap();
    verify_enveloped(&document, e, &VerifyPolicy::record(), &pinned(&*signer)).unwrap();
    second_opinion(&xml, &*signer);
}

#[test]
fn what_stands_before_the_root_is_covered_by_an_empty_uri() {
    let signer = p256();
    let xml = sign_enveloped("<?pi one?><r/>", &SignOptions::document(), &*signer).unwrap();
    let verify = |xml: &str| {
        let document = parse(xml);
        verify_enveloped(&document, document.root(), &VerifyPolicy::record(), &pinned(&*signer)).map(|_| ())
    };
    verify(&xml).unwrap();
    verify(&xml.replace("<?pi one?>", "<?pi one?><!-- comments are not covered -->")).unwrap();
    assert_eq!(verify(&xml.replace("<?pi one?>", "<?pi two?>")).unwrap_err(), SignatureError::WrongDigest);
}

#[test]
fn each_fault_has_its_name() {
    let good = signed();
    let root = |xml: &str| refusal(xml, Document::root);
    assert_eq!(root(CONTENT), SignatureError::Missing);
    assert_eq!(root(&good.replace("221", "222")), SignatureError::WrongDigest);
    assert_eq!(root(&good.replace("doctor<!--", "admin<!--")), SignatureError::WrongDigest);
    assert_eq!(root(&good.replace("</saml2:Subject>", "<?x?></saml2:Subject>")), SignatureError::WrongDigest);
    let value = good.split("<ds:SignatureValue>").nth(1).unwrap().split('<').next().unwrap();
    let other =
        sign_enveloped(CONTENT, &SignOptions::assertion("_a"), &*make(SignatureAlgorithm::EcdsaP256Sha256))
            .unwrap();
    let other_value = other.split("<ds:SignatureValue>").nth(1).unwrap().split('<').next().unwrap();
    assert_eq!(root(&good.replace(value, other_value)), SignatureError::WrongValue);
    assert!(matches!(root(&other), SignatureError::Untrusted(_)));
    for (from, to) in [
        ("xmldsig-more#ecdsa-sha256", "xmldsig-more#hmac-sha256"),
        ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        ("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"),
        ("http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
        (
            "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#",
            "<ds:CanonicalizationMethod Algorithm=\"urn:x",
        ),
    ] {
        assert!(matches!(root(&good.replace(from, to)), SignatureError::WeakAlgorithm(_)), "{to}");
    }
    let only_rsa = VerifyPolicy::assertion().algorithms([SignatureAlgorithm::RsaPkcs1Sha256]);
    let document = parse(&good);
    let refused = verify_enveloped(&document, document.root(), &only_rsa, &pinned(&*p256())).unwrap_err();
    assert!(matches!(refused, SignatureError::WeakAlgorithm(_)));
    let rsa = signer(SignatureAlgorithm::RsaPkcs1Sha256);
    let xml = sign_enveloped(CONTENT, &SignOptions::assertion("_a"), &*rsa).unwrap();
    let document = parse(&xml);
    let policy = VerifyPolicy::assertion().min_rsa_bits(4096);
    assert_eq!(
        verify_enveloped(&document, document.root(), &policy, &pinned(&*rsa)).unwrap_err(),
        SignatureError::WeakKey { bits: 3072, least: 4096 }
    );
}

#[test]
fn signatures_of_another_shape_are_refused() {
    let good = signed();
    let enveloped =
        "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>";
    let reference = {
        let from = good.find("<ds:Reference").unwrap();
        let to = good.find("</ds:Reference>").unwrap() + "</ds:Reference>".len();
        good[from..to].to_owned()
    };
    let xslt = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"><x/></ds:Transform>";
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>1</ds:XPath></ds:Transform>";
    for (what, xml) in [
        ("object", good.replace("</ds:Signature>", "<ds:Object/></ds:Signature>")),
        (
            "a statement hidden in the key info",
            good.replace(
                "</ds:KeyInfo>",
                "<a:AttributeStatement xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\"/></ds:KeyInfo>",
            ),
        ),
        (
            "a statement hidden in the certificate",
            good.replace(
                "</ds:X509Data>",
                "<a:NameID xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\"/></ds:X509Data>",
            ),
        ),
        ("two key infos", good.replace("</ds:Signature>", "<ds:KeyInfo/></ds:Signature>")),
        ("two references", good.replace(&reference, &format!("{reference}{reference}"))),
        ("no reference", good.replace(&reference, "")),
        ("xslt", good.replace(enveloped, &format!("{enveloped}{xslt}"))),
        ("xslt first", good.replace(enveloped, xslt)),
        ("xpath", good.replace(enveloped, &format!("{xpath}{enveloped}"))),
        ("no transform", good.replace(enveloped, "")),
        ("twice enveloped", good.replace(enveloped, &format!("{enveloped}{enveloped}"))),
        ("no uri", good.replace(" URI=\"#_a\"", "")),
        (
            "manifest",
            good.replace(" URI=\"#_a\"", " URI=\"#_a\" Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\""),
        ),
        (
            "hmac length",
            good.replace(
                "</ds:SignatureMethod>",
                "<ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>",
            ),
        ),
        ("not base64", good.replace("<ds:DigestValue>", "<ds:DigestValue>%")),
        ("two signatures", {
            let from = good.find("<ds:Signature ").unwrap();
            let to = good.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
            good.replace(&good[from..to], &format!("{0}{0}", &good[from..to]))
        }),
    ] {
        let error = refusal(&xml, Document::root);
        assert!(
            matches!(error, SignatureError::Malformed(_) | SignatureError::WeakAlgorithm(_)),
            "{what}: {error}"
        );
    }
    for uri in [
        "",
        "#",
        "#_b",
        "#xpointer(/)",
        "#xpointer(id('_a'))",
        "_a",
        "http://example.org/#_a",
        "file:///etc/passwd",
    ] {
        let error = refusal(&good.replace("URI=\"#_a\"", &format!("URI=\"{uri}\"")), Document::root);
        assert!(matches!(error, SignatureError::Wrapped(_)), "{uri}: {error}");
    }
}

/// Signature wrapping, the eight published variants (Somorovsky et al. 2012) and some more. The evil assertion
/// is the one a naive reader would take (the first it finds in the Response); the honest one, with its valid
/// signature, is somewhere in the document. Whatever element a caller demands, it gets the honest one or a
/// refusal, never the evil one.
#[test]
fn wrapped_signatures_are_refused() {
    let good = signed();
    let from = good.find("<ds:Signature ").unwrap();
    let to = good.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = &good[from..to];
    let bare = good.replace(signature, "");
    let evil = |id: &str, extra: &str| {
        CONTENT
            .replace("ID=\"_a\"", &format!("ID=\"{id}\""))
            .replace("doctor", "evil")
            .replace("</saml2:Issuer>", &format!("</saml2:Issuer>{extra}"))
    };
    let with_object = |inner: &str| {
        signature.replace("</ds:Signature>", &format!("<ds:Object>{inner}</ds:Object></ds:Signature>"))
    };
    let response = |inner: &str| format!("<Response ID=\"_r\">{inner}</Response>");
    let variants = [
        (
            "1: response copied into the signature's object",
            response(&evil("_e", &with_object(&response(&good)))),
        ),
        ("2: original detached beside the signature", response(&format!("{bare}{}", evil("_e", signature)))),
        ("3: evil assertion before the original", response(&format!("{}{good}", evil("_e", "")))),
        ("4: original inside the evil assertion", response(&evil("_e", &good))),
        (
            "5: evil carries the signature, original at the end",
            response(&format!("{}{bare}", evil("_e", signature))),
        ),
        (
            "6: original inside the evil one's signature",
            response(&evil("_e", &signature.replace("</ds:Signature>", &format!("{bare}</ds:Signature>")))),
        ),
        (
            "7: original in an extensions element",
            response(&format!("<Extensions>{good}</Extensions>{}", evil("_e", ""))),
        ),
        ("8: original in an object of the evil signature", response(&evil("_e", &with_object(&bare)))),
        ("same id twice", response(&format!("{}{good}", evil("_a", "")))),
        ("same id twice, signature on the evil one", response(&format!("{}{bare}", evil("_a", signature)))),
        (
            "same id as another attribute name",
            response(&format!("<x Id=\"_a\"/>{}{bare}", evil("_a", signature))),
        ),
        ("same id in another namespace", response(&format!("<x xml:id=\"_a\"/>{good}"))),
        (
            "evil inside the honest one",
            response(&good.replace("<saml2:Subject>", &format!("{}<saml2:Subject>", evil("_e", "")))),
        ),
    ];
    for (what, xml) in &variants {
        let document = parse(xml);
        let mut refused = 0;
        for element in document.root().descendants().filter(|e| e.is(ns::SAML2, "Assertion")) {
            match verify_enveloped(&document, element, &VerifyPolicy::assertion(), &pinned(&*p256())) {
                Ok(verified) => {
                    assert_eq!(verified.element(), element, "{what}");
                    assert!(!element.text().contains("evil"), "{what}");
                }
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 0, "{what}: nothing was refused");
        let first =
            document.root().descendants().find(|e| e.is(ns::SAML2, "Assertion") && e.text().contains("evil"));
        if let Some(first) = first {
            assert!(
                verify_enveloped(&document, first, &VerifyPolicy::assertion(), &pinned(&*p256())).is_err(),
                "{what}"
            );
        }
    }
    // An element of another document is refused whatever it holds.
    let (one, two) = (parse(&good), parse(&good));
    let error =
        verify_enveloped(&one, two.root(), &VerifyPolicy::assertion(), &pinned(&*p256())).unwrap_err();
    assert!(matches!(error, SignatureError::Wrapped(_)));
}

#[test]
fn signing_says_why_it_cannot() {
    let signer = p256();
    let try_sign =
        |xml: &str, id: &str| sign_enveloped(xml, &SignOptions::assertion(id), &*signer).unwrap_err();
    assert!(matches!(try_sign("<a", "x"), SignError::Xml(_)));
    assert!(matches!(try_sign("<a ID='y'/>", "x"), SignError::Target(_)));
    assert!(matches!(try_sign("<a ID='x'><b Id='x'/></a>", "x"), SignError::Target(_)));
    assert!(matches!(try_sign("<a ID='x'/>", "x"), SignError::Target(_)));
    assert!(matches!(try_sign(&signed(), "_a"), SignError::Target(_)));
}
