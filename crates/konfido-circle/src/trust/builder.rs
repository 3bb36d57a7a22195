//! Puts a trust store together and reports all mistakes of its material at once.

use std::collections::{BTreeMap, BTreeSet};

use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use webpki::{CertRevocationList, OwnedCertRevocationList, anchor_from_trusted_cert};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::certificate::Facts;
use super::{Anchor, Listed, TrustStore, Usage};
use crate::CountryCode;

/// A fault in the material of a trust store: our operator's, never a peer's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{whose}: {what}")]
pub struct TrustStoreMistake {
    whose: String,
    what: String,
}

/// Collects roots, CRLs and listed certificates.
#[derive(Debug, Default)]
pub struct TrustStoreBuilder {
    roots: Vec<(CountryCode, CertificateDer<'static>)>,
    crls: Vec<CertificateRevocationListDer<'static>>,
    listed: Vec<(CountryCode, Usage, CertificateDer<'static>)>,
    without_revocation: BTreeSet<CountryCode>,
}

impl TrustStoreBuilder {
    /// Believes what this root issues to `country`. Several countries may share a root, and a country may have
    /// several.
    #[must_use]
    pub fn root(mut self, country: CountryCode, certificate: CertificateDer<'static>) -> Self {
        self.roots.push((country, certificate));
        self
    }

    /// Adds a revocation list, of a root or of an intermediate.
    #[must_use]
    pub fn crl(mut self, crl: CertificateRevocationListDer<'static>) -> Self {
        self.crls.push(crl);
        self
    }

    /// Lists a certificate of a country: of those usages of which a country lists any, only the listed are believed.
    #[must_use]
    pub fn listed(
        mut self,
        country: CountryCode,
        usage: Usage,
        certificate: CertificateDer<'static>,
    ) -> Self {
        self.listed.push((country, usage, certificate));
        self
    }

    /// Believes certificates of a country's roots although no CRL tells whether they are revoked. Where a CRL is
    /// present, it still counts.
    #[must_use]
    pub fn danger_without_revocation(mut self, country: CountryCode) -> Self {
        self.without_revocation.insert(country);
        self
    }

    /// Checks the material. All mistakes are reported at once.
    pub fn build(self) -> Result<TrustStore, Vec<TrustStoreMistake>> {
        let mut mistakes = Mistakes::default();
        let mut by_der: BTreeMap<Vec<u8>, BTreeSet<CountryCode>> = BTreeMap::new();
        for (country, der) in &self.roots {
            by_der.entry(der.to_vec()).or_default().insert(*country);
        }
        let crls = usable_crls(&self.crls, by_der.keys(), &mut mistakes);

        let mut anchors = Vec::new();
        for (der, countries) in by_der {
            let whose = format!("root of {}", names(&countries));
            let der = CertificateDer::from(der);
            let facts = match Facts::read(&der).and_then(|f| f.require_strong_key().map(|()| f)) {
                Ok(facts) => facts,
                Err(e) => {
                    mistakes.note(&whose, e);
                    continue;
                }
            };
            if !is_ca(&der) {
                mistakes.note(&whose, "not a CA certificate");
                continue;
            }
            let revocation_required = !countries.iter().all(|c| self.without_revocation.contains(c));
            if revocation_required && !crls.iter().any(|c| c.issuer == facts.subject_der()) {
                mistakes.note(&whose, format!("no CRL of `{}`", facts.subject()));
            }
            match anchor_from_trusted_cert(&der) {
                Ok(trust) => {
                    anchors.push(Anchor { trust: trust.to_owned(), facts, countries, revocation_required });
                }
                Err(e) => mistakes.note(&whose, e),
            }
        }

        let mut listed = Vec::new();
        for (country, usage, certificate) in self.listed {
            let whose = format!("{} certificate of {country}", usage.name());
            if let Err(e) = Facts::read(&certificate) {
                mistakes.note(&whose, e);
            } else if !self.roots.iter().any(|(c, _)| *c == country) {
                mistakes.note(&whose, "the country has no root");
            }
            listed.push(Listed { country, usage, certificate });
        }

        if mistakes.0.is_empty() {
            Ok(TrustStore { anchors, crls: crls.into_iter().map(|c| c.list).collect(), listed })
        } else {
            Err(mistakes.0)
        }
    }
}

#[derive(Default)]
struct Mistakes(Vec<TrustStoreMistake>);

impl Mistakes {
    fn note(&mut self, whose: &str, what: impl ToString) {
        self.0.push(TrustStoreMistake { whose: whose.to_owned(), what: what.to_string() });
    }
}

struct UsableCrl {
    issuer: Vec<u8>,
    list: CertRevocationList<'static>,
}

/// One CRL an issuer: the newest of those that carry the issuer's signature, where the issuer is a root.
fn usable_crls<'a>(
    ders: &[CertificateRevocationListDer<'static>],
    roots: impl Iterator<Item = &'a Vec<u8>>,
    mistakes: &mut Mistakes,
) -> Vec<UsableCrl> {
    let roots: Vec<X509Certificate<'_>> =
        roots.filter_map(|der| X509Certificate::from_der(der).ok()).map(|(_, cert)| cert).collect();
    let mut newest: BTreeMap<Vec<u8>, (i64, UsableCrl)> = BTreeMap::new();
    for der in ders {
        let parsed = match CertificateRevocationList::from_der(der.as_ref()) {
            Ok(([], crl)) => crl,
            Ok(_) => {
                mistakes.note("CRL", "bytes after its end");
                continue;
            }
            Err(e) => {
                mistakes.note("CRL", e);
                continue;
            }
        };
        let whose = format!("CRL of `{}`", parsed.issuer());
        let mut issuers =
            roots.iter().filter(|r| r.subject().as_raw() == parsed.issuer().as_raw()).peekable();
        if issuers.peek().is_some() && !issuers.any(|r| parsed.verify_signature(r.public_key()).is_ok()) {
            mistakes.note(&whose, "not signed by its issuer");
            continue;
        }
        let issuer = parsed.issuer().as_raw().to_vec();
        let updated = parsed.last_update().timestamp();
        match OwnedCertRevocationList::from_der(der.as_ref()) {
            Ok(list) => {
                let usable = UsableCrl { issuer: issuer.clone(), list: list.into() };
                if newest.get(&issuer).is_none_or(|(known, _)| *known < updated) {
                    newest.insert(issuer, (updated, usable));
                }
            }
            Err(e) => mistakes.note(&whose, e),
        }
    }
    newest.into_values().map(|(_, crl)| crl).collect()
}

fn is_ca(der: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(der.as_ref()).is_ok_and(|(_, cert)| cert.is_ca())
}

fn names(countries: &BTreeSet<CountryCode>) -> String {
    countries.iter().map(CountryCode::as_str).collect::<Vec<_>>().join(", ")
}
