//! The schemas of what tools take and answer.

use serde_json::{Map, Value, json};

/// Of the arguments and of the answer.
type Schemas = (Value, Value);

pub(super) fn list_schemas() -> Schemas {
    let entry = object(
        &json!({
            "name": { "type": "string", "description": "The name, which get_schema takes" },
            "version": { "type": "string", "description": "The schema's own version; empty if it has none" },
            "path": { "type": "string", "description": "The path in the folder of schemas" }
        }),
        &["name", "version", "path"],
    );
    let schemas = json!({ "schemas": { "type": "array", "items": entry } });
    (arguments(&json!({}), &[]), answer(&schemas, &["schemas"]))
}

pub(super) fn get_schema() -> Schemas {
    let name = json!({ "type": "string", "minLength": 1, "description": "The name or path of a schema, as list_schemas has it" });
    let schema = json!({
        "schema": { "description": "The schema", "type": ["object", "boolean", "array", "string", "number", "null"] },
        "version": { "type": "string", "description": "The schema's own version; empty if it has none" }
    });
    (arguments(&json!({ "name": name }), &["name"]), answer(&schema, &["schema", "version"]))
}

pub(super) fn list_examples() -> Schemas {
    let component = json!({
        "type": ["string", "null"], "description": "Lists only the examples of this component; \"*\" and \"all\" stand for all"
    });
    let entry = object(
        &json!({
            "component": { "type": "string", "description": "The file's name up to its first dot" },
            "path": { "type": "string", "description": "The path, which get_example takes" }
        }),
        &["component", "path"],
    );
    let examples = json!({ "examples": { "type": "array", "items": entry } });
    (arguments(&json!({ "component": component }), &[]), answer(&examples, &["examples"]))
}

pub(super) fn get_example() -> Schemas {
    let path = json!({ "type": "string", "minLength": 1, "description": "The path of an example, as list_examples has it" });
    let example = json!({
        "example": { "description": "The example", "type": ["object", "array", "string", "number", "boolean", "null"] },
        "schema": { "type": "string", "description": "The name of its schema; empty if it names none" },
        "validated": { "type": "boolean", "description": "Whether it is valid; if not, errors or detail tell why" }
    });
    (arguments(&json!({ "path": path }), &["path"]), answer(&example, &["example", "schema", "validated"]))
}

pub(super) fn validate_asset() -> Schemas {
    let taken = json!({ "asset": asset("The document"), "schema": schema_name() });
    (arguments(&taken, &["asset"]), answer(&json!({}), &["errors"]))
}

pub(super) fn validate_many() -> Schemas {
    let taken = json!({
        "assets": { "type": ["array", "null"], "items": { "type": "object" }, "description": "The documents" },
        "schema": schema_name()
    });
    let result = object(&with_failure(&json!({})), &["ok"]);
    let results = json!({ "results": { "type": "array", "items": result, "description": "In the order of the documents" } });
    let mut answer = answer(&results, &["results"]);
    if let Value::Object(members) = &mut answer {
        // Where only some documents are valid, there is no reason besides theirs.
        members.insert(
            "else".to_owned(),
            json!({ "anyOf": [{ "required": ["reason"] }, { "required": ["results"] }] }),
        );
    }
    (arguments(&taken, &[]), answer)
}

pub(super) fn diff_assets() -> Schemas {
    let any = json!(["object", "array", "string", "number", "boolean", "null"]);
    let taken = json!({
        "base": { "type": any, "default": {}, "description": "The document that is there" },
        "new": { "type": any, "default": {}, "description": "The document that it is to become" },
        "arrays": {
            "type": ["string", "null"], "enum": ["whole", "elements", null], "default": "whole",
            "description": "How arrays are compared: as one value, or element by element"
        }
    });
    let operation = object(
        &json!({
            "op": { "type": "string", "enum": ["add", "remove", "replace"] },
            "path": { "type": "string", "description": "A JSON Pointer; empty for the whole document" },
            "value": { "description": "What is put there" }
        }),
        &["op", "path"],
    );
    let patch = json!({ "patch": { "type": "array", "items": operation } });
    (arguments(&taken, &[]), answer(&patch, &["patch"]))
}

pub(super) fn populate_backend() -> Schemas {
    let taken = json!({
        "asset": asset("The document"),
        "schema": schema_name(),
        "validate_first": {
            "type": ["boolean", "null"], "default": true,
            "description": "Whether it is validated before it is sent; false only where the operator allows it"
        },
        "idempotency_key": {
            "type": ["string", "null"], "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$",
            "description": "A key by which the backend knows that it has this document; made from the document if left out"
        }
    });
    let populated = json!({
        "asset_id": { "type": ["string", "null"], "description": "The identifier of the document in the backend" },
        "backend_url": { "type": "string", "description": "The address of the backend" }
    });
    (arguments(&taken, &["asset"]), answer(&populated, &["asset_id", "backend_url"]))
}

pub(super) fn audit() -> Schemas {
    let paths = |description: &str| json!({ "type": "array", "items": { "type": "string" }, "description": description });
    let unresolvable =
        object(&json!({ "path": { "type": "string" }, "reason": { "type": "string" } }), &["path", "reason"]);
    let audit = json!({
        "status": { "type": "string", "enum": ["ok", "partial"], "description": "partial if anything is wrong" },
        "schemas_base": { "type": "string", "description": "The URL under which the schemas are published" },
        "schema_version": { "type": "string" },
        "examples_checked": { "type": "integer", "minimum": 0 },
        "missing_schema": paths("Examples that name no schema"),
        "foreign_schema": paths("Examples that name a schema that is not here"),
        "invalid": paths("Examples that are not valid"),
        "unreadable": paths("Examples that are no JSON, are too large or cannot be read"),
        "schemas_checked": { "type": "integer", "minimum": 0 },
        "unresolvable_schemas": { "type": "array", "items": unresolvable },
        "unused_schemas": paths("Schemas that no example uses; nothing is wrong with them")
    });
    let required = [
        "status",
        "schemas_base",
        "schema_version",
        "examples_checked",
        "missing_schema",
        "foreign_schema",
        "invalid",
        "unreadable",
        "schemas_checked",
        "unresolvable_schemas",
        "unused_schemas",
    ];
    (arguments(&json!({}), &[]), answer(&audit, &required))
}

fn asset(description: &str) -> Value {
    json!({ "type": "object", "description": description })
}

fn schema_name() -> Value {
    json!({
        "type": ["string", "null"],
        "description": "The name, path or published URL of the schema; without it, the document names its schema itself"
    })
}

fn object(properties: &Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn arguments(properties: &Value, required: &[&str]) -> Value {
    let mut schema = object(properties, required);
    if let (Value::Object(members), []) = (&mut schema, required) {
        members.remove("required");
    }
    schema
}

/// An answer: with these members if it is ok, with a reason if not.
fn answer(properties: &Value, required: &[&str]) -> Value {
    let mut schema = object(&with_failure(properties), &["ok"]);
    if let Value::Object(members) = &mut schema {
        members.insert("if".to_owned(), json!({ "properties": { "ok": { "const": true } } }));
        members.insert("then".to_owned(), json!({ "required": required }));
        members.insert("else".to_owned(), json!({ "required": ["reason"] }));
    }
    schema
}

fn with_failure(properties: &Value) -> Value {
    let error = object(
        &json!({
            "path": { "type": "string", "description": "Where: a JSON Pointer into the document, or to an argument" },
            "schema_path": { "type": "string", "description": "Which keyword: a JSON Pointer that follows each $ref" },
            "msg": { "type": "string", "description": "What was expected" }
        }),
        &["path", "msg"],
    );
    let mut all: Map<String, Value> = properties.as_object().cloned().unwrap_or_default();
    let failure = json!({
        "ok": { "type": "boolean" },
        "reason": {
            "type": "string",
            "enum": ["validation_failed", "not_found", "unsupported", "backend_error", "internal_error"]
        },
        "status": { "type": "integer", "description": "What the backend answered; 503 where it did not" },
        "errors": { "type": "array", "items": error, "description": "What is wrong, in order" },
        "total": { "type": "integer", "minimum": 1, "description": "How many errors there are, listed or not" },
        "at_least": { "type": "boolean", "description": "Whether there may be more than total" },
        "detail": { "type": "string" },
        "limit": { "type": "integer", "minimum": 1 }
    });
    for (name, schema) in failure.as_object().into_iter().flatten() {
        all.entry(name.clone()).or_insert_with(|| schema.clone());
    }
    Value::Object(all)
}
