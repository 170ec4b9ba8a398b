//! The everything server.

mod data_uri;
mod handle;
mod prompts;
mod resources;
mod settings;
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
