//! A process that serves: configured, listening, and stopped in an orderly way.

use std::io::Write as _;
use std::net::SocketAddr;

use latimer_core::ask::SealKeys;
use latimer_core::engine::Builder;
use latimer_core::identify::StaticTokens;
use latimer_core::{Engine, Limits, Principal};
use latimer_transport::TlsIdentity;
use latimer_transport::http::{Bound, HttpOptions};
use latimer_transport::stream::{self, End, StreamOptions};
use tokio_util::sync::CancellationToken;

use crate::args::ServeArgs;
use crate::config::{self, Config, Loaded, SealKey, Transport};
use crate::failure::Failure;
use crate::logging::{self, LogFormat};
use crate::signals;

/// A process that is configured and does not serve yet.
#[derive(Debug)]
pub struct Host {
    loaded: Loaded,
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
    /// When something else in the process has begun a log before.
    pub fn with(loaded: Loaded) -> Result<Self, Failure> {
        logging::init(&loaded.config.log_level, loaded.config.log_format).map_err(Failure::setup)?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        Ok(Self { loaded })
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

    /// Serves until the input ends, or the process is asked to stop.
    ///
    /// # Errors
    /// When it cannot listen, or its input breaks off.
    pub async fn serve(self, engine: Engine) -> Result<(), Failure> {
        let stop = CancellationToken::new();
        tokio::spawn({
            let stop = stop.clone();
            async move {
                match signals::stop_requested().await {
                    Ok(()) => tracing::info!("asked to stop"),
                    Err(error) => tracing::error!(%error, "the system does not tell when to stop"),
                }
                stop.cancel();
                // Whoever asks twice does not want to wait.
                if signals::stop_requested().await.is_ok() {
                    std::process::exit(130);
                }
            }
        });
        let outcome = match self.config().transport {
            Transport::Stdio => self.serve_stdio(engine.clone(), stop).await,
            Transport::Http => self.serve_http(engine.clone(), stop).await,
        };
        engine.close().await;
        outcome
    }

    async fn serve_stdio(&self, engine: Engine, stop: CancellationToken) -> Result<(), Failure> {
        if !self.config().tokens.is_empty() {
            tracing::warn!(
                "tokens is set and demanded over HTTP only; standard streams have one local caller"
            );
        }
        tracing::info!(server = engine.name(), "serving standard input and output");
        match stream::serve_stdio(engine, StreamOptions::default(), stop.cancelled_owned()).await {
            // Standard streams are never idle and need not say who they are.
            End::Input | End::Stopped | End::Idle | End::Unidentified => Ok(()),
            // Clients may close our output first when they leave.
            End::Unwritable => {
                tracing::info!("the client closed its end");
                Ok(())
            }
            End::Unread => Err(Failure::runtime(
                "write to standard output: the client does not read its answers, and too many waited for it",
            )),
            End::Unreadable(error) => Err(Failure::runtime(format_args!("read standard input: {error}"))),
        }
    }

    async fn serve_http(&self, engine: Engine, stop: CancellationToken) -> Result<(), Failure> {
        let config = self.config();
        let tls = match (&config.tls_cert, &config.tls_key) {
            (Some(certificate), Some(key)) => {
                Some(TlsIdentity::read(certificate, key).map_err(Failure::setup)?)
            }
            (None, None) => None,
            (Some(_), None) => {
                return Err(Failure::setup("tls_cert is set and tls_key is not; TLS needs both"));
            }
            (None, Some(_)) => {
                return Err(Failure::setup("tls_key is set and tls_cert is not; TLS needs both"));
            }
        };
        let options = options(config)?;
        options.check().map_err(Failure::setup)?;
        let address = resolve(config).await?;
        let bound = Bound::open(address, tls).await.map_err(Failure::runtime)?;
        self.announce(&engine, &bound);
        latimer_transport::http::serve(bound, engine, options, stop.cancelled_owned())
            .await
            .map_err(Failure::runtime)
    }

    /// Says where the server listens and how to point a client at it.
    fn announce(&self, engine: &Engine, bound: &Bound) {
        let config = self.config();
        let address = bound.address();
        let scheme = if bound.is_tls() { "https" } else { "http" };
        let local = format!("{scheme}://{address}{}", config.path);
        let public = config.public_url.as_ref().map(ToString::to_string);
        let url = public.as_ref().unwrap_or(&local);
        if !address.ip().is_loopback() && config.tokens.is_empty() {
            tracing::warn!(%address, "everybody who reaches this address may call the tools; set tokens, or listen on 127.0.0.1");
        }
        if address.ip().is_unspecified() && config.allowed_hosts.is_empty() && config.public_url.is_none() {
            tracing::warn!(%address, "requests to other hosts than localhost are refused; set allowed_hosts or public_url");
        }
        if config.log_format == LogFormat::Json {
            tracing::info!(server = engine.name(), %url, %address, "listening");
            return;
        }
        let name = engine.name();
        let reached = public.as_ref().map(|public| format!(", reached as {public}")).unwrap_or_default();
        // Standard error may be closed: then nobody wants to know.
        let _ = write!(
            std::io::stderr().lock(),
            "{name} listens at {local}{reached}\n\
             \n\
             Point a client at it:\n\
             \x20 {{ \"mcpServers\": {{ \"{name}\": {{ \"type\": \"http\", \"url\": \"{url}\" }} }} }}\n\
             or try it: latimer tools {url}\n\n"
        );
    }
}

/// Runs a program to its end on a runtime of its own. What still reads standard input then is left behind.
///
/// # Errors
/// What the program fails with, and when there can be no runtime.
pub fn block_on<F>(program: F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::runtime(format_args!("start the runtime: {error}")))?;
    let outcome = runtime.block_on(program);
    runtime.shutdown_background();
    outcome
}

async fn resolve(config: &Config) -> Result<SocketAddr, Failure> {
    let host = config.host.as_str();
    let found = tokio::net::lookup_host((host, config.port)).await;
    let mut found = found
        .map_err(|error| Failure::setup(format_args!("find the host \"{host}\" to listen on: {error}")))?;
    found
        .next()
        .ok_or_else(|| Failure::setup(format_args!("the host \"{host}\" to listen on has no address")))
}

fn options(config: &Config) -> Result<HttpOptions, Failure> {
    let texts = |values: &[_]| values.iter().map(ToString::to_string).collect();
    let public_url = config.public_url.as_ref().map(|url| url.to_string().parse()).transpose();
    let proxies = config.trusted_proxies.iter().map(|network| network.to_string().parse());
    Ok(HttpOptions {
        path: config.path.to_string(),
        http_sse: config.http_sse,
        allowed_hosts: texts(&config.allowed_hosts),
        allowed_origins: config.allowed_origins.iter().map(ToString::to_string).collect(),
        public_url: public_url.map_err(|error| Failure::setup(format_args!("public_url: {error}")))?,
        trusted_proxies: proxies.collect::<Result<_, _>>().map_err(Failure::setup)?,
        strict_empty_errors: config.strict_empty_errors,
        ..HttpOptions::default()
    })
}

fn limits(config: &Config) -> Limits {
    let config::Limits {
        connections,
        message_bytes,
        header_bytes,
        depth,
        values,
        batch_messages,
        sessions,
        sessions_per_principal,
        sessions_per_peer,
        session_idle,
        calls,
        calls_per_session,
        call_timeout,
        call_timeout_total,
        streams_per_session,
        stream_grace,
        listens,
        listens_per_caller,
        subscriptions,
        ring_events,
        ring_bytes,
        answer_timeout,
        request_state_life,
        request_state_bytes,
        tasks,
        tasks_per_owner,
        task_ttl,
        task_ttl_most,
        task_journal_bytes,
        task_poll,
        task_after,
        log_burst,
        log_rate,
        log_bytes,
        drain,
    } = config.limits.clone();
    Limits {
        connections,
        message_bytes: message_bytes.to_len(),
        header_bytes: header_bytes.to_len(),
        json: latimer_protocol::Limits { depth, values },
        batch_messages,
        sessions,
        sessions_per_principal,
        sessions_per_peer,
        session_idle,
        calls,
        calls_per_session,
        streams_per_session,
        listens,
        listens_per_caller,
        subscriptions,
        stream_grace,
        call_timeout,
        call_timeout_total,
        ring_events,
        ring_bytes: ring_bytes.to_len(),
        log_burst,
        log_rate,
        log_bytes: log_bytes.to_len(),
        page_size: config.page_size,
        answer_timeout,
        request_state_life,
        request_state_bytes: request_state_bytes.to_len(),
        tasks,
        tasks_per_owner,
        task_ttl,
        task_ttl_most,
        task_journal_bytes: task_journal_bytes.to_len(),
        task_poll,
        task_after,
        drain,
    }
}
