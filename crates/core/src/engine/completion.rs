//! `completion/complete` (CMP-1).

use latimer_protocol::RpcError;
use serde::Deserialize;

use super::operation::{Strings, internal, rpc};
use super::{Engine, Reply, Request};
use crate::call::{Answer, Call, Operation, Partial};
use crate::catalog::Snapshot;
use crate::context::Context;
use crate::error::CallError;

#[derive(Deserialize)]
struct Params {
    #[serde(rename = "ref")]
    reference: Reference,
    argument: Argument,
    #[serde(default)]
    context: Settled,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Reference {
    #[serde(rename = "ref/prompt")]
    Prompt { name: String },
    #[serde(rename = "ref/resource")]
    Resource { uri: String },
}

#[derive(Deserialize)]
struct Argument {
    name: String,
    value: String,
}

#[derive(Default, Deserialize)]
struct Settled {
    #[serde(default)]
    arguments: Strings,
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
        let params: Params = raw
            .to()
            .map_err(|error| RpcError::invalid_params(format!("\"completion/complete\": {error}")))?;
        let principal = &request.caller.principal;
        let Strings(settled) = params.context.arguments;
        let partial = Partial { argument: params.argument.name, value: params.argument.value, settled };
        let no_argument = |of: &str| {
            RpcError::invalid_params(format!("\"{of}\" has no argument \"{}\" to complete", partial.argument))
        };
        let operation = match params.reference {
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
