//! What a professional of our country shows abroad: the signed assertions, and who that is for our own audit.

use konfido_circle::{PatientId, Personal};
use konfido_keys::KeyError;
use konfido_saml::vocabulary::PurposeOfUse;
use konfido_saml::{Hcp, HcpReference, IssueError, Issued, Issuer, NameId, Trc};
use konfido_xml::Fragment;

use super::NcpB;
use crate::ids;
use crate::observer::Side;
use crate::trail::{Deed, MessageRef, Professional, Record, TrailError};

/// A professional who has signed in at a portal of our country.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// By what name the identity provider knows the professional.
    pub name_id: NameId,
    /// How the professional proved the identity, as a SAML authentication context class.
    pub authn_context: String,
    /// Role, house, purpose, permissions.
    pub claims: Hcp,
}

/// Assertions to show abroad.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub(super) hcp: Fragment,
    pub(super) trc: Option<Fragment>,
    pub(super) nok: Option<Fragment>,
    pub(super) professional: Professional,
    pub(super) purpose: PurposeOfUse,
    reference: HcpReference,
}

/// No assertion could be issued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// The assertion could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// Our own randomness.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The audit trail did not take the record.
    #[error(transparent)]
    Trail(#[from] TrailError),
}

impl Credentials {
    /// With a next-of-kin assertion.
    #[must_use]
    pub fn with_next_of_kin(mut self, nok: Fragment) -> Self {
        self.nok = Some(nok);
        self
    }

    /// The professional.
    #[must_use]
    pub fn professional(&self) -> &Professional {
        &self.professional
    }

    /// NoK, HCP, TRC: the order of the wire.
    pub(super) fn in_order(&self) -> impl Iterator<Item = Fragment> {
        [self.nok.clone(), Some(self.hcp.clone()), self.trc.clone()].into_iter().flatten()
    }
}

impl NcpB {
    fn issuer(&self) -> Issuer<'_> {
        Issuer {
            country: self.setup.country,
            signer: self.setup.signer.as_ref(),
            clock: self.setup.clock.as_ref(),
            rng: self.setup.rng.as_ref(),
        }
    }

    /// Issues the identity assertion of a professional who has signed in.
    pub fn sign_in(&self, sign_in: &SignIn) -> Result<Credentials, SignInError> {
        let Issued { id, xml, .. } =
            self.issuer().hcp(&sign_in.name_id, &sign_in.authn_context, &sign_in.claims)?;
        let issuer = format!("urn:idp:{}:countryB", self.setup.country);
        Ok(Credentials {
            hcp: xml,
            trc: None,
            nok: None,
            professional: Professional::new(&sign_in.name_id, &sign_in.claims, &issuer, id.as_str()),
            purpose: sign_in.claims.purpose,
            reference: HcpReference { id, name_id: sign_in.name_id.clone() },
        })
    }

    /// The professional confirms to treat this patient: issues the assertion of the treatment relationship, and records
    /// that (EHDSI-92).
    pub async fn confirm_treatment(
        &self,
        credentials: &Credentials,
        patient: &PatientId,
        purpose: PurposeOfUse,
    ) -> Result<Credentials, SignInError> {
        let trc = Trc { patient: patient.clone(), purpose, dispensation_pin: None, prescription_id: None };
        let Issued { id, xml, .. } = self.issuer().trc(&credentials.reference, &trc)?;
        let mut confirmed = credentials.clone();
        confirmed.trc = Some(xml);
        confirmed.purpose = purpose;
        confirmed.professional.trc_assertion = Some(id.as_str().to_owned());
        let setup = &self.setup;
        let incident = ids::uuid(setup.rng.as_ref())?.to_string();
        setup
            .trail
            .record(&Record {
                peer: Some(setup.country),
                consumer: setup.name.clone(),
                provider: setup.name.clone(),
                request: MessageRef {
                    id: Some(ids::urn(setup.rng.as_ref())?),
                    header: Some(Personal::new(credentials.hcp.as_str().to_owned())),
                },
                response: MessageRef { id: Some(ids::urn(setup.rng.as_ref())?), header: None },
                professional: Some(confirmed.professional.clone()),
                patient: Some(patient.clone()),
                issued: Some(id.as_str().to_owned()),
                break_glass: purpose == PurposeOfUse::Emergency,
                ..Record::new(setup.clock.now(), Side::B, Deed::TrcIssued, incident)
            })
            .await?;
        Ok(confirmed)
    }
}
