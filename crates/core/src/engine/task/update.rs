//! Answers to what a task has asked.

use latimer_protocol::{RpcError, rewrite};

use super::{Engine, Reply, Request, task_error};
use crate::ask;
use crate::task::{Answered, Changed, FirstRun, TaskError, too_much};

impl Engine {
    /// `tasks/update`, of the extension (TX-5).
    pub(in crate::engine) async fn update_task(&self, request: &Request) -> Result<Reply, RpcError> {
        let found = self.find_task(request).await?;
        let responses = request.params.input_responses()?;
        let responses = responses.ok_or(RpcError::invalid_params("\"params.inputResponses\" is missing"))?;
        let unreadable = |error: &dyn std::fmt::Display| {
            RpcError::invalid_params(format!("\"params.inputResponses\" cannot be read: {error}"))
        };
        let mut answers = Vec::new();
        for member in rewrite::members(responses.as_str()) {
            let (key, value) = member.map_err(|error| unreadable(&error))?;
            // What nobody asks is ignored.
            let Some(asked) = found.record.open(&key) else { continue };
            let value = responses.slice(value).map_err(|error| unreadable(&error))?;
            // A wrong shape is told before anything is taken.
            if let Err(reason) = asked.original().check_shape(&value) {
                return Err(RpcError::invalid_params(format!("\"params.inputResponses.{key}\": {reason}")));
            }
            answers.push((key.into_owned(), ask::Answered::Result(value)));
        }
        self.answer_task(&found.id, answers).await.map_err(|error| task_error(&error))?;
        Ok(self.task_reply(request, |object| {
            object.string("resultType", "complete");
        }))
    }

    /// Takes answers to questions of a task, by the client's keys; with the last one it works again. In a task of its
    /// own: whoever brings the last answer may be gone before the next run begins.
    pub(super) async fn answer_task(
        &self,
        id: &str,
        answers: Vec<(String, ask::Answered)>,
    ) -> Result<(), TaskError> {
        if answers.is_empty() {
            return Ok(());
        }
        let (engine, id) = (self.clone(), id.to_owned());
        let taking = tokio::spawn(async move { engine.take_answers(&id, answers).await });
        taking.await.unwrap_or(Err(TaskError::Stopping))
    }

    async fn take_answers(&self, id: &str, answers: Vec<(String, ask::Answered)>) -> Result<(), TaskError> {
        if self.tasks().is_shut() {
            return Err(TaskError::Stopping);
        }
        let most = self.limits().task_journal_bytes;
        let changed = self.tasks().change(id, |record, now| {
            let mut taken = Answered::Ignored;
            for (key, answered) in &answers {
                let misfit = match (answered, record.open(key)) {
                    (ask::Answered::Result(answer), Some(asked)) => asked.original().misfit(answer),
                    _ => None,
                };
                if let Some(fault) = misfit {
                    record.ask_again(key, &fault, now);
                    taken = Answered::Noted;
                    continue;
                }
                match record.answer(key, answered.clone(), now) {
                    Answered::Ignored => {}
                    other => taken = other,
                }
            }
            if taken != Answered::Ignored && record.learnt() > most {
                record.fail(too_much(most), now);
                taken = Answered::Noted;
            }
            match taken {
                Answered::Ignored => Changed::Not(taken),
                taken => Changed::Yes(taken),
            }
        });
        let (record, taken) = changed.await?;
        if taken == Answered::Complete {
            self.spawn_run(id.to_owned(), &record, FirstRun::Fresh);
        }
        if taken != Answered::Ignored {
            self.announce_task(id, &record).await;
        }
        Ok(())
    }
}
