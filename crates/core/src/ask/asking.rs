//! The questions of one call: what was answered, what is asked now, and by which way.

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::task::Poll;

use latimer_protocol::RawJson;
use latimer_store::{Attempt, Key, Store, Ttl};
use parking_lot::Mutex;

use super::error::AskError;
use super::journal::{Answered, Journal};
use super::live::{Live, Questions};
use super::question::{BadAnswer, ContentCheck, Question};
use crate::inflight::Scope;

/// The questions of one call.
pub(crate) struct Asking {
    way: Way,
    round: Mutex<Round>,
    /// Work in progress that must not be dropped for the sake of a question: it will wake the handler.
    busy: AtomicUsize,
    /// How often a question was found open.
    stuck: AtomicUsize,
    /// How the client of a legacy call is reached outside the call, where that is not the way of its questions.
    client: Option<(Scope, Questions)>,
    /// Whether the call is a task, or may become one.
    task: AtomicU8,
}

/// The call is none and does not become one.
const NO_TASK: u8 = 0;
/// The call may become one.
const MAY_BE_TASK: u8 = 1;
/// Its handler wants it to.
const TASK_WANTED: u8 = 2;
/// It is one.
const IN_TASK: u8 = 3;

/// How questions reach the client.
pub(crate) enum Way {
    /// They do not: this is no call that may ask (MRTR-1).
    None,
    /// At once, on the call's own stream; the handler really waits.
    Live(Live),
    /// With the answer of this round; the handler is run again from the top once they are answered.
    Rounds(Option<Claims>),
}

/// What keeps values that must be made only once, across the rounds of a call that can be replayed.
pub(crate) struct Claims {
    pub(crate) store: Store,
    /// Names the call through all its rounds.
    pub(crate) chain: String,
    pub(crate) ttl: std::time::Duration,
    /// The number of the run, where one run at a time works on the call: what an earlier one began, it does not finish.
    pub(crate) run: Option<u32>,
}

/// One run of the handler.
#[derive(Default)]
pub(crate) struct Round {
    pub(crate) journal: Journal,
    /// The answers of this round, which have not been looked at.
    pub(crate) fresh: Vec<(String, Answered)>,
    pub(crate) asked: Vec<(String, Question)>,
    /// What is wrong with an answer of this round that is none: the call ends with it, whatever the handler does.
    pub(crate) malformed: Option<String>,
}

thread_local! {
    /// The call whose handler this thread is polling.
    static POLLING: Cell<*const Asking> = const { Cell::new(std::ptr::null()) };
}

/// Says that a handler is being polled, until it is dropped.
pub(crate) struct Polling(*const Asking);

impl Drop for Polling {
    fn drop(&mut self) {
        POLLING.set(self.0);
    }
}

/// Says that work is in progress, until it is dropped.
pub(crate) struct Busy<'a>(&'a AtomicUsize);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Asking {
    pub(crate) fn new(way: Way, journal: Journal, fresh: Vec<(String, Answered)>) -> Self {
        let round = Round { journal, fresh, ..Round::default() };
        Self {
            way,
            round: Mutex::new(round),
            busy: AtomicUsize::new(0),
            stuck: AtomicUsize::new(0),
            task: AtomicU8::new(NO_TASK),
            client: None,
        }
    }

    /// The same for a client that is reached as another way's is.
    pub(crate) fn for_client_of(self, live: &Live) -> Self {
        Self { client: Some((live.scope.clone(), live.questions.clone())), ..self }
    }

    /// How the client of a legacy call is reached outside the call.
    pub(crate) fn client(&self) -> Option<(Scope, Questions)> {
        match &self.way {
            Way::Live(live) => Some((live.scope.clone(), live.questions.clone())),
            _ => self.client.clone(),
        }
    }

    /// The way of a call that may not ask.
    pub(crate) fn none() -> Self {
        Self::new(Way::None, Journal::default(), Vec::new())
    }

    /// Lets the call become a task if its handler wants it to.
    pub(crate) fn may_be_task(self) -> Self {
        self.task.store(MAY_BE_TASK, Ordering::Release);
        self
    }

    /// Says that the call is a task.
    pub(crate) fn set_task(&self) {
        self.task.store(IN_TASK, Ordering::Release);
    }

    /// Whether the handler wants the call to become a task.
    pub(crate) fn wants_task(&self) -> bool {
        self.task.load(Ordering::Acquire) == TASK_WANTED
    }

    /// Whether the call may still become a task.
    pub(crate) fn is_possible_task(&self) -> bool {
        self.task.load(Ordering::Acquire) == MAY_BE_TASK
    }

    /// Whether the call is a task.
    pub(crate) fn is_task(&self) -> bool {
        self.task.load(Ordering::Acquire) == IN_TASK
    }

    /// Has the call become a task, if it can; whether it is one then.
    pub(crate) async fn become_task(&self) -> bool {
        poll_fn(|_| match self.task.load(Ordering::Acquire) {
            IN_TASK => Poll::Ready(true),
            MAY_BE_TASK | TASK_WANTED if self.is_polled_here() => {
                self.task.store(TASK_WANTED, Ordering::Release);
                // Whoever makes it a task polls the handler again.
                Poll::Pending
            }
            _ => Poll::Ready(false),
        })
        .await
    }

    pub(crate) fn way(&self) -> &Way {
        &self.way
    }

    pub(crate) fn enter(&self) -> Polling {
        Polling(POLLING.replace(self))
    }

    /// Whether this call's handler is what this thread is polling: work that it spawned is not.
    fn is_polled_here(&self) -> bool {
        std::ptr::eq(POLLING.get(), self)
    }

    /// Carries work through that a question elsewhere in the handler must not break off. Where the work itself waits
    /// for a question, it holds nothing up.
    pub(crate) async fn uninterrupted<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        let mut busy = None;
        poll_fn(|cx| {
            let stuck = self.stuck.load(Ordering::Relaxed);
            let polled = work.as_mut().poll(cx);
            if polled.is_ready() || self.stuck.load(Ordering::Relaxed) != stuck {
                busy = None;
            } else if busy.is_none() {
                self.busy.fetch_add(1, Ordering::AcqRel);
                busy = Some(Busy(&self.busy));
            }
            polled
        })
        .await
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire) > 0
    }

    /// Whether a question waits for the client.
    pub(crate) fn has_asked(&self) -> bool {
        // Nothing but rounds leaves questions behind.
        matches!(self.way, Way::Rounds(_)) && {
            let round = self.round.lock();
            !round.asked.is_empty() || round.malformed.is_some()
        }
    }

    /// Ends a run: what it asked and what is known by then, or what is wrong with an answer.
    pub(crate) fn take_asked(&self) -> Result<(Vec<(String, Question)>, Journal), AskError> {
        let mut round = self.round.lock();
        match round.malformed.take() {
            Some(reason) => Err(AskError::Malformed(reason)),
            None => Ok((std::mem::take(&mut round.asked), round.journal.clone())),
        }
    }

    /// The answers that the handler did not look at.
    pub(crate) fn left_fresh(&self) -> Vec<(String, Answered)> {
        self.round.lock().fresh.clone()
    }

    /// The answers of this round that the handler did not come to, of those whose questions were open.
    pub(crate) fn unread(&self, open: &[String]) -> impl Iterator<Item = (String, RawJson)> {
        let fresh = std::mem::take(&mut self.round.lock().fresh);
        let open = open.to_owned();
        fresh.into_iter().filter_map(move |(key, answered)| match answered {
            Answered::Result(result) if open.contains(&key) => Some((key, result)),
            _ => None,
        })
    }

    /// What is known now.
    pub(crate) fn journal(&self) -> Journal {
        self.round.lock().journal.clone()
    }

    /// Puts a question; the result as the client gave it, which fits the question and passes the check.
    pub(crate) async fn ask(
        &self,
        key: &str,
        question: Question,
        besides: Option<ContentCheck>,
    ) -> Result<RawJson, AskError> {
        if !self.is_polled_here() || matches!(self.way, Way::None) {
            return Err(AskError::Misplaced);
        }
        if let Some(answered) = self.round.lock().journal.answer(key) {
            return answered.clone().into_result();
        }
        question.check_askable()?;
        match &self.way {
            Way::None => Err(AskError::Misplaced),
            Way::Live(live) => {
                let answered = live.ask(&question, besides).await?;
                self.round.lock().journal.note_answer(key, answered.clone());
                answered.into_result()
            }
            Way::Rounds(_) => match self.answer_of_round(key, &question, besides) {
                Some(answered) => answered.into_result(),
                // The driver drops the handler, and runs it again when there is an answer: whatever the handler
                // does with errors and results, it does not get past this.
                None => {
                    poll_fn(|_| {
                        self.stuck.fetch_add(1, Ordering::Relaxed);
                        Poll::Pending
                    })
                    .await
                }
            },
        }
    }

    /// The answer that came with this round, or the question is put.
    fn answer_of_round(
        &self,
        key: &str,
        question: &Question,
        besides: Option<ContentCheck>,
    ) -> Option<Answered> {
        let mut round = self.round.lock();
        let mut question = question.clone();
        if let Some(at) = round.fresh.iter().position(|(fresh, _)| fresh == key) {
            let (_, answered) = round.fresh.swap_remove(at);
            let checked = match &answered {
                Answered::Result(result) => question.check(result, besides),
                _ => Ok(()),
            };
            match checked {
                Ok(()) => {
                    round.journal.note_answer(key, answered.clone());
                    return Some(answered);
                }
                Err(BadAnswer::Shape(reason)) => {
                    round.malformed = Some(format!("\"{key}\": {reason}"));
                    return None;
                }
                Err(BadAnswer::Content(fault)) => question = question.again(&fault),
            }
        }
        if !round.asked.iter().any(|(asked, _)| asked == key) {
            round.asked.push((key.to_owned(), question));
        }
        None
    }

    /// The value remembered under `key`, if there is one.
    pub(crate) fn remembered(&self, key: &str) -> Option<RawJson> {
        self.round.lock().journal.memo(key).cloned()
    }

    pub(crate) fn remember(&self, key: &str, value: RawJson) {
        self.round.lock().journal.note_memo(key, value);
    }

    /// Claims the right to make the value of `key`: a replay of the same round finds it made, or being made.
    pub(crate) async fn claim(&self, key: &str) -> Result<Option<RawJson>, AskError> {
        let Way::Rounds(Some(claims)) = &self.way else { return Ok(None) };
        let partition = claims.partition();
        let key = Key::new(&partition, key);
        let (kv, ttl) = (&claims.store.kv, Ttl::After(claims.ttl));
        let failed =
            |error: latimer_store::StoreError| AskError::Faulty(format!("the store failed: {error}"));
        let claimed = kv.put_if_absent(key, claims.mark(), ttl).await.map_err(failed)?;
        match claimed {
            Attempt::Won(_) | Attempt::Lost(None) => Ok(None),
            Attempt::Lost(Some(entry)) if is_mark(&entry.value) => {
                if !claims.overtakes(&entry.value) {
                    return Err(AskError::Busy);
                }
                match kv.compare_and_swap(key, entry.version, claims.mark(), ttl).await.map_err(failed)? {
                    Attempt::Won(_) => Ok(None),
                    Attempt::Lost(_) => Err(AskError::Busy),
                }
            }
            Attempt::Lost(Some(entry)) => RawJson::parse_bytes(entry.value)
                .map(Some)
                .map_err(|error| AskError::Faulty(error.to_string())),
        }
    }

    /// Gives a claim up when it is dropped: the run that makes the value may be broken off.
    pub(crate) fn unsettled(&self, key: &str) -> Unsettled {
        let claim = match &self.way {
            Way::Rounds(Some(claims)) => Some((claims.store.clone(), claims.partition(), key.to_owned())),
            _ => None,
        };
        Unsettled(claim)
    }

    /// Ends a claim: with the value, or without one, so that a replay tries again.
    pub(crate) async fn settle(&self, key: &str, value: Option<&RawJson>) {
        let Way::Rounds(Some(claims)) = &self.way else { return };
        let partition = claims.partition();
        let key = Key::new(&partition, key);
        let settled = match value {
            Some(value) => {
                let bytes = value.clone().into_bytes();
                claims.store.kv.put(key, bytes, Ttl::After(claims.ttl)).await.map(|_| ())
            }
            None => claims.store.kv.delete(key).await.map(|_| ()),
        };
        if let Err(error) = settled {
            tracing::error!(%error, "a value that is made once could not be kept in the store");
        }
    }
}

/// A claim whose value is being made.
pub(crate) struct Unsettled(Option<(Store, String, String)>);

impl Unsettled {
    /// The claim has been settled.
    pub(crate) fn settled(mut self) {
        self.0 = None;
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        let Some((store, partition, key)) = self.0.take() else { return };
        // Without a runtime nothing runs again, either.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = store.kv.delete(Key::new(&partition, &key)).await {
                tracing::error!(%error, "a claim could not be given up; it expires by itself");
            }
        });
    }
}

impl Claims {
    fn partition(&self) -> String {
        format!("once:{}", self.chain)
    }

    /// What stands for a value that is being made: no JSON begins so.
    fn mark(&self) -> bytes::Bytes {
        format!("{MARK}{}", self.run.unwrap_or_default()).into()
    }

    /// Whether whoever set a mark is an earlier run, and therefore gone.
    fn overtakes(&self, mark: &[u8]) -> bool {
        let digits = std::str::from_utf8(mark).ok().and_then(|mark| mark.strip_prefix(MARK));
        let other = digits.and_then(|digits| digits.parse::<u32>().ok());
        matches!((self.run, other), (Some(run), Some(other)) if other < run)
    }
}

const MARK: char = '#';

fn is_mark(value: &[u8]) -> bool {
    value.first() == Some(&(MARK as u8))
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            Way::None => "none",
            Way::Live(_) => "live",
            Way::Rounds(_) => "rounds",
        };
        f.debug_struct("Asking").field("way", &way).finish_non_exhaustive()
    }
}
