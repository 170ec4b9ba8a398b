//! JSON-RPC messages, borrowed from the text they came in.
//!
//! One pass finds the text sound and makes an index over it ([`crate::tape`]). From that the envelope and the few
//! parameters that routing needs are cut out; everything else stays the sender's text. The index goes along with the
//! arguments of a call, so that nobody has to look for their parts again.

use std::borrow::Cow;

use crate::error::{ErrorCode, RpcError};
use crate::id::{Id, RequestId};
use crate::scan::{self, Limits, ScanError};
use crate::tape::{Kind, SharedBuffer, Spanned, Tape};

/// What one line, or one HTTP body, holds.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, on the stack, and it is taken apart at once"
)]
pub enum Frame<'a> {
    /// One message.
    Message(Message<'a>),
    /// An array of messages, each still to be decoded (BASE-4: 2025-03-26 only).
    Batch(Vec<&'a str>),
}

/// One JSON-RPC message.
#[derive(Debug)]
pub enum Message<'a> {
    /// Wants an answer.
    Request(Request<'a>),
    /// Wants none.
    Notification(Notification<'a>),
    /// Answers a request of ours.
    Response(Response<'a>),
}

/// A request.
#[derive(Debug)]
pub struct Request<'a> {
    /// Its id, to be echoed with type and text.
    pub id: Id<'a>,
    /// The method's name.
    pub method: Cow<'a, str>,
    /// Its parameters.
    pub params: Params<'a>,
}

/// A notification.
#[derive(Debug)]
pub struct Notification<'a> {
    /// The method's name.
    pub method: Cow<'a, str>,
    /// Its parameters.
    pub params: Params<'a>,
}

/// An answer.
#[derive(Debug)]
pub struct Response<'a> {
    /// The id of the request that it answers; an error may lack one (BASE-2).
    pub id: Option<Id<'a>>,
    /// The result, or the error object, as JSON text.
    pub outcome: Result<&'a str, &'a str>,
}

/// The parameters of a request or notification, with those that routing needs cut out.
///
/// All public fields are JSON text, or `None` where the member is missing.
#[derive(Clone, Debug, Default)]
pub struct Params<'a> {
    /// The whole object.
    pub raw: Option<&'a str>,
    /// `name`, of `tools/call` and `prompts/get`.
    pub name: Option<&'a str>,
    /// `uri`, of `resources/*`.
    pub uri: Option<&'a str>,
    /// `arguments`, of `tools/call` and `prompts/get`.
    pub arguments: Option<&'a str>,
    /// `cursor`, of list methods.
    pub cursor: Option<&'a str>,
    /// `inputResponses`, of requests that are sent again with answers (MRTR-4), and of `tasks/update`.
    pub input_responses: Option<&'a str>,
    /// `requestState`, of requests that are sent again (MRTR-4).
    pub request_state: Option<&'a str>,
    /// `task`, of requests that shall become tasks (T11-3).
    pub task: Option<&'a str>,
    /// `taskId`, of `tasks/*`.
    pub task_id: Option<&'a str>,
    /// `_meta`.
    pub meta: Meta<'a>,
    /// The index over the message.
    pub(crate) index: Option<FrameIndex<'a>>,
}

/// The index over a message, and where in it the arguments are.
#[derive(Clone, Debug)]
pub(crate) struct FrameIndex<'a> {
    pub(crate) message: &'a str,
    pub(crate) buffer: SharedBuffer,
    pub(crate) root: u32,
}

/// The `_meta` member of parameters, with the keys that the protocol reserves cut out as JSON text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meta<'a> {
    /// The whole object.
    pub raw: Option<&'a str>,
    /// `io.modelcontextprotocol/protocolVersion` (VER-1).
    pub protocol_version: Option<&'a str>,
    /// `io.modelcontextprotocol/clientCapabilities` (VER-1).
    pub client_capabilities: Option<&'a str>,
    /// `io.modelcontextprotocol/clientInfo` (VER-1).
    pub client_info: Option<&'a str>,
    /// `io.modelcontextprotocol/logLevel` (LOG-3).
    pub log_level: Option<&'a str>,
    /// `progressToken` (PRG-1).
    pub progress_token: Option<&'a str>,
}

/// Why a text is not a message, and the id to answer to, if one could be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct FrameError {
    /// What to answer.
    pub error: RpcError,
    /// Whom to answer.
    pub id: Option<RequestId>,
}

impl<'a> Frame<'a> {
    /// Reads `text` as a message or a batch.
    ///
    /// # Errors
    /// -32700 where the text is not JSON or nested too deeply; -32600 where it holds too many
    /// values, repeats a key, or is not a JSON-RPC message; -32602 where `params` is not an object.
    pub fn decode(text: &'a str, limits: &Limits) -> Result<Self, FrameError> {
        let mut buffer = SharedBuffer::take();
        if let Err(error) = Tape::parse_within(buffer.get_mut(), text, limits) {
            // Which of two ids is meant, nobody knows.
            let read = Tape::of(buffer.get(), text, 0).root();
            let mut ids = read.members().into_iter().flatten().filter(|(name, _)| *name == *"id");
            let id = ids.next().filter(|_| ids.next().is_none()).and_then(|(_, id)| text.get(id.scalar()?));
            return Err(FrameError::unsound(&error, id));
        }
        let root = Spanned::whole(Tape::of(buffer.get(), text, 0));
        if root.node.kind() == Kind::Array {
            let elements = root.elements().filter_map(|element| text.get(element.range()));
            return Ok(Self::Batch(elements.collect()));
        }
        let (mut envelope, arguments) = Envelope::read(text, root);
        // Others would carry it to no end.
        if envelope.method.and_then(string).as_deref() == Some("tools/call") {
            envelope.params.index = arguments.map(|root| FrameIndex { message: text, buffer, root });
        }
        envelope.message().map(Self::Message)
    }
}

impl<'a> Message<'a> {
    /// Reads `text` as one message, as each element of a batch has to be.
    ///
    /// # Errors
    /// As [`Frame::decode`], and -32600 where the text is an array.
    pub fn decode(text: &'a str, limits: &Limits) -> Result<Self, FrameError> {
        match Frame::decode(text, limits)? {
            Frame::Message(message) => Ok(message),
            Frame::Batch(_) => Err(FrameError::invalid("an array is not a message", None)),
        }
    }
}

impl FrameError {
    fn unsound(error: &ScanError, id: Option<&str>) -> Self {
        let unreadable = error.is_syntax() || error.is_too_deep();
        let code = if unreadable { ErrorCode::PARSE_ERROR } else { ErrorCode::INVALID_REQUEST };
        let id = id.filter(|_| !unreadable).and_then(Id::from_json).map(Id::to_owned);
        Self { error: RpcError::new(code, error.to_string()), id }
    }

    fn invalid(reason: &'static str, id: Option<&str>) -> Self {
        let id = id.and_then(Id::from_json).map(Id::to_owned);
        Self { error: RpcError::new(ErrorCode::INVALID_REQUEST, reason), id }
    }
}

/// The decoded content of a JSON string's text; `None` where the text is another kind of value.
///
/// `text` must have been found sound by a scan.
pub fn string(text: &str) -> Option<Cow<'_, str>> {
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    Some(if memchr::memchr(b'\\', inside.as_bytes()).is_some() {
        Cow::Owned(scan::unescape(inside))
    } else {
        Cow::Borrowed(inside)
    })
}

/// What there is of a message, as JSON text.
#[derive(Default)]
struct Envelope<'a> {
    jsonrpc: Option<&'a str>,
    id: Option<&'a str>,
    method: Option<&'a str>,
    result: Option<&'a str>,
    error: Option<&'a str>,
    params: Params<'a>,
}

impl<'a> Envelope<'a> {
    /// Cuts a message out of its text, and tells where on the tape the members of its arguments are, if it has any.
    fn read(text: &'a str, message: Spanned<'_>) -> (Self, Option<u32>) {
        let (mut envelope, mut arguments) = (Self::default(), None);
        for (name, value) in message.members() {
            let place = match &*name.decode() {
                "jsonrpc" => &mut envelope.jsonrpc,
                "id" => &mut envelope.id,
                "method" => &mut envelope.method,
                "result" => &mut envelope.result,
                "error" => &mut envelope.error,
                "params" => {
                    arguments = envelope.params.read(text, value);
                    &mut envelope.params.raw
                }
                _ => continue,
            };
            *place = text.get(value.range());
        }
        (envelope, arguments)
    }
}

impl<'a> Params<'a> {
    /// Those of a call that has nothing but arguments.
    pub fn of_arguments(arguments: Option<&'a str>) -> Self {
        Self { arguments, ..Self::default() }
    }

    fn read(&mut self, text: &'a str, params: Spanned<'_>) -> Option<u32> {
        let mut arguments = None;
        for (name, value) in params.members() {
            let place = match &*name.decode() {
                "name" => &mut self.name,
                "uri" => &mut self.uri,
                "arguments" => {
                    arguments = value.node.members().is_some().then(|| value.node.index());
                    &mut self.arguments
                }
                "cursor" => &mut self.cursor,
                "inputResponses" => &mut self.input_responses,
                "requestState" => &mut self.request_state,
                "task" => &mut self.task,
                "taskId" => &mut self.task_id,
                "_meta" => {
                    self.meta.read(text, value);
                    &mut self.meta.raw
                }
                _ => continue,
            };
            *place = text.get(value.range());
        }
        arguments
    }
}

impl<'a> Meta<'a> {
    fn read(&mut self, text: &'a str, meta: Spanned<'_>) {
        for (name, value) in meta.members() {
            let place = match &*name.decode() {
                "io.modelcontextprotocol/protocolVersion" => &mut self.protocol_version,
                "io.modelcontextprotocol/clientCapabilities" => &mut self.client_capabilities,
                "io.modelcontextprotocol/clientInfo" => &mut self.client_info,
                "io.modelcontextprotocol/logLevel" => &mut self.log_level,
                "progressToken" => &mut self.progress_token,
                _ => continue,
            };
            *place = text.get(value.range());
        }
    }
}

impl<'a> Envelope<'a> {
    fn message(self) -> Result<Message<'a>, FrameError> {
        let invalid = |reason| Err(FrameError::invalid(reason, self.id));
        match self.jsonrpc.map(string) {
            Some(Some(version)) if version == "2.0" => {}
            _ => return invalid("not a JSON-RPC 2.0 message; \"jsonrpc\" has to be \"2.0\""),
        }
        let id = match self.id {
            Some(text) => match Id::from_json(text) {
                Some(id) => Some(id),
                // An error about a request whose id could not be read may say so with null.
                None if text == "null" && self.method.is_none() && self.error.is_some() => None,
                None => return invalid("\"id\" has to be a string or an integer"),
            },
            None => None,
        };
        let Some(method) = self.method else {
            return match (id, self.result, self.error) {
                (Some(id), Some(result), None) => {
                    Ok(Message::Response(Response { id: Some(id), outcome: Ok(result) }))
                }
                (id, None, Some(error)) => Ok(Message::Response(Response { id, outcome: Err(error) })),
                (_, Some(_), Some(_)) => invalid("a response has either \"result\" or \"error\", not both"),
                _ => invalid(
                    "neither a request (\"method\"), nor a response (\"result\" or \"error\" with \"id\")",
                ),
            };
        };
        let Some(method) = string(method) else {
            return invalid("\"method\" has to be a string");
        };
        if self.result.is_some() || self.error.is_some() {
            return invalid("a message with \"method\" has neither \"result\" nor \"error\"");
        }
        let params = self.params;
        if params.raw.is_some_and(|raw| !raw.starts_with('{')) {
            let id = id.map(Id::to_owned);
            return Err(FrameError { error: RpcError::invalid_params("\"params\" has to be an object"), id });
        }
        Ok(match id {
            Some(id) => Message::Request(Request { id, method, params }),
            None => Message::Notification(Notification { method, params }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(text: &str) -> Result<Frame<'_>, FrameError> {
        Frame::decode(text, &Limits::default())
    }

    fn request(text: &str) -> Request<'_> {
        match decode(text) {
            Ok(Frame::Message(Message::Request(request))) => request,
            other => panic!("not a request: {other:?}"),
        }
    }

    #[test]
    fn a_request_is_cut_out_of_its_text_in_one_pass() {
        let text = r#" {"x":[1], "params" : {"arguments":{"name":"inner","_meta":{"progressToken":0}},
            "_meta":{"progressToken":"p","io.modelcontextprotocol/protocolVersion":"2026-07-28"},"n\u0061me":"echo"},
            "method":"tools\/call","id":18446744073709551615,"jsonrpc":"2.0"}"#;
        let request = request(text);
        assert_eq!(request.id.as_json(), "18446744073709551615");
        assert_eq!(request.method, "tools/call");
        assert_eq!(request.params.name, Some("\"echo\""));
        assert_eq!(request.params.arguments, Some(r#"{"name":"inner","_meta":{"progressToken":0}}"#));
        assert_eq!(request.params.meta.progress_token, Some("\"p\""));
        assert_eq!(request.params.meta.protocol_version, Some("\"2026-07-28\""));
        assert_eq!(request.params.meta.client_capabilities, None);
    }

    #[test]
    fn base_1_ids_that_are_no_ids_are_invalid_requests() {
        for id in ["1.5", "null", "true", "[]", "{}"] {
            let error = decode(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#)).unwrap_err();
            assert_eq!((error.error.code, error.id), (ErrorCode::INVALID_REQUEST, None), "{id}");
        }
    }

    #[test]
    fn a_message_with_two_ids_is_refused_under_neither() {
        let error = decode(r#"{"jsonrpc":"2.0","id":1,"method":"ping","i\u0064":2}"#).unwrap_err();
        assert_eq!((error.error.code, error.id), (ErrorCode::INVALID_REQUEST, None));
        let error = decode(r#"{"jsonrpc":"2.0","id":1,"method":"ping","x":0,"x":{"id":2}}"#).unwrap_err();
        assert_eq!(error.id, Some(RequestId::from(1)));
    }

    #[test]
    fn base_3_what_is_no_message_is_refused_under_its_id() {
        for text in [
            r#"{"id":7,"method":"ping"}"#,
            r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":7}"#,
            r#"{"jsonrpc":"2.0","id":7,"method":1}"#,
            r#"{"jsonrpc":"2.0","id":7,"result":{},"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":7,"method":"ping","result":{}}"#,
        ] {
            let error = decode(text).unwrap_err();
            assert_eq!(error.error.code, ErrorCode::INVALID_REQUEST, "{text}");
            assert_eq!(error.id, Some(RequestId::from(7)), "{text}");
        }
        for text in ["7", "\"x\"", "null", r#"{"jsonrpc":"2.0","result":{}}"#] {
            assert_eq!(decode(text).unwrap_err().error.code, ErrorCode::INVALID_REQUEST, "{text}");
        }
    }

    #[test]
    fn params_that_are_no_object_are_invalid_params() {
        let error = decode(r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":[1]}"#).unwrap_err();
        assert_eq!(error.error.code, ErrorCode::INVALID_PARAMS);
        assert_eq!(error.id.unwrap().as_json(), "\"a\"");
    }

    #[test]
    fn a_repeated_envelope_key_is_an_invalid_request_and_bad_json_a_parse_error() {
        let error = decode(r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#).unwrap_err();
        assert_eq!((error.error.code, error.id), (ErrorCode::INVALID_REQUEST, Some(RequestId::from(1))));
        assert_eq!(decode("{\"jsonrpc\":").unwrap_err().error.code, ErrorCode::PARSE_ERROR);
    }

    #[test]
    fn base_4_a_batch_is_its_elements() {
        let Ok(Frame::Batch(elements)) = decode(r#" [ {"jsonrpc":"2.0","method":"a"} , [1, 2],3 ]"#) else {
            panic!()
        };
        assert_eq!(elements, [r#"{"jsonrpc":"2.0","method":"a"}"#, "[1, 2]", "3"]);
        let Ok(Frame::Batch(elements)) = decode("[]") else { panic!() };
        assert!(elements.is_empty());
    }

    #[test]
    fn base_2_an_error_may_come_without_an_id() {
        for text in
            [r#"{"jsonrpc":"2.0","error":{"code":1}}"#, r#"{"jsonrpc":"2.0","id":null,"error":{"code":1}}"#]
        {
            let Ok(Frame::Message(Message::Response(response))) = decode(text) else { panic!("{text}") };
            assert_eq!((response.id, response.outcome), (None, Err(r#"{"code":1}"#)));
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded_unchanged(id in any::<i64>(), method in "\\PC{0,20}", name in any::<String>(), text in any::<String>(), number in any::<f64>()) {
            let quoted = |text: &str| serde_json::to_string(text).unwrap();
            let arguments = format!("{{{}:[{}, {number:?}]}}", quoted(&text), quoted(&text));
            prop_assume!(number.is_finite());
            let params = format!("{{\"name\":{},\"arguments\":{arguments}}}", quoted(&name));
            let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":{},\"params\":{params}}}", quoted(&method));
            let request = request(&text);
            let id = id.to_string();
            prop_assert_eq!(request.id.as_json(), id.as_str());
            prop_assert_eq!(request.method.as_ref(), method.as_str());
            prop_assert_eq!(request.params.raw, Some(params.as_str()));
            prop_assert_eq!(request.params.arguments, Some(arguments.as_str()));
            prop_assert_eq!(request.params.name.and_then(string).unwrap(), name.as_str());
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = decode(&text);
        }
    }
}
