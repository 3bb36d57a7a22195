//! ITI-55: who is this patient (openncp.md 4).
//!
//! Answered by identifier only. Nobody: `ERROR_PI_NO_MATCH`. Several: refused, because the treating country could take
//! the wrong one. Who refused consent is not told of.

use konfido_circle::PatientId;
use konfido_ihe::Refusal;
use konfido_ihe::xcpd::{self, PatientMatch, XcpdRequest, XcpdResponse};
use konfido_saml::Admission;
use konfido_saml::vocabulary::Operation;

use super::call::{Call, Done};
use super::stop::Stop;
use super::{Admitted, NcpA, Verdict};
use crate::connector::NationalPatient;
use crate::ids;
use crate::policy::Act;
use crate::wire::{Incoming, SoapProblem};

const CLASS: &str = "identity";

/// A readable request, and whether it may go on.
#[derive(Debug)]
pub(super) struct Asked {
    request: XcpdRequest,
    admitted: Verdict<Admitted>,
}

impl NcpA {
    pub(super) fn take_identify(&self, call: &Call, incoming: &Incoming) -> Result<Asked, SoapProblem> {
        // Without the request's ids there is nothing an answer in band could relate to.
        let request = XcpdRequest::parse(incoming.body())
            .map_err(|malformed| SoapProblem::malformed(&malformed, call.addressed.clone()))?;
        let admitted = self.admit(call, incoming, Operation::PatientDiscovery);
        Ok(Asked { request, admitted })
    }

    pub(super) async fn identify(&self, call: &Call, asked: Asked) -> Done {
        let Asked { request, admitted } = asked;
        let (admission, repeated, found) = match admitted {
            Ok(Admitted { admission, repeated }) => {
                let found = self.find(call, &request, &admission).await;
                (Some(admission), repeated, found)
            }
            Err(stop) => (None, false, Err(stop)),
        };
        let home = &self.setup.home;
        let now = self.setup.clock.now();
        let id = ids::hl7(self.setup.rng.as_ref()).unwrap_or_else(|_| request.id.clone());
        let (answer, patient, stop) = match found {
            Ok(patient) => {
                let found = PatientMatch {
                    id: patient.id.clone(),
                    demographics: patient.demographics,
                    score: Some(100),
                    custodian: Some(home.oid().as_str().to_owned()),
                };
                (XcpdResponse::found(&request, home, id, now, vec![found]), Some(patient.id), None)
            }
            Err(mut stop) => {
                stop.told(&xcpd::error::wire(&stop.refusal).code);
                let asked_for = request.criteria.patient_ids().next();
                (XcpdResponse::refused(&request, home, id, now, &stop.refusal), asked_for, Some(stop))
            }
        };
        Done {
            body: answer.to_element(),
            parts: Vec::new(),
            group: None,
            admission,
            patient,
            documents: Vec::new(),
            repeated,
            stop,
        }
    }

    async fn find(
        &self,
        call: &Call,
        request: &XcpdRequest,
        admission: &Admission,
    ) -> Verdict<NationalPatient> {
        if !request.receiver.is(&self.setup.home) {
            return Err(Stop::new(Refusal::WrongReceiver, "the receiver is another home community"));
        }
        let ids: Vec<PatientId> = request.criteria.patient_ids().collect();
        if ids.is_empty() {
            return Err(Stop::new(Refusal::NoPatientIdentifier, "no whole identifier in the query"));
        }
        self.permit(call, admission, Act::Identify, CLASS)?;
        let mut found = self.setup.connector.find_patients(&ids).await?;
        match (found.pop(), found.is_empty()) {
            (None, _) => Err(Stop::new(Refusal::NotFound, "nobody has this identifier")),
            (Some(_), false) => {
                Err(Stop::new(Refusal::SeveralMatches, "the identifiers belong to several persons"))
            }
            (Some(patient), true) => {
                self.permit_for(call, admission, Act::Identify, CLASS, &patient.id).await?;
                Ok(patient)
            }
        }
    }
}
