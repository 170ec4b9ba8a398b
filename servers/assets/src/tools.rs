//! The tools: what they are called, what they take and answer, and what does the work.

mod schema;

use latimer_core::source::{Definition, SourceError};
use latimer_protocol::RawJson;
use latimer_protocol::tape::{Tape, TapeBuffer};
use latimer_protocol::wire::{self, ToolAnnotations};
use serde_json::Value;

use crate::arguments::Arguments;
use crate::assets::Assets;
use crate::population::Post;
use crate::reply::{Failure, Reply};

/// A tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    title: &'static str,
    description: &'static str,
    /// The names of its arguments.
    arguments: &'static [&'static str],
    schemas: fn() -> (Value, Value),
    pub(crate) work: Work,
    /// The name that this one stood for before.
    pub(crate) is_deprecated: bool,
}

/// What does the work of a tool. All of it blocks, but for the posting itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// Looks at the folders and the arguments.
    Look(fn(&Assets, Arguments<'_>, IsCancelled<'_>) -> Result<Reply, Failure>),
    /// Makes sure that a document may be posted; posting follows.
    Post,
}

/// Asks whether the call was cancelled.
pub(crate) type IsCancelled<'a> = &'a dyn Fn() -> bool;

/// All tools, by name.
pub(crate) const TOOLS: &[Tool] = &[
    AUDIT,
    DIFF_ASSETS,
    GET_EXAMPLE,
    GET_SCHEMA,
    Tool { name: "governance_audit", title: "Audit (other name)", ..AUDIT },
    LIST_EXAMPLES,
    LIST_SCHEMAS,
    POPULATE_BACKEND,
    Tool {
        name: "validate",
        title: "Validate a document (deprecated)",
        description: "Deprecated: use validate_asset, which does the same. This name is gone in 1.0.",
        is_deprecated: true,
        ..VALIDATE_ASSET
    },
    VALIDATE_ASSET,
    VALIDATE_MANY,
];

const LIST_SCHEMAS: Tool = Tool {
    name: "list_schemas",
    title: "List schemas",
    description: "Lists the JSON schemas that documents can be validated against, by name. Each has a name and a path, which \
                  get_schema and the argument schema of validate_asset take, and the version that it says it has.",
    arguments: &[],
    schemas: schema::list_schemas,
    work: Work::Look(|assets, _, _| assets.list_schemas()),
    is_deprecated: false,
};

const GET_SCHEMA: Tool = Tool {
    name: "get_schema",
    title: "Get a schema",
    description: "Returns one JSON schema as it is on disk. Call list_schemas first to learn the names.",
    arguments: &["name"],
    schemas: schema::get_schema,
    work: Work::Look(|assets, arguments, _| assets.get_schema(arguments)),
    is_deprecated: false,
};

const LIST_EXAMPLES: Tool = Tool {
    name: "list_examples",
    title: "List examples",
    description: "Lists example documents. The component of an example is its file name up to the first dot. Each has a path, \
                  which get_example takes.",
    arguments: &["component"],
    schemas: schema::list_examples,
    work: Work::Look(|assets, arguments, _| assets.list_examples(arguments)),
    is_deprecated: false,
};

const GET_EXAMPLE: Tool = Tool {
    name: "get_example",
    title: "Get an example",
    description: "Returns one example document, with the name of its schema and whether it is valid. An example that is not \
                  valid is returned all the same, with validated false and the errors.",
    arguments: &["path"],
    schemas: schema::get_example,
    work: Work::Look(|assets, arguments, _| assets.get_example(arguments)),
    is_deprecated: false,
};

const VALIDATE_ASSET: Tool = Tool {
    name: "validate_asset",
    title: "Validate a document",
    description: "Validates a JSON document (JSON Schema 2020-12). The schema is the one that the argument schema names, or \
                  else the one that the document itself names. Each error tells where in the document it is (path), which \
                  keyword of the schema says so (schema_path), and what was expected (msg).",
    arguments: &["asset", "schema"],
    schemas: schema::validate_asset,
    work: Work::Look(|assets, arguments, _| assets.validate_asset(arguments)),
    is_deprecated: false,
};

const VALIDATE_MANY: Tool = Tool {
    name: "validate_many",
    title: "Validate several documents",
    description: "Validates JSON documents as validate_asset does, and returns a result for each, in the same order. With the \
                  argument schema, all are validated against that one.",
    arguments: &["assets", "schema"],
    schemas: schema::validate_many,
    work: Work::Look(Assets::validate_many),
    is_deprecated: false,
};

const DIFF_ASSETS: Tool = Tool {
    name: "diff_assets",
    title: "Compare two documents",
    description: "Returns the JSON Patch (RFC 6902) that makes the document new of the document base, with add, remove and \
                  replace only, to be applied in order. Numbers that are written differently differ, as 1 and 1.0. Arrays that \
                  differ are replaced as a whole, or compared element by element with arrays \"elements\".",
    arguments: &["base", "new", "arrays"],
    schemas: schema::diff_assets,
    work: Work::Look(|assets, arguments, _| assets.diff_assets(arguments)),
    is_deprecated: false,
};

const POPULATE_BACKEND: Tool = Tool {
    name: "populate_backend",
    title: "Store a document",
    description: "Validates a JSON document as validate_asset does, and sends it to the backend to be stored. Returns the \
                  identifier that it has there: empty if the backend told none, null if it answered with a list. Sending one \
                  document again, or with one idempotency_key, stores it once in a backend that knows such keys.",
    arguments: &["asset", "schema", "validate_first", "idempotency_key"],
    schemas: schema::populate_backend,
    work: Work::Post,
    is_deprecated: false,
};

const AUDIT: Tool = Tool {
    name: "audit",
    title: "Audit",
    description: "Checks all examples and schemas: which examples name no schema or a foreign one, which are not valid or no \
                  JSON at all, which schemas cannot be resolved, and which no example uses. The status is ok or partial.",
    arguments: &[],
    schemas: schema::audit,
    work: Work::Look(|assets, _, is_cancelled| assets.audit(is_cancelled)),
    is_deprecated: false,
};

impl Tool {
    /// The tool of a name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        TOOLS.iter().find(|tool| tool.name == name)
    }

    /// What clients get to see of it.
    pub(crate) fn definition(&self) -> Result<Definition, SourceError> {
        let unwritten =
            |error: serde_json::Error| SourceError::new("a tool cannot be described").because(error);
        let (input, output) = (self.schemas)();
        let looks = matches!(self.work, Work::Look(_));
        let tool = wire::Tool {
            title: Some(self.title.to_owned()),
            description: Some(self.description.to_owned()),
            output_schema: Some(RawJson::from_serialize(&output).map_err(unwritten)?),
            annotations: Some(ToolAnnotations {
                title: None,
                read_only_hint: Some(looks),
                destructive_hint: Some(false),
                idempotent_hint: Some(true),
                open_world_hint: Some(!looks),
            }),
            ..wire::Tool::new(self.name, RawJson::from_serialize(&input).map_err(unwritten)?)
        };
        // A failure has one shape, whatever was wrong with the call.
        let definition = Definition::new(RawJson::from_serialize(&tool).map_err(unwritten)?);
        Ok(Definition { checks_arguments: true, ..definition })
    }

    /// Does what blocks: an answer, or a document to be posted.
    pub(crate) fn begin(
        &self,
        assets: &Assets,
        arguments: &str,
        is_cancelled: IsCancelled<'_>,
    ) -> Result<Begun, Failure> {
        let mut buffer = TapeBuffer::new();
        let tape = Tape::parse_into(&mut buffer, arguments);
        let tape = tape.map_err(|error| Failure::at("", format!("the arguments cannot be read: {error}")))?;
        let arguments = Arguments::new(tape.root(), self.arguments)?;
        match self.work {
            Work::Look(look) => look(assets, arguments, is_cancelled).map(Begun::Answered),
            Work::Post => assets.post(arguments).map(Begun::Posting),
        }
    }
}

/// What became of a call.
#[derive(Debug)]
pub(crate) enum Begun {
    /// That is it.
    Answered(Reply),
    /// There is a document to be posted.
    Posting(Post),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_of_a_schema_is_taken_and_no_other() {
        for tool in TOOLS {
            let (input, output) = (tool.schemas)();
            let named: Vec<_> = input["properties"].as_object().unwrap().keys().cloned().collect();
            let mut taken = tool.arguments.to_vec();
            taken.sort_unstable();
            assert_eq!(named, taken, "{}", tool.name);
            assert_eq!((&input["type"], &output["type"]), (&"object".into(), &"object".into()));
            assert!(tool.definition().is_ok());
        }
        assert!(TOOLS.is_sorted_by_key(|tool| tool.name));
    }
}
