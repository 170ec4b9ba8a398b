//! Requests of 2026-07-28: self-contained, checked against their headers, answered on their own connection.

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use latimer_core::engine::{self, Caller, Pending, Reply};
use latimer_core::era::modern;
use latimer_protocol::codec::sentinel;
use latimer_protocol::frame::{self, Params, Request};
use latimer_protocol::method::NameParam;
use latimer_protocol::{ErrorCode, Method, Revision, RpcError};

use super::body::ResponseBody;
use super::content;
use super::post::Post;
use super::refusal::{self, Refusal};
use super::service::{METHOD, NAME, VERSION};
use super::stream::CallStream;
use super::trace;

/// Answers a request.
pub(super) async fn answer(
    post: &Post<'_>,
    request: Box<Request<'_>>,
) -> Result<Response<ResponseBody>, Refusal> {
    let id = request.id.to_owned();
    let refuse = |error: RpcError| Refusal::content(status(Some(error.code)), error).to(Some(id.clone()));
    // What a request says about itself decides its status alone (H-10): -32602 is 400 here and 200 elsewhere.
    let malformed = |error: RpcError| Refusal::content(StatusCode::BAD_REQUEST, error).to(Some(id.clone()));
    let revision = admit(&post.head.headers, &request).map_err(malformed)?;
    let method = post.service.engine().method(&request.method, revision).map_err(refuse)?;
    check_name(&post.head.headers, method, &request.params).map_err(refuse)?;
    check_params(post, method, &request.params).map_err(refuse)?;
    let params = request.params.detach(&post.text);
    let (client, log_level) = modern::client(&params.meta).map_err(malformed)?;
    let caller = Caller {
        revision,
        principal: post.principal.clone(),
        peer: post.peer,
        session: None,
        scope: None,
        client,
        log_level,
        trace: trace::of(&post.head.headers),
    };
    let engine = post.service.engine();
    let permit =
        engine.admit(&caller.holder(method)).map_err(|busy| Refusal::busy(busy).to(Some(id.clone())))?;
    let mut pending = engine.begin(engine::Request { id: id.clone(), method, params, caller });
    let options = post.service.options();
    match first_sign(&mut pending, options.patience).await {
        // Cancelled from this side: the server is stopping.
        Sign::Reply(None) => Ok(refusal::empty(StatusCode::SERVICE_UNAVAILABLE)),
        Sign::Reply(Some(reply)) if pending.outbox().is_empty() => Ok(json(reply)),
        Sign::Reply(Some(reply)) => {
            Ok(events(CallStream::ended(pending.outbox().clone(), reply, options.keep_alive)))
        }
        Sign::Event | Sign::Silence => Ok(events(CallStream::running(pending, permit, options.keep_alive))),
    }
}

/// What a call shows first.
enum Sign {
    Reply(Option<Reply>),
    Event,
    Silence,
}

/// Polls a call in place until it is over, has said something, or has been silent for long. Most calls are over at
/// the first poll, and no timer is armed for them. Dropping this cancels the call: the client has gone (H-9).
async fn first_sign(pending: &mut Pending, patience: std::time::Duration) -> Sign {
    let mut silence = pin!(None::<Pin<Box<tokio::time::Sleep>>>);
    poll_fn(|cx| {
        if let Poll::Ready(reply) = Pin::new(&mut *pending).poll(cx) {
            return Poll::Ready(Sign::Reply(reply));
        }
        if !pending.outbox().is_empty_or_wake(cx) {
            return Poll::Ready(Sign::Event);
        }
        let silence = silence.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        silence.as_mut().poll(cx).map(|()| Sign::Silence)
    })
    .await
}

/// Checks what makes a request one of this era, in the order that decides which error wins (DUAL-2).
fn admit(headers: &HeaderMap, request: &Request<'_>) -> Result<Revision, RpcError> {
    let declared = modern::declared_version(&request.params.meta)?;
    let version = single(headers, &VERSION)?.ok_or_else(|| missing(&VERSION))?;
    if version != declared {
        return Err(mismatch(format!(
            "the header MCP-Protocol-Version says \"{}\" and \"_meta\" says \"{}\"; make them equal",
            shown(version),
            shown(&declared)
        )));
    }
    let revision = modern::served(&declared)?;
    let method = single(headers, &METHOD)?.ok_or_else(|| missing(&METHOD))?;
    if method != request.method {
        return Err(mismatch(format!(
            "the header Mcp-Method says \"{}\" and the body \"{}\"; make them equal",
            shown(method),
            shown(&request.method)
        )));
    }
    Ok(revision)
}

/// `Mcp-Name` repeats what the method is about (HDR-1, HDR-3).
fn check_name(headers: &HeaderMap, method: &Method, params: &Params<'_>) -> Result<(), RpcError> {
    let value = match method.name_param {
        None => return Ok(()),
        Some(NameParam::Name) => params.name,
        Some(NameParam::Uri) => params.uri,
        Some(NameParam::TaskId) => params.task_id,
    };
    let header = single(headers, &NAME)?.ok_or_else(|| missing(&NAME))?;
    let header =
        sentinel::decode(header).map_err(|error| mismatch(format!("the header Mcp-Name: {error}")))?;
    // A name that is missing or no string is an error of the parameters, reported where they are read.
    let Some(value) = value.and_then(frame::string) else { return Ok(()) };
    if header == value {
        Ok(())
    } else {
        Err(mismatch(format!(
            "the header Mcp-Name says \"{}\" and the body \"{}\"; make them equal",
            shown(&header),
            shown(&value)
        )))
    }
}

/// `Mcp-Param-*` repeat the arguments that the tool's schema says so of (XH-5).
fn check_params(post: &Post<'_>, method: &Method, params: &Params<'_>) -> Result<(), RpcError> {
    let name = match params.name.and_then(frame::string) {
        Some(name) if method.name == "tools/call" => name,
        _ => return Ok(()),
    };
    let snapshot = post.service.engine().catalog().snapshot();
    let Some(tool) = snapshot.tool(&post.principal, &name) else { return Ok(()) };
    for param in tool.headers() {
        let header_name = param.header_name();
        let name = HeaderName::try_from(header_name.as_str())
            .map_err(|_| mismatch(format!("no header can be named {header_name}")))?;
        let value = single(&post.head.headers, &name)?;
        param
            .check(value, params.arguments)
            .map_err(|error| mismatch(format!("the header {header_name}: {error}")))?;
    }
    Ok(())
}

/// The value of a header that may stand only once, without surrounding white space (HDR-2).
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, RpcError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(mismatch(format!("the header {name} stands more than once")));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text.trim_matches([' ', '\t']))),
        Err(_) => Err(mismatch(format!(
            "the header {name} holds other characters than ASCII; encode it (=?base64?…?=)"
        ))),
    }
}

fn missing(name: &HeaderName) -> RpcError {
    mismatch(format!("the header {name} is missing; requests of 2026-07-28 repeat it from the body"))
}

fn mismatch(message: String) -> RpcError {
    RpcError::new(ErrorCode::HEADER_MISMATCH, message)
}

fn shown(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(80) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// The status that goes with an error (H-10).
fn status(error: Option<ErrorCode>) -> StatusCode {
    match error {
        Some(ErrorCode::METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        Some(
            ErrorCode::PARSE_ERROR
            | ErrorCode::INVALID_REQUEST
            | ErrorCode::HEADER_MISMATCH
            | ErrorCode::MISSING_CLIENT_CAPABILITY
            | ErrorCode::UNSUPPORTED_PROTOCOL_VERSION,
        ) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

fn json(reply: Reply) -> Response<ResponseBody> {
    refusal::json(status(reply.error), reply.bytes)
}

/// An event stream; intermediaries are asked to pass it on as it comes (H-7).
pub(super) fn events(stream: CallStream) -> Response<ResponseBody> {
    event_stream(ResponseBody::call(stream))
}

pub(super) fn event_stream(body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content::EVENTS);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}
