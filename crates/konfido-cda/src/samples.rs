//! Our own synthetic patients (`samples/` of the repository), inside the binary, and a summary of any size.

use konfido_xml::El;

use crate::{
    ClinicalDocument,
    codes::{EHDSI_ENTRY, EHDSI_SECTION, LOINC},
    error::ReadError,
    tree::{HL7, XSI},
};

/// A file of the sample store, in the layout that a file connector reads.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct SampleFile {
    /// Path below the store's directory.
    pub path: &'static str,
    /// Content.
    pub bytes: &'static [u8],
}

impl core::fmt::Debug for SampleFile {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SampleFile({}, {} bytes)", self.path, self.bytes.len())
    }
}

macro_rules! sample {
    ($path:literal) => {
        SampleFile { path: $path, bytes: include_bytes!(concat!("../../../samples/", $path)) }
    };
}

/// The whole store: three patients, two of them of one name, the third without consent.
pub const STORE: [SampleFile; 7] = [
    sample!("integration/2.999.380.1/SYN-0001.properties"),
    sample!("integration/2.999.380.1/SYN-0002.properties"),
    sample!("integration/2.999.380.1/SYN-0003.properties"),
    sample!("psstore/SYN-0001.pdf"),
    sample!("psstore/SYN-0001.xml"),
    sample!("psstore/SYN-0002.xml"),
    sample!("psstore/SYN-0003.xml"),
];

/// The full summary of Lucia Esempi.
pub const FULL_SUMMARY: &[u8] = include_bytes!("../../../samples/psstore/SYN-0001.xml");
/// The same on paper, PDF/A-1b.
pub const FULL_SUMMARY_PDF: &[u8] = include_bytes!("../../../samples/psstore/SYN-0001.pdf");
/// A summary that says "none" in each basic section.
pub const KNOWN_ABSENCE: &[u8] = include_bytes!("../../../samples/psstore/SYN-0002.xml");
/// A summary that says "not known" in each basic section.
pub const NO_INFORMATION: &[u8] = include_bytes!("../../../samples/psstore/SYN-0003.xml");

/// A valid summary of at least `bytes` bytes, and not much more: the one with known absences, with as many invented
/// results as it takes. For benchmarks and tests of size.
pub fn summary_of_at_least(bytes: usize) -> Result<Vec<u8>, ReadError> {
    let base = ClinicalDocument::read(KNOWN_ABSENCE)?;
    let text = String::from_utf8_lossy(base.as_bytes());
    // The new section goes before the end of the body; sections stand in free order.
    let Some((head, tail)) = text.rsplit_once("</structuredBody>") else {
        return Ok(base.as_bytes().to_vec());
    };
    let length = |results| component(results).len();
    let each = length(2).saturating_sub(length(1)).max(1);
    let missing = bytes.saturating_sub(text.len() + length(0)).div_ceil(each);
    let results = u32::try_from(missing).unwrap_or(u32::MAX);
    Ok([head, &component(results), "</structuredBody>", tail].concat().into_bytes())
}

/// A section of invented results, in its component.
fn component(results: u32) -> String {
    let section = El::new(HL7, "section")
        .child(El::new(HL7, "templateId").attr("root", format!("{EHDSI_SECTION}5")))
        .child(El::new(HL7, "code").attr("code", "30954-2").attr("codeSystem", LOINC))
        .child(El::new(HL7, "title").text("Esami"))
        .child(El::new(HL7, "text").child(El::new(HL7, "paragraph").text("Valori inventati.")))
        .children((0..results).map(entry));
    El::new(HL7, "component").declare("xsi", XSI).child(section).to_fragment().into_string()
}

/// One invented measurement of potassium. All are of one length, so that the size can be computed.
fn entry(number: u32) -> El {
    let template = |arc: &str| El::new(HL7, "templateId").attr("root", format!("{EHDSI_ENTRY}{arc}"));
    let chemistry = El::new(HL7, "code").attr("code", "18719-5").attr("codeSystem", LOINC);
    let potassium = El::new(HL7, "code")
        .attr("code", "2823-3")
        .attr("codeSystem", LOINC)
        .attr("displayName", "Potassium [Moles/volume] in Serum or Plasma");
    let completed = || El::new(HL7, "statusCode").attr("code", "completed");
    let day = format!("2025{:02}{:02}", number % 12 + 1, number % 28 + 1);
    let value = El::new(HL7, "value")
        .attr_ns(XSI, "xsi", "type", "PQ")
        .attr("value", format!("{}.{}", 3 + number % 3, number % 10))
        .attr("unit", "mmol/L");
    let observation = El::new(HL7, "observation")
        .attr("classCode", "OBS")
        .attr("moodCode", "EVN")
        .child(template("43"))
        .child(El::new(HL7, "id").attr("root", format!("2.999.380.1.9.99.{}", 1_000_000 + number)))
        .child(potassium)
        .child(completed())
        .child(El::new(HL7, "effectiveTime").attr("value", day))
        .child(value);
    let panel = El::new(HL7, "organizer")
        .attr("classCode", "BATTERY")
        .attr("moodCode", "EVN")
        .child(template("42"))
        .child(chemistry)
        .child(completed())
        .child(El::new(HL7, "component").child(observation));
    El::new(HL7, "entry").child(panel)
}
