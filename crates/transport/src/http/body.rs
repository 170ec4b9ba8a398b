//! Bodies: reading a request's within its limit, and the three forms of a response's.

use std::convert::Infallible;
use std::fmt;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use latimer_protocol::{ErrorCode, RpcError};

use super::refusal::Refusal;
use super::replay::Replay;
use super::sse_2024::SessionEvents;
use super::stream::CallStream;

/// The body of a response: nothing, one JSON text, or an event stream.
pub struct ResponseBody(Form);

enum Form {
    Full(Option<Bytes>),
    Call(Box<CallStream>),
    Replay(Box<Replay>),
    Session(Box<SessionEvents>),
}

impl ResponseBody {
    pub(super) fn empty() -> Self {
        Self(Form::Full(None))
    }

    pub(super) fn full(bytes: Bytes) -> Self {
        Self(Form::Full(Some(bytes)))
    }

    pub(super) fn call(stream: CallStream) -> Self {
        Self(Form::Call(Box::new(stream)))
    }

    pub(super) fn replay(stream: Replay) -> Self {
        Self(Form::Replay(Box::new(stream)))
    }

    pub(super) fn session(stream: SessionEvents) -> Self {
        Self(Form::Session(Box::new(stream)))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match &mut self.0 {
            Form::Full(bytes) => Poll::Ready(bytes.take()),
            Form::Call(stream) => stream.poll_data(cx),
            Form::Replay(stream) => stream.poll_data(cx),
            Form::Session(stream) => stream.poll_data(cx),
        };
        data.map(|data| data.map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Form::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Form::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            _ => SizeHint::default(),
        }
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Form::Full(_) => "ResponseBody::Full",
            Form::Call(_) => "ResponseBody::Call",
            Form::Replay(_) => "ResponseBody::Replay",
            Form::Session(_) => "ResponseBody::Session",
        })
    }
}

/// Reads what is left of a body and forgets it, within bounds: a client that writes while its connection is closed
/// loses the answer.
pub(super) async fn discard<B>(mut body: Pin<&mut B>)
where
    B: Body<Data: Buf>,
{
    if body.is_end_stream() {
        return;
    }
    let discarding = async {
        let mut left = DISCARDED;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Buf::remaining);
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // Whoever takes longer has to live with it.
    let _ = tokio::time::timeout(DISCARDING, discarding).await;
}

const DISCARDED: usize = 16 << 20;
const DISCARDING: Duration = Duration::from_secs(2);

/// Reads the body of a request, as long as it keeps to `limit` bytes and comes in time.
pub(super) async fn read<B>(body: B, limit: usize, time: Duration) -> Result<Bytes, Refusal>
where
    B: Body<Data: Buf>,
{
    let too_large = || {
        let message = format!("the message is larger than {limit} bytes; send less at a time");
        Refusal::content(StatusCode::PAYLOAD_TOO_LARGE, RpcError::new(ErrorCode::INVALID_REQUEST, message))
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let reading = async {
        let mut body = pin!(body);
        let mut first: Option<Bytes> = None;
        let mut all = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame =
                frame.map_err(|_| Refusal::envelope(StatusCode::BAD_REQUEST, "the body broke off"))?;
            let Ok(mut data) = frame.into_data() else { continue };
            let length = data.remaining();
            if all.len() + first.as_ref().map_or(0, Bytes::len) + length > limit {
                return Err(too_large());
            }
            let chunk = data.copy_to_bytes(length);
            match first.take() {
                // Most messages come in one piece, which is kept as it is.
                None if all.is_empty() => first = Some(chunk),
                None => all.extend_from_slice(&chunk),
                Some(before) => {
                    let hint = usize::try_from(body.size_hint().lower()).unwrap_or(0);
                    all.reserve(before.len() + chunk.len() + hint.min(limit));
                    all.extend_from_slice(&before);
                    all.extend_from_slice(&chunk);
                }
            }
        }
        Ok(first.unwrap_or_else(|| all.freeze()))
    };
    tokio::time::timeout(time, reading).await.unwrap_or_else(|_| {
        Err(Refusal::envelope(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive"))
    })
}
