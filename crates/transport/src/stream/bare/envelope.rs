//! What bare methods are answered: `{"jsonrpc":"2.0","id":…,"result":{"ok":…}}`. What a tool refuses is a result, too; only
//! what is no request at all is an error.

use bytes::Bytes;
use latimer_core::catalog::ToolEntry;
use latimer_protocol::encode::{ObjectWriter, write_array, write_error, write_object};
use latimer_protocol::rewrite::{decode_string, elements, member};
use latimer_protocol::scan::ScanError;
use latimer_protocol::{Era, ErrorCode, RawJson, RpcError};

/// The answer to text that is not JSON, or not sound.
pub(super) fn unsound(error: &ScanError) -> Bytes {
    let unreadable = error.is_syntax() || error.is_too_deep();
    let code = if unreadable { ErrorCode::PARSE_ERROR } else { ErrorCode::INVALID_REQUEST };
    fault(&RpcError::new(code, error.to_string()))
}

/// The answer to bytes that are no text.
pub(in super::super) fn not_utf8() -> Bytes {
    fault(&RpcError::new(ErrorCode::PARSE_ERROR, "not UTF-8; send JSON encoded as UTF-8"))
}

/// The answer to JSON that is no request.
pub(super) fn not_a_request(reason: &'static str) -> Bytes {
    fault(&RpcError::invalid_request(reason))
}

/// The answer to a message beyond the limit of its size.
pub(in super::super) fn too_large() -> Bytes {
    invalid("null", "", "payload_too_large")
}

/// The answer to a request of another version of JSON-RPC.
pub(super) fn wrong_version(id: &str) -> Bytes {
    refusal(id, "invalid_jsonrpc_version", |object| errors(object, [("/jsonrpc", "jsonrpc must be \"2.0\"")]))
}

/// The answer to a request with a member that cannot be.
pub(super) fn invalid(id: &str, path: &str, message: &str) -> Bytes {
    refusal(id, "validation_failed", |object| errors(object, [(path, message)]))
}

/// The answer to a method that no tool has.
pub(super) fn unknown(id: &str) -> Bytes {
    refusal(id, "unsupported", |object| {
        object.string("detail", "tool not implemented");
    })
}

/// The answer that the reply to the call of a tool comes to.
pub(super) fn of_reply(id: &str, reply: &[u8], tool: &ToolEntry, arguments: &RawJson) -> Bytes {
    let reply = std::str::from_utf8(reply).unwrap_or_default();
    let of = |object: &str, name: &str| member(object, name).ok().flatten().map(str::to_owned);
    let Some(result) = member(reply, "result").ok().flatten() else {
        let error = member(reply, "error").ok().flatten().unwrap_or("{}");
        let code = of(error, "code").unwrap_or_default();
        let message = of(error, "message");
        let message = message.as_deref().and_then(decode_string).unwrap_or_default();
        return failure(id, code.parse().unwrap_or_default(), &message);
    };
    // What the tool says in its own form is the result, whether it succeeded or not.
    if let Some(content) = member(result, "structuredContent").ok().flatten() {
        return answer(id, content);
    }
    let is_error = member(result, "isError").ok().flatten() == Some("true");
    let content = member(result, "content").ok().flatten().unwrap_or("[]");
    if !is_error {
        return write(id, |object| {
            object.boolean("ok", true).raw("content", content);
        });
    }
    match tool.input().check(arguments.as_str()) {
        Err(violations) => refusal(id, "validation_failed", |object| {
            errors(object, violations.list().iter().map(|one| (one.pointer(), one.message())));
        }),
        Ok(()) => refusal(id, "tool_error", |object| {
            object.string("detail", &text(content));
        }),
    }
}

/// The text of the first block of content that has any.
fn text(content: &str) -> String {
    let texts = elements(content).map_while(Result::ok);
    let mut texts = texts.filter_map(|block| member(block, "text").ok().flatten().and_then(decode_string));
    texts.next().unwrap_or_default().into_owned()
}

fn failure(id: &str, code: i64, message: &str) -> Bytes {
    let reason = match ErrorCode(code) {
        ErrorCode::INVALID_PARAMS => {
            return refusal(id, "validation_failed", |object| errors(object, [("", message)]));
        }
        ErrorCode::INTERNAL_ERROR => "internal_error",
        _ => "unsupported",
    };
    refusal(id, reason, |object| {
        object.string("detail", message);
    })
}

fn errors<'a>(object: &mut ObjectWriter<'_>, errors: impl IntoIterator<Item = (&'a str, &'a str)>) {
    let out = object.key("errors");
    write_array(errors, out, |(path, message), out| {
        write_object(out, |object| {
            object.string("path", path).string("msg", message);
        });
    });
}

fn refusal(id: &str, reason: &str, more: impl FnOnce(&mut ObjectWriter<'_>)) -> Bytes {
    write(id, |object| {
        object.boolean("ok", false).string("reason", reason);
        more(object);
    })
}

fn write(id: &str, result: impl FnOnce(&mut ObjectWriter<'_>)) -> Bytes {
    let mut out = Vec::with_capacity(160);
    write_object(&mut out, |object| {
        object.string("jsonrpc", "2.0").raw("id", id).object("result", result);
    });
    out.into()
}

fn answer(id: &str, result: &str) -> Bytes {
    let mut out = Vec::with_capacity(result.len() + id.len() + 40);
    write_object(&mut out, |object| {
        object.string("jsonrpc", "2.0").raw("id", id).raw("result", result);
    });
    out.into()
}

fn fault(error: &RpcError) -> Bytes {
    let mut out = Vec::with_capacity(160);
    write_error(None, error, Era::Legacy, &mut out);
    out.into()
}
