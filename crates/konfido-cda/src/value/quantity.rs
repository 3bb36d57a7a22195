//! Physical quantities, ratios, and the values of observations.

use konfido_xml::Element;

use crate::{
    narrative::Narrative,
    tree::Walk,
    value::{Coded, Interval, Moment, NullFlavor, silent_debug},
};

/// A quantity (`PQ`, `IVL_PQ`, `INT`, `REAL`): one number, or a range.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Quantity<'d> {
    /// The number, as written.
    pub value: Option<&'d str>,
    /// UCUM unit, as written; `1` means "of the thing itself".
    pub unit: Option<&'d str>,
    /// Lower and upper bound of a range, as number and unit.
    pub range: [Option<(&'d str, Option<&'d str>)>; 2],
    /// `@nullFlavor`.
    pub null_flavor: Option<NullFlavor<'d>>,
}

silent_debug!(Quantity, Ratio, Value);

impl<'d> Quantity<'d> {
    /// Reads a quantity.
    pub fn new(element: Element<'d>) -> Self {
        let bound = |name| {
            let bound: Element<'d> = element.hl7(name)?;
            Some((bound.attribute("value")?, bound.attribute("unit")))
        };
        Self {
            value: element.attribute("value"),
            unit: element.attribute("unit"),
            range: [bound("low"), bound("high")],
            null_flavor: element.null_flavor(),
        }
    }

    /// For a reader: `5 mg`, `1 to 2`, `at least 3 mm`; empty when there is nothing.
    pub fn words(&self) -> String {
        if let Some(value) = self.value {
            return with_unit(value, self.unit);
        }
        match self.range {
            [Some((low, unit)), Some((high, high_unit))] if unit == high_unit && low == high => {
                with_unit(low, unit)
            }
            [Some((low, unit)), Some((high, high_unit))] if unit == high_unit => {
                format!("{low} to {}", with_unit(high, unit))
            }
            [Some(low), Some(high)] => {
                format!("{} to {}", with_unit(low.0, low.1), with_unit(high.0, high.1))
            }
            [Some((low, unit)), None] => format!("at least {}", with_unit(low, unit)),
            [None, Some((high, unit))] => format!("at most {}", with_unit(high, unit)),
            [None, None] => self.null_flavor.map(|null| null.words().to_owned()).unwrap_or_default(),
        }
    }

    /// Whether it is the plain number one, the usual denominator of a strength.
    pub fn is_one(&self) -> bool {
        self.value.is_some_and(|value| value.parse::<f64>() == Ok(1.0))
            && matches!(self.unit, None | Some("1"))
    }
}

fn with_unit(value: &str, unit: Option<&str>) -> String {
    match unit.map(str::trim) {
        None | Some("" | "1") => value.to_owned(),
        Some(unit) => format!("{value} {}", unit_words(unit)),
    }
}

/// UCUM's notation without the marks that only machines need: `mm[Hg]` is `mmHg`, `{pack}/d` is `pack/d`. Micrograms
/// are written out: both `ug` and `µg` have been read as milligrams.
fn unit_words(unit: &str) -> String {
    if unit == "ug" {
        return "microgram".to_owned();
    }
    unit.replace(['[', ']', '{', '}'], "")
}

/// A ratio (`RTO`), such as the strength of an ingredient.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Ratio<'d> {
    /// Above the line.
    pub numerator: Option<Quantity<'d>>,
    /// Below the line.
    pub denominator: Option<Quantity<'d>>,
    /// `@nullFlavor`.
    pub null_flavor: Option<NullFlavor<'d>>,
}

impl<'d> Ratio<'d> {
    /// Reads a ratio; its parts stand in the HL7 or in the medication namespace.
    pub fn new(element: Element<'d>) -> Self {
        Self {
            numerator: element.medicine("numerator").map(Quantity::new),
            denominator: element.medicine("denominator").map(Quantity::new),
            null_flavor: element.null_flavor(),
        }
    }

    /// `100 ug`, `0.5 mg / 2.5 mL`.
    pub fn words(&self) -> String {
        let numerator = self.numerator.map(|part| part.words()).unwrap_or_default();
        match self.denominator {
            Some(denominator) if !denominator.is_one() && !denominator.words().is_empty() => {
                format!("{numerator} / {}", denominator.words())
            }
            _ if numerator.is_empty() => {
                self.null_flavor.map(|null| null.words().to_owned()).unwrap_or_default()
            }
            _ => numerator,
        }
    }
}

/// The value of an observation, by its `xsi:type`.
#[derive(Clone)]
#[non_exhaustive]
pub enum Value<'d> {
    /// `CD`, `CE`, `CV`, `CO`.
    Coded(Coded<'d>),
    /// `PQ`, `IVL_PQ`, `INT`, `REAL`.
    Quantity(Quantity<'d>),
    /// `RTO`.
    Ratio(Ratio<'d>),
    /// `TS`.
    Moment(Moment<'d>),
    /// `IVL_TS`.
    Interval(Interval<'d>),
    /// `ST`, `ED`, `BL`, or anything else that has text.
    Text(String),
    /// Only a reason why there is none.
    Null(Option<NullFlavor<'d>>),
}

impl<'d> Value<'d> {
    /// Reads a `value` element; an unknown type gives its text.
    pub fn new(element: Element<'d>, narrative: &Narrative<'d>) -> Self {
        let null = element.null_flavor();
        let kind = element.xsi_type().unwrap_or(if element.attribute("code").is_some() { "CD" } else { "" });
        match kind {
            "CD" | "CE" | "CV" | "CO" | "CS" => {
                let coded = Coded::new(element, narrative);
                if coded.is_empty() { Self::Null(null) } else { Self::Coded(coded) }
            }
            "PQ" | "IVL_PQ" | "INT" | "REAL" | "IVL_INT" | "IVL_REAL" => {
                let quantity = Quantity::new(element);
                if quantity.words().is_empty() { Self::Null(null) } else { Self::Quantity(quantity) }
            }
            "RTO" | "RTO_PQ_PQ" | "RTO_QTY_QTY" => Self::Ratio(Ratio::new(element)),
            "TS" => match element.attribute("value").and_then(Moment::new) {
                Some(moment) => Self::Moment(moment),
                None => Self::Null(null),
            },
            "IVL_TS" => Self::Interval(Interval::new(element)),
            _ => {
                let text =
                    narrative.text_of(element).or_else(|| element.attribute("value").map(str::to_owned));
                text.map_or(Self::Null(null), Self::Text)
            }
        }
    }

    /// The coded value, if it is one.
    pub fn coded(&self) -> Option<&Coded<'d>> {
        match self {
            Self::Coded(coded) => Some(coded),
            _ => None,
        }
    }
}
