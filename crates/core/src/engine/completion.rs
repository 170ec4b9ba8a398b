//! `completion/complete` (CMP-1).

use std::borrow::Cow;

use latimer_protocol::tape::{Kind, Node, Tape, TapeBuffer};
use latimer_protocol::{RawJson, RpcError};

use super::operation::{internal, rpc};
use super::{Engine, Reply, Request};
use crate::call::{Answer, Call, Operation, Partial};
use crate::catalog::Snapshot;
use crate::context::Context;
use crate::error::CallError;

struct Params {
    reference: Reference,
    partial: Partial,
}

enum Reference {
    Prompt { name: String },
    Resource { uri: String },
}

impl Params {
    /// Reads the parameters.
    ///
    /// # Errors
    /// -32602 that names the member which is missing or wrong.
    fn read(raw: &RawJson) -> Result<Self, RpcError> {
        let mut buffer = TapeBuffer::new();
        let tape = Tape::parse_into(&mut buffer, raw.as_str())
            .map_err(|error| RpcError::invalid_params(format!("\"params\": {error}")))?;
        let params = Member { place: "params".to_owned(), value: tape.root() }.object()?;
        let reference = params.member("ref")?.object()?;
        let kind = reference.member("type")?;
        let reference = match kind.value.as_str().as_deref() {
            Some("ref/prompt") => Reference::Prompt { name: reference.member("name")?.string()? },
            Some("ref/resource") => Reference::Resource { uri: reference.member("uri")?.string()? },
            _ => return Err(kind.must_be("\"ref/prompt\" or \"ref/resource\"")),
        };
        let argument = params.member("argument")?.object()?;
        let settled = match params.optional("context").map(Member::object).transpose()? {
            Some(context) => context.optional("arguments").map_or(Ok(Vec::new()), Member::strings)?,
            None => Vec::new(),
        };
        let partial = Partial {
            argument: argument.member("name")?.string()?,
            value: argument.member("value")?.string()?,
            settled,
        };
        Ok(Self { reference, partial })
    }
}

/// A value of the parameters, and where it is.
struct Member<'a> {
    place: String,
    value: Node<'a>,
}

impl Member<'_> {
    fn optional(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name)?;
        Some(Self { place: format!("{}.{name}", self.place), value })
    }

    fn member(&self, name: &str) -> Result<Self, RpcError> {
        let missing = || RpcError::invalid_params(format!("\"{}.{name}\" is missing", self.place));
        self.optional(name).ok_or_else(missing)
    }

    fn object(self) -> Result<Self, RpcError> {
        if self.value.kind() == Kind::Object { Ok(self) } else { Err(self.must_be("an object")) }
    }

    fn string(self) -> Result<String, RpcError> {
        let text = self.value.as_str().map(Cow::into_owned);
        text.ok_or_else(|| self.must_be("a string"))
    }

    fn strings(self) -> Result<Vec<(String, String)>, RpcError> {
        let pairs = self.value.members().and_then(|members| {
            members
                .map(|(name, value)| Some((name.decode().into_owned(), value.as_str()?.into_owned())))
                .collect()
        });
        pairs.ok_or_else(|| self.must_be("an object of strings"))
    }

    fn must_be(&self, expected: &str) -> RpcError {
        RpcError::invalid_params(format!("\"{}\" must be {expected}", self.place))
    }
}

impl Engine {
    pub(super) async fn complete(
        &self,
        request: &Request,
        snapshot: &Snapshot,
        context: Context,
    ) -> Result<Reply, RpcError> {
        let raw =
            request.params.raw.as_ref().ok_or_else(|| RpcError::invalid_params("\"params\" is missing"))?;
        let Params { reference, partial } = Params::read(raw)?;
        let principal = &request.caller.principal;
        let no_argument = |of: &str| {
            RpcError::invalid_params(format!("\"{of}\" has no argument \"{}\" to complete", partial.argument))
        };
        let operation = match reference {
            Reference::Prompt { name } => {
                let prompt = snapshot.prompt(principal, &name);
                let prompt = prompt
                    .ok_or_else(|| RpcError::invalid_params(format!("unknown prompt: {name}")))?
                    .clone();
                if !prompt.arguments().iter().any(|argument| argument.name.as_ref() == partial.argument) {
                    return Err(no_argument(&name));
                }
                Operation::CompletePrompt { prompt, partial }
            }
            Reference::Resource { uri } => {
                let template = snapshot.template(principal, &uri);
                let template = template
                    .ok_or_else(|| RpcError::invalid_params(format!("unknown resource template: {uri}")))?
                    .clone();
                if !template.template().variables().any(|variable| variable == partial.argument) {
                    return Err(no_argument(&uri));
                }
                Operation::CompleteTemplate { template, partial }
            }
        };
        let target = operation.target().to_owned();
        match self.0.handler.handle(Call { operation, context }).await {
            Ok(Answer::Completion(result)) => self.reply(request, &result, None),
            Ok(_) => {
                let message = CallError::shown("the source did not answer with a completion");
                Err(internal(request, &target, &message))
            }
            Err(error) => Err(rpc(request, &target, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latimer_protocol::ErrorCode;

    fn read(text: &str) -> Result<Params, RpcError> {
        Params::read(&RawJson::parse(text.to_owned()).unwrap())
    }

    #[test]
    fn cmp_1_what_was_typed_and_settled_is_read() {
        let text = r#"{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"\u00e9"},
            "context":{"arguments":{"b":"c"}}}"#;
        let params = read(text).unwrap_or_else(|error| panic!("{}", error.message));
        assert!(matches!(params.reference, Reference::Prompt { name } if name == "p"));
        assert_eq!((params.partial.argument.as_str(), params.partial.value.as_str()), ("a", "é"));
        assert_eq!(params.partial.settled, [("b".to_owned(), "c".to_owned())]);
        let bare =
            r#"{"ref":{"type":"ref/resource","uri":"u"},"argument":{"name":"a","value":""},"context":{}}"#;
        assert!(read(bare).is_ok_and(|params| params.partial.settled.is_empty()));
    }

    #[test]
    fn cmp_1_a_member_that_is_missing_or_wrong_is_named() {
        let typed = r#""argument":{"name":"a","value":""}"#;
        for (text, message) in [
            ("[]".to_owned(), "\"params\" must be an object"),
            ("{}".to_owned(), "\"params.ref\" is missing"),
            (r#"{"ref":5}"#.to_owned(), "\"params.ref\" must be an object"),
            (r#"{"ref":{}}"#.to_owned(), "\"params.ref.type\" is missing"),
            (
                r#"{"ref":{"type":"prompt"}}"#.to_owned(),
                "\"params.ref.type\" must be \"ref/prompt\" or \"ref/resource\"",
            ),
            (r#"{"ref":{"type":"ref/prompt"}}"#.to_owned(), "\"params.ref.name\" is missing"),
            (r#"{"ref":{"type":"ref/resource","uri":1}}"#.to_owned(), "\"params.ref.uri\" must be a string"),
            (r#"{"ref":{"type":"ref/resource","uri":"u"}}"#.to_owned(), "\"params.argument\" is missing"),
            (
                r#"{"ref":{"type":"ref/resource","uri":"u"},"argument":{"name":"a"}}"#.to_owned(),
                "\"params.argument.value\" is missing",
            ),
            (
                format!(r#"{{"ref":{{"type":"ref/prompt","name":"p"}},{typed},"context":1}}"#),
                "\"params.context\" must be an object",
            ),
            (
                format!(
                    r#"{{"ref":{{"type":"ref/prompt","name":"p"}},{typed},"context":{{"arguments":{{"b":1}}}}}}"#
                ),
                "\"params.context.arguments\" must be an object of strings",
            ),
        ] {
            let error = read(&text).err().unwrap();
            assert_eq!((error.code, &*error.message), (ErrorCode::INVALID_PARAMS, message), "{text}");
        }
    }
}
