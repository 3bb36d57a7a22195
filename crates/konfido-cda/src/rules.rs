//! The document rules of the eHDSI profile: templates, header, mandatory sections, codes.
//!
//! Sources: the sample documents and reference test data of waves 1 to 8, the coded element list of OpenNCP's
//! Transformation Manager, and what is still true of the epSOS schematrons. Each rule has an identifier that never
//! changes its meaning, and a severity: an **error** breaks the profile, a **warning** is what samples in circulation
//! do differently, or what only some readers need. A rule broken twice is reported twice, each time with the path of
//! the element, or of the element that should hold what is missing.
//!
//! The same rules stand in `interop/cda/check.py`, written independently on lxml; a test holds the two together over
//! every document that we have.

mod body;
mod codes;
mod header;

use konfido_xml::Element;

use crate::{ClinicalDocument, DocumentKind, Level};

/// How much a broken rule weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The document breaks the profile.
    Error,
    /// The document differs from what a sender should do; readers cope.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! rules {
    ($($name:ident $id:literal $severity:ident $demand:literal)+) => {
        /// A rule of the profile.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule { $( #[doc = $demand] $name, )+ }

        impl Rule {
            /// Every rule, in the order of a document.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The identifier, which never changes its meaning.
            pub fn id(self) -> &'static str { match self { $(Self::$name => $id),+ } }

            /// How much it weighs.
            pub fn severity(self) -> Severity { match self { $(Self::$name => Severity::$severity),+ } }

            /// What it demands.
            pub fn demand(self) -> &'static str { match self { $(Self::$name => $demand),+ } }
        }
    };
}

rules! {
    DocumentType "DOC-TYPE" Error "the type code is one of the documents that cross borders"
    DocumentCodeSystem "DOC-CODE-SYSTEM" Error "the type code is of LOINC"
    TypeId "DOC-TYPE-ID" Error "there is one typeId 2.16.840.1.113883.1.3 / POCD_HD000040"
    Template "DOC-TEMPLATE" Error "the document carries the template of its type"
    TemplateLevel "DOC-TEMPLATE-LEVEL" Warning "the template is that of the document's own level, structured or PDF"
    OneBody "DOC-BODY" Error "there is exactly one body, structured or not"
    PdfType "PDF-TYPE" Error "the body's media type is application/pdf (an image for medical images)"
    PdfBase64 "PDF-BASE64" Error "the body is base64 and says so"
    PdfContent "PDF-CONTENT" Error "a PDF begins as one"

    Id "HDR-ID" Error "there is exactly one id with a root"
    Title "HDR-TITLE" Error "there is exactly one title, and it isn't empty"
    EffectiveTime "HDR-TIME" Error "effectiveTime is a time"
    Confidentiality "HDR-CONFIDENTIALITY" Error "confidentialityCode is N, R or V, or has a nullFlavor"
    Language "HDR-LANGUAGE" Error "languageCode is language and country, as it-IT"
    SetId "HDR-SET-ID" Warning "setId binds the formats and versions of a document together"
    Related "HDR-RELATED" Warning "relatedDocument XFRM names the document that this one was made from"
    LastUpdate "HDR-LAST-UPDATE" Warning "a summary says when its content was last updated (documentationOf PCPR)"
    Contact "HDR-CONTACT" Warning "a summary names a contact or the preferred professional"
    Order "HDR-ORDER" Error "a dispensation names the prescription that it fulfils"

    OnePatient "PAT-ONE" Error "the document is of exactly one patient"
    PatientId "PAT-ID" Error "the patient has an identifier with a root"
    PatientAddress "PAT-ADDRESS" Error "the patient has an address, or a nullFlavor says why not"
    PatientAddressPart "PAT-ADDRESS-PART" Warning "no part of the patient's address is empty without a nullFlavor"
    PatientTelecom "PAT-TELECOM" Error "the patient has a telecom with a value, or a nullFlavor says why not"
    PatientTelecomScheme "PAT-TELECOM-SCHEME" Warning "the patient's telecom is a tel:, fax: or mailto: address"
    PatientName "PAT-NAME" Error "the patient has a family name and a given name"
    PatientGender "PAT-GENDER" Error "the gender is F, M or UN, or unknown by nullFlavor UNK"
    PatientBirth "PAT-BIRTH" Error "the birth time is a date of 4, 6 or 8 digits"

    Author "AUT-ONE" Error "there is an author"
    AuthorTime "AUT-TIME" Error "the author's time is one, or has a nullFlavor"
    AuthorId "AUT-ID" Error "the author has an identifier, or a nullFlavor"
    AuthorName "AUT-NAME" Error "the author has a family name and a given name, or is a device"
    AuthorFunction "AUT-FUNCTION" Error "the prescriber's functionCode has a code and a code system"
    AuthorOrganisation "AUT-ORGANISATION" Error "the author's organisation has an identifier, a name and a country"
    CustodianName "CUS-NAME" Error "the custodian has a name"
    CustodianCountry "CUS-COUNTRY" Error "the custodian's address has a country"
    Authenticator "LEG-ONE" Error "there is a legal authenticator"
    AuthenticatorId "LEG-ID" Error "the legal authenticator has an identifier, or a nullFlavor"
    AuthenticatorName "LEG-NAME" Error "the legal authenticator has a family name and a given name"
    AuthenticatorOrganisation "LEG-ORGANISATION" Error "the legal authenticator's organisation has an identifier, a name, a country and a telecom"

    BasicSection "SEC-BASIC" Error "a summary has the five basic sections: medication, allergies, procedures, problems, devices"
    SectionCode "SEC-CODE" Error "a section has a code of LOINC"
    SectionTitle "SEC-TITLE" Warning "a section has a title"
    SectionText "SEC-TEXT" Error "a section with entries has a text to read"
    SectionTemplate "SEC-TEMPLATE" Error "a section carries the template of its code"
    SectionTemplateOld "SEC-TEMPLATE-OLD" Warning "a section carries today's template, not only an older wave's"
    SectionOnce "SEC-ONCE" Warning "a kind of section stands once"
    SectionEntry "SEC-ENTRY" Error "a basic section has an entry, if only to say that there is nothing"
    EntryTemplate "ENT-TEMPLATE" Error "an entry carries a template that its section is made of"
    PrescriptionSection "PRE-SECTION" Error "a prescription has exactly one prescription section"
    PrescriptionItem "PRE-ITEM" Error "a prescription section has an item"
    DispensationSection "DIS-SECTION" Error "a dispensation has exactly one dispensation section"
    DispensationItem "DIS-ITEM" Error "a dispensation section has a supply"

    CodeRequired "COD-REQUIRED" Error "the dose form of a prescribed or dispensed medicine is coded"
    CodeExpected "COD-EXPECTED" Error "the codes that the profile expects are there, or a nullFlavor says why not"
    CodePair "COD-PAIR" Warning "a coded element has code and code system, a nullFlavor or an original text"
    CodeType "COD-TYPE" Warning "a coded element is of type CD or CE"
    CodeSystem "COD-SYSTEM" Warning "a code system is an OID"
    Reference "REF-TARGET" Warning "a reference into the narrative finds its target"
    Time "TIM-FORM" Warning "a time in the body is one"
}

/// One rule broken at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// The element, or the one that should hold what is missing: `/ClinicalDocument/author[2]/time`.
    pub path: String,
}

/// Everything that a document breaks.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// In the order of [`Rule::ALL`], then of the document.
    pub findings: Vec<Finding>,
    /// Whether there are more than [`Report::LIMIT`], which were not looked for any further.
    pub truncated: bool,
}

impl Report {
    /// Most findings of one report. A path costs a look at all siblings, so a document of a million mistakes must not
    /// make a million paths.
    pub const LIMIT: usize = 2_000;

    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.rule.severity() == severity).count()
    }

    /// Whether no finding is an error, and all were looked for.
    pub fn is_sound(&self) -> bool {
        self.count(Severity::Error) == 0 && !self.truncated
    }
}

/// Holds a document against every rule.
pub fn check(document: &ClinicalDocument) -> Report {
    let mut check = Check {
        kind: document.kind(),
        level: document.level(),
        root: document.root(),
        findings: Vec::new(),
        truncated: false,
    };
    header::check(&mut check);
    body::check(&mut check);
    codes::check(&mut check);
    // Stable: findings of one rule stay in document order.
    check.findings.sort_by_key(|finding| finding.rule);
    Report { findings: check.findings, truncated: check.truncated }
}

/// A check under way.
struct Check<'d> {
    kind: DocumentKind,
    level: Level,
    root: Element<'d>,
    findings: Vec<Finding>,
    truncated: bool,
}

impl<'d> Check<'d> {
    /// Reports the rule at the element unless it holds.
    fn demand(&mut self, rule: Rule, holds: bool, at: Element<'d>) {
        if holds {
            return;
        }
        if self.findings.len() < Report::LIMIT {
            self.findings.push(Finding { rule, path: at.path() });
        } else {
            self.truncated = true;
        }
    }

    fn is(&self, kind: DocumentKind) -> bool {
        self.kind == kind
    }
}
