//! Reading the store: Java property files of the patient index, and the headers of documents.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use jiff::civil::{Date, DateTime};
use konfido_circle::{CountryCode, Oid, PatientId, Personal};
use konfido_ihe::xcpd::{Address, Demographics, Gender, PersonName};
use konfido_ihe::{DocumentClass, Level, PartialDate};
use konfido_xml::{Document, Element, Limits};

use super::FileError;
use crate::connector::{DocumentId, NationalEntry, NationalPatient};
use crate::policy::Consent;

pub(super) const HL7: &str = "urn:hl7-org:v3";

/// A person of the index.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) patient: NationalPatient,
    pub(super) aliases: Vec<PatientId>,
    consent: Consent,
    consent_for: HashMap<CountryCode, Consent>,
}

impl Person {
    pub(super) fn consent(&self, treating: CountryCode) -> Consent {
        self.consent_for.get(&treating).copied().unwrap_or(self.consent)
    }
}

/// The files with this extension in a folder, in the order of their names; none if there is no such folder.
pub(super) fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, FileError> {
    let mut paths = entries(folder)?;
    paths.retain(|path| path.is_file() && path.extension().is_some_and(|e| e == extension));
    Ok(paths)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(FileError::Read { path: folder.to_owned(), source }),
    };
    let mut paths = Vec::new();
    for entry in listing {
        paths.push(entry.map_err(|source| FileError::Read { path: folder.to_owned(), source })?.path());
    }
    paths.sort();
    Ok(paths)
}

pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(|source| FileError::Read { path: path.to_owned(), source })
}

pub(super) fn unusable(path: &Path, reason: impl ToString) -> FileError {
    FileError::Content { path: path.to_owned(), reason: reason.to_string() }
}

pub(super) fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut out = [0; 20];
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    for (to, from) in out.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    out
}

/// The whole patient index.
pub(super) fn read(folder: &Path) -> Result<Vec<Person>, FileError> {
    let mut persons = Vec::new();
    for root in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let name = root.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let oid = Oid::new(name).map_err(|e| unusable(&root, e))?;
        for path in files(&root, "properties")? {
            let extension = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let id = PatientId::new(oid.clone(), extension).map_err(|e| unusable(&path, e))?;
            let text = String::from_utf8(read_file(&path)?).map_err(|e| unusable(&path, e))?;
            persons.push(person(id, &properties(&text)).map_err(|reason| unusable(&path, reason))?);
        }
    }
    Ok(persons)
}

/// `key = value` or `key: value` a line, `#` and `!` begin a remark.
fn properties(text: &str) -> HashMap<&str, &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with(['#', '!']))
        .filter_map(|line| line.split_once(['=', ':']))
        .map(|(key, value)| (key.trim(), value.trim()))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

fn person(id: PatientId, p: &HashMap<&str, &str>) -> Result<Person, String> {
    let list = |key: &str| p.get(key).map(|v| (*v).to_owned()).into_iter().collect::<Vec<_>>();
    let one = |key: &str| p.get(key).map(|v| (*v).to_owned());
    let number = |key: &str| {
        p.get(key).map(|v| v.parse::<i16>().map_err(|_| format!("`{key}` is no number"))).transpose()
    };
    let birth = match (number("birthDate.year")?, number("birthDate.month")?, number("birthDate.day")?) {
        // The month counts from zero, as in the mock's java.util.Calendar.
        (Some(year), Some(month), Some(day)) => {
            let (month, day) = (i8::try_from(month + 1), i8::try_from(day));
            let date = month.ok().zip(day.ok()).and_then(|(month, day)| Date::new(year, month, day).ok());
            Some(PartialDate::from(date.ok_or("`birthDate` is no date")?))
        }
        _ => None,
    };
    let gender = p.get("administrativeGender").map(|text| match text.to_ascii_uppercase().as_str() {
        "MALE" | "M" => Gender::Male,
        "FEMALE" | "F" => Gender::Female,
        _ => Gender::Undifferentiated,
    });
    let name = PersonName { prefix: Vec::new(), family: list("familyName"), given: list("givenName") };
    let address = Address {
        street: list("street"),
        city: one("city"),
        postal_code: one("postalCode"),
        country: one("country"),
    };
    let aliases = p
        .get("alias")
        .map(|list| list.split(',').map(|cx| PatientId::parse_cx(cx.trim())).collect::<Result<Vec<_>, _>>())
        .transpose()
        .map_err(|e| format!("`alias`: {e}"))?
        .unwrap_or_default();
    let mut consent_for = HashMap::new();
    for (key, value) in p {
        if let Some(country) = key.strip_prefix("consent.") {
            let country = country.parse::<CountryCode>().map_err(|e| format!("`{key}`: {e}"))?;
            consent_for.insert(country, will(value)?);
        }
    }
    Ok(Person {
        patient: NationalPatient {
            id,
            demographics: Personal::new(Demographics {
                names: vec![name],
                gender,
                birth,
                addresses: vec![address],
            }),
        },
        aliases,
        consent: p.get("consent").map_or(Ok(Consent::Given), |value| will(value))?,
        consent_for,
    })
}

fn will(text: &str) -> Result<Consent, String> {
    match text {
        "given" => Ok(Consent::Given),
        "refused" => Ok(Consent::Refused),
        other => Err(format!("consent is `given` or `refused`, not `{other}`")),
    }
}

/// What is needed of a document's header to list it.
#[derive(Debug)]
pub(super) struct Header {
    root: String,
    extension: Option<String>,
    pub(super) patient: PatientId,
    demographics: Demographics,
    created: Option<DateTime>,
    language: String,
    title: String,
    author: Option<Personal<String>>,
    size: u64,
    sha1: [u8; 20],
}

impl Header {
    pub(super) fn read(path: &Path) -> Result<Self, FileError> {
        let bytes = read_file(path)?;
        let document = Document::parse(&bytes, &Limits::DOCUMENT).map_err(|e| unusable(path, e))?;
        Self::of(document.root(), &bytes).map_err(|reason| unusable(path, reason))
    }

    fn of(root: Element<'_>, bytes: &[u8]) -> Result<Self, String> {
        if !root.is(HL7, "ClinicalDocument") {
            return Err("not a clinical document".into());
        }
        let id = root.child(HL7, "id").ok_or("the document has no id")?;
        let role = root
            .child(HL7, "recordTarget")
            .and_then(|target| target.child(HL7, "patientRole"))
            .ok_or("the document names no patient")?;
        let patient = role
            .children_named(HL7, "id")
            .find_map(patient_id)
            .ok_or("the document names its patient by no whole id")?;
        let text = |parent: Element<'_>, names: &[&str]| {
            names.iter().try_fold(parent, |at, name| at.child(HL7, name)).map(|e| e.text().trim().to_owned())
        };
        let author = root.child(HL7, "author").and_then(|author| {
            let name = text(author, &["assignedAuthor", "assignedPerson", "name"])?;
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            (!name.is_empty()).then(|| Personal::new(name))
        });
        Ok(Self {
            root: id.attribute("root").ok_or("the document's id has no root")?.trim().to_owned(),
            extension: id.attribute("extension").map(|e| e.trim().to_owned()).filter(|e| !e.is_empty()),
            patient,
            demographics: demographics(role),
            created: root.child(HL7, "effectiveTime").and_then(|t| t.attribute("value")).and_then(instant),
            language: root
                .child(HL7, "languageCode")
                .and_then(|l| l.attribute("code"))
                .unwrap_or("en-GB")
                .to_owned(),
            title: text(root, &["title"]).unwrap_or_default(),
            author,
            size: bytes.len() as u64,
            sha1: sha1(bytes),
        })
    }

    /// `root^extension`, or the root alone.
    pub(super) fn id(&self) -> DocumentId {
        DocumentId::new(match &self.extension {
            Some(extension) => format!("{}^{extension}", self.root),
            None => self.root.clone(),
        })
    }

    /// The id with the mock's suffix for one form.
    pub(super) fn id_with(&self, suffix: &str) -> DocumentId {
        DocumentId::new(match &self.extension {
            Some(extension) => format!("{}^{extension}{suffix}", self.root),
            None => format!("{}^{}", self.root, suffix.trim_start_matches('.')),
        })
    }

    pub(super) fn person(&self) -> Person {
        Person {
            patient: NationalPatient {
                id: self.patient.clone(),
                demographics: Personal::new(self.demographics.clone()),
            },
            aliases: Vec::new(),
            consent: Consent::Given,
            consent_for: HashMap::new(),
        }
    }

    pub(super) fn entry(&self, id: DocumentId, class: DocumentClass, level: Level) -> NationalEntry {
        NationalEntry {
            id,
            twin: None,
            class,
            level,
            created: self.created,
            language: self.language.clone(),
            size: self.size,
            sha1: self.sha1,
            description: (!self.title.is_empty()).then(|| self.title.clone()),
            author: self.author.clone(),
            dispensable: true,
        }
    }
}

fn patient_id(id: Element<'_>) -> Option<PatientId> {
    let root = Oid::new(id.attribute("root")?.trim()).ok()?;
    PatientId::new(root, id.attribute("extension")?.trim()).ok()
}

fn demographics(role: Element<'_>) -> Demographics {
    let texts = |parent: Element<'_>, local: &str| -> Vec<String> {
        parent
            .children_named(HL7, local)
            .map(|e| e.text().trim().to_owned())
            .filter(|text| !text.is_empty())
            .collect()
    };
    let patient = role.child(HL7, "patient");
    let names = patient
        .into_iter()
        .flat_map(|p| p.children_named(HL7, "name"))
        .map(|name| PersonName {
            prefix: texts(name, "prefix"),
            family: texts(name, "family"),
            given: texts(name, "given"),
        })
        .collect();
    let addresses = role
        .children_named(HL7, "addr")
        .map(|addr| Address {
            street: texts(addr, "streetAddressLine"),
            city: texts(addr, "city").into_iter().next(),
            postal_code: texts(addr, "postalCode").into_iter().next(),
            country: texts(addr, "country").into_iter().next(),
        })
        .collect();
    let attribute =
        |local: &str, name: &str| patient.and_then(|p| p.child(HL7, local)).and_then(|e| e.attribute(name));
    Demographics {
        names,
        gender: attribute("administrativeGenderCode", "code").map(Gender::of_code),
        birth: attribute("birthTime", "value").and_then(PartialDate::parse),
        addresses,
    }
}

/// The civil part of an HL7 time.
fn instant(text: &str) -> Option<DateTime> {
    let digits: String = text.trim().chars().take_while(char::is_ascii_digit).collect();
    let part = |from: usize, to: usize| digits.get(from..to).and_then(|d| d.parse::<i8>().ok());
    let year: i16 = digits.get(..4)?.parse().ok()?;
    DateTime::new(
        year,
        part(4, 6).unwrap_or(1),
        part(6, 8).unwrap_or(1),
        part(8, 10).unwrap_or(0),
        part(10, 12).unwrap_or(0),
        part(12, 14).unwrap_or(0),
        0,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_month_of_the_mock_counts_from_zero() {
        let text = "administrativeGender = MALE\nbirthDate.year = 1990\nbirthDate.month = 2\nbirthDate.day = 29\n\
                    familyName = Astor\nconsent = given\nconsent.DK = refused\n";
        let id = PatientId::parse_cx("28638911K^^^&2.16.724.4.41&ISO").unwrap();
        let person = person(id, &properties(text)).unwrap();
        let birth = person.patient.demographics.reveal().birth.unwrap();
        assert_eq!(birth.to_hl7(), "19900329");
        assert_eq!(person.consent("DK".parse().unwrap()), Consent::Refused);
        assert_eq!(person.consent("ES".parse().unwrap()), Consent::Given);
    }

    #[test]
    fn hl7_times_of_any_precision_are_read() {
        assert_eq!(instant("20220608104900+0200").unwrap().to_string(), "2022-06-08T10:49:00");
        assert_eq!(instant("2022").unwrap().to_string(), "2022-01-01T00:00:00");
        assert_eq!(instant("soon"), None);
    }
}
