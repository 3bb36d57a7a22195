//! The patient (`recordTarget/patientRole`), and the names, addresses and telecoms that persons have.

use konfido_circle::Personal;
use konfido_xml::Element;

use crate::{
    narrative::Narrative,
    tree::Walk,
    value::{Coded, InstanceId, Moment, NullFlavor, personal, silent_debug},
};

/// A person's name (`PN`).
#[derive(Clone)]
#[non_exhaustive]
pub struct PersonName<'d> {
    /// `family` parts.
    pub family: Vec<Personal<String>>,
    /// `given` parts.
    pub given: Vec<Personal<String>>,
    /// `prefix` parts, such as titles.
    pub prefix: Vec<Personal<String>>,
    /// `suffix` parts.
    pub suffix: Vec<Personal<String>>,
    /// A name that isn't split into parts.
    pub whole: Option<Personal<String>>,
    /// `@nullFlavor`.
    pub null_flavor: Option<NullFlavor<'d>>,
}

/// A postal address (`AD`).
#[derive(Clone)]
#[non_exhaustive]
pub struct Address<'d> {
    /// Street lines, in order.
    pub street: Vec<Personal<String>>,
    /// `postalCode`.
    pub postal_code: Option<Personal<String>>,
    /// `city`.
    pub city: Option<Personal<String>>,
    /// `state`.
    pub state: Option<Personal<String>>,
    /// `country`: a two-letter code as a rule.
    pub country: Option<String>,
    /// An address that isn't split into parts.
    pub whole: Option<Personal<String>>,
    /// `@nullFlavor`.
    pub null_flavor: Option<NullFlavor<'d>>,
}

/// A telephone number or an electronic address (`TEL`).
#[derive(Clone)]
#[non_exhaustive]
pub struct Telecom<'d> {
    /// URL, such as `tel:+39…`.
    pub value: Personal<&'d str>,
    /// `@use`: `H` home, `WP` work, `MC` mobile.
    pub usage: Option<&'d str>,
}

/// A legal guardian.
#[derive(Clone)]
#[non_exhaustive]
pub struct Guardian<'d> {
    /// Names.
    pub names: Vec<PersonName<'d>>,
    /// Addresses.
    pub addresses: Vec<Address<'d>>,
    /// Telecoms.
    pub telecoms: Vec<Telecom<'d>>,
}

/// The patient.
#[derive(Clone)]
#[non_exhaustive]
pub struct Patient<'d> {
    /// Identifiers; the first is the primary one.
    pub ids: Vec<Personal<InstanceId<'d>>>,
    /// Names, the legal one first.
    pub names: Vec<PersonName<'d>>,
    /// Addresses.
    pub addresses: Vec<Address<'d>>,
    /// Telecoms.
    pub telecoms: Vec<Telecom<'d>>,
    /// `administrativeGenderCode`.
    pub gender: Option<Personal<Coded<'d>>>,
    /// `birthTime`.
    pub birth: Option<Personal<Moment<'d>>>,
    /// `guardian`s.
    pub guardians: Vec<Guardian<'d>>,
    /// Languages that the patient speaks.
    pub languages: Vec<&'d str>,
}

silent_debug!(PersonName, Address, Telecom, Guardian, Patient);

impl<'d> PersonName<'d> {
    /// Reads a `name`.
    pub fn new(element: Element<'d>) -> Self {
        let parts = |name| element.every(name).filter_map(|part| personal(part.label())).collect();
        let (family, given): (Vec<_>, Vec<_>) = (parts("family"), parts("given"));
        let whole = if family.is_empty() && given.is_empty() { personal(element.label()) } else { None };
        Self {
            family,
            given,
            prefix: parts("prefix"),
            suffix: parts("suffix"),
            whole,
            null_flavor: element.null_flavor(),
        }
    }

    /// The names of a person or organisation element.
    pub(super) fn all(holder: Element<'d>) -> Vec<Self> {
        holder.every("name").map(Self::new).collect()
    }

    /// In the order of speech: `Dr Anna Maria Rossi`.
    pub fn spoken(&self) -> Personal<String> {
        let parts = self.prefix.iter().chain(&self.given).chain(&self.family).chain(&self.suffix);
        let spoken =
            parts.chain(&self.whole).map(|part| part.reveal().as_str()).collect::<Vec<_>>().join(" ");
        Personal::new(spoken)
    }

    /// Whether there is no name in it.
    pub fn is_empty(&self) -> bool {
        self.family.is_empty() && self.given.is_empty() && self.whole.is_none()
    }
}

impl<'d> Address<'d> {
    /// Reads an `addr`.
    pub fn new(element: Element<'d>) -> Self {
        let part = |name| element.hl7(name).and_then(|part| personal(part.label()));
        let street: Vec<_> = element
            .children()
            .filter(|part| matches!(part.local(), "streetAddressLine" | "streetName" | "houseNumber"))
            .filter_map(|part| personal(part.label()))
            .collect();
        let split = element.children().next().is_some();
        Self {
            street,
            postal_code: part("postalCode"),
            city: part("city"),
            state: part("state"),
            country: element.hl7("country").map(Walk::label).filter(|country| !country.is_empty()),
            whole: if split { None } else { personal(element.label()) },
            null_flavor: element.null_flavor(),
        }
    }

    pub(super) fn all(holder: Element<'d>) -> Vec<Self> {
        holder.every("addr").map(Self::new).collect()
    }

    /// The lines of an envelope.
    pub fn lines(&self) -> Vec<Personal<String>> {
        let mut lines = self.street.clone();
        let town = [&self.postal_code, &self.city].into_iter().flatten();
        let town = town.map(|part| part.reveal().as_str()).collect::<Vec<_>>().join(" ");
        lines.extend(personal(town));
        lines.extend(self.state.clone());
        lines.extend(self.country.clone().and_then(personal));
        lines.extend(self.whole.clone());
        lines
    }
}

impl<'d> Telecom<'d> {
    pub(super) fn all(holder: Element<'d>) -> Vec<Self> {
        let filled = holder.every("telecom").filter_map(|telecom| {
            let value = telecom.attribute("value").map(str::trim).filter(|value| !value.is_empty())?;
            Some(Self { value: Personal::new(value), usage: telecom.attribute("use") })
        });
        filled.collect()
    }
}

impl<'d> Guardian<'d> {
    fn new(element: Element<'d>) -> Option<Self> {
        let names = element.hl7("guardianPerson").map(PersonName::all).unwrap_or_default();
        let guardian = Self { names, addresses: Address::all(element), telecoms: Telecom::all(element) };
        let empty = guardian.names.iter().all(PersonName::is_empty) && guardian.telecoms.is_empty();
        (!empty).then_some(guardian)
    }
}

impl<'d> Patient<'d> {
    pub(super) fn new(target: Element<'d>) -> Option<Self> {
        let role = target.hl7("patientRole")?;
        let patient = role.hl7("patient");
        let none = &Narrative::default();
        let of_patient = |name| patient.and_then(|patient| patient.hl7(name));
        Some(Self {
            ids: role.every("id").map(|id| Personal::new(InstanceId::new(id))).collect(),
            names: patient.map(PersonName::all).unwrap_or_default(),
            addresses: Address::all(role),
            telecoms: Telecom::all(role),
            gender: of_patient("administrativeGenderCode").map(|code| Personal::new(Coded::new(code, none))),
            birth: of_patient("birthTime")
                .and_then(|birth| Moment::new(birth.attribute("value")?))
                .map(Personal::new),
            guardians: patient
                .map(|patient| patient.every("guardian").filter_map(Guardian::new).collect())
                .unwrap_or_default(),
            languages: patient
                .map(|patient| {
                    let spoken = patient.every("languageCommunication");
                    spoken.filter_map(|language| language.hl7("languageCode")?.attribute("code")).collect()
                })
                .unwrap_or_default(),
        })
    }

    /// The name to show.
    pub fn name(&self) -> Option<Personal<String>> {
        self.names.iter().find(|name| !name.is_empty()).map(PersonName::spoken)
    }
}
