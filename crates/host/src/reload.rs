//! Reading the configuration again while the process serves.

use latimer_core::Engine;
use tokio::sync::oneshot;

use crate::config::Loaded;
use crate::diagnostics::ConfigErrors;
use crate::life::systemd::{self, State};
use crate::limits::limits;
use crate::logging::LogControl;
use crate::plugins::{Exchange, Plugins};

/// What can be changed while the process serves, with the configuration that holds now.
#[derive(Debug)]
pub(crate) struct Reloader {
    loaded: Loaded,
    plugins: Option<Plugins>,
    log: LogControl,
    /// What is being read now.
    reading: Option<oneshot::Receiver<Result<Loaded, ConfigErrors>>>,
    /// It was asked for again meanwhile: what is being read may be what was there before.
    again: bool,
}

impl Reloader {
    /// Begins with the configuration that the process was started with.
    pub(crate) fn new(loaded: Loaded, plugins: Option<Plugins>, log: LogControl) -> Self {
        Self { loaded, plugins, log, reading: None, again: false }
    }

    /// Begins to read the configuration, in a thread of its own: a file may be one that never ends, or is never there.
    pub(crate) fn begin(&mut self) {
        if self.reading.is_some() {
            self.again = true;
            return;
        }
        systemd::tell(State::Reloading);
        let (sender, reading) = oneshot::channel();
        let loaded = self.loaded.clone();
        // Not one of the runtime's threads, for whose end a runtime waits.
        let begun = std::thread::Builder::new().name("reload".to_owned()).spawn(move || {
            // Nobody waits for it any more once the process is asked to stop.
            let _ = sender.send(loaded.again());
        });
        match begun {
            Ok(_) => self.reading = Some(reading),
            Err(error) => {
                tracing::error!(%error, "the configuration cannot be read again now");
                systemd::tell(State::Ready);
            }
        }
    }

    /// The configuration that was begun to be read, once it is.
    pub(crate) async fn read(&mut self) -> Result<Loaded, ConfigErrors> {
        if let Some(reading) = &mut self.reading {
            let read = reading.await;
            self.reading = None;
            match read {
                Ok(read) => return read,
                Err(_) => {
                    tracing::error!("the configuration could not be read again");
                    systemd::tell(State::Ready);
                }
            }
        }
        std::future::pending().await
    }

    /// Takes of a configuration what can be taken: the level of the log, limits, and which sources are loaded. What cannot is
    /// named. A configuration with faults changes nothing, and all its faults are logged.
    pub(crate) async fn reload(&mut self, fresh: Result<Loaded, ConfigErrors>, engine: &Engine) {
        match fresh {
            Ok(fresh) => self.take(fresh, engine).await,
            Err(errors) => {
                for fault in errors.diagnostics() {
                    tracing::error!("{fault}");
                }
                let faults = errors.diagnostics().len().saturating_add(errors.omitted());
                tracing::error!(faults, "the configuration is faulty, and nothing of it was taken");
            }
        }
        systemd::tell(State::Ready);
        if std::mem::take(&mut self.again) {
            self.begin();
        }
    }

    async fn take(&mut self, fresh: Loaded, engine: &Engine) {
        let exchange = match &mut self.plugins {
            None => None,
            Some(plugins) => match plugins.exchange(engine, &fresh.config, &fresh.base).await {
                Ok(exchange) => Some(exchange),
                Err(error) => {
                    tracing::error!(%error, "the sources of the configuration cannot be had, and nothing of it was taken");
                    return;
                }
            },
        };
        for warning in &fresh.warnings {
            tracing::warn!("{warning}");
        }
        let exchange = exchange.unwrap_or_default();
        let (mut taken, mut waiting) = (Vec::new(), Vec::new());
        for path in self.loaded.differences(&fresh) {
            if self.takes(&path, &exchange) {
                taken.push(path);
            } else {
                waiting.push(path);
            }
        }
        if taken.iter().any(|path| path == "log_level") {
            self.log.set(&fresh.config.log_level);
        }
        self.loaded.take(&fresh, &taken);
        if taken.iter().any(|path| is_limit(path)) {
            engine.set_limits(limits(&self.loaded.config));
        }
        if taken.is_empty() && waiting.is_empty() {
            tracing::info!("the configuration was read again; nothing in it has changed");
        } else {
            tracing::info!(
                changed = %taken.join(", "),
                loaded = %exchange.loaded.join(", "),
                unloaded = %exchange.unloaded.join(", "),
                "the configuration was read again"
            );
        }
        if !waiting.is_empty() {
            tracing::warn!("needs a restart: {}", waiting.join(", "));
        }
    }

    /// Whether the value at `path` holds from now on.
    fn takes(&self, path: &str, exchange: &Exchange) -> bool {
        if is_limit(path) {
            return true;
        }
        let Some(plugins) = &self.plugins else { return path == "log_level" };
        match path.strip_prefix("plugins.") {
            // A source that stays was made with what it was told at first.
            Some(rest) => match rest.strip_suffix(".settings") {
                Some(plugin) => plugins.loaded(plugin).is_none_or(|name| exchange.loaded.contains(&name)),
                None => true,
            },
            None => matches!(path, "log_level" | "autoload"),
        }
    }
}

/// Whether a key is a bound that is looked at when it counts, and not one with which a listener was opened.
fn is_limit(path: &str) -> bool {
    match path.strip_prefix("limits.") {
        Some(limit) => !matches!(limit, "connections" | "connection_idle" | "header_bytes"),
        None => path == "page_size",
    }
}
