//! Reading what an HTTP server answers.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use latimer_protocol::codec::sse::{Decoder, DecoderEvent, Received};
use latimer_protocol::{Limits, RawJson};

use super::endpoint::cause;
use crate::error::{ClientError, Fault};
use crate::inbound::{self, Inbound};
use crate::options::ClientLimits;

/// How much of a page that is no MCP answer is quoted.
const EXCERPT: usize = 120;

/// How long the rest of a stream that has said everything may take before its connection is given up.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// The head of an answer, and its body unless that is a stream.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

/// What an answer holds.
pub(crate) enum Body {
    /// Nothing.
    Empty,
    /// One text, JSON as far as one can tell from its first character or its type.
    Json(ByteString),
    /// Events.
    Stream(Box<EventStream>),
    /// Something else; the beginning of it for the error.
    Other(String),
}

impl Reply {
    pub(crate) async fn read(
        what: &str,
        response: Response<Incoming>,
        limits: &ClientLimits,
    ) -> Result<Self, ClientError> {
        let (head, body) = response.into_parts();
        let kind = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let body = if head.status.is_success() && kind == "text/event-stream" {
            Body::Stream(Box::new(EventStream::new(what, body, limits.message)))
        } else {
            sort(collect(what, body, limits.message).await?, &kind)?
        };
        Ok(Self { status: head.status, headers: head.headers, body })
    }

    /// The error that an answer without a JSON-RPC message stands for.
    pub(crate) fn refusal(&self) -> ClientError {
        let excerpt = match &self.body {
            Body::Json(text) => quoted(text),
            Body::Other(excerpt) => excerpt.clone(),
            Body::Empty => " with an empty body".to_owned(),
            Body::Stream(_) => " with a stream".to_owned(),
        };
        Fault::Status { status: self.status.as_u16(), excerpt }.into()
    }

    /// The messages that the body holds, if it is a text of messages.
    pub(crate) fn messages(&self, limits: &ClientLimits) -> Result<Vec<Inbound>, ClientError> {
        match &self.body {
            Body::Json(text) => messages(text, limits),
            _ => Err(self.refusal()),
        }
    }
}

/// Reads a body, or the data of an event, as messages.
pub(crate) fn messages(text: &ByteString, limits: &ClientLimits) -> Result<Vec<Inbound>, ClientError> {
    let limits = Limits { values: limits.values, ..Limits::default() };
    inbound::read(text, &limits)
        .map_err(|error| ClientError::malformed("the server's answer", error.to_string()))
}

/// What a JSON-RPC answer means for its caller.
pub(crate) fn outcome(
    method: &str,
    status: StatusCode,
    response: inbound::Response,
) -> Result<RawJson, ClientError> {
    response.outcome.map_err(|error| {
        Fault::Rpc { method: method.to_owned(), error, status: Some(status.as_u16()) }.into()
    })
}

fn sort(bytes: Bytes, kind: &str) -> Result<Body, ClientError> {
    let first = bytes.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    Ok(match first {
        None => Body::Empty,
        // Old servers name no type, or another one, for their errors.
        Some(b'{' | b'[') => Body::Json(
            ByteString::try_from(bytes)
                .map_err(|_| ClientError::malformed("the server's answer", "it is not UTF-8"))?,
        ),
        Some(_) => {
            let text = String::from_utf8_lossy(bytes.get(..4 * EXCERPT).unwrap_or(&bytes)).into_owned();
            let kind = if kind.is_empty() { String::new() } else { format!(" with {kind}") };
            Body::Other(format!("{kind}{}", quoted(&text)))
        }
    })
}

fn quoted(text: &str) -> String {
    let shown: String = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|character| !character.is_control())
        .take(EXCERPT)
        .collect();
    format!(" (\"{shown}\")")
}

async fn collect(what: &str, mut body: Incoming, limit: usize) -> Result<Bytes, ClientError> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| lost(what, &error))?.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(Fault::TooLarge { limit }.into());
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

fn lost(what: &str, error: &hyper::Error) -> ClientError {
    Fault::Lost { method: what.to_owned(), detail: cause(error).1 }.into()
}

/// The events of one answer.
pub(crate) struct EventStream {
    what: String,
    body: Incoming,
    decoder: Decoder,
    limit: usize,
}

impl EventStream {
    fn new(what: &str, body: Incoming, limit: usize) -> Self {
        Self { what: what.to_owned(), body, decoder: Decoder::new(limit), limit }
    }

    /// The next event that says something; `None` at the end of the stream. Events without data only carry an
    /// id (LH-4), and those of other kinds than `message` are not for us.
    pub(crate) async fn next(&mut self) -> Result<Option<ByteString>, ClientError> {
        self.next_of("message").await
    }

    /// The next event of this kind that says something.
    pub(crate) async fn next_of(&mut self, kind: &str) -> Result<Option<ByteString>, ClientError> {
        loop {
            while let Some(event) = self.decoder.next_event() {
                match event {
                    DecoderEvent::Event(Received { event, data, .. }) if event == kind => {
                        if !data.is_empty() {
                            return Ok(Some(data.into()));
                        }
                    }
                    DecoderEvent::Event(_) => {}
                    DecoderEvent::TooLarge => return Err(Fault::TooLarge { limit: self.limit }.into()),
                }
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.decoder.push(data);
                    }
                }
                Some(Err(error)) => return Err(lost(&self.what, &error)),
            }
        }
    }

    /// The id to resume after; empty if there was none.
    pub(crate) fn last_id(&self) -> &str {
        self.decoder.last_id()
    }

    /// How long the server wants us to wait before we come back.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.decoder.retry().map(Duration::from_millis)
    }

    /// Lets a stream whose answer has come run out, so that its connection can be used again.
    pub(crate) fn drain(mut self) {
        tokio::spawn(tokio::time::timeout(DRAIN_LIMIT, async move {
            while let Some(Ok(_)) = self.body.frame().await {}
        }));
    }
}
