//! Reading a TOML table key by key, remembering each fault with its path, and each key that was asked for.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::{Table, Value};

/// What is wrong with a file.
#[derive(Debug, Default)]
pub(super) struct Faults(RefCell<Vec<String>>);

impl Faults {
    pub(super) fn into_list(self) -> Vec<String> {
        self.0.into_inner()
    }
}

/// One table of the file.
#[derive(Debug)]
pub(super) struct Section<'t> {
    table: &'t Table,
    path: String,
    base: &'t Path,
    faults: &'t Faults,
    known: RefCell<BTreeSet<String>>,
}

impl<'t> Section<'t> {
    pub(super) fn root(table: &'t Table, faults: &'t Faults, base: &'t Path) -> Self {
        Self { table, path: String::new(), base, faults, known: RefCell::default() }
    }

    /// Notes a fault of a key.
    pub(super) fn fault(&self, key: &str, what: &str) {
        self.faults.0.borrow_mut().push(format!("`{}{key}` {what}", self.path));
    }

    fn value(&self, key: &str) -> Option<&'t Value> {
        self.known.borrow_mut().insert(key.to_owned());
        self.table.get(key)
    }

    fn missing(&self, key: &str) {
        self.fault(key, "is missing");
    }

    /// A table inside.
    pub(super) fn section(&self, key: &str, required: bool) -> Option<Self> {
        match self.value(key) {
            Some(Value::Table(table)) => Some(Self {
                table,
                path: format!("{}{key}.", self.path),
                base: self.base,
                faults: self.faults,
                known: RefCell::default(),
            }),
            Some(_) => {
                self.fault(key, "must be a table");
                None
            }
            None => {
                if required {
                    self.missing(key);
                }
                None
            }
        }
    }

    /// A text that means something, or nothing.
    pub(super) fn optional<T>(&self, key: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match self.value(key)? {
            Value::String(text) => match read(text) {
                Ok(value) => Some(value),
                Err(why) => {
                    self.fault(key, &format!("can't be used: {why}"));
                    None
                }
            },
            _ => {
                self.fault(key, "must be a text");
                None
            }
        }
    }

    /// A text that must be there.
    pub(super) fn required<T>(&self, key: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        if !self.table.contains_key(key) {
            self.known.borrow_mut().insert(key.to_owned());
            self.missing(key);
            return None;
        }
        self.optional(key, read)
    }

    /// A path that must be there.
    pub(super) fn path(&self, key: &str) -> Option<PathBuf> {
        self.required(key, |text| Ok(self.base.join(text)))
    }

    /// A path, or nothing.
    pub(super) fn optional_path(&self, key: &str) -> Option<PathBuf> {
        self.optional(key, |text| Ok(self.base.join(text)))
    }

    /// A list of paths; absent means none.
    pub(super) fn paths(&self, key: &str) -> Vec<PathBuf> {
        match self.value(key) {
            None => Vec::new(),
            Some(Value::Array(list)) => list
                .iter()
                .filter_map(|value| match value {
                    Value::String(text) => Some(self.base.join(text)),
                    _ => {
                        self.fault(key, "must hold texts");
                        None
                    }
                })
                .collect(),
            Some(_) => {
                self.fault(key, "must be a list");
                Vec::new()
            }
        }
    }

    /// Yes or no; absent means no.
    pub(super) fn flag(&self, key: &str) -> bool {
        match self.value(key) {
            None => false,
            Some(Value::Boolean(flag)) => *flag,
            Some(_) => {
                self.fault(key, "must be true or false");
                false
            }
        }
    }

    /// A number in a range.
    pub(super) fn number(&self, key: &str, default: usize, range: RangeInclusive<usize>) -> usize {
        match self.value(key) {
            None => default,
            Some(Value::Integer(n)) => match usize::try_from(*n).ok().filter(|n| range.contains(n)) {
                Some(n) => n,
                None => {
                    self.fault(key, &format!("must be from {} to {}", range.start(), range.end()));
                    default
                }
            },
            Some(_) => {
                self.fault(key, "must be a number");
                default
            }
        }
    }

    /// A time in whole or broken seconds, more than none and at most an hour.
    pub(super) fn seconds(&self, key: &str, default: Duration) -> Duration {
        let seconds = match self.value(key) {
            None => return default,
            #[expect(clippy::cast_precision_loss, reason = "an hour at most is accepted")]
            Some(Value::Integer(n)) => *n as f64,
            Some(Value::Float(n)) => *n,
            Some(_) => f64::NAN,
        };
        if seconds > 0.0 && seconds <= 3600.0 {
            Duration::from_secs_f64(seconds)
        } else {
            self.fault(key, "must be a number of seconds, more than 0 and at most 3600");
            default
        }
    }

    /// Whatever was not asked for is unknown.
    pub(super) fn close(&self) {
        let known = self.known.borrow();
        for key in self.table.keys().filter(|key| !known.contains(*key)) {
            self.fault(key, "is unknown");
        }
    }
}
