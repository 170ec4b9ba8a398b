//! `latimer complete`.

use latimer_client::{Client, CompletionRef};

use crate::arguments::Pair;
use crate::exit::{CODES, Finished, Outcome};
use crate::output;
use crate::server::{Server, failure};

const EXAMPLES: &str = "\
Examples:
  latimer complete http://127.0.0.1:12200/mcp --prompt passage to b
  latimer complete --prompt passage to b -- latimer serve --stdio";

/// Ask a server how the value of an argument may go on: one suggestion a line
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "latimer complete [OPTIONS] <--prompt <NAME>|--template <URI>> <URL> <ARG> <VALUE>\n       \
                      latimer complete [OPTIONS] <--prompt <NAME>|--template <URI>> <ARG> <VALUE> -- <PROGRAM>...",
    after_help = format!("{EXAMPLES}\n\n{CODES}"),
)]
#[command(group = clap::ArgGroup::new("of").required(true).args(["prompt", "template"]))]
pub(crate) struct Complete {
    /// The server's URL (http, https, tcp, tls or unix), unless it is a program behind `--`; then the name of the argument, and its value so far
    #[arg(value_names = ["URL", "ARG", "VALUE"], num_args = 0..)]
    words: Vec<String>,

    /// The prompt whose argument it is
    #[arg(long, value_name = "NAME")]
    prompt: Option<String>,

    /// The resource template whose variable it is
    #[arg(long, value_name = "URI")]
    template: Option<String>,

    /// Another argument whose value is known; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    known: Vec<Pair>,

    #[command(flatten)]
    server: Server,
}

impl Complete {
    pub(crate) fn run(self) -> Outcome {
        let (target, [argument, value]) = self.server.target("complete", &self.words, ["ARG", "VALUE"])?;
        let of = match (&self.prompt, &self.template) {
            (Some(name), _) => CompletionRef::Prompt(name),
            (None, template) => CompletionRef::Resource(template.as_deref().unwrap_or_default()),
        };
        self.server.visit(target, async |client: &Client, _| {
            let known: Vec<(&str, &str)> =
                self.known.iter().map(|pair| (pair.name.as_str(), pair.value.as_str())).collect();
            let reply = client.complete(of, &argument, &value, &known).await;
            let reply = reply.map_err(|error| failure(&error))?;
            if self.server.json {
                output::print(reply.raw().as_str())?;
                return Ok(Finished::Done);
            }
            let found = reply.view().map_err(|error| failure(&error))?;
            output::print(&found.values().iter().map(|value| format!("{value}\n")).collect::<String>())?;
            if found.has_more() == Some(true) {
                output::note("there are more");
            }
            Ok(Finished::Done)
        })
    }
}
