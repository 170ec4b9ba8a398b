//! The tasks extension of 2026-07-28 (TX-1 to TX-10): the server decides, on both transports.

use std::sync::Arc;
use std::time::Duration;

use latimer_core::Limits;
use latimer_core::local::{LocalEntry, LocalSource};
use latimer_protocol::RawJson;
use latimer_protocol::wire::{TaskSupport, Tool, ToolExecution};
use latimer_store::{ManualClock, Store};
use serde_json::{Value, json};

use super::client::{Ask, Connection, Stream};
use super::server::{Server, Setup, engine, reaches};
use super::stdio::Pipe;

const EXTENSION: &str = "io.modelcontextprotocol/tasks";

async fn server() -> Server {
    with(Setup::default()).await
}

async fn with(setup: Setup) -> Server {
    Server::with(Setup { tasks: true, ..setup }).await
}

/// Parameters of a client that knows tasks and can fill in forms.
fn able(mut params: Value) -> Value {
    let capabilities = json!({ "elicitation": {}, "extensions": { EXTENSION: {} } });
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    params
}

fn asking(method: &str, params: Value) -> Ask {
    Ask::modern(method, able(params))
}

fn call(tool: &str) -> Ask {
    asking("tools/call", json!({ "name": tool, "arguments": {} }))
}

fn of(id: &str) -> Value {
    json!({ "taskId": id })
}

/// Begins a task.
async fn begin(server: &Server, tool: &str) -> String {
    created(&server.ask(&call(tool)).await.json())
}

fn created(answer: &Value) -> String {
    let result = &answer["result"];
    assert_eq!(result["resultType"], "task", "{answer}");
    result["taskId"].as_str().unwrap().to_owned()
}

async fn get(server: &Server, id: &str) -> Value {
    let answer = server.ask(&asking("tasks/get", of(id))).await.json();
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
    answer["result"].clone()
}

/// The task once it has a status.
async fn once(server: &Server, id: &str, status: &str) -> Value {
    loop {
        let task = get(server, id).await;
        if task["status"] == status {
            return task;
        }
        assert!(task["status"] == "working" || task["status"] == "input_required", "{task}");
        tokio::task::yield_now().await;
    }
}

async fn update(server: &Server, id: &str, responses: Value) -> Value {
    let params = json!({ "taskId": id, "inputResponses": responses });
    server.ask(&asking("tasks/update", params)).await.json()
}

fn named(name: &str) -> Value {
    json!({ "action": "accept", "content": { "name": name } })
}

fn keys(task: &Value) -> Vec<String> {
    task["inputRequests"].as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn tx_3_a_task_is_there_when_its_caller_hears_of_it() {
    let server = server().await;
    let answer = server.ask(&call("must")).await.json();
    let result = &answer["result"];
    assert_eq!((&result["task"], &result["status"]), (&Value::Null, &json!("working")));
    assert_eq!((&result["ttlMs"], &result["pollIntervalMs"]), (&json!(3_600_000), &json!(1_000)));
    let id = created(&answer);
    let task = once(&server, &id, "completed").await;
    assert_eq!(task["result"]["content"][0]["text"], "done");
    assert_eq!((&task["createdAt"], &task["ttlMs"]), (&result["createdAt"], &result["ttlMs"]));
}

/// The end of a task once took the reply of the call that began it along, which then had no answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_task_that_ends_at_once_does_not_end_the_call_that_began_it() {
    let server = server().await;
    for _ in 0..100 {
        let answer = server.ask(&call("goes_on_and_ends")).await;
        assert_eq!(answer.status(), 200);
        once(&server, &created(&answer.json()), "completed").await;
    }
}

#[tokio::test]
async fn tx_2_who_does_not_know_tasks_gets_none() {
    let server = server().await;
    let required = json!({ "extensions": { EXTENSION: {} } });
    let refused = server.ask(&Ask::modern("tools/call", json!({ "name": "must" }))).await;
    assert_eq!((refused.status(), refused.code()), (400, Some(-32021)));
    assert_eq!(refused.json()["error"]["data"]["requiredCapabilities"], required);
    let plain = server.ask(&Ask::modern("tools/call", json!({ "name": "may" }))).await.json();
    assert_eq!(plain["result"]["resultType"], "complete");
    let id = begin(&server, "must").await;
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let mut params = of(&id);
        params["inputResponses"] = json!({});
        let refused = server.ask(&Ask::modern(method, params)).await;
        assert_eq!((refused.status(), refused.code()), (400, Some(-32021)), "{method}");
        assert_eq!(refused.json()["error"]["data"]["requiredCapabilities"], required);
    }
}

#[tokio::test]
async fn tx_10_what_the_older_form_has_does_not_exist() {
    let server = server().await;
    for method in ["tasks/list", "tasks/result"] {
        let answer = server.ask(&asking(method, of("t"))).await;
        assert_eq!((answer.status(), answer.code()), (404, Some(-32601)), "{method}");
    }
    // That the client wants a task means nothing here.
    let asked = asking("tools/call", json!({ "name": "may", "arguments": {}, "task": { "ttl": 1 } }));
    assert_eq!(server.ask(&asked).await.json()["result"]["resultType"], "complete");
    let asked = asking("tools/call", json!({ "name": "accept", "arguments": {}, "task": 7 }));
    assert_eq!(server.ask(&asked).await.json()["result"]["resultType"], "complete");
    let capabilities = server.ask(&Ask::modern("server/discover", json!({}))).await.json();
    let capabilities = &capabilities["result"]["capabilities"];
    assert_eq!((&capabilities["tasks"], &capabilities["extensions"][EXTENSION]), (&Value::Null, &json!({})));
}

#[tokio::test]
async fn tx_9_the_header_names_the_task() {
    let server = server().await;
    let id = begin(&server, "must").await;
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let mut params = of(&id);
        params["inputResponses"] = json!({});
        let ask = asking(method, params);
        for wrong in [ask.clone().without("Mcp-Name"), ask.clone().replacing("Mcp-Name", "other")] {
            let answer = server.ask(&wrong).await;
            assert_eq!((answer.status(), answer.code()), (400, Some(-32020)), "{method}");
        }
        assert_eq!(server.ask(&ask).await.status(), 200, "{method}");
    }
}

#[tokio::test]
async fn tx_4_tasks_that_are_not_there_or_not_yours_are_unknown() {
    let server = with(Setup { tokens: vec![("a", "ada"), ("b", "bob")], ..Setup::default() }).await;
    let of_ada = |ask: Ask| ask.with("Authorization", "Bearer a");
    let of_bob = |ask: Ask| ask.with("Authorization", "Bearer b");
    let id = created(&server.ask(&of_ada(call("must"))).await.json());
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        for id in [id.as_str(), "", "nonsense", &"0".repeat(44), &"x".repeat(100_000)] {
            let params = json!({ "taskId": id, "inputResponses": {} });
            let mut ask = of_bob(asking(method, params));
            if id.is_empty() || id.len() > 1_000 {
                ask = ask.replacing("Mcp-Name", "x");
            }
            let code = server.ask(&ask).await.code();
            assert!(code == Some(-32602) || code == Some(-32020), "{method} {code:?}");
        }
    }
    assert_eq!(server.ask(&of_ada(asking("tasks/get", of(&id)))).await.json()["result"]["taskId"], json!(id));
}

#[tokio::test]
async fn tx_7_a_failure_of_the_tool_is_a_result_and_an_error_a_failure() {
    let server = server().await;
    let id = begin(&server, "must_break").await;
    let task = once(&server, &id, "completed").await;
    assert_eq!((&task["result"]["isError"], &task["error"]), (&json!(true), &Value::Null));
    assert!(!task.to_string().contains("secret"), "{task}");
}

#[tokio::test]
async fn tx_1_a_call_that_takes_long_becomes_a_task() {
    let limits = Limits { task_after: Some(Duration::ZERO), ..Limits::default() };
    let server = with(Setup { limits, ..Setup::default() }).await;
    // What is done at once is no task, nor what may not be one.
    assert_eq!(server.ask(&call("may")).await.json()["result"]["resultType"], "complete");
    let id = begin(&server, "waits").await;
    assert_eq!(get(&server, &id).await["status"], "working");
    server.open_gate(1);
    assert_eq!(once(&server, &id, "completed").await["result"]["content"][0]["text"], "waited");
    // The handler that had begun went on.
    assert_eq!((*server.bench.started.borrow(), *server.bench.dropped.borrow()), (1, 0));
    let mut waiting = Connection::open(&server).await;
    waiting.send(&asking("tools/call", json!({ "name": "wait", "arguments": {} }))).await;
    reaches(&server.bench.started, 2).await;
    server.open_gate(1);
    assert_eq!(waiting.next_answer().await.json()["result"]["resultType"], "complete");
}

#[tokio::test]
async fn tx_3_questions_before_the_task_are_rounds_and_inside_it_are_its_own() {
    let server = server().await;
    let asked = server.ask(&call("asks_before_and_inside")).await.json();
    let result = &asked["result"];
    assert_eq!((&result["resultType"], keys(result)), (&json!("input_required"), vec!["before".to_owned()]));
    let params = json!({
        "name": "asks_before_and_inside",
        "arguments": {},
        "requestState": result["requestState"],
        "inputResponses": { "before": named("Ada") },
        "_meta": { "progressToken": "p" },
    });
    let answer = server.ask(&asking("tools/call", params)).await.json();
    let id = created(&answer);
    let task = once(&server, &id, "input_required").await;
    assert_eq!((keys(&task), &task["statusMessage"]), (vec!["inside".to_owned()], &json!("thinking")));
    let question = &task["inputRequests"]["inside"];
    assert_eq!(
        (&question["method"], &question["params"]["message"]),
        (&json!("elicitation/create"), &json!("Your name?"))
    );
    assert_eq!(
        update(&server, &id, json!({ "inside": named("Bob") })).await["result"]["resultType"],
        "complete"
    );
    reaches(&server.bench.started, 1).await;
    server.open_gate(1);
    let task = once(&server, &id, "completed").await;
    assert_eq!(task["result"]["content"][0]["text"], "Ada Bob true true");
}

#[tokio::test]
async fn tx_5_answers_may_come_one_by_one_and_what_nobody_asked_is_ignored() {
    let limits = Limits { task_after: Some(Duration::ZERO), ..Limits::default() };
    let server = with(Setup { limits, ..Setup::default() }).await;
    let id = asking_task(&server).await;
    let task = get(&server, &id).await;
    assert_eq!(keys(&task), ["two"]);
    let ignored = json!({ "one": named("Eve"), "never": 7, "two#9": {} });
    assert_eq!(update(&server, &id, ignored).await["result"]["resultType"], "complete");
    assert_eq!(keys(&get(&server, &id).await), ["two"]);
    // The wrong shape is refused, and nothing of the request is taken.
    for wrong in [json!(7), json!({}), json!({ "action": "perhaps" })] {
        assert_eq!(update(&server, &id, json!({ "two": wrong })).await["error"]["code"], -32602);
    }
    for missing in [json!(null), json!([])] {
        let answer = update(&server, &id, missing).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    // What does not fit is asked again, under another key.
    update(&server, &id, json!({ "two": named("B") })).await;
    let task = get(&server, &id).await;
    assert_eq!(keys(&task), ["two#2"]);
    let message = task["inputRequests"]["two#2"]["params"]["message"].as_str().unwrap();
    assert!(message.contains("did not fit"), "{message}");
    update(&server, &id, json!({ "two": named("Bob") })).await;
    assert_eq!(keys(&get(&server, &id).await), ["two#2"]);
    update(&server, &id, json!({ "two#2": named("Bob") })).await;
    let task = once(&server, &id, "completed").await;
    assert_eq!(task["result"]["content"][0]["text"], "Ada Bob");
    assert_eq!(
        update(&server, &id, json!({ "two#2": named("Eve") })).await["result"]["resultType"],
        "complete"
    );
    assert_eq!(get(&server, &id).await["result"], task["result"]);
}

/// A task that has asked two questions, of which one is answered.
async fn asking_task(server: &Server) -> String {
    let id = begin(server, "must_ask_twice").await;
    let task = once(server, &id, "input_required").await;
    assert_eq!(keys(&task), ["one", "two"]);
    assert_eq!(update(server, &id, json!({ "one": named("Ada") })).await["result"]["resultType"], "complete");
    id
}

#[tokio::test]
async fn tx_6_a_cancellation_is_always_acknowledged() {
    let limits = Limits { task_after: Some(Duration::ZERO), ..Limits::default() };
    let server = with(Setup { limits, ..Setup::default() }).await;
    let id = begin(&server, "waits").await;
    reaches(&server.bench.started, 1).await;
    for _ in 0..2 {
        let answer = server.ask(&asking("tasks/cancel", of(&id))).await.json();
        assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
        assert_eq!(answer["result"]["status"], Value::Null);
    }
    assert_eq!(get(&server, &id).await["status"], "cancelled");
    assert_eq!(*server.bench.dropped.borrow(), 1);
    let done = begin(&server, "must").await;
    once(&server, &done, "completed").await;
    assert_eq!(
        server.ask(&asking("tasks/cancel", of(&done))).await.json()["result"]["resultType"],
        "complete"
    );
    assert_eq!(get(&server, &done).await["status"], "completed");
}

#[tokio::test]
async fn h_9_a_disconnect_ends_no_task() {
    let limits = Limits { task_after: Some(Duration::ZERO), ..Limits::default() };
    let server = with(Setup { limits, ..Setup::default() }).await;
    let mut connection = Connection::open(&server).await;
    let id = created(&connection.ask(&call("waits")).await.json());
    drop(connection);
    server.assert_serves().await;
    server.open_gate(1);
    assert_eq!(once(&server, &id, "completed").await["result"]["content"][0]["text"], "waited");
}

async fn next(stream: &mut Stream) -> Value {
    loop {
        let event = stream.next().await.expect("an event");
        if !event.data.is_empty() {
            return event.json();
        }
    }
}

#[tokio::test]
async fn tx_8_who_listens_hears_of_its_tasks_up_to_the_end() {
    let limits = Limits { task_after: Some(Duration::ZERO), ..Limits::default() };
    let setup = Setup { limits, tokens: vec![("a", "ada"), ("b", "bob")], ..Setup::default() };
    let server = with(setup).await;
    let of_ada = |ask: Ask| ask.with("Authorization", "Bearer a");
    let of_bob = |ask: Ask| ask.with("Authorization", "Bearer b");
    let id = created(&server.ask(&of_ada(call("tells"))).await.json());
    let foreign = created(&server.ask(&of_bob(call("waits"))).await.json());
    reaches(&server.bench.started, 2).await;
    let listen =
        |ids: &[&str]| asking("subscriptions/listen", json!({ "notifications": { "taskIds": ids } }));
    let mut stream = Stream::open(&server, &of_ada(listen(&[&id, &foreign, "nonsense"]))).await;
    let acknowledged = next(&mut stream).await;
    assert_eq!(acknowledged["params"]["notifications"], json!({ "taskIds": [id] }));
    server.open_gate(4);
    let mut steps = 0;
    loop {
        let message = next(&mut stream).await;
        assert_eq!(
            (&message["method"], &message["params"]["taskId"]),
            (&json!("notifications/tasks"), &json!(id))
        );
        let task = &message["params"];
        assert_eq!(task["resultType"], Value::Null);
        if task["status"] == "completed" {
            assert_eq!(task["result"]["content"][0]["text"], "told");
            break;
        }
        assert!(task["statusMessage"].as_str().unwrap().starts_with("step "), "{task}");
        steps += 1;
    }
    assert!(steps <= 3, "each change once at the most, and merged where the reader is slow");
    let refused = server
        .ask(&of_ada(Ask::modern("subscriptions/listen", json!({ "notifications": { "taskIds": [id] } }))))
        .await;
    assert_eq!((refused.status(), refused.code()), (400, Some(-32021)));
}

#[tokio::test]
async fn tx_8_over_a_byte_stream_a_task_has_no_progress_either() {
    let limits = Limits { task_after: Some(Duration::ZERO), ..Limits::default() };
    let (engine, bench) = engine(&Setup { tasks: true, limits, ..Setup::default() }).await;
    let mut pipe = Pipe::to(engine, bench);
    let modern =
        |id: &str, method: &str, params: Value| Ask::modern_with_id(json!(id), method, able(params)).body;
    let params = json!({ "name": "tells", "arguments": {}, "_meta": { "progressToken": "p" } });
    pipe.send(modern("call", "tools/call", params)).await;
    let id = loop {
        let message = pipe.next().await;
        // What it said while it was a call.
        if message["method"] != "notifications/progress" {
            break created(&message);
        }
    };
    pipe.bench.gate.add_permits(3);
    let mut ask = 0;
    loop {
        ask += 1;
        pipe.send(modern(&format!("get {ask}"), "tasks/get", of(&id))).await;
        let message = pipe.next().await;
        assert_eq!(message["method"], Value::Null, "{message}");
        if message["result"]["status"] == "completed" {
            break;
        }
    }
}

/// Two servers on one store.
async fn two(limits: Limits) -> (Server, Server, ManualClock) {
    let clock = ManualClock::new();
    let store = Store::memory_with_clock(Arc::new(clock.clone()));
    let setup = || Setup {
        store: Some(store.clone()),
        clock: Some(Arc::new(clock.clone())),
        limits: limits.clone(),
        ..Setup::default()
    };
    (with(setup()).await, with(setup()).await, clock)
}

#[tokio::test]
async fn tx_9_any_instance_serves_a_task() {
    let limits = Limits { task_after: Some(Duration::ZERO), ..Limits::default() };
    let (one, other, _) = two(limits).await;
    let id = begin(&one, "waits").await;
    assert_eq!(get(&other, &id).await["status"], "working");
    reaches(&one.bench.started, 1).await;
    let answer = other.ask(&asking("tasks/cancel", of(&id))).await.json();
    assert_eq!(answer["result"]["resultType"], "complete");
    assert_eq!(get(&one, &id).await["status"], "cancelled");
    // The run hears of it.
    reaches(&one.bench.dropped, 1).await;
}

/// Has a server go without a word while it runs a task.
async fn gone(tool: &'static str) -> (Server, String, ManualClock, Setup) {
    let clock = ManualClock::new();
    let store = Store::memory_with_clock(Arc::new(clock.clone()));
    let setup = {
        let (store, clock) = (store.clone(), clock.clone());
        move || Setup {
            tasks: true,
            store: Some(store.clone()),
            clock: Some(Arc::new(clock.clone())),
            limits: Limits { task_after: Some(Duration::ZERO), ..Limits::default() },
            ..Setup::default()
        }
    };
    let first = setup();
    // A runtime that is dropped takes all that it runs with it.
    let id = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let id = runtime.block_on(async {
            let server = Server::with(first).await;
            let id = begin(&server, tool).await;
            reaches(&server.bench.started, 1).await;
            id
        });
        runtime.shutdown_background();
        id
    });
    let id = id.join().unwrap();
    let server = Server::with(setup()).await;
    (server, id, clock, setup())
}

#[tokio::test]
async fn a_task_whose_server_has_gone_does_not_work_for_ever() {
    let (server, id, clock, _) = gone("waits").await;
    assert_eq!(get(&server, &id).await["status"], "working");
    clock.advance(Duration::from_secs(31));
    let task = get(&server, &id).await;
    assert_eq!(
        (&task["status"], &task["statusMessage"]),
        (&json!("failed"), &json!("the server that ran the task has gone"))
    );
    assert_eq!(task["error"]["code"], -32603);
    assert_eq!(*server.bench.started.borrow(), 0);
}

#[tokio::test]
async fn a_resumable_task_whose_server_has_gone_runs_again_from_its_journal() {
    let (server, id, clock, setup) = gone("resumes").await;
    clock.advance(Duration::from_secs(31));
    assert_eq!(get(&server, &id).await["status"], "working");
    reaches(&server.bench.started, 1).await;
    // One instance takes over, however many look.
    let third = Server::with(setup).await;
    assert_eq!(get(&third, &id).await["status"], "working");
    server.open_gate(1);
    let task = once(&third, &id, "completed").await;
    // What was made once was not made again.
    assert_eq!(task["result"]["content"][0]["text"], "made 1");
    assert_eq!((*server.bench.made.borrow(), *third.bench.started.borrow()), (0, 0));
}

#[tokio::test]
async fn a_run_ends_with_its_record() {
    let clock = ManualClock::new();
    let store = Store::memory_with_clock(Arc::new(clock.clone()));
    let limits =
        Limits { task_after: Some(Duration::ZERO), task_ttl: Duration::from_secs(2), ..Limits::default() };
    let setup =
        Setup { store: Some(store), clock: Some(Arc::new(clock.clone())), limits, ..Setup::default() };
    let server = with(setup).await;
    let id = begin(&server, "waits").await;
    reaches(&server.bench.started, 1).await;
    clock.advance(Duration::from_secs(2));
    assert_eq!(server.ask(&asking("tasks/get", of(&id))).await.code(), Some(-32602));
    reaches(&server.bench.dropped, 1).await;
    assert_eq!(server.engine.tasks().running(), 0);
}

#[tokio::test]
async fn a_server_that_stops_gives_its_tasks_the_drain_time() {
    for (drain, end) in [(Duration::from_secs(60), "completed"), (Duration::ZERO, "failed")] {
        let limits = Limits { task_after: Some(Duration::ZERO), drain, ..Limits::default() };
        let (one, other, _) = two(limits).await;
        let id = begin(&one, "waits").await;
        reaches(&one.bench.started, 1).await;
        let closing = tokio::spawn({
            let engine = one.engine.clone();
            async move { engine.close().await }
        });
        if end == "completed" {
            // None begins any more.
            loop {
                let refused = one.ask(&call("must")).await.json();
                if refused["error"]["message"].as_str().is_some_and(|text| text.contains("stopping")) {
                    break;
                }
            }
            one.open_gate(1);
        }
        closing.await.unwrap();
        let task = get(&other, &id).await;
        assert_eq!(task["status"], end, "{task}");
    }
}

#[tokio::test]
async fn a_resumable_task_goes_on_elsewhere_when_its_server_stops() {
    let limits = Limits { task_after: Some(Duration::ZERO), drain: Duration::ZERO, ..Limits::default() };
    let (one, other, _) = two(limits).await;
    let id = begin(&one, "resumes").await;
    reaches(&one.bench.started, 1).await;
    one.engine.close().await;
    assert_eq!(get(&other, &id).await["status"], "working");
    reaches(&other.bench.started, 1).await;
    other.open_gate(1);
    assert_eq!(once(&other, &id, "completed").await["result"]["content"][0]["text"], "made 1");
}

#[tokio::test]
async fn a_tool_that_has_gone_ends_its_task() {
    let limits = Limits { task_after: Some(Duration::ZERO), ..Limits::default() };
    let server = with(Setup { limits, ..Setup::default() }).await;
    let id = asking_task(&server).await;
    once(&server, &id, "input_required").await;
    // Another one still has tasks: else there would be none to ask about.
    let mut tool = Tool::new("other", RawJson::parse(r#"{"type":"object"}"#).unwrap());
    tool.execution = Some(ToolExecution { task_support: Some(TaskSupport::Optional) });
    let source = LocalSource::new("other");
    source.insert(LocalEntry::tool(&tool, Arc::new(|_| Box::pin(std::future::pending()))).unwrap()).unwrap();
    server.engine.catalog().load(Arc::new(source)).await.unwrap();
    server.engine.catalog().unload("bench").await.unwrap();
    update(&server, &id, json!({ "two": named("Bob") })).await;
    let task = once(&server, &id, "failed").await;
    assert!(task["statusMessage"].as_str().unwrap().contains("no longer there"), "{task}");
}

#[tokio::test]
async fn a_task_learns_no_more_than_is_kept() {
    let limits = Limits { task_after: Some(Duration::ZERO), task_journal_bytes: 1_000, ..Limits::default() };
    let server = with(Setup { limits, ..Setup::default() }).await;
    let id = asking_task(&server).await;
    once(&server, &id, "input_required").await;
    update(&server, &id, json!({ "two": named(&"x".repeat(1_000)) })).await;
    let task = once(&server, &id, "failed").await;
    assert!(task["statusMessage"].as_str().unwrap().contains("1000 bytes"), "{task}");
}
