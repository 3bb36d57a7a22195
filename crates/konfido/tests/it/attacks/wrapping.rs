//! XML signature wrapping: a good signature over one assertion, so placed that another is taken for it.
//!
//! The eight ways of Somorovsky et al., "On Breaking SAML" (USENIX Security 2012), carried over from a SAML response to
//! the `wsse:Security` header of a SOAP message. The original is sound and Denmark's; the forgery names another
//! professional. NCP-A verifies the element that it reads, and reads only what it verified.

use super::{Attack, Expect};
use crate::request::{Ask, SAML2, cut};
use crate::socket::Shot;
use crate::world::World;

const MISSING: Expect = Expect::Xcpd("ERROR_PI_MISSING_REQUIRED_FIELDS");
const GENERIC: Expect = Expect::Xcpd("ERROR_PI_GENERIC");
const FORMAT: Expect = Expect::Xcpd("ERROR_PI_INCORRECT_FORMATTING");

/// The pieces that every variant is put together from.
struct Pieces {
    /// The sound assertion.
    original: String,
    /// The same without its signature.
    bare: String,
    /// Its signature.
    signature: String,
    /// Another professional, same ID, no signature.
    forged: String,
    /// Another professional, another ID, no signature.
    renamed: String,
}

impl Pieces {
    fn new(world: &World) -> Self {
        let issued = world.hcp();
        let original = issued.xml.as_str().to_owned();
        let (bare, signature) = cut(&original);
        let forged = bare.replace("Anne Proeve", "Eve Mallory");
        let renamed = forged.replace(issued.id.as_str(), "_0123456789abcdef");
        assert_ne!(forged, renamed);
        Self { original, bare, signature, forged, renamed }
    }

    /// `assertion` with something behind its Issuer.
    fn behind_issuer(assertion: &str, inserted: &str) -> String {
        let end = "</saml2:Issuer>";
        assert!(assertion.contains(end));
        assertion.replacen(end, &format!("{end}{inserted}"), 1)
    }

    /// `assertion` with something before its end.
    fn at_the_end(assertion: &str, inserted: &str) -> String {
        let close = assertion.rfind("</").unwrap();
        format!("{}{inserted}{}", &assertion[..close], &assertion[close..])
    }

    /// The signature with something in an Object of its own.
    fn object(&self, inserted: &str) -> String {
        let object = format!("<ds:Object>{inserted}</ds:Object>");
        Self::at_the_end(&self.signature, &object)
    }
}

type Wrap = fn(&Pieces) -> Vec<String>;

pub(super) fn rows() -> Vec<Attack> {
    let table: [(&str, Wrap, Expect); 8] = [
        (
            "wrapping 1: the forgery carries the signature, the original stands behind it",
            |p| vec![Pieces::behind_issuer(&p.forged, &p.signature), p.bare.clone()],
            FORMAT,
        ),
        (
            "wrapping 2: the forgery stands before the original",
            |p| vec![p.renamed.clone(), p.original.clone()],
            FORMAT,
        ),
        (
            "wrapping 3: the forgery stands behind the original",
            |p| vec![p.original.clone(), p.renamed.clone()],
            FORMAT,
        ),
        (
            "wrapping 4: the original inside of the forgery",
            |p| vec![Pieces::at_the_end(&p.renamed, &p.original)],
            MISSING,
        ),
        (
            "wrapping 5: the original inside of the forgery's own signature",
            |p| vec![Pieces::behind_issuer(&p.renamed, &p.object(&p.original))],
            GENERIC,
        ),
        (
            "wrapping 6: the original in an object, the forgery with its id",
            |p| vec![Pieces::behind_issuer(&p.forged, &p.object(&p.bare))],
            GENERIC,
        ),
        (
            "wrapping 7: the original in the advice of the forgery",
            |p| {
                let advice = format!("<saml2:Advice xmlns:saml2=\"{SAML2}\">{}</saml2:Advice>", p.bare);
                let signed = Pieces::behind_issuer(&p.forged, &p.signature);
                vec![signed.replacen("<saml2:AuthnStatement", &format!("{advice}<saml2:AuthnStatement"), 1)]
            },
            GENERIC,
        ),
        (
            "wrapping 8: the forgery inside of the original's signature",
            |p| {
                let (start, end) = (p.original.find("<ds:Signature").unwrap(), "</ds:Signature>");
                let close = p.original.find(end).unwrap() + end.len();
                let with = p.object(&p.renamed);
                vec![format!("{}{with}{}", &p.original[..start], &p.original[close..])]
            },
            GENERIC,
        ),
    ];
    let mut rows: Vec<Attack> = table
        .into_iter()
        .map(|(name, wrap, expect)| {
            Attack::new(
                name,
                move |w| Ask::identify_with(wrap(&Pieces::new(w)), &["SYN-0001"]).shot(),
                expect,
            )
        })
        .collect();
    rows.push(Attack::new("wrapping 9: the original in the body of the message", in_the_body, GENERIC));
    rows
}

/// The Security header holds the forgery with the original's signature; what it signs stands at the end of the Body's
/// element.
fn in_the_body(world: &World) -> Shot {
    let pieces = Pieces::new(world);
    let forged = Pieces::behind_issuer(&pieces.forged, &pieces.signature);
    Ask::identify_with(vec![forged], &["SYN-0001"]).changed(|xml| {
        let close = xml.rfind("</").and_then(|end| xml[..end].rfind("</")).unwrap();
        let inner = xml[..close].rfind("</").unwrap();
        format!("{}{}{}", &xml[..inner], pieces.bare, &xml[inner..])
    })
}
