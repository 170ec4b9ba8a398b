//! The tasks of a server, in the store.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use latimer_protocol::wire::TaskStatus;
use latimer_store::{Batch, Clock, IndexCap, Key, Store, StoreError, Subscription, Timestamp, Ttl, Write};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::record::Record;
use crate::limits::LiveLimits;
use crate::random;

const PARTITION: &str = "tasks";
const ALL: &str = "all";

/// The tasks of a server. A task belongs to the principal that began it: for anybody else it does not exist (SEC-1).
#[derive(Clone)]
pub struct Tasks(Arc<Shared>);

struct Shared {
    store: Store,
    clock: Arc<dyn Clock>,
    limits: LiveLimits,
    /// The runs of this process.
    running: Mutex<HashMap<String, Run>>,
    runs: TaskTracker,
    /// Whether no further run begins here.
    closed: AtomicBool,
    /// The questions that are being put to a client right now, by task and key.
    asking: Mutex<HashSet<(String, String)>>,
    /// Some of these are put no longer.
    unasked: Notify,
}

/// A run of this process.
struct Run {
    /// Which one of its task's.
    number: u32,
    cancel: CancellationToken,
    /// Ends the run because the process ends.
    stop: CancellationToken,
    /// Whether it has ended.
    over: CancellationToken,
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
    #[error("the server is stopping; try again later")]
    Stopping,
    #[error("keep tasks: {0}")]
    Store(#[from] StoreError),
}

impl Tasks {
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>, limits: impl Into<LiveLimits>) -> Self {
        Self(Arc::new(Shared {
            store,
            clock,
            limits: limits.into(),
            running: Mutex::default(),
            runs: TaskTracker::new(),
            closed: AtomicBool::new(false),
            asking: Mutex::default(),
            unasked: Notify::new(),
        }))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// Keeps a new task before anybody hears of it (TX-3), with the lease of its first run. `lists` are those that it
    /// is in and counted by.
    pub(crate) async fn create(&self, lists: &[String], record: &Record) -> Result<String, TaskError> {
        let shared = &self.0;
        if shared.closed.load(Ordering::Acquire) {
            return Err(TaskError::Stopping);
        }
        let limits = shared.limits.now();
        let mut caps: Vec<_> =
            lists.iter().map(|list| IndexCap::at_most(list, limits.tasks_per_owner)).collect();
        caps.push(IndexCap::at_most(ALL, limits.tasks));
        loop {
            let now = self.now();
            let id = name(now);
            let lease = lease(&id, record.run);
            let ttl = Ttl::After(Duration::from_millis(record.left(now)));
            let create = Write::Create { name: &id, value: encode(record), ttl, indexes: &caps };
            let writes = vec![create, Write::Put { name: &lease, value: Bytes::new(), ttl: LEASE }];
            match shared.store.kv.apply(PARTITION, writes).await {
                Ok(Batch::Applied(_)) => return Ok(id),
                Ok(Batch::Refused { .. }) => {}
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

    /// Finds a task of an owner.
    pub(crate) async fn find(&self, id: &str, owner: &str) -> Result<Found, TaskError> {
        let record = self.load(id).await?.ok_or(TaskError::Unknown)?;
        if record.owner != owner {
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
            let before = record.run;
            let said = match change(&mut record, self.now()) {
                Changed::Not(said) => return Ok((record, said)),
                Changed::Yes(said) => said,
            };
            let lease = lease(id, record.run);
            let swap =
                Write::Swap { name: id, expected: current.version, value: encode(&record), ttl: Ttl::Keep };
            let mut writes = vec![swap];
            if record.run != before {
                // A run that is to begin is nobody's orphan.
                writes.push(Write::Put { name: &lease, value: Bytes::new(), ttl: LEASE });
            }
            match kv.apply(PARTITION, writes).await? {
                Batch::Applied(_) => {
                    // A hint for those who wait; they look by themselves, too.
                    if let Err(error) = self.0.store.bus.publish(&topic(id), Bytes::new()).await {
                        tracing::warn!(%error, "a change of a task could not be announced");
                    }
                    return Ok((record, said));
                }
                Batch::Refused { current, .. } => entry = current,
            }
        }
    }

    /// Whether the run that a task works in has gone: its server no longer keeps up its lease.
    pub(crate) async fn is_orphan(&self, Found { id, record }: &Found) -> Result<bool, StoreError> {
        let is_here = self.0.running.lock().get(id).is_some_and(|run| run.number == record.run);
        if record.status != TaskStatus::Working || is_here {
            return Ok(false);
        }
        Ok(self.0.store.kv.get(Key::new(PARTITION, &lease(id, record.run))).await?.is_none())
    }

    /// Keeps up the lease of a run.
    pub(crate) async fn renew(&self, id: &str, run: u32) -> Result<(), StoreError> {
        self.0.store.kv.put(Key::new(PARTITION, &lease(id, run)), Bytes::new(), LEASE).await.map(|_| ())
    }

    /// Gives up the lease of a run: another server may go on at once.
    pub(crate) async fn release(&self, id: &str, run: u32) {
        if let Err(error) = self.0.store.kv.delete(Key::new(PARTITION, &lease(id, run))).await {
            tracing::warn!(%error, "the lease of a task could not be given up; it expires by itself");
        }
    }

    /// Forgets a task that nobody can fetch any more.
    pub(crate) async fn forget(&self, id: &str) -> Result<(), StoreError> {
        self.0.store.kv.delete(Key::new(PARTITION, id)).await.map(|_| ())
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

    /// Notes that this process runs a task; `None` once no further run begins here.
    pub(crate) fn begin(&self, id: &str, number: u32, cancel: &CancellationToken) -> Option<Running> {
        let mut running = self.0.running.lock();
        if self.0.closed.load(Ordering::Acquire) {
            return None;
        }
        let (stop, over) = (CancellationToken::new(), CancellationToken::new());
        let run = Run { number, cancel: cancel.clone(), stop: stop.clone(), over: over.clone() };
        running.insert(id.to_owned(), run);
        let _run = self.0.runs.token();
        Some(Running { tasks: self.clone(), id: id.to_owned(), number, stop, _over: over.drop_guard(), _run })
    }

    /// Stops the run of a task in this process, and waits for its end: it says nothing more when its record says that
    /// it was cancelled (PRG-1).
    pub(crate) async fn stop(&self, id: &str) {
        let run = self.0.running.lock().get(id).map(|run| (run.cancel.clone(), run.over.clone()));
        if let Some((cancel, over)) = run {
            cancel.cancel();
            // A handler that blocks its thread cannot be waited for.
            let _ = tokio::time::timeout(STOPPING, over.cancelled()).await;
        }
    }

    /// Lets no further run begin here.
    pub(crate) fn shut(&self) {
        let _running = self.0.running.lock();
        self.0.closed.store(true, Ordering::Release);
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }

    /// Lets no further run begin here, gives those that are going on `time` to end, and stops the others.
    pub(crate) async fn close(&self, time: Duration) {
        self.shut();
        self.0.runs.close();
        if tokio::time::timeout(time, self.0.runs.wait()).await.is_ok() {
            return;
        }
        let all: Vec<_> = self.0.running.lock().values().map(|run| run.stop.clone()).collect();
        tracing::warn!(tasks = all.len(), "tasks were stopped after the drain time");
        all.iter().for_each(CancellationToken::cancel);
        let _ = tokio::time::timeout(STOPPING, self.0.runs.wait()).await;
    }

    /// Claims the right to put a question of a task; `None` while somebody else in this process does.
    pub(crate) fn claim_question(&self, id: &str, wire: &str) -> Option<QuestionClaim> {
        let claim = (id.to_owned(), wire.to_owned());
        let is_new = self.0.asking.lock().insert(claim.clone());
        is_new.then(|| QuestionClaim { tasks: self.clone(), claim })
    }

    /// Hears that questions can be claimed again. Begin before claiming.
    pub(crate) fn unasked(&self) -> Notified<'_> {
        self.0.unasked.notified()
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

impl Changed<bool> {
    /// Whether the record was changed, as the caller wants to know too.
    pub(crate) fn when(changed: bool) -> Self {
        if changed { Self::Yes(true) } else { Self::Not(false) }
    }
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

/// After which time whoever waits for a task looks by itself.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// How long a run outlives its server. Whoever runs a task renews this with every look.
const LEASE: Ttl = Ttl::After(Duration::from_secs(30));

/// How long the end of a run that was stopped is waited for.
const STOPPING: Duration = Duration::from_secs(5);

/// A run of this process, until it is dropped.
pub(crate) struct Running {
    tasks: Tasks,
    id: String,
    number: u32,
    /// Ends the run because the process ends.
    pub(crate) stop: CancellationToken,
    _over: DropGuard,
    _run: tokio_util::task::task_tracker::TaskTrackerToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.tasks.0.running.lock();
        // Its successor may have begun.
        if running.get(&self.id).is_some_and(|run| run.number == self.number) {
            running.remove(&self.id);
        }
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
        self.tasks.0.unasked.notify_waiters();
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

/// What says that a run goes on.
fn lease(id: &str, run: u32) -> String {
    format!("run:{id}:{run}")
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
