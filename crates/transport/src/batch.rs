//! Batches of 2025-03-26 (BASE-4): what their elements are, and how their answers become one array.
//!
//! A call of a batch runs like any other, beside the others; what it says goes out at once. The answers go out
//! together when the last call is over, in the order of the requests, so that a batch holds up nobody but itself.

use std::collections::HashSet;

use bytes::Bytes;
use latimer_core::Limits;
use latimer_core::era::modern;
use latimer_protocol::frame::{Notification, Request, Response};
use latimer_protocol::{Message, RequestId, Revision, RpcError};

/// The only revision that has batches.
pub(crate) const REVISION: Revision = Revision::V2025_03_26;

/// An element of a batch.
#[derive(Debug)]
pub(crate) enum Element<'a> {
    /// A request that may be in a batch.
    Request(Request<'a>),
    /// A notification.
    Notification(Notification<'a>),
    /// An answer to a request of ours.
    Response(Response<'a>),
    /// What is answered with an error: no message, or a request that may not be there.
    Refused { id: Option<RequestId>, error: RpcError },
}

/// Reads the elements of an array.
///
/// # Errors
/// -32600 where the array as a whole is no batch: empty, too long, or with both questions and answers.
pub(crate) fn read<'a>(texts: &[&'a str], limits: &Limits) -> Result<Vec<Element<'a>>, RpcError> {
    if texts.is_empty() {
        return Err(RpcError::invalid_request("an empty batch; send at least one message"));
    }
    if texts.len() > limits.batch_messages {
        return Err(RpcError::invalid_request(format!(
            "a batch of {} messages; send at most {} at a time",
            texts.len(),
            limits.batch_messages
        )));
    }
    let mut ids = HashSet::new();
    let elements: Vec<_> = texts.iter().map(|text| element(text, limits, &mut ids)).collect();
    let is_answer = |element: &Element<'_>| matches!(element, Element::Response(_));
    let is_said = |element: &Element<'_>| matches!(element, Element::Request(_) | Element::Notification(_));
    if elements.iter().any(is_answer) && elements.iter().any(is_said) {
        return Err(RpcError::invalid_request(
            "a batch holds either requests and notifications, or responses; send two",
        ));
    }
    Ok(elements)
}

fn element<'a>(text: &'a str, limits: &Limits, ids: &mut HashSet<RequestId>) -> Element<'a> {
    let request = match Message::decode(text, &limits.json) {
        Ok(Message::Request(request)) => request,
        Ok(Message::Notification(notification)) => return Element::Notification(notification),
        Ok(Message::Response(response)) => return Element::Response(response),
        Err(error) => return Element::Refused { id: error.id, error: error.error },
    };
    let id = request.id.to_owned();
    let reason = if request.method == "initialize" {
        "\"initialize\" may not be in a batch; send it alone"
    } else if modern::is_declared(&request.params.meta) {
        "2026-07-28 has no batches; send the request alone"
    } else if !ids.insert(id.clone()) {
        "another request of the batch has this id; use each id once"
    } else {
        return Element::Request(request);
    };
    Element::Refused { id: Some(id), error: RpcError::invalid_request(reason) }
}

/// The answers of a batch as one array; `None` where there are none. Calls that were cancelled have none (CAN-1).
pub(crate) fn join(answers: impl IntoIterator<Item = Option<Bytes>>) -> Option<Bytes> {
    let mut out = vec![b'['];
    for answer in answers.into_iter().flatten() {
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(&answer);
    }
    out.push(b']');
    (out.len() > 2).then(|| out.into())
}

/// What is answered to a batch of anybody else.
pub(crate) fn not_served() -> RpcError {
    RpcError::invalid_request(
        "batches are served to clients that negotiated 2025-03-26 only; send one message at a time",
    )
}

#[cfg(test)]
mod tests {
    use latimer_protocol::{ErrorCode, Frame};
    use proptest::prelude::*;

    use super::*;

    fn kinds(text: &str) -> Result<String, ErrorCode> {
        let limits = Limits { batch_messages: 4, ..Limits::default() };
        let Ok(Frame::Batch(texts)) = Frame::decode(text, &limits.json) else { panic!("no array: {text}") };
        let kind = |element: &Element<'_>| match element {
            Element::Request(_) => 'q',
            Element::Notification(_) => 'n',
            Element::Response(_) => 'r',
            Element::Refused { id: Some(_), .. } => 'X',
            Element::Refused { id: None, .. } => 'x',
        };
        read(&texts, &limits).map(|elements| elements.iter().map(kind).collect()).map_err(|error| error.code)
    }

    const ASK: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    const NOTE: &str = r#"{"jsonrpc":"2.0","method":"n"}"#;
    const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

    #[test]
    fn base_4_a_batch_is_of_requests_and_notifications_or_of_responses() {
        assert_eq!(kinds(&format!("[{ASK},{NOTE}]")).as_deref(), Ok("qn"));
        assert_eq!(kinds(&format!("[{ANSWER}, {ANSWER}]")).as_deref(), Ok("rr"));
        assert_eq!(kinds(&format!("[{ANSWER},{NOTE}]")), Err(ErrorCode::INVALID_REQUEST));
        assert_eq!(kinds("[]"), Err(ErrorCode::INVALID_REQUEST));
        assert_eq!(kinds("[1,2,3,4,5]"), Err(ErrorCode::INVALID_REQUEST));
    }

    #[test]
    fn base_4_what_may_not_be_in_a_batch_is_refused_alone() {
        let initialize = r#"{"jsonrpc":"2.0","id":2,"method":"initialize"}"#;
        let modern = r#"{"jsonrpc":"2.0","id":3,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        assert_eq!(kinds(&format!("[{ASK},{ASK},{initialize},{modern}]")).as_deref(), Ok("qXXX"));
        assert_eq!(kinds(&format!("[1,[{NOTE}],{{}},{ASK}]")).as_deref(), Ok("xxxq"));
    }

    #[test]
    fn can_1_a_cancelled_call_leaves_no_answer() {
        let answer = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
        assert_eq!(join([answer("1"), None, answer("{}")]).unwrap(), "[1,{}]");
        assert_eq!(join([None, None]), None);
    }

    proptest! {
        #[test]
        fn base_4_each_element_is_one_answer_or_none(texts in proptest::collection::vec("[ -~]{0,30}", 1..4)) {
            let values: Vec<_> = texts.iter().map(|text| serde_json::to_string(text).unwrap()).collect();
            let joined = join(values.iter().map(|value| Some(Bytes::from(value.clone())))).unwrap();
            let text = std::str::from_utf8(&joined).unwrap();
            let Ok(Frame::Batch(elements)) = Frame::decode(text, &Limits::default().json) else { panic!("{text}") };
            prop_assert_eq!(&elements, &values);
            // No string is a message.
            prop_assert_eq!(kinds(text).unwrap(), "x".repeat(texts.len()));
        }
    }
}
