//! The listeners of a process: opened together, served side by side.

mod http;
mod inherited;

use latimer_core::Engine;
use latimer_transport::TlsIdentity;
use latimer_transport::http::{Bound, HttpOptions};
#[cfg(unix)]
use latimer_transport::stream::UnixBound;
use latimer_transport::stream::{self, End, StreamOptions, TcpBound};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, SocketPath, Transport};
use crate::failure::Failure;
use crate::life::line::LifeLine;

pub(crate) use inherited::Inherited;

/// A listener that clients can connect to, and that nobody answers yet.
#[derive(Debug)]
pub(crate) struct Listener {
    kind: Kind,
    /// What is told of its start and end.
    pub(crate) line: LifeLine,
}

#[derive(Debug)]
enum Kind {
    Stdio,
    Http(Box<(Bound, HttpOptions)>),
    Tcp(TcpBound),
    #[cfg(unix)]
    Unix(UnixBound),
}

/// Opens all listeners of the configuration, or none. What a service manager has opened is taken from it.
///
/// # Errors
/// When a setting cannot be, or an address cannot be listened on.
pub(crate) async fn open(config: &Config, mut inherited: Inherited) -> Result<Vec<Listener>, Failure> {
    inherited.check(&config.transport)?;
    // What can be known to be wrong is told before anything is opened.
    let tls = tls(config)?;
    let options = http::options(config)?;
    let mut listeners = Vec::new();
    for transport in config.transport.iter() {
        listeners.push(match transport {
            Transport::Stdio => Listener { kind: Kind::Stdio, line: LifeLine::new("stdio") },
            Transport::Http => {
                let bound = http::open(config, tls.clone(), inherited.http.take()).await?;
                let line = http::line(&bound.address().ip().to_string(), bound.address().port(), config);
                Listener { kind: Kind::Http(Box::new((bound, options.clone()))), line }
            }
            Transport::Tcp => {
                let bound = match inherited.tcp.take() {
                    Some(listener) => TcpBound::adopt(listener, tls.clone()),
                    None => {
                        let address = resolve(config.tcp.host.as_str(), config.tcp.port).await?;
                        TcpBound::open(address, tls.clone()).await
                    }
                };
                let bound = bound.map_err(Failure::runtime)?;
                let line = tcp_line(&bound.address().ip().to_string(), bound.address().port());
                Listener { kind: Kind::Tcp(bound), line }
            }
            #[cfg(unix)]
            Transport::Unix => {
                let bound = match (inherited.unix.take(), &config.unix.path) {
                    (Some(listener), _) => UnixBound::adopt(listener, config.unix.mode.bits()),
                    (None, Some(path)) => UnixBound::open(path.as_str(), config.unix.mode.bits()),
                    (None, None) => return Err(Failure::setup("unix.path is not set; name a path")),
                };
                let bound = bound.map_err(Failure::runtime)?;
                let line = unix_line(bound.address());
                Listener { kind: Kind::Unix(bound), line }
            }
            #[cfg(not(unix))]
            Transport::Unix => {
                return Err(Failure::setup("there are no Unix sockets here; use tcp on 127.0.0.1"));
            }
        });
    }
    Ok(listeners)
}

/// What would be told of the listeners of a configuration that were not opened.
pub(crate) fn planned(config: &Config) -> Vec<LifeLine> {
    let line = |transport| match transport {
        Transport::Stdio => LifeLine::new("stdio"),
        Transport::Http => http::line(config.host.as_str(), config.port, config),
        Transport::Tcp => tcp_line(config.tcp.host.as_str(), config.tcp.port),
        Transport::Unix => unix_line(config.unix.path.as_ref().map_or("", SocketPath::as_str)),
    };
    config.transport.iter().map(line).collect()
}

fn tcp_line(host: &str, port: u16) -> LifeLine {
    LifeLine::new("tcp").with("host", host).with("port", port)
}

fn unix_line(path: &str) -> LifeLine {
    LifeLine::new("socket").with("path", path)
}

impl Listener {
    /// Says to people where it listens, and warns of what is probably not meant.
    pub(crate) fn announce(&self, engine: &Engine, config: &Config) {
        match &self.kind {
            Kind::Stdio => {
                if !config.tokens.is_empty() {
                    tracing::warn!(
                        "tokens is set and demanded over HTTP and TCP only; standard streams have one local caller"
                    );
                }
                tracing::info!(server = engine.name(), "serving standard input and output");
            }
            Kind::Http(http) => http::announce(engine, &http.0, config),
            Kind::Tcp(bound) => announce_tcp(engine, bound, config),
            #[cfg(unix)]
            Kind::Unix(bound) => {
                tracing::info!(server = engine.name(), path = bound.address(), "serving a Unix socket");
                if config.unix.mode.bits() & 0o002 != 0 {
                    tracing::warn!(
                        "every user of this machine may call the tools; set unix.mode to \"0600\" or \"0660\""
                    );
                }
            }
        }
    }

    /// Serves in a task among others until it is told to stop, its input ends, or it breaks. Standard streams that end, stop
    /// everything else. `cut` ends it at once.
    pub(crate) fn spawn(
        self,
        serving: &mut JoinSet<Result<(), Failure>>,
        engine: Engine,
        options: StreamOptions,
        stop: CancellationToken,
        cut: CancellationToken,
    ) {
        serving.spawn(async move {
            cut.run_until_cancelled(self.serve(engine, options, stop)).await.unwrap_or(Ok(()))
        });
    }

    /// Serves until it is told to stop, its input ends, or it breaks.
    ///
    /// # Errors
    /// When it breaks.
    async fn serve(
        self,
        engine: Engine,
        options: StreamOptions,
        stop: CancellationToken,
    ) -> Result<(), Failure> {
        match self.kind {
            Kind::Stdio => {
                let end = stream::serve_stdio(engine, options, stop.clone().cancelled_owned()).await;
                stop.cancel();
                ended(end)
            }
            Kind::Tcp(bound) => {
                stream::serve_tcp(bound, engine, options, stop.cancelled_owned()).await;
                Ok(())
            }
            #[cfg(unix)]
            Kind::Unix(bound) => {
                stream::serve_unix(bound, engine, options, stop.cancelled_owned()).await;
                Ok(())
            }
            Kind::Http(http) => {
                let (bound, options) = *http;
                let served = latimer_transport::http::serve(bound, engine, options, stop.cancelled_owned());
                served.await.map_err(Failure::runtime)
            }
        }
    }
}

/// How byte streams are served.
pub(crate) fn stream_options(config: &Config) -> StreamOptions {
    StreamOptions::default()
        .bare_methods(config.bare_methods)
        .ordered(config.ordered)
        .idle(config.limits.connection_idle)
}

fn announce_tcp(engine: &Engine, bound: &TcpBound, config: &Config) {
    let address = bound.address();
    tracing::info!(server = engine.name(), %address, tls = bound.is_tls(), "serving TCP");
    if address.ip().is_loopback() {
        return;
    }
    if config.tokens.is_empty() {
        tracing::warn!(%address, "everybody who reaches this address may call the tools; set tokens, or listen on 127.0.0.1");
    } else if !bound.is_tls() {
        tracing::warn!(%address, "tokens can be read on their way to this address; set tls_cert and tls_key, or listen on 127.0.0.1");
    }
}

/// What the end of the standard streams comes to.
fn ended(end: End) -> Result<(), Failure> {
    match end {
        End::Input | End::Stopped => Ok(()),
        // Clients may close our output first when they leave.
        End::Unwritable(error) if is_departure(&error) => {
            tracing::info!("the client closed its end");
            Ok(())
        }
        End::Unwritable(error) => Err(Failure::runtime(format_args!("write to standard output: {error}"))),
        // Standard streams have a known client, whom nobody makes hurry.
        End::Idle | End::Unidentified => Ok(()),
        End::Unread => Err(Failure::runtime(
            "write to standard output: the client does not read its answers, and too many waited for it",
        )),
        End::Unreadable(error) => Err(Failure::runtime(format_args!("read standard input: {error}"))),
    }
}

/// Whether a write failed because nobody is there to read any more.
fn is_departure(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset)
}

fn tls(config: &Config) -> Result<Option<TlsIdentity>, Failure> {
    if !config.transport.has(Transport::Http) && !config.transport.has(Transport::Tcp) {
        return Ok(None);
    }
    match (&config.tls_cert, &config.tls_key) {
        (Some(certificate), Some(key)) => {
            TlsIdentity::read(certificate, key).map(Some).map_err(Failure::setup)
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(Failure::setup("tls_cert is set and tls_key is not; TLS needs both")),
        (None, Some(_)) => Err(Failure::setup("tls_key is set and tls_cert is not; TLS needs both")),
    }
}

/// The first address of a host to listen on.
async fn resolve(host: &str, port: u16) -> Result<std::net::SocketAddr, Failure> {
    let found = tokio::net::lookup_host((host, port)).await;
    let mut found = found
        .map_err(|error| Failure::setup(format_args!("find the host \"{host}\" to listen on: {error}")))?;
    found
        .next()
        .ok_or_else(|| Failure::setup(format_args!("the host \"{host}\" to listen on has no address")))
}
