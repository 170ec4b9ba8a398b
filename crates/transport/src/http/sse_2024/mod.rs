//! HTTP+SSE of 2024-11-05 (SSE-1), where it is switched on: the client keeps one event stream open and posts its
//! messages elsewhere.
//!
//! A session is a byte stream ([`crate::stream`]) whose input is what is posted and whose output is the event stream,
//! so that it can do whatever a byte stream can. It lives in this process, as long as its event stream.

mod events;
mod inbox;
mod sessions;

use bytes::{Buf, Bytes};
use bytestring::ByteString;
use http::request::Parts;
use http::{Response, StatusCode, Uri};
use http_body::Body;
use latimer_core::{Peer, Principal, SessionId};
use latimer_protocol::codec::line;
use latimer_protocol::{Frame, Message, Method, RpcError};

use super::body::{self, ResponseBody};
use super::modern::event_stream;
use super::options::HttpOptions;
use super::post::text;
use super::refusal::{self, Refusal};
use super::service::HttpService;
use super::{content, era};
use crate::stream::{self, StreamOptions};

pub(super) use events::SessionEvents;
pub(super) use sessions::Sessions;

/// Where the event stream is opened.
pub(super) const STREAM: &str = "/sse";
/// Where messages are posted.
pub(super) const MESSAGE: &str = "/message";

/// Opens a session: its first event says where to post.
pub(super) fn open(
    service: &HttpService,
    head: &Parts,
    principal: &Principal,
    peer: Peer,
) -> Result<Response<ResponseBody>, Refusal> {
    content::check_accept_events(&head.headers)?;
    let engine = service.engine().clone();
    let (open, inbox) = service.sse_sessions().open(principal, peer, &engine.limits())?;
    let endpoint = endpoint(service.options(), open.id());
    tracing::info!(session = %open.id(), %principal, "HTTP+SSE session opened");
    let (output, events) = tokio::io::duplex(PIPE);
    service.calls().spawn({
        let (session, principal) = (open.id().clone(), principal.clone());
        let stop = service.closing().clone().cancelled_owned();
        async move {
            let options = StreamOptions::default();
            let end = stream::serve(engine, options, principal, peer, inbox, output, stop).await;
            tracing::info!(%session, ?end, "HTTP+SSE session closed");
        }
    });
    let events = SessionEvents::new(&endpoint, events, open, service.options().keep_alive);
    Ok(event_stream(ResponseBody::session(events)))
}

/// Takes a message; what there is to answer comes on the event stream.
pub(super) async fn take<B>(
    service: &HttpService,
    head: &Parts,
    body: B,
    principal: &Principal,
) -> Result<Response<ResponseBody>, Refusal>
where
    B: Body<Data: Buf>,
{
    content::check_content_type(&head.headers)?;
    let session = session_id(&head.uri)?;
    let messages = service.sse_sessions().find(&session, principal).ok_or_else(gone)?;
    let limits = service.engine().limits();
    let bytes = body::read(body, limits.message_bytes, service.options().read_timeout).await?;
    let text = text(bytes)?;
    check(service, head, &text)?;
    let mut line = Vec::with_capacity(text.len() + 1);
    line::write_line(text.as_bytes(), &mut line);
    // Reading never stops, so that this does not wait for any call.
    messages.send(Bytes::from(line)).await.map_err(|_| gone())?;
    Ok(refusal::empty(StatusCode::ACCEPTED))
}

/// The answer where this transport is switched off.
pub(super) fn off(options: &HttpOptions) -> Refusal {
    let message = format!(
        "HTTP+SSE of 2024-11-05 is switched off; point the client at {} (Streamable HTTP), or set http_sse to true",
        options.path
    );
    Refusal::content(StatusCode::NOT_FOUND, RpcError::invalid_request(message))
}

/// How much waits between a session and its event stream before the session's own bounds count.
const PIPE: usize = 64 << 10;

/// Where messages of a session are posted, as its client sees the server: without scheme and host, so that it cannot
/// be another one's.
fn endpoint(options: &HttpOptions, session: &SessionId) -> String {
    // A proxy may serve this server below a path of its own.
    let public = options.public_url.as_ref().map_or("", Uri::path);
    let below = public.trim_end_matches('/').strip_suffix(options.path.trim_end_matches('/')).unwrap_or("");
    format!("{below}{MESSAGE}?sessionId={session}")
}

fn session_id(uri: &Uri) -> Result<SessionId, Refusal> {
    let query = uri.query().unwrap_or_default();
    let mut ids = query.split('&').filter_map(|pair| pair.strip_prefix("sessionId="));
    match (ids.next(), ids.next()) {
        (Some(id), None) => SessionId::parse(id).ok_or_else(gone),
        _ => Err(Refusal::envelope(
            StatusCode::BAD_REQUEST,
            "the query needs one \"sessionId\"; post to the URI that the event \"endpoint\" named",
        )),
    }
}

fn gone() -> Refusal {
    Refusal::envelope(StatusCode::NOT_FOUND, "no such session; open its event stream with GET /sse first")
}

/// Refuses what is no message, and what cannot be answered on a byte stream of the older revisions.
fn check(service: &HttpService, head: &Parts, text: &ByteString) -> Result<(), Refusal> {
    let frame = Frame::decode(text, &service.engine().limits().json)
        .map_err(|error| Refusal::content(StatusCode::BAD_REQUEST, error.error).to(error.id))?;
    let Frame::Message(Message::Request(request)) = frame else { return Ok(()) };
    let only_modern = Method::named(&request.method).is_some_and(|method| method.since.is_modern());
    if !only_modern && !era::is_modern(&head.headers, &request.params.meta) {
        return Ok(());
    }
    let message = format!(
        "requests of 2026-07-28 are not served over HTTP+SSE; post them to {}",
        service.options().path
    );
    let error = RpcError::invalid_request(message);
    Err(Refusal::content(StatusCode::BAD_REQUEST, error).to(Some(request.id.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sse_1_the_endpoint_is_of_the_same_origin_and_below_the_path_of_a_proxy() {
        let session = SessionId::parse(&"a".repeat(32)).unwrap();
        let at = |public_url: Option<&'static str>| {
            let public_url = public_url.map(Uri::from_static);
            endpoint(&HttpOptions { public_url, ..HttpOptions::default() }, &session)
        };
        let plain = format!("/message?sessionId={}", "a".repeat(32));
        assert_eq!(at(None), plain);
        assert_eq!(at(Some("https://mcp.example.org/mcp")), plain);
        assert_eq!(at(Some("https://example.org/tools/mcp")), format!("/tools{plain}"));
        assert_eq!(at(Some("https://example.org/elsewhere")), plain);
    }

    #[test]
    fn sse_1_a_message_names_one_session() {
        let id = "0".repeat(32);
        let named = |query: &str| session_id(&format!("/message?{query}").parse().unwrap());
        assert_eq!(named(&format!("sessionId={id}")).unwrap().as_str(), id);
        assert_eq!(named(&format!("x=1&sessionId={id}&y")).unwrap().as_str(), id);
        for (query, status) in [
            (String::new(), StatusCode::BAD_REQUEST),
            (format!("sessionid={id}"), StatusCode::BAD_REQUEST),
            (format!("sessionId={id}&sessionId={id}"), StatusCode::BAD_REQUEST),
            ("sessionId=".to_owned(), StatusCode::NOT_FOUND),
            (format!("sessionId={id}0"), StatusCode::NOT_FOUND),
        ] {
            assert_eq!(named(&query).unwrap_err().status(), status, "{query}");
        }
    }
}
