//! Step 3 and 4 for all three transactions: assertions, replay, policy.

use konfido_circle::PatientId;
use konfido_ihe::{DocumentClass, Group};
use konfido_saml::vocabulary::{Operation, Permission};
use konfido_saml::{Admission, Presentation, Presented, Reason, Seen, TrustedSigners};

use super::call::Call;
use super::stop::{Stop, permitted};
use super::{Admitted, NcpA, Verdict};
use crate::policy::{Act, Consent, Question};
use crate::wire::Incoming;

/// What must be permitted to read documents of a group.
pub(super) fn operation(group: Group) -> Operation {
    match group {
        Group::PatientSummary => Operation::PatientSummary,
        Group::Prescription => Operation::Prescription,
        Group::Original => Operation::OriginalDocument,
    }
}

impl NcpA {
    /// Takes the message's assertions through all their steps and holds the message against the replay memory.
    pub(super) fn admit(&self, call: &Call, incoming: &Incoming, operation: Operation) -> Verdict<Admitted> {
        let admission = self.check_assertions(call, incoming, operation)?;
        self.observe_presentation(call, admission)
    }

    /// The same for a retrieve, of which only the connector knows the class: the assertions must carry the permissions
    /// of at least one class; [`Self::demand_permissions`] holds them to the right one before the content is asked for.
    pub(super) fn admit_any_class(&self, call: &Call, incoming: &Incoming) -> Verdict<Admitted> {
        let refused = match self.check_assertions(call, incoming, Operation::PatientSummary) {
            Ok(admission) => return self.observe_presentation(call, admission),
            Err(refused) => refused,
        };
        if !matches!(refused.reason(), Reason::NoPermission(_)) {
            return Err(refused.into());
        }
        let admission = self.check_assertions(call, incoming, Operation::Prescription)?;
        self.observe_presentation(call, admission)
    }

    fn check_assertions(
        &self,
        call: &Call,
        incoming: &Incoming,
        operation: Operation,
    ) -> Result<Admission, konfido_saml::Refusal> {
        let setup = &self.setup;
        let clock = setup.clock.as_ref();
        let signers = TrustedSigners::new(&setup.trust, clock);
        Presented::find(incoming.document(), incoming.security(), &setup.profile)?.admit(
            operation,
            call.peer.country(),
            &signers,
            clock,
            &setup.profile,
        )
    }

    fn observe_presentation(&self, call: &Call, admission: Admission) -> Verdict<Admitted> {
        let assertions: Vec<_> = admission.ids().collect();
        let shown = Presentation {
            peer: call.peer.country(),
            message_id: call.message_id.as_deref(),
            body: *call.fingerprint.as_bytes(),
            assertions: &assertions,
            until: admission.not_on_or_after(),
        };
        let repeated = match self.replays.observe(&shown, self.setup.clock.as_ref())? {
            Seen::First => false,
            // Every transaction served here only reads, so a repeat is served anew.
            Seen::Again { .. } => {
                self.setup.metrics.repeated();
                true
            }
        };
        Ok(Admitted { admission, repeated })
    }

    /// The permissions that documents of `class` demand.
    pub(super) fn demand_permissions(&self, admission: &Admission, class: DocumentClass) -> Verdict<()> {
        let held = &admission.hcp().claims().permissions;
        for needed in operation(class.group()).permissions() {
            if !held.iter().any(|p| p.code() == *needed) {
                let cause = format!("permission {needed} is absent");
                return Err(Stop::new(konfido_ihe::Refusal::InsufficientRights, cause));
            }
        }
        Ok(())
    }

    /// The policy's word before anything national was asked.
    pub(super) fn permit(&self, call: &Call, admission: &Admission, act: Act, class: &str) -> Verdict<()> {
        self.ask(call, admission, act, class, Consent::Unknown)
    }

    /// The policy's word in the light of the patient's will.
    pub(super) async fn permit_for(
        &self,
        call: &Call,
        admission: &Admission,
        act: Act,
        class: &str,
        patient: &PatientId,
    ) -> Verdict<()> {
        let consent = self.setup.consent.consent(patient, call.peer.country()).await?;
        self.ask(call, admission, act, class, consent)
    }

    fn ask(
        &self,
        call: &Call,
        admission: &Admission,
        act: Act,
        class: &str,
        consent: Consent,
    ) -> Verdict<()> {
        let hcp = admission.hcp().claims();
        permitted(self.setup.policy.decide(&Question {
            act,
            role: hcp.role.code(),
            facility: hcp.facility.text(),
            country: call.peer.country().as_str(),
            permissions: hcp.permissions.iter().map(Permission::code).collect(),
            class,
            consent,
            purpose: admission.purpose().code(),
            relationship: admission.trc().is_some(),
        }))
    }
}
