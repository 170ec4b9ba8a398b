//! What a subscription is about.

use latimer_protocol::RawJson;
use latimer_protocol::encode::{ObjectWriter, write_object};
use latimer_protocol::rewrite::member;

use crate::info::{ServerInfo, versions};

/// What a subscription is about (SUB-1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Changes of the list of tools.
    pub tools: bool,
    /// Changes of the list of prompts.
    pub prompts: bool,
    /// Changes of the list of resources.
    pub resources: bool,
    /// Updates of these resources, and of those within them (SUB-7).
    pub uris: Vec<String>,
    /// The course of these tasks (TX-8, T11-4).
    pub tasks: Vec<String>,
}

impl Filter {
    /// All lists.
    pub fn lists() -> Self {
        Self { tools: true, prompts: true, resources: true, ..Self::default() }
    }

    /// The same with the updates of one more resource.
    #[must_use]
    pub fn uri(mut self, uri: impl Into<String>) -> Self {
        self.uris.push(uri.into());
        self
    }

    /// The same with the course of one more task.
    #[must_use]
    pub fn task(mut self, id: impl Into<String>) -> Self {
        self.tasks.push(id.into());
        self
    }

    /// The parameters of `subscriptions/listen`.
    pub(super) fn params(&self) -> String {
        let mut out = Vec::new();
        write_object(&mut out, |object| {
            object.object("notifications", |object| self.write(object));
        });
        // What was made of text only is text.
        String::from_utf8(out).unwrap_or_default()
    }

    fn write(&self, object: &mut ObjectWriter<'_>) {
        let lists = [
            ("toolsListChanged", self.tools),
            ("promptsListChanged", self.prompts),
            ("resourcesListChanged", self.resources),
        ];
        for (name, _) in lists.iter().filter(|(_, wanted)| *wanted) {
            object.boolean(name, true);
        }
        for (name, texts) in [("resourceSubscriptions", &self.uris), ("taskIds", &self.tasks)] {
            if !texts.is_empty() {
                object.array(name, texts, |text, out| latimer_protocol::text::write_string(text, out));
            }
        }
    }

    /// Reads what a server honours (SUB-2).
    pub(super) fn read(params: &RawJson) -> Self {
        let Some(honoured) = member(params.as_str(), "notifications").ok().flatten() else {
            return Self::default();
        };
        let is = |name| member(honoured, name).ok().flatten() == Some("true");
        let raw = params.slice(honoured).unwrap_or_else(|_| RawJson::empty_object());
        Self {
            tools: is("toolsListChanged"),
            prompts: is("promptsListChanged"),
            resources: is("resourcesListChanged"),
            uris: versions(&raw, "resourceSubscriptions"),
            tasks: versions(&raw, "taskIds"),
        }
    }

    /// What of it a server of the years before listening can honour.
    pub(super) fn within(&self, info: &ServerInfo) -> Self {
        let some = |texts: &Vec<String>, can| if can { texts.clone() } else { Vec::new() };
        Self {
            tools: self.tools && info.can("tools.listChanged"),
            prompts: self.prompts && info.can("prompts.listChanged"),
            resources: self.resources && info.can("resources.listChanged"),
            uris: some(&self.uris, info.can("resources.subscribe")),
            tasks: some(&self.tasks, info.can("tasks")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_1_sub_2_a_filter_is_written_and_what_is_honoured_is_read() {
        let filter = Filter { prompts: false, ..Filter::lists() }.uri("a://\"b").task("t");
        assert_eq!(
            filter.params(),
            r#"{"notifications":{"toolsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["a://\"b"],"taskIds":["t"]}}"#
        );
        assert_eq!(Filter::read(&RawJson::parse(filter.params()).unwrap()), filter);
        assert_eq!(Filter::read(&RawJson::empty_object()), Filter::default());
        assert_eq!(Filter::default().params(), r#"{"notifications":{}}"#);
    }
}
