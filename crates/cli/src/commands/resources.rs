//! `latimer resources`.

use latimer_client::{Client, Entry};
use latimer_protocol::rewrite::{decode_string, member};

use super::entries;
use crate::exit::{Finished, Outcome};
use crate::output;
use crate::server::{Server, listed};

/// List the resources of a server, and the templates of further ones (with `{…}` in their URIs)
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "latimer resources [OPTIONS] <URL>\n       latimer resources [OPTIONS] -- <PROGRAM>..."
)]
pub(crate) struct Resources {
    /// The server's URL (http, https, tcp, tls or unix), unless it is a program behind `--`
    #[arg(value_name = "URL")]
    words: Vec<String>,

    #[command(flatten)]
    server: Server,
}

impl Resources {
    pub(crate) fn run(self) -> Outcome {
        let (target, []) = self.server.target("resources", &self.words, [])?;
        self.server.visit(target, async |client: &Client, _| {
            let resources = listed("resources", client.list_resources().await)?;
            let templates = listed("resource templates", client.list_templates().await)?;
            if self.server.json {
                output::print(&entries::json(&[
                    ("resources", entries::raws(&resources)),
                    ("resourceTemplates", entries::raws(&templates)),
                ]))?;
            } else {
                let lines = resources.iter().map(line).chain(templates.iter().map(line));
                output::print(&entries::text(lines))?;
            }
            Ok(Finished::Done)
        })
    }
}

/// The URI and the type of the contents.
fn line<T>(entry: &Entry<T>) -> (String, Option<String>) {
    let mime_type = member(entry.raw().as_str(), "mimeType").ok().flatten().and_then(decode_string);
    let mime_type = mime_type.map(|mime_type| format!("  ({mime_type})")).unwrap_or_default();
    (format!("{}{mime_type}", entry.key()), entry.description())
}
