//! What is wrong with a configuration: where, what, and how to mend it.
//!
//! A [`Diagnostic`] reads `file:line:column: what is wrong; the mend` and can be shown with the line it is about
//! ([`Diagnostic::render`]). No message and no excerpt shows a secret: values of secret keys are never quoted, neither
//! are values that came through `${VAR}`, and a line on which a secret may stand is not excerpted.

mod excerpt;
mod problem;

use std::fmt::{self, Write as _};

use serde::Serialize;

pub(crate) use self::excerpt::{Excerpt, mentions_secret};
pub use self::problem::{Found, Problem};

/// Where a value or a problem stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Place {
    /// A place in the configuration file; line and column count from 1, columns in characters.
    File {
        /// The file as it was named or found.
        file: String,
        /// Line, from 1.
        line: u32,
        /// Column in characters, from 1.
        column: u32,
    },
    /// A file as a whole.
    WholeFile {
        /// The file as it was named or found.
        file: String,
    },
    /// A line of an environment file.
    EnvFile {
        /// The file as it was named or found.
        file: String,
        /// Line, from 1.
        line: u32,
        /// The variable that is set there, where one is known.
        variable: Option<String>,
    },
    /// A variable of the process's environment.
    Environment {
        /// The variable's name.
        variable: String,
    },
    /// A flag of the command line.
    Flag {
        /// The flag with its dashes.
        flag: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::WholeFile { file } => f.write_str(file),
            Self::EnvFile { file, line, variable: Some(variable) } => write!(f, "{file}:{line} ({variable})"),
            Self::EnvFile { file, line, variable: None } => write!(f, "{file}:{line}"),
            Self::Environment { variable } => write!(f, "environment variable {variable}"),
            Self::Flag { flag } => write!(f, "flag {flag}"),
        }
    }
}

/// One problem at one place.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    place: Option<Place>,
    problem: Box<Problem>,
    excerpt: Option<Excerpt>,
}

impl Diagnostic {
    pub(crate) fn new(place: Option<Place>, problem: Problem) -> Self {
        Self { place, problem: Box::new(problem), excerpt: None }
    }

    pub(crate) fn with_excerpt(mut self, excerpt: Option<Excerpt>) -> Self {
        self.excerpt = excerpt;
        self
    }

    /// Where it is; `None` if it is nowhere in particular.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// What it is.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The message with the line that it is about, over several lines of plain text, without a line end.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = self.to_string();
        if let Some(excerpt) = &self.excerpt {
            let _ = write!(text, "\n{excerpt}");
        }
        text
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}; {}", self.problem, self.problem.mend())
    }
}

impl Serialize for Diagnostic {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut out = serializer.serialize_struct("Diagnostic", 3)?;
        out.serialize_field("place", &self.place)?;
        out.serialize_field("message", &self.problem.to_string())?;
        out.serialize_field("mend", &self.problem.mend())?;
        out.end()
    }
}

/// Everything that is wrong with a configuration, layer by layer; of very much only the first [`ConfigErrors::MOST`].
#[derive(Debug, Clone, thiserror::Error)]
pub struct ConfigErrors {
    told: Vec<Diagnostic>,
    omitted: usize,
}

impl ConfigErrors {
    /// How many errors are told.
    pub const MOST: usize = 100;

    /// The errors; never empty.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.told
    }

    /// How many more there are.
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// All errors with the lines that they are about, as plain text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text: String = self.told.iter().map(|error| format!("error: {}\n", error.render())).collect();
        if self.omitted > 0 {
            let _ = writeln!(text, "and {} more", self.omitted);
        }
        text
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.told.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        if self.omitted > 0 {
            write!(f, "\nand {} more", self.omitted)?;
        }
        Ok(())
    }
}

/// Collects errors and makes no message for those past the bound.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    told: Vec<Diagnostic>,
    omitted: usize,
}

impl Errors {
    /// Adds the error that `make` describes.
    pub(crate) fn add(&mut self, make: impl FnOnce() -> Diagnostic) {
        if self.told.len() < ConfigErrors::MOST {
            self.told.push(make());
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// What was collected, or `None` if nothing was.
    pub(crate) fn finish(self) -> Option<ConfigErrors> {
        (!self.told.is_empty()).then_some(ConfigErrors { told: self.told, omitted: self.omitted })
    }
}

/// The candidate that `word` was most probably meant to be.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Jaro-Winkler takes time in the product of the lengths; nobody mistypes a key into a paragraph.
    if word.len() > 64 {
        return None;
    }
    let word = word.to_ascii_lowercase().replace('-', "_");
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown() -> Diagnostic {
        let place = Place::File { file: "latimer.yaml".into(), line: 2, column: 1 };
        let problem =
            Problem::UnknownKey { key: "prot".into(), nearest: Some("port".into()), known: Vec::new() };
        Diagnostic::new(Some(place), problem)
    }

    #[test]
    fn a_message_has_place_fault_and_mend_in_one_line() {
        assert_eq!(unknown().to_string(), "latimer.yaml:2:1: unknown key `prot`; did you mean `port`?");
    }

    #[test]
    fn a_rendered_message_points_into_the_line() {
        let excerpt = Excerpt::of("host: a\nprot: 1\n", 2, 1, 4);
        let expected =
            "latimer.yaml:2:1: unknown key `prot`; did you mean `port`?\n  |\n2 | prot: 1\n  | ^^^^";
        assert_eq!(unknown().with_excerpt(excerpt).render(), expected);
    }

    #[test]
    fn the_nearest_key_is_like_the_word_or_none() {
        let known = ["port", "host", "log_level", "log_format"];
        assert_eq!(nearest("prot", known), Some("port"));
        assert_eq!(nearest("LogLevel", known), Some("log_level"));
        assert_eq!(nearest("log-format", known), Some("log_format"));
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(nearest(&"port".repeat(1_000), known), None);
    }
}
