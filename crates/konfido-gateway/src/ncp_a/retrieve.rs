//! ITI-39: the document itself (openncp.md 5.6).
//!
//! The patient is the one of the treatment relationship; a document of another patient is answered exactly as one that
//! does not exist. The class is asked for before the content, so that the permissions of that class are settled first.
//! Several documents in one request are all given or none.

use konfido_circle::PatientId;
use konfido_ihe::xca::{self, DocumentRequest, RetrieveRequest, RetrieveResponse, RetrievedDocument};
use konfido_ihe::{Group, Refusal};
use konfido_saml::Admission;

use super::call::{Call, Done};
use super::stop::Stop;
use super::{Admitted, NcpA, Verdict};
use crate::connector::DocumentId;
use crate::ids;
use crate::observer::Fingerprint;
use crate::policy::Act;
use crate::wire::Incoming;

/// Documents that one request may ask for.
const MOST: usize = 8;

/// A request that may be read, and whether it may go on.
#[derive(Debug)]
pub(super) struct Asked {
    ready: Verdict<(RetrieveRequest, Admitted)>,
}

/// How far a retrieve has come; the group decides the words of a refusal.
#[derive(Debug, Default)]
struct Progress {
    group: Option<Group>,
    documents: Vec<RetrievedDocument>,
}

impl NcpA {
    pub(super) fn take_retrieve(&self, call: &Call, incoming: &Incoming) -> Asked {
        let request = match RetrieveRequest::parse(incoming.body()) {
            Ok(request) => request,
            Err(malformed) => return Asked { ready: Err(malformed.into()) },
        };
        Asked { ready: self.admit_any_class(call, incoming).map(|admitted| (request, admitted)) }
    }

    pub(super) async fn retrieve(&self, call: &Call, asked: Asked) -> Done {
        let mut progress = Progress::default();
        let (admission, repeated, verdict) = match asked.ready {
            Ok((request, Admitted { admission, repeated })) => {
                let verdict = self.fetch_all(call, &request, &admission, &mut progress).await;
                (Some(admission), repeated, verdict)
            }
            Err(stop) => (None, false, Err(stop)),
        };
        let patient = admission.as_ref().and_then(|a| a.patient().cloned());
        let Progress { group, documents } = progress;
        let mut done = Done {
            body: RetrieveResponse::refused(&self.setup.home, group, &Refusal::Internal).to_element(),
            parts: Vec::new(),
            group,
            admission,
            patient,
            documents: Vec::new(),
            repeated,
            stop: None,
        };
        match verdict {
            Ok(()) => {
                done.documents = documents
                    .iter()
                    .map(|d| {
                        (DocumentId::new(d.id.document.clone()), Some(Fingerprint::of(d.content.reveal())))
                    })
                    .collect();
                let stem = ids::uuid(self.setup.rng.as_ref())
                    .map_or_else(|_| call.incident.clone(), |id| id.to_string());
                let mut number = 0_u32;
                let answer = RetrieveResponse::delivered(documents, Vec::new());
                (done.body, done.parts) = answer.to_xop(|| {
                    number += 1;
                    format!("{number}.{stem}@konfido.invalid")
                });
            }
            Err(mut stop) => {
                stop.told(&xca::error::wire(xca::error::Step::Retrieve, group, &stop.refusal).code);
                done.body = RetrieveResponse::refused(&self.setup.home, group, &stop.refusal).to_element();
                done.stop = Some(stop);
            }
        }
        done
    }

    async fn fetch_all(
        &self,
        call: &Call,
        request: &RetrieveRequest,
        admission: &Admission,
        progress: &mut Progress,
    ) -> Verdict<()> {
        if request.documents.len() > MOST {
            return Err(Stop::new(Refusal::Malformed, "too many documents in one request"));
        }
        let patient = admission
            .patient()
            .ok_or_else(|| Stop::new(Refusal::MissingAssertion, "no treatment relationship"))?;
        for wanted in &request.documents {
            self.fetch(call, wanted, patient, admission, progress).await?;
        }
        Ok(())
    }

    async fn fetch(
        &self,
        call: &Call,
        wanted: &DocumentRequest,
        patient: &PatientId,
        admission: &Admission,
        progress: &mut Progress,
    ) -> Verdict<()> {
        let setup = &self.setup;
        let missing = |cause: &str| Stop::new(Refusal::NotFound, cause);
        if wanted.home.as_ref().is_some_and(|home| *home != setup.home.urn()) {
            return Err(missing("another home community"));
        }
        if wanted.repository != setup.repository.as_str() {
            return Err(missing("another repository"));
        }
        let id = DocumentId::new(wanted.document.clone());
        let class = setup
            .connector
            .class_of(patient, &id)
            .await?
            .ok_or_else(|| missing("the patient has no document of this id"))?;
        progress.group = Some(class.group());
        self.demand_permissions(admission, class)?;
        self.permit_for(call, admission, Act::Retrieve, class.code(), patient).await?;
        let document = setup
            .connector
            .retrieve(patient, &id)
            .await?
            .ok_or_else(|| missing("the document went away while it was asked for"))?;
        let home = wanted.home.clone().or_else(|| Some(setup.home.urn()));
        progress
            .documents
            .push(RetrievedDocument::cda(DocumentRequest { home, ..wanted.clone() }, document.bytes));
        Ok(())
    }
}
