//! A POST: from bytes to a message, and on to its era.

use bytes::{Buf, Bytes};
use bytestring::ByteString;
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use latimer_core::{Peer, Principal};
use latimer_protocol::frame::{self as protocol, Notification, Request};
use latimer_protocol::{ErrorCode, Frame, Limits, Message, RpcError};

use super::body::{self, ResponseBody};
use super::refusal::{self, Refusal};
use super::service::HttpService;
use super::{batch, content, era, legacy, modern};

/// A POST whose sender is known.
pub(super) struct Post<'a> {
    pub(super) service: &'a HttpService,
    pub(super) head: &'a Parts,
    pub(super) principal: Principal,
    pub(super) peer: Peer,
    /// The text of its message.
    pub(super) text: ByteString,
}

/// Answers a POST.
pub(super) async fn answer<B>(
    service: &HttpService,
    head: &Parts,
    body: B,
    principal: Principal,
    peer: Peer,
) -> Result<Response<ResponseBody>, Refusal>
where
    B: Body<Data: Buf>,
{
    content::check_content_type(&head.headers)?;
    content::check_accept_both(&head.headers)?;
    let limits = service.engine().limits();
    let bytes = body::read(body, limits.message_bytes, service.options().read_timeout).await?;
    let post = Post { service, head, principal, peer, text: text(bytes)? };
    let text = post.text.clone();
    match read(&text, &limits.json, &head.headers)? {
        Read::Modern(request) => modern::answer(&post, request).await,
        Read::Legacy(request) => legacy::answer(&post, request).await,
        // Apart, as is all that is rare: every call would carry the room for it.
        Read::Batch(elements) => Box::pin(batch::answer(&post, &elements)).await,
        Read::Notice(notification) => Box::pin(legacy::notice(&post, &notification)).await,
        Read::Answer(response) => Box::pin(legacy::answered(&post, &response)).await,
        // No notification of a client means anything over HTTP in this era; unknown ones are ignored (H-5).
        Read::ModernNotice => Ok(refusal::empty(StatusCode::ACCEPTED)),
    }
}

/// What a POST holds. Boxed: what is awaited would have the room for it in each of its steps.
enum Read<'a> {
    Modern(Box<Request<'a>>),
    Legacy(Box<Request<'a>>),
    Batch(Vec<&'a str>),
    Notice(Box<Notification<'a>>),
    ModernNotice,
    Answer(Box<protocol::Response<'a>>),
}

fn read<'a>(text: &'a str, limits: &Limits, headers: &HeaderMap) -> Result<Read<'a>, Refusal> {
    let frame = Frame::decode(text, limits)
        .map_err(|error| Refusal::content(StatusCode::BAD_REQUEST, error.error).to(error.id))?;
    match frame {
        Frame::Batch(elements) => Ok(Read::Batch(elements)),
        Frame::Message(Message::Request(request)) => {
            let is_modern = era::is_modern(headers, &request.params.meta);
            let request = Box::new(request);
            Ok(if is_modern { Read::Modern(request) } else { Read::Legacy(request) })
        }
        Frame::Message(Message::Notification(notification)) => {
            let is_modern = era::is_modern(headers, &notification.params.meta);
            Ok(if is_modern { Read::ModernNotice } else { Read::Notice(Box::new(notification)) })
        }
        Frame::Message(Message::Response(_)) if era::names_modern_version(headers) => {
            let error = RpcError::invalid_request("clients of 2026-07-28 send no responses");
            Err(Refusal::content(StatusCode::BAD_REQUEST, error))
        }
        Frame::Message(Message::Response(response)) => Ok(Read::Answer(Box::new(response))),
    }
}

pub(super) fn text(bytes: Bytes) -> Result<ByteString, Refusal> {
    ByteString::try_from(bytes).map_err(|_| {
        let error = RpcError::new(ErrorCode::PARSE_ERROR, "not UTF-8; send JSON encoded as UTF-8");
        Refusal::content(StatusCode::BAD_REQUEST, error)
    })
}
