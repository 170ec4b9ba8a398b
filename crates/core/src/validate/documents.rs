//! Schemas that refer to other documents.

use std::fmt;
use std::sync::Arc;

use jsonschema::{Registry, Retrieve, Uri, uri};
use latimer_protocol::scan::ScanError;
use latimer_protocol::tape::{Tape, TapeBuffer};
use parking_lot::Mutex;
use serde_json::Value;

use super::schema::SchemaError;

/// Where a schema finds the documents that it refers to.
pub trait Documents: fmt::Debug + Send + Sync + 'static {
    /// The JSON text of the document at an absolute URI without a fragment, or nothing where there is none.
    ///
    /// It is asked while a schema is compiled, once for each document, and must not reach for the network.
    fn document(&self, uri: &str) -> Option<Arc<str>>;
}

/// The documents that one schema was found to reach.
#[derive(Debug)]
pub(super) struct Reached {
    documents: Arc<dyn Documents>,
    /// How many bytes they may have in all.
    most: usize,
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    texts: Vec<(Box<str>, Arc<str>)>,
    bytes: usize,
    /// The first that cannot be used, and why.
    refused: Option<Refused>,
}

#[derive(Debug, Clone)]
enum Refused {
    Unknown(Box<str>),
    Unreadable(Box<str>, ScanError),
    Number(Box<str>),
    TooLarge(usize),
}

impl Reached {
    pub(super) fn new(documents: Arc<dyn Documents>, most: usize) -> Arc<Self> {
        Arc::new(Self { documents, most, found: Mutex::default() })
    }

    /// Their URIs and texts.
    pub(super) fn texts(&self) -> Vec<(Box<str>, Arc<str>)> {
        self.found.lock().texts.clone()
    }

    /// Why one of them cannot be used.
    pub(super) fn refusal(&self) -> Option<SchemaError> {
        Some(match self.found.lock().refused.clone()? {
            Refused::Unknown(uri) => SchemaError::UnknownDocument { uri },
            Refused::Unreadable(uri, error) => {
                SchemaError::Document { uri, reason: error.to_string().into() }
            }
            Refused::Number(uri) => {
                SchemaError::Document { uri, reason: "a number is larger than a double holds".into() }
            }
            Refused::TooLarge(bytes) => SchemaError::TooLarge { bytes, limit: self.most },
        })
    }

    fn read(&self, uri: &str) -> Result<Value, Refused> {
        let text = self.documents.document(uri).ok_or_else(|| Refused::Unknown(uri.into()))?;
        let mut found = self.found.lock();
        found.bytes += text.len();
        if found.bytes > self.most {
            return Err(Refused::TooLarge(found.bytes));
        }
        let sound = Tape::parse_into(&mut TapeBuffer::new(), &text).map(drop);
        sound.map_err(|error| Refused::Unreadable(uri.into(), error))?;
        let mut value = serde_json::from_str(&text).map_err(|_| Refused::Number(uri.into()))?;
        found.texts.push((uri.into(), text));
        rebase(&mut value, uri);
        Ok(value)
    }
}

/// What asks on behalf of the registry of `jsonschema`.
#[derive(Debug)]
pub(super) struct Reader(pub(super) Arc<Reached>);

impl Retrieve for Reader {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        self.0.read(uri.as_str().trim_end_matches('#')).map_err(|refused| {
            self.0.found.lock().refused.get_or_insert(refused);
            "the document cannot be used".into()
        })
    }
}

/// Makes a document that was found at `found_at` independent of an `$id` that names another place.
///
/// The compiler takes the URI under which a document was asked for as its base, and its registry the `$id`. So what is relative
/// to the `$id` is written out, and the `$id` goes.
fn rebase(document: &mut Value, found_at: &str) {
    let Some(id) = document.get("$id").and_then(Value::as_str).filter(|id| !id.starts_with('#')) else {
        return;
    };
    let Ok(at) = uri::from_str(found_at) else { return };
    let Ok(base) = uri::resolve_against(&at.borrow(), id) else { return };
    if base.as_str().trim_end_matches('#') == found_at {
        return;
    }
    if let Value::Object(members) = document {
        members.remove("$id");
    }
    absolute(document, &base);
}

/// Keywords whose members are schemas under names of their own.
const NAMED: [&str; 6] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];
/// Keywords that hold data, in which nothing is a reference.
const DATA: [&str; 4] = ["const", "enum", "default", "examples"];

/// Writes out what is relative to `base` in a schema. Documents are no deeper than a tape allows.
fn absolute(schema: &mut Value, base: &Uri<String>) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(|schema| absolute(schema, base)),
        Value::Object(members) => {
            let write_out = |reference: &mut Value| {
                let text = reference.as_str().filter(|text| !text.starts_with('#'));
                let full = text.and_then(|text| uri::resolve_against(&base.borrow(), text).ok());
                if let Some(full) = full {
                    *reference = Value::String(full.as_str().to_owned());
                }
            };
            if let Some(id @ Value::String(_)) = members.get_mut("$id")
                && id.as_str().is_some_and(|id| !id.starts_with('#'))
            {
                // What is below has a base of its own.
                return write_out(id);
            }
            for (keyword, value) in members {
                match keyword.as_str() {
                    "$ref" | "$dynamicRef" if value.is_string() => write_out(value),
                    keyword if DATA.contains(&keyword) => {}
                    keyword if NAMED.contains(&keyword) => {
                        let schemas = value.as_object_mut().into_iter().flatten();
                        schemas.for_each(|(_, schema)| absolute(schema, base));
                    }
                    _ => absolute(value, base),
                }
            }
        }
        _ => {}
    }
}

/// All that a schema reaches, for the compiler.
pub(super) fn registry<'a>(
    reached: &Arc<Reached>,
    draft: jsonschema::Draft,
    base: &str,
    schema: &'a Value,
) -> Result<Registry<'a>, jsonschema::ReferencingError> {
    Registry::new()
        .retriever(Reader(reached.clone()))
        .draft(draft)
        .add(base, draft.create_resource_ref(schema))?
        .prepare()
}
