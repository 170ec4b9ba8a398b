//! The HTTP listener: how it is opened, and what people are told of it.

use latimer_core::Engine;
use latimer_transport::TlsIdentity;
use latimer_transport::http::{Bound, HttpOptions};

use super::resolve;
use crate::config::{Config, Transport};
use crate::failure::Failure;
use crate::life::line::LifeLine;
use crate::logging::LogFormat;
use crate::standard_error;

/// Opens the listener, unless it was handed over.
pub(super) async fn open(
    config: &Config,
    tls: Option<TlsIdentity>,
    inherited: Option<std::net::TcpListener>,
) -> Result<Bound, Failure> {
    let bound = match inherited {
        Some(listener) => Bound::adopt(listener, tls),
        None => Bound::open(resolve(config.host.as_str(), config.port).await?, tls).await,
    };
    bound.map_err(Failure::runtime)
}

/// What is told of the listener's start and end.
pub(super) fn line(host: &str, port: u16, config: &Config) -> LifeLine {
    LifeLine::new("http").with("host", host).with("port", port).with("path", config.path.as_str())
}

/// Says where the server listens and how to point a client at it.
pub(super) fn announce(engine: &Engine, bound: &Bound, config: &Config) {
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
    standard_error::tell(format!(
        "{name} listens at {local}{reached}\n\
         \n\
         Point a client at it:\n\
         \x20 {{ \"mcpServers\": {{ \"{name}\": {{ \"type\": \"http\", \"url\": \"{url}\" }} }} }}\n\
         or try it: latimer tools {url}\n\n"
    ));
}

/// How the endpoint presents itself, if it is served.
pub(super) fn options(config: &Config) -> Result<HttpOptions, Failure> {
    let texts = |values: &[_]| values.iter().map(ToString::to_string).collect();
    let public_url = config.public_url.as_ref().map(|url| url.to_string().parse()).transpose();
    let proxies = config.trusted_proxies.iter().map(|network| network.to_string().parse());
    let options = HttpOptions {
        path: config.path.to_string(),
        http_sse: config.http_sse,
        allowed_hosts: texts(&config.allowed_hosts),
        allowed_origins: config.allowed_origins.iter().map(ToString::to_string).collect(),
        public_url: public_url.map_err(|error| Failure::setup(format_args!("public_url: {error}")))?,
        trusted_proxies: proxies.collect::<Result<_, _>>().map_err(Failure::setup)?,
        strict_empty_errors: config.strict_empty_errors,
        ..HttpOptions::default()
    };
    if config.transport.has(Transport::Http) {
        options.check().map_err(Failure::setup)?;
    }
    Ok(options)
}
