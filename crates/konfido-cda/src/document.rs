//! A clinical document: its text, its tree, and typed views on both.
//!
//! INVARIANT (lossless): the bytes that were read are the bytes that [`ClinicalDocument::as_bytes`] gives. No view
//! writes into the tree, so no element, comment or space can be lost on the way from reading to writing.

use base64::Engine as _;
use konfido_xml::{Document, Element, Limits};

use crate::{
    codes::EHDSI_DOCUMENT,
    error::ReadError,
    header::Header,
    section::Section,
    tree::{HL7, Walk},
    value::silent_debug,
};

/// The kinds of documents that cross borders. Open: an unlisted code is kept in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DocumentKind {
    /// Patient Summary.
    PatientSummary,
    /// ePrescription.
    Prescription,
    /// eDispensation.
    Dispensation,
    /// Laboratory report (original clinical document).
    LaboratoryReport,
    /// Hospital discharge report (original clinical document).
    DischargeReport,
    /// Medical imaging report (original clinical document).
    ImagingReport,
    /// Medical images (original clinical document).
    MedicalImages,
    /// Discard of an eDispensation.
    Discard,
    /// Any other type code.
    Other,
}

/// How deep the coding goes: CDA level 3 with a structured body, or level 1, a PDF in a CDA envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Structured body.
    Three,
    /// Scanned or printed document.
    One,
}

impl DocumentKind {
    const TABLE: [(Self, &'static str, &'static str); 8] = [
        (Self::PatientSummary, "60591-5", "Patient Summary"),
        (Self::Prescription, "57833-6", "ePrescription"),
        (Self::Dispensation, "60593-1", "eDispensation"),
        (Self::LaboratoryReport, "11502-2", "Laboratory report"),
        (Self::DischargeReport, "34105-7", "Hospital discharge report"),
        (Self::ImagingReport, "18748-4", "Medical imaging report"),
        (Self::MedicalImages, "x-clinical-image", "Medical images"),
        (Self::Discard, "DISCARD-60593-1", "eDispensation discard"),
    ];

    /// From `ClinicalDocument/code/@code`.
    pub fn from_code(code: &str) -> Self {
        Self::TABLE.iter().find(|(_, known, _)| *known == code).map_or(Self::Other, |(kind, ..)| *kind)
    }

    /// The type code, which is also the class code in XDS metadata.
    pub fn code(self) -> Option<&'static str> {
        Self::TABLE.iter().find(|(kind, ..)| *kind == self).map(|(_, code, _)| *code)
    }

    /// A name for a reader.
    pub fn title(self) -> &'static str {
        Self::TABLE.iter().find(|(kind, ..)| *kind == self).map_or("Clinical document", |(.., title)| *title)
    }

    /// The root template of this kind at this level, where the profile has one.
    pub fn template(self, level: Level) -> Option<String> {
        let arc = match (self, level) {
            (Self::Prescription, Level::Three) => 1,
            (Self::Dispensation, _) => 2,
            (Self::PatientSummary, Level::Three) => 3,
            (Self::Prescription, Level::One) => 6,
            (Self::PatientSummary, Level::One) => 7,
            (Self::LaboratoryReport, _) => 8,
            (Self::DischargeReport, _) => 9,
            (Self::ImagingReport, _) => 10,
            (Self::Discard, _) => return Some(format!("{EHDSI_DOCUMENT}2-DISCARD")),
            (Self::MedicalImages | Self::Other, _) => return None,
        };
        Some(format!("{EHDSI_DOCUMENT}{arc}"))
    }

    /// Whether the document is a PDF or an image in a CDA envelope at any level.
    pub fn is_original_clinical_document(self) -> bool {
        matches!(
            self,
            Self::LaboratoryReport | Self::DischargeReport | Self::ImagingReport | Self::MedicalImages
        )
    }
}

/// A CDA document with the bytes that it came in.
pub struct ClinicalDocument {
    tree: Document,
    kind: DocumentKind,
    level: Level,
}

/// Says what it is, not what is in it.
impl core::fmt::Debug for ClinicalDocument {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ClinicalDocument")
            .field("kind", &self.kind)
            .field("level", &self.level)
            .field("bytes", &self.tree.as_str().len())
            .finish_non_exhaustive()
    }
}

/// What stands below the header.
#[derive(Clone)]
#[non_exhaustive]
pub enum Body<'d> {
    /// Level 3.
    Structured(Vec<Section<'d>>),
    /// Level 1.
    Scanned(Option<Attachment<'d>>),
    /// No body at all.
    Missing,
}

/// The `nonXMLBody/text` of a level 1 document.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Attachment<'d> {
    /// `text`.
    pub element: Element<'d>,
    /// `@mediaType`.
    pub media_type: Option<&'d str>,
    /// `@representation`; `B64` by the profile.
    pub representation: Option<&'d str>,
}

silent_debug!(Body, Attachment);

impl ClinicalDocument {
    /// Reads a document within [`Limits::DOCUMENT`].
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        Self::read_within(bytes, &Limits::DOCUMENT)
    }

    /// Reads a document within limits of the caller's choice.
    pub fn read_within(bytes: &[u8], limits: &Limits) -> Result<Self, ReadError> {
        let tree = Document::parse(bytes, limits)?;
        let root = tree.root();
        if !root.is(HL7, "ClinicalDocument") {
            return Err(ReadError::NotClinicalDocument);
        }
        // The type is the code's, never a template's: samples of several countries carry a wrong template.
        let mut codes = root.every("code");
        let code = codes.next().and_then(|code| code.attribute("code")).map(str::trim).unwrap_or_default();
        if code.is_empty() {
            return Err(ReadError::NoDocumentCode);
        }
        if codes.next().is_some() {
            return Err(ReadError::SeveralDocumentCodes);
        }
        let kind = DocumentKind::from_code(code);
        drop(codes);
        let level = if root.every("component").any(|part| part.hl7("structuredBody").is_some()) {
            Level::Three
        } else {
            Level::One
        };
        Ok(Self { tree, kind, level })
    }

    /// The bytes as they were read.
    pub fn as_bytes(&self) -> &[u8] {
        self.tree.as_str().as_bytes()
    }

    /// The element `ClinicalDocument`.
    pub fn root(&self) -> Element<'_> {
        self.tree.root()
    }

    /// What kind of document it is.
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// Whether it is structured.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The header.
    pub fn header(&self) -> Header<'_> {
        Header::new(self.root())
    }

    /// The body.
    pub fn body(&self) -> Body<'_> {
        let bodies = || self.root().every("component");
        if let Some(body) = bodies().find_map(|part| part.hl7("structuredBody")) {
            let sections = body.every("component").filter_map(|part| part.hl7("section"));
            return Body::Structured(sections.map(Section::new).collect());
        }
        match bodies().find_map(|part| part.hl7("nonXMLBody")) {
            Some(body) => Body::Scanned(body.hl7("text").map(Attachment::new)),
            None => Body::Missing,
        }
    }

    /// Sections of a structured body, in document order; none at level 1.
    pub fn sections(&self) -> Vec<Section<'_>> {
        match self.body() {
            Body::Structured(sections) => sections,
            Body::Scanned(_) | Body::Missing => Vec::new(),
        }
    }
}

impl<'d> Attachment<'d> {
    pub(crate) fn new(element: Element<'d>) -> Self {
        Self {
            element,
            media_type: element.attribute("mediaType"),
            representation: element.attribute("representation"),
        }
    }

    /// The attached bytes, if they are base64 as the profile wants; white space within is allowed.
    pub fn decode(&self) -> Option<Vec<u8>> {
        let mut text = self.element.own_text().into_owned();
        text.retain(|character| !character.is_ascii_whitespace());
        base64::engine::general_purpose::STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty())
    }
}
