//! The log of the process: one line an event, on standard error.
//!
//! | format | a line |
//! |---|---|
//! | text | `2026-11-21T09:30:00.000Z  INFO latimer::http: listening address=127.0.0.1:12200` |
//! | json | `{"ts":"2026-11-21T09:30:00.000Z","level":"info","logger":"latimer::http","msg":"listening","address":"127.0.0.1:12200"}` |
//!
//! In JSON the first four members are always there, in this order; the fields of the spans around the event (outermost
//! first) and of the event itself follow beside them, an inner field replacing an outer one of the same name. A field
//! that is called like one of the four gets a `_` behind its name. In text, control characters are escaped, so that
//! what a caller sent cannot forge a line or steer a terminal.
//!
//! Standard output is never written: it belongs to the protocol on stdio and to the data of a command. If standard
//! error is closed, lines are lost and the process goes on. If it is open and nobody reads it, the process goes on, too: what
//! cannot wait any more is lost, and one line tells how many were.

mod filter;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::{self, Write as _};
use std::io::{IsTerminal as _, Write};
use std::panic::PanicHookInfo;
use std::time::SystemTime;

use serde::ser::{SerializeMap as _, Serializer as _};
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber, span};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::reload;

use self::filter::level_name;
pub use self::filter::{LogFilter, LogFormat, LogSettingError};
use crate::standard_error::Log;

/// Logging was set up before in this process.
#[derive(Debug, thiserror::Error)]
#[error("set up logging: something else in this process has done so before")]
pub struct LoggingAlreadySet;

/// Sends the process's events to standard error, for the rest of its life. What is logged can be changed with what is
/// returned.
///
/// # Errors
/// If the process has a global tracing subscriber already.
pub fn init(filter: &LogFilter, format: LogFormat) -> Result<LogControl, LoggingAlreadySet> {
    let colour =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let (targets, handle) = reload::Layer::new(filter.to_targets());
    let layer = Lines { format, colour, output: move || Log(format), now: SystemTime::now };
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(targets));
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LoggingAlreadySet)?;
    Ok(LogControl(handle))
}

/// Makes what panics say lines of the log. What the standard library does instead waits for whoever reads standard error, and
/// breaks the form of the log.
///
/// It takes the place of any other hook: for a program that knows that it has none.
pub fn take_panics(format: LogFormat) {
    std::panic::set_hook(Box::new(move |panic| {
        let _ = Log(format).write_all(panicked(panic, format).as_bytes());
    }));
}

/// Decides what the process logs from now on.
#[derive(Clone, Debug)]
pub struct LogControl(reload::Handle<Targets, Registry>);

impl LogControl {
    /// Logs what passes this filter, and nothing else any more.
    pub fn set(&self, filter: &LogFilter) {
        // It fails only without a subscriber, and ours lives as long as the process.
        let _ = self.0.reload(filter.to_targets());
    }
}

/// A subscriber that writes each event as one line, with one call of `write_all` on what `output` gives.
///
/// An output that fails loses the line; nothing else happens.
pub fn subscriber<W, M>(
    filter: &LogFilter,
    format: LogFormat,
    colour: bool,
    output: M,
) -> impl Subscriber + Send + Sync
where
    M: Fn() -> W + Send + Sync + 'static,
    W: Write + 'static,
{
    let layer = Lines { format, colour, output, now: SystemTime::now };
    tracing_subscriber::registry().with(layer.with_filter(filter.to_targets()))
}

struct Lines<M> {
    format: LogFormat,
    colour: bool,
    output: M,
    now: fn() -> SystemTime,
}

impl<S, M, W> Layer<S> for Lines<M>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    M: Fn() -> W + Send + Sync + 'static,
    W: Write + 'static,
{
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in
            context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            if let Some(outer) = span.extensions().get::<Fields>() {
                outer.all.iter().for_each(|(name, value)| fields.put(name, value.clone()));
            }
        }
        fields.message.clear();
        event.record(&mut fields);
        let metadata = event.metadata();
        let time = humantime::format_rfc3339_millis((self.now)());
        let line = match self.format {
            LogFormat::Text => text_line(&time, *metadata.level(), metadata.target(), &fields, self.colour),
            LogFormat::Json => json_line(&time, *metadata.level(), metadata.target(), &fields),
        };
        // Nobody is left to tell when the log itself cannot be written.
        let _ = (self.output)().write_all(line.as_bytes());
    }
}

/// The fields of a span or event, in order.
#[derive(Default)]
struct Fields {
    message: String,
    all: Vec<(&'static str, Value)>,
}

impl Fields {
    fn put(&mut self, name: &'static str, value: Value) {
        match self.all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.all.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message.clear();
            let _ = write!(self.message, "{value:?}");
        } else {
            self.put(field.name(), Value::String(format!("{value:?}")));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.put(field.name(), Value::String(value.to_owned()));
        }
    }

    fn record_error(&mut self, field: &Field, error: &(dyn std::error::Error + 'static)) {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let _ = write!(text, ": {cause}");
            source = cause.source();
        }
        self.put(field.name(), Value::String(text));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value.into());
    }
}

fn json_line(time: &impl fmt::Display, level: Level, target: &str, fields: &Fields) -> String {
    let mut out = Vec::with_capacity(160);
    let mut serializer = serde_json::Serializer::new(&mut out);
    let written = (|| {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("ts", &time.to_string())?;
        map.serialize_entry("level", level_name(level))?;
        map.serialize_entry("logger", target)?;
        map.serialize_entry("msg", &fields.message)?;
        for (name, value) in &fields.all {
            match *name {
                "ts" | "level" | "logger" | "msg" => map.serialize_entry(&format!("{name}_"), value)?,
                name => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    })();
    if written.is_err() {
        return String::new();
    }
    out.push(b'\n');
    String::from_utf8(out).unwrap_or_default()
}

fn text_line(time: &impl fmt::Display, level: Level, target: &str, fields: &Fields, colour: bool) -> String {
    let paint = |code: &'static str| if colour { code } else { "" };
    let level_code = match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG => "\u{1b}[34m",
        Level::TRACE => "\u{1b}[35m",
    };
    let (dim, plain) = (paint("\u{1b}[2m"), paint("\u{1b}[0m"));
    let mut line = format!("{dim}{time}{plain} {}{level:>5}{plain} {dim}{target}:{plain}", paint(level_code));
    if !fields.message.is_empty() {
        line.push(' ');
        push_escaped(&mut line, &fields.message);
    }
    for (name, value) in &fields.all {
        let _ = write!(line, " {dim}{name}={plain}");
        match value {
            Value::String(text) => push_value(&mut line, text),
            other => {
                let _ = write!(line, "{other}");
            }
        }
    }
    line.push('\n');
    line
}

/// The line that tells how many lines nobody will read.
pub(crate) fn lost(lines: u64, format: LogFormat) -> String {
    let message = "standard error was not read for too long, and lines are lost".to_owned();
    of_our_own(Level::WARN, &Fields { message, all: vec![("lines", lines.into())] }, format)
}

/// The line that tells of a panic.
fn panicked(panic: &PanicHookInfo<'_>, format: LogFormat) -> String {
    let message = panic.payload_as_str().unwrap_or("a panic without a message").to_owned();
    let mut all = Vec::new();
    if let Some(place) = panic.location() {
        all.push(("place", place.to_string().into()));
    }
    if let Some(thread) = std::thread::current().name() {
        all.push(("thread", thread.into()));
    }
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        all.push(("backtrace", backtrace.to_string().into()));
    }
    of_our_own(Level::ERROR, &Fields { message, all }, format)
}

/// A line that comes of no event: where one must not be made, or would be lost.
fn of_our_own(level: Level, fields: &Fields, format: LogFormat) -> String {
    let time = humantime::format_rfc3339_millis(SystemTime::now());
    match format {
        LogFormat::Text => text_line(&time, level, module_path!(), fields, false),
        LogFormat::Json => json_line(&time, level, module_path!(), fields),
    }
}

/// Appends `text` as what stands behind a `=`: in quotes, unless it is one plain word.
pub(crate) fn push_value(line: &mut String, text: &str) {
    if is_word(text) {
        return line.push_str(text);
    }
    line.push('"');
    push_escaped(line, &text.replace('\\', "\\\\").replace('"', "\\\""));
    line.push('"');
}

/// Whether `text` can stand behind a `=` without quotes.
fn is_word(text: &str) -> bool {
    let breaks = |c: char| c.is_whitespace() || c.is_control() || reverses(c) || c == '"' || c == '=';
    !text.is_empty() && !text.contains(breaks)
}

/// Whether `c` is one of the marks that reverse text.
fn reverses(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Appends `text` with its control characters, and the marks that reverse text, written as escapes.
fn push_escaped(line: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_control() || c == '\u{2028}' || c == '\u{2029}' || reverses(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("unpoisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, format: LogFormat, colour: bool, events: impl FnOnce()) -> String {
        let sink = Sink::default();
        let output = sink.clone();
        let filter = filter.parse().expect("a filter");
        tracing::subscriber::with_default(
            subscriber(&filter, format, colour, move || output.clone()),
            events,
        );
        let bytes = sink.0.lock().expect("unpoisoned").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    fn json(line: &str) -> Value {
        serde_json::from_str(line).expect("one JSON object")
    }

    #[test]
    fn a_json_line_has_the_four_members_first_and_the_fields_beside_them() {
        let line = logged("info", LogFormat::Json, true, || {
            tracing::warn!(target: "latimer::http", port = 12200, ok = true, name = "a\nb", "not\nquite");
        });
        assert_eq!(line.lines().count(), 1);
        let rest = line.split_once("Z\",").expect("a time").1;
        assert_eq!(
            rest,
            "\"level\":\"warn\",\"logger\":\"latimer::http\",\"msg\":\"not\\nquite\",\"port\":12200,\"ok\":true,\"name\":\"a\\nb\"}\n"
        );
        let ts = json(&line)["ts"].as_str().expect("text").to_owned();
        assert_eq!(ts.len(), "2026-11-21T09:30:00.000Z".len());
        assert!(humantime::parse_rfc3339(&ts).is_ok(), "{ts}");
    }

    #[test]
    fn span_fields_stand_beside_and_the_inner_one_wins() {
        let line = logged("info", LogFormat::Json, false, || {
            let outer = tracing::info_span!("outer", session = "s1", id = 1, late = tracing::field::Empty);
            let _outer = outer.enter();
            outer.record("late", "there");
            let _inner = tracing::info_span!("inner", id = 2).entered();
            tracing::info!(id = 3, "done");
        });
        let value = json(&line);
        assert_eq!((value["session"].as_str(), value["late"].as_str()), (Some("s1"), Some("there")));
        assert_eq!(value["id"], 3);
        assert_eq!(line.matches("\"id\"").count(), 1);
    }

    #[test]
    fn a_field_cannot_take_the_place_of_the_four() {
        let line = logged("info", LogFormat::Json, false, || {
            tracing::info!(level = "x", msg = "y", ts = "z", logger = "w", "real");
        });
        let value = json(&line);
        assert_eq!((value["level"].as_str(), value["msg"].as_str()), (Some("info"), Some("real")));
        assert_eq!((value["level_"].as_str(), value["msg_"].as_str()), (Some("x"), Some("y")));
    }

    #[test]
    fn an_error_is_logged_with_its_causes() {
        let line = logged("info", LogFormat::Json, false, || {
            let error = io::Error::other(LogSettingError::Level);
            tracing::error!(error = &error as &dyn std::error::Error, ratio = f64::NAN, "failed");
        });
        assert!(json(&line)["error"].as_str().expect("text").contains("not a log level"));
        assert_eq!(json(&line)["ratio"], Value::Null);
    }

    #[test]
    fn a_text_line_cannot_be_forged() {
        let line = logged("info", LogFormat::Text, false, || {
            tracing::info!(name = "a \u{1b}[31m\"b\nc", plain = "w", "hello\nFORGED \u{202e}");
        });
        assert_eq!(line.lines().count(), 1);
        let rest = line.split_once("Z ").expect("a time").1;
        let target = module_path!();
        assert_eq!(
            rest,
            format!(" INFO {target}: hello\\nFORGED \\u{{202e}} name=\"a \\u{{1b}}[31m\\\"b\\nc\" plain=w\n")
        );
    }

    #[test]
    fn colour_is_used_only_when_asked_for() {
        let event = || tracing::info!("x");
        assert!(logged("info", LogFormat::Text, true, event).contains("\u{1b}[32m"));
        assert!(!logged("info", LogFormat::Text, false, event).contains('\u{1b}'));
    }

    #[test]
    fn the_filter_decides_by_the_longest_target() {
        let lines = logged("warn,a=info,a::b=trace", LogFormat::Text, false, || {
            tracing::info!(target: "other", "no");
            tracing::info!(target: "a", "one");
            tracing::debug!(target: "a::c", "no");
            tracing::trace!(target: "a::b::c", "two");
            tracing::warn!(target: "other", "three");
        });
        let told: Vec<_> = lines.lines().filter_map(|line| line.rsplit(' ').next()).collect();
        assert_eq!(told, ["one", "two", "three"]);
    }

    #[test]
    fn a_closed_output_loses_the_line_and_nothing_else() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        let filter = LogFilter::default();
        tracing::subscriber::with_default(subscriber(&filter, LogFormat::Json, false, || Closed), || {
            tracing::info!("lost");
        });
    }

    #[test]
    fn a_panic_is_one_line_of_the_log() {
        const CHILD: &str = "LOGS_A_PANIC";
        if std::env::var_os(CHILD).is_some() {
            take_panics(LogFormat::Json);
            std::thread::Builder::new()
                .name("worker".to_owned())
                .spawn(|| panic!("a\nb"))
                .unwrap()
                .join()
                .unwrap_err();
            return crate::standard_error::flush();
        }
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "logging::tests::a_panic_is_one_line_of_the_log", "--nocapture"]);
        let told = command.env(CHILD, "1").env("RUST_BACKTRACE", "0").output().unwrap().stderr;
        let told = String::from_utf8(told).unwrap();
        let line: Value =
            serde_json::from_str(told.trim_end()).unwrap_or_else(|error| panic!("{error}: {told}"));
        assert_eq!(
            (&line["level"], &line["msg"], &line["thread"]),
            (&"error".into(), &"a\nb".into(), &"worker".into())
        );
        assert!(line["place"].as_str().unwrap().contains("logging.rs:"), "{told}");
    }
}
