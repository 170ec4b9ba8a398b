//! Whether all examples keep the rules, and all schemas are of use.

use std::collections::BTreeSet;

use latimer_protocol::tape::{Node, Tape, TapeBuffer};
use serde::Serialize;

use crate::assets::Assets;
use crate::document::Document;
use crate::path::RelPath;
use crate::reply::{Failure, Reply};
use crate::validation::cancelled;

#[derive(Default, Serialize)]
struct Audit<'a> {
    ok: bool,
    status: &'static str,
    schemas_base: &'a str,
    schema_version: &'a str,
    examples_checked: usize,
    /// Examples without a marker, or with one that is no text.
    missing_schema: Vec<String>,
    /// Examples whose marker names no schema of the folder.
    foreign_schema: Vec<String>,
    /// Examples that are not valid.
    invalid: Vec<String>,
    /// Examples that are no JSON, are too large or cannot be read.
    unreadable: Vec<String>,
    schemas_checked: usize,
    /// Schemas that cannot be compiled, such as for a reference to nothing.
    unresolvable_schemas: Vec<UnresolvableSchema>,
    /// Schemas that no example names, and that none reaches that an example names.
    unused_schemas: Vec<String>,
}

#[derive(Serialize)]
struct UnresolvableSchema {
    path: String,
    reason: String,
}

impl Assets {
    /// The tool `audit`. Everything is named by its path, in order.
    pub(crate) fn audit(&self, is_cancelled: &dyn Fn() -> bool) -> Result<Reply, Failure> {
        let schemas = self.schemas()?;
        let prefix = self.settings.canonical_prefixes.first().map_or("", |prefix| prefix.as_str());
        let mut audit = Audit {
            ok: true,
            schemas_base: prefix,
            schema_version: &self.settings.schema_version,
            ..Audit::default()
        };
        let mut used = BTreeSet::new();
        let examples = self.examples.root.list().map_err(|error| Failure::of_list("examples", error))?;
        for example in examples {
            if is_cancelled() {
                return Err(cancelled());
            }
            let Some(path) = RelPath::parse(&example.path) else { continue };
            audit.examples_checked += 1;
            let bytes = self.examples.root.read(&path).ok();
            let Some(document) = bytes.and_then(|bytes| Document::parse(&bytes).ok()) else {
                audit.unreadable.push(example.path);
                continue;
            };
            let mut buffer = TapeBuffer::new();
            let Ok(tape) = Tape::parse_into(&mut buffer, &document.text) else { continue };
            let marker = tape.root().get(&self.settings.marker_key).and_then(Node::as_str);
            let Some(marker) = marker.filter(|marker| !marker.trim().is_empty()) else {
                audit.missing_schema.push(example.path);
                continue;
            };
            let marked = self.settings.marked_path(&marker).ok();
            let Some(marked) = marked.filter(|path| schemas.digest(path.as_str()).is_some()) else {
                audit.foreign_schema.push(example.path);
                continue;
            };
            used.insert(marked.as_str().to_owned());
            if self.verdict(&schemas, tape.root(), None).outcome.is_err() {
                audit.invalid.push(example.path);
            }
        }
        for (path, _) in schemas.named() {
            if is_cancelled() {
                return Err(cancelled());
            }
            audit.schemas_checked += 1;
            match self.validators.get(&schemas, path) {
                Ok(compiled) if used.contains(path) => used.extend(compiled.reaches.iter().cloned()),
                Ok(_) => {}
                Err(reason) => {
                    let reason = reason.to_string();
                    audit.unresolvable_schemas.push(UnresolvableSchema { path: path.to_owned(), reason });
                }
            }
        }
        let unused = schemas.named().map(|(path, _)| path).filter(|path| !used.contains(*path));
        audit.unused_schemas = unused.map(str::to_owned).collect();
        let is_whole = audit.missing_schema.is_empty()
            && audit.foreign_schema.is_empty()
            && audit.invalid.is_empty()
            && audit.unreadable.is_empty()
            && audit.unresolvable_schemas.is_empty();
        audit.status = if is_whole { "ok" } else { "partial" };
        Reply::of(&audit)
    }
}
