//! The JSON schema of each revision, by definition.

use std::path::PathBuf;

use latimer_protocol::Revision;
use serde_json::{Map, Value, json};

/// The schema of one revision, made strict: the definitions that servers send allow no member that they do
/// not name, so that a member of a newer revision is a fault.
pub struct Schemas {
    revision: Revision,
    container: &'static str,
    document: Value,
}

/// What servers send, beside the envelopes that are open by nature.
const SENT: &[&str] = &[
    "Annotations",
    "TextContent",
    "ImageContent",
    "AudioContent",
    "ResourceLink",
    "EmbeddedResource",
    "TextResourceContents",
    "BlobResourceContents",
    "Tool",
    "ToolAnnotations",
    "ToolExecution",
    "Resource",
    "ResourceTemplate",
    "Prompt",
    "PromptArgument",
    "PromptMessage",
    "Icon",
    "Implementation",
    "ServerCapabilities",
    "CallToolResult",
    "ReadResourceResult",
    "GetPromptResult",
    "CompleteResult",
    "InitializeResult",
    "DiscoverResult",
    "ListToolsResult",
    "ListResourcesResult",
    "ListResourceTemplatesResult",
    "ListPromptsResult",
    "ProgressNotificationParams",
    "ProgressNotification",
    "ElicitRequest",
    "ElicitRequestFormParams",
    "StringSchema",
    "NumberSchema",
    "BooleanSchema",
    "EnumSchema",
    "LegacyTitledEnumSchema",
    "UntitledSingleSelectEnumSchema",
    "TitledSingleSelectEnumSchema",
];

impl Schemas {
    pub fn of(revision: Revision) -> Self {
        let folder = std::env::var_os("MCP_SCHEMA_DIR").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas")),
            PathBuf::from,
        );
        let path = folder.join(format!("{revision}.json"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!(
                "read {}: {error}; MCP_SCHEMA_DIR names the folder of the protocol's schemas",
                path.display()
            )
        });
        let mut document: Value = serde_json::from_str(&text).unwrap();
        let container = if document.get("$defs").is_some() { "$defs" } else { "definitions" };
        for name in SENT {
            if let Some(definition) = document[container].get_mut(*name) {
                close(definition);
            }
        }
        let capabilities = &mut document[container]["ServerCapabilities"]["properties"];
        if revision == Revision::V2025_11_25 {
            // Not in its schema, but sent to it: its clients read it.
            capabilities["extensions"] = json!({ "type": "object" });
        }
        if revision < Revision::V2025_11_25 {
            // The parameters of these stand inside the notification and know `_meta` by convention.
            document[container]["ProgressNotification"]["properties"]["jsonrpc"] = json!({ "const": "2.0" });
        }
        Self { revision, container, document }
    }

    pub fn every() -> impl Iterator<Item = Self> {
        Revision::ALL.into_iter().map(Self::of)
    }

    pub fn revision(&self) -> Revision {
        self.revision
    }

    pub fn validator(&self, definition: &str) -> jsonschema::Validator {
        assert!(
            self.document[self.container].get(definition).is_some(),
            "{} has no {definition}",
            self.revision
        );
        let mut schema = Map::new();
        schema.insert("$schema".to_owned(), self.document["$schema"].clone());
        schema.insert("$ref".to_owned(), json!(format!("#/{}/{definition}", self.container)));
        schema.insert(self.container.to_owned(), self.document[self.container].clone());
        jsonschema::validator_for(&Value::Object(schema)).unwrap()
    }

    /// The definition of a response with a result.
    pub fn response(&self) -> &'static str {
        if self.revision < Revision::V2025_11_25 { "JSONRPCResponse" } else { "JSONRPCResultResponse" }
    }

    /// The definition of an error response.
    pub fn error_response(&self) -> &'static str {
        if self.revision < Revision::V2025_11_25 { "JSONRPCError" } else { "JSONRPCErrorResponse" }
    }
}

/// Forbids unnamed members, except in what is free: metadata, JSON schemas, data.
fn close(schema: &mut Value) {
    const FREE: [&str; 4] = ["_meta", "inputSchema", "outputSchema", "structuredContent"];
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        let named = !properties.is_empty();
        for (name, property) in properties {
            if !FREE.contains(&name.as_str()) {
                close(property);
            }
        }
        if named && !object.contains_key("additionalProperties") {
            object.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
    }
}

/// Panics with every fault if `text` is not valid.
pub fn assert_valid(validator: &jsonschema::Validator, revision: Revision, text: &[u8]) -> Value {
    let value: Value = serde_json::from_slice(text)
        .unwrap_or_else(|error| panic!("{revision}: {error}: {}", String::from_utf8_lossy(text)));
    let faults: Vec<_> = validator
        .iter_errors(&value)
        .map(|fault| format!("{} at {}", fault, fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{revision}: {faults:#?} in {value:#}");
    value
}
