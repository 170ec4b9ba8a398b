//! Questions that a server of 2025-11-25 asks as tasks: it fetches the answers later (T11-1 to T11-7).

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use latimer_protocol::encode::write_object;
use latimer_protocol::frame::string;
use latimer_protocol::id::RequestId;
use latimer_protocol::rewrite::{Edits, Step, member};
use latimer_protocol::wire::{Task, TaskStatus};
use latimer_protocol::{ErrorCode, RawJson, Revision, RpcError};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Answering, Desk, message};

/// How many tasks are kept.
const KEPT: usize = 64;

/// How long a task is kept at most, and if the server does not say.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// How often the server may look.
const POLL: Duration = Duration::from_millis(500);

/// The tasks of one connection.
pub(super) struct Shelf {
    /// The oldest first.
    tasks: Mutex<Vec<Arc<Kept>>>,
    /// Requests that wait for a task's result.
    fetching: Arc<Semaphore>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self { tasks: Mutex::default(), fetching: Arc::new(Semaphore::new(KEPT)) }
    }
}

struct Kept {
    id: String,
    created: SystemTime,
    ttl: Duration,
    expires: Instant,
    stop: CancellationToken,
    state: watch::Sender<State>,
}

struct State {
    status: TaskStatus,
    updated: SystemTime,
    outcome: Option<Result<RawJson, RpcError>>,
}

/// How long a task is to be kept, if the request wants to be one.
pub(super) fn wish(params: Option<&RawJson>) -> Option<Duration> {
    let task = member(params?.as_str(), "task").ok().flatten().filter(|task| task.starts_with('{'))?;
    let ttl = member(task, "ttl").ok().flatten().and_then(|ttl| ttl.parse().ok());
    Some(ttl.map_or(LONGEST, Duration::from_millis).min(LONGEST))
}

impl Shelf {
    /// Begins a task, and answers with it.
    pub(super) fn put(
        desk: &Arc<Desk>,
        method: String,
        params: Option<RawJson>,
        ttl: Duration,
        slot: OwnedSemaphorePermit,
    ) -> Result<RawJson, RpcError> {
        let (state, _) =
            watch::channel(State { status: TaskStatus::Working, updated: SystemTime::now(), outcome: None });
        let kept = Arc::new(Kept {
            id: id()?,
            created: SystemTime::now(),
            ttl,
            expires: Instant::now() + ttl,
            stop: desk.closing.child_token(),
            state,
        });
        {
            let mut tasks = desk.shelf.living();
            if tasks.len() >= KEPT {
                return Err(too_many());
            }
            tasks.push(Arc::clone(&kept));
        }
        let answer = kept.created();
        let desk = Arc::clone(desk);
        tokio::spawn(async move {
            let _slot = slot;
            tokio::select! {
                () = kept.stop.cancelled() => {
                    kept.end(TaskStatus::Cancelled, None);
                }
                () = tokio::time::sleep_until(kept.expires) => {
                    kept.end(TaskStatus::Cancelled, None);
                }
                outcome = super::apart(&desk, method, params) => {
                    let status = if outcome.is_ok() { TaskStatus::Completed } else { TaskStatus::Failed };
                    kept.end(status, Some(outcome.map_err(|refusal| refusal.0)));
                }
            }
        });
        Ok(answer)
    }

    /// Answers a request about tasks; `None` if it is about something else.
    pub(super) fn take(&self, id: &RequestId, method: &str, params: Option<&RawJson>) -> Option<Answering> {
        let now = |answer| Some(Answering::Now(message(id, answer)));
        match method {
            "tasks/list" => now(Ok(self.list())),
            "tasks/get" | "tasks/result" | "tasks/cancel" => {
                let named = params
                    .and_then(|params| member(params.as_str(), "taskId").ok().flatten())
                    .and_then(string);
                let Some(kept) = named.and_then(|named| self.find(&named)) else {
                    return now(Err(RpcError::invalid_params("there is no such task")));
                };
                match method {
                    "tasks/get" => now(Ok(kept.task())),
                    "tasks/cancel" => now(kept.cancel()),
                    _ => {
                        let Ok(place) = Arc::clone(&self.fetching).try_acquire_owned() else {
                            return now(Err(too_many()));
                        };
                        let id = id.clone();
                        Some(Answering::Later(Box::pin(async move {
                            let _place = place;
                            Some(message(&id, kept.result().await))
                        })))
                    }
                }
            }
            _ => None,
        }
    }

    fn list(&self) -> RawJson {
        let tasks = self.living();
        let mut out = Vec::new();
        write_object(&mut out, |object| {
            object.array("tasks", tasks.iter().rev(), |kept, out| {
                out.extend_from_slice(kept.task().as_str().as_bytes());
            });
        });
        parsed(out)
    }

    fn find(&self, id: &str) -> Option<Arc<Kept>> {
        self.living().iter().find(|kept| kept.id == id).cloned()
    }

    /// The tasks whose time has not run out.
    fn living(&self) -> parking_lot::MutexGuard<'_, Vec<Arc<Kept>>> {
        let mut tasks = self.tasks.lock();
        let now = Instant::now();
        tasks.retain(|kept| kept.expires > now);
        tasks
    }
}

impl Kept {
    fn task(&self) -> RawJson {
        let mut out = Vec::new();
        write_object(&mut out, |object| self.view().write_members(Revision::V2025_11_25, object));
        parsed(out)
    }

    fn created(&self) -> RawJson {
        let mut out = Vec::new();
        write_object(&mut out, |object| {
            object.raw("task", self.task().as_str());
        });
        parsed(out)
    }

    fn view(&self) -> Task {
        let state = self.state.borrow();
        let time = |time| humantime::format_rfc3339_millis(time).to_string();
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Task {
            task_id: self.id.clone(),
            status: state.status,
            status_message: None,
            created_at: time(self.created),
            last_updated_at: time(state.updated),
            ttl_ms: Some(ms(self.ttl)),
            poll_interval_ms: Some(ms(POLL)),
        }
    }

    /// Ends it, unless it has ended.
    fn end(&self, status: TaskStatus, outcome: Option<Result<RawJson, RpcError>>) -> bool {
        self.state.send_if_modified(|state| {
            let running = !state.status.is_final();
            if running {
                *state = State { status, updated: SystemTime::now(), outcome };
            }
            running
        })
    }

    fn cancel(&self) -> Result<RawJson, RpcError> {
        if !self.end(TaskStatus::Cancelled, None) {
            return Err(RpcError::invalid_params("the task has ended already"));
        }
        self.stop.cancel();
        Ok(self.task())
    }

    async fn result(&self) -> Result<RawJson, RpcError> {
        let mut state = self.state.subscribe();
        // The sender is part of the task, which is ours as long as this runs.
        let ended = state.wait_for(|state| state.status.is_final()).await;
        let outcome = ended.ok().and_then(|state| state.outcome.clone());
        let result = outcome
            .unwrap_or_else(|| Err(RpcError::new(ErrorCode::INTERNAL_ERROR, "the task was cancelled")))?;
        let related = format!(r#"{{"taskId":"{}"}}"#, self.id);
        let mut edits = Edits::new();
        edits.set([Step::Member("_meta"), Step::Member("io.modelcontextprotocol/related-task")], &related);
        let mut out = Vec::new();
        match edits.apply(result.as_str(), &mut out) {
            Ok(()) => Ok(parsed(out)),
            Err(_) => Ok(result),
        }
    }
}

fn too_many() -> RpcError {
    RpcError::new(ErrorCode::INTERNAL_ERROR, "too many tasks; ask again later")
}

/// What was written from sound parts is sound.
fn parsed(out: Vec<u8>) -> RawJson {
    RawJson::parse_bytes(out.into()).unwrap_or_else(|_| RawJson::null())
}

/// An id that nobody can guess (T11-6).
fn id() -> Result<String, RpcError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|_| RpcError::new(ErrorCode::INTERNAL_ERROR, "there is no randomness"))?;
    Ok(bytes.iter().fold(String::new(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    }))
}
