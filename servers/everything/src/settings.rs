//! What an operator decides.

use std::collections::BTreeSet;

/// The variable that names, separated by commas, the environment variables that `get-env` may show.
pub const SHOWN: &str = "EVERYTHING_SHOW_ENV";

/// Which environment variables `get-env` shows.
///
/// An environment holds tokens and passwords more often than not: only what is named here is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment(BTreeSet<String>);

impl Environment {
    /// Shows these variables.
    pub fn showing<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// Shows what the variable [`SHOWN`] of the process names; where it is not set, the language and the time zone.
    pub fn of_process() -> Self {
        match std::env::var(SHOWN) {
            Ok(names) => Self::showing(names.split(',').map(str::trim).filter(|name| !name.is_empty())),
            Err(_) => Self::default(),
        }
    }

    /// The variables that are set, with their values.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().filter_map(|name| {
            let value = std::env::var_os(name)?;
            Some((name.as_str(), value.to_string_lossy().into_owned()))
        })
    }
}

impl Default for Environment {
    /// The language and the time zone.
    fn default() -> Self {
        Self::showing(["LANG", "LC_ALL", "TZ"])
    }
}
