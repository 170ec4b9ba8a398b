//! `tasks/result`, of 2025-11-25 only: waits for the end, and asks what the task wants to know meanwhile.

use std::collections::HashSet;

use latimer_protocol::encode::write_rendered_response;
use latimer_protocol::wire::TaskStatus;
use latimer_protocol::{ErrorCode, RpcError, rewrite};

use super::{Engine, Reply, Request, task_error, task_error_text};
use crate::ask::{self, AskError, Live};
use crate::context::Context;
use crate::task::{Finished, Found, RELATED_TASK, Watch};

impl Engine {
    /// Waits for the end of a task (T11-4, T11-5).
    pub(in crate::engine) async fn task_result(
        &self,
        request: &Request,
        context: &Context,
    ) -> Result<Reply, RpcError> {
        let mut found = self.find_task(request).await?;
        let unreachable = |error: &dyn std::fmt::Display| task_error_text(error);
        let mut watch = self.tasks().watch(&found.id).await.map_err(|error| unreachable(&error))?;
        // It may have changed before it was watched.
        found = self.find_task(request).await?;
        // However long it takes.
        let _waiting = context.outbox().wait();
        // The questions that this caller was asked in vain. Others may be asked them.
        let mut vain = HashSet::new();
        loop {
            match found.record.status {
                TaskStatus::Working => watch.changed().await,
                TaskStatus::InputRequired => {
                    tokio::select! {
                        asked = self.ask_for_task(request, context, &found, &mut vain) => asked?,
                        () = self.until_changed(&mut watch, &found) => {}
                    }
                }
                _ => break,
            }
            found = self.find_task(request).await?;
        }
        let Found { id, record } = &found;
        match &record.finished {
            Some(Finished::Result { raw, .. }) => {
                let related = format!("{{\"taskId\":\"{id}\"}}");
                let mut edits = rewrite::Edits::new();
                edits.set([rewrite::Step::Member("_meta"), rewrite::Step::Member(RELATED_TASK)], &related);
                let mut result = Vec::with_capacity(raw.len() + 128);
                edits.apply(raw, &mut result).map_err(|error| task_error_text(&error))?;
                let mut out = Vec::with_capacity(result.len() + 64);
                write_rendered_response(request.id.as_id(), &result, &mut out);
                Ok(Reply { bytes: out.into(), error: None })
            }
            Some(finished) => Err(finished.error().unwrap_or_else(|| RpcError::internal("task"))),
            None => Err(RpcError::new(ErrorCode::INTERNAL_ERROR, "the task was cancelled and has no result")),
        }
    }

    /// Puts the open questions of a task to the client of a call of `tasks/result`.
    async fn ask_for_task(
        &self,
        request: &Request,
        context: &Context,
        found: &Found,
        vain: &mut HashSet<String>,
    ) -> Result<(), RpcError> {
        let Some(scope) = request.caller.scope.clone() else { return std::future::pending().await };
        let live = Live {
            questions: self.0.questions.clone(),
            scope,
            revision: request.caller.revision,
            outbox: context.outbox().clone(),
            patience: self.limits().answer_timeout,
            capabilities: request.caller.client.capabilities.clone(),
        };
        let related = format!("{{\"taskId\":\"{}\"}}", found.id);
        let meta = (RELATED_TASK, related.as_str());
        let (live, meta) = (&live, &meta);
        let unasked = self.tasks().unasked();
        let (caller, vain_before) = (&request.caller, &*vain);
        let questions = found.record.asked.iter().filter_map(|asked| {
            let (requirement, since) = asked.original().needs();
            let can =
                caller.revision >= since && requirement.is_met(&caller.client.capabilities, caller.revision);
            if !can || vain_before.contains(&asked.wire) {
                return None;
            }
            // Of several calls that wait for one task, one asks (LH-7).
            let claim = self.tasks().claim_question(&found.id, &asked.wire)?;
            Some(async move {
                let answered = live.ask_with(&asked.question(), None, &[*meta]).await;
                // Kept at once: others may take longer.
                let taken = match answered {
                    Ok(ask::Answered::Unanswered) | Err(AskError::Gone) => None,
                    Ok(answered) => Some(answered),
                    Err(error) => Some(ask::Answered::from(Err(RpcError::new(
                        ErrorCode::INTERNAL_ERROR,
                        error.to_string(),
                    )))),
                };
                let outcome = match taken {
                    Some(answered) => {
                        let answers = vec![(asked.wire.clone(), answered)];
                        self.answer_task(&found.id, answers).await.map(|()| None)
                    }
                    None => Ok(Some(asked.wire.clone())),
                };
                drop(claim);
                outcome
            })
        });
        let questions: Vec<_> = questions.collect();
        if questions.is_empty() {
            // Until whoever asks them stops waiting.
            unasked.await;
            return Ok(());
        }
        for outcome in futures_util::future::join_all(questions).await {
            vain.extend(outcome.map_err(|error| task_error(&error))?);
        }
        Ok(())
    }

    /// Waits until a task does not wait for the same answers any more.
    async fn until_changed(&self, watch: &mut Watch, found: &Found) {
        let asked = |found: &Found| -> HashSet<String> {
            found.record.asked.iter().map(|asked| asked.wire.clone()).collect()
        };
        let before = asked(found);
        loop {
            watch.changed().await;
            match self.tasks().load(&found.id).await {
                // Fewer questions are nothing new to whoever asks the others.
                Ok(Some(record)) if record.status == found.record.status => {
                    let now = asked(&Found { id: found.id.clone(), record });
                    if !now.is_subset(&before) {
                        return;
                    }
                }
                _ => return,
            }
        }
    }
}
