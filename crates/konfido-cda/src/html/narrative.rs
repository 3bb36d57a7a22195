//! The narrative block as HTML, through an allow-list (CDA R2, 4.3.5).
//!
//! Element names are mapped one by one; attributes are dropped save spans of cells, clamped, and language tags.
//! Unknown elements leave their text. `linkHtml` shows its address as text, media their place.

use konfido_xml::{Element, Node};
use maud::{Markup, html};

use crate::html::parts::language_tag;

/// What an author wrote, as HTML.
pub(super) fn narrative(text: Element<'_>) -> Markup {
    flow(text)
}

fn flow(element: Element<'_>) -> Markup {
    html! {
        @for node in element.nodes() {
            @match node {
                Node::Text(text) => (text),
                Node::Element(child) => (block(child)),
                _ => {},
            }
        }
    }
}

fn block(element: Element<'_>) -> Markup {
    let inner = || flow(element);
    match element.local() {
        "paragraph" => html! { p { (inner()) } },
        "br" => html! { br; },
        "sub" => html! { sub { (inner()) } },
        "sup" => html! { sup { (inner()) } },
        "caption" => html! { p.caption { (inner()) } },
        "list" if element.attribute("listType") == Some("ordered") => html! { ol { (items(element)) } },
        "list" => html! { ul { (items(element)) } },
        "table" => table(element),
        "content" => content(element),
        "linkHtml" => html! {
            (inner())
            @if let Some(address) = element.attribute("href").filter(|address| !address.starts_with('#')) {
                " " span.address { "<" (address) ">" }
            }
        },
        "renderMultiMedia" => html! { span.address { "[media not shown]" } (inner()) },
        "footnote" => html! { span.footnote { " (" (inner()) ")" } },
        "footnoteRef" => html! {},
        _ => inner(),
    }
}

fn items(list: Element<'_>) -> Markup {
    html! {
        @for child in list.children() {
            @match child.local() {
                "item" => li { (flow(child)) },
                _ => li.caption { (block(child)) },
            }
        }
    }
}

/// `styleCode` and `revised` carry meaning; all other styling is the reader's.
fn content(element: Element<'_>) -> Markup {
    let inner = flow(element);
    let language = element.attribute("language").and_then(language_tag);
    let inner = match language {
        Some(language) => html! { span lang=(language) { (inner) } },
        None => inner,
    };
    let styles = element.attribute("styleCode").unwrap_or_default();
    let has = |style: &str| styles.split_whitespace().any(|code| code.eq_ignore_ascii_case(style));
    let inner = match element.attribute("revised") {
        Some("insert") => html! { ins { (inner) } },
        Some("delete") => html! { del { (inner) } },
        _ => inner,
    };
    if has("bold") {
        html! { strong { (inner) } }
    } else if has("italics") || has("emphasis") {
        html! { em { (inner) } }
    } else {
        inner
    }
}

fn table(element: Element<'_>) -> Markup {
    html! {
        div.scroll role="group" aria-label="Table as written" tabindex="0" {
            table {
                @if let Some(caption) = element.children().find(|child| child.local() == "caption") {
                    caption { (flow(caption)) }
                }
                @for part in element.children() {
                    @match part.local() {
                        "thead" => thead { (rows(part)) },
                        "tfoot" => tfoot { (rows(part)) },
                        "tbody" => tbody { (rows(part)) },
                        "tr" => tbody { (row(part)) },
                        _ => {},
                    }
                }
            }
        }
    }
}

fn rows(part: Element<'_>) -> Markup {
    html! { @for child in part.children().filter(|child| child.local() == "tr") { (row(child)) } }
}

fn row(element: Element<'_>) -> Markup {
    let in_head = element.parent().is_some_and(|parent| parent.local() == "thead");
    html! {
        tr {
            @for cell in element.children() {
                @match cell.local() {
                    "th" => th scope=(if in_head { "col" } else { "row" }) colspan=[span(cell, "colspan")] rowspan=[span(cell, "rowspan")] { (flow(cell)) },
                    "td" => td colspan=[span(cell, "colspan")] rowspan=[span(cell, "rowspan")] { (flow(cell)) },
                    _ => {},
                }
            }
        }
    }
}

/// A span of cells within reason.
fn span(cell: Element<'_>, name: &str) -> Option<u16> {
    cell.attribute(name)?.trim().parse().ok().filter(|span| (2..=200).contains(span))
}
