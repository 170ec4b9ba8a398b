//! Tools that answer at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use latimer::prelude::*;
use latimer::wire::{Annotations, CallToolResult, Role};
use latimer::{App, Error, RawJson};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::Environment;

pub(super) fn add(server: Server) -> Server {
    server
        .tool(echo)
        .tool(sum)
        .tool(tiny_image)
        .tool(annotated_message)
        .tool(structured_content)
        .tool(environment)
        .state(Visits::default())
        .tool(hello_world)
        .resource(page())
}

/// A small picture: a seal with a red middle.
pub(crate) const PICTURE: &[u8] = include_bytes!("../media/tiny.png");

/// Echoes the message.
#[tool(title = "Echo", read_only, idempotent, open_world = false, inline)]
fn echo(
    /// What to echo.
    message: String,
) -> String {
    format!("Echo: {message}")
}

/// Adds two numbers.
#[tool(name = "add", title = "Add", read_only, idempotent, open_world = false, inline)]
pub(crate) fn sum(
    /// The first number.
    a: f64,
    /// The second number.
    b: f64,
) -> String {
    format!("The sum of {a} and {b} is {}.", a + b)
}

/// Returns a small picture, between two lines of text.
#[tool(name = "getTinyImage", title = "Tiny image", read_only, idempotent, open_world = false, inline)]
pub(crate) fn tiny_image() -> [ContentBlock; 3] {
    [
        ContentBlock::text("This is a tiny image:"),
        ContentBlock::image(PICTURE, "image/png"),
        ContentBlock::text("The image above is the tiny image."),
    ]
}

/// What kind of message.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum MessageType {
    Error,
    Success,
    Debug,
}

/// Returns a message whose annotations say for whom it is and how much it matters.
#[tool(
    name = "annotatedMessage",
    title = "Annotated message",
    read_only,
    idempotent,
    open_world = false,
    inline
)]
pub(crate) fn annotated_message(
    /// Which message.
    #[arg(name = "messageType")]
    kind: MessageType,
    /// Whether a picture comes with it.
    #[arg(name = "includeImage", default = false)]
    with_image: bool,
) -> Vec<ContentBlock> {
    let for_whom = |audience: &[Role], priority| Annotations {
        audience: audience.to_vec(),
        priority: Some(priority),
        last_modified: None,
    };
    let (text, annotations) = match kind {
        MessageType::Error => ("Error: Operation failed", for_whom(&[Role::User, Role::Assistant], 1.0)),
        MessageType::Success => ("Operation completed successfully", for_whom(&[Role::User], 0.7)),
        MessageType::Debug => {
            ("Debug: Cache hit ratio 0.95, latency 150ms", for_whom(&[Role::Assistant], 0.3))
        }
    };
    let mut content = vec![ContentBlock::text(text).with_annotations(annotations)];
    if with_image {
        let image = ContentBlock::image(PICTURE, "image/png");
        content.push(image.with_annotations(for_whom(&[Role::User], 0.5)));
    }
    content
}

/// A town whose weather is known.
#[derive(Deserialize, JsonSchema)]
enum Location {
    #[serde(rename = "New York")]
    NewYork,
    Chicago,
    #[serde(rename = "Los Angeles")]
    LosAngeles,
}

/// The weather of a town.
#[derive(Serialize, JsonSchema, Structured)]
struct Weather {
    /// The temperature in degrees Celsius.
    temperature: f64,
    /// The sky, in words.
    conditions: &'static str,
    /// The relative humidity in per cent.
    humidity: u8,
}

/// Returns the weather of a town as structured content. The weather never changes.
#[tool(
    name = "get-structured-content",
    title = "Structured content",
    read_only,
    idempotent,
    open_world = false,
    inline
)]
fn structured_content(
    /// The town.
    location: Location,
) -> Weather {
    match location {
        Location::NewYork => Weather { temperature: 33.0, conditions: "Cloudy", humidity: 82 },
        Location::Chicago => Weather { temperature: 36.0, conditions: "Light rain", humidity: 82 },
        Location::LosAngeles => Weather { temperature: 23.0, conditions: "Sunny", humidity: 48 },
    }
}

/// Returns environment variables of the server: those that its operator allows to be shown, and no others.
#[tool(name = "get-env", title = "Environment", read_only, idempotent, open_world = false, inline)]
fn environment(allowed: State<Environment>) -> latimer::Result<String> {
    let shown: BTreeMap<&str, String> = allowed.shown().collect();
    Ok(serde_json::to_string_pretty(&shown)?)
}

/// How often the page was asked for.
#[derive(Default)]
struct Visits(AtomicU64);

/// What the page of the hello world shows.
#[derive(Serialize)]
struct Hello {
    greeting: &'static str,
    timestamp: String,
    features: [&'static str; 3],
    stats: Stats,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    version: &'static str,
    request_count: u64,
}

const PAGE: &str = "ui://hello-world/app.html";

/// Greets, on a page where the client shows pages, and in words everywhere.
#[tool(
    name = "mcp_apps_hello_world",
    title = "Hello world",
    ui = "ui://hello-world/app.html",
    read_only,
    open_world = false,
    inline
)]
fn hello_world(visits: State<Visits>) -> latimer::Result<CallToolResult> {
    let hello = Hello {
        greeting: "Hello from an MCP App!",
        timestamp: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        features: ["tool input and result", "messages to the chat", "text where no page is shown"],
        stats: Stats {
            version: env!("CARGO_PKG_VERSION"),
            request_count: visits.0.fetch_add(1, Ordering::Relaxed) + 1,
        },
    };
    let text =
        format!("{} It is {}. Calls so far: {}.", hello.greeting, hello.timestamp, hello.stats.request_count);
    let structured = RawJson::from_serialize(&hello)?;
    let meta = RawJson::from_serialize(&json!({ "exampleKey": "exampleValue", "processed": true }))?;
    let result = CallToolResult {
        structured_content: Some(structured),
        ..CallToolResult::new([ContentBlock::text(text)])
    };
    Ok::<_, Error>(result.with_meta(meta))
}

fn page() -> App {
    App::html(PAGE, "hello-world", include_str!("../media/hello.html"))
        .title("Hello world")
        .description("Shows what the tool mcp_apps_hello_world got and answered.")
        .prefers_border(true)
}
