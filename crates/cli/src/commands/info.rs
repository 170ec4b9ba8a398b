//! `latimer info`.

use std::fmt::Write as _;

use latimer_client::{Client, ServerInfo};
use latimer_protocol::encode::{write_array, write_object};
use latimer_protocol::rewrite::members;

use crate::exit::{Finished, Outcome};
use crate::output;
use crate::server::Server;

/// Tell what a server is called, which revision it speaks and what it can do
#[derive(Debug, clap::Args)]
#[command(override_usage = "latimer info [OPTIONS] <URL>\n       latimer info [OPTIONS] -- <PROGRAM>...")]
pub(crate) struct Info {
    /// The server's URL (http, https, tcp, tls or unix), unless it is a program behind `--`
    #[arg(value_name = "URL")]
    words: Vec<String>,

    #[command(flatten)]
    server: Server,
}

impl Info {
    pub(crate) fn run(self) -> Outcome {
        let (target, []) = self.server.target("info", &self.words, [])?;
        self.server.visit(target, async |client: &Client, _| {
            let info = client.info();
            output::print(&if self.server.json { json(info) } else { text(info) })?;
            Ok(Finished::Done)
        })
    }
}

fn text(info: &ServerInfo) -> String {
    let mut out = String::new();
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(out, "{name:<13} {}", value.trim_end().replace('\n', &format!("\n{:14}", "")));
    };
    let name = info.name().unwrap_or_else(|| "(it does not say)".to_owned());
    row("server", &format!("{name} {}", info.version().unwrap_or_default()));
    row(
        "revision",
        &format!("{} ({})", info.revision(), if info.revision().is_modern() { "modern" } else { "legacy" }),
    );
    if !info.supported_versions().is_empty() {
        row("speaks", &info.supported_versions().join(", "));
    }
    row("capabilities", &capabilities(info));
    if let Some(instructions) = info.instructions() {
        row("instructions", instructions);
    }
    out
}

/// The names of the capabilities, with those of their parts that are switched on.
fn capabilities(info: &ServerInfo) -> String {
    let mut all = Vec::new();
    for (name, value) in members(info.capabilities().as_str()).map_while(Result::ok) {
        let parts = members(value).map_while(Result::ok).filter(|(_, value)| *value == "true");
        let parts: Vec<_> = parts.map(|(name, _)| name).collect();
        all.push(if parts.is_empty() { name.into_owned() } else { format!("{name} ({})", parts.join(", ")) });
    }
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

fn json(info: &ServerInfo) -> String {
    let mut out = Vec::new();
    write_object(&mut out, |object| {
        object.string("protocolVersion", info.revision().as_str());
        if !info.supported_versions().is_empty() {
            write_array(info.supported_versions(), object.key("supportedVersions"), |version, out| {
                latimer_protocol::text::write_string(version, out);
            });
        }
        object
            .raw("capabilities", info.capabilities().as_str())
            .optional_raw("serverInfo", info.server_info())
            .optional_string("instructions", info.instructions());
    });
    String::from_utf8_lossy(&out).into_owned()
}
