//! A process that serves: configured, listening, and stopped in an orderly way.

use latimer_core::ask::SealKeys;
use latimer_core::engine::Builder;
use latimer_core::identify::StaticTokens;
use latimer_core::{Engine, Principal};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::args::ServeArgs;
use crate::config::{Config, Loaded, SealKey};
use crate::failure::Failure;
use crate::life::ReadyFile;
use crate::life::descriptors;
use crate::life::line::{Event, LifeLine};
use crate::life::signals::{Asked, Signal, Signals};
use crate::life::systemd::{self, State};

use crate::limits::limits;
use crate::listen::{self, Inherited, Listener};
use crate::logging::{self, LogControl};
use crate::plugins::Plugins;
use crate::reload::Reloader;
use crate::standard_error;

/// A process that is configured and does not serve yet. From its making on it heeds signals.
#[derive(Debug)]
pub struct Host {
    loaded: Loaded,
    plugins: Option<Plugins>,
    log: LogControl,
    signals: Signals,
}

/// How a process that served came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its input ended.
    Input,
    /// It was told to.
    Signal(Signal),
}

impl Host {
    /// Reads the configuration and begins the log.
    ///
    /// # Errors
    /// When the configuration is faulty; all its faults are named.
    pub fn start(args: &ServeArgs) -> Result<Self, Failure> {
        Self::with(args.load().map_err(Failure::setup)?)
    }

    /// Takes a configuration and begins the log.
    ///
    /// # Errors
    /// When something else in the process has begun a log before, or the system tells of no signals.
    pub fn with(loaded: Loaded) -> Result<Self, Failure> {
        let log = logging::init(&loaded.config.log_level, loaded.config.log_format);
        let log = log.map_err(Failure::setup)?;
        let signals = Signals::heed();
        let signals =
            signals.map_err(|error| Failure::runtime(format_args!("begin to heed signals: {error}")))?;
        descriptors::raise();
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        Ok(Self { loaded, plugins: None, log, signals })
    }

    /// As [`with`](Self::with), with sources that are loaded before it serves, and exchanged when the configuration is read
    /// again.
    ///
    /// # Errors
    /// As [`with`](Self::with).
    pub fn with_plugins(loaded: Loaded, plugins: Plugins) -> Result<Self, Failure> {
        Ok(Self { plugins: Some(plugins), ..Self::with(loaded)? })
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.loaded.config
    }

    /// Gives an engine the limits, the keys and the identities of the configuration.
    pub fn equip(&self, builder: Builder) -> Builder {
        let config = self.config();
        let mut builder = builder.limits(limits(config));
        // Each key was read before; without any, the engine makes one for itself.
        if let Ok(keys) = SealKeys::new(config.seal_keys.iter().map(SealKey::expose)) {
            builder = builder.seal_keys(keys);
        }
        if config.tokens.is_empty() {
            return builder;
        }
        let mut tokens = StaticTokens::default();
        for (name, token) in &config.tokens {
            tokens = tokens.with(token.token.expose(), Principal::named(name, &token.scopes));
        }
        builder.identify(std::sync::Arc::new(tokens))
    }

    /// Serves until the input ends, or the process is asked to stop. `start` is what has to be done before; it is given up
    /// when the process is asked to stop meanwhile.
    ///
    /// Every ready line is followed by its shutdown line, whatever ends the process; calls in flight have the drain time.
    /// Whoever asks a second time does not want to wait, and what is left is cut off.
    ///
    /// # Errors
    /// When `start` fails, it cannot listen, its ready file is another process's, or its input breaks off.
    pub async fn serve(
        self,
        engine: Engine,
        start: impl Future<Output = Result<(), Failure>>,
    ) -> Result<Ended, Failure> {
        let outcome = self.open_and_run(&engine, start).await;
        // Nothing is served any more that this could hold up.
        standard_error::flush();
        outcome
    }

    async fn open_and_run(
        mut self,
        engine: &Engine,
        start: impl Future<Output = Result<(), Failure>>,
    ) -> Result<Ended, Failure> {
        let opening = async {
            start.await?;
            if let Some(plugins) = &self.plugins {
                plugins.load(engine).await.map_err(Failure::setup)?;
            }
            let inherited = Inherited::take(&self.loaded.config.transport)?;
            listen::open(&self.loaded.config, inherited).await
        };
        let opened = tokio::select! {
            biased;
            signal = self.signals.stop() => Err(signal),
            opened = opening => Ok(opened),
        };
        let outcome = match opened {
            Ok(Ok(listeners)) => self.run(engine, listeners).await,
            Ok(Err(failure)) => Err(failure),
            Err(signal) => {
                tracing::info!("asked to stop before everything was ready");
                let lines = listen::planned(self.config()).into_iter();
                self.tell(Event::Shutdown, &lines.collect::<Vec<_>>());
                tokio::select! {
                    () = engine.close() => {}
                    _ = self.signals.stop() => {}
                }
                return Ok(Ended::Signal(signal));
            }
        };
        if outcome.is_err() {
            engine.close().await;
        }
        outcome
    }

    /// Serves listeners that are open.
    async fn run(self, engine: &Engine, listeners: Vec<Listener>) -> Result<Ended, Failure> {
        let ready_file = match &self.loaded.config.ready_file {
            Some(path) => Some(ReadyFile::claim(path).map_err(Failure::runtime)?),
            None => None,
        };
        for listener in &listeners {
            listener.announce(engine, self.config());
        }
        let lines: Vec<LifeLine> = listeners.iter().map(|listener| self.with_facts(&listener.line)).collect();
        self.tell(Event::Ready, &lines);
        systemd::tell(State::Ready);
        let alive = tokio::spawn(systemd::keep_alive());
        let format = self.config().log_format;

        let outcome = self.serve_all(engine, listeners).await;

        alive.abort();
        if let Some(ready_file) = ready_file {
            ready_file.remove();
        }
        lines.iter().for_each(|line| line.tell(Event::Shutdown, format));
        outcome
    }

    /// Answers clients on all listeners until the end.
    async fn serve_all(self, engine: &Engine, listeners: Vec<Listener>) -> Result<Ended, Failure> {
        let (stop, cut) = (CancellationToken::new(), CancellationToken::new());
        // Whatever ends this ends the listeners, too.
        let _cut = cut.clone().drop_guard();
        let options = listen::stream_options(self.config());
        let mut serving = JoinSet::new();
        for listener in listeners {
            // Each in a task of its own: none is held up by another, and signals by none.
            listener.spawn(&mut serving, engine.clone(), options, stop.clone(), cut.clone());
        }
        let mut reloader = Reloader::new(self.loaded, self.plugins, self.log);
        let (mut outcome, mut ended) = (Ok(()), Ended::Input);
        let mut signals = self.signals;
        while !serving.is_empty() {
            let signal = tokio::select! {
                biased;
                asked = signals.next() => match asked {
                    Asked::Stop(signal) => signal,
                    Asked::Reload => {
                        if ended == Ended::Input {
                            reloader.begin();
                        }
                        continue;
                    }
                },
                fresh = reloader.read(), if ended == Ended::Input => tokio::select! {
                    biased;
                    signal = signals.stop() => signal,
                    () = reloader.reload(fresh, engine) => continue,
                },
                Some(served) = serving.join_next() => {
                    // What a listener cannot go on with ends the others, too.
                    if let Err(failure) = flat(served) {
                        stop.cancel();
                        outcome = outcome.and(Err(failure));
                    }
                    continue;
                }
            };
            if ended != Ended::Input {
                tracing::warn!("asked to stop again; what is left is cut off");
                cut.cancel();
                cut_off(&mut serving).await;
                return Ok(Ended::Signal(signal));
            }
            tracing::info!("asked to stop");
            systemd::tell(State::Stopping);
            ended = Ended::Signal(signal);
            stop.cancel();
        }
        tokio::select! {
            () = engine.close() => {}
            signal = signals.stop() => ended = Ended::Signal(signal),
        }
        match (ended, outcome) {
            (Ended::Input, Err(failure)) => Err(failure),
            // Whoever asked wants to see that it was heeded; a client that left at the same time is not their business.
            (Ended::Signal(_), Err(failure)) => {
                tracing::warn!(%failure, "a listener broke while it was being stopped");
                Ok(ended)
            }
            (ended, Ok(())) => Ok(ended),
        }
    }

    fn tell(&self, event: Event, lines: &[LifeLine]) {
        lines.iter().for_each(|line| line.tell(event, self.config().log_format));
    }

    /// A line with what the sources have to say of themselves.
    fn with_facts(&self, line: &LifeLine) -> LifeLine {
        let facts = self.plugins.iter().flat_map(Plugins::facts);
        facts.fold(line.clone(), |line, (name, value)| line.with(name, value.as_str()))
    }
}

/// Runs a program that serves, as [`block_on`] does. If it was ended by a signal, so is the process.
///
/// # Errors
/// As [`block_on`].
pub fn run(program: impl Future<Output = Result<Ended, Failure>>) -> Result<(), Failure> {
    match block_on(program)? {
        Ended::Input => Ok(()),
        Ended::Signal(signal) => signal.end_process(),
    }
}

/// Runs a program to its end on a runtime of its own. What still reads standard input then is left behind.
///
/// # Errors
/// What the program fails with, and when there can be no runtime.
pub fn block_on<T>(program: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::runtime(format_args!("start the runtime: {error}")))?;
    let outcome = runtime.block_on(program);
    runtime.shutdown_background();
    outcome
}

/// Ends what is served at once, and lets it give back what it holds.
async fn cut_off(serving: &mut JoinSet<Result<(), Failure>>) {
    // A handler that blocks its thread cannot be ended; the process is all the same.
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), serving.shutdown()).await;
}

fn flat(served: Result<Result<(), Failure>, JoinError>) -> Result<(), Failure> {
    served.unwrap_or_else(|error| Err(Failure::runtime(format_args!("a listener broke: {error}"))))
}
