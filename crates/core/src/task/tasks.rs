//! The tasks of a server, in the store.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use latimer_store::{Attempt, Clock, IndexCap, Key, Store, StoreError, Subscription, Timestamp, Ttl};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::record::Record;
use crate::limits::Limits;
use crate::principal::Principal;
use crate::random;

const PARTITION: &str = "tasks";
const ALL: &str = "all";

/// The tasks of a server. A task belongs to the principal that began it: for anybody else it does not exist (SEC-1).
#[derive(Clone)]
pub struct Tasks(Arc<Shared>);

struct Shared {
    store: Store,
    clock: Arc<dyn Clock>,
    most: usize,
    most_per_owner: usize,
    /// The runs of this process.
    running: Mutex<HashMap<String, CancellationToken>>,
    runs: TaskTracker,
    /// The questions that are being put to a client right now, by task and key.
    asking: Mutex<HashSet<(String, String)>>,
}

/// A task as it was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) record: Record,
}

/// Why a task could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    #[error("no such task; it has expired or never was")]
    Unknown,
    #[error("the server is at its limit of tasks; try again later")]
    ServerFull,
    #[error("too many tasks of this caller; wait until some have expired, or ask for a shorter ttl")]
    CallerFull,
    #[error("keep tasks: {0}")]
    Store(#[from] StoreError),
}

impl Tasks {
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>, limits: &Limits) -> Self {
        Self(Arc::new(Shared {
            store,
            clock,
            most: limits.tasks,
            most_per_owner: limits.tasks_per_owner,
            running: Mutex::default(),
            runs: TaskTracker::new(),
            asking: Mutex::default(),
        }))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// Keeps a new task before anybody hears of it (TX-3). `index` is the list that it is in.
    pub(crate) async fn create(&self, index: &str, record: &Record) -> Result<String, TaskError> {
        let shared = &self.0;
        let caps = [IndexCap::at_most(index, shared.most_per_owner), IndexCap::at_most(ALL, shared.most)];
        loop {
            let now = self.now();
            let id = name(now);
            let ttl = Ttl::After(Duration::from_millis(record.left(now)));
            let key = Key::new(PARTITION, &id);
            match shared.store.kv.create_indexed(key, encode(record), ttl, &caps).await {
                Ok(Attempt::Won(_)) => return Ok(id),
                Ok(Attempt::Lost(_)) => {}
                Err(error) if error.is_full() => {
                    return Err(match error.full_index() {
                        Some(ALL) => TaskError::ServerFull,
                        _ => TaskError::CallerFull,
                    });
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Finds a task of a principal.
    pub(crate) async fn find(&self, id: &str, principal: &Principal) -> Result<Found, TaskError> {
        let record = self.load(id).await?.ok_or(TaskError::Unknown)?;
        if record.owner != principal.key() {
            return Err(TaskError::Unknown);
        }
        Ok(Found { id: id.to_owned(), record })
    }

    /// Finds a task, whoever it belongs to.
    pub(crate) async fn load(&self, id: &str) -> Result<Option<Record>, StoreError> {
        if !is_name(id) {
            return Ok(None);
        }
        let entry = self.0.store.kv.get(Key::new(PARTITION, id)).await?;
        Ok(entry.and_then(|entry| decode(id, &entry.value)))
    }

    /// Changes a task, as long as `change` finds something to change; what it is then, and what `change` said.
    pub(crate) async fn change<T>(
        &self,
        id: &str,
        mut change: impl FnMut(&mut Record, Timestamp) -> Changed<T>,
    ) -> Result<(Record, T), TaskError> {
        let key = Key::new(PARTITION, id);
        let kv = &self.0.store.kv;
        let mut entry = kv.get(key).await?;
        loop {
            let current = entry.ok_or(TaskError::Unknown)?;
            let mut record = decode(id, &current.value).ok_or(TaskError::Unknown)?;
            let said = match change(&mut record, self.now()) {
                Changed::Not(said) => return Ok((record, said)),
                Changed::Yes(said) => said,
            };
            match kv.compare_and_swap(key, current.version, encode(&record), Ttl::Keep).await? {
                Attempt::Won(_) => {
                    // A hint for those who wait; they look by themselves, too.
                    if let Err(error) = self.0.store.bus.publish(&topic(id), Bytes::new()).await {
                        tracing::warn!(%error, "a change of a task could not be announced");
                    }
                    return Ok((record, said));
                }
                Attempt::Lost(now) => entry = now,
            }
        }
    }

    /// A page of a list, the newest first, from behind a task on; and whether there are more.
    pub(crate) async fn list(
        &self,
        index: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Found>, bool), StoreError> {
        let page = self.0.store.kv.scan(Key::new(PARTITION, index), after, limit).await?;
        let found = page.members.into_iter().filter_map(|member| {
            let record = decode(&member.name, &member.entry.value)?;
            Some(Found { id: member.name.into(), record })
        });
        Ok((found.collect(), page.more))
    }

    /// Hears of the changes of a task. Begin before looking at it.
    pub(crate) async fn watch(&self, id: &str) -> Result<Watch, StoreError> {
        Ok(Watch(self.0.store.bus.subscribe(&topic(id)).await?))
    }

    /// Notes that this process runs a task.
    pub(crate) fn begin(&self, id: &str, cancel: &CancellationToken) -> Running {
        self.0.running.lock().insert(id.to_owned(), cancel.clone());
        Running { tasks: self.clone(), id: id.to_owned(), _run: self.0.runs.token() }
    }

    /// Stops the run of a task in this process, before its record says so: nothing is said of it any more.
    pub(crate) fn stop(&self, id: &str) {
        let cancel = self.0.running.lock().get(id).cloned();
        if let Some(cancel) = cancel {
            cancel.cancel();
        }
    }

    /// Stops all runs of this process.
    pub(crate) fn stop_all(&self) {
        let all: Vec<_> = self.0.running.lock().values().cloned().collect();
        all.iter().for_each(CancellationToken::cancel);
    }

    /// Claims the right to put a question of a task; `None` while somebody else in this process does.
    pub(crate) fn claim_question(&self, id: &str, wire: &str) -> Option<QuestionClaim> {
        let claim = (id.to_owned(), wire.to_owned());
        let is_new = self.0.asking.lock().insert(claim.clone());
        is_new.then(|| QuestionClaim { tasks: self.clone(), claim })
    }

    /// How many tasks this process runs.
    pub fn running(&self) -> usize {
        self.0.running.lock().len()
    }
}

/// What became of a record.
pub(crate) enum Changed<T> {
    /// It is to be written.
    Yes(T),
    /// It is as it was.
    Not(T),
}

/// Hears of changes.
pub(crate) struct Watch(Subscription);

impl Watch {
    /// Waits until something may have changed.
    pub(crate) async fn changed(&mut self) {
        // The bus may lose a wake-up, so that whoever waits looks by itself now and then.
        if let Ok(None) = tokio::time::timeout(LOOK_AGAIN, self.0.recv()).await {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A run of this process, until it is dropped.
pub(crate) struct Running {
    tasks: Tasks,
    id: String,
    _run: tokio_util::task::task_tracker::TaskTrackerToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.0.running.lock().remove(&self.id);
    }
}

/// The right to put a question, until it is dropped.
pub(crate) struct QuestionClaim {
    tasks: Tasks,
    claim: (String, String),
}

impl Drop for QuestionClaim {
    fn drop(&mut self) {
        self.tasks.0.asking.lock().remove(&self.claim);
    }
}

fn topic(id: &str) -> String {
    format!("task:{id}")
}

/// The name of a new task: names sort the newest first, and nobody guesses one.
fn name(now: Timestamp) -> String {
    let age = NEWEST.saturating_sub(now.as_millis());
    format!("{age:012x}{}", random::hex::<16>())
}

/// Later than any moment, in twelve hexadecimal digits.
const NEWEST: u64 = (1 << 48) - 1;

/// Whether text can be the name of a task.
fn is_name(text: &str) -> bool {
    text.len() == 44 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn encode(record: &Record) -> Bytes {
    serde_json::to_vec(record).unwrap_or_default().into()
}

fn decode(id: &str, value: &[u8]) -> Option<Record> {
    match serde_json::from_slice(value) {
        Ok(record) => Some(record),
        Err(error) => {
            tracing::error!(task = id, %error, "the record of a task cannot be read");
            None
        }
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("running", &self.running()).finish_non_exhaustive()
    }
}
