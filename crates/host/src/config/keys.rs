//! Every key of the configuration, once: its path, meaning, range, variables, and the field that it sets.
//!
//! A path is written with dots. `NAME` in it stands for a name that the user chooses.

use super::settings::Config;
use super::slot::{Field, Slot};
use crate::diagnostics::Found;

/// The part of a path that the user chooses.
pub(crate) const NAME: &str = "NAME";

/// One key.
pub(crate) struct Key {
    /// The path, `NAME` standing for what the user chooses.
    pub(crate) path: &'static str,
    /// What it means, in whole sentences, with units.
    pub(crate) doc: &'static str,
    /// How a value without a default is written, for the example.
    pub(crate) sample: &'static str,
    /// The variables by which other servers set the same, strongest first. Two of them are those of TCP where TCP is served
    /// and HTTP is not, and those of HTTP elsewhere.
    pub(crate) foreign_variables: &'static [&'static str],
    /// Whether its value is never shown and never taken from the command line.
    pub(crate) secret: bool,
    /// The field.
    pub(crate) slot: &'static dyn Slot,
}

impl Key {
    /// The `LATIMER_*` variable of this key; `NAME` in it stands for the chosen name. Secrets have none: they are
    /// named in the file with `${VAR}`.
    pub(crate) fn variable(&self) -> Option<String> {
        let takes_variable = !self.path.starts_with("tokens.");
        takes_variable.then(|| variable_of(self.path))
    }

    /// The table whose names the user chooses, if this key stands in one.
    pub(crate) fn group(&self) -> Option<&'static str> {
        self.path.split_once('.').filter(|(_, rest)| rest.starts_with(NAME)).map(|(group, _)| group)
    }
}

/// The names that `config` has in the table `group`.
pub(crate) fn names<'a>(group: &str, config: &'a Config) -> Vec<&'a str> {
    match group {
        "plugins" => config.plugins.keys().map(String::as_str).collect(),
        "tokens" => config.tokens.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

/// `LATIMER_LIMITS_DEPTH` for `limits.depth`.
pub(crate) fn variable_of(path: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    "LATIMER_".chars().chain(path.chars().map(plain)).collect()
}

/// A key of the top level or of `limits`.
macro_rules! key {
    ($path:literal, $($field:ident).+, $doc:literal $(, range = $range:expr)? $(, sample = $sample:literal)? $(, foreign = $foreign:expr)?) => {
        Key {
            path: $path,
            doc: $doc,
            sample: key!(@or "" $(, $sample)?),
            foreign_variables: key!(@or &[] $(, $foreign)?),
            secret: false,
            slot: &Field {
                get: |config, _| Some(config.$($field).+.clone()),
                put: |config, _, value| config.$($field).+ = value,
                clear: |_, _| {},
                range: key!(@option $($range)?),
            },
        }
    };
    (@or $default:expr) => { $default };
    (@or $default:expr, $value:expr) => { $value };
    (@option) => { None };
    (@option $value:expr) => { Some($value) };
}

/// Every key, in the order in which the example and the report show them.
pub(crate) static KEYS: &[Key] = &[
    key!(
        "server_name",
        server_name,
        "The name that the server gives itself (serverInfo.name).",
        foreign = &["MCP_SERVER_NAME"]
    ),
    key!(
        "instructions",
        instructions,
        "What a model is told about the server as a whole; nothing if not set.",
        sample = "\"Search before you write.\""
    ),
    key!(
        "transport",
        transport,
        "How clients reach the server: `http`, `tcp` and `unix` (a Unix socket) for many, `stdio` for one client that started it; one of them, or a list. Beside others, `stdio` decides when the process ends: with its input.",
        foreign = &["MCP_MODE", "MCP_ENDPOINT", "MCP_TRANSPORT"]
    ),
    key!(
        "host",
        host,
        "The address to listen on for HTTP. 0.0.0.0 and :: listen on all; set `tokens` then.",
        foreign = &["MCP_HOST"]
    ),
    key!(
        "port",
        port,
        "The port to listen on for HTTP; 0 takes a free one.",
        range = ("0", "65535"),
        foreign = &["MCP_PORT"]
    ),
    key!("path", path, "The path of the MCP endpoint; `/` and what begins with /health are taken."),
    key!(
        "http_sse",
        http_sse,
        "Whether HTTP+SSE of 2024-11-05 is served besides, at /sse and /message. Its sessions live in one process, and end with their event stream."
    ),
    key!(
        "public_url",
        public_url,
        "The URL under which clients reach the endpoint, where a proxy stands before it. Its host and origin are allowed without being listed.",
        sample = "https://mcp.example.org/mcp"
    ),
    key!(
        "allowed_hosts",
        allowed_hosts,
        "Values of `Host` that are answered besides the address that is listened on, with or without a port.",
        sample = "[mcp.example.org]"
    ),
    key!(
        "allowed_origins",
        allowed_origins,
        "Origins of web pages that may call. A request that names another origin is refused; one that names none is not.",
        sample = "[\"https://app.example.org\"]"
    ),
    key!(
        "trusted_proxies",
        trusted_proxies,
        "Addresses and networks of proxies whose word is taken for the client's address.",
        sample = "[10.0.0.0/8, 192.0.2.7]"
    ),
    key!(
        "tls_cert",
        tls_cert,
        "A PEM file with the certificate and its chain; with `tls_key`, HTTP and TCP are served over TLS. A path in a configuration file starts at that file's directory.",
        sample = "cert.pem"
    ),
    key!("tls_key", tls_key, "A PEM file with the private key of `tls_cert`.", sample = "key.pem"),
    key!(
        "strict_empty_errors",
        strict_empty_errors,
        "Whether requests that are refused for their host, origin, headers or session get an empty body instead of an explanation."
    ),
    key!(
        "tcp.host",
        tcp.host,
        "The address to listen on for newline-delimited JSON over TCP. 0.0.0.0 and :: listen on all; set `tokens`, `tls_cert` and `tls_key` then.",
        foreign = &["MCP_HOST"]
    ),
    key!(
        "tcp.port",
        tcp.port,
        "The port to listen on for TCP; 0 takes a free one.",
        range = ("0", "65535"),
        foreign = &["MCP_PORT"]
    ),
    key!(
        "unix.path",
        unix.path,
        "The Unix socket to listen on; `@NAME` is one without a file (Linux). If not set: latimer.sock in the folder that XDG_RUNTIME_DIR names.",
        sample = "/run/latimer/latimer.sock",
        foreign = &["MCP_SOCKET_PATH"]
    ),
    key!(
        "unix.mode",
        unix.mode,
        "Who may connect to the Unix socket: the permissions of its file, as octal digits in quotes.",
        foreign = &["MCP_SOCKET_MODE"]
    ),
    key!(
        "bare_methods",
        bare_methods,
        "Whether tools may be called by their own names as methods on stdio, TCP and Unix sockets, without a handshake."
    ),
    key!(
        "ordered",
        ordered,
        "Whether the requests of one connection over stdio, TCP or a Unix socket are answered one after the other, in the order they came. If not set: only those by bare methods.",
        sample = "true"
    ),
    key!(
        "ready_file",
        ready_file,
        "A file that is there while the server can be reached; it holds the process's number and the time. None if not set.",
        sample = "/run/latimer/ready",
        foreign = &["MCP_READY_FILE"]
    ),
    key!(
        "log_level",
        log_level,
        "The least level that is logged: error, warn, info, debug or trace; or with targets, as in info,latimer_transport=debug.",
        foreign = &["MCP_LOG_LEVEL"]
    ),
    key!(
        "log_format",
        log_format,
        "How the log is written to standard error: `text` or `json`, one object a line."
    ),
    key!("autoload", autoload, "The plugins to load at start, in this order.", sample = "[echo]"),
    Key {
        path: "plugins.NAME.enabled",
        doc: "Whether the plugin may be loaded.",
        sample: "",
        foreign_variables: &[],
        secret: false,
        slot: &Field {
            get: |config, name| config.plugins.get(name).map(|plugin| plugin.enabled),
            put: |config, name, value| config.plugins.entry(name.to_owned()).or_default().enabled = value,
            clear: |config, name| config.plugins.entry(name.to_owned()).or_default().enabled = true,
            range: None,
        },
    },
    Key {
        path: "plugins.NAME.settings",
        doc: "What the plugin is told: a table that the plugin knows the keys of. What a reference puts in is text, and never shown. Paths start at the directory of the configuration file.",
        sample: "{folder: data}",
        foreign_variables: &[],
        secret: false,
        slot: &Field {
            get: |config, name| config.plugins.get(name).and_then(|plugin| plugin.settings.clone()),
            put: |config, name, value| {
                config.plugins.entry(name.to_owned()).or_default().settings = Some(value);
            },
            clear: |config, name| config.plugins.entry(name.to_owned()).or_default().settings = None,
            range: None,
        },
    },
    Key {
        path: "tokens.NAME.token",
        doc: "The bearer token of the caller called NAME. Never shown. Keep it out of the file, as here.",
        sample: "\"${ALICE_TOKEN}\"",
        foreign_variables: &[],
        secret: true,
        slot: &Field {
            get: |config, name| config.tokens.get(name).map(|entry| entry.token.clone()),
            put: |config, name, value| config.tokens.entry(name.to_owned()).or_default().token = value,
            clear: |config, name| drop(config.tokens.remove(name)),
            range: None,
        },
    },
    Key {
        path: "tokens.NAME.scopes",
        doc: "The scopes that the caller has.",
        sample: "[\"mcp:tools\"]",
        foreign_variables: &[],
        secret: false,
        slot: &Field {
            get: |config, name| config.tokens.get(name).map(|entry| entry.scopes.clone()),
            put: |config, name, value| config.tokens.entry(name.to_owned()).or_default().scopes = value,
            clear: |config, name| drop(config.tokens.remove(name)),
            range: None,
        },
    },
    Key {
        path: "seal_keys",
        doc: "The keys that seal what calls of 2026-07-28 keep between their rounds, each 32 random bytes in base64, as `openssl rand -base64 32` makes them. The first one seals, all of them open. Instances that share traffic share them; without any, the process makes one for itself. Never shown. Keep them out of the file, as here.",
        sample: "[\"${SEAL_KEY}\"]",
        foreign_variables: &[],
        secret: true,
        slot: &Field {
            get: |config, _| Some(config.seal_keys.clone()),
            put: |config, _, value| config.seal_keys = value,
            clear: |_, _| {},
            range: None,
        },
    },
    key!("page_size", page_size, "How many entries one page of a list holds.", range = ("1", "100000")),
    key!(
        "limits.connections",
        limits.connections,
        "Connections of each of HTTP, TCP and the Unix socket.",
        range = ("1", "1000000")
    ),
    key!(
        "limits.connection_idle",
        limits.connection_idle,
        "How long a connection over TCP or a Unix socket may be silent in both directions, with no call in flight, before it is closed; 0s lets it be for ever.",
        range = ("0s", "365d")
    ),
    key!(
        "limits.message_bytes",
        limits.message_bytes,
        "The largest message from a client, in bytes or with a unit.",
        range = ("1KiB", "1GiB")
    ),
    key!(
        "limits.header_bytes",
        limits.header_bytes,
        "The largest block of HTTP headers.",
        range = ("1KiB", "1MiB")
    ),
    key!("limits.depth", limits.depth, "How deep the JSON of a message may nest.", range = ("8", "512")),
    key!(
        "limits.values",
        limits.values,
        "How many JSON values a message may hold.",
        range = ("64", "16777216")
    ),
    key!(
        "limits.batch_messages",
        limits.batch_messages,
        "How many messages one batch of a client of 2025-03-26 may hold.",
        range = ("1", "100000")
    ),
    key!("limits.sessions", limits.sessions, "Sessions in all.", range = ("1", "10000000")),
    key!(
        "limits.sessions_per_principal",
        limits.sessions_per_principal,
        "Sessions of one identified caller.",
        range = ("1", "10000000")
    ),
    key!(
        "limits.sessions_per_peer",
        limits.sessions_per_peer,
        "Sessions of one address without identity.",
        range = ("1", "10000000")
    ),
    key!(
        "limits.session_idle",
        limits.session_idle,
        "How long a session lives without a request.",
        range = ("1s", "365d")
    ),
    key!("limits.calls", limits.calls, "Calls in flight in all.", range = ("1", "10000000")),
    key!(
        "limits.calls_per_session",
        limits.calls_per_session,
        "Calls in flight of one session, or of one caller without sessions.",
        range = ("1", "10000000")
    ),
    key!(
        "limits.call_timeout",
        limits.call_timeout,
        "How long a call may run without progress. Waiting for the user does not count.",
        range = ("1ms", "365d")
    ),
    key!(
        "limits.call_timeout_total",
        limits.call_timeout_total,
        "How long a call may run in all.",
        range = ("1ms", "365d")
    ),
    key!(
        "limits.answer_timeout",
        limits.answer_timeout,
        "How long a question to a client may wait for its answer.",
        range = ("1ms", "365d")
    ),
    key!(
        "limits.request_state_life",
        limits.request_state_life,
        "How long a client of 2026-07-28 may take to send a request again with its answers.",
        range = ("1s", "365d")
    ),
    key!(
        "limits.request_state_bytes",
        limits.request_state_bytes,
        "The most that a call of 2026-07-28 may have its client carry from one round to the next.",
        range = ("1KiB", "16MiB")
    ),
    key!("limits.tasks", limits.tasks, "Tasks that are kept in all.", range = ("1", "10000000")),
    key!(
        "limits.tasks_per_owner",
        limits.tasks_per_owner,
        "Tasks that are kept of one identified caller, of one anonymous session, and of one anonymous address.",
        range = ("1", "10000000")
    ),
    key!(
        "limits.task_ttl",
        limits.task_ttl,
        "How long a task is kept from its creation on, where its caller does not say. It ends by then.",
        range = ("1s", "365d")
    ),
    key!(
        "limits.task_ttl_most",
        limits.task_ttl_most,
        "The longest time for which a caller can have a task kept.",
        range = ("1s", "365d")
    ),
    key!(
        "limits.task_journal_bytes",
        limits.task_journal_bytes,
        "The most answers and remembered values that are kept of one task.",
        range = ("1KiB", "1GiB")
    ),
    key!(
        "limits.task_poll",
        limits.task_poll,
        "How long clients are told to wait between two looks at a task.",
        range = ("1ms", "1h")
    ),
    key!(
        "limits.task_after",
        limits.task_after,
        "How long a tool that may be a task runs in its call, before it becomes one by itself, for clients of 2026-07-28 that know tasks. If not set: for as long as it takes.",
        range = ("0s", "365d"),
        sample = "5s"
    ),
    key!(
        "limits.streams_per_session",
        limits.streams_per_session,
        "Open event streams of one session.",
        range = ("1", "100000")
    ),
    key!(
        "limits.stream_grace",
        limits.stream_grace,
        "How long the stream of a session goes on after its connection broke, for a client that resumes it.",
        range = ("0s", "1h")
    ),
    key!(
        "limits.listens",
        limits.listens,
        "`subscriptions/listen` requests in all; they count as no calls in flight.",
        range = ("1", "10000000")
    ),
    key!(
        "limits.listens_per_caller",
        limits.listens_per_caller,
        "`subscriptions/listen` requests of one caller or anonymous address.",
        range = ("1", "10000000")
    ),
    key!(
        "limits.subscriptions",
        limits.subscriptions,
        "Resources that one session, or one `subscriptions/listen`, may watch.",
        range = ("1", "100000")
    ),
    key!(
        "limits.ring_events",
        limits.ring_events,
        "How many events of a stream are kept for a slow or returning reader.",
        range = ("1", "1000000")
    ),
    key!(
        "limits.ring_bytes",
        limits.ring_bytes,
        "How many bytes of events of a stream are kept.",
        range = ("1KiB", "1GiB")
    ),
    key!(
        "limits.log_burst",
        limits.log_burst,
        "How many log messages one call may send its caller at once. More are dropped, and the caller is told how many.",
        range = ("0", "1000000")
    ),
    key!(
        "limits.log_rate",
        limits.log_rate,
        "How many log messages a second one call may send its caller in the long run.",
        range = ("0", "1000000")
    ),
    key!(
        "limits.log_bytes",
        limits.log_bytes,
        "The largest data of one log message to a caller. What is larger is cut.",
        range = ("64", "1MiB")
    ),
    key!(
        "limits.drain",
        limits.drain,
        "How long calls in flight may go on after the process was told to stop.",
        range = ("0s", "1d")
    ),
];

/// What stands at a path of a file.
pub(crate) enum Child {
    /// A value.
    Value(&'static Key),
    /// A table of more keys, with its path in the table of keys.
    Table(String),
}

/// What `key` is in the table whose path is `table` (as in [`Key::path`]; the root is empty).
pub(crate) fn child(table: &str, key: &str) -> Option<Child> {
    let part = if table_takes_names(table) {
        NAME
    } else if key == NAME || key.contains('.') {
        return None;
    } else {
        key
    };
    let path = join(table, part);
    let inner = format!("{path}.");
    KEYS.iter().find_map(|known| {
        if known.path.starts_with(&inner) {
            Some(Child::Table(path.clone()))
        } else {
            (known.path == path).then_some(Child::Value(known))
        }
    })
}

/// Whether the keys of `table` are names that the user chooses.
pub(crate) fn table_takes_names(table: &str) -> bool {
    let names = join(table, NAME) + ".";
    KEYS.iter().any(|key| key.path.starts_with(&names))
}

/// The keys that `table` knows, in their order.
pub(crate) fn children(table: &str) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    for key in KEYS {
        let inner = if table.is_empty() {
            Some(key.path)
        } else {
            key.path.strip_prefix(table).and_then(|rest| rest.strip_prefix('.'))
        };
        let Some(first) = inner.and_then(|inner| inner.split('.').next()) else { continue };
        if !found.contains(&first) {
            found.push(first);
        }
    }
    found
}

/// The key at the path that a flag names, and the name that the user chose in it.
pub(crate) fn at(path: &str) -> Option<(&'static Key, String)> {
    KEYS.iter().find_map(|key| match key.path.split_once(NAME) {
        None => (key.path == path).then(|| (key, String::new())),
        Some((before, after)) => {
            let name = path.strip_prefix(before)?.strip_suffix(after)?;
            super::values::is_name(name).then(|| (key, name.to_owned()))
        }
    })
}

/// `path` with `part` behind it.
pub(crate) fn join(path: &str, part: &str) -> String {
    if path.is_empty() { part.to_owned() } else { format!("{path}.{part}") }
}

/// Whether values below `path` may be secrets, so that no message quotes them.
pub(crate) fn is_secret(path: &str) -> bool {
    let of_plugin = path.starts_with("plugins.") && path.contains(".settings");
    of_plugin || matches!(path.split('.').next(), Some("tokens" | "seal_keys"))
}

/// `found` as a message about the key at `path` may show it.
pub(crate) fn shown(found: Found, hidden: bool, path: &str) -> Found {
    if hidden || is_secret(path) { found.hidden() } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_and_range_is_one_that_its_key_takes() {
        let config = Config::default();
        for key in KEYS {
            assert!(key.slot.is_sound(&config), "{}", key.path);
        }
    }

    #[test]
    fn every_key_is_documented_and_stands_once() {
        for (index, key) in KEYS.iter().enumerate() {
            assert!(key.doc.ends_with('.'), "{}: {}", key.path, key.doc);
            assert!(KEYS[..index].iter().all(|other| other.path != key.path), "{}", key.path);
            assert!(
                KEYS[..index]
                    .iter()
                    .all(|other| other.variable() != key.variable() || key.variable().is_none())
            );
        }
    }

    #[test]
    fn variables_are_named_by_the_path() {
        let named = |path: &str| at(path).and_then(|(key, _)| key.variable());
        assert_eq!(named("port").as_deref(), Some("LATIMER_PORT"));
        assert_eq!(named("limits.call_timeout").as_deref(), Some("LATIMER_LIMITS_CALL_TIMEOUT"));
        assert_eq!(named("tokens.alice.token"), None);
        assert_eq!(variable_of("plugins.my-echo.enabled"), "LATIMER_PLUGINS_MY_ECHO_ENABLED");
    }

    #[test]
    fn children_are_found_by_their_table() {
        assert!(matches!(child("", "port"), Some(Child::Value(key)) if key.path == "port"));
        assert!(matches!(child("", "plugins"), Some(Child::Table(path)) if path == "plugins"));
        assert!(matches!(child("plugins", "a.b"), Some(Child::Table(path)) if path == "plugins.NAME"));
        assert!(matches!(child("plugins.NAME", "enabled"), Some(Child::Value(_))));
        assert!(
            child("", "NAME").is_none()
                && child("", "limits.depth").is_none()
                && child("limits", "x").is_none()
        );
        assert!(children("limits").contains(&"depth") && children("plugins.NAME") == ["enabled", "settings"]);
    }
}
