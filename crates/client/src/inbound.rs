//! Reading what the server sends.

use bytestring::ByteString;
use latimer_protocol::frame::{Frame, FrameError, Message, string};
use latimer_protocol::id::RequestId;
use latimer_protocol::rewrite::members;
use latimer_protocol::{ErrorCode, Limits, RawJson, RpcError};

use crate::notification::Notification;

/// One message from the server, apart from the buffer it came in.
#[derive(Debug)]
pub(crate) enum Inbound {
    Response(Response),
    Notification(Notification),
    Request(ServerRequest),
}

/// An answer of the server.
#[derive(Debug)]
pub(crate) struct Response {
    /// Whom it answers; missing where the server could not read our id (BASE-2).
    pub(crate) id: Option<RequestId>,
    pub(crate) outcome: Result<RawJson, RpcError>,
}

impl Response {
    /// The number of the request that it answers. A string of digits is another id than the number (BASE-2).
    pub(crate) fn number(&self) -> Option<u64> {
        self.id.as_ref()?.as_json().parse().ok()
    }

    /// Whether it answers this request, where only this request can have been meant if there is no id.
    pub(crate) fn answers(&self, request: u64) -> bool {
        self.id.is_none() || self.number() == Some(request)
    }
}

/// A request of the server (legacy eras only).
#[derive(Debug)]
pub(crate) struct ServerRequest {
    pub(crate) id: RequestId,
    pub(crate) method: String,
    pub(crate) params: Option<RawJson>,
}

/// Reads one message, or the messages of a batch (BASE-4). What is no message in a batch is left out.
pub(crate) fn read(text: &ByteString, limits: &Limits) -> Result<Vec<Inbound>, FrameError> {
    match Frame::decode(text, limits)? {
        Frame::Message(message) => Ok(vec![detach(message, text)]),
        Frame::Batch(elements) => Ok(elements
            .into_iter()
            .filter_map(|element| match Message::decode(element, limits) {
                Ok(message) => Some(detach(message, text)),
                Err(error) => {
                    tracing::warn!(%error, "left out an element of a batch");
                    None
                }
            })
            .collect()),
    }
}

fn detach(message: Message<'_>, text: &ByteString) -> Inbound {
    match message {
        Message::Response(response) => Inbound::Response(Response {
            id: response.id.map(latimer_protocol::Id::to_owned),
            outcome: response.detach(text).map_err(|error| rpc_error(&error)),
        }),
        Message::Notification(notification) => Inbound::Notification(Notification {
            method: notification.method.into_owned(),
            params: notification.params.detach(text).raw,
        }),
        Message::Request(request) => Inbound::Request(ServerRequest {
            id: request.id.to_owned(),
            method: request.method.into_owned(),
            params: request.params.detach(text).raw,
        }),
    }
}

/// Reads an error object. One without a code or message (BASE-3 forbids it) becomes an internal error.
pub(crate) fn rpc_error(raw: &RawJson) -> RpcError {
    let mut error = RpcError::new(ErrorCode::INTERNAL_ERROR, "the server gave no reason");
    for (name, value) in members(raw.as_str()).map_while(Result::ok) {
        match &*name {
            "code" => error.code = value.parse().map_or(error.code, ErrorCode),
            "message" => {
                if let Some(text) = string(value) {
                    error.message = text.into_owned().into();
                }
            }
            "data" => error.data = raw.slice(value).ok(),
            _ => {}
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str) -> Inbound {
        read(&ByteString::from(text), &Limits::default()).unwrap().remove(0)
    }

    #[test]
    fn base_2_an_id_is_compared_with_its_type() {
        for (id, answers) in [("7", true), ("\"7\"", false), ("8", false), ("-7", false)] {
            let Inbound::Response(response) = one(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#))
            else {
                panic!()
            };
            assert_eq!(response.answers(7), answers, "{id}");
        }
        let Inbound::Response(response) = one(r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"x"}}"#)
        else {
            panic!()
        };
        assert!(response.answers(7));
    }

    #[test]
    fn errors_are_read_with_their_data_however_odd() {
        let Inbound::Response(response) =
            one(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"n\u006f","data":{"a":1e2}}}"#)
        else {
            panic!()
        };
        let error = response.outcome.unwrap_err();
        assert_eq!((error.code.0, &*error.message), (-32022, "no"));
        assert_eq!(error.data.unwrap().as_str(), r#"{"a":1e2}"#);
        let Inbound::Response(response) = one(r#"{"jsonrpc":"2.0","id":1,"error":"oh"}"#) else { panic!() };
        assert_eq!(response.outcome.unwrap_err().code, ErrorCode::INTERNAL_ERROR);
    }

    #[test]
    fn base_4_a_batch_is_read_without_its_broken_elements() {
        let text = r#"[{"jsonrpc":"2.0","method":"a"},5,{"jsonrpc":"2.0","id":1,"result":[]}]"#;
        assert_eq!(read(&ByteString::from(text), &Limits::default()).unwrap().len(), 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn no_text_makes_reading_panic(text in "[\\[\\]{}\",:a-z0-9 -]{0,60}") {
            let _ = read(&ByteString::from(text), &Limits::default());
        }

        #[test]
        fn base_6_results_and_notifications_are_kept_to_the_byte(number in any::<f64>(), text in any::<String>()) {
            prop_assume!(number.is_finite());
            let value = format!("{{\"x\" : [{number:?}, {}]}}", serde_json::to_string(&text).unwrap());
            let Inbound::Response(response) = one(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{value}}}"#))
            else {
                panic!()
            };
            let result = response.outcome.unwrap();
            prop_assert_eq!(result.as_str(), value.as_str());
            let Inbound::Notification(notification) =
                one(&format!(r#"{{"jsonrpc":"2.0","method":"m","params":{value}}}"#))
            else {
                panic!()
            };
            let params = notification.params.unwrap();
            prop_assert_eq!(params.as_str(), value.as_str());
        }
    }
}
