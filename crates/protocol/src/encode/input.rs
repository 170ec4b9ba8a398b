//! Questions of a server: as requests of their own, and within results (MRTR-2).

use super::object::{ObjectWriter, write_object};
use super::result::Stamp;
use crate::id::Id;
use crate::text::write_string;

/// A question as it stands in `inputRequests`: its key, the method, and the parameters as JSON text.
#[derive(Clone, Copy, Debug)]
pub struct InputRequest<'a> {
    /// The name under which the answer comes back.
    pub key: &'a str,
    /// `elicitation/create`, `sampling/createMessage` or `roots/list`.
    pub method: &'a str,
    /// The parameters, an object; `None` where the method has none.
    pub params: Option<&'a str>,
}

/// Appends a request. `params` is JSON text, an object.
pub fn write_request(id: Id<'_>, method: &str, params: Option<&str>, out: &mut Vec<u8>) {
    write_object(out, |object| {
        object.string("jsonrpc", "2.0").raw("id", id.as_json()).string("method", method);
        if let Some(params) = params {
            object.raw("params", params);
        }
    });
}

/// Appends a response that asks for input before the request can be answered (MRTR-2). Only callers of 2026-07-28
/// understand it, and it carries no cache hints.
pub fn write_input_required(
    id: Id<'_>,
    requests: &[InputRequest<'_>],
    request_state: Option<&str>,
    stamp: &Stamp<'_>,
    out: &mut Vec<u8>,
) {
    write_object(out, |object| {
        object.string("jsonrpc", "2.0").raw("id", id.as_json()).object("result", |result| {
            result.string("resultType", "input_required");
            write_input_requests(requests, result);
            result.optional_string("requestState", request_state);
            if let Some(server_info) = stamp.server_info {
                result.object("_meta", |meta| {
                    meta.raw(super::result::SERVER_INFO, server_info.as_str());
                });
            }
        });
    });
}

/// Writes `inputRequests`, if there are any.
pub fn write_input_requests(requests: &[InputRequest<'_>], object: &mut ObjectWriter<'_>) {
    if requests.is_empty() {
        return;
    }
    object.object("inputRequests", |object| {
        for request in requests {
            write_object(object.key(request.key), |question| {
                write_string(request.method, question.key("method"));
                if let Some(params) = request.params {
                    question.raw("params", params);
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mrtr_2_questions_stand_under_their_keys() {
        let requests = [
            InputRequest { key: "who", method: "elicitation/create", params: Some(r#"{"message":"m"}"#) },
            InputRequest { key: "roots", method: "roots/list", params: None },
        ];
        let mut out = Vec::new();
        let id = Id::from_json("\"a\"").unwrap();
        write_input_required(id, &requests, Some("s"), &Stamp::default(), &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"jsonrpc":"2.0","id":"a","result":{"resultType":"input_required","inputRequests":{"who":{"method":"elicitation/create","params":{"message":"m"}},"roots":{"method":"roots/list"}},"requestState":"s"}}"#
        );
    }

    #[test]
    fn a_request_is_written_with_its_id() {
        let mut out = Vec::new();
        write_request(Id::from_json("1").unwrap(), "roots/list", None, &mut out);
        assert_eq!(out, br#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#);
    }
}
