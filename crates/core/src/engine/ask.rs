//! Where calls that ask are run: in rounds, or once with questions on the way.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use latimer_protocol::encode::{InputRequest, Stamp, write_input_required};
use latimer_protocol::wire::{ElicitAction, ElicitResult, TaskSupport};
use latimer_protocol::{RawJson, RpcError};

use super::{Caller, Engine, Reply, Request};
use crate::ask::{
    Answered, AskError, Asking, Binding, Claims, Drive, Driven, Journal, Live, Question, Sealed, TRIES, Way,
    is_page,
};
use crate::call::{Call, Operation, Outcome};
use crate::catalog::ToolEntry;
use crate::context::Context;
use crate::error::CallError;
use crate::limits::Limits;
use crate::random;
use crate::requirement::Requirement;

/// How a run of a call ended.
pub(super) enum Ran {
    /// It has an outcome.
    Done(Outcome),
    /// The caller is asked first (MRTR-2), or gets a task instead (TX-3).
    Asked(Reply),
}

/// What a request brings along: the state of its call, and answers by key.
type Brought = (Option<Sealed>, Vec<(String, Answered)>);

/// How many rounds one call may have: a handler that never has enough is at fault.
pub(crate) const MOST_ROUNDS: u32 = 100;

impl Engine {
    /// Hands a call to its source, and asks the caller what its handler wants to know.
    pub(super) async fn run(
        &self,
        request: &Request,
        context: Context,
        operation: Operation,
    ) -> Result<Ran, RpcError> {
        if request.caller.revision.is_modern() {
            return self.run_round(request, context, operation).await;
        }
        let Some(scope) = request.caller.scope.clone() else {
            return self.run_to_end(context, operation, Asking::none()).await;
        };
        let live = Live {
            questions: self.0.questions.clone(),
            scope,
            revision: request.caller.revision,
            outbox: context.outbox().clone(),
            patience: self.limits().answer_timeout,
            capabilities: request.caller.client.capabilities.clone(),
        };
        if self.0.reruns {
            return Box::pin(self.run_again_and_again(&context, &operation, &live)).await;
        }
        let asking = Asking::new(Way::Live(live), Journal::default(), Vec::new());
        self.run_to_end(context, operation, asking).await
    }

    /// One round of a modern call.
    async fn run_round(
        &self,
        request: &Request,
        context: Context,
        operation: Operation,
    ) -> Result<Ran, RpcError> {
        let definition = definition(&operation).clone();
        let possible = possible_task(request, &operation);
        let (sealed, mut fresh) = self.open(request, &definition)?;
        if let Err(error) = take_pages(&mut fresh) {
            return Ok(Ran::Done(Err(error.into())));
        }
        let (chain, rounds, journal, open) = match sealed {
            // The first round of a call that may become a task is the first run of that.
            None => (possible.is_some().then(random::hex::<16>), 0, Journal::default(), Vec::new()),
            Some(sealed) => (Some(sealed.chain), sealed.rounds, sealed.journal, sealed.open),
        };
        let claims = chain.clone().map(|chain| {
            let Limits { request_state_life, task_ttl, .. } = *self.limits();
            let ttl = if possible.is_some() { request_state_life.max(task_ttl) } else { request_state_life };
            Claims { store: self.0.store.clone(), chain, ttl, run: None }
        });
        let mut asking = Asking::new(Way::Rounds(claims), journal, fresh);
        if possible.is_some() {
            asking = asking.may_be_task();
        }
        let context = context.with(asking);
        let handler = self.0.handler.handle(Call { operation, context: context.clone() });
        let mut drive = Drive::new(handler, context.asking()).patient(self.limits().task_after);
        let driven = (&mut drive).await;
        let handler = drive.handler;
        let (asked, journal) = match driven {
            Driven::Done(outcome) => match pages(&outcome, &request.caller) {
                Some(pages) => (pages, context.asking().journal()),
                None => return Ok(Ran::Done(outcome)),
            },
            Driven::Task => {
                return match possible {
                    Some(tool) => {
                        let chain = chain.unwrap_or_else(random::hex::<16>);
                        let turned = self.turn_into_task(request, tool, handler, context, chain);
                        Box::pin(turned).await.map(Ran::Asked)
                    }
                    None => Err(RpcError::internal("task")),
                };
            }
            Driven::Asked => {
                drop(handler);
                match context.asking().take_asked() {
                    Ok(asked) => asked,
                    Err(error) => return Ok(Ran::Done(Err(error.into()))),
                }
            }
        };
        if rounds >= MOST_ROUNDS {
            let message = format!("the call asked more than {MOST_ROUNDS} times and was stopped");
            return Err(RpcError::invalid_request(message));
        }
        let chain = chain.unwrap_or_else(random::hex::<16>);
        let mut sealed = Sealed::new(chain, rounds + 1, journal);
        sealed.kept = context.asking().unread(&open).collect();
        sealed.open = asked.iter().map(|(key, _)| key.clone()).chain(sealed.kept.keys().cloned()).collect();
        self.asked(request, &definition, &asked, sealed).map(Ran::Asked)
    }

    /// What a request brings along from earlier rounds: the state, and answers. Answers to what the handler does not ask
    /// are ignored (MRTR-6). They may come without a state, too: they are the client's own words in any case.
    fn open(&self, request: &Request, definition: &RawJson) -> Result<Brought, RpcError> {
        let mut sealed = match request.params.request_state()? {
            Some(state) => {
                let binding = binding(request, definition)?;
                let opened = self.0.seal_keys.open(&binding, &state, self.0.clock.now());
                Some(opened.map_err(|error| RpcError::invalid_params(error.to_string()))?)
            }
            None => None,
        };
        let mut fresh = Vec::new();
        if let Some(responses) = request.params.input_responses()? {
            for member in latimer_protocol::rewrite::members(responses.as_str()) {
                let unreadable = |error: &dyn std::fmt::Display| {
                    RpcError::invalid_params(format!("\"params.inputResponses\" cannot be read: {error}"))
                };
                let (key, value) = member.map_err(|error| unreadable(&error))?;
                let value = responses.slice(value).map_err(|error| unreadable(&error))?;
                fresh.push((key.into_owned(), Answered::Result(value)));
            }
        }
        // A newer answer takes the place of one that was kept.
        for (key, value) in sealed.iter_mut().flat_map(|sealed| std::mem::take(&mut sealed.kept)) {
            if !fresh.iter().any(|(given, _)| *given == key) {
                fresh.push((key, Answered::Result(value)));
            }
        }
        Ok((sealed, fresh))
    }

    /// The reply that asks.
    fn asked(
        &self,
        request: &Request,
        definition: &RawJson,
        asked: &[(String, Question)],
        sealed: Sealed,
    ) -> Result<Reply, RpcError> {
        let limits = self.limits();
        let (life, most) = (limits.request_state_life, limits.request_state_bytes);
        let binding = binding(request, definition)?;
        let state = self.0.seal_keys.seal(&binding, sealed, self.0.clock.now(), life, most);
        let state = state.map_err(|error| internal(request, &error))?;
        let params: Vec<_> = asked
            .iter()
            .map(|(_, question)| question.params(request.caller.revision))
            .collect::<Result<_, _>>()
            .map_err(|error| internal(request, &crate::ask::AskError::from(error)))?;
        let questions: Vec<_> = asked
            .iter()
            .zip(&params)
            .map(|((key, question), params)| InputRequest {
                key,
                method: question.method(),
                params: params.as_ref().map(RawJson::as_str),
            })
            .collect();
        let mut out = Vec::with_capacity(1024);
        let stamp = Stamp { server_info: Some(&self.0.info), cache: None };
        write_input_required(request.id.as_id(), &questions, Some(&state), &stamp, &mut out);
        Ok(Reply { bytes: out.into(), error: None })
    }

    /// The rounds of a legacy call, with its questions put in between: as the modern era would run it.
    async fn run_again_and_again(
        &self,
        context: &Context,
        operation: &Operation,
        live: &Live,
    ) -> Result<Ran, RpcError> {
        let mut journal = Journal::default();
        let mut fresh = Vec::new();
        let mut tries = HashMap::<String, usize>::new();
        loop {
            let asking = Asking::new(Way::Rounds(None), journal, fresh).for_client_of(live);
            let context = context.again(asking);
            let call = Call { operation: operation.clone(), context: context.clone() };
            let handler = self.0.handler.handle(call);
            if let Driven::Done(outcome) = (Drive::new(handler, context.asking())).await {
                return Ok(Ran::Done(outcome));
            }
            let asked = match context.asking().take_asked() {
                Ok((asked, known)) => {
                    journal = known;
                    asked
                }
                Err(error) => return Ok(Ran::Done(Err(error.into()))),
            };
            for (key, _) in &asked {
                let tries = tries.entry(key.clone()).or_default();
                *tries += 1;
                if *tries > TRIES {
                    let error = AskError::Malformed(format!("\"{key}\" was not answered well"));
                    return Ok(Ran::Done(Err(error.into())));
                }
            }
            let answers = asked.into_iter().map(|(key, question)| async move {
                let answered = live.ask(&question, None).await;
                answered.map(|answered| (key, answered))
            });
            fresh = match try_join_all(answers).await {
                // They are looked at as those of a round are, in the next run.
                Ok(answers) => answers,
                Err(error) => return Ok(Ran::Done(Err(error.into()))),
            };
        }
    }

    /// One run from the beginning to the end.
    async fn run_to_end(
        &self,
        context: Context,
        operation: Operation,
        asking: Asking,
    ) -> Result<Ran, RpcError> {
        let context = context.with(asking);
        let handler = self.0.handler.handle(Call { operation, context: context.clone() });
        match (Drive::new(handler, context.asking())).await {
            Driven::Done(outcome) => Ok(Ran::Done(outcome)),
            // Only rounds end so.
            Driven::Asked | Driven::Task => Ok(Ran::Done(Err(crate::ask::AskError::Misplaced.into()))),
        }
    }
}

/// The questions of a handler that wants pages opened before it can go on, if its caller can be asked (EL-5).
pub(crate) fn pages(outcome: &Outcome, caller: &Caller) -> Option<Vec<(String, Question)>> {
    let Err(CallError::Tool(error)) = outcome else { return None };
    let (capabilities, revision) = (&caller.client.capabilities, caller.revision);
    Requirement::ElicitationUrl.is_met(capabilities, revision).then_some(error.pages()?.questions())
}

/// Takes the answers to such questions out: the handler did not ask them. It is run again only if all were accepted.
pub(crate) fn take_pages(fresh: &mut Vec<(String, Answered)>) -> Result<(), AskError> {
    for (key, answered) in fresh.extract_if(.., |(key, _)| is_page(key)) {
        let malformed = |error: serde_json::Error| AskError::Malformed(format!("\"{key}\": {error}"));
        match answered.into_result()?.to::<ElicitResult>().map_err(malformed)?.action {
            ElicitAction::Accept => {}
            ElicitAction::Decline => return Err(AskError::Declined),
            ElicitAction::Cancel => return Err(AskError::Cancelled),
        }
    }
    Ok(())
}

fn internal(request: &Request, error: &dyn std::fmt::Display) -> RpcError {
    let reference = crate::error::reference();
    tracing::error!(%reference, method = request.method.name, %error, "a call could not ask its client");
    RpcError::internal(&reference)
}

/// The tool, where the call may become a task (TX-1, TX-2).
fn possible_task(request: &Request, operation: &Operation) -> Option<Arc<ToolEntry>> {
    let Operation::CallTool { tool, .. } = operation else { return None };
    let caller = &request.caller;
    let possible = tool.task_support() != TaskSupport::Forbidden
        && Requirement::Tasks.is_met(&caller.client.capabilities, caller.revision);
    possible.then(|| tool.clone())
}

/// What the state of a call is bound to.
fn binding(request: &Request, definition: &RawJson) -> Result<Binding, RpcError> {
    let params = &request.params;
    let target = if params.uri.is_some() { params.uri()? } else { params.name()? };
    let arguments = params.arguments()?;
    let principal = request.caller.principal.key();
    Ok(Binding::new(&principal, request.method.name, &target, &arguments, definition))
}

/// The definition that stands behind a call.
fn definition(operation: &Operation) -> &RawJson {
    match operation {
        Operation::CallTool { tool, .. } => tool.json(),
        Operation::ReadResource { resource } => resource.json(),
        Operation::ReadTemplate { template, .. } | Operation::CompleteTemplate { template, .. } => {
            template.json()
        }
        Operation::GetPrompt { prompt, .. } | Operation::CompletePrompt { prompt, .. } => prompt.json(),
        // There is none, and it cannot ask: only the three methods above may (MRTR-1).
        Operation::CallExtension { params, .. } => params,
    }
}
