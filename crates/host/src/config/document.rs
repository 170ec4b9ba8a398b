//! A configuration file as a tree of values that know where they stand.
//!
//! YAML, TOML and JSON are read into the same small [`Node`] tree, so that everything after the parser (interpolation,
//! known keys, types, messages) is written once. The tree is bounded: [`MAX_BYTES`] of text, [`MAX_DEPTH`] levels,
//! [`MAX_NODES`] values with YAML aliases counted each time they are used.

mod json;
mod toml;
mod yaml;

use std::path::Path;

use crate::diagnostics::{Found, Problem};

/// The largest configuration or environment file that is read, in bytes.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// How deep a configuration file may nest.
pub(crate) const MAX_DEPTH: usize = 32;
/// How many values a configuration file may hold, every use of a YAML alias counted.
pub(crate) const MAX_NODES: usize = 20_000;

/// The three notations of a configuration file, told apart by the file's extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Yaml,
    Toml,
    Json,
}

impl Format {
    /// The notation of `path`, or `None` for an extension that is not known.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Yaml => "YAML",
            Self::Toml => "TOML",
            Self::Json => "JSON",
        }
    }
}

/// A stretch of one line: where it starts, counted from 1 in characters, and how wide it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) width: u32,
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
    /// Whether the text held references, which have been replaced; it is then read as a variable's value would be.
    pub(crate) interpolated: bool,
    /// The environment variables whose values were put into this text, in order.
    pub(crate) variables: Vec<String>,
}

impl Node {
    fn new(span: Span, value: Value) -> Self {
        Self { span, value, interpolated: false, variables: Vec::new() }
    }
}

/// What a configuration file can say at one place.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    /// A number that is not a 64-bit integer, as written.
    Number(String),
    Text(String),
    /// A TOML date or time, as written.
    Date(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// Has been reported already and counts as not there.
    Rejected,
}

impl Value {
    /// How a message names this value.
    pub(crate) fn found(&self) -> Found {
        match self {
            Self::Null | Self::Rejected => Found::Kind("nothing"),
            Self::Bool(value) => Found::Token(value.to_string()),
            Self::Integer(value) => Found::Token(format!("the number {value}")),
            Self::Number(text) => Found::Token(format!("the number {text}")),
            Self::Date(text) => Found::Token(format!("the date {text}")),
            Self::Text(text) => Found::Text(text.clone()),
            Self::List(_) => Found::Kind("a list"),
            Self::Table(_) => Found::Kind("a table"),
        }
    }
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) span: Span,
    pub(crate) value: Node,
}

/// Reads `text` as a document. An empty document is an empty table.
///
/// Of a syntax error only the first is told; every key that stands twice in one table is.
pub(crate) fn parse(format: Format, text: &str) -> Result<Node, Vec<(Span, Problem)>> {
    let root = match format {
        Format::Yaml => yaml::parse(text),
        Format::Toml => toml::parse(text),
        Format::Json => json::parse(text),
    }
    .map_err(|syntax| vec![(syntax.span, syntax.problem(format, text))])?;
    let mut problems = Vec::new();
    duplicates(&root, &mut problems);
    if problems.is_empty() { Ok(root) } else { Err(problems) }
}

/// What a parser says about text that it cannot read.
#[derive(Debug)]
struct Syntax {
    span: Span,
    reason: String,
}

impl Syntax {
    fn new(span: Span, reason: impl Into<String>) -> Self {
        Self { span, reason: reason.into() }
    }

    fn problem(self, format: Format, text: &str) -> Problem {
        let line = text.lines().nth((self.span.line as usize).saturating_sub(1)).unwrap_or_default();
        let bare_reference = format != Format::Toml && line.contains("${");
        Problem::Syntax { format: format.name(), reason: self.reason, bare_reference }
    }
}

/// Counts what has been built, so that no document grows past the bounds.
#[derive(Debug, Default)]
struct Budget {
    nodes: usize,
}

impl Budget {
    fn take(&mut self, nodes: usize, span: Span) -> Result<(), Syntax> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(Syntax::new(span, format!("more than {MAX_NODES} values")));
        }
        Ok(())
    }
}

fn too_deep(depth: usize, span: Span) -> Result<(), Syntax> {
    if depth > MAX_DEPTH {
        return Err(Syntax::new(span, format!("nested deeper than {MAX_DEPTH} levels")));
    }
    Ok(())
}

fn duplicates(node: &Node, problems: &mut Vec<(Span, Problem)>) {
    match &node.value {
        Value::Table(entries) => {
            let mut seen = std::collections::HashMap::new();
            for entry in entries {
                if let Some(first) = seen.get(entry.key.as_str()) {
                    problems.push((
                        entry.span,
                        Problem::DuplicateKey { key: entry.key.clone(), first_line: *first },
                    ));
                } else {
                    seen.insert(entry.key.as_str(), entry.span.line);
                }
                duplicates(&entry.value, problems);
            }
        }
        Value::List(items) => items.iter().for_each(|item| duplicates(item, problems)),
        _ => {}
    }
}

/// Finds lines and columns for the byte offsets that the TOML and JSON parsers give.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// The last byte offset that was asked for and its column, from 0: a long line is walked once, not once a value.
    last: std::cell::Cell<(usize, u32)>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts, last: std::cell::Cell::new((0, 0)) }
    }

    fn span(&self, bytes: &std::ops::Range<usize>) -> Span {
        let line = self.starts.partition_point(|start| *start <= bytes.start).saturating_sub(1);
        let line_start = self.starts.get(line).copied().unwrap_or_default();
        let line_end = self.starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let count = |from: usize, to: usize| {
            self.text.get(from..to).map_or(0, |part| u32::try_from(part.chars().count()).unwrap_or(u32::MAX))
        };
        let column = match self.last.get() {
            (last, column) if (line_start..=bytes.start).contains(&last) => {
                column.saturating_add(count(last, bytes.start))
            }
            _ => count(line_start, bytes.start),
        };
        self.last.set((bytes.start, column));
        Span {
            line: u32::try_from(line + 1).unwrap_or(u32::MAX),
            column: column.saturating_add(1),
            width: count(bytes.start, bytes.end.min(line_end)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(format: Format, text: &str) -> String {
        match parse(format, text) {
            Ok(tree) => panic!("accepted: {tree:?}"),
            Err(problems) => problems[0].1.to_string(),
        }
    }

    #[test]
    fn one_document_reads_the_same_in_three_notations() {
        let shape = |format, text: &str| {
            fn plain(node: &Node) -> String {
                match &node.value {
                    Value::List(items) => format!("{:?}", items.iter().map(plain).collect::<Vec<_>>()),
                    Value::Table(entries) => format!(
                        "{:?}",
                        entries.iter().map(|e| (e.key.clone(), plain(&e.value))).collect::<Vec<_>>()
                    ),
                    other => format!("{other:?}"),
                }
            }
            plain(&parse(format, text).expect("readable"))
        };
        let yaml = shape(Format::Yaml, "a: 1\nb: [x, true, 1.5]\nc: {d: 'e'}\n");
        assert_eq!(yaml, shape(Format::Toml, "a = 1\nb = ['x', true, 1.5]\n[c]\nd = 'e'\n"));
        assert_eq!(yaml, shape(Format::Json, "{\"a\": 1, \"b\": [\"x\", true, 1.5], \"c\": {\"d\": \"e\"}}"));
    }

    #[test]
    fn aliases_are_counted_each_time_they_are_used() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let uses = vec![format!("*a{}", level - 1); 8].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{uses}]\n"));
        }
        assert!(reason(Format::Yaml, &text).contains("more than 20000 values"));
    }

    #[test]
    fn nesting_is_bounded_in_every_notation() {
        for format in [Format::Yaml, Format::Json] {
            assert!(reason(format, &"[".repeat(100_000)).contains("nested deeper"), "{format:?}");
        }
        let json = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        assert!(reason(Format::Json, &json).contains("nested deeper than 32"));
        assert!(reason(Format::Toml, &format!("a = {json}")).contains("nested deeper than 32"));
        reason(Format::Toml, &format!("{}a = 1", "a.".repeat(100_000)));
        let indented: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        assert!(reason(Format::Yaml, &indented).contains("nested deeper than 32"));
    }

    #[test]
    fn spans_count_characters_and_start_at_one() {
        let lines = Lines::new("äb = 1\nüü = 22\n");
        assert_eq!(lines.span(&(3..4)), Span { line: 1, column: 3, width: 1 });
        assert_eq!(lines.span(&(8..12)), Span { line: 2, column: 1, width: 2 });
        assert_eq!(lines.span(&(15..17)), Span { line: 2, column: 6, width: 2 });
        assert_eq!(lines.span(&(13..17)), Span { line: 2, column: 4, width: 4 });
    }
}
