//! Where each value came from.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::diagnostics::Place;

/// The origin of one value.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Origin {
    /// Where it is written; `None` for a default.
    pub place: Option<Place>,
    /// The places of the variables that were put into it by `${VAR}`.
    pub variables: Vec<Place>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}")?,
            None => f.write_str("default")?,
        }
        for (index, variable) in self.variables.iter().enumerate() {
            write!(f, "{} {variable}", if index == 0 { ", from" } else { " and" })?;
        }
        Ok(())
    }
}

/// The origins of all values, by the paths of their keys: `limits.call_timeout`, `plugins.echo.enabled`.
#[derive(Debug, Clone, Default)]
pub struct Provenance(BTreeMap<String, Origin>);

impl Provenance {
    /// Where the value of the key at `path` came from; the default if nothing set it.
    #[must_use]
    pub fn of(&self, path: &str) -> Origin {
        self.0.get(path).cloned().unwrap_or_default()
    }

    /// Whether anything set the value of the key at `path`.
    pub(crate) fn is_set(&self, path: &str) -> bool {
        self.0.get(path).is_some_and(|origin| origin.place.is_some() || !origin.variables.is_empty())
    }

    pub(crate) fn set(&mut self, path: String, origin: Origin) {
        self.0.insert(path, origin);
    }

    /// The place of the value at `path`, if something set it.
    pub(crate) fn place(&self, path: &str) -> Option<Place> {
        self.0.get(path).and_then(|origin| origin.place.clone())
    }
}
