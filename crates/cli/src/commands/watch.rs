//! `latimer watch`.

use latimer_client::{Client, Event, Filter};
use latimer_protocol::encode::write_object;

use crate::exit::{CODES, Finished, Outcome};
use crate::output;
use crate::server::{Server, failure};

const EXAMPLES: &str = "\
Examples:
  latimer watch http://127.0.0.1:12200/mcp
  latimer watch http://127.0.0.1:12200/mcp --resource harbour://about --json

Every change is one line: `tools`, `prompts` or `resources` for a list that changed, `updated URI` for a resource, `task ID STATE`,
and `gap` when the connection was interrupted, so that changes may have been missed. It goes on until the server ends it, or it is interrupted.";

/// Watch a server for changes: of its lists, unless only resources or tasks are named, and of what is named
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "latimer watch [OPTIONS] <URL>\n       latimer watch [OPTIONS] -- <PROGRAM>...",
    after_help = format!("{EXAMPLES}\n\n{CODES}"),
)]
pub(crate) struct Watch {
    /// The server's URL (http, https, tcp, tls or unix), unless it is a program behind `--`
    #[arg(value_name = "URL")]
    words: Vec<String>,

    /// A resource to watch, by its URI; may be repeated
    #[arg(long, value_name = "URI")]
    resource: Vec<String>,

    /// A task to watch, by its id; may be repeated
    #[arg(long, value_name = "ID")]
    task: Vec<String>,

    /// Watch the lists too, where resources or tasks are named
    #[arg(long)]
    lists: bool,

    #[command(flatten)]
    server: Server,
}

impl Watch {
    pub(crate) fn run(self) -> Outcome {
        let (target, []) = self.server.target("watch", &self.words, [])?;
        self.server.visit(target, async |client: &Client, display| {
            let mut subscription = client.listen(self.filter()).await.map_err(|error| failure(&error))?;
            let honoured = subscription.honoured();
            for uri in self.resource.iter().filter(|uri| !honoured.uris.contains(uri)) {
                output::note(&format!("the server does not tell of changes of {uri}"));
            }
            for task in self.task.iter().filter(|task| !honoured.tasks.contains(task)) {
                output::note(&format!(
                    "the server does not tell of task {task}; it may be unknown, or another caller's"
                ));
            }
            if honoured == Filter::default() {
                output::note("the server tells of no changes");
                return Ok(Finished::Done);
            }
            display.rest();
            while let Some(event) = subscription.next().await.map_err(|error| failure(&error))? {
                output::print(&if self.server.json { json(&event) } else { line(&event) })?;
            }
            Ok(Finished::Done)
        })
    }

    fn filter(&self) -> Filter {
        let named = !self.resource.is_empty() || !self.task.is_empty();
        let mut filter = if self.lists || !named { Filter::lists() } else { Filter::default() };
        filter.uris.clone_from(&self.resource);
        filter.tasks.clone_from(&self.task);
        filter
    }
}

fn line(event: &Event) -> String {
    match event {
        Event::ToolsChanged => "tools".to_owned(),
        Event::PromptsChanged => "prompts".to_owned(),
        Event::ResourcesChanged => "resources".to_owned(),
        Event::ResourceUpdated { uri } => format!("updated {uri}"),
        Event::Task { id, state } => format!("task {id} {state}"),
        _ => "gap".to_owned(),
    }
}

fn json(event: &Event) -> String {
    let mut out = Vec::new();
    write_object(&mut out, |object| {
        match event {
            Event::ToolsChanged => object.string("event", "tools"),
            Event::PromptsChanged => object.string("event", "prompts"),
            Event::ResourcesChanged => object.string("event", "resources"),
            Event::ResourceUpdated { uri } => object.string("event", "updated").string("uri", uri),
            Event::Task { id, state } => {
                object.string("event", "task").string("id", id).raw("state", state.as_str())
            }
            _ => object.string("event", "gap"),
        };
    });
    // What was made of text only is text.
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_in_either_form() {
        let updated = Event::ResourceUpdated { uri: "a://\"b".to_owned() };
        assert_eq!(line(&updated), "updated a://\"b");
        assert_eq!(json(&updated), r#"{"event":"updated","uri":"a://\"b"}"#);
        assert_eq!(
            (line(&Event::Gap), json(&Event::Gap)),
            ("gap".to_owned(), r#"{"event":"gap"}"#.to_owned())
        );
    }
}
