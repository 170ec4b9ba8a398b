//! One HTTP endpoint: connections, TLS, credentials, redirects.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, USER_AGENT, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use url::Url;

use super::answer::Reply;
use crate::address::is_loopback;
use crate::authorization::Authorization;
use crate::error::{ClientError, Fault};
use crate::options::{ClientLimits, Options, Timeouts};
use crate::{target, tls};

/// How often the server may send us elsewhere within its own origin.
const MAX_REDIRECTS: usize = 3;

/// How many idle connections are kept.
const IDLE_CONNECTIONS: usize = 32;

/// The address of a server, and how to send requests to it.
pub(crate) struct Endpoint {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: Url,
    authorization: Option<Arc<dyn Authorization>>,
    hasher: RandomState,
    pub(crate) limits: ClientLimits,
    pub(crate) timeouts: Timeouts,
}

impl Endpoint {
    pub(crate) fn new(url: &Url, options: &Options) -> Result<Self, ClientError> {
        target::check(url)?;
        let mut url = url.clone();
        url.set_fragment(None);
        if options.authorization.is_some()
            && url.scheme() == "http"
            && !url.host_str().is_some_and(is_loopback)
        {
            tracing::warn!(host = url.host_str(), "credentials go over a connection that is not encrypted");
        }
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(options.timeouts.connect));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls::config(options.extra_ca.as_deref())?)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build(https);
        Ok(Self {
            client,
            url,
            authorization: options.authorization.clone(),
            hasher: RandomState::new(),
            limits: options.limits,
            timeouts: options.timeouts,
        })
    }

    /// The same server, with the address that it wants messages to go to (SSE-1).
    ///
    /// # Errors
    /// When that address is of another origin: credentials would go astray.
    pub(crate) fn elsewhere(&self, address: &str) -> Result<Self, ClientError> {
        let to = self
            .url
            .join(address)
            .map_err(|_| ClientError::malformed("the server's endpoint event", "it holds no URL"))?;
        if to.origin() != self.url.origin() {
            return Err(Fault::ForeignEndpoint { to: to.to_string() }.into());
        }
        Ok(Self {
            url: to,
            client: self.client.clone(),
            authorization: self.authorization.clone(),
            hasher: self.hasher.clone(),
            ..*self
        })
    }

    /// Stands for the credentials of the next request; `None` where there should be some and are none.
    pub(crate) async fn principal(&self) -> Option<u64> {
        let Some(authorization) = &self.authorization else { return Some(0) };
        let header = authorization.header(&self.url).await.ok()?;
        Some(self.hasher.hash_one(header.as_ref().map(HeaderValue::as_bytes)))
    }

    /// Posts a message and reads the head of the answer, and its body unless that is a stream.
    pub(crate) async fn post(
        &self,
        what: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Reply, ClientError> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        let response = self.send(what, Method::POST, headers, body).await?;
        Reply::read(what, response, &self.limits).await
    }

    /// Opens a stream with GET (LH-6).
    pub(crate) async fn get(&self, what: &str, mut headers: HeaderMap) -> Result<Reply, ClientError> {
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let response = self.send(what, Method::GET, headers, Bytes::new()).await?;
        Reply::read(what, response, &self.limits).await
    }

    /// Ends a session with DELETE (LH-8).
    pub(crate) async fn delete(&self, headers: HeaderMap) -> Result<StatusCode, ClientError> {
        Ok(self.send("DELETE", Method::DELETE, headers, Bytes::new()).await?.status())
    }

    async fn send(
        &self,
        what: &str,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, ClientError> {
        let mut url = self.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = method.clone();
            *request.uri_mut() = url
                .as_str()
                .parse()
                .map_err(|_| Fault::Url { url: url.to_string(), reason: "it cannot be sent in a request" })?;
            *request.headers_mut() = headers.clone();
            let agent = HeaderValue::from_static(concat!("latimer/", env!("CARGO_PKG_VERSION")));
            request.headers_mut().insert(USER_AGENT, agent);
            if let Some(authorization) = &self.authorization
                && let Some(value) = authorization.header(&url).await.map_err(Fault::Credentials)?
            {
                request.headers_mut().insert(AUTHORIZATION, value);
            }
            let response = self.client.request(request).await.map_err(|error| self.unsent(what, error))?;
            let status = response.status();
            if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                // Several headers are one list of challenges (RFC 9110 §11.6.1).
                let challenges = response.headers().get_all(WWW_AUTHENTICATE).iter();
                let challenges: Vec<_> = challenges.filter_map(|value| value.to_str().ok()).collect();
                let challenge = (!challenges.is_empty()).then(|| challenges.join(", "));
                return Err(Fault::Unauthorized { status: status.as_u16(), challenge }.into());
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            match location {
                Some(location) if keeps_method(status) => url = self.redirected(&url, location)?,
                _ => return Ok(response),
            }
        }
        let detail = "it redirects again and again".to_owned();
        Err(Fault::Lost { method: what.to_owned(), detail }.into())
    }

    /// Where the server sends us, if that is still the same server (and the token stays where it belongs).
    fn redirected(&self, from: &Url, location: &str) -> Result<Url, ClientError> {
        let to = from
            .join(location)
            .map_err(|_| ClientError::malformed("the server's redirect", "its location is no URL"))?;
        if to.origin() == self.url.origin() {
            Ok(to)
        } else {
            Err(Fault::Redirect { to: to.to_string() }.into())
        }
    }

    fn unsent(&self, what: &str, error: hyper_util::client::legacy::Error) -> ClientError {
        let (kind, detail) = cause(&error);
        if !error.is_connect() {
            return Fault::Lost { method: what.to_owned(), detail }.into();
        }
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or_default();
        let address = format!("{host}:{port}");
        match kind {
            Some(io::ErrorKind::ConnectionRefused) => Fault::Refused { address }.into(),
            _ => Fault::Connect { address, detail, source: Box::new(error) }.into(),
        }
    }
}

/// Whether the request is to be repeated elsewhere as it is (RFC 9110 §15.4).
fn keeps_method(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    )
}

/// The innermost reason of an error in words, and the kind of the I/O error on the way to it.
pub(crate) fn cause(error: &(dyn std::error::Error + 'static)) -> (Option<io::ErrorKind>, String) {
    let mut kind = None;
    let mut innermost = error;
    loop {
        if let Some(error) = innermost.downcast_ref::<io::Error>() {
            kind = Some(error.kind());
        }
        match innermost.source() {
            Some(source) => innermost = source,
            None => return (kind, innermost.to_string()),
        }
    }
}
