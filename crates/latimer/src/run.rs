//! Running a server as a program.

use std::sync::Arc;

use clap::{Args as _, Command, FromArgMatches as _};
use latimer_core::Catalog;
use latimer_host::failure::FailureKind;
use latimer_host::{Ended, Failure, Host, ServeArgs};

use crate::error::BuildError;
use crate::{Result, Server};

/// Runs a server as a program, with the flags, the configuration file and the environment of `latimer serve`:
/// Streamable HTTP, or `--stdio` for a client that starts the program. See `--help`.
///
/// Returns when the input ends. A program that is asked to stop lets the calls in flight end, and then ends by the signal that
/// asked: whoever started it sees which one it was. If the server cannot run, the program ends with one message on standard
/// error and exit code 2 for what it was told (flags, configuration, faulty tools), or 1 for what happened (a port in use).
///
/// # Errors
/// None at present: it may be what `main` returns.
///
/// # Panics
/// Inside a runtime: `main` is not `async` then, or awaits [`serve`].
pub fn run(server: Server) -> Result {
    let matches = command(&server).get_matches();
    let outcome = match ServeArgs::from_arg_matches(&matches) {
        Ok(args) => latimer_host::serve::run(serve_with(server, args)),
        Err(error) => error.exit(),
    };
    if let Err(failure) = outcome {
        // Where standard error is closed, only the exit code is left to tell.
        latimer_host::standard_error::last_words(&format!("{failure}\n"));
        std::process::exit(match failure.kind() {
            FailureKind::Setup => 2,
            FailureKind::Runtime => 1,
        });
    }
    Ok(())
}

/// As [`run`], for programs whose `main` is `async` already. Returns when the process is asked to stop, too: what else there
/// is to be done is up to the program.
///
/// # Errors
/// When the server cannot run, as one message.
pub async fn serve(server: Server) -> Result {
    let matches = command(&server).get_matches();
    match ServeArgs::from_arg_matches(&matches) {
        Ok(args) => {
            serve_with(server, args).await?;
            Ok(())
        }
        Err(error) => error.exit(),
    }
}

async fn serve_with(mut server: Server, args: ServeArgs) -> Result<Ended, Failure> {
    let mut loaded = args.load().map_err(Failure::setup)?;
    server.settle(&mut loaded);
    let config = &loaded.config;
    if loaded.provenance.of("server_name").place.is_some() {
        server = server.renamed(config.server_name.to_string());
    }
    if let Some(instructions) = &config.instructions {
        server = server.instructions(instructions);
    }
    if !config.autoload.is_empty() || !config.plugins.is_empty() {
        let message =
            "this program has no sources to choose from; remove autoload and plugins from its configuration";
        return Err(Failure::setup(message));
    }
    let host = Host::with(loaded)?;
    let catalog = Arc::new(Catalog::default());
    let (builder, sources) = server.assemble(&catalog).map_err(Failure::setup)?;
    let engine = host.equip(builder.catalog(catalog)).build();
    let loading = {
        let engine = engine.clone();
        async move { Server::load(&engine, sources).await.map_err(|error: BuildError| Failure::setup(error)) }
    };
    host.serve(engine, loading).await
}

fn command(server: &Server) -> Command {
    let info = server.info();
    let command = ServeArgs::augment_args(Command::new(info.name.clone()));
    let about = info.description.as_ref().or(info.title.as_ref());
    let about = about.map_or_else(|| format!("The MCP server {}", info.name), Clone::clone);
    // The doc comment of the flags would stand there otherwise.
    command.version(info.version.clone()).long_about(about.clone()).about(about)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_are_those_of_serve() {
        let mut command = command(&Server::new("bistro").version("1.2.3").description("Books tables"));
        command.build();
        let help = command.render_long_help().to_string();
        for word in ["Books tables", "--stdio", "--http", "--config", "--version"] {
            assert!(help.contains(word), "{word}: {help}");
        }
        let matches = command.try_get_matches_from(["bistro", "--http", "0"]).unwrap();
        assert_eq!(ServeArgs::from_arg_matches(&matches).unwrap().http.as_deref(), Some("0"));
    }
}
