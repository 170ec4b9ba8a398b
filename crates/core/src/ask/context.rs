//! What handlers ask with.

use std::time::Duration;

use latimer_protocol::wire::{
    CreateMessageParams, CreateMessageResult, ElicitAction, ElicitForm, ElicitParams, ElicitResult,
    ElicitUrl, ListRootsResult, Root,
};
use latimer_protocol::{RawJson, Revision};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::asking::Way;
use super::error::AskError;
use super::form::{self, Elicited, Form};
use super::page::Ticket;
use super::question::{ContentCheck, Question};
use crate::context::Context;
use crate::random;
use crate::requirement::Requirement;

impl Context {
    /// Whether the client can be asked for something: for questions that a handler can do without.
    pub fn can(&self, requirement: Requirement) -> bool {
        let reachable = !matches!(self.asking().way(), Way::None);
        reachable && requirement.is_met(&self.client().capabilities, self.revision())
    }

    /// Has the user fill in a form that is a Rust type (EL-2), usually a struct with `#[derive(Form)]`.
    ///
    /// `key` names the question within the call: the same key gets the same answer. Questions of one handler that
    /// are asked together, for example with `join!`, reach the user together. An answer that does not fit the form
    /// is asked for again. Never ask for secrets so (EL-4).
    ///
    /// # Errors
    /// See [`AskError`]: [`Declined`](AskError::Declined) and [`Cancelled`](AskError::Cancelled) where the user does
    /// not answer.
    pub async fn elicit<T: Form>(&self, key: &str, message: impl Into<String>) -> Result<T, AskError> {
        match self.elicit_answer(key, message).await? {
            Elicited::Accepted(form) => Ok(form),
            Elicited::Declined => Err(AskError::Declined),
            Elicited::Cancelled => Err(AskError::Cancelled),
        }
    }

    /// As [`elicit`](Self::elicit), for handlers that go on where the user does not answer.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn elicit_answer<T: Form>(
        &self,
        key: &str,
        message: impl Into<String>,
    ) -> Result<Elicited<T>, AskError> {
        let form = ElicitForm { message: message.into(), requested_schema: T::schema() };
        let question = Question::Elicit(ElicitParams::Form(form));
        let answer = self.put(key, question, Some(|content| form::read::<T>(content).map(|_| ()))).await?;
        let result: ElicitResult = answer.to().map_err(|error| AskError::Malformed(error.to_string()))?;
        match result.action {
            ElicitAction::Decline => Ok(Elicited::Declined),
            ElicitAction::Cancel => Ok(Elicited::Cancelled),
            ElicitAction::Accept => {
                let content = result.content.unwrap_or_else(RawJson::empty_object);
                form::read(&content).map(Elicited::Accepted).map_err(AskError::Malformed)
            }
        }
    }

    /// Has the user fill in a form (EL-2). `schema` is an object schema with flat properties.
    ///
    /// As [`elicit`](Self::elicit), for forms that are known only at run time.
    ///
    /// # Errors
    /// See [`AskError`]. That the user declines is no error here: see [`ElicitResult::action`].
    pub async fn elicit_form(
        &self,
        key: &str,
        message: impl Into<String>,
        schema: RawJson,
    ) -> Result<ElicitResult, AskError> {
        let form = ElicitForm { message: message.into(), requested_schema: schema };
        self.ask_as(key, Question::Elicit(ElicitParams::Form(form))).await
    }

    /// Has the user open a page (EL-5). That it was accepted means that the page may be opened, not that what
    /// happens there is done.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn elicit_url(
        &self,
        key: &str,
        message: impl Into<String>,
        url: impl Into<String>,
    ) -> Result<ElicitAction, AskError> {
        let elicitation_id = self.ticket(key).elicitation_id;
        let url = ElicitUrl { message: message.into(), url: url.into(), elicitation_id };
        let result: ElicitResult = self.ask_as(key, Question::Elicit(ElicitParams::Url(url))).await?;
        Ok(result.action)
    }

    /// The ticket of a page that the handler asks for under `key`, with [`elicit_url`](Self::elicit_url) or with
    /// [`UrlRequired`](super::UrlRequired): with it, the client is told when the page is done with (EL-5). It stays
    /// the same when the handler is run again.
    pub fn ticket(&self, key: &str) -> Ticket {
        // Only 2025-11-25 names pages.
        if self.revision() != Revision::V2025_11_25 {
            return Ticket { elicitation_id: String::new(), client: None };
        }
        let asking = self.asking();
        let name = format!("latimer.ticket.{key}");
        let known = asking.remembered(&name).and_then(|id| id.to().ok());
        let elicitation_id = known.unwrap_or_else(|| {
            let id = random::hex::<16>();
            if let Ok(value) = RawJson::from_serialize(&id) {
                asking.remember(&name, value);
            }
            id
        });
        Ticket { elicitation_id, client: asking.client() }
    }

    /// Has the client's model answer (SA-1). For `key` see [`elicit_form`](Self::elicit_form).
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn sample(
        &self,
        key: &str,
        params: CreateMessageParams,
    ) -> Result<CreateMessageResult, AskError> {
        self.ask_as(key, Question::Sample(params)).await
    }

    /// As [`sample`](Self::sample), where the answer may take long: a client of 2025-11-25 that can answers as a task of
    /// its own, which it keeps for `ttl` (T11-1). All others are asked as usual.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn sample_later(
        &self,
        key: &str,
        params: CreateMessageParams,
        ttl: Duration,
    ) -> Result<CreateMessageResult, AskError> {
        self.ask_as(key, Question::Sample(params).later(ttl)).await
    }

    /// As [`elicit_form`](Self::elicit_form), where the answer may take long: see [`sample_later`](Self::sample_later).
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn elicit_form_later(
        &self,
        key: &str,
        message: impl Into<String>,
        schema: RawJson,
        ttl: Duration,
    ) -> Result<ElicitResult, AskError> {
        let form = ElicitForm { message: message.into(), requested_schema: schema };
        self.ask_as(key, Question::Elicit(ElicitParams::Form(form)).later(ttl)).await
    }

    /// The folders that the client works in (RO-1). Information, and no bound to what may be touched.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn roots(&self) -> Result<Vec<Root>, AskError> {
        self.ask_as::<ListRootsResult>("roots", Question::Roots).await.map(|result| result.roots)
    }

    /// Does something once, although the handler may be run several times before the call is done: later runs get
    /// the value of the first. A failure is not kept, the next run tries again.
    ///
    /// The value travels with the call, so keep it small; `key` names it within the call. A client that sends an
    /// answer twice has the handler run twice from there; on instances that share a store (and on a single one) the
    /// second run finds what the first has made. Instances without a shared store do not know of each other: there,
    /// such a replay may do the work again.
    ///
    /// # Errors
    /// Those of the work; [`AskError::Busy`] while another run of the same call does it; and where the value cannot
    /// be written as JSON or read back.
    pub async fn once<T, E>(&self, key: &str, work: impl Future<Output = Result<T, E>>) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<AskError>,
    {
        let asking = self.asking();
        let read = |value: &RawJson| value.to().map_err(|error| faulty(key, &error).into());
        if let Some(value) = asking.remembered(key) {
            return read(&value);
        }
        asking
            .uninterrupted(async {
                if let Some(value) = asking.claim(key).await? {
                    asking.remember(key, value.clone());
                    return read(&value);
                }
                let unsettled = asking.unsettled(key);
                let outcome = work.await;
                unsettled.settled();
                let value = match &outcome {
                    Ok(value) => RawJson::from_serialize(value).map_err(|error| faulty(key, &error)),
                    Err(_) => {
                        asking.settle(key, None).await;
                        return outcome;
                    }
                };
                match value {
                    Ok(value) => {
                        asking.settle(key, Some(&value)).await;
                        asking.remember(key, value);
                        outcome
                    }
                    Err(error) => {
                        asking.settle(key, None).await;
                        Err(error.into())
                    }
                }
            })
            .await
    }

    /// Lets the caller go: what follows is a task, whose result it fetches later (TX-1). Whether it is one then; a
    /// caller that does not know tasks waits for the result in the call itself.
    ///
    /// Only tools with `task = "optional"` or `"required"` can, and it is possible in 2026-07-28: before that, it is
    /// the client who says that a call is a task.
    pub async fn into_task(&self) -> bool {
        self.asking().become_task().await
    }

    /// Whether this is a task.
    pub fn is_task(&self) -> bool {
        self.asking().is_task()
    }

    /// Says in words what a task is doing: its `statusMessage`. Never waits. In a call that is no task nothing happens.
    pub fn status(&self, message: impl Into<String>) {
        if self.is_task() {
            self.outbox().status(message.into());
        }
    }

    /// Puts a question of any kind; the answer as JSON. For `key` see [`elicit_form`](Self::elicit_form).
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn ask(&self, key: &str, question: Question) -> Result<RawJson, AskError> {
        self.put(key, question, None).await
    }

    async fn put(
        &self,
        key: &str,
        question: Question,
        besides: Option<ContentCheck>,
    ) -> Result<RawJson, AskError> {
        let (requirement, since) = question.needs();
        let met = requirement.is_met(&self.client().capabilities, self.revision());
        if !met {
            return Err(AskError::Unsupported(requirement));
        }
        if self.revision() < since {
            return Err(AskError::TooOld(since));
        }
        self.asking().ask(key, question, besides).await
    }

    async fn ask_as<T: DeserializeOwned>(&self, key: &str, question: Question) -> Result<T, AskError> {
        let answer = self.ask(key, question).await?;
        answer.to().map_err(|error| AskError::Malformed(error.to_string()))
    }
}

fn faulty(key: &str, error: &serde_json::Error) -> AskError {
    AskError::Faulty(format!("the value of once(\"{key}\") cannot be written as JSON or read back: {error}"))
}
