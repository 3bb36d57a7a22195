//! Personal data that cannot be printed or serialised by accident.

use std::fmt;

/// A value about a person. `Debug` and `Display` print `[personal]`; there is no `Serialize`.
///
/// [`Personal::reveal`] is the only way to the value, so that a search for it finds every place where personal
/// data leaves its wrapper.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Personal<T>(T);

impl<T> Personal<T> {
    /// Wraps a value about a person.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one who may see it.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// Takes the value out of its wrapper.
    pub fn into_revealed(self) -> T {
        self.0
    }

    /// Makes another personal value of this one.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Personal<U> {
        Personal(f(self.0))
    }
}

impl<T> From<T> for Personal<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[personal]")
    }
}

impl<T> fmt::Display for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[personal]")
    }
}
