//! The JSON Schema of a configuration file.

use serde_json::{Map, Value as Json, json};

use super::keys::{self, Child, KEYS};
use super::settings::Config;

/// The JSON Schema (draft 2020-12) of a configuration file, indented, with a line end.
///
/// It describes the file before `${VAR}` is replaced: text with a reference is allowed wherever a value is. What the
/// schema refuses, the reader refuses; the reader is stricter inside texts.
#[must_use]
pub fn schema() -> String {
    let mut root = table("");
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of Latimer",
    });
    if let (Json::Object(root), Json::Object(head)) = (&mut root, head) {
        root.extend(head);
    }
    root["properties"]["$schema"] = json!({"type": "string", "description": "For editors; has no meaning."});
    format!("{root:#}\n")
}

fn table(path: &str) -> Json {
    if keys::table_takes_names(path) {
        return json!({
            "type": ["object", "null"],
            "propertyNames": {"pattern": "^[A-Za-z0-9_.-]{1,128}$"},
            "additionalProperties": table(&keys::join(path, keys::NAME)),
        });
    }
    let mut properties = Map::new();
    for name in keys::children(path) {
        let schema = match keys::child(path, name) {
            Some(Child::Table(inner)) => table(&inner),
            Some(Child::Value(key)) => {
                let mut schema = key.slot.schema();
                schema["description"] = key.doc.into();
                let default = key.slot.show(&Config::default(), "").filter(|value| !value.is_null());
                if let Some(default) = default {
                    schema["default"] = default;
                }
                schema
            }
            None => continue,
        };
        properties.insert(name.to_owned(), schema);
    }
    let mut schema = json!({"type": "object", "additionalProperties": false, "properties": properties});
    let secrets: Vec<&str> = KEYS
        .iter()
        .filter(|key| key.secret)
        .filter_map(|key| key.path.strip_prefix(path)?.strip_prefix('.'))
        .filter(|rest| !rest.contains('.'))
        .collect();
    if !secrets.is_empty() {
        schema["required"] = json!(secrets);
    }
    schema
}
