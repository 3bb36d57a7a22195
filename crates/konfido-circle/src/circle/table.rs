//! A TOML table that is read key by key, and complains of every key that nobody asked for.

use std::collections::BTreeSet;
use std::fmt::Display;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistakes::Mistakes;

/// A table on its way to become a value. Call [`Section::finish`] when all known keys are read.
pub(super) struct Section<'t, 'i> {
    table: &'t DeTable<'i>,
    /// How the reader calls this table: `member IT`.
    pub(super) name: String,
    offset: usize,
    known: BTreeSet<&'static str>,
}

/// A value with the place where it stands.
pub(super) type At<T> = (T, usize);

impl<'t, 'i> Section<'t, 'i> {
    pub(super) fn new(table: &'t DeTable<'i>, name: impl Into<String>, offset: usize) -> Self {
        Self { table, name: name.into(), offset, known: BTreeSet::new() }
    }

    /// Where the table begins.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// A string that `parse` understands; absent or wrong is a mistake.
    pub(super) fn need<T, E: Display>(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes<'_>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<At<T>> {
        if !self.table.contains_key(key) {
            self.missing(key, mistakes);
        }
        self.may(key, mistakes, parse)
    }

    /// A string that `parse` understands, where there is one.
    pub(super) fn may<T, E: Display>(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes<'_>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<At<T>> {
        let (value, at) = self.value(key)?;
        match value.as_str() {
            Some(text) => self.parsed(key, at, mistakes, parse(text)),
            None => self.wrong_type(key, "a string", value, at, mistakes),
        }
    }

    /// An array of strings, empty where absent.
    pub(super) fn list<T, E: Display>(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes<'_>,
        mut parse: impl FnMut(&str) -> Result<T, E>,
    ) -> Vec<At<T>> {
        let Some((value, at)) = self.value(key) else { return Vec::new() };
        let Some(array) = value.as_array() else {
            self.wrong_type::<()>(key, "an array of strings", value, at, mistakes);
            return Vec::new();
        };
        let mut out = Vec::new();
        for item in array.iter() {
            let at = item.span().start;
            match item.get_ref().as_str() {
                Some(text) => out.extend(self.parsed(key, at, mistakes, parse(text))),
                None => {
                    self.wrong_type::<()>(key, "a string in the array", item.get_ref(), at, mistakes);
                }
            }
        }
        out
    }

    /// A whole number; absent is a mistake when `needed`.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        needed: bool,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<At<u64>> {
        let Some((value, at)) = self.value(key) else {
            if needed {
                self.missing(key, mistakes);
            }
            return None;
        };
        let number = value.as_integer().and_then(|i| u64::from_str_radix(i.as_str(), i.radix()).ok());
        match number {
            Some(number) => Some((number, at)),
            None => self.wrong_type(key, "a whole number from 0", value, at, mistakes),
        }
    }

    /// A truth value, false where absent.
    pub(super) fn flag(&mut self, key: &'static str, mistakes: &mut Mistakes<'_>) -> bool {
        let Some((value, at)) = self.value(key) else { return false };
        value
            .as_bool()
            .or_else(|| self.wrong_type(key, "true or false", value, at, mistakes))
            .unwrap_or(false)
    }

    /// A TOML date and time with offset (`2026-11-23T12:00:00Z`).
    pub(super) fn instant(
        &mut self,
        key: &'static str,
        needed: bool,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<At<jiff::Timestamp>> {
        let Some((value, at)) = self.value(key) else {
            if needed {
                self.missing(key, mistakes);
            }
            return None;
        };
        match value.as_datetime() {
            Some(time) => self.parsed(key, at, mistakes, time.to_string().parse::<jiff::Timestamp>()),
            None => self.wrong_type(key, "a date and time with offset", value, at, mistakes),
        }
    }

    /// A table of this table; absent is a mistake.
    pub(super) fn need_table(&mut self, key: &'static str, mistakes: &mut Mistakes<'_>) -> Option<Self> {
        let Some((value, at)) = self.value(key) else {
            self.missing(key, mistakes);
            return None;
        };
        match value.as_table() {
            Some(table) => Some(Self::new(table, format!("{}, {key}", self.name), at)),
            None => self.wrong_type(key, "a table", value, at, mistakes),
        }
    }

    /// The tables of a `[[key]]`, none where absent.
    pub(super) fn tables(&mut self, key: &'static str, mistakes: &mut Mistakes<'_>) -> Vec<Self> {
        let Some((value, at)) = self.value(key) else { return Vec::new() };
        let Some(array) = value.as_array() else {
            self.wrong_type::<()>(key, "tables `[[…]]`", value, at, mistakes);
            return Vec::new();
        };
        let mut out = Vec::new();
        for (n, item) in array.iter().enumerate() {
            let at = item.span().start;
            match item.get_ref().as_table() {
                Some(table) => {
                    let name = if self.name.is_empty() {
                        format!("{key} {}", n + 1)
                    } else {
                        format!("{}, {key} {}", self.name, n + 1)
                    };
                    out.push(Self::new(table, name, at));
                }
                None => {
                    self.wrong_type::<()>(key, "tables `[[…]]`", item.get_ref(), at, mistakes);
                }
            }
        }
        out
    }

    /// Complains of the keys that nobody asked for.
    pub(super) fn finish(self, mistakes: &mut Mistakes<'_>) {
        for key in self.table.keys() {
            if !self.known.contains(key.get_ref().as_ref()) {
                let what = self.called(&format!("unknown key `{}`", shown(key.get_ref())));
                mistakes.note(key.span().start, what);
            }
        }
    }

    /// `what`, with the name of this table in front.
    pub(super) fn called(&self, what: &str) -> String {
        if self.name.is_empty() { what.to_owned() } else { format!("{}: {what}", self.name) }
    }

    fn value(&mut self, key: &'static str) -> Option<At<&'t DeValue<'i>>> {
        self.known.insert(key);
        let spanned: &'t Spanned<DeValue<'i>> = self.table.get(key)?;
        Some((spanned.get_ref(), spanned.span().start))
    }

    fn parsed<T, E: Display>(
        &self,
        key: &str,
        at: usize,
        mistakes: &mut Mistakes<'_>,
        result: Result<T, E>,
    ) -> Option<At<T>> {
        match result {
            Ok(value) => Some((value, at)),
            Err(e) => {
                let why = e.to_string();
                let why = why.lines().next().unwrap_or_default();
                mistakes.note(at, self.called(&format!("`{key}`: {why}")));
                None
            }
        }
    }

    fn missing(&self, key: &str, mistakes: &mut Mistakes<'_>) {
        mistakes.note(self.offset, self.called(&format!("`{key}` is missing")));
    }

    fn wrong_type<T>(
        &self,
        key: &str,
        wanted: &str,
        found: &DeValue<'_>,
        at: usize,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<T> {
        mistakes.note(at, self.called(&format!("`{key}` should be {wanted}, not {}", found.type_str())));
        None
    }
}

/// A key as an error shows it: no longer than a line.
fn shown(key: &str) -> String {
    key.chars().take(60).flat_map(char::escape_debug).collect()
}
