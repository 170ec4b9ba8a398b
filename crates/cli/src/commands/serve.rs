//! `latimer serve`.

#[cfg(unix)]
use std::ffi::OsString;

use clap::builder::NonEmptyStringValueParser;
use latimer_core::Engine;
use latimer_core::engine::Builder;
use latimer_host::config::{Config, Loaded, Loader};
use latimer_host::life::Signals;
use latimer_host::{Ended, Failure, Host, Plugins, ServeArgs};
use latimer_protocol::wire::Implementation;

use crate::exit::{Finished, Outcome};
use crate::sources;

/// Serve the sources of the configuration to MCP clients
#[derive(Debug, clap::Args)]
#[command(after_help = crate::exit::CODES)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) setting: Setting,

    /// Leave the session of whoever started the program, as `latimer up` has it do
    #[cfg(unix)]
    #[arg(long, hide = true)]
    detached: bool,
}

/// What decides how a server is set up.
#[derive(Debug, clap::Args)]
pub(crate) struct Setting {
    #[command(flatten)]
    args: ServeArgs,

    /// Load only these sources, in this order; without it, what `autoload` of the configuration names, or all
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new(),
        visible_aliases = ["autoload", "plugins"]
    )]
    load: Vec<String>,
}

impl Setting {
    /// The words that a server is started with by these flags in the background, but for the ready file.
    #[cfg(unix)]
    pub(crate) fn words_in_background(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["serve".into(), "--detached".into()];
        words.extend(ServeArgs { ready_file: None, ..self.args.clone() }.to_words());
        words.extend((!self.load.is_empty()).then(|| format!("--load={}", self.load.join(",")).into()));
        words
    }

    /// The loader of the configuration that these flags, the environment and the file make.
    pub(crate) fn loader(&self) -> Result<Loader, Failure> {
        let loader = Loader::from_process()
            .map_err(|error| Failure::setup(format_args!("find the working directory: {error}")))?;
        let loader = self.args.apply(loader);
        Ok(if self.load.is_empty() { loader } else { loader.flag("--load", "autoload", self.load.join(",")) })
    }
}

impl Serve {
    pub(crate) fn run(self) -> Outcome {
        #[cfg(unix)]
        if self.detached {
            latimer_host::life::process::leave_session();
        }
        let signals = Signals::heed()?;
        let loaded = self.setting.loader()?.load().map_err(Failure::setup)?;
        latimer_host::logging::take_panics(loaded.config.log_format);
        latimer_host::serve::run(serve(signals, loaded))?;
        Ok(Finished::Done)
    }
}

async fn serve(signals: Signals, loaded: Loaded) -> Result<Ended, Failure> {
    let plugins = Plugins::select(sources::registry(), &loaded.config, &loaded.base);
    let host = Host::with_plugins(signals, loaded, plugins.map_err(Failure::setup)?)?;
    let engine = host.equip(introduced(host.config())).build();
    host.serve(engine, async { Ok(()) }).await
}

/// An engine that introduces itself as the configuration says.
fn introduced(config: &Config) -> Builder {
    let name = config.server_name.to_string();
    let builder = Engine::builder().info(Implementation::new(name, env!("CARGO_PKG_VERSION")));
    match &config.instructions {
        Some(instructions) => builder.instructions(instructions.clone()),
        None => builder,
    }
}
