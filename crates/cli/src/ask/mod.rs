//! Answering what a server asks in the middle of a command: on the terminal, or from the command line.

mod console;
mod field;
mod form;
mod page;
mod sample;

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use latimer_client::{ElicitationModes, Options, Refusal};
use latimer_host::Failure;
use latimer_protocol::wire::{
    CreateMessageParams, CreateMessageResult, ElicitAction, ElicitParams, ElicitResult,
};
use serde_json::Map;
use tokio::sync::Mutex;

use self::console::Terminal;
use self::form::Given;
use crate::arguments::Pair;
use crate::output;
use crate::progress::Display;

/// What to say when the server asks.
#[derive(Debug, clap::Args)]
pub(crate) struct Answers {
    /// What to put into a field of this name when the server asks for it; may be repeated. Fields that are not named are
    /// asked for on the terminal
    #[arg(long, value_name = "FIELD=VALUE", help_heading = "When the server asks")]
    answer: Vec<Pair>,

    /// The same as a JSON object in a file; `-` is standard input
    #[arg(long, value_name = "FILE", help_heading = "When the server asks")]
    answers: Option<PathBuf>,

    /// Never ask: what is not answered on the command line is declined. So it is where standard input or standard error is
    /// no terminal
    #[arg(long, help_heading = "When the server asks")]
    no_input: bool,
}

impl Answers {
    /// Reads what was given, before anything is started.
    pub(crate) fn read(&self) -> Result<Asker, Failure> {
        let mut given = Map::new();
        if let Some(file) = &self.answers {
            let shown = file.display();
            let text = read(file)
                .map_err(|error| Failure::setup(format_args!("read the answers in {shown}: {error}")))?;
            given = serde_json::from_str(&text).map_err(|error| {
                Failure::setup(format_args!("the answers in {shown} have to be a JSON object: {error}"))
            })?;
        }
        let mut pairs = Vec::new();
        for Pair { name, value } in &self.answer {
            if given.contains_key(name) || pairs.iter().any(|(known, _)| known == name) {
                return Err(Failure::setup(format_args!("answer \"{name}\" is given twice")));
            }
            pairs.push((name.clone(), value.clone()));
        }
        let on_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        Ok(Asker { given: Given::new(given, pairs), may_ask: on_terminal && !self.no_input })
    }
}

fn read(file: &Path) -> std::io::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        return std::io::stdin().read_to_string(&mut text).map(|_| text);
    }
    std::fs::read_to_string(file)
}

/// Answers a server's questions, one after the other.
#[derive(Debug)]
pub(crate) struct Asker {
    given: Given,
    may_ask: bool,
}

/// What the questions of one connection share.
struct Desk {
    asker: Asker,
    /// Who asks, as the user named it.
    server: String,
    terminal: Mutex<Terminal>,
    display: Display,
}

impl Asker {
    /// Answers the questions that come with these options.
    pub(crate) fn answer(self, options: Options, server: String, display: &Display) -> Options {
        let terminal = Mutex::new(Terminal::new());
        let desk = Arc::new(Desk { asker: self, server, terminal, display: display.clone() });
        let other = Arc::clone(&desk);
        options
            .with_elicitation(ElicitationModes::Both, move |params| {
                let desk = Arc::clone(&desk);
                async move { Ok(desk.elicit(params).await) }
            })
            .with_sampling(move |params| {
                let desk = Arc::clone(&other);
                async move { desk.sample(params).await }
            })
    }
}

impl Desk {
    async fn elicit(&self, params: ElicitParams) -> ElicitResult {
        let declined = |why: &str| {
            self.display.line(&format!("declined what {} asks: {why}", self.server));
            ElicitResult { action: ElicitAction::Decline, content: None }
        };
        let Asker { given, may_ask } = &self.asker;
        match params {
            ElicitParams::Form(form) => {
                let fields = match field::fields(&form.requested_schema) {
                    Ok(fields) => fields,
                    Err(error) => return declined(&error),
                };
                if !may_ask || given.covers(&fields) {
                    let why = match given.fill(&fields) {
                        Ok(content) if !given.is_empty() => return form::accepted(&content),
                        Ok(_) => {
                            "nobody can be asked; --answer FIELD=VALUE answers without a terminal".to_owned()
                        }
                        Err(error) => format!("{error}; --answer FIELD=VALUE answers without a terminal"),
                    };
                    return declined(&format!("{:?}: {why}", form.message));
                }
                let mut terminal = self.terminal.lock().await;
                let _quiet = self.display.quiet();
                form::ask(&mut *terminal, &self.server, &form.message, &fields, given).await
            }
            ElicitParams::Url(page) if *may_ask => {
                let mut terminal = self.terminal.lock().await;
                let _quiet = self.display.quiet();
                page::ask(&mut *terminal, &self.server, &page, page::open).await
            }
            ElicitParams::Url(page) => declined(&format!(
                "{:?}: it wants {} opened, and nobody can be asked",
                page.message, page.url
            )),
        }
    }

    async fn sample(&self, params: CreateMessageParams) -> Result<CreateMessageResult, Refusal> {
        if !self.asker.may_ask {
            self.display.line(&format!(
                "refused what {} asks the model: there is none, and nobody can be asked",
                self.server
            ));
            return Err(Refusal::rejected("the user cannot be asked"));
        }
        let mut terminal = self.terminal.lock().await;
        let _quiet = self.display.quiet();
        sample::ask(&mut *terminal, &self.server, &params).await
    }
}

/// Text of a server as part of a line, or of lines that are indented: it must not pass for a line of this program's own.
fn quoted(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join("\n    ")
}

/// Writes a line for the user.
fn tell(line: &str) {
    output::note(line);
}
