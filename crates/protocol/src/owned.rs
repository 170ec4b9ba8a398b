//! Parameters that outlive the frame they came in, without copying their text.

use std::borrow::Cow;

use bytestring::ByteString;

use crate::arguments::{Arguments, ArgumentsIndex};
use crate::error::RpcError;
use crate::frame::{self, FrameIndex, Params, Response};
use crate::raw::RawJson;

/// The parameters of a request, sharing the bytes of its message.
#[derive(Clone, Debug, Default)]
pub struct OwnedParams {
    /// The whole object.
    pub raw: Option<RawJson>,
    /// `name` as JSON text.
    pub name: Option<RawJson>,
    /// `uri` as JSON text.
    pub uri: Option<RawJson>,
    /// `arguments`.
    pub arguments: Option<RawJson>,
    /// `cursor` as JSON text.
    pub cursor: Option<RawJson>,
    /// What few requests have: boxed, so that the others do not carry the room for it.
    pub rare: Option<Box<RareParams>>,
    /// `_meta`.
    pub meta: OwnedMeta,
    /// The index over `arguments`, if they are those of a `tools/call`.
    pub index: Option<ArgumentsIndex>,
}

/// Parameters that few requests have, sharing the bytes of their message; all fields are JSON text.
#[derive(Clone, Debug, Default)]
pub struct RareParams {
    /// `inputResponses`.
    pub input_responses: Option<RawJson>,
    /// `requestState`.
    pub request_state: Option<RawJson>,
    /// `task`.
    pub task: Option<RawJson>,
    /// `taskId`.
    pub task_id: Option<RawJson>,
}

/// `_meta` of a request, sharing the bytes of its message; all fields are JSON text.
#[derive(Clone, Debug, Default)]
pub struct OwnedMeta {
    /// The whole object.
    pub raw: Option<RawJson>,
    /// `io.modelcontextprotocol/clientCapabilities`.
    pub client_capabilities: Option<RawJson>,
    /// `io.modelcontextprotocol/clientInfo`.
    pub client_info: Option<RawJson>,
    /// `io.modelcontextprotocol/logLevel`.
    pub log_level: Option<RawJson>,
    /// `progressToken`.
    pub progress_token: Option<RawJson>,
}

impl Params<'_> {
    fn has_rare(&self) -> bool {
        self.input_responses.is_some()
            || self.request_state.is_some()
            || self.task.is_some()
            || self.task_id.is_some()
    }

    /// Keeps the parameters beyond the frame. `text` is the text that the frame was decoded from.
    ///
    /// # Panics
    /// When `text` is another text than the one the frame borrows from.
    pub fn detach(self, text: &ByteString) -> OwnedParams {
        let has_rare = self.has_rare();
        let own = |part: Option<&str>| part.map(|part| RawJson::trusted(text.slice_ref(part)));
        OwnedParams {
            raw: own(self.raw),
            name: own(self.name),
            uri: own(self.uri),
            arguments: own(self.arguments),
            cursor: own(self.cursor),
            rare: has_rare.then(|| {
                Box::new(RareParams {
                    input_responses: own(self.input_responses),
                    request_state: own(self.request_state),
                    task: own(self.task),
                    task_id: own(self.task_id),
                })
            }),
            meta: OwnedMeta {
                raw: own(self.meta.raw),
                client_capabilities: own(self.meta.client_capabilities),
                client_info: own(self.meta.client_info),
                log_level: own(self.meta.log_level),
                progress_token: own(self.meta.progress_token),
            },
            index: self.index.map(|FrameIndex { message, buffer, root }| ArgumentsIndex {
                text: text.slice_ref(message),
                buffer,
                root,
            }),
        }
    }
}

impl Response<'_> {
    /// Keeps the result, or the error object, beyond the frame. `text` is the text that the frame was
    /// decoded from.
    ///
    /// # Panics
    /// When `text` is another text than the one the frame borrows from.
    pub fn detach(&self, text: &ByteString) -> Result<RawJson, RawJson> {
        let own = |part: &str| RawJson::trusted(text.slice_ref(part));
        self.outcome.map(own).map_err(own)
    }
}

impl OwnedParams {
    /// `name`, decoded.
    ///
    /// # Errors
    /// -32602 where it is missing or no string.
    pub fn name(&self) -> Result<Cow<'_, str>, RpcError> {
        required(self.name.as_ref(), "\"params.name\" is missing or not a string")
    }

    /// `uri`, decoded.
    ///
    /// # Errors
    /// -32602 where it is missing or no string.
    pub fn uri(&self) -> Result<Cow<'_, str>, RpcError> {
        required(self.uri.as_ref(), "\"params.uri\" is missing or not a string")
    }

    /// `taskId`, decoded.
    ///
    /// # Errors
    /// -32602 where it is missing or no string.
    pub fn task_id(&self) -> Result<Cow<'_, str>, RpcError> {
        let task_id = self.rare.as_ref().and_then(|rare| rare.task_id.as_ref());
        required(task_id, "\"params.taskId\" is missing or not a string")
    }

    /// `requestState`, decoded, where there is one.
    ///
    /// # Errors
    /// -32602 where it is no string.
    pub fn request_state(&self) -> Result<Option<Cow<'_, str>>, RpcError> {
        match self.rare.as_ref().and_then(|rare| rare.request_state.as_ref()) {
            Some(state) => required(Some(state), "\"params.requestState\" is not a string").map(Some),
            None => Ok(None),
        }
    }

    /// `inputResponses`, where there are any.
    ///
    /// # Errors
    /// -32602 where they are no object.
    pub fn input_responses(&self) -> Result<Option<&RawJson>, RpcError> {
        match self.rare.as_ref().and_then(|rare| rare.input_responses.as_ref()) {
            Some(responses) if responses.is_object() => Ok(Some(responses)),
            Some(_) => Err(RpcError::invalid_params("\"params.inputResponses\" is not an object")),
            None => Ok(None),
        }
    }

    /// `task`, where the caller wants a task (T11-3).
    pub fn task(&self) -> Option<&RawJson> {
        self.rare.as_ref().and_then(|rare| rare.task.as_ref())
    }

    /// `cursor`, decoded, where there is one; the empty string is one (PAG-1).
    ///
    /// # Errors
    /// -32602 where it is no string.
    pub fn cursor(&self) -> Result<Option<Cow<'_, str>>, RpcError> {
        match &self.cursor {
            Some(cursor) => required(Some(cursor), "\"params.cursor\" is not a string").map(Some),
            None => Ok(None),
        }
    }

    /// `arguments`; an empty object where they are missing (TOOL-5).
    ///
    /// # Errors
    /// -32602 where they are no object.
    pub fn arguments(&self) -> Result<RawJson, RpcError> {
        match &self.arguments {
            None => Ok(RawJson::empty_object()),
            Some(arguments) if arguments.is_object() => Ok(arguments.clone()),
            Some(_) => Err(RpcError::invalid_params("\"params.arguments\" is not an object")),
        }
    }

    /// As [`arguments`](Self::arguments), with the index over them, which nobody else gets then.
    ///
    /// # Errors
    /// -32602 where they are no object.
    pub fn take_arguments(&mut self) -> Result<Arguments, RpcError> {
        let raw = self.arguments()?;
        let index = self.index.take().filter(|index| index.is_over(&raw));
        Ok(Arguments { raw, index })
    }
}

fn required<'a>(text: Option<&'a RawJson>, reason: &'static str) -> Result<Cow<'a, str>, RpcError> {
    text.and_then(|text| frame::string(text.as_str())).ok_or(RpcError::invalid_params(reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Frame, Limits, Message};

    fn params(text: &str) -> OwnedParams {
        let text = ByteString::from(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{text}}}"#));
        let Ok(Frame::Message(Message::Request(request))) = Frame::decode(&text, &Limits::default()) else {
            panic!("not a request")
        };
        request.params.detach(&text)
    }

    #[test]
    fn tool_5_missing_arguments_are_an_empty_object() {
        assert_eq!(params(r#"{"name":"a\u0062"}"#).arguments().unwrap().as_str(), "{}");
        assert_eq!(params(r#"{"name":"a\u0062"}"#).name().unwrap(), "ab");
    }

    #[test]
    fn members_of_a_wrong_type_are_invalid_params() {
        assert!(params(r#"{"name":7}"#).name().is_err());
        assert!(params(r#"{"arguments":[1]}"#).arguments().is_err());
        assert!(params(r#"{"cursor":1}"#).cursor().is_err());
        assert_eq!(params(r#"{"cursor":""}"#).cursor().unwrap().as_deref(), Some(""));
        assert_eq!(params("{}").cursor().unwrap(), None);
    }
}
