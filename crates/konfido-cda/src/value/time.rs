//! Points in time, intervals and dosing times (HL7 v3 `TS`, `IVL_TS`, `PIVL_TS`, `EIVL_TS`).

use core::fmt::Write;

use konfido_xml::Element;

use crate::{
    narrative::Narrative,
    tree::Walk,
    value::{Coded, NullFlavor, Quantity, silent_debug},
};

/// A point in time as written: `YYYY[MM[DD[HH[MM[SS[.f]]]]]][+ZZZZ]`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Moment<'d>(&'d str);

silent_debug!(Moment);

/// A point in time to the precision that it was given.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartialTime {
    /// Year.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: Option<i8>,
    /// Day of the month.
    pub day: Option<i8>,
    /// Hour and minute.
    pub clock: Option<(i8, i8)>,
    /// Distance to UTC in minutes.
    pub offset: Option<i16>,
}

/// A birth date identifies; nothing is shown.
impl core::fmt::Debug for PartialTime {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PartialTime { [personal] }")
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl<'d> Moment<'d> {
    /// From the text of a `@value`; blank is none.
    pub fn new(raw: &'d str) -> Option<Self> {
        let raw = raw.trim();
        (!raw.is_empty()).then_some(Self(raw))
    }

    /// As written.
    pub fn raw(self) -> &'d str {
        self.0
    }

    /// Understands it, if it has the form of the standard and names a day that exists.
    pub fn parse(self) -> Option<PartialTime> {
        let zone_at = self.0.find(['+', '-']).unwrap_or(self.0.len());
        let (local, zone) = self.0.split_at_checked(zone_at)?;
        let (digits, fraction) = local.split_once('.').unwrap_or((local, "0"));
        if !all_digits(digits) || !all_digits(fraction) || !matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14) {
            return None;
        }
        let part = |from: usize| digits.get(from..from + 2).and_then(|two| two.parse::<i8>().ok());
        let year = digits.get(..4)?.parse().ok()?;
        let (month, day) = (part(4), part(6));
        jiff::civil::Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok()?;
        let clock = match part(8) {
            None => None,
            Some(hour) => {
                let minute = part(10).unwrap_or(0);
                (hour < 24 && minute < 60 && part(12).unwrap_or(0) < 61).then_some(())?;
                Some((hour, minute))
            }
        };
        let offset = if zone.is_empty() { None } else { Some(parse_zone(zone)?) };
        Some(PartialTime { year, month, day, clock, offset })
    }
}

/// `+HHMM`, `+HH` or with a colon, as minutes.
fn parse_zone(zone: &str) -> Option<i16> {
    let (sign, digits) = zone.split_at_checked(1)?;
    let digits = digits.replace(':', "");
    if !all_digits(&digits) || !matches!(digits.len(), 2 | 4) {
        return None;
    }
    let hours: i16 = digits.get(..2)?.parse().ok()?;
    let minutes: i16 = digits.get(2..).filter(|rest| !rest.is_empty()).unwrap_or("0").parse().ok()?;
    (hours <= 14 && minutes < 60).then_some(())?;
    Some(if sign == "-" { -(hours * 60 + minutes) } else { hours * 60 + minutes })
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl PartialTime {
    /// ISO 8601 date to its precision: `2026`, `2026-03`, `2026-03-09`.
    pub fn iso_date(&self) -> String {
        let mut text = format!("{:04}", self.year);
        for part in [self.month, self.day].into_iter().map_while(|part| part) {
            let _ = write!(text, "-{part:02}");
        }
        text
    }

    /// ISO 8601 with time and zone where given.
    pub fn iso(&self) -> String {
        let mut text = self.iso_date();
        if let Some((hour, minute)) = self.clock {
            let _ = write!(text, "T{hour:02}:{minute:02}");
            if let Some(offset) = self.offset {
                text.push_str(&zone_words(offset));
            }
        }
        text
    }

    /// The reader's form: `9 March 2026`, `March 2026`.
    pub fn words(&self) -> String {
        let month = self.month.and_then(|month| MONTHS.get(usize::try_from(month).ok()?.checked_sub(1)?));
        match (month, self.day) {
            (Some(month), Some(day)) => format!("{day} {month} {}", self.year),
            (Some(month), None) => format!("{month} {}", self.year),
            _ => self.year.to_string(),
        }
    }

    /// Hour, minute and zone in words, where given: `14:05 (UTC+01:00)`.
    pub fn clock_words(&self) -> Option<String> {
        let (hour, minute) = self.clock?;
        let zone = self.offset.map(|offset| format!(" (UTC{})", zone_words(offset))).unwrap_or_default();
        Some(format!("{hour:02}:{minute:02}{zone}"))
    }

    /// Whole years from this moment to a later one, where both are known to the day.
    pub fn years_until(&self, later: &Self) -> Option<i16> {
        let (month, day) = (self.month?, self.day?);
        let before_birthday = (later.month?, later.day?) < (month, day);
        Some(later.year - self.year - i16::from(before_birthday)).filter(|years| (0..150).contains(years))
    }
}

fn zone_words(offset: i16) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60)
}

/// An interval of time, or a single moment.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Interval<'d> {
    /// `@value`: a single moment.
    pub at: Option<Moment<'d>>,
    /// `low/@value`.
    pub low: Option<Moment<'d>>,
    /// `high/@value`.
    pub high: Option<Moment<'d>>,
    /// `width` or `period`-less duration.
    pub width: Option<Quantity<'d>>,
    /// Of the element itself, or of `low` when that is all there is.
    pub null_flavor: Option<NullFlavor<'d>>,
}

silent_debug!(Interval);

impl<'d> Interval<'d> {
    /// Reads an `effectiveTime`-like element.
    pub fn new(element: Element<'d>) -> Self {
        let moment = |element: Element<'d>| element.attribute("value").and_then(Moment::new);
        let low = element.hl7("low");
        Self {
            at: moment(element).or_else(|| element.hl7("center").and_then(moment)),
            low: low.and_then(moment),
            high: element.hl7("high").and_then(moment),
            width: element.hl7("width").map(Quantity::new),
            null_flavor: element.null_flavor().or_else(|| low.and_then(Walk::null_flavor)),
        }
    }

    /// Whether it names no moment at all.
    pub fn is_empty(&self) -> bool {
        self.at.is_none() && self.low.is_none() && self.high.is_none() && self.width.is_none()
    }

    /// The first moment named.
    pub fn start(&self) -> Option<Moment<'d>> {
        self.at.or(self.low).or(self.high)
    }
}

/// One part of a dosing schedule.
#[derive(Clone)]
#[non_exhaustive]
pub enum Timing<'d> {
    /// From when to when.
    Interval(Interval<'d>),
    /// Every so often (`PIVL_TS`).
    Periodic {
        /// The distance between two doses.
        period: Option<Quantity<'d>>,
        /// True when the times of day are the institution's: "three times a day" and not "every 8 hours".
        institution_specified: bool,
    },
    /// At an event of the day (`EIVL_TS`), such as before breakfast.
    Event {
        /// Which event.
        event: Option<Coded<'d>>,
        /// How long before or after.
        offset: Option<Quantity<'d>>,
    },
    /// Several parts combined (`SXPR_TS`).
    Combination(Vec<Self>),
    /// Nothing that can be shown.
    Null(Option<NullFlavor<'d>>),
}

silent_debug!(Timing);

impl<'d> Timing<'d> {
    /// Reads an `effectiveTime` of a substance administration.
    pub fn new(element: Element<'d>, narrative: &Narrative<'d>) -> Self {
        match element.xsi_type() {
            Some("PIVL_TS") => Self::Periodic {
                period: element.hl7("period").map(Quantity::new),
                institution_specified: element.attribute("institutionSpecified") == Some("true"),
            },
            Some("EIVL_TS") => Self::Event {
                event: element.hl7("event").map(|event| Coded::new(event, narrative)),
                offset: element.hl7("offset").map(|offset| {
                    // An offset is a range of durations; its first bound is what senders fill.
                    Quantity::new(offset.hl7("low").or_else(|| offset.hl7("width")).unwrap_or(offset))
                }),
            },
            Some("SXPR_TS") => {
                Self::Combination(element.every("comp").map(|part| Self::new(part, narrative)).collect())
            }
            _ => {
                let interval = Interval::new(element);
                if interval.is_empty() { Self::Null(interval.null_flavor) } else { Self::Interval(interval) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn a_moment_is_read_to_its_precision() {
        let iso = |text| Moment::new(text).and_then(Moment::parse).map(|time| time.iso());
        assert_eq!(iso("2026").as_deref(), Some("2026"));
        assert_eq!(iso("202603").as_deref(), Some("2026-03"));
        assert_eq!(iso("20260309").as_deref(), Some("2026-03-09"));
        assert_eq!(iso("20230714194500+0200").as_deref(), Some("2023-07-14T19:45+02:00"));
        assert_eq!(iso("20230714194500.415+0000").as_deref(), Some("2023-07-14T19:45+00:00"));
        assert_eq!(iso("201007010930-0200").as_deref(), Some("2010-07-01T09:30-02:00"));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in
            ["20260230", "1496754000000", "2026-03-09", "20261", "2026033", "20260309250000", "+0100", "x"]
        {
            assert_eq!(Moment::new(text).and_then(Moment::parse), None, "{text}");
        }
        assert!(Moment::new("  ").is_none());
    }

    #[test]
    fn an_age_counts_birthdays() {
        let parse = |text| Moment::new(text).and_then(Moment::parse).expect("a date");
        assert_eq!(parse("19620309").years_until(&parse("20260308")), Some(63));
        assert_eq!(parse("19620309").years_until(&parse("20260309")), Some(64));
        assert_eq!(parse("1962").years_until(&parse("20260309")), None);
    }
}
