//! `AdhocQueryRequest`: the stored query FindDocuments of ITI-38.

use jiff::Timestamp;
use konfido_circle::{HomeCommunityId, PatientId};
use konfido_xml::{El, Element};

use crate::document_class::ClassCode;
use crate::malformed::Malformed;
use crate::registry::rim::{rim, slot, slot_value, slot_values};
use crate::registry::{QUERY, RIM};
use crate::transaction::Transaction;

const FIND_DOCUMENTS: &str = "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d";
const APPROVED: &str = "('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')";

const PATIENT: &str = "$XDSDocumentEntryPatientId";
const STATUS: &str = "$XDSDocumentEntryStatus";
const CLASS: &str = "$XDSDocumentEntryClassCode";
const MAXIMUM_SIZE: &str = "$XDSDocumentEntryFilterMaximumSize";
const CREATED_BEFORE: &str = "$XDSDocumentEntryFilterCreatedBefore";
const CREATED_AFTER: &str = "$XDSDocumentEntryFilterCreatedAfter";

/// How much of each document's metadata is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReturnType {
    /// All of it.
    #[default]
    LeafClass,
    /// References alone.
    ObjectRef,
}

/// The request of ITI-38.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentQuery {
    /// Whose documents.
    pub patient: PatientId,
    /// Which classes; empty if the peer named none.
    pub classes: Vec<ClassCode>,
    /// The home community asked, which most peers leave out.
    pub home: Option<HomeCommunityId>,
    /// How much is asked for.
    pub returns: ReturnType,
    /// Only documents of at most so many bytes.
    pub maximum_size: Option<u64>,
    /// Only documents made before.
    pub created_before: Option<Timestamp>,
    /// Only documents made after.
    pub created_after: Option<Timestamp>,
}

impl DocumentQuery {
    /// A query for all documents of these classes.
    #[must_use]
    pub fn new(patient: PatientId, classes: Vec<ClassCode>) -> Self {
        Self {
            patient,
            classes,
            home: None,
            returns: ReturnType::LeafClass,
            maximum_size: None,
            created_before: None,
            created_after: None,
        }
    }

    /// Reads the element `AdhocQueryRequest`.
    pub fn parse(message: Element<'_>) -> Result<Self, Malformed> {
        let (namespace, root) = Transaction::Query.request_root();
        if !message.is(namespace, root) {
            return Err(Malformed::at(message, "not a query for documents"));
        }
        let query = message
            .child(RIM, "AdhocQuery")
            .ok_or_else(|| Malformed::at(message, "`AdhocQuery` is missing"))?;
        if !query.attribute("id").is_some_and(|id| id.trim().eq_ignore_ascii_case(FIND_DOCUMENTS)) {
            return Err(Malformed::at(query, "the only stored query of the profile is FindDocuments"));
        }
        let returns = match message.child(QUERY, "ResponseOption").and_then(|o| o.attribute("returnType")) {
            None | Some("LeafClass") => ReturnType::LeafClass,
            Some("ObjectRef") => ReturnType::ObjectRef,
            Some(_) => return Err(Malformed::at(message, "an unknown `returnType`")),
        };
        let home = match query.attribute("home").map(str::trim).filter(|home| !home.is_empty()) {
            Some(urn) => {
                Some(HomeCommunityId::from_urn(urn).map_err(|e| Malformed::at(query, e.to_string()))?)
            }
            None => None,
        };
        let instant = |name| match slot_value(query, name) {
            Some(text) => unquoted(&text)
                .parse::<Timestamp>()
                .map(Some)
                .map_err(|_| Malformed::at(query, format!("`{name}` is not an instant"))),
            None => Ok(None),
        };
        let maximum_size = match slot_value(query, MAXIMUM_SIZE) {
            Some(text) => Some(
                unquoted(&text)
                    .parse()
                    .map_err(|_| Malformed::at(query, format!("`{MAXIMUM_SIZE}` is not a number")))?,
            ),
            None => None,
        };
        Ok(Self {
            patient: read_patient(query)?,
            classes: read_classes(query)?,
            home,
            returns,
            maximum_size,
            created_before: instant(CREATED_BEFORE)?,
            created_after: instant(CREATED_AFTER)?,
        })
    }

    /// Writes the element `AdhocQueryRequest`.
    ///
    /// Several classes go in the form of IHE, `('a^^s','b^^s')`, in one value: the reference implementation
    /// drops quotes and splits at the commas, so both read the same.
    #[must_use]
    pub fn to_element(&self) -> El {
        let items: Vec<String> =
            self.classes.iter().map(|class| format!("'{}^^{}'", class.code(), class.scheme())).collect();
        let classes = (!items.is_empty()).then(|| slot(CLASS, [format!("({})", items.join(","))]));
        let option = |name, value: Option<String>| value.map(|value| slot(name, [value]));
        let query = rim("AdhocQuery")
            .attr("id", FIND_DOCUMENTS)
            .opt_attr("home", self.home.as_ref().map(HomeCommunityId::urn))
            .child(slot(PATIENT, [format!("'{}'", self.patient.to_cx())]))
            .child(slot(STATUS, [APPROVED.to_owned()]))
            .opt_child(classes)
            .opt_child(option(MAXIMUM_SIZE, self.maximum_size.map(|size| size.to_string())))
            .opt_child(option(CREATED_BEFORE, self.created_before.map(|t| t.to_string())))
            .opt_child(option(CREATED_AFTER, self.created_after.map(|t| t.to_string())));
        let returns = match self.returns {
            ReturnType::LeafClass => "LeafClass",
            ReturnType::ObjectRef => "ObjectRef",
        };
        let option = El::new(QUERY, "ResponseOption")
            .attr("returnComposedObjects", "true")
            .attr("returnType", returns);
        El::new(QUERY, "AdhocQueryRequest").child(option).child(query)
    }
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(|c: char| c == '\'' || c == '(' || c == ')' || c.is_whitespace())
}

/// The one patient of the query: several different ones are refused, because an answer could not say whose it is.
fn read_patient(query: Element<'_>) -> Result<PatientId, Malformed> {
    let mut patient = None;
    for value in slot_values(query, PATIENT) {
        let cx = value.trim().trim_start_matches('(').trim_end_matches(')').trim();
        let cx = cx.strip_prefix('\'').and_then(|cx| cx.strip_suffix('\'')).unwrap_or(cx);
        let id = PatientId::parse_cx(cx).map_err(|e| Malformed::at(query, e.to_string()))?;
        match &patient {
            None => patient = Some(id),
            Some(first) if *first == id => {}
            Some(_) => return Err(Malformed::at(query, "the query names several patients")),
        }
    }
    patient.ok_or_else(|| Malformed::at(query, format!("`{PATIENT}` is missing")))
}

/// All class codes, in both notations and from all values, without repetition.
fn read_classes(query: Element<'_>) -> Result<Vec<ClassCode>, Malformed> {
    let mut classes = Vec::new();
    for value in slot_values(query, CLASS) {
        let plain = value.replace(['(', ')', '\''], "");
        for item in plain.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (code, scheme) = item
                .split_once("^^")
                .ok_or_else(|| Malformed::at(query, "a class code needs the form `code^^scheme`"))?;
            let class = ClassCode::new(code.trim(), scheme.trim());
            if !classes.contains(&class) {
                classes.push(class);
            }
        }
    }
    Ok(classes)
}
