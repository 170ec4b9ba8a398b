use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use latimer_protocol::wire::{ClientCapabilities, Tool};
use latimer_protocol::{OwnedParams, RawJson, Revision};

use super::TaskStatus;
use crate::engine::{Caller, Pending, Request};
use crate::local::{LocalEntry, LocalSource};
use crate::outbox::Event;
use crate::{BoxFuture, Client, Engine, Limits, Peer, Principal};

/// Alice has the task "t".
#[derive(Debug)]
struct Tasks;

impl TaskStatus for Tasks {
    fn has<'a>(&'a self, principal: &'a Principal, id: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async move { principal.name() == Some("alice") && id == "t" })
    }

    fn params<'a>(&'a self, _: &'a Principal, id: &'a str) -> BoxFuture<'a, Option<RawJson>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            RawJson::parse(format!("{{\"taskId\":\"{id}\",\"status\":\"working\"}}")).ok()
        })
    }
}

fn begin(engine: &Engine, name: &str, params: &str) -> Pending {
    let raw = RawJson::parse(params.to_owned()).unwrap();
    let name_of_tool = RawJson::parse(r#""waits""#).unwrap();
    let capabilities = r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;
    let capabilities = ClientCapabilities::new(RawJson::parse(capabilities).unwrap()).unwrap();
    engine.begin(Request {
        id: 7.into(),
        method: engine.method(name, Revision::LATEST_MODERN).unwrap(),
        params: OwnedParams { raw: Some(raw), name: Some(name_of_tool), ..OwnedParams::default() },
        caller: Caller {
            revision: Revision::LATEST_MODERN,
            principal: Principal::named("alice", [""; 0]),
            peer: Peer::Local,
            session: None,
            scope: None,
            client: Client { capabilities, info: None },
            log_level: None,
            trace: None,
        },
    })
}

/// The next thing that a request says, or its answer.
async fn next(pending: &mut Pending) -> String {
    let outbox = pending.outbox().clone();
    let bytes = poll_fn(|cx| {
        if let Poll::Ready(reply) = Pin::new(&mut *pending).poll(cx) {
            return Poll::Ready(reply.unwrap().bytes);
        }
        outbox.poll_pop(cx).map(|event| {
            let Event::Message(text) = event else { panic!("no message: {event:?}") };
            text
        })
    });
    String::from_utf8(bytes.await.to_vec()).unwrap()
}

#[tokio::test]
async fn tx_8_the_status_of_a_task_is_told_to_its_owner() {
    let engine = Engine::builder().build();
    engine.tell_tasks(Arc::new(Tasks));
    let mut listen =
        begin(&engine, "subscriptions/listen", r#"{"notifications":{"taskIds":["t","of-somebody-else"]}}"#);
    let ack = next(&mut listen).await;
    assert!(ack.contains(r#""notifications":{"taskIds":["t"]}"#), "{ack}");
    engine.changes().task("of-somebody-else");
    engine.changes().task("t");
    assert_eq!(
        next(&mut listen).await,
        r#"{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"t","status":"working","_meta":{"io.modelcontextprotocol/subscriptionId":7}}}"#
    );
    engine.stop();
    let answer = next(&mut listen).await;
    assert!(answer.contains(r#""resultType":"complete""#), "{answer}");
}

#[tokio::test]
async fn listening_takes_as_long_as_it_takes() {
    let short = Duration::from_millis(1);
    let limits = Limits { call_timeout: short, call_timeout_total: short, ..Limits::default() };
    let engine = Engine::builder().limits(limits).build();
    let source = LocalSource::new("source");
    let tool = Tool::new("waits", RawJson::parse(r#"{"type":"object"}"#).unwrap());
    let waits = Arc::new(|_| Box::pin(std::future::pending()) as BoxFuture<'static, _>);
    source.insert(LocalEntry::tool(&tool, waits).unwrap()).unwrap();
    engine.catalog().load(Arc::new(source)).await.unwrap();
    let mut listen = begin(&engine, "subscriptions/listen", r#"{"notifications":{"toolsListChanged":true}}"#);
    assert!(next(&mut listen).await.contains("acknowledged"));
    // A call that began later has taken too long meanwhile.
    let mut waiting = begin(&engine, "tools/call", r#"{"name":"waits"}"#);
    assert!(next(&mut waiting).await.contains("took more than"));
    engine.catalog().close().await;
    assert!(next(&mut listen).await.contains("tools/list_changed"));
}
