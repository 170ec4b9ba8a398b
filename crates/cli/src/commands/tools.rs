//! `latimer tools`.

use latimer_client::{Client, Entry};
use latimer_protocol::wire::Tool;
use serde_json::Value;

use super::entries;
use crate::exit::{Finished, Outcome};
use crate::output;
use crate::server::{Server, listed};

/// List the tools of a server, with their arguments (`?` marks those that may be left out)
#[derive(Debug, clap::Args)]
#[command(override_usage = "latimer tools [OPTIONS] <URL>\n       latimer tools [OPTIONS] -- <PROGRAM>...")]
pub(crate) struct Tools {
    /// The server's URL, unless it is a program behind `--`
    #[arg(value_name = "URL")]
    words: Vec<String>,

    #[command(flatten)]
    server: Server,
}

impl Tools {
    pub(crate) fn run(self) -> Outcome {
        let (target, []) = self.server.target(&self.words, [])?;
        self.server.visit(target, async |client: &Client, _| {
            let tools = listed("tools", client.list_tools().await)?;
            if self.server.json {
                output::print(&entries::json(&[("tools", entries::raws(&tools))]))?;
            } else {
                output::print(&entries::text(
                    tools.iter().map(|tool| (signature(tool), tool.description())),
                ))?;
            }
            Ok(Finished::Done)
        })
    }
}

/// `name(argument: type, optional?: type)`.
fn signature(tool: &Entry<Tool>) -> String {
    let schema = tool.view().ok().and_then(|tool| tool.input_schema.to::<Value>().ok()).unwrap_or_default();
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let arguments = schema["properties"].as_object().into_iter().flatten().map(|(name, property)| {
        let optional = if required.contains(&name.as_str()) { "" } else { "?" };
        match kind(property) {
            Some(kind) => format!("{name}{optional}: {kind}"),
            None => format!("{name}{optional}"),
        }
    });
    format!("{}({})", tool.key(), arguments.collect::<Vec<_>>().join(", "))
}

/// The type of an argument, as far as the schema says it in so many words.
fn kind(property: &Value) -> Option<String> {
    match &property["type"] {
        Value::String(kind) => Some(kind.clone()),
        Value::Array(kinds) => Some(kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|")),
        _ => None,
    }
}
