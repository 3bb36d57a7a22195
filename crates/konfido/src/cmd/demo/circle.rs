//! The demo's four countries and their keys, made once and kept.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;
use konfido_circle::circle::Trust;
use konfido_circle::circle::signature::SignatureSet;
use konfido_circle::pki::{CountryPki, PkiRequest};
use konfido_circle::{
    AcceptedCircle, Circle, CountryCode, HomeCommunityId, Member, Oid, Service, TrustStore,
};
use konfido_keys::Rng;

/// One country of the demo. Home communities are under the example arc 2.999, by ISO 3166 number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Country {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    home: &'static str,
}

pub(super) const ITALY: Country = Country { code: "IT", name: "Italy", home: "2.999.380" };
pub(super) const DENMARK: Country = Country { code: "DK", name: "Denmark", home: "2.999.208" };
const SPAIN: Country = Country { code: "ES", name: "Spain", home: "2.999.724" };
const PORTUGAL: Country = Country { code: "PT", name: "Portugal", home: "2.999.620" };

/// Four: the fewest that survive one traitor.
pub(super) const ALL: [Country; 4] = [ITALY, SPAIN, DENMARK, PORTUGAL];

impl Country {
    pub(super) fn code(self) -> anyhow::Result<CountryCode> {
        Ok(CountryCode::new(self.code)?)
    }

    pub(super) fn home(self) -> anyhow::Result<HomeCommunityId> {
        Ok(HomeCommunityId::new(Oid::new(self.home)?))
    }
}

/// Keys of all four.
#[derive(Debug)]
pub(super) struct Keys {
    countries: Vec<CountryPki>,
    /// How many were made now, not read.
    pub(super) made: usize,
}

impl Keys {
    /// Reads what an earlier demo made; makes what is missing or can't be used any more.
    pub(super) fn load(dir: &Path, now: Timestamp, rng: &dyn Rng) -> anyhow::Result<Self> {
        let mut countries = Vec::new();
        let mut made = 0;
        for country in ALL {
            let place = dir.join(country.code.to_ascii_lowercase());
            let pki = match CountryPki::read(&place) {
                Ok(mut pki) => {
                    // The list of an earlier day may have run out.
                    pki.renew_crl(now)?;
                    pki.write_crl(&place)?;
                    pki
                }
                Err(_) => {
                    made += 1;
                    if place.exists() {
                        std::fs::remove_dir_all(&place)
                            .with_context(|| format!("could not clear `{}`", place.display()))?;
                    }
                    let pki = CountryPki::generate(&PkiRequest::local(country.code()?, now), rng)?;
                    pki.write(&place)?;
                    pki
                }
            };
            countries.push(pki);
        }
        Ok(Self { countries, made })
    }

    pub(super) fn of(&self, country: Country) -> anyhow::Result<&CountryPki> {
        let code = country.code()?;
        self.countries.iter().find(|pki| pki.country() == code).context("a country of the demo has no keys")
    }

    /// The circle file of these four, with Italy at `address`; written, signed by all, read back and accepted.
    pub(super) fn circle(
        &self,
        dir: &Path,
        address: SocketAddr,
        now: Timestamp,
    ) -> anyhow::Result<AcceptedCircle> {
        let mut circle = Circle::new("konfido demo", now);
        for country in ALL {
            let mut member = Member::of_pki(self.of(country)?, country.name, country.home()?)?;
            if country.code == ITALY.code {
                let services = [
                    (Service::PatientIdentification, "XCPD_Service"),
                    (Service::PatientSummary, "XCA_Service"),
                    (Service::OrderService, "XCA_Service"),
                    (Service::OrcdService, "XCA_Service"),
                ];
                for (service, path) in services {
                    let url = format!("https://localhost:{}/services/{path}", address.port());
                    member = member.with_endpoint(service, &url).context("not an endpoint")?;
                }
            }
            circle.add(member);
        }
        let file = circle.to_toml().into_bytes();
        let mut signatures = SignatureSet::default();
        for pki in &self.countries {
            signatures.sign(&file, &pki.circle_signer()?)?;
        }
        let signed = signatures.to_json()?.into_bytes();
        write(&dir.join("circle.toml"), &file)?;
        write(&dir.join("circle.toml.sig"), &signed)?;
        let known = konfido_circle::circle::fingerprint(&file);
        AcceptedCircle::accept(&file, &signed, Trust::Fingerprint(known), now)
            .context("our own circle file is refused")
    }

    /// Whom the circle believes, with today's revocation lists.
    pub(super) fn trust(&self, circle: &AcceptedCircle) -> anyhow::Result<Arc<TrustStore>> {
        let crls = self.countries.iter().map(|pki| pki.crl().clone());
        let trust = circle.circle().trust_store(crls).map_err(|mistakes| {
            let all: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("the circle's certificates can't be used: {}", all.join("; "))
        })?;
        Ok(Arc::new(trust))
    }
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("could not write `{}`", path.display()))
}
