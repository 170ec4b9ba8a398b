//! `latimer read`.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latimer_client::Client;
use latimer_host::Failure;
use latimer_protocol::wire::{ResourceBody, ResourceContents};

use crate::ask::Answers;
use crate::exit::{Finished, Outcome};
use crate::output;
use crate::server::{Server, failure};

/// Read a resource
///
/// Text and bytes go to standard output as they are, but bytes never to a terminal: give a file then.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "latimer read [OPTIONS] <URL> <URI>\n       latimer read [OPTIONS] <URI> -- <PROGRAM>...",
    after_help = crate::exit::CODES,
)]
pub(crate) struct Read {
    /// The server's URL (http, https, tcp, tls or unix), unless it is a program behind `--`; then the URI of the resource
    #[arg(value_names = ["URL", "URI"], num_args = 0..)]
    words: Vec<String>,

    /// Write what is read to a file
    #[arg(short, long, value_name = "FILE", conflicts_with = "json")]
    output: Option<PathBuf>,

    #[command(flatten)]
    answers: Answers,

    #[command(flatten)]
    server: Server,
}

impl Read {
    pub(crate) fn run(self) -> Outcome {
        let (target, [uri]) = self.server.target("read", &self.words, ["URI"])?;
        let asker = self.answers.read()?;
        self.server.visit_and_answer(target, asker, async |client: &Client, _| {
            let reply = client.read_resource(&uri).await.map_err(|error| failure(&error))?;
            if self.server.json {
                output::print(reply.raw().as_str())?;
                return Ok(Finished::Done);
            }
            let contents = reply.view().map_err(|error| failure(&error))?.contents;
            match &self.output {
                Some(file) => save(file, &contents)?,
                None => contents.iter().try_for_each(show)?,
            }
            Ok(Finished::Done)
        })
    }
}

fn show(contents: &ResourceContents) -> Result<(), Failure> {
    match &contents.body {
        ResourceBody::Text(text) => output::print(text),
        ResourceBody::Blob(_) if output::is_terminal() => {
            let mime_type = contents.mime_type.as_deref().unwrap_or("of unknown type");
            Err(Failure::setup(format_args!(
                "{} is binary ({mime_type}) and not for a terminal; write it to a file with --output FILE",
                contents.uri
            )))
        }
        ResourceBody::Blob(_) => output::print_bytes(&bytes(contents)?),
    }
}

fn save(file: &Path, contents: &[ResourceContents]) -> Result<(), Failure> {
    let [contents] = contents else {
        return Err(Failure::runtime(format_args!(
            "write the resource to a file: it has {} parts; --json shows them",
            contents.len()
        )));
    };
    std::fs::write(file, bytes(contents)?)
        .map_err(|error| Failure::runtime(format_args!("write {}: {error}", file.display())))
}

fn bytes(contents: &ResourceContents) -> Result<Vec<u8>, Failure> {
    match &contents.body {
        ResourceBody::Text(text) => Ok(text.clone().into_bytes()),
        ResourceBody::Blob(blob) => STANDARD.decode(blob).map_err(|error| {
            Failure::runtime(format_args!("read {}: its blob is not base64: {error}", contents.uri))
        }),
    }
}
