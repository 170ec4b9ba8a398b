//! A POST: from bytes to a message, and on to its era.

use bytes::{Buf, Bytes};
use bytestring::ByteString;
use http::request::Parts;
use http::{Response, StatusCode};
use http_body::Body;
use latimer_core::{Peer, Principal};
use latimer_protocol::{ErrorCode, Frame, Message, RpcError};

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
    let frame = Frame::decode(&text, &limits.json)
        .map_err(|error| Refusal::content(StatusCode::BAD_REQUEST, error.error).to(error.id))?;
    match frame {
        // Apart, as is all that is rare: every call would carry the room for it.
        Frame::Batch(elements) => Box::pin(batch::answer(&post, &elements)).await,
        Frame::Message(Message::Request(request)) if era::is_modern(&head.headers, &request.params.meta) => {
            modern::answer(&post, request).await
        }
        Frame::Message(Message::Request(request)) => legacy::answer(&post, request).await,
        Frame::Message(Message::Notification(notification)) => {
            if era::is_modern(&head.headers, &notification.params.meta) {
                // No notification of a client means anything over HTTP in this era; unknown ones are ignored (H-5).
                Ok(refusal::empty(StatusCode::ACCEPTED))
            } else {
                Box::pin(legacy::notice(&post, &notification)).await
            }
        }
        Frame::Message(Message::Response(response)) => {
            if era::names_modern_version(&head.headers) {
                let error = RpcError::invalid_request("clients of 2026-07-28 send no responses");
                Err(Refusal::content(StatusCode::BAD_REQUEST, error))
            } else {
                Box::pin(legacy::answered(&post, &response)).await
            }
        }
    }
}

pub(super) fn text(bytes: Bytes) -> Result<ByteString, Refusal> {
    ByteString::try_from(bytes).map_err(|_| {
        let error = RpcError::new(ErrorCode::PARSE_ERROR, "not UTF-8; send JSON encoded as UTF-8");
        Refusal::content(StatusCode::BAD_REQUEST, error)
    })
}
