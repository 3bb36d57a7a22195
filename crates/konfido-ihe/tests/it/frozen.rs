//! The wire form of every message is frozen: a change of it is an act of its own (`KONFIDO_FREEZE=1` writes the
//! folder `tests/frozen` anew), and whoever changes it sees the difference in the review.

use std::path::Path;

use crate::emitted;

#[test]
fn the_wire_form_of_every_message_is_frozen() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frozen");
    let freeze = std::env::var_os("KONFIDO_FREEZE").is_some_and(|v| v == "1");
    for (name, message) in emitted::all() {
        // Two refusals stand for all: the codes of each are pinned by the tests of the tables.
        let told = name.ends_with(": NotFound") || name.ends_with(": InsufficientRights");
        if name.contains(':') && !told && !name.ends_with("NotFound Some(Prescription)") {
            continue;
        }
        let words: Vec<_> =
            name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let file = words.join("-").to_ascii_lowercase();
        let path = folder.join(format!("{file}.xml"));
        // One element a line, so that a difference can be read; nothing we emit has text beside elements.
        let text = message.to_document_string().replace("><", ">\n<") + "\n";
        if freeze {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, text).unwrap();
        } else {
            let frozen = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            assert_eq!(text, frozen, "{name}");
        }
    }
}
