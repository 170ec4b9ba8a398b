//! The configuration of a Latimer process: from file, environment and flags to one checked [`Config`].
//!
//! # What wins
//!
//! From strongest to weakest:
//!
//! 1. flags of the command line;
//! 2. `LATIMER_*` variables: `LATIMER_PORT` for `port`, `LATIMER_LIMITS_CALL_TIMEOUT` for `limits.call_timeout`,
//!    `LATIMER_PLUGINS_ECHO_ENABLED` for `plugins.echo.enabled`; lists are separated by commas; an empty variable counts as not set;
//! 3. `MCP_SERVER_NAME`, `MCP_TRANSPORT`, `MCP_HOST`, `MCP_PORT` and `MCP_LOG_LEVEL`, by which Python MCP servers are
//!    commonly set up, and `MCP_MODE`, `MCP_ENDPOINT`, `MCP_SOCKET_PATH`, `MCP_SOCKET_MODE` and `MCP_READY_FILE`, by which
//!    servers of sockets are. They stand above the file because they do there: a deployment that sets `MCP_PORT` keeps its
//!    port. `MCP_HOST` and `MCP_PORT` are those of TCP where TCP is served and HTTP is not;
//! 4. the configuration file: `latimer.yaml`, `.yml`, `.toml` or `.json`;
//! 5. the defaults.
//!
//! Variables come from the process's environment, then from the environment files that were named (a later one wins),
//! then from `.env` beside the configuration file: a variable that is really set is never replaced by a file. Environment
//! files are read first, so that `${VAR}` in the configuration file sees them. A weaker layer is checked even where a
//! stronger one overrides it, except for `MCP_*` below `LATIMER_*`.
//!
//! # Strictness
//!
//! Unknown keys, keys that stand twice, wrong types, values out of range, keys without a value and references to variables
//! that are not set are errors. All of them are collected, each with file, line, column and its mend.
//!
//! One table (`keys.rs`) holds every key: the reader's known keys, the variables' names, [`schema()`], [`example()`]
//! and the report come from it.

mod again;
mod apply;
mod document;
mod environment;
mod example;
mod file;
mod keys;
mod loader;
mod origin;
mod plugin_settings;
mod report;
mod schema;
mod secret;
mod setting;
mod settings;
mod slot;
mod values;

pub use example::example;
pub use loader::{Loaded, Loader};
pub use origin::{Origin, Provenance};
pub use plugin_settings::PluginSettings;
pub use report::{Report, ReportValue};
pub use schema::schema;
pub use secret::Secret;
pub use settings::{Config, Limits, Plugin, StaticToken, Tcp, Unix};
pub use values::{
    Authority, BindHost, ByteSize, EndpointPath, PluginName, PublicUrl, Scope, SealKey, ServerName,
    SocketMode, SocketPath, Transport, Transports, ValueError, WebOrigin,
};
