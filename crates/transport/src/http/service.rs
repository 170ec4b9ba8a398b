//! The endpoint as a tower service.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Buf;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use latimer_core::admission::Admission;
use latimer_core::identify::Credentials;
use latimer_core::{Engine, Principal, SessionId};
use latimer_protocol::{ErrorCode, RpcError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::{self, ResponseBody};
use super::options::{HttpOptions, OptionsError};
use super::refusal::{self, Refusal};
use super::{cors, era, landing, legacy, origin, peer, post, security, sse_2024};

pub(super) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(super) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(super) const NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Serves the MCP endpoint, its health and its landing page. Cheap to clone.
///
/// It is a tower service over any body, to be served by this crate or mounted in another server.
#[derive(Clone, Debug)]
pub struct HttpService(Arc<Inner>);

/// What was asked but its body, and who is on the other end of the connection, where that is known.
struct Asked {
    head: Parts,
    connection: Option<SocketAddr>,
}

#[derive(Debug)]
struct Inner {
    engine: Engine,
    options: HttpOptions,
    streams: Admission<SessionId>,
    sse_sessions: sse_2024::Sessions,
    /// Calls that do not depend on their connections.
    calls: TaskTracker,
    closing: CancellationToken,
}

impl HttpService {
    /// Serves an engine.
    ///
    /// # Errors
    /// When an option cannot be.
    pub fn new(engine: Engine, options: HttpOptions) -> Result<Self, OptionsError> {
        options.check()?;
        let streams = Admission::new(usize::MAX, engine.limits().streams_per_session);
        let (calls, closing) = (TaskTracker::new(), CancellationToken::new());
        let sse_sessions = sse_2024::Sessions::default();
        Ok(Self(Arc::new(Inner { engine, options, streams, sse_sessions, calls, closing })))
    }

    /// What it serves.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Says that the server is stopping: it is not ready any more, and streams that wait end.
    pub fn close(&self) {
        self.0.closing.cancel();
        self.0.engine.stop();
    }

    pub(super) fn options(&self) -> &HttpOptions {
        &self.0.options
    }

    pub(super) fn streams(&self) -> &Admission<SessionId> {
        &self.0.streams
    }

    pub(super) fn sse_sessions(&self) -> &sse_2024::Sessions {
        &self.0.sse_sessions
    }

    pub(super) fn calls(&self) -> &TaskTracker {
        &self.0.calls
    }

    pub(super) fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    /// Answers a request of a connection whose other end is known.
    pub(super) async fn respond_to<B>(
        self,
        request: Request<B>,
        connection: Option<SocketAddr>,
    ) -> Response<ResponseBody>
    where
        B: Body<Data: Buf>,
    {
        let began = Instant::now();
        let (head, body) = request.into_parts();
        let asked = Asked { head, connection };
        let head = &asked.head;
        let mut body = pin!(body);
        let options = self.options();
        let mut origin = None;
        let outcome = match origin::check(options, &head.uri, &head.headers) {
            Ok(allowed) => {
                origin = allowed;
                self.route(&asked, body.as_mut()).await
            }
            // Probes name the host by whatever address they use, and health tells a foreign page nothing.
            Err(_) if matches!(head.uri.path(), "/health" | "/health/ready") => {
                self.route(&asked, body.as_mut()).await
            }
            Err(foreign) => Err(Refusal::envelope(StatusCode::FORBIDDEN, foreign.to_string())),
        };
        let gave_up = matches!(&outcome, Err(refusal) if refusal.status() == StatusCode::REQUEST_TIMEOUT);
        if !gave_up && !head.headers.contains_key(header::EXPECT) {
            body::discard(body).await;
        }
        let mut response = outcome.unwrap_or_else(|refusal| {
            refusal.into_response(era::assumed(&head.headers), options.strict_empty_errors)
        });
        cors::expose(origin.as_ref(), response.headers_mut());
        security::stamp(response.headers_mut(), options.is_https());
        tracing::debug!(
            method = %head.method,
            path = head.uri.path(),
            status = response.status().as_u16(),
            ms = began.elapsed().as_secs_f64() * 1e3,
            "answered a request"
        );
        response
    }

    async fn route<B>(&self, asked: &Asked, body: B) -> Result<Response<ResponseBody>, Refusal>
    where
        B: Body<Data: Buf>,
    {
        let head = &asked.head;
        if header_bytes(head) > self.engine().limits().header_bytes {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            return Err(Refusal::envelope(
                status,
                "the header block is too large; send fewer or shorter headers",
            ));
        }
        let get = head.method == Method::GET || head.method == Method::HEAD;
        match head.uri.path() {
            path if same(path, &self.options().path) => self.endpoint(asked, body).await,
            path if same(path, sse_2024::STREAM) || same(path, sse_2024::MESSAGE) => {
                // Apart, so that every call does not carry the room for the rarer requests.
                Box::pin(self.sse_2024(asked, body, path)).await
            }
            "/health" if get => Ok(health(StatusCode::OK, "ok")),
            "/health/ready" if get && !self.closing().is_cancelled() => Ok(health(StatusCode::OK, "ready")),
            "/health/ready" if get => Ok(health(StatusCode::SERVICE_UNAVAILABLE, "stopping")),
            "/" if get => Ok(landing::page(self)),
            "/" | "/health" | "/health/ready" => Err(not_allowed("GET")),
            _ => {
                let message = format!("nothing is served here; the MCP endpoint is {}", self.options().path);
                Err(Refusal::content(StatusCode::NOT_FOUND, RpcError::invalid_request(message)))
            }
        }
    }

    async fn endpoint<B>(&self, asked: &Asked, body: B) -> Result<Response<ResponseBody>, Refusal>
    where
        B: Body<Data: Buf>,
    {
        let Asked { head, connection } = asked;
        if head.method == Method::OPTIONS {
            return Ok(cors::preflight(&head.headers));
        }
        let principal = self.principal(&head.headers).await?;
        let modern = era::names_modern_version(&head.headers);
        match head.method {
            Method::POST => {
                let peer = peer::of(head, *connection, &self.options().trusted_proxies);
                post::answer(self, head, body, principal, peer).await
            }
            // Apart, so that every call does not carry the room for the rarer requests.
            Method::GET if !modern => Box::pin(legacy::listen(self, head, &principal)).await,
            Method::DELETE if !modern => Box::pin(legacy::end(self, head, &principal)).await,
            _ if modern => Err(not_allowed("POST, OPTIONS")),
            _ => Err(not_allowed("GET, POST, DELETE, OPTIONS")),
        }
    }

    /// HTTP+SSE of 2024-11-05: the event stream, and where its client posts.
    async fn sse_2024<B>(&self, asked: &Asked, body: B, path: &str) -> Result<Response<ResponseBody>, Refusal>
    where
        B: Body<Data: Buf>,
    {
        if !self.options().http_sse {
            return Err(sse_2024::off(self.options()));
        }
        let Asked { head, connection } = asked;
        if head.method == Method::OPTIONS {
            return Ok(cors::preflight(&head.headers));
        }
        let principal = self.principal(&head.headers).await?;
        let is_stream = same(path, sse_2024::STREAM);
        match head.method {
            Method::GET if is_stream => {
                let peer = peer::of(head, *connection, &self.options().trusted_proxies);
                sse_2024::open(self, head, &principal, peer)
            }
            Method::POST if !is_stream => sse_2024::take(self, head, body, &principal).await,
            _ if is_stream => Err(not_allowed("GET, OPTIONS")),
            _ => Err(not_allowed("POST, OPTIONS")),
        }
    }

    async fn principal(&self, headers: &HeaderMap) -> Result<Principal, Refusal> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        // What is not text, or stands twice, is no credential.
        let authorization = values.next().map(|value| value.to_str().unwrap_or_default());
        let authorization = if values.next().is_some() { Some("") } else { authorization };
        let identified = self.engine().identify().identify(Credentials { authorization }).await;
        identified.map_err(|error| {
            let refused = RpcError::new(ErrorCode::INVALID_REQUEST, error.to_string());
            Refusal::content(StatusCode::UNAUTHORIZED, refused)
                .with(header::WWW_AUTHENTICATE, HeaderValue::from_static(error.challenge()))
        })
    }
}

/// Whether two paths are the same but for a slash at the end, which users and proxies add.
fn same(path: &str, own: &str) -> bool {
    path.strip_suffix('/').unwrap_or(path) == own.strip_suffix('/').unwrap_or(own)
}

/// The size of the header block, as on an HTTP/1.1 wire.
fn header_bytes(head: &Parts) -> usize {
    let line = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 4;
    head.headers.iter().map(line).sum()
}

fn not_allowed(allowed: &'static str) -> Refusal {
    let message = format!("this method is not served here; use {allowed}");
    Refusal::content(StatusCode::METHOD_NOT_ALLOWED, RpcError::invalid_request(message))
        .with(header::ALLOW, HeaderValue::from_static(allowed))
}

fn health(status: StatusCode, word: &'static str) -> Response<ResponseBody> {
    let mut response = refusal::json(status, format!("{{\"status\":\"{word}\"}}").into());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl<B> tower_service::Service<Request<B>> for HttpService
where
    B: Body<Data: Send> + Send + 'static,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.respond_to(request, None).await) })
    }
}

impl<B> hyper::service::Service<Request<B>> for HttpService
where
    B: Body<Data: Send> + Send + 'static,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.respond_to(request, None).await) })
    }
}
