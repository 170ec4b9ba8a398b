//! One request, from the wish to the result.

use std::borrow::Cow;
use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use latimer_protocol::frame::string;
use latimer_protocol::rewrite::{elements, member};
use latimer_protocol::wire::ProgressParams;
use latimer_protocol::{Era, ErrorCode, Method, RawJson};
use tokio::time::Instant;

use crate::authorization::BoxFuture;
use crate::cache::Key;
use crate::client::Client;
use crate::error::{ClientError, Fault};
use crate::notification::Feed;
use crate::outcome::CallOutcome;
use crate::rounds::{self, Question, Round};
use crate::task::{self, StartTask, TaskHandle};

/// How a server of 2025-11-25 says that pages have to be opened first.
const URL_ELICITATION_REQUIRED: ErrorCode = ErrorCode(-32042);

/// A request that is sent when it is awaited, and cancelled when the future is dropped (CAN-1, CAN-2).
///
/// It ends when the server is done with it, however many questions it asks meanwhile
/// ([`Handlers`](crate::Handlers)), and also if the server makes a task of it. Dropping it cancels that task too.
#[must_use = "nothing is sent before it is awaited"]
pub struct Call<'c, T> {
    client: &'c Client,
    method: Cow<'c, str>,
    /// An object as JSON text.
    params: String,
    on_progress: Option<Box<dyn FnMut(ProgressParams) + Send + 'c>>,
    timeout: Duration,
    finish: fn(RawJson) -> Result<T, ClientError>,
    /// The progress of the latest attempt; it goes on while a task runs (T11-6).
    feed: Option<Feed>,
}

/// What a request comes to.
pub(crate) enum Settled {
    /// Its result.
    Complete(RawJson),
    /// A task, as the server describes it.
    Task(RawJson),
}

impl<'c, T> Call<'c, T> {
    pub(crate) fn new(
        client: &'c Client,
        method: impl Into<Cow<'c, str>>,
        params: String,
        finish: fn(RawJson) -> Result<T, ClientError>,
    ) -> Self {
        let timeout = client.timeouts().request;
        Self { client, method: method.into(), params, on_progress: None, timeout, finish, feed: None }
    }

    /// Asks for progress (PRG-1) and hears of it. Whoever falls far behind hears of the newest only.
    pub fn on_progress(mut self, hear: impl FnMut(ProgressParams) + Send + 'c) -> Self {
        self.on_progress = Some(Box::new(hear));
        self
    }

    /// Waits this long for the result instead of [`Timeouts::request`](crate::Timeouts::request). Progress starts the time anew,
    /// and while a question of the server is open it does not run out.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn run(mut self) -> Result<T, ClientError> {
        let described = match self.settle().await? {
            Settled::Complete(result) => return (self.finish)(result),
            Settled::Task(described) => described,
        };
        let handle = TaskHandle::read(self.client, &described)?;
        let mut abandoned = task::Abandoned::new(&handle);
        let limit = self.client.timeouts().total;
        let feed = self.feed.take();
        let mut waiting = std::pin::pin!(tokio::time::timeout(limit, handle.outcome(Some(&described))));
        let waited = loop {
            tokio::select! {
                biased;
                report = next(feed.as_ref()) => self.hear(report),
                waited = &mut waiting => break waited,
            }
        };
        let outcome = match waited {
            Ok(outcome) => outcome,
            Err(_) => Err(ClientError::timeout(&self.method, limit)),
        };
        if outcome.as_ref().map_or_else(task::has_ended, |_| true) {
            abandoned.disarm();
        }
        (self.finish)(outcome?)
    }

    /// Sends the request as often as the server asks back, until it has a result or a task.
    pub(crate) async fn settle(&mut self) -> Result<Settled, ClientError> {
        let key = self.key().await;
        if let Some(result) = key.as_ref().and_then(|key| self.client.notices().cache().get(key)) {
            return Ok(Settled::Complete(result));
        }
        let epoch = self.client.notices().cache().epoch();
        let first = self.params.clone();
        let limit = self.client.limits().rounds;
        let mut pages_opened = false;
        for round in 0..=limit {
            let result = match self.send().await {
                Err(error) if !pages_opened && self.opens_pages(&error) => {
                    pages_opened = true;
                    self.open_pages(&error).await?;
                    self.send().await?
                }
                result => result?,
            };
            match self.kind(&result)? {
                Kind::Complete => {
                    // What was asked back for is for this call alone (CACHE-5).
                    if round == 0
                        && let Some(key) = key
                        && self.key().await.as_ref() == Some(&key)
                    {
                        self.client.notices().cache().put(epoch, key, &result);
                    }
                    return Ok(Settled::Complete(result));
                }
                Kind::Task => return Ok(Settled::Task(result)),
                Kind::InputRequired => {
                    let Round { questions, state } = Round::read(&result, self.client.limits().questions)?;
                    let answers = match questions {
                        Some(questions) => Some(
                            rounds::answers(self.client.notices().desk(), &self.method, questions).await?,
                        ),
                        None => {
                            // It sheds load (MRTR-7); coming back at once would not help it.
                            tokio::time::sleep(Duration::from_millis(50) * (1 << round.min(5))).await;
                            None
                        }
                    };
                    self.params = rounds::retry(&first, answers.as_deref(), state.as_ref())?;
                }
            }
        }
        Err(Fault::TooManyRounds { method: self.method.clone().into_owned(), limit }.into())
    }

    /// One attempt, with the headers that the tool's definition asks for.
    async fn send(&mut self) -> Result<RawJson, ClientError> {
        let has_headers = self.method == "tools/call" && self.client.connection().has_headers();
        if has_headers {
            self.client.learn_tools().await?;
        }
        match self.in_turn().await {
            Err(error) if has_headers && is_header_mismatch(&error) => {
                // The tool's definition may have changed since it was listed (XH-6).
                tracing::debug!(%error, "listing the tools anew");
                self.client.notices().cache().forget(&["tools/list"]);
                self.client.list_tools().await?;
                self.in_turn().await
            }
            result => result,
        }
    }

    /// Waits until not too many others are in flight.
    async fn in_turn(&mut self) -> Result<RawJson, ClientError> {
        let turn = self.client.slots().acquire();
        match tokio::time::timeout(self.timeout, turn).await {
            Ok(Ok(_turn)) => self.attempt().await,
            Ok(Err(_)) => Err(Fault::Closed.into()),
            Err(_) => Err(ClientError::timeout(&self.method, self.timeout)),
        }
    }

    async fn attempt(&mut self) -> Result<RawJson, ClientError> {
        let client = self.client;
        let id = client.next_id();
        let feed = self.on_progress.is_some().then(|| client.notices().follow(id));
        let (method, params, timeout) = (self.method.clone(), self.params.clone(), self.timeout);
        let request = client.outgoing(id, &method, &params, feed.is_some())?;
        let total = client.timeouts().total;
        let latest = Instant::now() + total;
        let mut deadline = Instant::now() + timeout;
        let mut exchange = std::pin::pin!(client.connection().exchange(request));
        let result = loop {
            tokio::select! {
                biased;
                report = next(feed.as_ref()) => {
                    self.hear(report);
                    deadline = Instant::now() + timeout;
                }
                result = &mut exchange => break result,
                () = tokio::time::sleep_until(deadline.min(latest)) => {
                    if Instant::now() < latest && client.notices().desk().is_asking() {
                        // It is the user who thinks, not the server.
                        deadline = Instant::now() + timeout;
                        continue;
                    }
                    return Err(ClientError::timeout(&method, if latest < deadline { total } else { timeout }));
                }
            }
        };
        while let Some(report) = feed.as_ref().and_then(Feed::take) {
            self.hear(report);
        }
        self.feed = feed;
        result
    }

    fn hear(&mut self, report: ProgressParams) {
        if let Some(hear) = &mut self.on_progress {
            hear(report);
        }
    }

    /// In the modern era, a result is one of those kinds that this client can finish (DET-6, RES-1). A server of
    /// 2025-11-25 that was asked for a task answers with one in a member of its own (T11-3).
    fn kind(&self, result: &RawJson) -> Result<Kind, ClientError> {
        let find = |name| {
            member(result.as_str(), name)
                .map_err(|_| ClientError::malformed("the server's answer", "its result is not an object"))
        };
        if self.client.info().era() == Era::Legacy {
            let asked = self.method == "tools/call" && member(&self.params, "task").ok().flatten().is_some();
            let is_task = asked && find("task")?.is_some_and(|task| task.starts_with('{'));
            return Ok(if is_task { Kind::Task } else { Kind::Complete });
        }
        let kind = find("resultType")?.map(|kind| string(kind).unwrap_or(Cow::Borrowed(kind)));
        match kind.as_deref() {
            None | Some("complete") => Ok(Kind::Complete),
            Some("input_required") if rounds::may_ask(&self.method) => Ok(Kind::InputRequired),
            Some("task") if self.method == "tools/call" && self.client.has_tasks() => Ok(Kind::Task),
            Some(found) => {
                let found = found.chars().take(64).collect();
                Err(Fault::ResultType { method: self.method.clone().into_owned(), found }.into())
            }
        }
    }

    /// What the result of this request is kept under, if it may be kept (CACHE-1).
    async fn key(&mut self) -> Option<Key> {
        let client = self.client;
        let cacheable = client.info().era() == Era::Modern
            && client.limits().cache_entries > 0
            && Method::named(&self.method).is_some_and(|method| method.cacheable);
        if !cacheable {
            return None;
        }
        let principal = client.connection().principal().await?;
        Some(Key { method: self.method.clone().into_owned(), params: self.params.clone(), principal })
    }

    /// Whether the server wants pages to be opened before it does this (2025-11-25 only), and the user can be asked.
    fn opens_pages(&self, error: &ClientError) -> bool {
        self.client.info().era() == Era::Legacy
            && error.rpc().is_some_and(|error| error.code == URL_ELICITATION_REQUIRED)
            && self.client.notices().desk().handles("elicitation/create")
    }

    /// Asks the user to open them (EL-5). If that is not wanted, the server's error stands.
    async fn open_pages(&mut self, error: &ClientError) -> Result<(), ClientError> {
        let rpc = error.rpc().cloned();
        let data = rpc.as_ref().and_then(|error| error.data.clone()).unwrap_or_else(RawJson::empty_object);
        let listed = member(data.as_str(), "elicitations").ok().flatten().unwrap_or("[]");
        let broken = |detail: String| ClientError::malformed("the server's error", detail);
        let mut questions = Vec::new();
        for (index, page) in elements(listed).enumerate() {
            let page = page.map_err(|error| broken(error.to_string()))?;
            let page = data.slice(page).map_err(|error| broken(error.to_string()))?;
            if index == self.client.limits().questions {
                return Err(broken(format!("it names more than {index} pages")));
            }
            questions.push(Question::of(index, "elicitation/create", page));
        }
        let answers = rounds::answers(self.client.notices().desk(), &self.method, questions).await?;
        let accepted = latimer_protocol::rewrite::members(&answers)
            .map_while(Result::ok)
            .all(|(_, answer)| member(answer, "action").ok().flatten() == Some("\"accept\""));
        match rpc {
            Some(error) if !accepted || answers == "{}" => {
                Err(Fault::Rpc { method: self.method.clone().into_owned(), error, status: None }.into())
            }
            _ => Ok(()),
        }
    }
}

impl<'c> Call<'c, CallOutcome> {
    /// Asks for a task instead of waiting for the result: the answer is a handle with which the result can be fetched
    /// later, or the result itself if the server makes no task of it.
    ///
    /// A server of 2025-11-25 is asked to keep the task for `ttl` (T11-3). With 2026-07-28 it is the server that decides
    /// whether there is a task, and for how long; servers of other revisions have none.
    pub fn as_task(self, ttl: Option<Duration>) -> StartTask<'c> {
        StartTask::new(self, ttl)
    }

    pub(crate) fn client(&self) -> &'c Client {
        self.client
    }

    pub(crate) fn params_mut(&mut self) -> &mut String {
        &mut self.params
    }

    pub(crate) fn finished(&self, result: RawJson) -> Result<CallOutcome, ClientError> {
        (self.finish)(result)
    }
}

/// What a result is.
enum Kind {
    Complete,
    InputRequired,
    Task,
}

impl<'c, T: 'c> IntoFuture for Call<'c, T> {
    type Output = Result<T, ClientError>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<T> fmt::Debug for Call<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("params", &self.params)
            .field("on_progress", &self.on_progress.is_some())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn is_header_mismatch(error: &ClientError) -> bool {
    error.rpc().is_some_and(|error| error.code == ErrorCode::HEADER_MISMATCH)
}

async fn next(feed: Option<&Feed>) -> ProgressParams {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}
