//! The few HL7 v3 data types that XCPD needs: II, TS, CS, and how they are read and written.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use konfido_xml::{El, Element};

use crate::malformed::Malformed;

/// Namespace of HL7 v3.
pub(crate) const NS: &str = "urn:hl7-org:v3";

/// An instance identifier (II) of a message, query or device: what names a thing, never a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InstanceId {
    root: String,
    extension: Option<String>,
}

impl InstanceId {
    /// An identifier of this root, with this extension if any.
    #[must_use]
    pub fn new(root: impl Into<String>, extension: Option<String>) -> Self {
        Self { root: root.into(), extension }
    }

    /// The root: an OID or a UUID. Kept as it came, because peers send other things too.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The extension.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// Reads an element of type II. An identifier without a root is none.
    pub(crate) fn read(element: Element<'_>) -> Result<Self, Malformed> {
        match element.attribute("root").map(str::trim) {
            Some(root) if !root.is_empty() => {
                Ok(Self::new(root, element.attribute("extension").map(str::to_owned)))
            }
            _ => Err(Malformed::at(element, "an identifier needs a root")),
        }
    }

    pub(crate) fn write(&self, local: &'static str) -> El {
        hl7(local).attr("root", self.root.clone()).opt_attr("extension", self.extension.clone())
    }
}

/// A date of which only the year, or only year and month may be known.
///
/// Has no `Display`; its `Debug` says nothing, because it is most often a birth date.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartialDate {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
}

impl std::fmt::Debug for PartialDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[personal]")
    }
}

impl From<jiff::civil::Date> for PartialDate {
    fn from(date: jiff::civil::Date) -> Self {
        Self { year: date.year(), month: Some(date.month()), day: Some(date.day()) }
    }
}

impl PartialDate {
    /// Reads the date at the beginning of an HL7 time (`yyyy`, `yyyyMM`, `yyyyMMdd…`).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.trim().chars().take(8).take_while(char::is_ascii_digit).collect();
        let year: i16 = digits.get(..4)?.parse().ok().filter(|y| *y >= 1)?;
        let month: Option<i8> = digits.get(4..6).and_then(|m| m.parse().ok());
        let day: Option<i8> = digits.get(6..8).and_then(|d| d.parse().ok());
        jiff::civil::Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok()?;
        matches!(digits.len(), 4 | 6 | 8).then_some(Self { year, month, day })
    }

    /// The date, if it is known to the day.
    #[must_use]
    pub fn date(self) -> Option<jiff::civil::Date> {
        jiff::civil::Date::new(self.year, self.month?, self.day?).ok()
    }

    /// The HL7 form.
    #[must_use]
    pub fn to_hl7(self) -> String {
        let mut text = format!("{:04}", self.year);
        for part in [self.month, self.day].into_iter().flatten() {
            text.push_str(&format!("{part:02}"));
        }
        text
    }
}

/// The first year that is written with four digits whatever the zone.
const FIRST_YEAR: i16 = 1000;

/// Reads an HL7 point in time: `yyyyMMdd[HH[mm[ss[.fff…]]]][±zzzz]`, to the millisecond; without zone it is UTC.
pub(crate) fn read_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let digits = |range: std::ops::Range<usize>| -> Option<i16> {
        text.get(range).filter(|s| s.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
    };
    let whole = text.bytes().take_while(u8::is_ascii_digit).count();
    if !matches!(whole, 8 | 10 | 12 | 14) {
        return None;
    }
    let small = |value: i16| i8::try_from(value).ok();
    let (year, month, day) = (digits(0..4)?, small(digits(4..6)?)?, small(digits(6..8)?)?);
    let part = |at: usize| if whole > at { digits(at..at + 2).and_then(small) } else { Some(0) };
    let (hour, minute, second) = (part(8)?, part(10)?, part(12)?);
    let mut rest = text.get(whole..)?;
    let mut nanosecond = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let kept: String = fraction.chars().take(length.min(3)).collect();
        nanosecond = format!("{kept:0<9}").parse().ok()?;
        rest = fraction.get(length..)?;
    }
    let offset = read_offset(rest)?;
    let local = DateTime::new(year, month, day, hour, minute, second.min(59), nanosecond).ok()?;
    let time = offset.to_timestamp(local).ok()?;
    (Offset::UTC.to_datetime(time).year() >= FIRST_YEAR).then_some(time)
}

fn read_offset(text: &str) -> Option<Offset> {
    if text.is_empty() || text == "Z" {
        return Some(Offset::UTC);
    }
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let digits = text.get(1..).filter(|s| s.len() == 4 && s.bytes().all(|b| b.is_ascii_digit()))?;
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 = digits.get(2..)?.parse().ok()?;
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// The HL7 form of a point in time, to the millisecond, in UTC.
pub(crate) fn write_time(time: Timestamp) -> String {
    let utc = Offset::UTC.to_datetime(time);
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}.{:03}+0000",
        utc.year(),
        utc.month(),
        utc.day(),
        utc.hour(),
        utc.minute(),
        utc.second(),
        utc.millisecond()
    )
}

/// A new element of HL7 v3.
pub(crate) fn hl7(local: &'static str) -> El {
    El::new(NS, local)
}

/// An element that carries nothing but a code.
pub(crate) fn coded(local: &'static str, code: impl Into<Cow<'static, str>>) -> El {
    hl7(local).attr("code", code)
}

/// The first child of this name.
pub(crate) fn child<'d>(parent: Element<'d>, local: &'static str) -> Option<Element<'d>> {
    parent.child(NS, local)
}

/// The first child of this name, which must be there.
pub(crate) fn required<'d>(parent: Element<'d>, local: &'static str) -> Result<Element<'d>, Malformed> {
    child(parent, local).ok_or_else(|| Malformed::at(parent, format!("`{local}` is missing")))
}

/// The element at the end of a chain of children, each the first of its name.
pub(crate) fn descend<'d>(parent: Element<'d>, path: &[&'static str]) -> Option<Element<'d>> {
    path.iter().try_fold(parent, |at, local| child(at, local))
}

/// `@code` of the first child of this name, unless it is empty.
pub(crate) fn code_of(parent: Element<'_>, local: &'static str) -> Option<String> {
    let code = child(parent, local)?.attribute("code")?.trim();
    (!code.is_empty()).then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_all_peers_are_read() {
        let at = |text: &str| read_time(text).map(|t| t.to_string());
        assert_eq!(at("20261123183753.733+0000").as_deref(), Some("2026-11-23T18:37:53.733Z"));
        assert_eq!(at("20120531131021.710+0300").as_deref(), Some("2012-05-31T10:10:21.71Z"));
        assert_eq!(at("20261123").as_deref(), Some("2026-11-23T00:00:00Z"));
        assert_eq!(at("202611231837").as_deref(), Some("2026-11-23T18:37:00Z"));
        for bad in ["", "2026", "20261399", "20261123183753.733+00", "2026112318375x", "20261123+99999", "é"]
        {
            assert_eq!(at(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_time_survives_writing() {
        let time: Timestamp = "2026-11-23T18:37:53.733Z".parse().unwrap();
        assert_eq!(read_time(&write_time(time)), Some(time));
    }

    #[test]
    fn dates_may_be_partial() {
        assert_eq!(PartialDate::parse("18860729").unwrap().to_hl7(), "18860729");
        assert_eq!(PartialDate::parse("18860729120000").unwrap().to_hl7(), "18860729");
        assert_eq!(PartialDate::parse("1967").unwrap().to_hl7(), "1967");
        assert_eq!(PartialDate::parse("196706").unwrap().date(), None);
        for bad in ["", "67", "19671", "1967063", "19671301", "0000"] {
            assert_eq!(PartialDate::parse(bad), None, "{bad}");
        }
        assert_eq!(format!("{:?}", PartialDate::parse("18860729")), "Some([personal])");
    }
}
