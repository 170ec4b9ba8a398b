//! A little of everything: a harbour office with its ports and tides.

use std::f64::consts::TAU;
use std::str::FromStr;
use std::time::Duration;

use latimer::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The source `demo`.
pub fn demo() -> Server {
    Server::new("demo")
        .title("Harbour office")
        .tool(countdown)
        .tool(tide)
        .resource(about)
        .resource(port)
        .prompt(passage)
}

const MOST_STEPS: u32 = 1_000;
const LONGEST_DELAY_MS: u32 = 10_000;

/// Counts down step by step and reports its progress. Can be cancelled at any step.
#[tool(title = "Countdown", read_only, idempotent, open_world = false)]
async fn countdown(
    cx: &Context,
    /// How many steps there are, at most 1000.
    #[arg(default = 5)]
    steps: u32,
    /// How long each step takes, in milliseconds, at most 10000.
    #[arg(default = 200)]
    delay_ms: u32,
) -> Result<String, ToolError> {
    if steps > MOST_STEPS || delay_ms > LONGEST_DELAY_MS {
        let message =
            format!("take at most {MOST_STEPS} steps of at most {LONGEST_DELAY_MS} milliseconds each");
        return Err(ToolError::new(message));
    }
    for step in 1..=steps {
        tokio::time::sleep(Duration::from_millis(delay_ms.into())).await;
        cx.progress(f64::from(step), f64::from(steps), &format!("{} to go", steps - step));
    }
    Ok(format!("Counted down from {steps}."))
}

/// A port of the harbour office.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Port {
    Bergen,
    Brest,
    Lisbon,
    Rotterdam,
}

impl Port {
    const ALL: [Self; 4] = [Self::Bergen, Self::Brest, Self::Lisbon, Self::Rotterdam];

    fn name(self) -> &'static str {
        match self {
            Self::Bergen => "bergen",
            Self::Brest => "brest",
            Self::Lisbon => "lisbon",
            Self::Rotterdam => "rotterdam",
        }
    }

    fn sheet(self) -> Sheet {
        let (country, mean_m, range_m, high_water_h) = match self {
            Self::Bergen => ("Norway", 0.9, 0.9, 10.2),
            Self::Brest => ("France", 4.1, 4.3, 4.1),
            Self::Lisbon => ("Portugal", 2.2, 2.2, 2.9),
            Self::Rotterdam => ("Netherlands", 1.1, 1.7, 2.5),
        };
        Sheet { port: self, country, mean_m, range_m, high_water_h }
    }
}

impl FromStr for Port {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let port = Self::ALL.into_iter().find(|port| port.name() == name);
        let known = Self::ALL.map(Self::name).join(", ");
        port.ok_or_else(|| format!("there is no port \"{name}\"; the ports are {known}"))
    }
}

/// What is known of a port. Levels are in metres over chart datum.
#[derive(Serialize, JsonSchema)]
struct Sheet {
    port: Port,
    country: &'static str,
    mean_m: f64,
    range_m: f64,
    high_water_h: f64,
}

/// The water level of a port at an hour of the day.
#[derive(Serialize, JsonSchema, Structured)]
struct Tide {
    /// The port.
    port: Port,
    /// The hour of the day.
    hour: f64,
    /// The water level in metres over chart datum.
    level_m: f64,
    /// Whether the water rises.
    rising: bool,
}

/// Tells the water level of a port at an hour of the day. The tides are a simple model, not for navigation.
#[tool(title = "Tide", read_only, idempotent, open_world = false)]
async fn tide(
    /// The port.
    port: Port,
    /// The hour of the day, from 0 to 24, with decimals.
    hour: f64,
) -> Result<Tide, ToolError> {
    const PERIOD_H: f64 = 12.42;
    if !(0.0..=24.0).contains(&hour) {
        return Err(ToolError::new("hour goes from 0 to 24"));
    }
    let sheet = port.sheet();
    let phase = TAU * (hour - sheet.high_water_h) / PERIOD_H;
    let level = sheet.mean_m + sheet.range_m / 2.0 * phase.cos();
    Ok(Tide { port, hour, level_m: (level * 100.0).round() / 100.0, rising: phase.sin() < 0.0 })
}

/// What the harbour office is.
#[resource("harbour://about", title = "About the harbour office", mime_type = "text/markdown", inline)]
fn about() -> &'static str {
    "# Harbour office\n\nTides and data sheets of four ports. The numbers are a model, not for navigation.\n"
}

/// The data sheet of a port.
#[resource("harbour://port/{name}", title = "Port", mime_type = "application/json", inline)]
fn port(#[complete(["bergen", "brest", "lisbon", "rotterdam"])] name: Port) -> Json<Sheet> {
    Json(name.sheet())
}

/// Plans a passage from one port to another.
#[prompt(title = "Plan a passage", inline)]
fn passage(
    /// Where it begins.
    #[arg(title = "From")]
    #[complete(["bergen", "brest", "lisbon", "rotterdam"])]
    from: Port,
    /// Where it ends.
    #[arg(title = "To")]
    #[complete(["bergen", "brest", "lisbon", "rotterdam"])]
    to: Port,
    /// What else matters, for example the draught of the ship.
    #[arg(title = "Notes")]
    notes: Option<String>,
) -> latimer::Result<Vec<PromptMessage>> {
    let mut task = format!("Plan a passage from {} to {}.", from.name(), to.name());
    if let Some(notes) = notes {
        task.push(' ');
        task.push_str(&notes);
    }
    let mut messages = vec![PromptMessage::user(task)];
    for port in [from, to] {
        let sheet = serde_json::to_string(&port.sheet())?;
        let resource = ResourceContents::text(format!("harbour://port/{}", port.name()), sheet);
        let resource = resource.with_mime_type("application/json");
        messages.push(PromptMessage::user(ContentBlock::resource(resource)));
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use latimer::wire::ResourceBody;
    use latimer::{Revision, TestClient};

    async fn client() -> TestClient {
        demo().test().await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_countdown_reports_each_step() {
        let called = client().await.call("countdown", json!({ "steps": 3, "delay_ms": 50 })).await.unwrap();
        assert_eq!(called.text(), "Counted down from 3.");
        let steps: Vec<_> = called.progress.iter().map(|step| (step.progress, step.total)).collect();
        assert_eq!(steps, [(1.0, Some(3.0)), (2.0, Some(3.0)), (3.0, Some(3.0))]);
        assert_eq!(called.progress[2].message.as_deref(), Some("0 to go"));
    }

    #[tokio::test]
    async fn a_countdown_has_its_bounds() {
        let called = client().await.call("countdown", json!({ "steps": 1001 })).await.unwrap();
        assert!(called.is_error() && called.text().contains("at most 1000 steps"));
    }

    #[tokio::test]
    async fn tool_7_the_tide_is_structured() {
        let client = client().await;
        let called = client.call("tide", json!({ "port": "brest", "hour": 4.1 })).await.unwrap();
        let tide: serde_json::Value = called.structured().unwrap();
        assert_eq!(tide, json!({ "port": "brest", "hour": 4.1, "level_m": 6.25, "rising": false }));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&called.text()).unwrap(), tide);
        let wrong = client.call("tide", json!({ "port": "atlantis", "hour": 1 })).await.unwrap();
        assert!(wrong.is_error() && wrong.text().contains("bergen"), "{}", wrong.text());
    }

    #[tokio::test]
    async fn ports_can_be_read_and_completed() {
        let client = client().await;
        let contents = client.read("harbour://port/lisbon").await.unwrap().contents;
        let ResourceBody::Text(text) = &contents[0].body else { panic!("not text") };
        assert!(text.contains("\"country\":\"Portugal\""), "{text}");
        assert!(client.read("harbour://port/atlantis").await.is_err());
        assert!(client.read("harbour://about").await.is_ok());
        let ports = client.complete_resource("harbour://port/{name}", "name", "B").await.unwrap();
        assert_eq!(ports.values(), ["bergen", "brest"]);
        let ports = client.complete_prompt("passage", "to", "").await.unwrap();
        assert_eq!(ports.values(), Port::ALL.map(Port::name));
    }

    #[tokio::test]
    async fn the_prompt_embeds_both_ports_for_every_revision() {
        let client = client().await;
        for revision in Revision::ALL {
            let arguments = json!({ "from": "bergen", "to": "brest", "notes": "Draught 9 m." });
            let got = client.revision(revision).prompt("passage", arguments).await.unwrap();
            assert_eq!(got.messages.len(), 3);
            let first = got.messages[0].content.as_text().unwrap();
            assert_eq!(first, "Plan a passage from bergen to brest. Draught 9 m.");
            assert!(matches!(got.messages[2].content, ContentBlock::Resource(_)));
        }
        let wrong = client.prompt("passage", json!({ "from": "bergen", "to": "x" })).await.unwrap_err();
        assert!(wrong.to_string().contains("there is no port \"x\""), "{wrong}");
    }
}
