//! The last step: what the profile demands of each kind, and what the three kinds say of each other.
//!
//! * HCP: name, role of the table, facility type, purpose, locality; the permissions of the operation; in ITI-55 the
//!   role's display name; for a discard the organisation's id.
//! * TRC: first `AssertionIDRef` is the HCP assertion's id, the subject is the HCP's, a patient in CX form, a
//!   purpose.
//! * NoK: first `AssertionIDRef` is the HCP assertion's id. Its subject is not compared: the reference
//!   implementation writes a constant there.

use konfido_circle::{PatientId, Personal};

use crate::assertion::{Accepted, Assertion, ConditionsMet, Profile};
use crate::content::{Content, Value};
use crate::names::attribute::{self, Name};
use crate::refusal::{Reason, Refusal};
use crate::vocabulary::{FacilityType, Kind, Operation, Permission, PurposeOfUse, Role};

/// What an accepted HCP assertion says.
#[derive(Clone, Debug)]
pub struct Hcp {
    /// Full name.
    pub name: Personal<String>,
    /// Role.
    pub role: Role,
    /// Kind of house.
    pub facility: FacilityType,
    /// Purpose for which the professional signed in.
    pub purpose: PurposeOfUse,
    /// Point of care.
    pub locality: String,
    /// Name of the organisation.
    pub organization: Option<String>,
    /// Identifier of the organisation.
    pub organization_id: Option<String>,
    /// Home community of the treating country, as written.
    pub home_community: Option<String>,
    /// Role on whose behalf the professional acts.
    pub on_behalf_of: Option<String>,
    /// All permissions.
    pub permissions: Vec<Permission>,
}

impl Hcp {
    /// Where the care is given, as audit messages name it.
    #[must_use]
    pub fn point_of_care(&self) -> &str {
        self.organization.as_deref().unwrap_or(&self.locality)
    }
}

/// What an accepted TRC assertion says.
#[derive(Clone, Debug)]
pub struct Trc {
    /// The patient who is treated.
    pub patient: PatientId,
    /// Purpose of this treatment; emergency is break-glass.
    pub purpose: PurposeOfUse,
    /// The patient's code for a dispensation.
    pub dispensation_pin: Option<Personal<String>>,
    /// The prescription to dispense.
    pub prescription_id: Option<Personal<String>>,
}

/// What an accepted next-of-kin assertion says; all of it is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nok {
    /// Identifier.
    pub id: Option<Personal<String>>,
    /// First name.
    pub first_name: Option<Personal<String>>,
    /// Family name.
    pub family_name: Option<Personal<String>>,
    /// Administrative gender.
    pub gender: Option<Personal<String>>,
    /// Day of birth as written; the reference implementation writes the text of a Java `Date`.
    pub birth_date: Option<Personal<String>>,
    /// Street.
    pub street: Option<Personal<String>>,
    /// City.
    pub city: Option<Personal<String>>,
    /// Postal code.
    pub postal_code: Option<Personal<String>>,
    /// Country.
    pub country: Option<Personal<String>>,
}

impl Nok {
    /// The fields with the attributes that carry them, in the order of the wire.
    #[must_use]
    pub fn fields(&self) -> [(Name, Option<&Personal<String>>); 9] {
        [
            (attribute::NOK_ID, self.id.as_ref()),
            (attribute::NOK_FIRST_NAME, self.first_name.as_ref()),
            (attribute::NOK_FAMILY_NAME, self.family_name.as_ref()),
            (attribute::NOK_GENDER, self.gender.as_ref()),
            (attribute::NOK_BIRTH_DATE, self.birth_date.as_ref()),
            (attribute::NOK_STREET, self.street.as_ref()),
            (attribute::NOK_CITY, self.city.as_ref()),
            (attribute::NOK_POSTAL_CODE, self.postal_code.as_ref()),
            (attribute::NOK_COUNTRY, self.country.as_ref()),
        ]
    }
}

impl Assertion<ConditionsMet> {
    /// Holds an HCP assertion to the profile and to what `operation` demands.
    pub fn accept_hcp(
        self,
        operation: Operation,
        profile: &Profile,
    ) -> Result<Assertion<Accepted<Hcp>>, Refusal> {
        let hcp = self.read_hcp(profile)?;
        let content = &self.state.content;
        if operation == Operation::PatientDiscovery {
            let (_, display) = required_coded(content, attribute::ROLE, "Role")?;
            let display = display.ok_or_else(|| refuse(content, Reason::RoleNameMismatch))?;
            if !display.trim().eq_ignore_ascii_case(hcp.role.display_name()) {
                return Err(refuse(content, Reason::RoleNameMismatch));
            }
        }
        if operation == Operation::DiscardDispensation && hcp.organization_id.is_none() {
            return Err(refuse(content, Reason::Missing(attribute::ORGANIZATION_ID.friendly)));
        }
        for needed in operation.permissions() {
            if !hcp.permissions.iter().any(|p| p.code() == *needed) {
                return Err(refuse(content, Reason::NoPermission(needed)));
            }
        }
        Ok(self.accepted(hcp))
    }

    /// Holds an HCP assertion to what the security token service demands before it issues on its strength: the
    /// profile's attributes, no permission.
    pub fn accept_hcp_at_sts(self, profile: &Profile) -> Result<Assertion<Accepted<Hcp>>, Refusal> {
        let hcp = self.read_hcp(profile)?;
        Ok(self.accepted(hcp))
    }

    fn read_hcp(&self, profile: &Profile) -> Result<Hcp, Refusal> {
        let content = &self.state.content;
        self.demand_kind(Kind::Hcp)?;
        let name = content.required_text(attribute::SUBJECT_ID)?.to_owned();
        let (code, _) = required_coded(content, attribute::ROLE, "Role")?;
        let role = Role::from_code(code).ok_or_else(|| not_in_list(content, attribute::ROLE, code))?;
        let facility = content.required_text(attribute::FACILITY_TYPE)?;
        let facility = FacilityType::from_text(facility)
            .ok_or_else(|| not_in_list(content, attribute::FACILITY_TYPE, facility))?;
        Ok(Hcp {
            name: Personal::new(name),
            role,
            facility,
            purpose: purpose(content)?,
            locality: content.required_text(attribute::LOCALITY)?.to_owned(),
            organization: optional(content, attribute::ORGANIZATION)?,
            organization_id: optional(content, attribute::ORGANIZATION_ID)?,
            home_community: optional(content, attribute::HOME_COMMUNITY)?,
            on_behalf_of: optional(content, attribute::ON_BEHALF_OF)?,
            permissions: permissions(content, profile),
        })
    }

    /// Holds a TRC assertion to the profile and to the HCP assertion it came with.
    pub fn accept_trc(self, hcp: &Assertion<Accepted<Hcp>>) -> Result<Assertion<Accepted<Trc>>, Refusal> {
        let content = &self.state.content;
        self.demand_kind(Kind::Trc)?;
        self.demand_link(hcp)?;
        let (ours, theirs) = (content.name_id(), hcp.content().name_id());
        if ours.value != theirs.value || ours.format != theirs.format {
            return Err(refuse(content, Reason::OtherSubject));
        }
        let cx = content.required_text(attribute::SUBJECT_ID)?;
        let patient = PatientId::parse_cx(cx).map_err(|_| {
            refuse(
                content,
                Reason::NotInList { attribute: attribute::SUBJECT_ID.friendly, value: "[personal]".into() },
            )
        })?;
        let trc = Trc {
            patient,
            purpose: purpose(content)?,
            dispensation_pin: personal(content, attribute::DISPENSATION_PIN)?,
            prescription_id: personal(content, attribute::PRESCRIPTION_ID)?,
        };
        Ok(self.accepted(trc))
    }

    /// Holds a next-of-kin assertion to the profile and to the HCP assertion it came with.
    pub fn accept_nok(self, hcp: &Assertion<Accepted<Hcp>>) -> Result<Assertion<Accepted<Nok>>, Refusal> {
        let content = &self.state.content;
        self.demand_kind(Kind::Nok)?;
        self.demand_link(hcp)?;
        let nok = Nok {
            id: personal(content, attribute::NOK_ID)?,
            first_name: personal(content, attribute::NOK_FIRST_NAME)?,
            family_name: personal(content, attribute::NOK_FAMILY_NAME)?,
            gender: personal(content, attribute::NOK_GENDER)?,
            birth_date: personal(content, attribute::NOK_BIRTH_DATE)?,
            street: personal(content, attribute::NOK_STREET)?,
            city: personal(content, attribute::NOK_CITY)?,
            postal_code: personal(content, attribute::NOK_POSTAL_CODE)?,
            country: personal(content, attribute::NOK_COUNTRY)?,
        };
        Ok(self.accepted(nok))
    }

    fn accepted<C>(self, claims: C) -> Assertion<Accepted<C>> {
        let ConditionsMet { content, signatory } = self.state;
        Assertion { state: Accepted { content, signatory, claims } }
    }

    fn demand_kind(&self, kind: Kind) -> Result<(), Refusal> {
        if self.kind() == kind {
            return Ok(());
        }
        Err(Refusal::of(kind, Reason::UnknownQualifier(self.kind().qualifier().to_owned())))
    }

    fn demand_link(&self, hcp: &Assertion<Accepted<Hcp>>) -> Result<(), Refusal> {
        let content = &self.state.content;
        match content.references.first() {
            None => Err(refuse(content, Reason::Missing("AssertionIDRef"))),
            Some(reference) if reference == hcp.id().as_str() => Ok(()),
            Some(_) => Err(refuse(content, Reason::NotLinked)),
        }
    }
}

const fn refuse(content: &Content, reason: Reason) -> Refusal {
    Refusal::of(content.kind(), reason)
}

fn not_in_list(content: &Content, name: Name, value: &str) -> Refusal {
    refuse(content, Reason::NotInList { attribute: name.friendly, value: value.to_owned() })
}

fn required_coded<'c>(
    content: &'c Content,
    name: Name,
    element: &str,
) -> Result<(&'c str, Option<&'c str>), Refusal> {
    content.coded(name, element)?.ok_or_else(|| refuse(content, Reason::Missing(name.friendly)))
}

fn purpose(content: &Content) -> Result<PurposeOfUse, Refusal> {
    let (code, _) = required_coded(content, attribute::PURPOSE_OF_USE, "PurposeOfUse")?;
    PurposeOfUse::from_code(code).ok_or_else(|| refuse(content, Reason::WrongPurpose(code.to_owned())))
}

/// An optional text; blank counts as absent.
fn optional(content: &Content, name: Name) -> Result<Option<String>, Refusal> {
    Ok(content.text(name)?.filter(|t| !t.is_empty()).map(str::to_owned))
}

fn personal(content: &Content, name: Name) -> Result<Option<Personal<String>>, Refusal> {
    Ok(optional(content, name)?.map(Personal::new))
}

fn permissions(content: &Content, profile: &Profile) -> Vec<Permission> {
    content
        .values(attribute::PERMISSION)
        .iter()
        .filter_map(|value| match value {
            Value::Text(urn) => Permission::from_urn(urn)
                .or_else(|| profile.danger_accept_older_generation.then(|| Permission::new(urn.trim()))),
            Value::Coded { .. } => None,
        })
        .collect()
}
