//! Posting a document to the backend.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use latimer_protocol::tape::{Node, Tape, TapeBuffer};
use tokio::time::{Instant, timeout_at};

use crate::reply::Failure;
use crate::settings::Backend;

/// How much of an answer is read.
const MOST_READ: usize = 64 * 1024;
/// How much of an answer is repeated.
const MOST_TOLD: usize = 2 * 1024;
/// What stands where an answer was cut.
const CUT: &str = "… [cut]";
/// What a caller gets for a status where there was no answer.
const UNAVAILABLE: u16 = 503;

/// The header that lets the backend know a document that it has been sent before.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A backend, and how to reach it.
#[derive(Clone)]
pub(crate) struct Client {
    http: HttpClient<HttpsConnector<HttpConnector>, Full<Bytes>>,
    target: Uri,
    authorization: Option<HeaderValue>,
    timeout: Duration,
    /// Its address, as it was set.
    pub(crate) url: String,
    pub(crate) allow_unvalidated: bool,
}

/// Why the backend cannot be reached the way it is set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The variable that should hold the token does not.
    #[error("backend.token_env: the environment variable {0} is not set; set it, or leave the setting out")]
    NoToken(String),
    /// The token cannot be sent.
    #[error("backend.token_env: the token in {0} is empty or has characters that no header may have")]
    Token(String),
    /// The address cannot be sent.
    #[error("backend.url: {0} cannot be posted to")]
    Target(String),
    /// TLS cannot be set up.
    #[error("backend: TLS cannot be set up ({0})")]
    Tls(String),
}

/// A document that the backend took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Its `id` there: nothing if the answer was an array, empty if it had none.
    pub(crate) id: Option<String>,
}

impl Client {
    pub(crate) fn new(settings: &Backend) -> Result<Self, ClientError> {
        let base = settings.url.as_str().trim_end_matches('/');
        let target = format!("{base}{}", settings.path.replace(' ', "%20"));
        let target: Uri = target.parse().map_err(|_| ClientError::Target(target))?;
        let authorization = settings.token_env.as_deref().map(token).transpose()?;
        if authorization.is_some() && settings.url.scheme() == "http" && !is_loopback(settings) {
            let host = settings.url.host_str();
            tracing::warn!(host, "the backend's token goes over a connection that is not encrypted");
        }
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls()?)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(http);
        // A connection for each document: one that was kept could be closed under it, and nothing is tried again.
        let http = HttpClient::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https);
        Ok(Self {
            http,
            target,
            authorization,
            timeout: settings.timeout,
            url: settings.url.as_str().trim_end_matches('/').to_owned(),
            allow_unvalidated: settings.allow_unvalidated,
        })
    }

    /// Posts a document and waits for what the backend says of it, within its time. Nothing is tried again, and no redirect
    /// followed.
    pub(crate) async fn post(&self, document: String, key: &HeaderValue) -> Result<Taken, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("latimer-assets/", env!("CARGO_PKG_VERSION"))),
        );
        headers.insert(IDEMPOTENCY_KEY, key.clone());
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let mut request = Request::new(Full::new(Bytes::from(document)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = headers;
        let end = Instant::now() + self.timeout;
        let response =
            timeout_at(end, self.http.request(request)).await.map_err(|_| unavailable("timeout"))?;
        let response = response.map_err(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "the backend could not be asked");
            unavailable(if error.is_connect() { "network_unreachable" } else { "connection_broken" })
        })?;
        // The status is what counts: a body that breaks off, is too long or does not come in time leaves it as it is.
        let status = response.status();
        let body = timeout_at(end, begin(response.into_body())).await.ok().flatten();
        if status.is_success() {
            return Ok(Taken { id: body.map_or(Some(String::new()), |body| id(&body)) });
        }
        let detail = body.map_or_else(|| CUT.to_owned(), |body| told(&body));
        Err(Failure::Backend { status: status.as_u16(), detail })
    }
}

/// The first [`MOST_READ`] bytes of an answer, or all of it, unless it breaks off before.
async fn begin(mut body: Incoming) -> Option<Bytes> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.ok()?.into_data() {
            let room = MOST_READ - read.len();
            read.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() >= room {
                break;
            }
        }
    }
    Some(read.freeze())
}

/// The `id` in an answer.
fn id(body: &[u8]) -> Option<String> {
    let text = str::from_utf8(body).unwrap_or_default();
    let mut buffer = TapeBuffer::new();
    let Ok(tape) = Tape::parse_into(&mut buffer, text) else { return Some(String::new()) };
    let root = tape.root();
    if root.elements().is_some() {
        return None;
    }
    let id = root.get("id");
    let text = id.and_then(Node::as_str).map(Cow::into_owned);
    Some(text.or_else(|| id.and_then(Node::number_text).map(str::to_owned)).unwrap_or_default())
}

/// The beginning of an answer.
fn told(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if text.len() <= MOST_TOLD {
        return text.into_owned();
    }
    let end = text.floor_char_boundary(MOST_TOLD - CUT.len());
    format!("{}{CUT}", &text[..end])
}

fn unavailable(detail: &str) -> Failure {
    Failure::Backend { status: UNAVAILABLE, detail: detail.to_owned() }
}

fn token(variable: &str) -> Result<HeaderValue, ClientError> {
    let token = std::env::var(variable).map_err(|_| ClientError::NoToken(variable.to_owned()))?;
    let wrong = || ClientError::Token(variable.to_owned());
    if token.trim().is_empty() {
        return Err(wrong());
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim())).map_err(|_| wrong())?;
    value.set_sensitive(true);
    Ok(value)
}

fn is_loopback(settings: &Backend) -> bool {
    match settings.url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

fn tls() -> Result<rustls::ClientConfig, ClientError> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::Tls(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("url", &self.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identifier_is_read_as_text_whatever_the_backend_answers() {
        for (body, expected) in [
            (r#"{"id":"a"}"#, Some("a")),
            (r#"{"id":5}"#, Some("5")),
            (r#"{"id":18446744073709551616}"#, Some("18446744073709551616")),
            (r#"{"id":null}"#, Some("")),
            (r#"{"id":["a"]}"#, Some("")),
            ("{}", Some("")),
            ("", Some("")),
            ("created", Some("")),
            ("\"a\"", Some("")),
            (r#"[{"id":"a"}]"#, None),
        ] {
            assert_eq!(id(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn an_answer_is_cut_at_a_character_and_says_so() {
        assert_eq!(told(b"short"), "short");
        assert_eq!(told("é".repeat(1_024).as_bytes()).len(), 2_048);
        let cut = told("é".repeat(1_025).as_bytes());
        assert!(cut.len() <= MOST_TOLD && cut.ends_with("é… [cut]"), "{cut}");
    }
}
