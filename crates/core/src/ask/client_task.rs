//! Questions that the client answers later: as tasks of its own, in 2025-11-25 (T11-1).
//!
//! The client says that it will, and is then looked at until it has an answer. A client that cannot is asked plainly,
//! and so is every other era: the handler sees no difference.

use std::time::Duration;

use latimer_protocol::encode::{write_object, write_request};
use latimer_protocol::rewrite::{self, Edits};
use latimer_protocol::wire::{ClientCapabilities, Task, TaskStatus};
use latimer_protocol::{ErrorCode, RawJson, RequestId, Revision, RpcError};
use tokio::time::Instant;

use super::error::AskError;
use super::live::{Live, PREFIX};
use crate::random;

/// What a client may name its task, in bytes: every look at it repeats the name.
const MOST_ID_BYTES: usize = 1024;
/// How often a client is looked at, whatever it says.
const POLL: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));
/// What counts where a client says nothing.
const USUAL_POLL: Duration = Duration::from_secs(1);

/// Whether a client runs a request of ours as a task, if it is asked to.
pub(super) fn is_offered(capabilities: &ClientCapabilities, revision: Revision, method: &str) -> bool {
    let Some((kind, request)) = method.split_once('/') else { return false };
    let object = |raw: &str, name: &str| {
        rewrite::member(raw, name)
            .ok()
            .flatten()
            .filter(|value| value.starts_with('{'))
            .map(ToOwned::to_owned)
    };
    let offered = || {
        let requests = object(capabilities.tasks()?, "requests")?;
        object(&object(&requests, kind)?, request)
    };
    revision == Revision::V2025_11_25 && offered().is_some()
}

impl Live {
    /// Has the client run a request as a task, kept for `ttl`, and waits for what it comes to. A task that nobody waits
    /// for any more is cancelled.
    pub(super) async fn request_as_task(
        &self,
        method: &str,
        params: &RawJson,
        ttl: Duration,
    ) -> Result<Result<RawJson, RpcError>, AskError> {
        let until = Instant::now() + self.patience;
        let ttl = format!("{{\"ttl\":{}}}", ttl.as_millis());
        let created = match self.request(method, Some(&with_task(params, &ttl)?)).await? {
            Ok(created) => created,
            Err(error) => return Ok(Err(error)),
        };
        let Some(task) = member(&created, "task")? else {
            // It has answered at once.
            return Ok(Ok(created));
        };
        let mut task = read(&task)?;
        let running =
            Running { live: self, id: task.task_id.clone(), params: named(&task.task_id)?, over: false };
        let mut running = running;
        let _waiting = self.outbox.wait();
        while !task.status.is_final() {
            let (least, most) = POLL;
            let pause = task.poll_interval_ms.map_or(USUAL_POLL, Duration::from_millis).clamp(least, most);
            if Instant::now() + pause > until {
                return Err(AskError::Unanswered);
            }
            tokio::time::sleep(pause).await;
            task = match self.request("tasks/get", Some(&running.params)).await? {
                Ok(found) => read(&found)?,
                Err(error) => {
                    running.over = true;
                    return Ok(Err(error));
                }
            };
            if task.task_id != running.id {
                return Err(AskError::Malformed("the client answers for another task".to_owned()));
            }
        }
        running.over = true;
        match task.status {
            TaskStatus::Cancelled => {
                Ok(Err(RpcError::new(ErrorCode::INTERNAL_ERROR, "the client has cancelled its task")))
            }
            _ => self.request("tasks/result", Some(&running.params)).await,
        }
    }
}

/// A task of the client that is waited for.
struct Running<'a> {
    live: &'a Live,
    id: String,
    /// What names it in requests.
    params: RawJson,
    over: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        // Whether it did is not waited for.
        let id = RequestId::from_plain(&format!("{PREFIX}{}", random::hex::<8>()));
        let mut out = Vec::with_capacity(128);
        write_request(id.as_id(), "tasks/cancel", Some(self.params.as_str()), &mut out);
        self.live.outbox.say(out.into());
    }
}

fn malformed(error: &dyn std::fmt::Display) -> AskError {
    AskError::Malformed(format!("the client's task cannot be read: {error}"))
}

fn member(raw: &RawJson, name: &str) -> Result<Option<RawJson>, AskError> {
    match rewrite::member(raw.as_str(), name).map_err(|error| malformed(&error))? {
        Some(part) => raw.slice(part).map(Some).map_err(|error| malformed(&error)),
        None => Ok(None),
    }
}

fn read(raw: &RawJson) -> Result<Task, AskError> {
    let task = Task::read(raw).map_err(|error| malformed(&error))?;
    if task.task_id.len() > MOST_ID_BYTES {
        return Err(malformed(&format_args!("its name is longer than {MOST_ID_BYTES} bytes")));
    }
    Ok(task)
}

fn with_task(params: &RawJson, task: &str) -> Result<RawJson, AskError> {
    let mut edits = Edits::new();
    edits.set(["task"], task);
    let mut out = Vec::new();
    edits.apply(params.as_str(), &mut out).map_err(|error| AskError::Faulty(error.to_string()))?;
    RawJson::parse_bytes(out.into()).map_err(|error| AskError::Faulty(error.to_string()))
}

fn named(id: &str) -> Result<RawJson, AskError> {
    let mut out = Vec::new();
    write_object(&mut out, |object| {
        object.string("taskId", id);
    });
    RawJson::parse_bytes(out.into()).map_err(|error| AskError::Faulty(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t11_1_a_client_says_which_requests_it_runs_as_tasks() {
        let of = |text: &str| ClientCapabilities::new(RawJson::parse(text.to_owned()).unwrap()).unwrap();
        let client = of(r#"{"tasks":{"requests":{"sampling":{"createMessage":{}}}}}"#);
        let offered = |method, revision| is_offered(&client, revision, method);
        assert!(offered("sampling/createMessage", Revision::V2025_11_25));
        assert!(!offered("elicitation/create", Revision::V2025_11_25));
        assert!(!offered("sampling/createMessage", Revision::V2025_06_18));
        assert!(!offered("sampling/createMessage", Revision::V2026_07_28));
        assert!(!is_offered(&of(r#"{"tasks":{}}"#), Revision::V2025_11_25, "sampling/createMessage"));
    }
}
