//! One request, from the wish to the result.

use std::borrow::Cow;
use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use latimer_protocol::frame::string;
use latimer_protocol::rewrite::member;
use latimer_protocol::wire::ProgressParams;
use latimer_protocol::{ErrorCode, RawJson};
use tokio::time::Instant;

use crate::authorization::BoxFuture;
use crate::client::Client;
use crate::connection::Outgoing;
use crate::envelope;
use crate::error::{ClientError, Fault};
use crate::http;
use crate::notification::Feed;

/// A request that is sent when it is awaited, and cancelled when the future is dropped (CAN-1, CAN-2).
#[must_use = "nothing is sent before it is awaited"]
pub struct Call<'c, T> {
    client: &'c Client,
    method: Cow<'c, str>,
    /// An object as JSON text.
    params: String,
    on_progress: Option<Box<dyn FnMut(ProgressParams) + Send + 'c>>,
    timeout: Duration,
    finish: fn(RawJson) -> Result<T, ClientError>,
}

impl<'c, T> Call<'c, T> {
    pub(crate) fn new(
        client: &'c Client,
        method: impl Into<Cow<'c, str>>,
        params: String,
        finish: fn(RawJson) -> Result<T, ClientError>,
    ) -> Self {
        let timeout = client.timeouts().request;
        Self { client, method: method.into(), params, on_progress: None, timeout, finish }
    }

    /// Asks for progress (PRG-1) and hears of it. Whoever falls far behind hears of the newest only.
    pub fn on_progress(mut self, hear: impl FnMut(ProgressParams) + Send + 'c) -> Self {
        self.on_progress = Some(Box::new(hear));
        self
    }

    /// Waits this long for the result instead of [`Timeouts::request`](crate::Timeouts::request). Progress starts the time anew.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn run(mut self) -> Result<T, ClientError> {
        let has_headers = self.method == "tools/call" && self.client.connection().has_headers();
        if has_headers {
            self.client.learn_tools().await?;
        }
        let result = match self.in_turn().await {
            Err(error) if has_headers && is_header_mismatch(&error) => {
                // The tool's definition may have changed since it was listed (XH-6).
                tracing::debug!(%error, "listing the tools anew");
                self.client.list_tools().await?;
                self.in_turn().await?
            }
            result => result?,
        };
        (self.finish)(self.check(result)?)
    }

    /// Waits until not too many others are in flight.
    async fn in_turn(&mut self) -> Result<RawJson, ClientError> {
        let turn = self.client.slots().acquire();
        match tokio::time::timeout(self.timeout, turn).await {
            Ok(Ok(_turn)) => self.attempt().await,
            Ok(Err(_)) => Err(Fault::Closed.into()),
            Err(_) => Err(ClientError::timeout(&self.method, self.timeout)),
        }
    }

    async fn attempt(&mut self) -> Result<RawJson, ClientError> {
        let Self { client, method, params, on_progress, timeout, .. } = self;
        let id = client.next_id();
        let feed = on_progress.is_some().then(|| client.notices().follow(id));
        let introduction = client.introduction();
        let headers = match introduction.filter(|_| client.connection().has_headers()) {
            Some(introduction) => {
                let mirrored = match tool_name(method, params) {
                    Some(tool) => client.tools().annotations(&tool)?,
                    None => Vec::new(),
                };
                http::standard(introduction.revision(), method, params, &mirrored)?
            }
            None => ::http::HeaderMap::new(),
        };
        let body = envelope::request(id, method, params, introduction, feed.is_some())?;
        let mut hear = |report| {
            if let Some(hear) = on_progress {
                hear(report);
            }
        };

        let latest = Instant::now() + client.timeouts().total;
        let mut deadline = Instant::now() + *timeout;
        let request = Outgoing { id, method, headers, body };
        let mut exchange = std::pin::pin!(client.connection().exchange(request));
        let result = loop {
            tokio::select! {
                biased;
                report = next(feed.as_ref()) => {
                    hear(report);
                    deadline = Instant::now() + *timeout;
                }
                result = &mut exchange => break result,
                () = tokio::time::sleep_until(deadline.min(latest)) => {
                    let after = if latest < deadline { client.timeouts().total } else { *timeout };
                    return Err(ClientError::timeout(method, after));
                }
            }
        };
        while let Some(report) = feed.as_ref().and_then(Feed::take) {
            hear(report);
        }
        result
    }

    /// In the modern era, a result is one of those kinds that this client can finish (DET-6, RES-1).
    fn check(&self, result: RawJson) -> Result<RawJson, ClientError> {
        if self.client.introduction().is_none() {
            return Ok(result);
        }
        let kind = member(result.as_str(), "resultType")
            .map_err(|_| ClientError::malformed("the server's answer", "its result is not an object"))?;
        let method = || self.method.clone().into_owned();
        match kind.map(|kind| string(kind).unwrap_or(Cow::Borrowed(kind))).as_deref() {
            None | Some("complete") => Ok(result),
            Some("input_required") => Err(Fault::InputRequired { method: method() }.into()),
            Some(found) => {
                let found = found.chars().take(64).collect();
                Err(Fault::ResultType { method: method(), found }.into())
            }
        }
    }
}

impl<'c, T: 'c> IntoFuture for Call<'c, T> {
    type Output = Result<T, ClientError>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<T> fmt::Debug for Call<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("params", &self.params)
            .field("on_progress", &self.on_progress.is_some())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn is_header_mismatch(error: &ClientError) -> bool {
    error.rpc().is_some_and(|error| error.code == ErrorCode::HEADER_MISMATCH)
}

fn tool_name<'p>(method: &str, params: &'p str) -> Option<Cow<'p, str>> {
    (method == "tools/call").then(|| member(params, "name").ok().flatten().and_then(string))?
}

async fn next(feed: Option<&Feed>) -> ProgressParams {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}
