//! Tools that ask the client.

use latimer::RawJson;
use latimer::prelude::*;
use latimer::wire::{CallToolResult, CreateMessageParams, ElicitAction, ElicitResult};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

pub(super) fn add(server: Server) -> Server {
    server.tool(sampling).tool(form).tool(every_field).tool(roots)
}

/// What the number of a form is, unless the user says otherwise.
#[expect(clippy::approx_constant, reason = "it is the number that the original server has")]
const PI_OR_SO: f64 = 3.14;

/// The system prompt of all sampling.
pub(super) const HELPFUL: &str = "You are a helpful test server.";

const fn hundred() -> u64 {
    100
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Sampling {
    /// What the model is asked.
    prompt: String,
    /// How long its answer may be, in tokens.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 1_000_000))]
    max_tokens: u64,
}

/// Has the client's model answer.
#[tool(name = "sampleLLM", title = "Sampling", requires(sampling))]
pub(crate) async fn sampling(cx: &Context, Args(asked): Args<Sampling>) -> Result<String, ToolError> {
    let text = format!("Resource sampleLLM context: {}", asked.prompt);
    let params = CreateMessageParams {
        system_prompt: Some(HELPFUL.to_owned()),
        temperature: Some(0.7),
        ..CreateMessageParams::text(text, asked.max_tokens)
    };
    let answer = cx.sample("sample", params).await?;
    Ok(format!("LLM sampling result: {}", answer.content.to_text()))
}

/// Has the user fill in a form with a field of every kind.
#[tool(name = "elicitInputs", title = "Form", requires(elicitation))]
async fn form(cx: &Context) -> latimer::Result<CallToolResult> {
    let fields = json!({
        "name": { "type": "string", "title": "Full name", "description": "Your full name" },
        "check": { "type": "boolean", "title": "Agree", "description": "Whether you agree" },
        "color": { "type": "string", "title": "Favourite colour", "default": "blue" },
        "email": { "type": "string", "title": "Email address", "format": "email" },
        "homepage": { "type": "string", "title": "Homepage", "format": "uri" },
        "birthdate": { "type": "string", "title": "Date of birth", "format": "date" },
        "integer": { "type": "integer", "title": "Favourite integer", "minimum": 1, "maximum": 100, "default": 42 },
        "number": { "type": "number", "title": "Favourite number", "minimum": 0, "maximum": 1000, "default": PI_OR_SO },
        "petType": {
            "type": "string",
            "title": "Favourite pet",
            "enum": ["cats", "dogs", "birds", "fish", "reptiles"],
            "enumNames": ["Cats", "Dogs", "Birds", "Fish", "Reptiles"],
            "default": "dogs"
        }
    });
    let answer =
        cx.elicit_form("inputs", "Please provide inputs for the following fields:", schema(&fields)?).await?;
    told(&answer)
}

/// Has the user fill in a form with a field of every kind and choices of every kind: one or several, with and without
/// titles.
#[tool(name = "trigger-elicitation-request", title = "Form with all choices", requires(elicitation))]
async fn every_field(cx: &Context) -> latimer::Result<CallToolResult> {
    let answer =
        cx.elicit_form("fields", "Please provide inputs for the following fields:", every_kind()?).await?;
    told(&answer)
}

/// A form with a field of every kind and choices of every kind.
pub(super) fn every_kind() -> latimer::Result<RawJson> {
    let titled =
        |names: [(&str, &str); 3]| names.map(|(value, title)| json!({ "const": value, "title": title }));
    let heroes = [("hero-1", "Superman"), ("hero-2", "Green Lantern"), ("hero-3", "Wonder Woman")];
    let fish = [("fish-1", "Tuna"), ("fish-2", "Salmon"), ("fish-3", "Trout")];
    schema(&json!({
        "name": { "type": "string", "title": "Name", "description": "Your full legal name" },
        "check": { "type": "boolean", "title": "Agree to the terms", "description": "A boolean check" },
        "firstLine": {
            "type": "string",
            "title": "A line",
            "description": "The first line of your favourite book",
            "minLength": 3,
            "maxLength": 200,
            "default": "Call me Ishmael."
        },
        "email": { "type": "string", "title": "Email address", "format": "email" },
        "homepage": { "type": "string", "title": "Homepage", "format": "uri" },
        "birthdate": { "type": "string", "title": "Date of birth", "format": "date" },
        "integer": { "type": "integer", "title": "Integer", "minimum": 1, "maximum": 100, "default": 42 },
        "number": { "type": "number", "title": "Number", "minimum": 0, "maximum": 1000, "default": PI_OR_SO },
        "untitledSingleSelectEnum": {
            "type": "string",
            "title": "One of several",
            "enum": ["Monica", "Rachel", "Joey", "Chandler", "Ross", "Phoebe"],
            "default": "Monica"
        },
        "untitledMultipleSelectEnum": {
            "type": "array",
            "title": "Some of several",
            "minItems": 1,
            "maxItems": 3,
            "items": { "type": "string", "enum": ["Guitar", "Piano", "Violin", "Drums", "Bass"] },
            "default": ["Guitar"]
        },
        "titledSingleSelectEnum": {
            "type": "string",
            "title": "One of several with titles",
            "oneOf": titled(heroes),
            "default": "hero-1"
        },
        "titledMultipleSelectEnum": {
            "type": "array",
            "title": "Some of several with titles",
            "minItems": 1,
            "maxItems": 3,
            "items": { "anyOf": titled(fish) },
            "default": ["fish-1"]
        },
        "legacyTitledEnum": {
            "type": "string",
            "title": "One of several, as it was once written",
            "enum": ["pet-1", "pet-2", "pet-3"],
            "enumNames": ["Cats", "Dogs", "Birds"],
            "default": "pet-1"
        }
    }))
}

/// A form of these fields; the name must be given.
fn schema(fields: &Value) -> latimer::Result<RawJson> {
    let schema = json!({ "type": "object", "properties": fields, "required": ["name"] });
    Ok(RawJson::from_serialize(&schema)?)
}

/// What the user answered, in words and as JSON.
pub(super) fn told(answer: &ElicitResult) -> latimer::Result<CallToolResult> {
    let happened = match answer.action {
        ElicitAction::Accept => "User provided the requested information.",
        ElicitAction::Decline => "User declined to provide the requested information.",
        ElicitAction::Cancel => "User cancelled the elicitation dialog.",
    };
    let content = answer.content.as_ref().map(RawJson::to::<Value>).transpose()?;
    let action = serde_json::to_value(answer.action)?;
    let raw = serde_json::to_string_pretty(&json!({ "action": action, "content": content }))?;
    Ok(CallToolResult::new(
        [happened.to_owned(), format!("Elicitation result: {raw}")].map(ContentBlock::text),
    ))
}

/// Lists the folders that the client works in.
#[tool(name = "get-roots-list", title = "Roots", requires(roots))]
async fn roots(cx: &Context) -> Result<String, ToolError> {
    let roots = cx.roots().await?;
    if roots.is_empty() {
        return Ok("The client supports roots but has none right now.".to_owned());
    }
    let lines = roots.iter().enumerate().map(|(at, root)| {
        let name = root.name.as_deref().unwrap_or("without a name");
        format!("{}. {name}: {}", at + 1, root.uri)
    });
    let lines = lines.collect::<Vec<_>>().join("\n");
    Ok(format!("The client has {} root(s):\n{lines}", roots.len()))
}
