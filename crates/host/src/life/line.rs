//! The lines that tell that a listener is ready, and that it has shut down.
//!
//! ```text
//! mcp:ready mode=tcp host=127.0.0.1 port=7000 timestamp=2026-11-26T09:00:00Z
//! mcp:shutdown event=shutdown mode=tcp host=127.0.0.1 port=7000 timestamp=2026-11-26T09:05:00Z
//! ```
//!
//! They are written whatever the log's level is, since supervisors wait for them: one line each, the second with all fields
//! of the first. With the log in JSON they are objects with the same members.

use std::time::SystemTime;

use serde_json::{Map, Value};

use crate::logging::{LogFormat, push_value};
use crate::standard_error;

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

    /// Writes the line to standard error, without waiting for it. If that is closed, nobody wants to know.
    pub(crate) fn tell(&self, event: Event, format: LogFormat) {
        standard_error::tell(self.line(event, format, SystemTime::now()));
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

/// The fields of a ready line in either format, without its time; `None` if it is another line.
pub(crate) fn read_ready(line: &str) -> Option<Map<String, Value>> {
    if let Ok(Value::Object(mut object)) = serde_json::from_str(line) {
        let is_ready = object.remove("event").is_some_and(|event| event == "ready");
        return (is_ready && object.remove("timestamp").is_some()).then_some(object);
    }
    let mut rest = line.strip_prefix("mcp:ready ")?.trim_end();
    let mut object = Map::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => match after.split_once(' ') {
                Some((word, after)) => (word.to_owned(), after),
                None => (after.to_owned(), ""),
            },
        };
        object.insert(name.to_owned(), Value::String(value));
        rest = after.trim_start();
    }
    object.remove("timestamp")?;
    Some(object)
}

/// A text up to its closing quote, and what stands behind that.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => match chars.next()? {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                'u' => {
                    let (code, rest) = chars.as_str().strip_prefix('{')?.split_once('}')?;
                    value.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
                    chars = rest.chars();
                }
                other => value.push(other),
            },
            plain => value.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

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
        let reversed = LifeLine::new("socket").with("path", "\u{202e}");
        assert!(reversed.line(Event::Ready, LogFormat::Text, at()).contains(" path=\"\\u{202e}\" "));
        let empty = LifeLine::new("socket").with("path", "");
        assert!(empty.line(Event::Ready, LogFormat::Text, at()).contains(" path=\"\" "));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_ready_line_reads_back_as_what_was_told(path in "[ -~\\n\\t\u{202e}é\"\\\\=]{0,20}", word in "[a-z/.]{1,9}") {
            let line = LifeLine::new("socket").with("path", path.as_str()).with("dir", word.as_str());
            for format in [LogFormat::Text, LogFormat::Json] {
                let read = read_ready(&line.line(Event::Ready, format, at())).expect("a ready line");
                prop_assert_eq!((read["mode"].as_str(), read["path"].as_str()), (Some("socket"), Some(path.as_str())));
                prop_assert_eq!((read["dir"].as_str(), read.len()), (Some(word.as_str()), 3));
                prop_assert!(read_ready(&line.line(Event::Shutdown, format, at())).is_none());
            }
        }

        #[test]
        fn any_other_line_is_no_ready_line(text in "(mcp:ready )?[a-z=\"\\\\{} ]{0,30}") {
            // Without its time it is cut off.
            prop_assert!(read_ready(&text).is_none());
        }
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
