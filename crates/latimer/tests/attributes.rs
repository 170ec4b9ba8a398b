//! What authors write, and what clients get of it.

#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

use std::sync::atomic::{AtomicU32, Ordering};

use latimer::prelude::*;
use latimer::wire::ResourceBody;
use latimer::{Principal, Revision};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Adds two numbers.
#[tool(read_only, title = "Sum")]
fn add(
    /// The first one.
    a: f64,
    b: f64,
) -> f64 {
    a + b
}

/// Greets somebody.
#[tool(inline, idempotent, open_world = false)]
fn greet(
    #[arg(description = "Who.")] name: String,
    #[arg(default = "Hello")] greeting: String,
    #[arg(name = "loud", default = false)] shout: bool,
    title: Option<String>,
) -> String {
    let name = title.map_or(name.clone(), |title| format!("{title} {name}"));
    let text = format!("{greeting}, {name}!");
    if shout { text.to_uppercase() } else { text }
}

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema, Structured, PartialEq)]
struct Booking {
    /// How many come.
    party: u8,
    name: Option<String>,
}

/// Books a table.
#[tool]
async fn book(Args(booking): Args<Booking>, cx: &Context) -> Result<Booking, ToolError> {
    cx.progress(1.0, 2.0, "looking for a table");
    cx.log(LogLevel::Info, Some("bistro"), "booked");
    if booking.party > 8 {
        return Err(ToolError::new("at most eight; call us instead"));
    }
    Ok(booking)
}

struct Visits(AtomicU32);

#[tool]
async fn visit(visits: State<Visits>) -> u32 {
    visits.0.fetch_add(1, Ordering::Relaxed) + 1
}

#[tool]
async fn fail() -> latimer::Result<String> {
    let secret: u8 = "secret".parse()?;
    Ok(secret.to_string())
}

#[tool]
fn crash() {
    panic!("the pan is hot");
}

/// The settings.
#[resource("config://app", mime_type = "application/json")]
fn config() -> Json<Vec<u8>> {
    Json(vec![1, 2])
}

fn ids(typed: &str) -> Vec<String> {
    (0..200).map(|id| id.to_string()).filter(|id| id.starts_with(typed)).collect()
}

/// What a user says of themselves.
#[resource("user://{id}/profile/{+part}", title = "Profile")]
async fn profile(#[complete(ids)] id: u64, #[complete(["name", "NICK"])] part: String) -> Option<String> {
    (id < 100).then(|| format!("{part} of {id}"))
}

async fn languages(partial: latimer::Partial, _cx: Context) -> Vec<&'static str> {
    if partial.settled.is_empty() { vec![] } else { vec!["Rust"] }
}

/// Reviews code.
#[prompt]
fn review(
    /// The code.
    code: String,
    #[complete(languages)]
    #[arg(title = "Language")]
    language: Option<String>,
    #[arg(default = 1)] depth: u8,
) -> Vec<PromptMessage> {
    vec![
        PromptMessage::user(format!("Review this {} ({depth}):", language.as_deref().unwrap_or("code"))),
        PromptMessage::user(code),
    ]
}

struct Bistro {
    name: &'static str,
}

#[latimer::tools]
impl Bistro {
    /// What the place is called.
    #[tool(read_only)]
    async fn name(&self) -> &str {
        self.name
    }

    #[tool]
    fn tables(&self, #[arg(default = 2)] seats: u8, visits: State<Visits>) -> String {
        format!("{} x {seats} at {}", self.seen(&visits), self.name)
    }

    #[resource("menu://{day}", inline)]
    fn menu(&self, day: String) -> String {
        format!("{day} at {}", self.name)
    }

    #[prompt(name = "complain")]
    fn complaint() -> &'static str {
        "There is a fly in my soup."
    }

    fn seen(&self, visits: &Visits) -> u32 {
        visits.0.load(Ordering::Relaxed)
    }
}

fn server() -> Server {
    Server::new("bistro")
        .tool(add)
        .tool(greet)
        .tool(book)
        .tool(visit)
        .tool(fail)
        .tool(crash)
        .resource(config)
        .resource(profile)
        .prompt(review)
        .add(Bistro { name: "Chez Ada" })
        .state(Visits(AtomicU32::new(0)))
}

fn input_schema(tools: &[latimer::wire::Tool], name: &str) -> Value {
    tools.iter().find(|tool| tool.name == name).unwrap().input_schema.to().unwrap()
}

#[test]
fn a_function_stays_callable() {
    assert_eq!(add::call(1.0, 2.0), 3.0);
    assert_eq!(add().name(), "add");
    // A name that is also a tool's may still be bound.
    let add = 3;
    assert_eq!(add, 3);
}

#[tokio::test]
async fn arguments_are_read_by_name_with_defaults() {
    let client = server().test().await.unwrap();
    assert_eq!(client.call("add", json!({"a": 1, "b": 2.5})).await.unwrap().text(), "3.5");
    assert_eq!(client.call("greet", json!({"name": "Ada"})).await.unwrap().text(), "Hello, Ada!");
    let all = json!({"name": "Ada", "greeting": "Hi", "loud": true, "title": "Dr"});
    assert_eq!(client.call("greet", all).await.unwrap().text(), "HI, DR ADA!");
    let null = client.call("greet", json!({"name": "\u{e9}\"", "title": null})).await.unwrap();
    assert_eq!(null.text(), "Hello, \u{e9}\"!");
}

#[tokio::test]
async fn definitions_say_what_the_function_says() {
    let tools = server().test().await.unwrap().list_tools().await.unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["add", "book", "crash", "fail", "greet", "name", "tables", "visit"]);
    let add = &tools[0];
    assert_eq!(add.title.as_deref(), Some("Sum"));
    assert_eq!(add.description.as_deref(), Some("Adds two numbers."));
    assert_eq!(add.annotations.as_ref().unwrap().read_only_hint, Some(true));
    assert_eq!(add.annotations.as_ref().unwrap().destructive_hint, None);
    assert_eq!(
        input_schema(&tools, "add"),
        json!({
            "type": "object",
            "properties": {"a": {"type": "number", "description": "The first one."}, "b": {"type": "number"}},
            "required": ["a", "b"],
            "additionalProperties": false,
        })
    );
    assert_eq!(
        input_schema(&tools, "greet"),
        json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "Who."},
                "greeting": {"type": "string", "default": "Hello"},
                "loud": {"type": "boolean", "default": false},
                "title": {"type": ["string", "null"]},
            },
            "required": ["name"],
            "additionalProperties": false,
        })
    );
    assert_eq!(input_schema(&tools, "visit"), json!({"type": "object", "additionalProperties": false}));
    let greet = tools[4].annotations.as_ref().unwrap();
    assert_eq!((greet.idempotent_hint, greet.open_world_hint), (Some(true), Some(false)));
}

#[tokio::test]
async fn tool_7_a_structured_result_is_data_text_and_schema() {
    let client = server().test().await.unwrap();
    let tools = client.list_tools().await.unwrap();
    let output: Value = tools[1].output_schema.as_ref().unwrap().to().unwrap();
    assert_eq!(output["properties"]["party"]["description"], "How many come.");
    assert!(output.get("$schema").is_none() && output.get("title").is_none());
    let called = client.call("book", json!({"party": 4})).await.unwrap();
    assert_eq!(called.structured::<Booking>().unwrap(), Booking { party: 4, name: None });
    assert_eq!(called.text(), r#"{"party":4,"name":null}"#);
}

#[tokio::test]
async fn progress_and_logs_reach_the_client() {
    let called = server().test().await.unwrap().call("book", json!({"party": 4})).await.unwrap();
    assert_eq!(called.progress.len(), 1);
    assert_eq!(called.progress[0].message.as_deref(), Some("looking for a table"));
    assert_eq!(called.logs.len(), 1);
    assert_eq!(called.logs[0].data.as_str(), "\"booked\"");
}

#[tokio::test]
async fn a_tool_error_is_shown_and_any_other_error_is_not() {
    let client = server().test().await.unwrap();
    let refused = client.call("book", json!({"party": 9})).await.unwrap();
    assert!(refused.is_error() && refused.text() == "at most eight; call us instead");
    for name in ["fail", "crash"] {
        let failed = client.call(name, json!({})).await.unwrap();
        assert!(failed.is_error() && failed.text().contains("reference"), "{}", failed.text());
        assert!(!failed.text().contains("invalid digit") && !failed.text().contains("pan"));
    }
}

#[tokio::test]
async fn tool_8_faulty_arguments_are_shown_or_invalid_params_by_revision() {
    let client = server().test().await.unwrap();
    let shown = client.call("add", json!({"a": 1})).await.unwrap();
    assert!(shown.is_error() && shown.text().contains("\"b\""), "{}", shown.text());
    let old = client.revision(Revision::V2025_06_18);
    assert!(old.call("add", json!({"a": 1})).await.unwrap_err().to_string().contains("\"b\""));
}

#[tokio::test]
async fn state_is_shared_by_functions_and_methods() {
    let client = server().test().await.unwrap();
    assert_eq!(client.call("visit", json!({})).await.unwrap().text(), "1");
    assert_eq!(client.call("visit", json!({})).await.unwrap().text(), "2");
    assert_eq!(client.call("tables", json!({})).await.unwrap().text(), "2 x 2 at Chez Ada");
    assert_eq!(client.call("name", json!({})).await.unwrap().text(), "Chez Ada");
}

#[tokio::test]
async fn resources_are_read_and_templates_matched() {
    let client = server().test().await.unwrap();
    let contents = client.read("config://app").await.unwrap().contents;
    assert_eq!(contents[0].mime_type.as_deref(), Some("application/json"));
    assert_eq!(contents[0].body, ResourceBody::Text("[1,2]".to_owned()));
    let contents = client.read("user://7/profile/a/b").await.unwrap().contents;
    assert_eq!(contents[0].body, ResourceBody::Text("a/b of 7".to_owned()));
    assert_eq!(contents[0].uri, "user://7/profile/a/b");
    assert_eq!(
        client.read("menu://monday").await.unwrap().contents[0].body,
        ResourceBody::Text("monday at Chez Ada".to_owned())
    );
}

#[tokio::test]
async fn rsc_3_what_is_not_there_or_cannot_be_read_is_not_found() {
    let client = server().test().await.unwrap();
    for uri in ["user://700/profile/x", "user://seven/profile/x", "config://other"] {
        assert!(client.read(uri).await.unwrap_err().to_string().contains("resource not found"), "{uri}");
    }
}

#[tokio::test]
async fn cmp_1_variables_and_arguments_are_completed() {
    let client = server().test().await.unwrap();
    let template = "user://{id}/profile/{+part}";
    let parts = client.complete_resource(template, "part", "n").await.unwrap();
    assert_eq!(parts.values(), ["name", "NICK"]);
    let ids = client.complete_resource(template, "id", "1").await.unwrap();
    assert_eq!((ids.values().len(), ids.has_more()), (100, Some(true)));
    assert!(client.complete_prompt("review", "language", "").await.unwrap().values().is_empty());
    assert!(client.complete_prompt("review", "code", "").await.unwrap().values().is_empty());
}

#[tokio::test]
async fn prompts_take_text_and_default_values() {
    let client = server().test().await.unwrap();
    let prompts = client.list_prompts().await.unwrap();
    assert_eq!(prompts[0].name, "complain");
    let arguments: Vec<_> =
        prompts[1].arguments.iter().map(|each| (each.name.as_str(), each.required)).collect();
    assert_eq!(arguments, [("code", true), ("language", false), ("depth", false)]);
    assert_eq!(prompts[1].arguments[1].title.as_deref(), Some("Language"));
    let got = client.prompt("review", json!({"code": "fn f() {}"})).await.unwrap();
    assert_eq!(got.messages[0].content.as_text(), Some("Review this code (1):"));
    let got = client.prompt("review", json!({"code": "x", "language": "Rust", "depth": "3"})).await.unwrap();
    assert_eq!(got.messages[0].content.as_text(), Some("Review this Rust (3):"));
    let wrong = client.prompt("review", json!({"code": "x", "depth": "deep"})).await.unwrap_err();
    assert!(wrong.to_string().contains("argument \"depth\""), "{wrong}");
    let soup = client.prompt("complain", json!({})).await.unwrap();
    assert_eq!(soup.messages[0].content.as_text(), Some("There is a fly in my soup."));
}

#[tokio::test]
async fn every_revision_can_call() {
    let client = server().test().await.unwrap();
    for revision in Revision::ALL {
        let called = client.revision(revision).call("add", json!({"a": 1, "b": 2})).await.unwrap();
        assert_eq!(called.text(), "3", "{revision}");
    }
}

#[tool(scopes("admin"), requires(sampling))]
async fn secret() {}

#[tokio::test]
async fn what_a_scope_hides_does_not_exist() {
    let client = Server::new("s").tool(secret).tool(add).test().await.unwrap();
    let unknown = client.call("secret", json!({})).await.unwrap_err().to_string();
    assert!(unknown.contains("unknown tool"), "{unknown}");
    let admin = client.as_principal(Principal::named("root", ["admin"]));
    assert_eq!(admin.list_tools().await.unwrap().len(), 2);
    let refused = admin.call("secret", json!({})).await.unwrap_err().to_string();
    assert!(refused.contains("sampling"), "{refused}");
    let able = admin.capabilities(json!({"sampling": {}})).unwrap();
    assert!(!able.call("secret", json!({})).await.unwrap().is_error());
}
