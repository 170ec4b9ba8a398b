//! `latimer tools`.

use latimer_client::{Client, Entry};
use latimer_protocol::rewrite::{decode_string, elements, member, members};
use latimer_protocol::wire::Tool;

use super::entries;
use crate::exit::{Finished, Outcome};
use crate::output;
use crate::server::{Server, listed};

/// List the tools of a server, with their arguments (`?` marks those that may be left out)
#[derive(Debug, clap::Args)]
#[command(override_usage = "latimer tools [OPTIONS] <URL>\n       latimer tools [OPTIONS] -- <PROGRAM>...")]
pub(crate) struct Tools {
    /// The server's URL (http, https, tcp, tls or unix), unless it is a program behind `--`
    #[arg(value_name = "URL")]
    words: Vec<String>,

    #[command(flatten)]
    server: Server,
}

impl Tools {
    pub(crate) fn run(self) -> Outcome {
        let (target, []) = self.server.target("tools", &self.words, [])?;
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

/// `name(argument: type, optional?: type)`, in the order of the schema.
fn signature(tool: &Entry<Tool>) -> String {
    let schema = part(tool.raw().as_str(), "inputSchema").unwrap_or("{}");
    let required: Vec<_> = elements(part(schema, "required").unwrap_or("[]"))
        .map_while(Result::ok)
        .filter_map(decode_string)
        .collect();
    let properties = members(part(schema, "properties").unwrap_or("{}")).map_while(Result::ok);
    let arguments = properties.map(|(name, property)| {
        let optional = if required.contains(&name) { "" } else { "?" };
        match kind(property) {
            Some(kind) => format!("{name}{optional}: {kind}"),
            None => format!("{name}{optional}"),
        }
    });
    format!("{}({})", tool.key(), arguments.collect::<Vec<_>>().join(", "))
}

/// The type of an argument, as far as the schema says it in so many words.
fn kind(property: &str) -> Option<String> {
    let kind = part(property, "type")?;
    if let Some(kind) = decode_string(kind) {
        return Some(kind.into_owned());
    }
    let kinds: Vec<_> = elements(kind).map_while(Result::ok).filter_map(decode_string).collect();
    (!kinds.is_empty()).then(|| kinds.join("|"))
}

fn part<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    member(object, name).ok().flatten()
}
