//! Environment files (`.env`): one `NAME=value` a line.
//!
//! ```text
//! # a comment, and an empty line before and after
//! export PORT=8080          # `export` is allowed; a comment starts at a `#` behind a blank
//! GREETING="two\nlines"     # double quotes: \n \r \t \\ \" \$ are escapes, and the value may span lines
//! PATTERN='as \n it is'     # single quotes: nothing is an escape, and the value may span lines
//! EMPTY=
//! ```
//!
//! A value without quotes is trimmed. `$` has no meaning here: what a file says is what the variable holds. If a name
//! stands twice, the later line counts.

use crate::interpolate::is_variable_name;

/// One assignment.
#[derive(Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The variable.
    pub name: String,
    /// Its value. May be a secret.
    pub value: String,
    /// The line on which it starts, from 1.
    pub line: u32,
}

impl std::fmt::Debug for Assignment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=*** (line {})", self.name, self.line)
    }
}

/// A line that is not understood. Does not quote the line, which may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct EnvFileError {
    /// The line, from 1.
    pub line: u32,
    /// What is wrong with it.
    pub fault: EnvFileFault,
}

/// What is wrong with a line of an environment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvFileFault {
    /// No `=`.
    #[error("a line without `=`")]
    NoEquals,
    /// The part before `=` is no variable name.
    #[error("a name that is no variable name")]
    Name,
    /// A quote is never closed.
    #[error("a quote that is never closed")]
    Unclosed,
    /// Something stands behind the closing quote.
    #[error("text behind the closing quote")]
    Trailing,
    /// An unknown `\x` in double quotes.
    #[error("a `\\` before a character that it cannot escape")]
    Escape,
    /// A NUL, which no environment variable can hold.
    #[error("a NUL character")]
    Nul,
}

impl EnvFileFault {
    /// What to write instead.
    #[must_use]
    pub fn mend(self) -> &'static str {
        match self {
            Self::NoEquals => "write NAME=value, or # before a comment",
            Self::Name => "use letters, digits and `_`, not a digit first, and no blank before `=`",
            Self::Unclosed => "close the quote, or put the whole value into the other kind of quotes",
            Self::Trailing => "put the whole value into the quotes, or a # before a comment",
            Self::Escape => "write \\\\ for a backslash, or use single quotes",
            Self::Nul => "remove it",
        }
    }
}

/// Reads a whole file.
///
/// # Errors
/// Every line that is not understood.
pub fn parse(text: &str) -> Result<Vec<Assignment>, Vec<EnvFileError>> {
    let mut lines = Lines { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 0 };
    let (mut assignments, mut errors) = (Vec::new(), Vec::new());
    while let Some(line) = lines.next() {
        let number = lines.line;
        match assignment(line, &mut lines) {
            Ok(Some((name, value))) => assignments.push(Assignment { name, value, line: number }),
            Ok(None) => {}
            Err(fault) => errors.push(EnvFileError { line: number, fault }),
        }
    }
    if errors.is_empty() { Ok(assignments) } else { Err(errors) }
}

struct Lines<'a> {
    rest: &'a str,
    line: u32,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        self.line = self.line.saturating_add(1);
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }
}

fn assignment(line: &str, lines: &mut Lines<'_>) -> Result<Option<(String, String)>, EnvFileFault> {
    let line = line.trim_start();
    if line.trim_end().is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = match line.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => line,
    };
    let (name, value) = line.split_once('=').ok_or(EnvFileFault::NoEquals)?;
    if !is_variable_name(name) {
        return Err(EnvFileFault::Name);
    }
    let value = value.trim_start();
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted(quote, value.get(1..).unwrap_or_default(), lines)?,
        _ => bare(value),
    };
    if value.contains('\0') {
        return Err(EnvFileFault::Nul);
    }
    Ok(Some((name.to_owned(), value)))
}

fn bare(value: &str) -> String {
    let end = if value.starts_with('#') {
        0
    } else {
        value.find(" #").into_iter().chain(value.find("\t#")).min().unwrap_or(value.len())
    };
    value.get(..end).unwrap_or(value).trim_end().to_owned()
}

fn quoted(quote: char, first: &str, lines: &mut Lines<'_>) -> Result<String, EnvFileFault> {
    let mut value = String::new();
    let mut line = first;
    // A quote that is never closed must not hide the mistakes below it.
    let here = Lines { rest: lines.rest, line: lines.line };
    loop {
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' if quote == '"' => match chars.next() {
                    Some('n') => value.push('\n'),
                    Some('r') => value.push('\r'),
                    Some('t') => value.push('\t'),
                    Some(c @ ('\\' | '"' | '$')) => value.push(c),
                    _ => {
                        *lines = here;
                        return Err(EnvFileFault::Escape);
                    }
                },
                c if c == quote => {
                    let tail = chars.as_str().trim();
                    return if tail.is_empty() || tail.starts_with('#') {
                        Ok(value)
                    } else {
                        Err(EnvFileFault::Trailing)
                    };
                }
                c => value.push(c),
            }
        }
        value.push('\n');
        line = match lines.next() {
            Some(line) => line,
            None => {
                *lines = here;
                return Err(EnvFileFault::Unclosed);
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(text: &str) -> Result<(String, String), EnvFileFault> {
        let mut all = parse(text).map_err(|errors| errors[0].fault)?;
        assert_eq!(all.len(), 1, "{text}");
        let only = all.remove(0);
        Ok((only.name, only.value))
    }

    #[test]
    fn assignments_are_read_in_all_their_forms() {
        for (text, value) in [
            ("A=b", "b"),
            ("A=", ""),
            ("A=  b c  ", "b c"),
            ("  export A=b", "b"),
            ("export\tA=b\r\n", "b"),
            ("A=b # c", "b"),
            ("A=b#c", "b#c"),
            ("A=# c", ""),
            ("A=b=c", "b=c"),
            ("A='b # c'", "b # c"),
            ("A='b\\n'", "b\\n"),
            ("A=\"b\\n\\\"\\\\\\$\" # c", "b\n\"\\$"),
            ("A=\"b\nc\"\n", "b\nc"),
            ("A='b\r\nc'", "b\nc"),
            ("A=$B${C}", "$B${C}"),
            ("\u{feff}A=b", "b"),
            ("# x\n\nA=b\n\n", "b"),
            ("A=é", "é"),
        ] {
            assert_eq!(one(text), Ok(("A".into(), value.into())), "{text:?}");
        }
    }

    #[test]
    fn faults_name_their_line_and_all_are_told() {
        let text = "A=1\nB\n1C=2\nD='x\nE=\"\\q\"\nF=\"x\" y\nG H=1\n";
        let errors = parse(text).expect_err("faults");
        let told: Vec<_> = errors.iter().map(|error| (error.line, error.fault)).collect();
        assert_eq!(
            told,
            [
                (2, EnvFileFault::NoEquals),
                (3, EnvFileFault::Name),
                (4, EnvFileFault::Unclosed),
                (5, EnvFileFault::Escape),
                (6, EnvFileFault::Trailing),
                (7, EnvFileFault::Name),
            ]
        );
    }

    #[test]
    fn lines_are_counted_over_a_value_of_several_lines() {
        let lines: Vec<_> = parse("A='1\n2\n3'\nB=4\n").expect("readable").iter().map(|a| a.line).collect();
        assert_eq!(lines, [1, 4]);
    }

    #[test]
    fn debug_does_not_show_the_value() {
        assert_eq!(format!("{:?}", parse("A=hunter2").expect("readable")), "[A=*** (line 1)]");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_single_quoted_value_is_kept(value in "[^'\0\r]{0,40}") {
            prop_assert_eq!(one(&format!("A='{value}'")), Ok(("A".into(), value)));
        }

        #[test]
        fn any_text_is_answered(text in "[A-C=\"'# \\\\\n\r\0é]{0,40}") {
            if let Err(errors) = parse(&text) {
                prop_assert!(!errors.is_empty());
            }
        }
    }
}
