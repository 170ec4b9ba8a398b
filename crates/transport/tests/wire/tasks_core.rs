//! Tasks of 2025-11-25 (T11-1 to T11-7): the client asks for them, on both transports.

use std::time::Duration;

use latimer_core::Limits;
use serde_json::{Value, json};

use super::client::{Ask, Connection, Stream};
use super::server::{Server, Setup, engine, reaches};
use super::stdio::{Pipe, legacy};

const NEWEST: &str = "2025-11-25";
const RELATED: &str = "io.modelcontextprotocol/related-task";

async fn server() -> Server {
    with(Setup::default()).await
}

async fn with(setup: Setup) -> Server {
    Server::with(Setup { tasks: true, ..setup }).await
}

/// The parameters of a call that is to be a task.
fn task(tool: &str) -> Value {
    json!({ "name": tool, "arguments": {}, "task": {} })
}

fn of(id: &str) -> Value {
    json!({ "taskId": id })
}

/// A session of a client that can fill in forms.
struct Session<'s> {
    server: &'s Server,
    id: String,
    token: Option<&'static str>,
}

impl<'s> Session<'s> {
    async fn open(server: &'s Server) -> Self {
        Self::of(server, None).await
    }

    async fn of(server: &'s Server, token: Option<&'static str>) -> Self {
        let client = json!({ "name": "wire", "version": "1" });
        let params = json!({
            "protocolVersion": NEWEST, "capabilities": { "elicitation": {} }, "clientInfo": client,
        });
        let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        let mut session = Self { server, id: String::new(), token };
        let answer = server.ask(&session.authorized(Ask::post(body.to_string()))).await;
        session.id = answer.header("mcp-session-id").expect("a session").to_owned();
        session
    }

    fn authorized(&self, ask: Ask) -> Ask {
        match self.token {
            Some(token) => ask.with("Authorization", &format!("Bearer {token}")),
            None => ask,
        }
    }

    fn asking(&self, id: u64, method: &str, params: &Value) -> Ask {
        self.authorized(Ask::legacy(&self.id, id, method, params))
    }

    async fn ask(&self, method: &str, params: Value) -> Value {
        self.server.ask(&self.asking(1, method, &params)).await.json()
    }

    async fn begin(&self, tool: &str) -> String {
        let answer = self.ask("tools/call", task(tool)).await;
        let task = &answer["result"]["task"];
        assert_eq!(task["status"], "working", "{answer}");
        task["taskId"].as_str().unwrap().to_owned()
    }

    async fn listen(&self) -> Stream {
        Stream::open(self.server, &self.authorized(Ask::listen(&self.id))).await
    }

    /// Answers a request of the server.
    async fn reply(&self, question: &Value, result: Value) {
        let body = json!({ "jsonrpc": "2.0", "id": question["id"], "result": result });
        let answer = self
            .server
            .ask(&self.authorized(Ask::post(body.to_string()).with("Mcp-Session-Id", &self.id)))
            .await;
        assert_eq!(answer.status(), 202);
    }
}

fn named(name: &str) -> Value {
    json!({ "action": "accept", "content": { "name": name } })
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
async fn t11_1_what_tasks_can_is_advertised_to_those_who_know_them() {
    let server = server().await;
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", NEWEST] {
        let answer = server.ask(&Ask::initialize(revision)).await.json();
        let tasks = &answer["result"]["capabilities"]["tasks"];
        let expected = if revision == NEWEST {
            json!({ "list": {}, "cancel": {}, "requests": { "tools": { "call": {} } } })
        } else {
            Value::Null
        };
        assert_eq!(tasks, &expected, "{revision}");
        // Where it is not known, it is ignored.
        if revision != NEWEST {
            let session = server.session(revision).await;
            let answer = server.ask(&Ask::legacy(&session, 1, "tools/call", &task("may"))).await.json();
            assert_eq!(answer["result"]["content"][0]["text"], "done", "{answer}");
            let answer = server.ask(&Ask::legacy(&session, 2, "tasks/list", &json!({}))).await;
            assert_eq!(answer.code(), Some(-32601));
        }
    }
    let without = Server::start().await;
    let session = without.session(NEWEST).await;
    let mut params = task("accept");
    params["task"] = json!({ "ttl": 5 });
    let answer = without.ask(&Ask::legacy(&session, 1, "tools/call", &params)).await.json();
    assert_eq!(answer["result"]["content"][0]["text"], "accepted");
}

#[tokio::test]
async fn t11_2_a_tool_says_whether_it_is_a_task() {
    let server = server().await;
    let session = Session::open(&server).await;
    let plain = |tool: &str| json!({ "name": tool, "arguments": {} });
    let answer = session.ask("tools/call", plain("must")).await;
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
    let answer = session.ask("tools/call", task("accept")).await;
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
    let answer = session.ask("tools/call", plain("may")).await;
    assert_eq!(answer["result"]["content"][0]["text"], "done");
    for tool in ["may", "must"] {
        let id = session.begin(tool).await;
        let answer = session.ask("tasks/result", of(&id)).await;
        assert_eq!(answer["result"]["content"][0]["text"], "done");
        assert_eq!(answer["result"]["_meta"][RELATED], of(&id));
    }
    let tools = session.ask("tools/list", json!({})).await;
    let support = |name: &str| {
        let tools = tools["result"]["tools"].as_array().unwrap();
        tools.iter().find(|tool| tool["name"] == name).unwrap()["execution"]["taskSupport"].clone()
    };
    assert_eq!(
        (support("may"), support("must"), support("accept")),
        ("optional".into(), "required".into(), Value::Null)
    );
}

#[tokio::test]
async fn t11_3_a_task_is_kept_as_long_as_its_caller_wants_within_the_limits() {
    let limits = Limits {
        task_ttl: Duration::from_secs(60),
        task_ttl_most: Duration::from_secs(100),
        task_poll: Duration::from_millis(250),
        ..Limits::default()
    };
    let server = with(Setup { limits, ..Setup::default() }).await;
    let session = Session::open(&server).await;
    for (wish, ttl) in [
        (json!({}), 60_000),
        (json!({ "ttl": 70_000 }), 70_000),
        (json!({ "ttl": 1e300 }), 100_000),
        (json!({ "ttl": null }), 100_000),
        (json!({ "ttl": 0 }), 1_000),
    ] {
        let mut params = task("may");
        params["task"] = wish.clone();
        let answer = session.ask("tools/call", params).await;
        let task = &answer["result"]["task"];
        assert_eq!((&task["ttl"], &task["pollInterval"]), (&json!(ttl), &json!(250)), "{wish}: {answer}");
        let get = session.ask("tasks/get", of(task["taskId"].as_str().unwrap())).await;
        assert_eq!((&get["result"]["ttl"], &get["result"]["createdAt"]), (&json!(ttl), &task["createdAt"]));
        assert_eq!(get["result"]["_meta"], Value::Null);
    }
    for wrong in [json!(7), json!({ "ttl": -1 }), json!({ "ttl": "long" })] {
        let mut params = task("may");
        params["task"] = wrong;
        assert_eq!(session.ask("tools/call", params).await["error"]["code"], -32602);
    }
}

#[tokio::test]
async fn t11_4_the_result_is_what_the_call_would_have_had() {
    let server = server().await;
    let session = Session::open(&server).await;
    let id = session.begin("fails_itself").await;
    let result = session.ask("tasks/result", of(&id)).await;
    assert_eq!((&result["result"]["isError"], &result["result"]["_meta"][RELATED]), (&json!(true), &of(&id)));
    assert_eq!(session.ask("tasks/get", of(&id)).await["result"]["status"], "failed");
    let id = session.begin("is_refused").await;
    let result = session.ask("tasks/result", of(&id)).await;
    assert_eq!(result["error"], json!({ "code": -32050, "message": "not today" }));
    let task = session.ask("tasks/get", of(&id)).await;
    assert_eq!(
        (&task["result"]["status"], &task["result"]["statusMessage"]),
        (&json!("failed"), &json!("not today"))
    );
    let id = session.begin("breaks").await;
    let result = session.ask("tasks/result", of(&id)).await;
    assert_eq!(result["result"]["isError"], true);
    assert!(!result.to_string().contains("secret"), "{result}");
}

#[tokio::test]
async fn t11_4_a_task_is_cancelled_once_and_stays_so() {
    let server = server().await;
    let session = Session::open(&server).await;
    let id = session.begin("waits").await;
    reaches(&server.bench.started, 1).await;
    let answer = session.ask("tasks/cancel", of(&id)).await;
    assert_eq!((&answer["result"]["status"], &answer["result"]["taskId"]), (&json!("cancelled"), &json!(id)));
    // Its handler has gone by then.
    assert_eq!(*server.bench.dropped.borrow(), 1);
    assert_eq!(session.ask("tasks/cancel", of(&id)).await["error"]["code"], -32602);
    assert_eq!(session.ask("tasks/get", of(&id)).await["result"]["status"], "cancelled");
    assert!(session.ask("tasks/result", of(&id)).await["error"]["code"].is_i64());
    let id = session.begin("may").await;
    session.ask("tasks/result", of(&id)).await;
    assert_eq!(session.ask("tasks/cancel", of(&id)).await["error"]["code"], -32602);
    assert_eq!(session.ask("tasks/get", of(&id)).await["result"]["status"], "completed");
}

#[tokio::test]
async fn t11_5_a_task_asks_on_the_stream_of_its_result() {
    let server = server().await;
    let session = Session::open(&server).await;
    let id = session.begin("asks_once").await;
    let mut stream = Stream::open(&server, &session.asking(7, "tasks/result", &of(&id))).await;
    let question = next(&mut stream).await;
    assert_eq!(question["method"], "elicitation/create", "{question}");
    assert_eq!(question["params"]["_meta"][RELATED], of(&id));
    assert_eq!(session.ask("tasks/get", of(&id)).await["result"]["status"], "input_required");
    // One that does not fit is asked again.
    session.reply(&question, named("A")).await;
    let question = next(&mut stream).await;
    assert!(question["params"]["message"].as_str().unwrap().contains("did not fit"), "{question}");
    session.reply(&question, named("Ada")).await;
    let result = next(&mut stream).await;
    assert_eq!((&result["id"], &result["result"]["content"][0]["text"]), (&json!(7), &json!("hello Ada")));
    assert_eq!(result["result"]["_meta"][RELATED], of(&id));
}

#[tokio::test]
async fn lh_7_of_two_that_wait_for_one_task_one_is_asked_and_both_get_the_result() {
    let server = server().await;
    let session = Session::open(&server).await;
    let id = session.begin("asks_twice").await;
    let mut first = Stream::open(&server, &session.asking(7, "tasks/result", &of(&id))).await;
    let questions = [next(&mut first).await, next(&mut first).await];
    let second = session.asking(8, "tasks/result", &of(&id));
    let mut connection = Connection::open(&server).await;
    connection.send(&second).await;
    session.reply(&questions[0], named("Ada")).await;
    session.reply(&questions[1], named("Bob")).await;
    let answer = connection.next_answer().await;
    let messages: Vec<_> = match answer.head.is_stream() {
        true => answer
            .events()
            .into_iter()
            .filter(|event| !event.data.is_empty())
            .map(|event| event.json())
            .collect(),
        false => vec![answer.json()],
    };
    assert_eq!(messages.len(), 1, "{messages:?}");
    let result = next(&mut first).await;
    assert_eq!((&result["id"], &messages[0]["id"]), (&json!(7), &json!(8)));
    assert_eq!(result["result"]["content"], messages[0]["result"]["content"]);
}

#[tokio::test]
async fn a_caller_that_stops_waiting_leaves_the_question_to_the_other_one() {
    let server = server().await;
    let session = Session::open(&server).await;
    let id = session.begin("asks_once").await;
    let mut first = Stream::open(&server, &session.asking(7, "tasks/result", &of(&id))).await;
    let question = next(&mut first).await;
    let mut connection = Connection::open(&server).await;
    connection.send(&session.asking(8, "tasks/result", &of(&id))).await;
    let cancel =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 7 } });
    server.ask(&Ask::post(cancel.to_string()).with("Mcp-Session-Id", &session.id)).await;
    let head = connection.head().await;
    assert!(head.is_stream(), "{head:?}");
    let mut second = Stream::over(connection);
    let again = next(&mut second).await;
    assert_eq!(again["params"]["message"], question["params"]["message"]);
    session.reply(&again, named("Ada")).await;
    assert_eq!(next(&mut second).await["result"]["content"][0]["text"], "hello Ada");
}

#[tokio::test]
async fn lh_5_a_result_that_is_waited_for_can_be_resumed() {
    let server = server().await;
    let session = Session::open(&server).await;
    let id = session.begin("asks_once").await;
    let mut stream = Stream::open(&server, &session.asking(7, "tasks/result", &of(&id))).await;
    let (question, seen) = loop {
        let event = stream.next().await.unwrap();
        if !event.data.is_empty() {
            break (event.json(), event.id.unwrap());
        }
    };
    drop(stream);
    session.reply(&question, named("Ada")).await;
    let mut resumed = Stream::open(&server, &Ask::listen(&session.id).with("Last-Event-ID", &seen)).await;
    let result = next(&mut resumed).await;
    assert_eq!((&result["id"], &result["result"]["content"][0]["text"]), (&json!(7), &json!("hello Ada")));
}

#[tokio::test]
async fn t11_6_tasks_are_listed_the_newest_first_with_cursors_of_their_owner() {
    let tokens = vec![("a", "ada"), ("b", "bob")];
    let limits = Limits { page_size: 2, ..Limits::default() };
    let server = with(Setup { tokens, limits, ..Setup::default() }).await;
    let ada = Session::of(&server, Some("a")).await;
    let bob = Session::of(&server, Some("b")).await;
    let mut begun = Vec::new();
    for _ in 0..5 {
        begun.push(ada.begin("may").await);
        bob.begin("may").await;
    }
    let created = |task: &Value| task["createdAt"].as_str().unwrap().to_owned();
    let (mut listed, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let params = cursor.as_ref().map_or(json!({}), |cursor| json!({ "cursor": cursor }));
        let answer = ada.ask("tasks/list", params).await;
        pages += 1;
        listed.extend(answer["result"]["tasks"].as_array().unwrap().iter().cloned());
        let next = answer["result"]["nextCursor"].as_str().map(ToOwned::to_owned);
        if next.is_none() {
            break;
        }
        cursor = next;
    }
    assert_eq!((listed.len(), pages), (5, 3));
    assert!(listed.windows(2).all(|pair| created(&pair[0]) >= created(&pair[1])), "{listed:?}");
    let mut ids: Vec<_> = listed.iter().map(|task| task["taskId"].as_str().unwrap().to_owned()).collect();
    ids.sort_unstable();
    begun.sort_unstable();
    assert_eq!(ids, begun);
    let cursor = cursor.unwrap();
    assert!(!begun.iter().any(|id| cursor.contains(id.as_str())), "an opaque cursor");
    for wrong in [cursor.as_str(), "", "x", &begun[0]] {
        let answer = bob.ask("tasks/list", json!({ "cursor": wrong })).await;
        assert_eq!(answer["error"]["code"], -32602, "{wrong}");
    }
    // Another session of the same principal sees the same.
    let again = Session::of(&server, Some("a")).await;
    assert_eq!(again.ask("tasks/get", of(&begun[0])).await["result"]["taskId"], json!(begun[0]));
    let unknown = ada.ask("tasks/get", of(&"0".repeat(44))).await;
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        assert_eq!(bob.ask(method, of(&begun[0])).await["error"], unknown["error"], "{method}");
    }
    assert_eq!(unknown["error"]["code"], -32602);
}

#[tokio::test]
async fn t11_6_anonymous_tasks_belong_to_their_session_and_end_with_it() {
    let server = server().await;
    let (own, other) = (Session::open(&server).await, Session::open(&server).await);
    let id = own.begin("waits").await;
    reaches(&server.bench.started, 1).await;
    assert_eq!(other.ask("tasks/get", of(&id)).await["error"]["code"], -32602);
    assert_eq!(other.ask("tasks/list", json!({})).await["result"]["tasks"], json!([]));
    assert_eq!(own.ask("tasks/list", json!({})).await["result"]["tasks"][0]["taskId"], json!(id));
    let delete = Ask::new("DELETE", "/mcp").with("Mcp-Session-Id", &own.id);
    assert_eq!(server.ask(&delete).await.status(), 204);
    reaches(&server.bench.dropped, 1).await;
}

#[tokio::test]
async fn lh_8_the_tasks_of_a_principal_outlive_their_session() {
    let server = with(Setup { tokens: vec![("a", "ada")], ..Setup::default() }).await;
    let session = Session::of(&server, Some("a")).await;
    let id = session.begin("waits").await;
    reaches(&server.bench.started, 1).await;
    let delete = session.authorized(Ask::new("DELETE", "/mcp").with("Mcp-Session-Id", &session.id));
    assert_eq!(server.ask(&delete).await.status(), 204);
    server.open_gate(1);
    let next = Session::of(&server, Some("a")).await;
    assert_eq!(next.ask("tasks/result", of(&id)).await["result"]["content"][0]["text"], "waited");
}

#[tokio::test]
async fn t11_7_a_caller_has_a_limited_number_of_tasks() {
    let limits = Limits { tasks: 3, tasks_per_owner: 2, ..Limits::default() };
    let server = with(Setup { limits, tokens: vec![("a", "ada"), ("b", "bob")], ..Setup::default() }).await;
    let ada = Session::of(&server, Some("a")).await;
    ada.begin("may").await;
    ada.begin("may").await;
    let full = ada.ask("tools/call", task("may")).await;
    assert_eq!(full["error"]["code"], -32603);
    assert!(full["error"]["message"].as_str().unwrap().contains("too many tasks of this caller"), "{full}");
    let bob = Session::of(&server, Some("b")).await;
    bob.begin("may").await;
    let full = bob.ask("tools/call", task("may")).await;
    assert!(full["error"]["message"].as_str().unwrap().contains("limit of tasks"), "{full}");
    // Calls are made as ever.
    assert_eq!(bob.ask("tools/call", json!({ "name": "may" })).await["result"]["content"][0]["text"], "done");
}

#[tokio::test]
async fn t11_6_however_many_sessions_an_anonymous_peer_opens_its_tasks_are_counted_together() {
    let limits = Limits { tasks_per_owner: 2, ..Limits::default() };
    let server = with(Setup { limits, ..Setup::default() }).await;
    for _ in 0..2 {
        Session::open(&server).await.begin("may").await;
    }
    let full = Session::open(&server).await.ask("tools/call", task("may")).await;
    assert_eq!(full["error"]["code"], -32603, "{full}");
}

/// What a task that tells much said, up to its end.
fn check_story(messages: &[Value], id: &str, end: &str) {
    let mut progress = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let params = &message["params"];
        match message["method"].as_str().unwrap() {
            "notifications/tasks/status" => {
                assert_eq!((&params["taskId"], &params["_meta"]), (&json!(id), &Value::Null));
                let is_last = at + 1 == messages.len();
                assert_eq!(params["status"], if is_last { end } else { "working" }, "{message}");
            }
            "notifications/progress" => {
                assert_eq!((&params["progressToken"], &params["_meta"][RELATED]), (&json!("p"), &of(id)));
                progress.push(params["progress"].as_f64().unwrap());
            }
            "notifications/message" => assert_eq!(params["_meta"][RELATED], of(id), "{message}"),
            other => panic!("{other}"),
        }
    }
    assert_eq!(messages.last().unwrap()["method"], "notifications/tasks/status");
    assert!(!progress.is_empty() && progress.windows(2).all(|pair| pair[0] < pair[1]), "{progress:?}");
}

#[tokio::test]
async fn prg_1_a_session_hears_of_its_task_until_that_is_over() {
    let server = server().await;
    let session = Session::open(&server).await;
    let mut stream = session.listen().await;
    let mut params = task("tells");
    params["_meta"] = json!({ "progressToken": "p" });
    let answer = session.ask("tools/call", params.clone()).await;
    let id = answer["result"]["task"]["taskId"].as_str().unwrap();
    server.open_gate(3);
    let mut messages = Vec::new();
    loop {
        let message = next(&mut stream).await;
        let is_over = message["params"]["status"] == "completed";
        messages.push(message);
        if is_over {
            break;
        }
    }
    check_story(&messages, id, "completed");
    // A cancelled one says nothing after that, either.
    let answer = session.ask("tools/call", params).await;
    let id = answer["result"]["task"]["taskId"].as_str().unwrap();
    reaches(&server.bench.started, 4).await;
    assert_eq!(session.ask("tasks/cancel", of(id)).await["result"]["status"], "cancelled");
    server.open_gate(3);
    session.begin("may").await;
    let mut messages = Vec::new();
    loop {
        let message = next(&mut stream).await;
        // That of the next task.
        if message["params"]["status"] == "completed" {
            break;
        }
        messages.push(message);
    }
    check_story(&messages, id, "cancelled");
}

#[tokio::test]
async fn prg_1_on_a_byte_stream_nothing_is_said_after_the_end_was_seen() {
    let (engine, bench) = engine(&Setup { tasks: true, ..Setup::default() }).await;
    let mut pipe = Pipe::to(engine, bench);
    pipe.initialize(NEWEST).await;
    pipe.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string()).await;
    for round in 0..20 {
        let mut params = task("tells");
        params["_meta"] = json!({ "progressToken": "p" });
        pipe.send(legacy(format!("call {round}"), "tools/call", &params)).await;
        let (mut id, mut messages, mut over) = (String::new(), Vec::new(), 0);
        let cancels = round % 2 == 1;
        if !cancels {
            pipe.bench.gate.add_permits(3);
        }
        while over < 2 {
            let message = pipe.next().await;
            if let Some(task) = message["result"]["task"].as_object() {
                task["taskId"].as_str().unwrap().clone_into(&mut id);
                let method = if cancels { "tasks/cancel" } else { "tasks/result" };
                pipe.send(legacy(format!("end {round}"), method, &of(&id))).await;
            } else if message["id"] == format!("end {round}") {
                assert!(message["error"].is_null(), "{message}");
                over += 1;
            } else {
                assert!(message["params"]["status"] != "working" || over == 0, "{message}");
                assert_ne!((over, &message["method"]), (2, &json!("notifications/progress")));
                let status = message["params"]["status"].as_str();
                over += usize::from(status.is_some_and(|status| status != "working"));
                messages.push(message);
            }
        }
        let told: Vec<_> = messages.iter().map(|message| message["method"].clone()).collect();
        assert_eq!(told.last().unwrap(), "notifications/tasks/status", "{told:?}");
    }
    pipe.assert_serves().await;
}

#[tokio::test]
async fn t11_5_over_a_byte_stream_a_task_asks_too() {
    let (engine, bench) = engine(&Setup { tasks: true, ..Setup::default() }).await;
    let mut pipe = Pipe::to(engine, bench);
    let client = json!({ "name": "wire", "version": "1" });
    let params =
        json!({ "protocolVersion": NEWEST, "capabilities": { "elicitation": {} }, "clientInfo": client });
    pipe.ask(legacy(0, "initialize", &params)).await;
    let answer = pipe.ask(legacy(1, "tools/call", &task("asks_once"))).await;
    let id = answer["result"]["task"]["taskId"].as_str().unwrap().to_owned();
    pipe.send(legacy(2, "tasks/result", &of(&id))).await;
    loop {
        let message = pipe.next().await;
        if message["method"] == "elicitation/create" {
            assert_eq!(message["params"]["_meta"][RELATED], of(&id));
            let reply = json!({ "jsonrpc": "2.0", "id": message["id"], "result": named("Ada") });
            pipe.send(reply.to_string()).await;
        }
        if message["id"] == 2 {
            assert_eq!(message["result"]["content"][0]["text"], "hello Ada");
            break;
        }
    }
}
