//! HL7 v3 data types as they stand in a CDA document: codes, times, quantities, identifiers.
//!
//! A value borrows from the document and keeps what was written, also when it cannot be understood:
//! understanding is a second step ([`Moment::parse`], [`Coded::absence`]).

mod coded;
mod quantity;
mod time;

pub use coded::{Absence, Coded, NullFlavor};
pub use quantity::{Quantity, Ratio, Value};
pub use time::{Interval, Moment, PartialTime, Timing};

use konfido_circle::Personal;
use konfido_xml::Element;

use crate::tree::Walk;

/// An instance identifier (`II`).
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct InstanceId<'d> {
    /// `@root`: an OID or UUID; empty when absent.
    pub root: &'d str,
    /// `@extension`.
    pub extension: Option<&'d str>,
    /// `@nullFlavor`.
    pub null_flavor: Option<NullFlavor<'d>>,
}

impl<'d> InstanceId<'d> {
    /// Reads an `id`-like element.
    pub fn new(element: Element<'d>) -> Self {
        Self {
            root: element.attribute("root").unwrap_or_default(),
            extension: element.attribute("extension").filter(|extension| !extension.is_empty()),
            null_flavor: element.null_flavor(),
        }
    }

    /// The form used as unique id in XDS: `root^extension`, or the root alone.
    pub fn unique_id(&self) -> String {
        match self.extension {
            Some(extension) => format!("{}^{extension}", self.root),
            None => self.root.to_owned(),
        }
    }
}

/// An identifier may name a person, so `Debug` shows only its root.
impl core::fmt::Debug for InstanceId<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InstanceId").field("root", &self.root).finish_non_exhaustive()
    }
}

/// Wraps text of the document that names or describes a person.
pub(crate) fn personal(text: String) -> Option<Personal<String>> {
    (!text.is_empty()).then(|| Personal::new(text))
}

/// Gives types that hold clinical content a `Debug` that says nothing of it.
macro_rules! silent_debug {
    ($($name:ident),+ $(,)?) => { $(
        impl core::fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), " { [personal] }"))
            }
        }
    )+ };
}
pub(crate) use silent_debug;
