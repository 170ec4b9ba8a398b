//! Calls whose results are fetched later: the tasks of 2025-11-25 (T11-1 to T11-7), and of the extension of 2026-07-28
//! (TX-1 to TX-11).

use std::collections::HashSet;
use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use latimer_protocol::encode::write_object;
use latimer_protocol::rewrite::{Edits, Step, member};
use latimer_protocol::wire::{Task, TaskStatus};
use latimer_protocol::{Era, RawJson, RpcError};
use parking_lot::Mutex;

use crate::authorization::BoxFuture;
use crate::call::{Call, Settled};
use crate::client::Client;
use crate::error::{ClientError, Fault};
use crate::inbound;
use crate::outcome::CallOutcome;
use crate::rounds;

/// How long to wait between two looks at a task if the server names no time.
const POLL: Duration = Duration::from_secs(1);

/// The bounds of what a server may name.
const SHORTEST_POLL: Duration = Duration::from_millis(20);
const LONGEST_POLL: Duration = Duration::from_secs(60);

/// How often in a row a look may fail before the waiting is given up.
const FAILURES: u32 = 5;

/// How many questions one task may ask.
const QUESTIONS: usize = 1024;

/// A call that asks for a task; sent when it is awaited.
#[must_use = "nothing is sent before it is awaited"]
#[derive(Debug)]
pub struct StartTask<'c> {
    call: Call<'c, CallOutcome>,
    ttl: Option<Duration>,
}

/// What a call that asked for a task comes to.
#[derive(Debug)]
pub enum Started {
    /// The result: the server made no task of the call.
    Done(CallOutcome),
    /// A task.
    Task(TaskHandle),
}

/// A task of a server. Dropping the handle leaves the task alone; its [`id`](Self::id) finds it again
/// ([`Client::task`]).
#[derive(Clone)]
pub struct TaskHandle {
    client: Client,
    id: String,
    /// The keys of the questions that were answered already (TX-5).
    answered: Arc<Mutex<HashSet<String>>>,
}

impl<'c> StartTask<'c> {
    pub(crate) fn new(call: Call<'c, CallOutcome>, ttl: Option<Duration>) -> Self {
        Self { call, ttl }
    }

    async fn run(mut self) -> Result<Started, ClientError> {
        let client = self.call.client();
        if client.info().can("tasks.requests.tools.call") && client.info().era() == Era::Legacy {
            let wish = self.ttl.map(|ttl| format!(r#"{{"ttl":{}}}"#, ttl.as_millis()));
            let mut edits = Edits::new();
            edits.set([Step::Member("task")], wish.as_deref().unwrap_or("{}"));
            let params = self.call.params_mut();
            let mut out = Vec::new();
            edits
                .apply(params, &mut out)
                .map_err(|error| ClientError::malformed("the arguments", error.to_string()))?;
            *params = String::from_utf8(out).unwrap_or_default();
        }
        match self.call.settle().await? {
            Settled::Complete(result) => Ok(Started::Done(self.call.finished(result)?)),
            Settled::Task(described) => Ok(Started::Task(TaskHandle::read(client, &described)?)),
        }
    }
}

impl<'c> IntoFuture for StartTask<'c> {
    type Output = Result<Started, ClientError>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl Client {
    /// A task of this server by its id, of an earlier connection say. Whether there is one shows when it is asked for.
    pub fn task(&self, id: impl Into<String>) -> TaskHandle {
        TaskHandle { client: self.clone(), id: id.into(), answered: Arc::default() }
    }

    /// The tasks that a server of 2025-11-25 knows of (T11-4); later ones do not list theirs.
    ///
    /// # Errors
    /// As every request.
    pub async fn list_tasks(&self) -> Result<Vec<Task>, ClientError> {
        let listed = self.list::<()>("tasks/list", "tasks", "taskId").await?;
        listed.iter().map(|entry| described(entry.raw())).collect()
    }
}

impl TaskHandle {
    /// The handle of a task that the server just described.
    pub(crate) fn read(client: &Client, described_by: &RawJson) -> Result<Self, ClientError> {
        Ok(client.task(described(&flat(described_by))?.task_id))
    }

    /// The server's name for it. Whoever knows it may have the result: keep it as you keep results.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How it stands.
    ///
    /// # Errors
    /// As every request; -32602 means that the server knows no such task, or no longer.
    pub async fn status(&self) -> Result<Task, ClientError> {
        described(&self.look().await?)
    }

    /// Waits for its result, and answers what it asks meanwhile. Dropping the future leaves the task alone.
    ///
    /// # Errors
    /// When the call failed or the task was cancelled, a question was not answered, or the server could not be asked five
    /// times in a row.
    pub async fn result(&self) -> Result<CallOutcome, ClientError> {
        CallOutcome::read(self.outcome(None).await?)
    }

    /// Asks the server to stop it. It may end otherwise all the same (TX-6).
    ///
    /// # Errors
    /// As every request. A server of 2025-11-25 answers -32602 if the task has ended.
    pub async fn cancel(&self) -> Result<(), ClientError> {
        self.request("tasks/cancel").await.map(drop)
    }

    async fn look(&self) -> Result<RawJson, ClientError> {
        self.request("tasks/get").await
    }

    async fn request(&self, method: &'static str) -> Result<RawJson, ClientError> {
        Call::new(&self.client, method, self.params(None), Ok).await
    }

    fn params(&self, responses: Option<&str>) -> String {
        let mut out = Vec::new();
        write_object(&mut out, |object| {
            object.string("taskId", &self.id);
            if let Some(responses) = responses {
                object.raw("inputResponses", responses);
            }
        });
        // What was made of text only is text.
        String::from_utf8(out).unwrap_or_default()
    }

    /// Waits for the result of the call that became the task. `last` is what the server said of it last.
    pub(crate) async fn outcome(&self, last: Option<&RawJson>) -> Result<RawJson, ClientError> {
        let mut interval = match last {
            Some(last) => Some(interval(&described(&flat(last))?)),
            None => None,
        };
        let mut failures = 0;
        loop {
            if let Some(interval) = interval {
                self.pause(interval).await;
            }
            let now = match self.look().await {
                Ok(now) => now,
                Err(error) if error.is_passing() && failures < FAILURES => {
                    failures += 1;
                    interval = Some(POLL * failures);
                    continue;
                }
                Err(error) => return Err(error),
            };
            failures = 0;
            let task = described(&now)?;
            interval = Some(self::interval(&task));
            let is_modern = self.client.info().era() == Era::Modern;
            match task.status {
                TaskStatus::Working => {}
                TaskStatus::InputRequired if is_modern => self.answer(&now).await?,
                _ if !is_modern => match self.fetch().await {
                    // Somebody thinks for long; what is asked arrives with the next attempt.
                    Err(error) if error.is_passing() && !task.status.is_final() => {}
                    fetched => return fetched,
                },
                TaskStatus::Completed => return part(&now, "result"),
                TaskStatus::Failed => {
                    let error = inbound::rpc_error(&part(&now, "error")?);
                    return Err(self.failed(error));
                }
                TaskStatus::Cancelled | TaskStatus::InputRequired => {
                    let message = task.status_message;
                    return Err(Fault::TaskCancelled { task: self.id.clone(), message }.into());
                }
            }
        }
    }

    /// Waits until the next look, or until the server says that some task went on.
    async fn pause(&self, interval: Duration) {
        let news = self.client.notices().task_news().notified();
        let _ = tokio::time::timeout(interval, news).await;
    }

    /// The result of a task of 2025-11-25: the answer comes when the task has ended, and on the way to it come its
    /// questions (T11-5).
    async fn fetch(&self) -> Result<RawJson, ClientError> {
        match self.request("tasks/result").await {
            Err(error) => match error.rpc() {
                Some(rpc) => {
                    let rpc = rpc.clone();
                    match self.status().await {
                        Ok(Task { status: TaskStatus::Cancelled, status_message: message, .. }) => {
                            Err(Fault::TaskCancelled { task: self.id.clone(), message }.into())
                        }
                        _ => Err(self.failed(rpc)),
                    }
                }
                None => Err(error),
            },
            fetched => fetched,
        }
    }

    /// Answers the questions of a task that were not answered before (TX-11).
    async fn answer(&self, now: &RawJson) -> Result<(), ClientError> {
        let mut questions = rounds::questions(now, self.client.limits().questions)?.unwrap_or_default();
        {
            let mut answered = self.answered.lock();
            questions.retain(|question| !answered.contains(&question.key));
            if answered.len() + questions.len() > QUESTIONS {
                return Err(Fault::TooManyRounds { method: "tools/call".to_owned(), limit: QUESTIONS }.into());
            }
            answered.extend(questions.iter().map(|question| question.key.clone()));
        }
        if questions.is_empty() {
            return Ok(());
        }
        let keys: Vec<String> = questions.iter().map(|question| question.key.clone()).collect();
        let told = async {
            let answers = rounds::answers(self.client.notices().desk(), "tools/call", questions).await?;
            let params = self.params(Some(&answers));
            Call::new(&self.client, "tasks/update", params, Ok).await
        };
        let told = told.await;
        if told.is_err() {
            let mut answered = self.answered.lock();
            for key in &keys {
                answered.remove(key);
            }
        }
        told.map(drop)
    }

    fn failed(&self, error: RpcError) -> ClientError {
        Fault::Rpc { method: "tools/call".to_owned(), error, status: None }.into()
    }
}

impl fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Cancels a task that nobody waits for any more.
pub(crate) struct Abandoned<'a> {
    handle: &'a TaskHandle,
    armed: bool,
}

impl<'a> Abandoned<'a> {
    pub(crate) fn new(handle: &'a TaskHandle) -> Self {
        Self { handle, armed: true }
    }

    /// The task has ended.
    pub(crate) fn disarm(&mut self) {
        self.armed = false;
    }
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        // Without a runtime the process is about to end.
        if self.armed
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let handle = self.handle.clone();
            runtime.spawn(async move {
                if let Err(error) = handle.cancel().await {
                    tracing::debug!(task = handle.id, %error, "failed to cancel a task");
                }
            });
        }
    }
}

/// Whether an error says how a task ended, so that there is nothing left to cancel.
pub(crate) fn has_ended(error: &ClientError) -> bool {
    error.is_task_cancelled() || error.rpc().is_some() || error.is_closed()
}

/// What a server says of a task: in a member of its own when it was created by a server of 2025-11-25 (T11-3), else flat.
fn flat(described: &RawJson) -> RawJson {
    part(described, "task").ok().filter(RawJson::is_object).unwrap_or_else(|| described.clone())
}

fn described(raw: &RawJson) -> Result<Task, ClientError> {
    Task::read(raw).map_err(|error| ClientError::malformed("the task", error.to_string()))
}

fn part(raw: &RawJson, name: &str) -> Result<RawJson, ClientError> {
    let missing = || ClientError::malformed("the task", format!("it has no \"{name}\""));
    let value = member(raw.as_str(), name).ok().flatten().ok_or_else(missing)?;
    raw.slice(value).map_err(|error| ClientError::malformed("the task", error.to_string()))
}

fn interval(task: &Task) -> Duration {
    task.poll_interval_ms.map_or(POLL, Duration::from_millis).clamp(SHORTEST_POLL, LONGEST_POLL)
}
