//! The everything server: it shows and tests everything that the protocol has.
//!
//! It covers the "Everything" server that many clients are tested with, in its original form and in that of its newer
//! package. `latimer serve --load everything` serves it; the program `latimer-everything` does, too, with pages of ten
//! entries and HTTP+SSE of 2024-11-05 besides, as `examples/everything.yaml` has it.
//!
//! # Where everything is
//!
//! An entry has the name that it has there. Where the newer server has the same thing under another name than the
//! original, it is here under both.
//!
//! | original | newer server | here |
//! |---|---|---|
//! | `echo` | `echo` | `echo` |
//! | `add` | `get-sum` | both |
//! | `longRunningOperation` | `trigger-long-running-operation` | both, with bounds |
//! | `sampleLLM` | `trigger-sampling-request` | both |
//! | `getTinyImage` | `get-tiny-image` | both |
//! | `annotatedMessage` | `get-annotated-message` | both |
//! | `getResourceReference` | – | `getResourceReference` (of the static resources) |
//! | – | `get-resource-reference` | `get-resource-reference` (of the dynamic ones) |
//! | – | `get-resource-links` | `get-resource-links` |
//! | `elicitInputs` | – | `elicitInputs` |
//! | – | `trigger-elicitation-request` | `trigger-elicitation-request` |
//! | – | `trigger-url-elicitation` | `trigger-url-elicitation`, without `elicitationId`: names of pages are the server's to choose |
//! | – | `get-roots-list` | `get-roots-list` |
//! | – | `get-structured-content` | `get-structured-content` |
//! | – | `get-env` | `get-env`, of the variables that [`SHOWN`] names only |
//! | – | `gzip-file-as-resource` | `gzip-file-as-resource`, of `data:` URIs only |
//! | log messages from the beginning | `toggle-simulated-logging` | `toggle-simulated-logging` |
//! | `notifications/stderr` from the beginning | – | `toggle-simulated-logging` with `stderr` |
//! | updates every ten seconds | `toggle-subscriber-updates` | `toggle-subscriber-updates` |
//! | – | `simulate-research-query` | `simulate-research-query`, a task |
//! | – | `trigger-sampling-request-async`, `trigger-elicitation-request-async` | the same: a task of the client where it runs any, a plain question elsewhere |
//! | `mcp_apps_hello_world` | – | `mcp_apps_hello_world` |
//! | – | – | `ask-user-and-model`, `toggle-extra-resource`, `trigger-resource-update` |
//! | `test://static/resource/{1..100}` and their template | – | the same |
//! | `ui://hello-world/app.html` | – | the same |
//! | – | `demo://resource/dynamic/text/{resourceId}`, `…/blob/{resourceId}` | the same |
//! | – | `demo://resource/static/document/<file>` | the same, with our own words |
//! | – | `demo://resource/session/<name>` | the same in sessions; `demo://resource/session/<handle>/<name>` without |
//! | `simple_prompt` | `simple-prompt` | both |
//! | `complex_prompt` | – | `complex_prompt` |
//! | – | `args-prompt` | `args-prompt` |
//! | `resource_prompt` | – | `resource_prompt` |
//! | – | `completable-prompt` | `completable-prompt` |
//! | – | `resource-prompt` | `resource-prompt` |
//! | completion of `temperature`, `style`, `resourceId` | of `department`, `name`, `resourceType`, `resourceId` | all of them |
//!
//! Fourteen example pages that the original served beside its own, and its authorization server, are not here.
//!
//! # What a client without a session does
//!
//! All tools are there for every client, and the lists do not change with what it can do (VER-8). State that belongs to a
//! session in older revisions belongs to a handle in 2026-07-28, which a tool gives and the client sends back (VER-9):
//!
//! - `gzip-file-as-resource` returns a URI with the handle in it.
//! - `toggle-subscriber-updates` returns a handle and the URI of a resource of its own; listen to that, and send the handle
//!   to switch the updates off.
//! - `toggle-simulated-logging` is not done before its messages are: there, log messages come with the request that wants
//!   them, and with nothing else (LOG-3).
//!
//! What is kept and what is simulated is bound to the principal, and bounded in number and time: see the tools' own words.

mod data_uri;
mod handle;
mod prompts;
mod resources;
mod settings;
mod simulation;
mod tools;

use std::sync::Arc;

use latimer::{BuildError, Server, Source};

pub use settings::{Environment, SHOWN};

/// The name under which the source is loaded.
pub const NAME: &str = "everything";

/// The everything server, which shows the environment variables that its process allows.
pub fn everything() -> Server {
    everything_with(Environment::of_process())
}

/// The everything server, which shows these environment variables.
pub fn everything_with(environment: Environment) -> Server {
    let server = Server::new(NAME)
        .title("Everything")
        .version(env!("CARGO_PKG_VERSION"))
        .description("The reference server of Latimer: something of everything that MCP knows")
        .instructions(resources::documents::INSTRUCTIONS)
        .state(environment);
    prompts::add(resources::add(tools::add(server)))
}

/// The everything server as a source, to be loaded into another server.
///
/// # Errors
/// Never, as its parts are fixed; the tests of this crate hold that.
pub fn source() -> Result<Arc<dyn Source>, BuildError> {
    everything().into_source()
}
