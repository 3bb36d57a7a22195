//! A level 1 document: the PDF in its envelope, shown in place and offered for download.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::{Markup, html};

use crate::{document::Attachment, html::page::Block};

/// Media types that are shown; others are named and not handed to the browser.
const SHOWN: [(&str, &[u8], &str); 3] = [
    ("application/pdf", b"%PDF-", "pdf"),
    ("image/png", b"\x89PNG\r\n\x1a\n", "png"),
    ("image/jpeg", b"\xff\xd8\xff", "jpg"),
];

pub(super) fn block(attached: Option<&Attachment<'_>>) -> Block {
    let content = match attached {
        None => refusal("The document has no content besides what is said about it below."),
        Some(attached) => attached_document(attached),
    };
    Block {
        anchor: "attached".to_owned(),
        heading: "The document".to_owned(),
        count: None,
        danger: false,
        content,
    }
}

fn refusal(why: &str) -> Markup {
    html! { p.empty { (why) } }
}

fn attached_document(attached: &Attachment<'_>) -> Markup {
    let media_type = attached.media_type.unwrap_or("application/pdf");
    // The media type that goes into the page is ours, and the bytes must begin as it says: the browser is never
    // given a type or a content of the sender's choice.
    let Some((media_type, magic, suffix)) = SHOWN.iter().find(|(known, ..)| *known == media_type) else {
        return html! { p.empty { "The attached document has the media type " code { (media_type) } ", which is not shown." } };
    };
    let Some(bytes) = attached.decode() else {
        return refusal("The attached document cannot be read: it is not valid base64.");
    };
    if !bytes.starts_with(magic) {
        return refusal(
            "The attached document cannot be shown: its content is not of the type that it declares.",
        );
    }
    let address = format!("data:{media_type};base64,{}", STANDARD.encode(&bytes));
    html! {
        p {
            a.download href=(address) download={ "document." (suffix) } {
                "Download the document (" (suffix.to_uppercase()) ", " (size_words(bytes.len())) ")"
            }
        }
        object data=(address) type=(media_type) aria-label="The attached document" {
            p { "This browser does not show the document in place. Download it to read it." }
        }
    }
}

fn size_words(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{} MB", bytes.div_ceil(1_000_000)),
    }
}
