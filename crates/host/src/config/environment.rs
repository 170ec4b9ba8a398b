//! The variables that a configuration is read with: the process's own, and those of environment files.

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::diagnostics::{Diagnostic, Place, Problem};
use crate::env_file;

/// Variables with their places. Has no `Debug`, since it is full of secrets.
pub(crate) struct Environment {
    variables: BTreeMap<String, Variable>,
}

struct Variable {
    /// `None` if it is not UTF-8.
    value: Option<String>,
    place: Place,
}

impl Environment {
    /// The process's own variables. One whose name is not UTF-8 cannot be referred to and is left out.
    pub(crate) fn of_process<'a>(variables: impl IntoIterator<Item = &'a (OsString, OsString)>) -> Self {
        let variables = variables
            .into_iter()
            .filter_map(|(name, value)| {
                let variable = name.to_str()?.to_owned();
                let place = Place::Environment { variable: variable.clone() };
                Some((variable, Variable { value: value.to_str().map(str::to_owned), place }))
            })
            .collect();
        Self { variables }
    }

    /// Adds what `text`, the environment file `file`, sets and nothing stronger has set before.
    pub(crate) fn add_file(&mut self, file: &str, text: &str) -> Result<(), Vec<Diagnostic>> {
        let assignments = env_file::parse(text).map_err(|errors| {
            let told = |error: env_file::EnvFileError| {
                let place = Place::EnvFile { file: file.to_owned(), line: error.line, variable: None };
                Diagnostic::new(Some(place), Problem::EnvFile(error.fault))
            };
            errors.into_iter().map(told).collect::<Vec<_>>()
        })?;
        let of_this_file: BTreeMap<_, _> =
            assignments.into_iter().map(|one| (one.name.clone(), one)).collect();
        for (name, assignment) in of_this_file {
            let place =
                Place::EnvFile { file: file.to_owned(), line: assignment.line, variable: Some(name.clone()) };
            self.variables.entry(name).or_insert(Variable { value: Some(assignment.value), place });
        }
        Ok(())
    }

    /// The value of `name`, if it is set and UTF-8.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.variables.get(name).and_then(|variable| variable.value.as_deref())
    }

    /// Where `name` is set.
    pub(crate) fn place(&self, name: &str) -> Option<Place> {
        self.variables.get(name).map(|variable| variable.place.clone())
    }

    /// The names of all variables that begin with `prefix`.
    pub(crate) fn names<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.variables
            .range(prefix.to_owned()..)
            .map(|(name, _)| name.as_str())
            .take_while(move |name| name.starts_with(prefix))
    }

    /// Whether `name` is set to something that is not UTF-8.
    pub(crate) fn is_garbled(&self, name: &str) -> bool {
        self.variables.get(name).is_some_and(|variable| variable.value.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_really_set_beats_a_file_and_an_earlier_file_beats_a_later() {
        let process = [("A".into(), "real".into())];
        let mut environment = Environment::of_process(&process);
        environment.add_file("one.env", "A=1\nB=1\nB=2\n").expect("readable");
        environment.add_file("two.env", "B=3\nC=3\n").expect("readable");
        let values: Vec<_> = ["A", "B", "C", "D"].map(|name| environment.value(name).unwrap_or("-")).into();
        assert_eq!(values, ["real", "2", "3", "-"]);
        assert_eq!(environment.place("B").expect("a place").to_string(), "one.env:3 (B)");
        assert_eq!(environment.names("B").collect::<Vec<_>>(), ["B"]);
    }
}
