//! The methods that reach a source: calling, reading, getting.

use latimer_protocol::encode::{CacheHint, CacheScope};
use latimer_protocol::wire::{CallToolResult, ClientCapabilities};
use latimer_protocol::{ErrorCode, RawJson, Revision, RpcError, frame};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::ask::Ran;
use super::task::Turn;
use super::{Engine, Reply, Request};
use crate::call::{Answer, Operation, Outcome};
use crate::catalog::{Entry, Snapshot, ToolEntry};
use crate::context::Context;
use crate::error::{CallError, reference};
use crate::requirement::Requirement;

impl Engine {
    pub(super) async fn call_tool(
        &self,
        request: &mut Request,
        snapshot: &Snapshot,
        context: Context,
    ) -> Result<Reply, RpcError> {
        let name = request.params.name()?;
        let tool = snapshot.tool(&request.caller.principal, &name);
        let tool = tool.ok_or_else(|| unknown("tool", &name))?.clone();
        check_requirements("tool", &*tool, request)?;
        let arguments = request.params.take_arguments()?;
        let request = &*request;
        let caller = &request.caller;
        if let Err(violations) = tool.check_arguments(&arguments) {
            let message = format!("the arguments do not fit tool \"{}\":\n{violations}", tool.name());
            // A wrong argument is the model's to mend from 2025-11-25 on, and a protocol error before (TOOL-8).
            return if caller.revision >= Revision::V2025_11_25 {
                self.reply(request, &CallToolResult::error(message), None)
            } else {
                Err(RpcError::invalid_params(message))
            };
        }
        if let Turn::Task { ttl } = self.turn(request, snapshot, &tool)? {
            return Box::pin(self.begin_task(request, &tool, arguments.into_raw(), ttl)).await;
        }
        let operation = Operation::CallTool { tool: tool.clone(), arguments };
        match self.run(request, context, operation).await? {
            Ran::Asked(reply) => Ok(reply),
            Ran::Done(outcome) => {
                let result = tool_result(
                    &tool,
                    request.method.name,
                    caller.revision,
                    &caller.client.capabilities,
                    outcome,
                )?;
                self.reply(request, &result, None)
            }
        }
    }

    pub(super) async fn read_resource(
        &self,
        request: &Request,
        snapshot: &Snapshot,
        context: Context,
    ) -> Result<Reply, RpcError> {
        let caller = &request.caller;
        let uri = request.params.uri()?;
        let operation = if let Some(resource) = snapshot.resource(&caller.principal, &uri) {
            check_requirements("resource", &**resource, request)?;
            Operation::ReadResource { resource: resource.clone() }
        } else if let Some(found) = snapshot.template_for(&caller.principal, &uri) {
            check_requirements("resource", &**found.template, request)?;
            let template = found.template.clone();
            Operation::ReadTemplate { template, uri: uri.to_string(), variables: found.variables }
        } else {
            return Err(no_resource(&uri, caller.revision));
        };
        let outcome = match self.run(request, context, operation).await? {
            Ran::Asked(reply) => return Ok(reply),
            Ran::Done(outcome) => outcome,
        };
        match outcome {
            // Empty contents would say that the resource is there (RSC-3).
            Ok(Answer::Resource(result)) if result.contents.is_empty() => {
                Err(no_resource(&uri, caller.revision))
            }
            Ok(Answer::Resource(result)) => {
                self.reply(request, &result, Some(CacheHint { ttl_ms: 0, scope: CacheScope::Private }))
            }
            Ok(other) => Err(internal(request, &uri, &mismatch(&other))),
            Err(CallError::NoResource) => Err(no_resource(&uri, caller.revision)),
            Err(error) => Err(rpc(request, &uri, error)),
        }
    }

    pub(super) async fn get_prompt(
        &self,
        request: &Request,
        snapshot: &Snapshot,
        context: Context,
    ) -> Result<Reply, RpcError> {
        let name = request.params.name()?;
        let prompt = snapshot
            .prompt(&request.caller.principal, &name)
            .ok_or_else(|| unknown("prompt", &name))?
            .clone();
        check_requirements("prompt", &*prompt, request)?;
        let arguments = request.params.arguments.as_ref().map(strings).transpose()?.unwrap_or_default();
        let given = |name: &str| arguments.iter().any(|(given, _)| given == name);
        if let Some(missing) =
            prompt.arguments().iter().find(|argument| argument.required && !given(&argument.name))
        {
            return Err(RpcError::invalid_params(format!(
                "prompt \"{name}\" needs the argument \"{}\"",
                missing.name
            )));
        }
        let operation = Operation::GetPrompt { prompt, arguments };
        let outcome = match self.run(request, context, operation).await? {
            Ran::Asked(reply) => return Ok(reply),
            Ran::Done(outcome) => outcome,
        };
        match outcome {
            Ok(Answer::Prompt(result)) => self.reply(request, &result, None),
            Ok(other) => Err(internal(request, &name, &mismatch(&other))),
            Err(error) => Err(rpc(request, &name, error)),
        }
    }
}

/// What a tool's caller gets to see of an outcome.
pub(super) fn tool_result(
    tool: &ToolEntry,
    method: &str,
    revision: Revision,
    capabilities: &ClientCapabilities,
    outcome: Outcome,
) -> Result<CallToolResult, RpcError> {
    let failed = |error: &CallError| {
        let reference = logged(method, tool.name(), error);
        CallToolResult::error(format!(
            "the tool failed; the server's log has the reason under reference {reference}"
        ))
    };
    match outcome {
        Ok(Answer::Tool(result)) => match check_output(tool, &result) {
            Ok(()) => Ok(result),
            Err(reason) => Ok(failed(&reason)),
        },
        Ok(other) => Ok(failed(&mismatch(&other))),
        Err(CallError::Tool(error)) => match error.refusal(revision, capabilities) {
            Some(refusal) => Err(refusal),
            None => Ok(error.into_result()),
        },
        Err(CallError::Rpc(error)) => Err(error),
        Err(error) => Ok(failed(&error)),
    }
}

/// Refuses a call that its client cannot see through (VER-7), before anything of it happens.
fn check_requirements<E: Entry>(kind: &str, entry: &E, request: &Request) -> Result<(), RpcError> {
    if entry.requires().is_empty() {
        return Ok(());
    }
    let (capabilities, revision) = (&request.caller.client.capabilities, request.caller.revision);
    let missing =
        entry.requires().iter().copied().filter(|requirement| !requirement.is_met(capabilities, revision));
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Requirement::refusal(&format!("{kind} \"{}\"", entry.key()), &missing, revision))
}

/// What a tool with an output schema owes (TOOL-7).
fn check_output(tool: &ToolEntry, result: &CallToolResult) -> Result<(), CallError> {
    let Some(validator) = tool.output().filter(|_| !result.is_error) else { return Ok(()) };
    match &result.structured_content {
        None => Err(fault("the tool has an output schema and returned no structured content".to_owned())),
        Some(content) => validator.check(content.as_str()).map_err(|violations| {
            fault(format!("structured content does not fit the output schema: {violations}"))
        }),
    }
}

pub(super) fn fault(message: String) -> CallError {
    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Fault(String);
    CallError::Internal(Box::new(Fault(message)))
}

pub(super) fn mismatch(answer: &Answer) -> CallError {
    let kind = match answer {
        Answer::Tool(_) => "a tool result",
        Answer::Resource(_) => "resource contents",
        Answer::Prompt(_) => "prompt messages",
        Answer::Completion(_) => "a completion",
        Answer::Extension(_) => "the result of an extension",
    };
    fault(format!("the source answered with {kind}, which is not what was asked for"))
}

fn unknown(kind: &str, name: &str) -> RpcError {
    let shown: String = name.chars().take(128).collect();
    RpcError::invalid_params(format!("unknown {kind}: {shown}"))
}

pub(super) fn no_resource(uri: &str, revision: Revision) -> RpcError {
    #[derive(Serialize)]
    struct Data<'a> {
        uri: &'a str,
    }
    let code = if revision.is_modern() { ErrorCode::INVALID_PARAMS } else { ErrorCode::RESOURCE_NOT_FOUND };
    let error = RpcError::new(code, "resource not found");
    match RawJson::from_serialize(&Data { uri }) {
        Ok(data) => error.with_data(data),
        Err(_) => error,
    }
}

/// What a caller learns of a failure outside a tool.
pub(super) fn rpc(request: &Request, target: &str, error: CallError) -> RpcError {
    let caller = &request.caller;
    match error {
        CallError::Rpc(error) => error,
        CallError::Tool(error) => match error.refusal(caller.revision, &caller.client.capabilities) {
            Some(refusal) => refusal,
            None => RpcError::new(ErrorCode::INTERNAL_ERROR, error.to_string()),
        },
        error => internal(request, target, &error),
    }
}

/// Logs a failure under a reference and tells the caller the reference.
pub(super) fn internal(request: &Request, target: &str, error: &CallError) -> RpcError {
    RpcError::internal(&logged(request.method.name, target, error))
}

fn logged(method: &str, target: &str, error: &CallError) -> String {
    let reference = reference();
    match error {
        // Handed over as what it is: the log tells its causes, too.
        CallError::Internal(error) => {
            let error: &(dyn std::error::Error + 'static) = error.as_ref();
            tracing::error!(%reference, method, target, error, "a call failed");
        }
        error => tracing::error!(%reference, method, target, %error, "a call failed"),
    }
    reference
}

/// The arguments of a prompt, in order. All are strings (PR-1).
fn strings(arguments: &RawJson) -> Result<Vec<(String, String)>, RpcError> {
    let Ok(Members(members)) = serde_json::from_str(arguments.as_str()) else {
        return Err(RpcError::invalid_params("\"params.arguments\" must be an object"));
    };
    let string = |(name, value): (String, &RawValue)| match frame::string(value.get()) {
        Some(text) => Ok((name, text.into_owned())),
        None => {
            let shown: String = name.chars().take(128).collect();
            let kind = match value.get().as_bytes().first() {
                Some(b'{') => "an object; send its JSON as a string",
                Some(b'[') => "an array; send its JSON as a string",
                Some(b'n') => "null; leave it out",
                Some(b't' | b'f') => "a boolean; write it in quotes",
                _ => "a number; write it in quotes",
            };
            let message = format!("\"params.arguments.{shown}\" must be a string, not {kind}");
            Err(RpcError::invalid_params(message))
        }
    };
    members.into_iter().map(string).collect()
}

/// The members of an object, in order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_that_is_no_string_is_named_with_the_mend() {
        let read = |text: &str| {
            let read = strings(&RawJson::parse(text.to_owned()).unwrap());
            read.map_err(|error| (error.code, error.message.into_owned()))
        };
        assert_eq!(
            read(r#"{"b":"x","a":"\u0041"}"#).unwrap(),
            [("b".into(), "x".into()), ("a".into(), "A".into())]
        );
        for (text, told) in [
            (r#"{"who":3}"#, "\"params.arguments.who\" must be a string, not a number; write it in quotes"),
            (
                r#"{"who":true}"#,
                "\"params.arguments.who\" must be a string, not a boolean; write it in quotes",
            ),
            (r#"{"a":"x","who":null}"#, "\"params.arguments.who\" must be a string, not null; leave it out"),
            (
                r#"{"who":[1]}"#,
                "\"params.arguments.who\" must be a string, not an array; send its JSON as a string",
            ),
            ("[1]", "\"params.arguments\" must be an object"),
        ] {
            assert_eq!(read(text), Err((ErrorCode::INVALID_PARAMS, told.to_owned())), "{text}");
        }
    }
}
