//! The HTTP service without a socket, so that what it does can be counted.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Collected};
use hyper::service::Service;
use latimer_core::Limits;
use latimer_transport::http::{HttpOptions, HttpService, ResponseBody};

use crate::message::{self, Client};
use crate::payload::Payload;
use crate::subject;

/// How much of a body hyper hands over at a time, at most.
const FRAME: usize = 16 << 10;

/// A server, and the session of a client of 2025-11-25.
#[derive(Debug)]
pub struct InProcess {
    service: HttpService,
    session: String,
}

impl InProcess {
    /// Serves a server within limits, and opens a session.
    ///
    /// # Errors
    /// When the server cannot be built, or opens no session.
    pub async fn new(server: latimer::Server, limits: Limits) -> Result<Self, Box<dyn Error>> {
        let engine = subject::engine(server, limits).await?;
        let mut this =
            Self { service: HttpService::new(engine, HttpOptions::default())?, session: String::new() };
        this.session = this.open_session().await?;
        Ok(this)
    }

    /// Opens another session, as clients do: `initialize` and the notification after it.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn open_session(&self) -> Result<String, Box<dyn Error>> {
        let response = self.send(request(&message::initialize())?).await?;
        let session = response.headers().get("mcp-session-id").ok_or("the server opened no session")?;
        let session = session.to_str()?.to_owned();
        collect(response).await?;
        let accepted = self.send(request(&message::initialized(&session))?).await?;
        if !accepted.status().is_success() {
            return Err(
                format!("the server answered notifications/initialized with {}", accepted.status()).into()
            );
        }
        Ok(session)
    }

    /// The request of a call.
    ///
    /// # Errors
    /// None that a [`Payload`] can bring about.
    pub fn call(&self, client: Client, payload: Payload) -> Result<Request<Incoming>, Box<dyn Error>> {
        let session = (client == Client::Legacy).then_some(self.session.as_str());
        request(&message::call(client, payload, session, 7))
    }

    /// Sends a request; the answer's body is still to be read.
    ///
    /// # Errors
    /// None: the service answers whatever it is sent.
    pub async fn send(&self, request: Request<Incoming>) -> Result<Response<ResponseBody>, Infallible> {
        Service::call(&self.service, request).await
    }
}

/// The whole body of an answer.
///
/// # Errors
/// When the body breaks off.
pub async fn collect(response: Response<ResponseBody>) -> Result<Bytes, Box<dyn Error>> {
    Ok(response.into_body().collect().await.map(Collected::to_bytes)?)
}

/// The request of an HTTP/1.1 text, as hyper would hand it over.
///
/// # Errors
/// When the text is no request.
pub fn request(text: &[u8]) -> Result<Request<Incoming>, Box<dyn Error>> {
    let text = std::str::from_utf8(text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or("the request has no end of its headers")?;
    let mut builder = Request::post("/mcp");
    for line in head.lines().skip(1) {
        if let Some((name, value)) = line.split_once(": ") {
            builder = builder.header(name, value);
        }
    }
    let body = Bytes::from(body.to_owned());
    // From now on a part of it costs no allocation, which would be counted as the server's.
    drop(body.clone());
    Ok(builder.body(Incoming { body, copied: false })?)
}

/// The same, with a body of which each part is in memory only once it has been asked for, as from a socket.
///
/// # Errors
/// As [`request`].
pub fn arriving(text: &[u8]) -> Result<Request<Incoming>, Box<dyn Error>> {
    Ok(request(text)?.map(|body| Incoming { copied: true, ..body }))
}

/// A body that comes in frames of 16 KiB.
#[derive(Clone, Debug)]
pub struct Incoming {
    body: Bytes,
    copied: bool,
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.body.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.body.len().min(FRAME);
        let frame = self.body.split_to(length);
        let frame = if self.copied { Bytes::copy_from_slice(&frame) } else { frame };
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_empty()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.body.len() as u64)
    }
}
