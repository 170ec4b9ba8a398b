//! The folders, and what is asked of them.

use std::path::PathBuf;
use std::sync::Arc;

use latimer_protocol::tape::{Node, Tape, TapeBuffer};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::arguments::{Arguments, shown};
use crate::backend::{Client, ClientError};
use crate::document::Document;
use crate::path::{RelPath, component};
use crate::reply::{Failure, Problem, Reply};
use crate::root::{ReadError, Root};
use crate::schemas::{Schemas, name};
use crate::settings::{Format, Settings};
use crate::shelf::{Contents, Shelf, version};
use crate::validators::Validators;

/// The schemas and examples of two folders.
///
/// What is on disk counts at the time of each call: nothing has to be reloaded. All methods block.
#[derive(Debug)]
pub struct Assets {
    pub(crate) settings: Settings,
    pub(crate) schemas: Shelf,
    pub(crate) examples: Shelf,
    pub(crate) validators: Validators,
    pub(crate) backend: Option<Client>,
    index: Mutex<Option<Arc<Schemas>>>,
}

/// Why the server cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no folder of schemas.
    #[error("schemas_dir: {} is no folder that can be read ({error}); create it, or name another one", dir.display())]
    Schemas {
        /// Where it should be.
        dir: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The backend cannot be reached the way it is set up.
    #[error(transparent)]
    Backend(#[from] ClientError),
}

#[derive(Serialize)]
struct SchemaEntry<'a> {
    name: &'a str,
    version: &'a str,
    path: &'a str,
}

#[derive(Serialize)]
struct SchemaList<'a> {
    ok: bool,
    schemas: Vec<SchemaEntry<'a>>,
}

#[derive(Serialize)]
struct OneSchema {
    ok: bool,
    schema: Box<RawValue>,
    version: String,
}

#[derive(Serialize)]
struct ExampleEntry<'a> {
    component: &'a str,
    path: &'a str,
}

#[derive(Serialize)]
struct ExampleList<'a> {
    ok: bool,
    examples: Vec<ExampleEntry<'a>>,
}

#[derive(Serialize)]
struct OneExample<'a> {
    ok: bool,
    example: Box<RawValue>,
    schema: &'a str,
    validated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<&'a [Problem]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<usize>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    at_least: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

impl Assets {
    /// # Errors
    /// When the folder of schemas is not there, or the backend cannot be reached as it is set up.
    pub fn open(settings: Settings) -> Result<Self, OpenError> {
        let root = |dir: &PathBuf| Root {
            dir: dir.clone(),
            max_bytes: settings.max_file_bytes,
            max_files: settings.max_files,
            max_depth: settings.max_depth,
        };
        let dir = &settings.schemas_dir;
        let failed = |error: std::io::Error| OpenError::Schemas { dir: dir.clone(), error };
        std::fs::read_dir(dir).map_err(failed)?;
        let schemas = root(dir);
        let asserts_format = settings.format == Format::Assertion;
        Ok(Self {
            validators: Validators::new(schemas.clone(), &settings.marker_key, asserts_format),
            schemas: Shelf::new(schemas),
            examples: Shelf::new(root(&settings.examples_dir)),
            backend: settings.backend.as_ref().map(Client::new).transpose()?,
            index: Mutex::default(),
            settings,
        })
    }

    /// How it is set up.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The schemas as they are now.
    pub(crate) fn schemas(&self) -> Result<Arc<Schemas>, Failure> {
        let contents = self.schemas.contents().map_err(|error| Failure::of_list("schemas", error))?;
        Ok(self.index_of(contents))
    }

    /// The index over the schemas, made anew if anything has changed.
    fn index_of(&self, contents: Contents) -> Arc<Schemas> {
        let mut index = self.index.lock();
        if let Some(known) = &*index
            && known.epoch() >= contents.epoch
        {
            return known.clone();
        }
        let made = Arc::new(Schemas::new(contents, &self.settings.canonical_prefixes));
        *index = Some(made.clone());
        made
    }

    /// The tool `list_schemas`.
    pub(crate) fn list_schemas(&self) -> Result<Reply, Failure> {
        let schemas = self.schemas()?;
        let readable = schemas.named().filter(|(_, facts)| facts.is_readable);
        let entry = |(path, facts): (_, &'_ crate::shelf::Facts)| {
            (name(path).to_owned(), facts.version.clone(), String::from(path))
        };
        let mut entries: Vec<_> = readable.map(entry).collect();
        entries.sort_unstable();
        let entries = entries.iter().map(|(name, version, path)| SchemaEntry { name, version, path });
        Reply::of(&SchemaList { ok: true, schemas: entries.collect() })
    }

    /// The tool `get_schema`.
    pub(crate) fn get_schema(&self, arguments: Arguments<'_>) -> Result<Reply, Failure> {
        let invalid = || Failure::at("/name", "invalid_path");
        let text = arguments.get("name").and_then(Node::as_str).ok_or_else(invalid)?;
        let path = self.settings.schema_path(&text).map_err(|_| invalid())?;
        let absent = || {
            let detail =
                format!("there is no schema {}; list_schemas names those that there are", shown(&text));
            Failure::NotFound(detail)
        };
        let document = read(&self.schemas.root, &path, "/name", absent)?;
        let mut buffer = TapeBuffer::new();
        let version = Tape::parse_into(&mut buffer, &document.text).map(|tape| version(tape.root()));
        Reply::of(&OneSchema { ok: true, schema: document.raw(), version: version.unwrap_or_default() })
    }

    /// The tool `list_examples`.
    pub(crate) fn list_examples(&self, arguments: Arguments<'_>) -> Result<Reply, Failure> {
        let wanted = arguments.text("component")?.filter(|wanted| !matches!(&**wanted, "*" | "all"));
        let files = self.examples.root.list().map_err(|error| Failure::of_list("examples", error))?;
        let entries =
            files.iter().map(|file| ExampleEntry { component: component(&file.path), path: &file.path });
        let mut entries: Vec<_> = entries
            .filter(|entry| wanted.as_deref().is_none_or(|wanted| wanted == entry.component))
            .collect();
        entries.sort_unstable_by_key(|entry| (entry.component, entry.path));
        Reply::of(&ExampleList { ok: true, examples: entries })
    }

    /// The tool `get_example`: the example, whether it is valid or not.
    pub(crate) fn get_example(&self, arguments: Arguments<'_>) -> Result<Reply, Failure> {
        let invalid = || Failure::at("/path", "invalid_path");
        let text = arguments.get("path").and_then(Node::as_str).ok_or_else(invalid)?;
        let path = RelPath::parse(&text).ok_or_else(invalid)?;
        let absent = || {
            let detail =
                format!("there is no example {}; list_examples names those that there are", shown(&text));
            Failure::NotFound(detail)
        };
        let document = read(&self.examples.root, &path, "/path", absent)?;
        let schemas = self.schemas()?;
        let mut buffer = TapeBuffer::new();
        let tape = Tape::parse_into(&mut buffer, &document.text);
        let tape = tape.map_err(|error| Failure::Internal(error.to_string()))?;
        let verdict = self.verdict(&schemas, tape.root(), None);
        let why = verdict.outcome.as_ref().err().map(Failure::body).unwrap_or_default();
        Reply::of(&OneExample {
            ok: true,
            example: document.raw(),
            schema: verdict.schema_name(),
            validated: verdict.outcome.is_ok(),
            reason: why.reason,
            errors: why.errors,
            total: why.total,
            at_least: why.at_least,
            detail: why.detail,
        })
    }
}

/// A document of a folder, or why it cannot be had: told of the argument that names it.
fn read(
    root: &Root,
    path: &RelPath,
    argument: &str,
    absent: impl FnOnce() -> Failure,
) -> Result<Document, Failure> {
    let bytes = root.read(path).map_err(|error| match error {
        ReadError::Absent => absent(),
        ReadError::Outside => Failure::at(argument, "invalid_path"),
        ReadError::TooLarge(_) => Failure::at(argument, "payload_too_large"),
        ReadError::Io(said) => Failure::Internal(format!("the file cannot be read: {said}")),
    })?;
    Document::parse(&bytes).map_err(|error| Failure::at(argument, format!("parse_error: {error}")))
}
