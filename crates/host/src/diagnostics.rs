//! What is wrong with a configuration: where, what, and how to mend it.
//!
//! A [`Diagnostic`] reads `file:line:column: what is wrong; the mend` and can be shown with the line it is about
//! ([`Diagnostic::render`]). No message and no excerpt shows a secret: values of secret keys are never quoted, neither
//! are values that came through `${VAR}`, and a line on which a secret may stand is not excerpted.

use std::fmt::{self, Write as _};

use serde::Serialize;

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

/// How a message names a value that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Only its kind: `a list`.
    Kind(&'static str),
    /// A value that is shown as it is: `the number 3`, `true`.
    Token(String),
    /// Text that is shown in quotes, shortened.
    Text(String),
}

impl Found {
    /// The same without the value, for secrets and for what came out of a variable.
    #[must_use]
    pub fn hidden(self) -> Self {
        match self {
            Self::Kind(kind) => Self::Kind(kind),
            Self::Token(_) => Self::Kind("another kind of value"),
            Self::Text(_) => Self::Kind("other text"),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => f.write_str(kind),
            Self::Token(token) => f.write_str(token),
            Self::Text(text) => write!(f, "{:?}", shortened(text)),
        }
    }
}

/// What is wrong. `Display` says it in one line without the mend; [`Problem::mend`] says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A file that was named, or found, cannot be read.
    #[error("cannot read the file: {0}")]
    Unreadable(std::io::ErrorKind),
    /// A file is larger than the bound.
    #[error("the file has more than {limit} bytes")]
    TooLarge {
        /// The bound in bytes.
        limit: usize,
    },
    /// A file or variable is not UTF-8.
    #[error("not UTF-8 text")]
    NotUtf8,
    /// The file's extension names no notation.
    #[error("the file's name does not tell its notation")]
    UnknownFormat,
    /// Several configuration files stand side by side.
    #[error("more than one configuration file: {}", files.join(", "))]
    SeveralFiles {
        /// Their names.
        files: Vec<String>,
    },
    /// The parser gave up.
    #[error("not readable as {format}: {reason}")]
    Syntax {
        /// The notation.
        format: &'static str,
        /// What the parser says.
        reason: String,
        /// Whether the line holds a `${` that may need quotes.
        bare_reference: bool,
    },
    /// An environment file has a line that is no assignment.
    #[error("not readable as an environment file: {0}")]
    EnvFile(crate::env_file::EnvFileFault),
    /// A key that does not exist.
    #[error("unknown key `{}`", shortened(key))]
    UnknownKey {
        /// The key with its path.
        key: String,
        /// The known key that is most like it.
        nearest: Option<String>,
        /// The keys that exist at this place.
        known: Vec<String>,
    },
    /// A key stands twice in one table.
    #[error("key `{}` stands here again; line {first_line} has it first", shortened(key))]
    DuplicateKey {
        /// The key.
        key: String,
        /// Where it stands first.
        first_line: u32,
    },
    /// A value is of the wrong type, malformed, or out of its range.
    #[error("`{key}` must be {expected}, not {found}")]
    BadValue {
        /// The key with its path.
        key: String,
        /// What it takes.
        expected: String,
        /// What stands there.
        found: Found,
        /// How to write it.
        mend: String,
    },
    /// A key is written without a value.
    #[error("`{key}` has no value")]
    NoValue {
        /// The key with its path.
        key: String,
    },
    /// The name of a plugin or token holds characters that it may not.
    #[error("`{}` cannot be a name in `{table}`", shortened(name))]
    BadName {
        /// The table.
        table: String,
        /// The name.
        name: String,
    },
    /// `${VAR}` names a variable that is not set.
    #[error("`{key}` needs the environment variable {variable}, which is not set")]
    UnsetVariable {
        /// The key with its path.
        key: String,
        /// The variable.
        variable: String,
    },
    /// A `$` that is not understood.
    #[error("`{key}` holds {fault}")]
    BadReference {
        /// The key with its path.
        key: String,
        /// What is wrong with it.
        fault: crate::interpolate::ReferenceFault,
    },
    /// A token has no `token`.
    #[error("`tokens.{name}` has no token")]
    TokenMissing {
        /// The principal's name.
        name: String,
    },
    /// Two principals have one token.
    #[error("`tokens.{name}` has the same token as `tokens.{other}`")]
    TokenShared {
        /// One principal.
        name: String,
        /// The other.
        other: String,
    },
    /// Of two keys that belong together one is missing.
    #[error("`{present}` is set without `{missing}`")]
    HalfOfPair {
        /// The key that is set.
        present: &'static str,
        /// The key that is not.
        missing: &'static str,
    },
    /// A limit is above the one that contains it.
    #[error("`{smaller}` is more than `{larger}`")]
    Contradiction {
        /// The key that must not be larger.
        smaller: &'static str,
        /// The key that bounds it.
        larger: &'static str,
    },
    /// A secret was given on the command line.
    #[error("`{key}` is a secret and cannot be given as a flag")]
    SecretFlag {
        /// The key with its path.
        key: String,
    },
    /// Warning: a variable looks like ours and is none.
    #[error("{variable} is not a variable that Latimer reads")]
    UnknownVariable {
        /// The variable.
        variable: String,
        /// The known variable that is most like it.
        nearest: Option<String>,
    },
    /// Warning: a plugin is to be loaded at start and is disabled.
    #[error("`autoload` names {plugin}, which `plugins.{plugin}.enabled` switches off")]
    AutoloadDisabled {
        /// The plugin.
        plugin: String,
    },
    /// Warning: anybody who reaches the machine may call.
    #[error("`host` {host} is reachable from other machines and `tokens` is empty: every caller is let in")]
    OpenToAll {
        /// The address.
        host: String,
    },
}

impl Problem {
    /// What to do about it, as an order that fits behind a semicolon.
    #[must_use]
    pub fn mend(&self) -> String {
        match self {
            Self::Unreadable(std::io::ErrorKind::NotFound) => "check the path, or create the file".into(),
            Self::Unreadable(std::io::ErrorKind::IsADirectory) => "name a file, not a directory".into(),
            Self::Unreadable(_) => "check the path and its permissions".into(),
            Self::TooLarge { .. } => "a configuration is far smaller; check that this is the right file".into(),
            Self::NotUtf8 => "save it as UTF-8".into(),
            Self::UnknownFormat => "name it *.yaml, *.yml, *.toml or *.json".into(),
            Self::SeveralFiles { .. } => "keep one, or name the one to use".into(),
            Self::Syntax { bare_reference: true, .. } => {
                "inside `{…}`, `[…]` and in JSON a reference needs quotes: \"${VAR}\"".into()
            }
            Self::Syntax { reason, .. } if reason.contains("duplicate key") => "keep one of the two".into(),
            Self::Syntax { .. } => "correct the text at this place".into(),
            Self::EnvFile(fault) => fault.mend().into(),
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::UnknownKey { known, .. } if known.is_empty() => "remove it".into(),
            Self::UnknownKey { known, .. } => format!("known here: {}", known.join(", ")),
            Self::DuplicateKey { .. } => "keep one of the two".into(),
            Self::BadValue { mend, .. } => mend.clone(),
            Self::NoValue { .. } => "write a value, or remove the line for the default".into(),
            Self::BadName { .. } => "use 1 to 128 of the characters A-Z a-z 0-9 _ - .".into(),
            Self::UnsetVariable { variable, .. } => {
                format!("set {variable}, or give a default: ${{{variable}:-…}}")
            }
            Self::BadReference { fault, .. } => fault.mend().into(),
            Self::TokenMissing { name } => {
                format!("write `token: \"${{VAR}}\"` below `{name}` and set that variable")
            }
            Self::TokenShared { .. } => "give each principal a token of its own".into(),
            Self::HalfOfPair { missing, .. } => format!("set `{missing}` too, or neither"),
            Self::Contradiction { smaller, larger } => format!("lower `{smaller}` or raise `{larger}`"),
            Self::SecretFlag { .. } => {
                "other users of the machine can read flags; write \"${VAR}\" in the file and set that variable".into()
            }
            Self::UnknownVariable { nearest: Some(nearest), .. } => format!("did you mean {nearest}?"),
            Self::UnknownVariable { .. } => "unset it if it was meant for Latimer".into(),
            Self::AutoloadDisabled { plugin } => format!("remove {plugin} from one of the two"),
            Self::OpenToAll { .. } => "set `tokens`, or `host: 127.0.0.1`".into(),
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

/// Everything that is wrong with a configuration, in the order of the file.
#[derive(Debug, Clone, thiserror::Error)]
pub struct ConfigErrors(Vec<Diagnostic>);

impl ConfigErrors {
    /// The errors, or `None` if there are none.
    pub(crate) fn of(errors: Vec<Diagnostic>) -> Option<Self> {
        (!errors.is_empty()).then_some(Self(errors))
    }

    /// The errors; never empty.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0
    }

    /// All errors with the lines that they are about, as plain text.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.iter().map(|error| format!("error: {}\n", error.render())).collect()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

/// One line of a file with a mark below a stretch of it.
#[derive(Debug, Clone)]
pub(crate) struct Excerpt {
    line: u32,
    text: String,
    column: u32,
    width: u32,
}

impl Excerpt {
    /// The longest piece of a line that is shown.
    const WIDTH: usize = 100;

    /// The line with number `line` of `source`, or `None` if it does not exist or may hold a secret.
    pub(crate) fn of(source: &str, line: u32, column: u32, width: u32) -> Option<Self> {
        let text = source.lines().nth((line as usize).checked_sub(1)?)?;
        if mentions_secret(text) {
            return None;
        }
        let start = (column as usize).saturating_sub(Self::WIDTH / 2);
        let shown: String = text
            .chars()
            .skip(start)
            .take(Self::WIDTH)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let column = column.saturating_sub(u32::try_from(start).unwrap_or(u32::MAX)).max(1);
        Some(Self { line, text: shown, column, width })
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gutter = self.line.to_string().len();
        let indent = (self.column as usize).saturating_sub(1).min(Self::WIDTH);
        let width = (self.width as usize).clamp(1, Self::WIDTH.saturating_sub(indent).max(1));
        writeln!(f, "{:gutter$} |", "")?;
        writeln!(f, "{} | {}", self.line, self.text)?;
        write!(f, "{:gutter$} | {:indent$}{}", "", "", "^".repeat(width))
    }
}

/// Whether a secret may stand in `text`.
pub(crate) fn mentions_secret(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["tok", "secret", "passw", "bearer"].iter().any(|word| lower.contains(word))
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

/// `text` without control characters, cut after 64 characters.
fn shortened(text: &str) -> String {
    let mut out: String =
        text.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(64).is_some() {
        out.push('…');
    }
    out
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
    fn an_excerpt_is_bounded_and_free_of_control_characters() {
        let source = format!("{}\u{1b}[31mx", "a".repeat(5_000));
        let shown = Excerpt::of(&source, 1, 5_001, 50_000).expect("an excerpt").to_string();
        assert!(shown.len() < 400, "{}", shown.len());
        assert!(!shown.contains('\u{1b}'));
    }

    #[test]
    fn a_line_that_may_hold_a_secret_is_not_shown() {
        assert!(Excerpt::of("alice: { tokn: abc }", 1, 1, 1).is_none());
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
