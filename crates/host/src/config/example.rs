//! The commented example of a configuration file.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::keys::{self, Child, Key};
use super::settings::Config;

/// A configuration file in YAML with every key, its meaning, range, variables and default.
///
/// Loaded as it stands it changes nothing. Lines with `##` explain. Keys without a default, and whole examples, stand
/// behind `# `; with that removed they are keys like the others.
#[must_use]
pub fn example() -> String {
    let mut out = String::from(
        "## Configuration of Latimer: every key with its default. Keys behind a single # have none, or are examples.\n\
         ##\n\
         ## ${VAR} becomes the value of an environment variable, ${VAR:-default} has a default, $$ is a dollar sign.\n\
         ## Sizes take B, KiB, MiB, GiB; durations take ms, s, m, h, d.\n",
    );
    table(&mut out, "", "", false);
    out
}

/// Writes the keys of the table at `path`; `off` writes them as comments.
fn table(out: &mut String, path: &str, indent: &str, off: bool) {
    for name in keys::children(path) {
        let shown = if name == keys::NAME { "example" } else { name };
        match keys::child(path, name).or_else(|| keys::child(path, "example")) {
            Some(Child::Value(key)) => value(out, key, shown, indent, off),
            Some(Child::Table(inner)) => {
                let off = off || keys::table_takes_names(&inner);
                let lead = lead(indent, off);
                if indent.is_empty() {
                    out.push('\n');
                }
                let _ = writeln!(out, "{lead}{shown}:");
                table(out, &inner, &format!("{indent}  "), off);
            }
            None => {}
        }
    }
}

fn value(out: &mut String, key: &Key, name: &str, indent: &str, table_is_off: bool) {
    let sample = match key.slot.show(&Config::default(), "") {
        None | Some(Json::Null) => None,
        Some(Json::Array(items)) if items.is_empty() => None,
        Some(Json::String(text)) => Some(quoted(text)),
        Some(value) => Some(value.to_string()),
    };
    let off = table_is_off || sample.is_none();
    let written = sample.unwrap_or_else(|| match key.sample {
        "" => "true".to_owned(),
        sample => sample.to_owned(),
    });
    if indent.is_empty() {
        out.push('\n');
    }
    let range = key.slot.range().map(|(least, most)| format!(" From {least} to {most}.")).unwrap_or_default();
    let variables: Vec<String> =
        key.variable().into_iter().chain(key.foreign_variables.iter().copied().map(str::to_owned)).collect();
    let mut notes = wrapped(&format!("{}{range}", key.doc), 100usize.saturating_sub(indent.len()));
    if !variables.is_empty() {
        notes.push(format!("Variable: {}", variables.join(", ")));
    }
    for note in notes {
        let _ = writeln!(out, "{}## {note}", lead(indent, table_is_off));
    }
    let _ = writeln!(out, "{}{name}: {written}", lead(indent, off));
}

/// `text` in quotes where YAML would take it for a number.
pub(crate) fn quoted(text: String) -> String {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { format!("\"{text}\"") } else { text }
}

/// What a line begins with: comments keep the indentation behind the `# `, so that removing that yields YAML.
fn lead(indent: &str, off: bool) -> String {
    if off { format!("# {indent}") } else { indent.to_owned() }
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
