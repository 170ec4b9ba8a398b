//! `latimer call`.

use std::io::Read as _;

use latimer_client::{CallOutcome, Client, ClientError, Entry, Started};
use latimer_host::Failure;
use latimer_protocol::RawJson;
use latimer_protocol::rewrite::member;
use latimer_protocol::wire::Tool;

use super::content;
use crate::arguments::{self, Pair};
use crate::ask::Answers;
use crate::exit::{CODES, Finished, Outcome};
use crate::output;
use crate::progress::Display;
use crate::server::{Server, failure};

const EXAMPLES: &str = r#"Examples:
  latimer call http://127.0.0.1:12200/mcp greet --arg name=Ada
  latimer call http://127.0.0.1:12200/mcp echo --args '{"message":"hi"}'
  latimer call echo --arg message=hi -- latimer serve --stdio
  latimer call http://127.0.0.1:12200/mcp book --answer party=4 --no-input

The text of the result goes to standard output. When the tool reports an error, its text goes to standard
error, and the exit code is 3. Log messages and, after two seconds, progress go to standard error.

When the server asks something, it is asked on the terminal: forms field by field, pages before they are opened,
and requests to a model for the user to answer in its place."#;

/// Call a tool
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "latimer call [OPTIONS] <URL> <TOOL>\n       latimer call [OPTIONS] <TOOL> -- <PROGRAM>...",
    after_help = format!("{EXAMPLES}\n\n{CODES}"),
)]
pub(crate) struct Call {
    /// The server's URL (http, https, tcp, tls or unix), unless it is a program behind `--`; then the name of the tool
    #[arg(value_names = ["URL", "TOOL"], num_args = 0..)]
    words: Vec<String>,

    /// An argument; may be repeated. Its type is the one in the tool's schema; objects and arrays are written as JSON
    #[arg(long, value_name = "NAME=VALUE")]
    arg: Vec<Pair>,

    /// The arguments as a JSON object; `@FILE` reads them from a file, `@-` from standard input
    #[arg(long, value_name = "JSON|@FILE")]
    args: Option<String>,

    /// Ask the server to make a task of the call; its id goes to standard error, and the result is waited for. An interrupted
    /// command leaves the task alone
    #[arg(long)]
    task: bool,

    #[command(flatten)]
    answers: Answers,

    #[command(flatten)]
    server: Server,
}

impl Call {
    pub(crate) fn run(self) -> Outcome {
        let (target, [tool]) = self.server.target("call", &self.words, ["TOOL"])?;
        let whole = self.args.as_deref().map(given).transpose()?;
        // What is wrong in itself is told before anything is started.
        arguments::object(whole.as_deref(), &[], None).map_err(Failure::setup)?;
        let asker = self.answers.read()?;
        self.server.visit_and_answer(target, asker, async |client: &Client, display: &Display| {
            let schema = schema(client, &tool).await?;
            let arguments = arguments::object(whole.as_deref(), &self.arg, schema.as_ref());
            let arguments = arguments.map_err(Failure::setup)?;
            let call = client.call_tool(&tool, arguments).on_progress(|report| display.progress(&report));
            let outcome = if self.task { task(call, display).await } else { call.await };
            let outcome = outcome.map_err(|error| failure(&error))?;
            display.finish();
            self.tell(&outcome)
        })
    }

    fn tell(&self, outcome: &CallOutcome) -> Outcome {
        if self.server.json {
            output::print(outcome.raw().as_str())?;
        } else if outcome.is_error() {
            output::note(&format!("the tool reports an error: {}", text(outcome)));
        } else {
            output::print(&text(outcome))?;
        }
        Ok(if outcome.is_error() { Finished::ToolFailed } else { Finished::Done })
    }
}

/// The result of a call that is made as a task, if the server makes one of it.
async fn task(
    call: latimer_client::Call<'_, CallOutcome>,
    display: &Display,
) -> Result<CallOutcome, ClientError> {
    match call.as_task(None).await? {
        Started::Done(outcome) => {
            display.line("the server made no task of it");
            Ok(outcome)
        }
        Started::Task(handle) => {
            display.line(&format!("task {}", handle.id()));
            handle.result().await
        }
    }
}

/// The input schema of the tool.
async fn schema(client: &Client, name: &str) -> Result<Option<RawJson>, Failure> {
    let tools = client.list_tools().await.map_err(|error| failure(&error))?;
    match tools.iter().find(|tool| tool.key() == name) {
        Some(tool) => Ok(member(tool.raw().as_str(), "inputSchema")
            .ok()
            .flatten()
            .and_then(|schema| tool.raw().slice(schema).ok())),
        None => Err(no_such_tool(name, &tools)),
    }
}

fn no_such_tool(name: &str, tools: &[Entry<Tool>]) -> Failure {
    let likeness = |tool: &Entry<Tool>| strsim::jaro_winkler(name, tool.key());
    let nearest = tools.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let hint = match nearest {
        Some(tool) if likeness(tool) >= 0.8 => format!("did you mean \"{}\"?", tool.key()),
        _ => "latimer tools lists those there are".to_owned(),
    };
    Failure::runtime(format_args!("the server has no tool \"{name}\"; {hint}"))
}

/// The text of `--args`, or of the file that it names.
fn given(text: &str) -> Result<String, Failure> {
    let read = match text.strip_prefix('@') {
        None => return Ok(text.to_owned()),
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        }
        Some(file) => std::fs::read_to_string(file),
    };
    read.map_err(|error| Failure::setup(format_args!("read the arguments in {}: {error}", &text[1..])))
}

/// The content as text; the structured content, where there is no other.
fn text(outcome: &CallOutcome) -> String {
    let blocks: Vec<String> = outcome.content().iter().map(content::block).collect();
    match outcome.structured() {
        Some(structured) if blocks.is_empty() => structured.to_string(),
        _ => blocks.join("\n"),
    }
}
