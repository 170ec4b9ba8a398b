//! Any interleaving of answers, cancellations, disconnects and progress gives at most one response per request, exactly
//! one where nobody cancelled it, and nothing after it (CAN-1, PRG-1, T11-6).

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Cx, Poll, Waker};

use bytes::Bytes;
use latimer_protocol::wire::{ClientCapabilities, TaskSupport, Tool, ToolExecution};
use latimer_protocol::{OwnedParams, RareParams, RawJson, RequestId, Revision, rewrite};
use parking_lot::Mutex;
use proptest::prelude::*;
use tokio::sync::Semaphore;

use super::{Caller, Pending, Request};
use crate::call::{Answer, Call, Operation};
use crate::local::{LocalEntry, LocalSource};
use crate::outbox::Event;
use crate::{Client, Engine, Peer, Principal, Scope};

/// How many calls there are at once.
const CALLS: usize = 3;
const CONNECTION: u64 = 7;

#[derive(Clone, Copy, Debug)]
enum Op {
    /// The connection has a turn for a call.
    Poll(usize),
    /// A handler may take its next step.
    Step(usize),
    /// The client answers the question of a call that it has longest; again, if it did before.
    Answer(usize),
    /// The client cancels the call, or its task.
    Cancel(usize),
    /// The connection drops the call.
    Drop(usize),
    /// Whatever runs in the background has a turn.
    Turn,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = (0..8_u8, 0..CALLS).prop_map(|(kind, at)| match kind {
        0 | 1 => Op::Poll(at),
        2 | 3 => Op::Step(at),
        4 => Op::Answer(at),
        5 => Op::Cancel(at),
        6 => Op::Drop(at),
        _ => Op::Turn,
    });
    proptest::collection::vec(op, 0..60)
}

/// One call as its client sees it.
#[derive(Default)]
struct Seen {
    replies: usize,
    questions: Vec<RequestId>,
    progress: Vec<f64>,
    cancelled: bool,
    dropped: bool,
    /// The task that it became.
    task: Option<String>,
}

struct World {
    engine: Engine,
    gates: Vec<Arc<Semaphore>>,
    calls: Vec<Option<Pending>>,
    seen: Vec<Seen>,
    /// What came outside the calls: statuses and progress of tasks.
    notices: Arc<Mutex<Vec<Bytes>>>,
    next_id: u64,
}

fn raw(text: impl Into<String>) -> RawJson {
    RawJson::parse(text.into()).unwrap()
}

/// A request of the connection's client.
fn request(
    engine: &Engine,
    id: u64,
    method: &str,
    at: usize,
    task: Option<RawJson>,
    task_id: Option<&str>,
) -> Pending {
    let mut params = OwnedParams {
        raw: Some(RawJson::empty_object()),
        name: Some(raw(format!("\"works{at}\""))),
        ..OwnedParams::default()
    };
    params.meta.progress_token = Some(raw(at.to_string()));
    let task_id = task_id.map(|id| raw(format!("\"{id}\"")));
    params.rare = Some(Box::new(RareParams { task, task_id, ..RareParams::default() }));
    let revision = Revision::V2025_11_25;
    engine.begin(Request {
        id: id.into(),
        method: engine.method(method, revision).unwrap(),
        params,
        caller: Caller {
            revision,
            principal: Principal::anonymous(),
            peer: Peer::Local,
            session: None,
            scope: Some(Scope::Connection(CONNECTION)),
            client: Client {
                capabilities: ClientCapabilities::new(raw(r#"{"roots":{}}"#)).unwrap(),
                info: None,
            },
            log_level: None,
            trace: None,
        },
    })
}

fn number(raw: &str, name: &str) -> Option<f64> {
    rewrite::member(raw, name).ok().flatten()?.parse().ok()
}

fn text(raw: &str, name: &str) -> Option<String> {
    rewrite::member(raw, name)
        .ok()
        .flatten()
        .and_then(rewrite::decode_string)
        .map(std::borrow::Cow::into_owned)
}

impl World {
    async fn new(tasks: bool, reruns: bool) -> Self {
        let gates: Vec<_> = (0..CALLS).map(|_| Arc::new(Semaphore::new(0))).collect();
        let source = LocalSource::new("test");
        for (at, gate) in gates.iter().enumerate() {
            let mut tool = Tool::new(format!("works{at}"), raw(r#"{"type":"object"}"#));
            tool.execution = Some(ToolExecution { task_support: Some(TaskSupport::Optional) });
            let gate = gate.clone();
            let handler = move |call: Call| -> crate::BoxFuture<'static, crate::call::Outcome> {
                let gate = gate.clone();
                Box::pin(async move {
                    let Call { operation: Operation::CallTool { .. }, context: cx } = call else {
                        unreachable!()
                    };
                    for step in 1..=3_u8 {
                        cx.progress(step.into(), None, "step");
                        if let Ok(permit) = gate.acquire().await {
                            permit.forget();
                        }
                        if step == 2 {
                            cx.roots().await?;
                        }
                    }
                    Ok(Answer::Tool(latimer_protocol::wire::CallToolResult::text("done")))
                })
            };
            source.insert(LocalEntry::tool(&tool, Arc::new(handler)).unwrap()).unwrap();
        }
        let engine = Engine::builder().reruns(reruns).build();
        engine.catalog().load(Arc::new(source)).await.unwrap();
        let mut world = Self {
            engine,
            gates,
            calls: Vec::new(),
            seen: Vec::new(),
            notices: Arc::default(),
            next_id: 1000,
        };
        for at in 0..CALLS {
            let call = world.request(at as u64, "tools/call", at, tasks.then(|| raw("{}")), None);
            world.calls.push(Some(call));
            world.seen.push(Seen::default());
        }
        world
    }

    fn request(
        &self,
        id: u64,
        method: &str,
        at: usize,
        task: Option<RawJson>,
        task_id: Option<&str>,
    ) -> Pending {
        request(&self.engine, id, method, at, task, task_id)
    }

    /// Sends a request besides the calls, and waits for its reply.
    async fn ask(&mut self, method: &str, task: &str) -> Option<String> {
        self.next_id += 1;
        let reply = self.request(self.next_id, method, 0, None, Some(task)).await?;
        Some(String::from_utf8(reply.bytes.to_vec()).unwrap())
    }

    fn poll(&mut self, at: usize) {
        let Some(pending) = &mut self.calls[at] else { return };
        let outbox = pending.outbox().clone();
        let polled = Pin::new(pending).poll(&mut Cx::from_waker(Waker::noop()));
        while let Some(event) = outbox.pop() {
            let Event::Message(message) = event else { continue };
            self.hear(at, std::str::from_utf8(&message).unwrap());
        }
        if let Poll::Ready(reply) = polled {
            if let Some(reply) = reply {
                self.seen[at].replies += 1;
                let reply = String::from_utf8(reply.bytes.to_vec()).unwrap();
                let task = rewrite::member(&reply, "result").unwrap().unwrap_or("{}");
                let task = rewrite::member(task, "task").ok().flatten();
                self.seen[at].task = task.and_then(|task| text(task, "taskId"));
            }
            self.calls[at] = None;
            // Nothing comes after the reply.
            assert!(outbox.pop().is_none());
        }
    }

    fn hear(&mut self, at: usize, message: &str) {
        let seen = &mut self.seen[at];
        match text(message, "method").as_deref() {
            Some("notifications/progress") => {
                let params = rewrite::member(message, "params").unwrap().unwrap();
                let progress = number(params, "progress").unwrap();
                assert!(seen.progress.last().is_none_or(|last| *last < progress), "progress grows (PRG-1)");
                seen.progress.push(progress);
            }
            Some("roots/list") => {
                let id = rewrite::member(message, "id").unwrap().unwrap();
                seen.questions.push(RequestId::from_plain(id.trim_matches('"')));
            }
            _ => {}
        }
    }

    async fn answer(&mut self, at: usize) {
        let Some(id) = self.seen[at].questions.first().cloned() else { return };
        let questions = self.engine.questions().clone();
        questions.answer(&Scope::Connection(CONNECTION), &id, Ok(raw(r#"{"roots":[]}"#))).await.unwrap();
    }

    async fn cancel(&mut self, at: usize) {
        match self.seen[at].task.clone() {
            Some(task) => {
                self.ask("tasks/cancel", &task).await;
            }
            None => {
                self.engine.cancel(&Scope::Connection(CONNECTION), &(at as u64).into());
                self.seen[at].cancelled = true;
            }
        }
    }

    async fn run(&mut self, op: Op) {
        match op {
            Op::Poll(at) => self.poll(at),
            Op::Step(at) => self.gates[at].add_permits(1),
            Op::Answer(at) => self.answer(at).await,
            Op::Cancel(at) => self.cancel(at).await,
            Op::Drop(at) => {
                if self.calls[at].take().is_some() {
                    self.seen[at].dropped = true;
                }
            }
            Op::Turn => tokio::task::yield_now().await,
        }
    }

    /// Lets everything come to its end.
    async fn finish(&mut self) {
        for at in 0..CALLS {
            self.gates[at].add_permits(100);
        }
        for _ in 0..200 {
            for at in 0..CALLS {
                self.poll(at);
                let answered = self.seen[at].questions.len();
                self.answer(at).await;
                if answered > 1 {
                    self.seen[at].questions.remove(0);
                }
            }
            tokio::task::yield_now().await;
        }
    }
}

fn block_on(work: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(work);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn can_1_every_call_has_one_response_and_nothing_after_it(ops in ops(), reruns in any::<bool>()) {
        block_on(async {
            let mut world = World::new(false, reruns).await;
            for op in ops {
                world.run(op).await;
            }
            world.finish().await;
            for (at, seen) in world.seen.iter().enumerate() {
                assert!(world.calls[at].is_none(), "call {at} goes on for ever");
                let wanted = usize::from(!seen.cancelled && !seen.dropped);
                assert!(seen.replies >= wanted && seen.replies <= 1, "call {at} has {} responses", seen.replies);
            }
        });
    }

    #[test]
    fn t11_6_a_task_says_nothing_after_its_end(ops in ops(), reruns in any::<bool>()) {
        block_on(async {
            let mut world = World::new(true, reruns).await;
            let notices = world.notices.clone();
            let _hearing = world.engine.notices_to(CONNECTION, move |message| notices.lock().push(message));
            for op in ops {
                world.run(op).await;
            }
            world.finish().await;
            // What still waits for an answer is asked and answered in `tasks/result`, or cancelled.
            for at in 0..CALLS {
                let Some(task) = world.seen[at].task.clone() else { continue };
                world.ask("tasks/cancel", &task).await;
                let found = world.ask("tasks/get", &task).await.unwrap();
                let result = rewrite::member(&found, "result").unwrap().unwrap();
                let status = text(result, "status").unwrap();
                assert!(["completed", "cancelled"].contains(&&*status), "{found}");
            }
            let mut over: HashMap<String, String> = HashMap::new();
            for message in world.notices.lock().iter() {
                let message = std::str::from_utf8(message).unwrap();
                let params = rewrite::member(message, "params").unwrap().unwrap();
                match text(message, "method").as_deref() {
                    Some("notifications/tasks/status") => {
                        let (task, status) = (text(params, "taskId").unwrap(), text(params, "status").unwrap());
                        assert_eq!(over.get(&task), None, "{task} changes after its end");
                        if !["working", "input_required"].contains(&&*status) {
                            over.insert(task, status);
                        }
                    }
                    Some("notifications/progress") => {
                        // It names its task, whether or not the client has heard of that (T11-5).
                        let meta = rewrite::member(params, "_meta").unwrap().unwrap();
                        let related = rewrite::member(meta, "io.modelcontextprotocol/related-task");
                        let task = text(related.unwrap().unwrap(), "taskId").unwrap();
                        assert_eq!(over.get(&task), None, "{task} makes progress after its end");
                    }
                    _ => {}
                }
            }
        });
    }
}

/// Whoever looked between the end of a run and the note that it was cancelled took the task for forsaken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_is_looked_at_while_it_is_cancelled_is_cancelled() {
    for _ in 0..50 {
        let mut world = World::new(true, false).await;
        while world.calls[0].is_some() {
            world.poll(0);
            tokio::task::yield_now().await;
        }
        let task = world.seen[0].task.clone().unwrap();
        let over = tokio_util::sync::CancellationToken::new();
        let lookers: Vec<_> = (0..4_u64)
            .map(|looker| {
                let (engine, task, over) = (world.engine.clone(), task.clone(), over.clone());
                tokio::spawn(async move {
                    let mut id = (looker + 1) * 1_000_000;
                    while !over.is_cancelled() {
                        id += 1;
                        request(&engine, id, "tasks/get", 0, None, Some(&task)).await;
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        let cancelled = world.ask("tasks/cancel", &task).await.unwrap();
        over.cancel();
        for looker in lookers {
            looker.await.unwrap();
        }
        assert!(cancelled.contains(r#""status":"cancelled""#), "{cancelled}");
    }
}
