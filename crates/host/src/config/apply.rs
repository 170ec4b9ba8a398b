//! From the tree of a configuration file to the fields of a [`Config`].

use std::collections::BTreeSet;
use std::path::Path;

use super::document::{Entry, Node, Span, Value};
use super::environment::Environment;
use super::example::quoted;
use super::keys::{self, Child, KEYS, Key};
use super::origin::{Origin, Provenance};
use super::settings::Config;
use super::values::is_name;
use crate::diagnostics::{Diagnostic, Errors, Excerpt, Place, Problem, mentions_secret, nearest};
use crate::interpolate::{InterpolateError, interpolate};

/// A key of the top level that is for editors alone.
const EDITORS_KEY: &str = "$schema";

/// A configuration file with what messages need of it.
pub(crate) struct SourceFile<'a> {
    /// Its name in messages.
    pub(crate) shown: &'a str,
    /// Its text.
    pub(crate) text: &'a str,
    /// Where its relative paths start.
    pub(crate) base: &'a Path,
}

impl SourceFile<'_> {
    /// A message about `span`. `path` is the key it is about; below a key with secrets no line is shown.
    pub(crate) fn diagnostic(&self, span: Span, path: &str, problem: Problem) -> Diagnostic {
        let place = Place::File { file: self.shown.to_owned(), line: span.line, column: span.column };
        let excerpt = Excerpt::of(self.text, span.line, span.column, span.width)
            .filter(|_| !keys::is_secret(path))
            .map(|excerpt| if problem.is_about_a_key() { excerpt.up_to_mark() } else { excerpt });
        Diagnostic::new(Some(place), problem).with_excerpt(excerpt)
    }

    /// A message of a parser, which knows no keys: no line is shown if a secret may have begun before it.
    pub(crate) fn parser_diagnostic(&self, span: Span, problem: Problem) -> Diagnostic {
        let may_be_secret = self.text.lines().take(span.line as usize).any(mentions_secret);
        self.diagnostic(span, if may_be_secret { "tokens" } else { "" }, problem)
    }
}

/// Applies a document to a configuration and collects what is wrong with it.
pub(crate) struct Application<'a> {
    pub(crate) file: &'a SourceFile<'a>,
    pub(crate) environment: &'a Environment,
    pub(crate) config: &'a mut Config,
    pub(crate) provenance: &'a mut Provenance,
    pub(crate) errors: &'a mut Errors,
    /// The variables that references name.
    pub(crate) referenced: &'a mut BTreeSet<String>,
}

impl Application<'_> {
    /// Applies the whole document.
    pub(crate) fn root(&mut self, mut root: Node) {
        self.interpolate(&mut root, "");
        match root.value {
            Value::Table(entries) => self.table(&entries, "", ""),
            other => {
                let found = keys::shown(other.found(), true, "");
                let expected = "a table of keys".to_owned();
                let mend = "write `key: value` lines".to_owned();
                let key = "the file".to_owned();
                self.refuse(root.span, "", Problem::BadValue { key, expected, found, mend });
            }
        }
    }

    fn refuse(&mut self, span: Span, path: &str, problem: Problem) {
        let file = self.file;
        self.errors.add(|| file.diagnostic(span, path, problem));
    }

    /// Replaces the references in all texts of `node`; a text that fails is reported and rejected.
    fn interpolate(&mut self, node: &mut Node, path: &str) {
        let text = match &mut node.value {
            Value::Text(text) => text,
            Value::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.interpolate(item, &format!("{path}[{index}]"));
                }
                return;
            }
            Value::Table(entries) => {
                for entry in entries.iter_mut() {
                    self.interpolate(&mut entry.value, &keys::join(path, &entry.key));
                }
                return;
            }
            _ => return,
        };
        if path == EDITORS_KEY {
            return;
        }
        let key = path.to_owned();
        let problem = match interpolate(text, |name| self.environment.value(name)) {
            Ok(done) => {
                self.referenced.extend(done.variables.iter().cloned());
                *text = done.text;
                node.interpolated = done.changed;
                node.variables = done.variables;
                return;
            }
            Err(InterpolateError::Unset(variable)) if self.environment.is_garbled(&variable) => {
                Problem::NotUtf8
            }
            Err(InterpolateError::Unset(variable)) => Problem::UnsetVariable { key, variable },
            Err(InterpolateError::Reference(fault)) => Problem::BadReference { key, fault },
        };
        node.value = Value::Rejected;
        // What stands below a key that is not known may be anything, a secret too.
        let root = path.split(['.', '[']).next().unwrap_or_default();
        let shown = if keys::child("", root).is_some() { path } else { "tokens" };
        self.refuse(node.span, shown, problem);
    }

    /// Applies the entries of the table at `path`, which the table of keys calls `pattern`.
    fn table(&mut self, entries: &[Entry], path: &str, pattern: &str) {
        for entry in entries {
            let here = keys::join(path, &entry.key);
            match keys::child(pattern, &entry.key) {
                None if here == EDITORS_KEY => {}
                None => self.unknown(entry, path, pattern),
                Some(_) if keys::table_takes_names(pattern) && !is_name(&entry.key) => {
                    let problem = Problem::BadName { table: path.to_owned(), name: entry.key.clone() };
                    self.refuse(entry.span, &here, problem);
                }
                Some(Child::Value(key)) => self.value(key, entry, path, &here),
                Some(Child::Table(pattern)) => match &entry.value.value {
                    Value::Table(entries) => {
                        self.mention(&here);
                        self.table(entries, &here, &pattern);
                    }
                    // `plugins:` with nothing below it is an empty table.
                    Value::Null if keys::table_takes_names(&pattern) => {}
                    Value::Rejected => {}
                    other => {
                        let found = keys::shown(other.found(), !entry.value.variables.is_empty(), &here);
                        let mend = format!("put keys below it: {}", keys::children(&pattern).join(", "));
                        let expected = "a table".to_owned();
                        self.refuse(
                            entry.value.span,
                            &here,
                            Problem::BadValue { key: here.clone(), expected, found, mend },
                        );
                    }
                },
            }
        }
    }

    /// Notes that the file names a plugin or token, even if it says nothing more about it.
    fn mention(&mut self, path: &str) {
        if let Some((table, name)) = path.split_once('.')
            && is_name(name)
        {
            match table {
                "plugins" => drop(self.config.plugins.entry(name.to_owned()).or_default()),
                "tokens" => {
                    self.config.tokens.entry(name.to_owned()).or_default();
                }
                _ => {}
            }
        }
    }

    fn value(&mut self, key: &'static Key, entry: &Entry, table: &str, path: &str) {
        let node = &entry.value;
        match node.value {
            Value::Rejected => return,
            Value::Null => return self.refuse(entry.span, path, Problem::NoValue { key: path.to_owned() }),
            _ => {}
        }
        let name = table.split_once('.').map_or("", |(_, name)| name);
        match key.slot.set_node(self.config, name, node, self.file.base) {
            Ok(()) => {
                let place = Place::File {
                    file: self.file.shown.to_owned(),
                    line: node.span.line,
                    column: node.span.column,
                };
                let mut names = Vec::new();
                variables_in(node, &mut names);
                let variables = names.into_iter().filter_map(|name| self.environment.place(name)).collect();
                self.provenance.set(path.to_owned(), Origin { place: Some(place), variables });
            }
            Err(refusal) => {
                let mend = example_of(key);
                for misfit in refusal.misfits {
                    let problem = Problem::BadValue {
                        key: path.to_owned(),
                        expected: refusal.expected.clone(),
                        found: keys::shown(misfit.found, misfit.hidden, path),
                        mend: mend.clone(),
                    };
                    self.refuse(misfit.span, path, problem);
                }
            }
        }
    }

    fn unknown(&mut self, entry: &Entry, path: &str, pattern: &str) {
        let known = keys::children(pattern);
        let elsewhere = || {
            KEYS.iter()
                .filter(|key| !key.path.contains(keys::NAME))
                .find(|key| key.path.rsplit('.').next() == Some(entry.key.as_str()))
                .map(|key| key.path.to_owned())
        };
        // A key that exists, only somewhere else, is better advice than one that is spelt alike.
        let nearest = elsewhere()
            .or_else(|| nearest(&entry.key, known.iter().copied()).map(|key| keys::join(path, key)));
        let key = keys::join(path, &entry.key);
        let known = known.into_iter().map(str::to_owned).collect();
        self.refuse(entry.span, &key, Problem::UnknownKey { key: key.clone(), nearest, known });
    }
}

/// The variables that were put into a value or anything in it, in order.
fn variables_in<'a>(node: &'a Node, names: &mut Vec<&'a str>) {
    names.extend(node.variables.iter().map(String::as_str));
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| variables_in(item, names)),
        Value::Table(entries) => entries.iter().for_each(|entry| variables_in(&entry.value, names)),
        _ => {}
    }
}

/// The mend of a value that its key does not take.
pub(crate) fn example_of(key: &Key) -> String {
    let default = key.slot.show(&Config::default(), "").filter(|value| !value.is_null());
    let value = match default {
        Some(serde_json::Value::String(text)) => quoted(text),
        Some(serde_json::Value::Array(items)) if items.is_empty() => key.sample.to_owned(),
        Some(value) => value.to_string(),
        None if key.sample.is_empty() => "true".to_owned(),
        None => key.sample.to_owned(),
    };
    format!("write for example `{value}`")
}
