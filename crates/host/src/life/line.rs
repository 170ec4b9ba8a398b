//! The lines that tell that a listener is ready, and that it has shut down.
//!
//! ```text
//! mcp:ready mode=tcp host=127.0.0.1 port=7000 timestamp=2026-11-26T09:00:00Z
//! mcp:shutdown event=shutdown mode=tcp host=127.0.0.1 port=7000 timestamp=2026-11-26T09:05:00Z
//! ```
//!
//! They are written whatever the log's level is, since supervisors wait for them: one line each, the second with all fields
//! of the first. With the log in JSON they are objects with the same members.

use std::io::Write as _;
use std::time::SystemTime;

use serde_json::{Map, Value};

use crate::logging::{LogFormat, push_value};

/// What is told of one listener.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LifeLine {
    fields: Vec<(&'static str, Value)>,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It can be reached.
    Ready,
    /// It cannot be reached any more.
    Shutdown,
}

impl LifeLine {
    /// A listener of this mode.
    pub(crate) fn new(mode: &'static str) -> Self {
        Self { fields: vec![("mode", mode.into())] }
    }

    /// The same with one more field.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// Writes the line to standard error, with one write. If that is closed, nobody wants to know.
    pub(crate) fn tell(&self, event: Event, format: LogFormat) {
        let line = self.line(event, format, SystemTime::now());
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }

    fn line(&self, event: Event, format: LogFormat, now: SystemTime) -> String {
        let timestamp = humantime::format_rfc3339_seconds(now).to_string();
        let name = match event {
            Event::Ready => "ready",
            Event::Shutdown => "shutdown",
        };
        if format == LogFormat::Json {
            let mut object = Map::new();
            object.insert("event".to_owned(), name.into());
            object.extend(self.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
            object.insert("timestamp".to_owned(), timestamp.into());
            return format!("{}\n", Value::Object(object));
        }
        let mut line = format!("mcp:{name}");
        if event == Event::Shutdown {
            line.push_str(" event=shutdown");
        }
        for (name, value) in &self.fields {
            line.push(' ');
            line.push_str(name);
            line.push('=');
            match value {
                Value::String(text) => push_value(&mut line, text),
                other => line.push_str(&other.to_string()),
            }
        }
        line.push_str(" timestamp=");
        line.push_str(&timestamp);
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000)
    }

    #[test]
    fn a_shutdown_line_has_every_field_of_the_ready_line() {
        let tcp = LifeLine::new("tcp").with("host", "127.0.0.1").with("port", 7000).with("schemas_dir", "/s");
        assert_eq!(
            tcp.line(Event::Ready, LogFormat::Text, at()),
            "mcp:ready mode=tcp host=127.0.0.1 port=7000 schemas_dir=/s timestamp=2026-09-21T14:13:20Z\n"
        );
        assert_eq!(
            tcp.line(Event::Shutdown, LogFormat::Text, at()),
            "mcp:shutdown event=shutdown mode=tcp host=127.0.0.1 port=7000 schemas_dir=/s timestamp=2026-09-21T14:13:20Z\n"
        );
    }

    #[test]
    fn values_can_neither_break_the_line_nor_be_taken_for_other_fields() {
        let line = LifeLine::new("socket").with("path", "/tmp/a b\n\"c\" port=1\u{202e}");
        assert_eq!(
            line.line(Event::Ready, LogFormat::Text, at()),
            "mcp:ready mode=socket path=\"/tmp/a b\\n\\\"c\\\" port=1\\u{202e}\" timestamp=2026-09-21T14:13:20Z\n"
        );
        let empty = LifeLine::new("socket").with("path", "");
        assert!(empty.line(Event::Ready, LogFormat::Text, at()).contains(" path=\"\" "));
    }

    #[test]
    fn in_json_it_is_one_object_with_the_same_fields() {
        let line = LifeLine::new("http").with("port", 80).with("path", "/a\nb");
        for (event, name) in [(Event::Ready, "ready"), (Event::Shutdown, "shutdown")] {
            let text = line.line(event, LogFormat::Json, at());
            assert!(text.ends_with("}\n") && text.lines().count() == 1, "{text}");
            let read: Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!((read["event"].as_str(), read["port"].as_u64()), (Some(name), Some(80)));
            assert_eq!((read["mode"].as_str(), read["path"].as_str()), (Some("http"), Some("/a\nb")));
            assert_eq!(read["timestamp"], "2026-09-21T14:13:20Z");
        }
    }
}
