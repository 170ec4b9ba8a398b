//! What handlers ask with.

use latimer_protocol::RawJson;
use latimer_protocol::wire::{
    CreateMessageParams, CreateMessageResult, ElicitAction, ElicitForm, ElicitParams, ElicitResult,
    ElicitUrl, ListRootsResult, Root,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::asking::Way;
use super::error::AskError;
use super::question::Question;
use crate::context::Context;
use crate::random;
use crate::requirement::Requirement;

impl Context {
    /// Whether the client can be asked for something: for questions that a handler can do without.
    pub fn can(&self, requirement: Requirement) -> bool {
        let reachable = !matches!(self.asking().way(), Way::None);
        reachable && requirement.is_met(&self.client().capabilities, self.revision())
    }

    /// Has the user fill in a form (EL-2). `schema` is an object schema with flat properties.
    ///
    /// `key` names the question within the call: the same key gets the same answer. Questions of one handler that
    /// are asked together, for example with `join!`, reach the user together. An answer that does not fit the
    /// schema is asked for again. Never ask for secrets so (EL-4).
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
        let url = ElicitUrl { message: message.into(), url: url.into(), elicitation_id: random::hex::<16>() };
        let result: ElicitResult = self.ask_as(key, Question::Elicit(ElicitParams::Url(url))).await?;
        Ok(result.action)
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
                let outcome = work.await;
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
        self.asking().into_task().await
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
        let (requirement, since) = question.needs();
        let met = requirement.is_met(&self.client().capabilities, self.revision());
        if !met || self.revision() < since {
            return Err(AskError::Unsupported(requirement));
        }
        self.asking().ask(key, question).await
    }

    async fn ask_as<T: DeserializeOwned>(&self, key: &str, question: Question) -> Result<T, AskError> {
        let answer = self.ask(key, question).await?;
        answer.to().map_err(|error| AskError::Malformed(error.to_string()))
    }
}

fn faulty(key: &str, error: &serde_json::Error) -> AskError {
    AskError::Faulty(format!("the value of once(\"{key}\") cannot be written as JSON or read back: {error}"))
}
