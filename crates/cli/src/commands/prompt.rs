//! `latimer prompt`.

use std::fmt::Write as _;

use latimer_client::Client;
use latimer_protocol::wire::GetPromptResult;

use super::content;
use crate::arguments::Pair;
use crate::ask::Answers;
use crate::exit::{CODES, Finished, Outcome};
use crate::output;
use crate::server::{Server, failure};

const EXAMPLES: &str = "\
Examples:
  latimer prompt http://127.0.0.1:12200/mcp passage --arg from=brest --arg to=bergen
  latimer prompt passage --arg from=brest --arg to=bergen -- latimer serve --stdio";

/// Get a prompt: the messages that it expands to, each under the role that says it
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "latimer prompt [OPTIONS] <URL> <NAME>\n       latimer prompt [OPTIONS] <NAME> -- <PROGRAM>...",
    after_help = format!("{EXAMPLES}\n\n{CODES}"),
)]
pub(crate) struct Prompt {
    /// The server's URL (http, https, tcp, tls or unix), unless it is a program behind `--`; then the name of the prompt
    #[arg(value_names = ["URL", "NAME"], num_args = 0..)]
    words: Vec<String>,

    /// An argument; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    arg: Vec<Pair>,

    #[command(flatten)]
    answers: Answers,

    #[command(flatten)]
    server: Server,
}

impl Prompt {
    pub(crate) fn run(self) -> Outcome {
        let (target, [name]) = self.server.target("prompt", &self.words, ["NAME"])?;
        let asker = self.answers.read()?;
        self.server.visit_and_answer(target, asker, async |client: &Client, _| {
            let arguments: Vec<(&str, &str)> =
                self.arg.iter().map(|pair| (pair.name.as_str(), pair.value.as_str())).collect();
            let reply = client.get_prompt(&name, &arguments).await.map_err(|error| failure(&error))?;
            if self.server.json {
                output::print(reply.raw().as_str())?;
            } else {
                output::print(&text(&reply.view().map_err(|error| failure(&error))?))?;
            }
            Ok(Finished::Done)
        })
    }
}

fn text(prompt: &GetPromptResult) -> String {
    let mut out = String::new();
    for message in &prompt.messages {
        let _ = writeln!(out, "{}:", message.role.as_str());
        for line in content::content(&message.content).lines() {
            let _ = writeln!(out, "    {line}");
        }
    }
    out
}
