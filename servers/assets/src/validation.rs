//! Whether documents are valid.

use std::borrow::Cow;
use std::sync::Arc;

use latimer_protocol::tape::{Kind, Node, Tape, TapeBuffer};
use serde::Serialize;

use crate::arguments::{Arguments, escaped};
use crate::assets::Assets;
use crate::document::{compact, compact_without};
use crate::reply::{Body, Failure, Problems, Reply, SEARCHED};
use crate::schemas::{Schemas, name};

/// What was found out about a document.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// The path of the schema that was meant, if that could be told.
    pub(crate) schema: Option<String>,
    /// Whether the document is valid, or why not.
    pub(crate) outcome: Result<(), Failure>,
}

impl Verdict {
    /// The name of the schema, or nothing.
    pub(crate) fn schema_name(&self) -> &str {
        self.schema.as_deref().map_or("", name)
    }
}

/// The answer about a valid document.
const VALID: Body<'static> = Body::valid();

#[derive(Serialize)]
struct Results<'a> {
    ok: bool,
    results: Vec<Body<'a>>,
}

impl Assets {
    /// The tool `validate_asset`.
    pub(crate) fn validate_asset(&self, arguments: Arguments<'_>) -> Result<Reply, Failure> {
        let asset = arguments.get("asset").ok_or_else(|| Failure::at("", "asset must be an object"))?;
        let named = named(arguments);
        let verdict = self.verdict(&self.schemas()?, asset, named.as_deref());
        verdict.outcome?;
        Reply::of(&VALID)
    }

    /// The tool `validate_many`: a result for each document, in order.
    pub(crate) fn validate_many(
        &self,
        arguments: Arguments<'_>,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Reply, Failure> {
        let assets: Vec<Node<'_>> = match arguments.get("assets") {
            None => Vec::new(),
            Some(assets) => {
                let elements = assets.elements();
                elements.ok_or_else(|| Failure::at("/assets", "assets must be an array"))?.collect()
            }
        };
        let most = self.settings.max_batch;
        if assets.len() > most {
            return Err(Failure::Unsupported { detail: "batch_too_large", limit: Some(most) });
        }
        let schemas = self.schemas()?;
        let named = named(arguments);
        let mut verdicts = Vec::with_capacity(assets.len());
        for asset in assets {
            if is_cancelled() {
                return Err(cancelled());
            }
            verdicts.push(self.verdict(&schemas, asset, named.as_deref()).outcome);
        }
        let results = verdicts.iter().map(|verdict| verdict.as_ref().map_or_else(Failure::body, |()| VALID));
        let results = results.collect();
        let ok = verdicts.iter().all(Result::is_ok);
        Reply::new(ok, &Results { ok, results })
    }

    /// Whether a document is valid: by the schema that `named` names, or else by its marker.
    pub(crate) fn verdict(&self, schemas: &Arc<Schemas>, asset: Node<'_>, named: Option<&str>) -> Verdict {
        let mut schema = None;
        let outcome = self.check(schemas, asset, named, &mut schema);
        Verdict { schema, outcome }
    }

    fn check(
        &self,
        schemas: &Arc<Schemas>,
        asset: Node<'_>,
        named: Option<&str>,
        schema: &mut Option<String>,
    ) -> Result<(), Failure> {
        let text = compact(asset);
        if text.len() > self.settings.max_file_bytes {
            return Err(Failure::at("", "payload_too_large"));
        }
        if asset.kind() != Kind::Object {
            return Err(Failure::at("", "asset must be an object"));
        }
        let key = self.settings.marker_key.as_str();
        let marker = format!("/{}", escaped(key));
        let (at, path) = match named {
            Some(named) => {
                ("/schema", self.settings.schema_path(named).map_err(|error| error.word().to_owned()))
            }
            None => {
                let text = asset.get(key).and_then(Node::as_str).unwrap_or_default();
                let path = if text.trim().is_empty() {
                    Err(format!("top-level {key} is required"))
                } else {
                    self.settings.marked_path(&text).map_err(|error| error.word().to_owned())
                };
                (marker.as_str(), path)
            }
        };
        let path = path.map_err(|msg| Failure::at(at, msg))?;
        let path = schema.insert(path.as_str().to_owned());
        let legacy = self.settings.legacy_keys_of(asset);
        if !legacy.is_empty() {
            let msg = format!("legacy schema keys not allowed: {}", legacy.join(", "));
            return Err(Failure::at(marker, msg));
        }
        let compiled = self.validators.get(schemas, path);
        let unresolved = |reason| Failure::at(at, format!("schema_resolution_failed: {path}: {reason}"));
        let compiled = compiled.map_err(unresolved)?;
        let text = if compiled.knows_marker { text } else { compact_without(asset, key) };
        let mut buffer = TapeBuffer::new();
        let tape = Tape::parse_into(&mut buffer, &text);
        let tape = tape.map_err(|error| Failure::Internal(error.to_string()))?;
        let most = self.settings.max_errors;
        let listing = compiled.validator.check_listing(tape, SEARCHED);
        listing.map_err(|violations| Failure::Invalid(Problems::of(&violations, most)))
    }
}

/// The schema that a caller names; what is no text names none.
pub(crate) fn named(arguments: Arguments<'_>) -> Option<Cow<'_, str>> {
    arguments.get("schema").map(|named| named.as_str().unwrap_or_default())
}

/// Nobody waits for the answer of a call that was cancelled.
pub(crate) fn cancelled() -> Failure {
    Failure::Internal("the call was cancelled".to_owned())
}
