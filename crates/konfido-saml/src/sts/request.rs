//! `RequestSecurityToken`: reading (service) and writing (client).

use konfido_circle::{PatientId, Personal};
use konfido_xml::{Document, El, Element, Fragment, ns};

use super::{ISSUE, NOK_NS, StsError, TOKEN_TYPE, TRC_NS, WST};
use crate::accept::Nok;
use crate::vocabulary::PurposeOfUse;

/// What the token shall say.
#[derive(Clone, Debug)]
pub enum Parameters {
    /// Confirm a treatment relationship.
    Trc {
        /// The patient, as the affiliation country's answer to ITI-55 named them.
        patient: PatientId,
        /// The purpose; without one the HCP assertion's.
        purpose: Option<PurposeOfUse>,
        /// The patient's code for a dispensation.
        dispensation_pin: Option<Personal<String>>,
        /// The prescription to dispense.
        prescription_id: Option<Personal<String>>,
    },
    /// Assert a next of kin.
    Nok(Nok),
}

/// A request as it was read.
#[derive(Debug)]
pub struct TokenRequest<'d> {
    /// `wsa:MessageID`.
    pub message_id: String,
    /// What is asked for.
    pub parameters: Parameters,
    pub(super) header: Element<'d>,
    pub(super) security: Element<'d>,
}

/// Local names of the NoK parameters, in the order of the wire.
const NOK_ELEMENTS: [&str; 9] = [
    "NextOfKinId",
    "NextOfKinFirstName",
    "NextOfKinFamilyName",
    "NextOfKinGender",
    "NextOfKinBirthDate",
    "NextOfKinAddressStreet",
    "NextOfKinAddressCity",
    "NextOfKinPostalCode",
    "NextOfKinAddressCountry",
];

impl<'d> TokenRequest<'d> {
    /// Reads a SOAP 1.2 envelope with a request. The assertion inside is not looked at.
    pub fn read(document: &'d Document) -> Result<Self, StsError> {
        let envelope = document.root();
        if !envelope.is(ns::SOAP12, "Envelope") {
            return Err(StsError::Request("no SOAP 1.2 envelope"));
        }
        let header = one(envelope, ns::SOAP12, "Header")?;
        let body = one(envelope, ns::SOAP12, "Body")?;
        let message_id = one(header, ns::WSA, "MessageID")?.text().trim().to_owned();
        if message_id.is_empty() || message_id.len() > 256 {
            return Err(StsError::Request("no usable MessageID"));
        }
        let security = one(header, ns::WSSE, "Security")?;
        let request = one(body, WST, "RequestSecurityToken")?;
        if text(request, WST, "RequestType")?.as_deref() != Some(ISSUE) {
            return Err(StsError::Request("request type is not Issue"));
        }
        if text(request, WST, "TokenType")?.is_some_and(|t| t != TOKEN_TYPE) {
            return Err(StsError::Request("token type is not SAML 2.0"));
        }
        let trc = optional(request, TRC_NS, "TRCParameters")?;
        let nok = optional(request, NOK_NS, "NoKParameters")?;
        let parameters = match (trc, nok) {
            (Some(trc), None) => read_trc(trc)?,
            (None, Some(nok)) => Parameters::Nok(read_nok(nok)?),
            _ => return Err(StsError::Request("neither TRC nor NoK parameters, or both")),
        };
        Ok(Self { message_id, parameters, header, security })
    }
}

impl Parameters {
    /// Writes the request as a client: an envelope with the HCP assertion in its security header.
    #[must_use]
    pub fn to_envelope(&self, message_id: &str, hcp: Fragment) -> String {
        let wst = |local: &'static str| El::new(WST, local);
        let parameters = match self {
            Self::Trc { patient, purpose, dispensation_pin, prescription_id } => {
                let trc = |local: &'static str| El::new(TRC_NS, local);
                let secret = |local, value: &Option<Personal<String>>| {
                    value.as_ref().map(|v| trc(local).text(v.reveal().clone()))
                };
                trc("TRCParameters")
                    .prefix("trc")
                    .opt_child(purpose.map(|p| trc("PurposeOfUse").text(p.code())))
                    .child(trc("PatientId").text(patient.to_cx()))
                    .opt_child(secret("DispensationPinCode", dispensation_pin))
                    .opt_child(secret("PrescriptionId", prescription_id))
            }
            Self::Nok(nok) => El::new(NOK_NS, "NoKParameters").prefix("nok").children(
                NOK_ELEMENTS.into_iter().zip(nok.fields()).filter_map(|(local, (_, value))| {
                    let value = value?.reveal();
                    let value = if local == "NextOfKinBirthDate" { day_first(value) } else { value.clone() };
                    Some(El::new(NOK_NS, local).text(value))
                }),
            ),
        };
        let request = wst("RequestSecurityToken")
            .prefix("wst")
            .child(wst("RequestType").text(ISSUE))
            .child(wst("TokenType").text(TOKEN_TYPE))
            .child(parameters);
        El::new(ns::SOAP12, "Envelope")
            .prefix("env")
            .child(
                El::new(ns::SOAP12, "Header")
                    .child(El::new(ns::WSA, "MessageID").prefix("wsa").text(message_id.to_owned()))
                    .child(El::new(ns::WSSE, "Security").prefix("wsse").raw(hcp)),
            )
            .child(El::new(ns::SOAP12, "Body").child(request))
            .to_document_string()
    }
}

fn read_trc(trc: Element<'_>) -> Result<Parameters, StsError> {
    let patient = text(trc, TRC_NS, "PatientId")?.ok_or(StsError::Request("no patient"))?;
    let patient = PatientId::parse_cx(&patient).map_err(|_| StsError::Request("patient is no CX"))?;
    let purpose = match text(trc, TRC_NS, "PurposeOfUse")? {
        None => None,
        Some(code) => Some(PurposeOfUse::from_code(&code).ok_or(StsError::Purpose)?),
    };
    Ok(Parameters::Trc {
        patient,
        purpose,
        dispensation_pin: text(trc, TRC_NS, "DispensationPinCode")?.map(Personal::new),
        prescription_id: text(trc, TRC_NS, "PrescriptionId")?.map(Personal::new),
    })
}

fn read_nok(nok: Element<'_>) -> Result<Nok, StsError> {
    let mut values = [const { None }; 9];
    for (slot, local) in values.iter_mut().zip(NOK_ELEMENTS) {
        *slot = text(nok, NOK_NS, local)?.map(Personal::new);
    }
    let [id, first_name, family_name, gender, birth_date, street, city, postal_code, country] = values;
    let birth_date = match birth_date {
        None => None,
        Some(day) => Some(iso_day(day.reveal()).ok_or(StsError::Request("birth date is not dd-MM-yyyy"))?),
    };
    Ok(Nok {
        id,
        first_name,
        family_name,
        gender,
        birth_date: birth_date.map(Personal::new),
        street,
        city,
        postal_code,
        country,
    })
}

/// `29-06-1960`, as the request has it, to `1960-06-29`.
fn iso_day(text: &str) -> Option<String> {
    let date = jiff::civil::Date::strptime("%d-%m-%Y", text).ok()?;
    Some(date.to_string())
}

/// `1960-06-29` to `29-06-1960`; anything else stays as it is.
fn day_first(text: &str) -> String {
    text.parse::<jiff::civil::Date>().map_or_else(|_| text.to_owned(), |d| d.strftime("%d-%m-%Y").to_string())
}

fn optional<'d>(
    parent: Element<'d>,
    namespace: &str,
    local: &'static str,
) -> Result<Option<Element<'d>>, StsError> {
    let mut children = parent.children_named(namespace, local);
    match (children.next(), children.next()) {
        (first, None) => Ok(first),
        _ => Err(StsError::Request("an element is there twice")),
    }
}

fn one<'d>(parent: Element<'d>, namespace: &str, local: &'static str) -> Result<Element<'d>, StsError> {
    optional(parent, namespace, local)?.ok_or(StsError::Request("a required element is absent"))
}

/// Text of an optional child; blank counts as absent.
fn text(parent: Element<'_>, namespace: &str, local: &'static str) -> Result<Option<String>, StsError> {
    let text = optional(parent, namespace, local)?.map(|e| e.text().trim().to_owned());
    Ok(text.filter(|t| !t.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn birth_dates_turn_both_ways() {
        assert_eq!(iso_day("29-06-1960").as_deref(), Some("1960-06-29"));
        assert_eq!(iso_day("1960-06-29"), None);
        assert_eq!(day_first("1960-06-29"), "29-06-1960");
    }
}
