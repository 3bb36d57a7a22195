//! The assertions of one message, as a set: found in the `wsse:Security` header, sorted, and admitted together.
//!
//! Position says nothing: a peer may send them in any order, in any prefix. Two of one kind are refused, because
//! the reference implementation takes the last and others the first. An assertion of a foreign kind is refused
//! rather than taken for a TRC.

use konfido_circle::{Clock, CountryCode, PatientId};
use konfido_xml::{Document, Element, ns};

use crate::accept::{Hcp, Nok, Trc};
use crate::assertion::{Accepted, Assertion, Profile, Received};
use crate::content::AssertionId;
use crate::refusal::{Reason, Refusal};
use crate::trust::TrustedSigners;
use crate::vocabulary::{Kind, Operation, PurposeOfUse};

/// The assertions found in a header, one of a kind at most.
#[derive(Debug, Default)]
pub struct Presented<'d> {
    hcp: Option<Assertion<Received<'d>>>,
    trc: Option<Assertion<Received<'d>>>,
    nok: Option<Assertion<Received<'d>>>,
}

/// The assertions of a request that may go on.
#[derive(Debug)]
pub struct Admission {
    hcp: Assertion<Accepted<Hcp>>,
    trc: Option<Assertion<Accepted<Trc>>>,
    nok: Option<Assertion<Accepted<Nok>>>,
}

impl<'d> Presented<'d> {
    /// Sorts the assertions of `security`, the message's `wsse:Security` header, if it has one.
    pub fn find(
        document: &'d Document,
        security: Option<Element<'d>>,
        profile: &Profile,
    ) -> Result<Self, Refusal> {
        let security = security.ok_or_else(|| Refusal::of_header(Reason::NoSecurityHeader))?;
        let mut found = Self::default();
        for element in security.children_named(ns::SAML2, "Assertion") {
            let assertion = Assertion::receive(document, element, profile)?;
            let kind = assertion.kind();
            let slot = match kind {
                Kind::Hcp => &mut found.hcp,
                Kind::Trc => &mut found.trc,
                Kind::Nok => &mut found.nok,
            };
            if slot.replace(assertion).is_some() {
                return Err(Refusal::of(kind, Reason::Twice));
            }
        }
        Ok(found)
    }

    /// Takes the set through all steps for `operation`, presented over a TLS connection of `presenter`.
    ///
    /// The order is: signature, conditions and profile of HCP, then of TRC, then of NoK. An assertion that the
    /// operation does not need is checked all the same if it is there.
    pub fn admit(
        self,
        operation: Operation,
        presenter: CountryCode,
        signers: &TrustedSigners<'_>,
        clock: &dyn Clock,
        profile: &Profile,
    ) -> Result<Admission, Refusal> {
        let check = |assertion: Assertion<Received<'d>>| {
            assertion.verify_signature(signers, presenter)?.check_conditions(clock, profile)
        };
        let hcp = self.hcp.ok_or_else(|| Refusal::of(Kind::Hcp, Reason::NoAssertion))?;
        let hcp = check(hcp)?.accept_hcp(operation, profile)?;
        let trc = match self.trc {
            Some(trc) => Some(check(trc)?.accept_trc(&hcp)?),
            None if operation.needs_trc() => return Err(Refusal::of(Kind::Trc, Reason::NoAssertion)),
            None => None,
        };
        let nok = self.nok.map(|nok| check(nok)?.accept_nok(&hcp)).transpose()?;
        Ok(Admission { hcp, trc, nok })
    }

    /// The HCP assertion, for the security token service.
    pub(crate) fn into_hcp(self) -> Result<Assertion<Received<'d>>, Refusal> {
        if self.trc.is_some() || self.nok.is_some() {
            return Err(Refusal::of_header(Reason::Twice));
        }
        self.hcp.ok_or_else(|| Refusal::of(Kind::Hcp, Reason::NoAssertion))
    }
}

impl Admission {
    /// The professional.
    #[must_use]
    pub const fn hcp(&self) -> &Assertion<Accepted<Hcp>> {
        &self.hcp
    }

    /// The treatment relationship.
    #[must_use]
    pub const fn trc(&self) -> Option<&Assertion<Accepted<Trc>>> {
        self.trc.as_ref()
    }

    /// The next of kin.
    #[must_use]
    pub const fn nok(&self) -> Option<&Assertion<Accepted<Nok>>> {
        self.nok.as_ref()
    }

    /// The purpose of this request: the TRC's, and before there is one the HCP's.
    #[must_use]
    pub fn purpose(&self) -> PurposeOfUse {
        self.trc.as_ref().map_or(self.hcp.claims().purpose, |trc| trc.claims().purpose)
    }

    /// The patient whom the TRC names.
    #[must_use]
    pub fn patient(&self) -> Option<&PatientId> {
        self.trc.as_ref().map(|trc| &trc.claims().patient)
    }

    /// Demands that the request speaks of the patient whom the TRC names.
    pub fn demand_patient(&self, asked_for: &PatientId) -> Result<(), Refusal> {
        match self.patient() {
            None => Err(Refusal::of(Kind::Trc, Reason::NoAssertion)),
            Some(patient) if patient == asked_for => Ok(()),
            Some(_) => Err(Refusal::of(Kind::Trc, Reason::OtherPatient)),
        }
    }

    /// Identifiers of all assertions, HCP first.
    pub fn ids(&self) -> impl Iterator<Item = &AssertionId> {
        let trc = self.trc.as_ref().map(Assertion::id);
        let nok = self.nok.as_ref().map(Assertion::id);
        std::iter::once(self.hcp.id()).chain(trc).chain(nok)
    }

    /// The first instant at which one of the assertions holds no longer.
    #[must_use]
    pub fn not_on_or_after(&self) -> jiff::Timestamp {
        let trc = self.trc.as_ref().map(|a| a.content().not_on_or_after());
        let nok = self.nok.as_ref().map(|a| a.content().not_on_or_after());
        [trc, nok].into_iter().flatten().fold(self.hcp.content().not_on_or_after(), jiff::Timestamp::min)
    }
}
