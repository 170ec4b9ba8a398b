//! Reading a message as a bare method, with the checks in the order in which they are told.

use std::borrow::Cow;

use bytes::Bytes;
use latimer_protocol::rewrite::{self, decode_string};
use latimer_protocol::scan::{self, Limits};

use super::envelope;

/// What a message is.
#[derive(Debug)]
pub(super) enum Reading<'a> {
    /// A message of MCP, whether or not it is sound.
    Mcp,
    /// One that wants nothing.
    Nothing,
    /// A call.
    Call {
        /// Its id as JSON text, if it wants an answer.
        id: Option<&'a str>,
        /// The name of the tool.
        method: Cow<'a, str>,
        /// An object, if there are any parameters.
        params: Option<&'a str>,
    },
    /// Something else, and what it is answered.
    Refused(Bytes),
}

#[derive(Default)]
struct Members<'a> {
    jsonrpc: Option<&'a str>,
    id: Option<&'a str>,
    method: Option<&'a str>,
    params: Option<&'a str>,
    is_response: bool,
}

/// Reads a message. `is_mcp` tells which methods are the protocol's own.
pub(super) fn read<'a>(text: &'a str, limits: &Limits, is_mcp: impl Fn(&str) -> bool) -> Reading<'a> {
    if let Err(error) = scan::check(text, limits) {
        return Reading::Refused(envelope::unsound(&error));
    }
    let Some(members) = members(text) else {
        return Reading::Refused(envelope::not_a_request("a request has to be an object, one a line"));
    };
    let method = members.method.and_then(decode_string).filter(|method| !method.trim().is_empty());
    if let Some(method) = &method
        && (is_mcp(method) || speaks_of_mcp(members.params))
    {
        return Reading::Mcp;
    }
    if members.is_response && members.method.is_none() {
        return Reading::Nothing;
    }
    if members.id.is_some_and(|id| !is_id(id)) {
        return Reading::Refused(envelope::not_a_request("\"id\" has to be a string, a number or null"));
    }
    // What is wrong with a message without an id is told all the same: its sender cannot have meant it so.
    let id = members.id.unwrap_or("null");
    if members.jsonrpc.and_then(decode_string).as_deref() != Some("2.0") {
        return Reading::Refused(envelope::wrong_version(id));
    }
    let Some(method) = method else {
        let message = "method has to be the name of a tool, a non-empty string";
        return Reading::Refused(envelope::invalid(id, "/method", message));
    };
    match members.params {
        None => Reading::Call { id: members.id, method, params: None },
        Some(params) if params == "null" || is_empty_array(params) => {
            Reading::Call { id: members.id, method, params: None }
        }
        Some(params) if params.starts_with('{') => {
            Reading::Call { id: members.id, method, params: Some(params) }
        }
        Some(_) => Reading::Refused(envelope::invalid(id, "/params", "params must be an object")),
    }
}

fn members(text: &str) -> Option<Members<'_>> {
    let mut found = Members::default();
    for member in rewrite::members(text) {
        let (key, value) = member.ok()?;
        match key.as_ref() {
            "jsonrpc" => found.jsonrpc = Some(value),
            "id" => found.id = Some(value),
            "method" => found.method = Some(value),
            "params" => found.params = Some(value),
            "result" | "error" => found.is_response = true,
            _ => {}
        }
    }
    Some(found)
}

/// Whether parameters describe the request as 2026-07-28 wants it.
fn speaks_of_mcp(params: Option<&str>) -> bool {
    let meta = params.and_then(|params| rewrite::member(params, "_meta").ok().flatten());
    let version = meta.map(|meta| rewrite::member(meta, "io.modelcontextprotocol/protocolVersion"));
    matches!(version, Some(Ok(Some(_))))
}

/// JSON-RPC 2.0 §4 lets an id be a string, a number or null.
fn is_id(text: &str) -> bool {
    !text.starts_with(['{', '[', 't', 'f'])
}

fn is_empty_array(text: &str) -> bool {
    text.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|inside| inside.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str) -> String {
        match read(text, &Limits::default(), |method| method == "initialize") {
            Reading::Mcp => "mcp".to_owned(),
            Reading::Nothing => "nothing".to_owned(),
            Reading::Call { id, method, params } => format!("{id:?} {method} {params:?}"),
            Reading::Refused(answer) => String::from_utf8(answer.to_vec()).unwrap(),
        }
    }

    #[test]
    fn a_call_keeps_its_id_as_it_was_written() {
        for id in ["1", "\"\\u00e9\"", "1.50", "null", "18446744073709551616"] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"l\u0069st","params":{{"a":1}}}}"#);
            assert_eq!(reading(&text), format!("{:?} list {:?}", Some(id), Some("{\"a\":1}")));
        }
        for params in ["null", "[]", "[ ]"] {
            let text = format!(r#"{{"jsonrpc":"2.0","method":"list","params":{params}}}"#);
            assert_eq!(reading(&text), "None list None");
        }
    }

    #[test]
    fn messages_of_mcp_are_left_to_it() {
        assert_eq!(reading(r#"{"method":"initialize"}"#), "mcp");
        let modern = r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        assert_eq!(reading(modern), "mcp");
        assert_eq!(reading(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), "nothing");
    }

    #[test]
    fn what_is_no_call_is_told_why() {
        let cases = [
            ("{", r#""id":null,"error":{"code":-32700"#),
            (r#"{"a":1,"a":2}"#, r#""error":{"code":-32600"#),
            ("[]", r#""id":null,"error":{"code":-32600"#),
            ("7", r#""error":{"code":-32600"#),
            (r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#, r#""id":null,"error":{"code":-32600"#),
            (r#"{"jsonrpc":"2.0","id":true,"method":"x"}"#, r#""id":null,"error":{"code":-32600"#),
            (r#"{"id":1,"method":"x"}"#, r#""id":1,"result":{"ok":false,"reason":"invalid_jsonrpc_version""#),
            (r#"{"jsonrpc":2.0,"id":1,"method":"x"}"#, "invalid_jsonrpc_version"),
            (r#"{"jsonrpc":"2.0","id":1}"#, r#""path":"/method""#),
            (r#"{"jsonrpc":"2.0","id":1,"method":" "}"#, r#""path":"/method""#),
            (r#"{"jsonrpc":"2.0","id":1,"method":5}"#, r#""path":"/method""#),
            (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}"#, r#""path":"/params""#),
            (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":"a"}"#, r#""path":"/params""#),
            (r#"{"jsonrpc":"2.0","method":"x","params":3}"#, r#""id":null"#),
        ];
        for (text, part) in cases {
            let told = reading(text);
            assert!(told.contains(part), "{text}: {told}");
            assert!(serde_json::from_str::<serde_json::Value>(&told).is_ok(), "{told}");
        }
    }
}
