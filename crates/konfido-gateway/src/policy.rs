//! National access policy, written in Cedar and evaluated for every request.
//!
//! The signature, the conditions and the permissions of the assertions are settled before (`konfido-saml`); here the
//! country decides: role, purpose, treatment relationship, consent, break-glass. The policies and their schema are
//! text files (`policies/`), embedded as the default and replaceable by configuration; they are validated against the
//! schema when they are loaded, so that a policy that can never match does not start.
//!
//! INVARIANT (deny by default): only [`Decision::Permit`] goes on to the national connector; an error in an
//! evaluation is a denial.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression, Schema, ValidationMode, Validator,
};

const SCHEMA: &str = include_str!("../../../policies/konfido.cedarschema");
const ACCESS: &str = include_str!("../../../policies/access.cedar");

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Find the patient.
    Identify,
    /// List documents of one class.
    List,
    /// Read one document.
    Retrieve,
}

/// What the patient's country knows of the patient's will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Consent {
    /// Given, or not needed by national law.
    Given,
    /// Refused.
    Refused,
    /// Not asked yet, because the patient is not known yet.
    Unknown,
}

/// Everything a policy may look at. No name, no patient id.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// What is asked for.
    pub act: Act,
    /// ISCO code of the professional's role.
    pub role: &'a str,
    /// Kind of the professional's house.
    pub facility: &'a str,
    /// Member state that asks.
    pub country: &'a str,
    /// Permissions of the HCP assertion.
    pub permissions: Vec<&'a str>,
    /// Class code asked for; `identity` for the identification.
    pub class: &'a str,
    /// The patient's will.
    pub consent: Consent,
    /// `TREATMENT` or `EMERGENCY`.
    pub purpose: &'a str,
    /// Whether a treatment relationship is confirmed.
    pub relationship: bool,
}

/// The answer of the policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on. Names the policies that permitted.
    Permit(Vec<String>),
    /// The patient's will forbids it.
    NoConsent(Vec<String>),
    /// Anything else forbids it, or nothing permits it.
    Deny(Vec<String>),
}

/// Why policies can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A file could not be read.
    #[error("could not read policy file `{path}`")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no `*.cedar` file.
    #[error("no policy in `{0}`\nput at least one `.cedar` file there")]
    Empty(PathBuf),
    /// Not Cedar, or not valid by the schema.
    #[error("policy is not valid: {0}")]
    Invalid(String),
}

/// The loaded policies of a country.
pub struct Policy {
    policies: PolicySet,
    schema: Schema,
    authorizer: Authorizer,
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy").field("policies", &self.policies.num_of_policies()).finish_non_exhaustive()
    }
}

impl Policy {
    /// The policies that Konfido comes with.
    pub fn standard() -> Result<Self, PolicyError> {
        Self::from_text(ACCESS)
    }

    /// All `*.cedar` files of a directory, in the order of their names.
    pub fn from_directory(directory: &Path) -> Result<Self, PolicyError> {
        let read = |path: &Path, source| PolicyError::Read { path: path.to_owned(), source };
        let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
            .map_err(|e| read(directory, e))?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "cedar"))
            .collect();
        files.sort();
        if files.is_empty() {
            return Err(PolicyError::Empty(directory.to_owned()));
        }
        let mut text = String::new();
        for file in files {
            text.push_str(&std::fs::read_to_string(&file).map_err(|e| read(&file, e))?);
            text.push('\n');
        }
        Self::from_text(&text)
    }

    /// Policies from one text.
    pub fn from_text(text: &str) -> Result<Self, PolicyError> {
        let invalid = |e: &dyn std::fmt::Display| PolicyError::Invalid(e.to_string());
        let (schema, _warnings) = Schema::from_cedarschema_str(SCHEMA).map_err(|e| invalid(&e))?;
        let policies = PolicySet::from_str(text).map_err(|e| invalid(&e))?;
        let verdict = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        if !verdict.validation_passed() {
            let all: Vec<String> = verdict.validation_errors().map(ToString::to_string).collect();
            return Err(PolicyError::Invalid(all.join("; ")));
        }
        Ok(Self { policies, schema, authorizer: Authorizer::new() })
    }

    /// Asks the policies.
    #[must_use]
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        match self.evaluate(question) {
            Ok(decision) => decision,
            Err(error) => {
                tracing::error!(%error, "policy could not be evaluated, so the answer is no");
                Decision::Deny(vec!["evaluation-failed".into()])
            }
        }
    }

    fn evaluate(&self, question: &Question<'_>) -> Result<Decision, String> {
        let text = |s: &str| RestrictedExpression::new_string(s.to_owned());
        let permissions = RestrictedExpression::new_set(question.permissions.iter().map(|p| text(p)));
        let principal = uid("Professional", "presenter")?;
        let resource = uid("Record", question.class)?;
        let professional = entity(
            &principal,
            [
                ("role", text(question.role)),
                ("facility", text(question.facility)),
                ("country", text(question.country)),
                ("permissions", permissions),
            ],
        )?;
        let consent = match question.consent {
            Consent::Given => "given",
            Consent::Refused => "refused",
            Consent::Unknown => "unknown",
        };
        let record = entity(&resource, [("class", text(question.class)), ("consent", text(consent))])?;
        let entities =
            Entities::from_entities([professional, record], Some(&self.schema)).map_err(|e| e.to_string())?;
        let context = Context::from_pairs([
            ("purpose".to_owned(), text(question.purpose)),
            ("relationship".to_owned(), RestrictedExpression::new_bool(question.relationship)),
        ])
        .map_err(|e| e.to_string())?;
        let action = uid(
            "Action",
            match question.act {
                Act::Identify => "identify",
                Act::List => "list",
                Act::Retrieve => "retrieve",
            },
        )?;
        let request = Request::new(principal, action, resource, context, Some(&self.schema))
            .map_err(|e| e.to_string())?;
        let response = self.authorizer.is_authorized(&request, &self.policies, &entities);
        let mut names = Vec::new();
        let mut no_consent = false;
        for id in response.diagnostics().reason() {
            names.push(self.policies.annotation(id, "id").unwrap_or("unnamed").to_owned());
            no_consent |= self.policies.annotation(id, "refusal") == Some("no-consent");
        }
        names.sort();
        // An error in any policy makes the whole answer a no: a forbid may have been the one that failed.
        let failed = response.diagnostics().errors().next().is_some();
        Ok(match response.decision() {
            cedar_policy::Decision::Allow if !failed => Decision::Permit(names),
            cedar_policy::Decision::Deny if no_consent => Decision::NoConsent(names),
            _ => Decision::Deny(names),
        })
    }
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    let kind = EntityTypeName::from_str(&format!("Konfido::{kind}")).map_err(|e| e.to_string())?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

fn entity<const N: usize>(
    uid: &EntityUid,
    attributes: [(&str, RestrictedExpression); N],
) -> Result<Entity, String> {
    let attributes: HashMap<String, RestrictedExpression> =
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Entity::new(uid.clone(), attributes, HashSet::new()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question<'static> {
        Question {
            act: Act::Retrieve,
            role: "221",
            facility: "Hospital",
            country: "DK",
            permissions: vec!["PRD-003"],
            class: "60591-5",
            consent: Consent::Given,
            purpose: "TREATMENT",
            relationship: true,
        }
    }

    #[test]
    fn treatment_with_a_relationship_is_permitted() {
        let policy = Policy::standard().unwrap();
        assert_eq!(
            policy.decide(&question()),
            Decision::Permit(vec!["read-within-a-treatment-relationship".into()])
        );
    }

    #[test]
    fn no_relationship_no_document() {
        let policy = Policy::standard().unwrap();
        let question = Question { relationship: false, ..question() };
        assert_eq!(policy.decide(&question), Decision::Deny(vec![]));
    }

    #[test]
    fn refused_consent_wins_but_for_an_emergency() {
        let policy = Policy::standard().unwrap();
        let refused = Question { consent: Consent::Refused, ..question() };
        assert_eq!(policy.decide(&refused), Decision::NoConsent(vec!["consent-refused".into()]));
        let emergency = Question { purpose: "EMERGENCY", ..refused };
        assert_eq!(policy.decide(&emergency), Decision::Permit(vec!["read-by-breaking-the-glass".into()]));
    }

    #[test]
    fn a_clerk_breaks_no_glass() {
        let policy = Policy::standard().unwrap();
        let question = Question { role: "44", purpose: "EMERGENCY", ..question() };
        assert_eq!(policy.decide(&question), Decision::Deny(vec![]));
    }

    #[test]
    fn identification_needs_no_relationship_but_a_purpose() {
        let policy = Policy::standard().unwrap();
        let identify = Question {
            act: Act::Identify,
            class: "identity",
            consent: Consent::Unknown,
            relationship: false,
            ..question()
        };
        assert!(matches!(policy.decide(&identify), Decision::Permit(_)));
        let curious = Question { purpose: "CURIOSITY", ..identify };
        assert_eq!(policy.decide(&curious), Decision::Deny(vec![]));
    }

    #[test]
    fn a_policy_that_speaks_of_unknown_things_does_not_load() {
        let text = r#"permit (principal, action, resource) when { principal.shoeSize == 42 };"#;
        assert!(matches!(Policy::from_text(text), Err(PolicyError::Invalid(_))));
    }
}
