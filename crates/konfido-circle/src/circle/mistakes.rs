//! Mistakes of a circle file, collected with their lines.

use std::fmt;

/// One mistake, with the line where it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CircleMistake {
    line: usize,
    what: String,
}

impl CircleMistake {
    /// The line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// What is wrong there.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for CircleMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// Collects mistakes of one text.
pub(super) struct Mistakes<'s> {
    text: &'s str,
    found: Vec<CircleMistake>,
}

impl<'s> Mistakes<'s> {
    pub(super) fn of(text: &'s str) -> Self {
        Self { text, found: Vec::new() }
    }

    /// Notes a mistake at a byte offset of the text.
    pub(super) fn note(&mut self, offset: usize, what: impl Into<String>) {
        let before = self.text.as_bytes().iter().take(offset);
        let line = 1 + before.filter(|b| **b == b'\n').count();
        self.found.push(CircleMistake { line, what: what.into() });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them, in the order of the file.
    pub(super) fn into_sorted(mut self) -> Vec<CircleMistake> {
        self.found.sort();
        self.found.dedup();
        self.found
    }
}
