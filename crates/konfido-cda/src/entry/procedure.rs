//! Procedures and surgeries: procedure 3.26.

use konfido_xml::Element;

use crate::{
    entry::text,
    narrative::Narrative,
    tree::Walk,
    value::{Absence, Coded, Interval, silent_debug},
};

/// A procedure that was done.
#[derive(Clone)]
#[non_exhaustive]
pub struct Procedure<'d> {
    /// `procedure`, or an `act` or `observation` that stands for one.
    pub element: Element<'d>,
    /// What was done.
    pub code: Option<Coded<'d>>,
    /// When.
    pub time: Option<Interval<'d>>,
    /// Where in the body.
    pub sites: Vec<Coded<'d>>,
    /// The sentence about it in the narrative.
    pub text: Option<String>,
    /// Set when the entry says that there is none, or nothing known.
    pub absence: Option<Absence>,
}

silent_debug!(Procedure);

impl<'d> Procedure<'d> {
    pub(super) fn new(statement: Element<'d>, narrative: &Narrative<'d>) -> Option<Self> {
        if !matches!(statement.local(), "procedure" | "act" | "observation") {
            return None;
        }
        let code = statement.hl7("code").map(|code| Coded::new(code, narrative));
        Some(Self {
            element: statement,
            time: statement.hl7("effectiveTime").map(Interval::new),
            sites: statement.every("targetSiteCode").map(|site| Coded::new(site, narrative)).collect(),
            text: text(statement, narrative),
            absence: code.as_ref().and_then(Coded::absence),
            code,
        })
    }

    /// The procedure for a reader.
    pub fn words(&self) -> String {
        let coded = self.code.as_ref().filter(|code| code.null_flavor.is_none()).map(Coded::words);
        coded.filter(|words| !words.is_empty()).or_else(|| self.text.clone()).unwrap_or_default()
    }
}
