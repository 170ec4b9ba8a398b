//! The frame decoder: any bytes, as a line or an HTTP body would bring them.
//!
//! Held: it accepts what RFC 8259 and the limits accept, and nothing else; depth, values and repeated keys are judged as
//! a slow reader judges them, to the last one; what it cuts out is what a slow reader finds; an error has the code that
//! its fault has, and the id of the message and of no other; parameters outlive their frame unchanged.

use bytes::Bytes;
use bytestring::ByteString;
use latimer_protocol::frame::{FrameError, Meta, Params, Request, Response, string};
use latimer_protocol::scan::check;
use latimer_protocol::{ErrorCode, Frame, Limits, Message, RawJson};
use serde::Deserialize;
use serde_json::Value;

use crate::json::{Document, Json, Kind, Strings};

/// See [`Target::words`](crate::Target::words).
pub const WORDS: &[&str] = &[
    r#""jsonrpc":"2.0""#,
    r#""id":1"#,
    r#""id":null"#,
    r#""method":"#,
    r#""params":{"#,
    r#""result":{}"#,
    r#""error":{"code":1}"#,
    r#""_meta":{"#,
    r#""progressToken":"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#,
    r#""io.modelcontextprotocol/clientCapabilities":{}"#,
    r#""arguments":"#,
    r#""name":"#,
    r#""uri":"#,
    r#""cursor":"#,
    r#""inputResponses":"#,
    r#""requestState":"#,
    r#""taskId":"#,
    r#""task":"#,
    ",",
    ":",
    "[",
    "]",
    "{",
    "}",
    "null",
    "true",
];

/// Runs the target once.
pub fn run(data: &[u8]) {
    let limits = Limits::default();
    let Ok(text) = std::str::from_utf8(data) else {
        let error = RawJson::parse_bytes(Bytes::copy_from_slice(data)).unwrap_err();
        return assert!(error.is_syntax(), "{error}");
    };
    match Document::read(text, Strings::Sound) {
        Ok(document) => sound(text, &document.value, &limits),
        Err(_) => {
            let error = check(text, &limits).unwrap_err();
            assert!(error.offset() <= text.len());
            assert!(RawJson::parse(text).is_err());
            let error = Frame::decode(text, &limits).unwrap_err();
            assert!(matches!(error.error.code, ErrorCode::PARSE_ERROR | ErrorCode::INVALID_REQUEST));
        }
    }
}

/// A text that is JSON.
fn sound(text: &str, json: &Json<'_>, limits: &Limits) {
    let (depth, values, repeats) = (json.depth(), json.values(), json.repeats_a_key());
    let checked = check(text, limits);
    if depth <= limits.depth && values <= limits.values && !repeats {
        assert_eq!(checked, Ok(()));
        assert_eq!(RawJson::parse(text).unwrap().as_str(), json.text);
        bounds(text, depth, values);
        match Frame::decode(text, limits) {
            Ok(frame) => assert_frame(text, json, &frame),
            Err(error) => assert_refused(json, &error),
        }
    } else {
        let error = checked.unwrap_err();
        assert!(error.is_too_deep() <= (depth > limits.depth), "{error}");
        assert!(error.is_too_many_values() <= (values > limits.values), "{error}");
        assert!(error.is_repeated_key() <= repeats, "{error}");
        assert!(!error.is_syntax(), "{error}");
        let refused = Frame::decode(text, limits).unwrap_err();
        let code = if error.is_too_deep() { ErrorCode::PARSE_ERROR } else { ErrorCode::INVALID_REQUEST };
        assert_eq!(refused.error.code, code);
        assert_id(json, &refused);
    }
}

/// The narrowest limits that let a text pass, and those that just do not.
fn bounds(text: &str, depth: usize, values: usize) {
    assert_eq!(check(text, &Limits { depth, values }), Ok(()));
    assert!(check(text, &Limits { depth, values: values - 1 }).unwrap_err().is_too_many_values());
    if let Some(depth) = depth.checked_sub(1) {
        assert!(check(text, &Limits { depth, values }).unwrap_err().is_too_deep());
    }
}

fn assert_frame(text: &str, json: &Json<'_>, frame: &Frame<'_>) {
    match frame {
        Frame::Batch(elements) => {
            let Kind::Array(entries) = &json.kind else { panic!("a batch that is no array") };
            assert!(entries.iter().map(|entry| entry.value.text).eq(elements.iter().copied()));
            assert!(Message::decode(text, &Limits::default()).is_err());
        }
        Frame::Message(Message::Request(Request { id, method, params })) => {
            assert_eq!(member(json, "id"), Some(id.as_json()));
            assert_eq!(json.member("method").and_then(Json::string).as_deref(), Some(&**method));
            assert_params(text, json, params);
        }
        Frame::Message(Message::Notification(notification)) => {
            assert!(json.member("id").is_none());
            let method = json.member("method").and_then(Json::string);
            assert_eq!(method.as_deref(), Some(&*notification.method));
            assert_params(text, json, &notification.params);
        }
        Frame::Message(Message::Response(response)) => assert_response(text, json, response),
    }
    if let Frame::Message(_) = frame {
        let version = json.member("jsonrpc").and_then(Json::string);
        assert_eq!(version.as_deref(), Some("2.0"));
    }
}

fn assert_params(text: &str, json: &Json<'_>, params: &Params<'_>) {
    assert!(json.member("result").is_none() && json.member("error").is_none());
    let raw = json.member("params");
    assert!(raw.is_none_or(Json::is_object));
    assert_eq!(params.raw, raw.map(|raw| raw.text));
    let of = |name: &str| raw.and_then(|raw| member(raw, name));
    assert_eq!(params.name, of("name"));
    assert_eq!(params.uri, of("uri"));
    assert_eq!(params.arguments, of("arguments"));
    assert_eq!(params.cursor, of("cursor"));
    assert_eq!(params.input_responses, of("inputResponses"));
    assert_eq!(params.request_state, of("requestState"));
    assert_eq!(params.task, of("task"));
    assert_eq!(params.task_id, of("taskId"));
    assert_meta(raw.and_then(|raw| raw.member("_meta")), &params.meta);

    let whole = ByteString::from(text);
    let Ok(Frame::Message(Message::Request(Request { params, method, .. }))) =
        Frame::decode(&whole, &Limits::default())
    else {
        return;
    };
    let is_call = method == "tools/call";
    let (all, token) = (params.raw, params.meta.progress_token);
    let mut owned = params.detach(&whole);
    assert_eq!(owned.raw.as_ref().map(RawJson::as_str), all);
    assert_eq!(owned.meta.progress_token.as_ref().map(RawJson::as_str), token);
    assert_eq!(
        owned.name().ok(),
        raw.and_then(|raw| raw.member("name")).and_then(Json::string).map(Into::into)
    );
    let arguments = raw.and_then(|raw| raw.member("arguments"));
    assert_eq!(owned.arguments().is_ok(), arguments.is_none_or(Json::is_object));
    if let Ok(given) = owned.take_arguments() {
        let tape = given.tape();
        assert_eq!(tape.is_some(), arguments.is_some() && is_call);
        // Whoever reads them by their index reads what stands there.
        if let Some(Ok(value)) = tape.map(|tape| tape.root().read(|reader| Value::deserialize(reader))) {
            assert_eq!(Some(value), serde_json::from_str(given.as_str()).ok());
        }
    }
}

fn assert_meta(json: Option<&Json<'_>>, meta: &Meta<'_>) {
    assert_eq!(meta.raw, json.map(|json| json.text));
    let of = |name: &str| json.and_then(|json| member(json, name));
    assert_eq!(meta.protocol_version, of("io.modelcontextprotocol/protocolVersion"));
    assert_eq!(meta.client_capabilities, of("io.modelcontextprotocol/clientCapabilities"));
    assert_eq!(meta.client_info, of("io.modelcontextprotocol/clientInfo"));
    assert_eq!(meta.log_level, of("io.modelcontextprotocol/logLevel"));
    assert_eq!(meta.progress_token, of("progressToken"));
    let token = json.and_then(|json| json.member("progressToken"));
    assert_eq!(meta.progress_token.and_then(string).map(Into::into), token.and_then(Json::string));
}

fn assert_response(text: &str, json: &Json<'_>, response: &Response<'_>) {
    assert!(json.member("method").is_none());
    match response.outcome {
        Ok(result) => {
            assert_eq!(Some(result), member(json, "result"));
            assert!(json.member("error").is_none() && response.id.is_some());
        }
        Err(error) => {
            assert_eq!(Some(error), member(json, "error"));
            assert!(json.member("result").is_none());
        }
    }
    let id = response.id.map(|id| id.as_json());
    assert_eq!(id, member(json, "id").filter(|id| *id != "null"));
    let whole = ByteString::from(text);
    let Ok(Frame::Message(Message::Response(again))) = Frame::decode(&whole, &Limits::default()) else {
        panic!("a message that is another one the second time")
    };
    let kept = again.detach(&whole);
    assert_eq!(kept.as_ref().map(RawJson::as_str).map_err(RawJson::as_str), response.outcome);
}

/// JSON that is no message.
fn assert_refused(json: &Json<'_>, error: &FrameError) {
    assert_id(json, error);
    assert!(!matches!(json.kind, Kind::Array(_)), "an array is a batch");
    let has = |name: &str| json.member(name).is_some();
    let version = json.member("jsonrpc").and_then(Json::string);
    let id = json.member("id");
    let method = json.member("method").and_then(Json::string);
    let silent = id.is_some_and(|id| id.text == "null") && !has("method") && has("error");
    let envelope = version.as_deref() == Some("2.0") && (id.is_none_or(is_id) || silent);
    let call = method.is_some() && !has("result") && !has("error");
    let response = !has("method") && (has("result") != has("error")) && (has("error") || id.is_some());
    if envelope && call {
        assert!(!json.member("params").is_none_or(Json::is_object));
        assert_eq!(error.error.code, ErrorCode::INVALID_PARAMS);
    } else {
        assert!(!(envelope && response), "a response was refused: {error}");
        assert_eq!(error.error.code, ErrorCode::INVALID_REQUEST);
    }
    if json.is_object() && id.is_some_and(is_id) {
        assert!(error.id.is_some(), "an id was not told");
    }
}

/// Whom an error is told to, if anybody, is whoever sent the message.
fn assert_id(json: &Json<'_>, error: &FrameError) {
    if let Some(id) = &error.id {
        let Kind::Object(members) = &json.kind else { panic!("an id outside an object") };
        let mut ids = members.iter().filter(|member| member.key.as_deref() == Some("id"));
        assert!(ids.any(|member| is_id(&member.value) && member.value.text == id.as_json()));
    }
}

fn is_id(json: &Json<'_>) -> bool {
    match json.kind {
        Kind::String => true,
        Kind::Number => !json.text.contains(['.', 'e', 'E']),
        _ => false,
    }
}

fn member<'a>(json: &'a Json<'_>, name: &str) -> Option<&'a str> {
    json.member(name).map(|value| value.text)
}
