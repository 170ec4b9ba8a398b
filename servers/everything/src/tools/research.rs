//! A tool that is a task.

use std::time::Duration;

use latimer::prelude::*;
use latimer::wire::ElicitAction;
use latimer::{AskError, RawJson, Requirement};
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) fn add(server: Server) -> Server {
    server.tool(research)
}

const STAGES: [&str; 4] =
    ["Gathering sources", "Analyzing content", "Synthesizing findings", "Generating report"];

/// How long a stage takes.
const STAGE: Duration = Duration::from_secs(1);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Query {
    /// What to look into.
    topic: String,
    /// Whether the topic can be understood in several ways, so that the user is asked which one is meant.
    #[serde(default)]
    ambiguous: bool,
}

/// Looks into a topic, in four stages of a second each, as a task. Asks the user where the topic is ambiguous, if the
/// client lets it. Nothing is really looked up.
#[tool(
    name = "simulate-research-query",
    title = "Research",
    task = "required",
    read_only,
    open_world = false
)]
async fn research(cx: &Context, Args(Query { topic, ambiguous }): Args<Query>) -> latimer::Result<String> {
    cx.into_task().await;
    let mut meant = None;
    for (at, stage) in STAGES.into_iter().enumerate() {
        if at == 2 && ambiguous && cx.can(Requirement::Elicitation) {
            meant = ask(cx, &topic).await?;
        }
        cx.status(format!("{stage}..."));
        // The handler is run again once the user has answered: what was done is not done again.
        cx.once(stage, async {
            tokio::time::sleep(STAGE).await;
            Ok::<_, AskError>(())
        })
        .await?;
        cx.progress((at + 1) as f64, STAGES.len() as f64, stage);
    }
    let meant = match (meant, ambiguous) {
        (Some(meant), _) => format!("\n- Understood as: {meant}"),
        (None, true) => "\n- Understood as: left open, the user was not asked or did not answer".to_owned(),
        (None, false) => String::new(),
    };
    Ok(format!(
        "# Research report: {topic}\n\n- Stages: {}{meant}\n- Sources: none, this is a simulation\n",
        STAGES.len()
    ))
}

/// What the user means, if it says so.
async fn ask(cx: &Context, topic: &str) -> latimer::Result<Option<String>> {
    #[derive(Deserialize)]
    struct Answer {
        interpretation: String,
    }
    let meanings = [("technical", "Technical"), ("historical", "Historical"), ("current", "Current events")];
    let meanings = meanings
        .map(|(value, title)| json!({ "const": value, "title": format!("{title} aspects of {topic}") }));
    let schema = json!({
        "type": "object",
        "properties": {
            "interpretation": { "type": "string", "title": "Interpretation", "oneOf": meanings }
        },
        "required": ["interpretation"]
    });
    let message = format!("The topic \"{topic}\" can be understood in several ways. Which one is meant?");
    let answer = cx.elicit_form("interpretation", message, RawJson::from_serialize(&schema)?).await?;
    match (answer.action, answer.content) {
        (ElicitAction::Accept, Some(content)) => Ok(Some(content.to::<Answer>()?.interpretation)),
        _ => Ok(None),
    }
}
