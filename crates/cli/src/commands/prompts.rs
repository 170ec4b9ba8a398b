//! `latimer prompts`.

use latimer_client::{Client, Entry};
use latimer_protocol::wire::Prompt;

use super::entries;
use crate::exit::{Finished, Outcome};
use crate::output;
use crate::server::{Server, listed};

/// List the prompts of a server, with their arguments (`?` marks those that may be left out)
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "latimer prompts [OPTIONS] <URL>\n       latimer prompts [OPTIONS] -- <PROGRAM>..."
)]
pub(crate) struct Prompts {
    /// The server's URL (http, https, tcp, tls or unix), unless it is a program behind `--`
    #[arg(value_name = "URL")]
    words: Vec<String>,

    #[command(flatten)]
    server: Server,
}

impl Prompts {
    pub(crate) fn run(self) -> Outcome {
        let (target, []) = self.server.target("prompts", &self.words, [])?;
        self.server.visit(target, async |client: &Client, _| {
            let prompts = listed("prompts", client.list_prompts().await)?;
            if self.server.json {
                output::print(&entries::json(&[("prompts", entries::raws(&prompts))]))?;
            } else {
                let lines = prompts.iter().map(|prompt| (signature(prompt), prompt.description()));
                output::print(&entries::text(lines))?;
            }
            Ok(Finished::Done)
        })
    }
}

/// `name(argument, optional?)`.
fn signature(prompt: &Entry<Prompt>) -> String {
    let arguments = prompt.view().map(|prompt| prompt.arguments).unwrap_or_default();
    let arguments = arguments
        .into_iter()
        .map(|argument| if argument.required { argument.name } else { format!("{}?", argument.name) });
    format!("{}({})", prompt.key(), arguments.collect::<Vec<_>>().join(", "))
}
