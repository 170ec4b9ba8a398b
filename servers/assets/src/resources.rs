//! Schemas and examples as resources: `schema:///PATH` and `example:///PATH`, each path encoded in the one way there is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use latimer_core::source::{Definition, SourceError};
use latimer_core::{Answer, CallError, Outcome};
use latimer_protocol::wire::{
    CompleteResult, ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
};
use latimer_protocol::{ErrorCode, RawJson, RpcError};

use crate::assets::Assets;
use crate::path::{RelPath, SCHEMA_SUFFIX, component, uri};
use crate::reply::Failure;
use crate::root::ReadError;
use crate::schemas::{SCHEME as SCHEMA, name};
use crate::shelf::{Facts, Shelf};

/// The scheme of the URIs of examples.
const EXAMPLE: &str = "example";
/// The type of all of them.
const JSON: &str = "application/json";

/// The files of both folders as they were at one moment: what is listed, and what it held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// By scheme and path.
    files: BTreeMap<(&'static str, String), Arc<Facts>>,
}

impl Listing {
    /// Looks at both folders. Blocks.
    pub(crate) fn of(assets: &Assets) -> Result<Self, Failure> {
        let contents = |what, shelf: &Shelf| shelf.contents().map_err(|error| Failure::of_list(what, error));
        let schemas = contents("schemas", &assets.schemas)?.files.into_iter();
        let examples = contents("examples", &assets.examples)?.files.into_iter();
        let schemas = schemas.map(|(path, facts)| ((SCHEMA, path), facts));
        let examples = examples.map(|(path, facts)| ((EXAMPLE, path), facts));
        Ok(Self { files: schemas.chain(examples).collect() })
    }

    /// The list of resources: schemas that can be read, and all examples.
    pub(crate) fn resources(&self) -> Result<Vec<Definition>, SourceError> {
        let listed = self.files.iter().filter(|((scheme, path), facts)| {
            *scheme == EXAMPLE || (path.ends_with(SCHEMA_SUFFIX) && facts.is_readable)
        });
        listed.map(|((scheme, path), facts)| definition(&resource(scheme, path, facts))).collect()
    }

    /// The URIs of what came, went or holds something else in another listing.
    pub(crate) fn changed(&self, other: &Self) -> Vec<String> {
        let keys: BTreeSet<_> = self.files.keys().chain(other.files.keys()).collect();
        let digest =
            |listing: &Self, key| listing.files.get(key).map(|facts| (facts.digest, facts.is_readable));
        let changed = keys.into_iter().filter(|key| digest(self, *key) != digest(other, *key));
        changed.map(|(scheme, path)| uri(scheme, path)).collect()
    }
}

fn resource(scheme: &str, path: &str, facts: &Facts) -> Resource {
    let (name, description) = if scheme == SCHEMA {
        let version = match facts.version.as_str() {
            "" => String::new(),
            version => format!(", version {version}"),
        };
        (name(path), format!("JSON Schema{version}"))
    } else {
        (path, format!("An example of {}", component(path)))
    };
    Resource {
        description: Some(description),
        mime_type: Some(JSON.to_owned()),
        size: Some(facts.size),
        ..Resource::new(uri(scheme, path), name)
    }
}

/// The templates: one for each folder.
pub(crate) fn templates() -> Result<Vec<Definition>, SourceError> {
    let template = |scheme: &str, title: &str, description: &str| ResourceTemplate {
        title: Some(title.to_owned()),
        description: Some(description.to_owned()),
        mime_type: Some(JSON.to_owned()),
        ..ResourceTemplate::new(format!("{scheme}:///{{+path}}"), format!("{scheme}s"))
    };
    Ok(vec![
        definition(&template(SCHEMA, "Schemas", "A JSON file of the folder of schemas, by its path"))?,
        definition(&template(EXAMPLE, "Examples", "A JSON file of the folder of examples, by its path"))?,
    ])
}

fn definition(value: &impl serde::Serialize) -> Result<Definition, SourceError> {
    let json = RawJson::from_serialize(value);
    json.map(Definition::new)
        .map_err(|error| SourceError::new("a resource cannot be described").because(error))
}

impl Assets {
    /// Reads a resource, as it is on disk. Blocks.
    pub(crate) fn read(&self, wanted: &str) -> Outcome {
        let (root, scheme, rest) = if let Some(rest) = wanted.strip_prefix("schema:///") {
            (&self.schemas.root, SCHEMA, rest)
        } else if let Some(rest) = wanted.strip_prefix("example:///") {
            (&self.examples.root, EXAMPLE, rest)
        } else {
            return Err(CallError::NoResource);
        };
        let path = RelPath::decode(rest).ok_or(CallError::NoResource)?;
        // A resource has one URI: what is encoded in another way is not there.
        if uri(scheme, path.as_str()) != wanted {
            return Err(CallError::NoResource);
        }
        let refused = |message: String| CallError::Rpc(RpcError::new(ErrorCode::INTERNAL_ERROR, message));
        let bytes = root.read(&path).map_err(|error| match error {
            ReadError::Absent | ReadError::Outside => CallError::NoResource,
            ReadError::TooLarge(most) => refused(format!("the file has more than {most} bytes")),
            ReadError::Io(said) => refused(format!("the file cannot be read: {said}")),
        })?;
        let text = String::from_utf8(bytes).map_err(|_| refused("the file is not UTF-8".to_owned()))?;
        let contents =
            ResourceContents { mime_type: Some(JSON.to_owned()), ..ResourceContents::text(wanted, text) };
        Ok(Answer::Resource(ReadResourceResult::from(contents)))
    }

    /// The paths that begin with what was typed, in any case. Blocks.
    pub(crate) fn complete(&self, template: &str, typed: &str) -> CompleteResult {
        let root = if template.starts_with(SCHEMA) { &self.schemas.root } else { &self.examples.root };
        let typed = typed.to_lowercase();
        // Without suggestions there is nothing wrong (CMP-1).
        let files = root.list().unwrap_or_default().into_iter();
        let fitting = files.map(|file| file.path).filter(|path| path.to_lowercase().starts_with(&typed));
        let fitting: Vec<_> = fitting.collect();
        let total = fitting.len() as u64;
        CompleteResult::new(fitting).with_total(total)
    }
}
