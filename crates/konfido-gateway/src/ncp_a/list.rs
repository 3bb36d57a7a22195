//! ITI-38: which documents are there (openncp.md 5.1 to 5.5, 5.7).
//!
//! PS and eP are asked for one at a time, original clinical documents also several classes at once; any other mix is
//! refused. The patient of the query must be the patient of the treatment relationship.

use jiff::tz::TimeZone;
use konfido_circle::PatientId;
use konfido_ihe::xca::{self, Association, DocumentEntry, DocumentQuery, EntryFacts, QueryResponse};
use konfido_ihe::{ClassCode, DocumentClass, Group, Level, Refusal};
use konfido_saml::Admission;

use super::call::{Call, Done};
use super::rights::operation;
use super::stop::Stop;
use super::{Admitted, NcpA, Verdict};
use crate::connector::{Filter, NationalEntry};
use crate::ids;
use crate::policy::Act;
use crate::wire::Incoming;

/// A query that may be read, and whether it may go on.
#[derive(Debug)]
pub(super) struct Asked {
    group: Option<Group>,
    patient: Option<PatientId>,
    ready: Verdict<Ready>,
}

#[derive(Debug)]
struct Ready {
    query: DocumentQuery,
    classes: Verdict<Vec<DocumentClass>>,
    admitted: Admitted,
}

impl NcpA {
    pub(super) fn take_list(&self, call: &Call, incoming: &Incoming) -> Asked {
        let query = match DocumentQuery::parse(incoming.body()) {
            Ok(query) => query,
            Err(malformed) => return Asked { group: None, patient: None, ready: Err(malformed.into()) },
        };
        let patient = Some(query.patient.clone());
        // That a class is not served is told only to those whose assertions hold.
        let classes = classes(&query);
        let group = query.classes.first().and_then(ClassCode::class).map(DocumentClass::group);
        let ready = self
            .admit(call, incoming, operation(group.unwrap_or(Group::PatientSummary)))
            .map(|admitted| Ready { classes, admitted, query });
        Asked { group, patient, ready }
    }

    pub(super) async fn list(&self, call: &Call, asked: Asked) -> Done {
        let Asked { group, patient, ready } = asked;
        let (admission, repeated, answer) = match ready {
            Ok(Ready { query, classes, admitted: Admitted { admission, repeated } }) => {
                let answer = self.answer_query(call, &query, classes, &admission).await;
                (Some(admission), repeated, answer)
            }
            Err(stop) => (None, false, Err(stop)),
        };
        let (answer, documents, stop) = match answer {
            Ok((answer, national)) => {
                let documents = national.into_iter().map(|entry| (entry.id, None)).collect();
                (answer, documents, None)
            }
            Err(mut stop) => {
                stop.told(&xca::error::wire(xca::error::Step::Query, group, &stop.refusal).code);
                (QueryResponse::refused(&self.setup.home, group, &stop.refusal), Vec::new(), Some(stop))
            }
        };
        Done {
            body: answer.to_element(),
            parts: Vec::new(),
            group,
            admission,
            patient,
            documents,
            repeated,
            stop,
        }
    }

    async fn answer_query(
        &self,
        call: &Call,
        query: &DocumentQuery,
        classes: Verdict<Vec<DocumentClass>>,
        admission: &Admission,
    ) -> Verdict<(QueryResponse, Vec<NationalEntry>)> {
        let classes = classes?;
        admission.demand_patient(&query.patient)?;
        if query.home.as_ref().is_some_and(|home| *home != self.setup.home) {
            return Err(Stop::new(Refusal::WrongReceiver, "the query is for another home community"));
        }
        for class in &classes {
            self.permit(call, admission, Act::List, class.code())?;
        }
        let filter = Filter {
            maximum_size: query.maximum_size,
            created_before: query.created_before,
            created_after: query.created_after,
        };
        let mut national = Vec::new();
        for class in &classes {
            self.permit_for(call, admission, Act::List, class.code(), &query.patient).await?;
            national.extend(self.setup.connector.list(&query.patient, *class, &filter).await?);
        }
        if national.is_empty() {
            return Err(Stop::new(Refusal::NotFound, "the patient has no such document"));
        }
        let entries: Vec<DocumentEntry> =
            national.iter().map(|entry| self.entry(&query.patient, entry)).collect::<Verdict<_>>()?;
        let associations = associations(&national, &entries);
        Ok((QueryResponse::found(entries, associations, Vec::new()), national))
    }

    fn entry(&self, patient: &PatientId, entry: &NationalEntry) -> Verdict<DocumentEntry> {
        let setup = &self.setup;
        let created = entry.created.and_then(|civil| TimeZone::UTC.to_timestamp(civil).ok());
        let mut written = DocumentEntry::new(EntryFacts {
            entry_id: ids::uuid(setup.rng.as_ref())?,
            home: setup.home.clone(),
            country: setup.country,
            country_name: setup.country_name.clone(),
            document: entry.id.as_str().to_owned(),
            class: entry.class,
            level: entry.level,
            patient: patient.clone(),
            created: created.unwrap_or_else(|| setup.clock.now()),
            size: entry.size,
            hash: hex::encode(entry.sha1),
            language: entry.language.clone(),
            description: entry.description.clone().unwrap_or_else(|| entry.class.title().to_owned()),
        });
        written.repository = setup.repository.as_str().to_owned();
        if entry.class == DocumentClass::EPrescription {
            written.events.push(xca::EventCode::Dispensable(entry.dispensable));
        }
        Ok(written)
    }
}

/// The scanned form of a document points to its structured form.
fn associations(national: &[NationalEntry], written: &[DocumentEntry]) -> Vec<Association> {
    let pairs = || national.iter().zip(written);
    let structured_of = |scan: &NationalEntry| {
        pairs().find(|(other, _)| Some(&other.id) == scan.twin.as_ref()).map(|(_, entry)| entry)
    };
    pairs()
        .filter(|(scan, _)| scan.level == Level::Scanned)
        .filter_map(|(scan, entry)| Some(Association::transformation(entry, structured_of(scan)?)))
        .collect()
}

fn classes(query: &DocumentQuery) -> Verdict<Vec<DocumentClass>> {
    let unserved = |cause: &str| Err(Stop::new(Refusal::ClassNotServed, cause));
    let mut classes = Vec::new();
    for code in &query.classes {
        match code.class() {
            Some(class) if class.is_queryable() => classes.push(class),
            _ => return unserved("a class that is not served"),
        }
    }
    match classes.as_slice() {
        [] => unserved("no class in the query"),
        [_] => Ok(classes),
        several if several.iter().all(|class| class.group() == Group::Original) => Ok(classes),
        _ => unserved("only original clinical documents may be asked for together"),
    }
}
