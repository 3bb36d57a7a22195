//! An accessible page of a clinical document, for a professional who reads it once, on screen or paper.
//!
//! * One self-contained HTML file: the style is inside, nothing is loaded, no script runs; a Content-Security-
//!   Policy says so to the browser. Every text of the document is escaped, its narrative goes through an allow-list
//!   ([`narrative`]), no address in it becomes a link.
//! * WCAG 2.2 AA: landmarks, one `h1`, headings in order, a skip link, tables with caption and header scopes, wide
//!   tables scroll by keyboard, colours above 4.5:1, no meaning by colour alone.
//! * Allergies come first and alone may be red. What a section says by absence is said in words; a basic section
//!   that the document doesn't have is named, so that silence is never read as "none".

mod attachment;
mod narrative;
mod page;
mod parts;
mod people;
mod sections;
mod table;

use crate::ClinicalDocument;

/// The style sheet, inlined into each page.
pub const STYLE: &str = include_str!("html/style.css");

/// SHA-256 of [`STYLE`] in base64, which the page's policy admits as its only style. A test holds both together.
pub const STYLE_DIGEST: &str = include_str!("html/style.sha256");

/// Renders a page. It is for the eyes of the one who asked for the document: everything in it is personal.
pub fn render(document: &ClinicalDocument) -> String {
    page::page(document).into_string()
}
