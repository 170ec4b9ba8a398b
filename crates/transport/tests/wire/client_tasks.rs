//! Questions that a client of 2025-11-25 answers as tasks of its own (T11-1).

use serde_json::{Value, json};

use super::ask::{answers, modern_call};
use super::client::call;
use super::server::{Server, Setup, engine};
use super::stdio::{Pipe, legacy};

/// A connection whose client runs samplings as tasks.
async fn pipe(reruns: bool) -> Pipe {
    let (engine, bench) = engine(&Setup { reruns: Some(reruns), ..Setup::default() }).await;
    let mut pipe = Pipe::to(engine, bench);
    let capabilities =
        json!({ "sampling": {}, "tasks": { "requests": { "sampling": { "createMessage": {} } } } });
    let client = json!({ "name": "wire", "version": "1" });
    let params =
        json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": client });
    pipe.ask(legacy(0, "initialize", &params)).await;
    pipe
}

fn task(id: &str, status: &str) -> Value {
    let time = "2026-01-01T00:00:00Z";
    json!({
        "taskId": id, "status": status, "createdAt": time, "lastUpdatedAt": time, "ttl": 60_000, "pollInterval": 1,
    })
}

/// Answers the next request, which has to be of this method; its parameters.
async fn answer(pipe: &mut Pipe, method: &str, result: Value) -> Value {
    let request = pipe.next().await;
    assert_eq!(request["method"], method, "{request}");
    let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
    pipe.send(answer.to_string()).await;
    request["params"].clone()
}

fn said(text: &str) -> Value {
    json!({ "role": "assistant", "content": { "type": "text", "text": text }, "model": "m" })
}

#[tokio::test(start_paused = true)]
async fn t11_1_a_client_that_can_answers_as_a_task() {
    for reruns in [true, false] {
        let mut pipe = pipe(reruns).await;
        pipe.send(legacy(1, "tools/call", &call("asks_the_model_later"))).await;
        let created = json!({ "task": task("t", "working") });
        let asked = answer(&mut pipe, "sampling/createMessage", created).await;
        assert_eq!((&asked["task"], &asked["maxTokens"]), (&json!({ "ttl": 60_000 }), &json!(10)));
        let looked = answer(&mut pipe, "tasks/get", task("t", "working")).await;
        assert_eq!(looked, json!({ "taskId": "t" }));
        answer(&mut pipe, "tasks/get", task("t", "completed")).await;
        assert_eq!(answer(&mut pipe, "tasks/result", said("at last")).await, json!({ "taskId": "t" }));
        assert_eq!(pipe.next().await["result"]["content"][0]["text"], "at last");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_at_once_after_all_is_heard() {
    let mut pipe = pipe(false).await;
    pipe.send(legacy(1, "tools/call", &call("asks_the_model_later"))).await;
    answer(&mut pipe, "sampling/createMessage", said("now")).await;
    assert_eq!(pipe.next().await["result"]["content"][0]["text"], "now");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_goes_on_too_long_is_cancelled_and_hostile_ones_end_the_question() {
    let mut pipe = pipe(false).await;
    pipe.send(legacy(1, "tools/call", &call("asks_the_model_later"))).await;
    answer(&mut pipe, "sampling/createMessage", json!({ "task": task("t", "working") })).await;
    // It works for ever: time is up in the end.
    let cancelled = loop {
        let request = pipe.next().await;
        if request["method"] != "tasks/get" {
            break request;
        }
        let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": task("t", "working") });
        pipe.send(answer.to_string()).await;
    };
    assert_eq!((&cancelled["method"], &cancelled["params"]["taskId"]), (&json!("tasks/cancel"), &json!("t")));
    assert_eq!(pipe.next().await["result"]["isError"], true);
    for (what, created) in [
        ("a name without end", json!({ "task": task(&"t".repeat(5_000), "working") })),
        ("no task", json!({ "task": { "status": "working" } })),
        ("no status", json!({ "task": { "taskId": "t" } })),
        ("a text", json!({ "task": "t" })),
    ] {
        pipe.send(legacy(2, "tools/call", &call("asks_the_model_later"))).await;
        answer(&mut pipe, "sampling/createMessage", created).await;
        let over = pipe.next().await;
        assert_eq!((what, &over["result"]["isError"]), (what, &json!(true)), "{over}");
    }
    pipe.assert_serves().await;
}

#[tokio::test]
async fn everybody_else_is_asked_plainly() {
    let server = Server::start().await;
    assert_ne!(modern_call(&server, "asks_the_model_later", &answers()).await["isError"], true);
    let (engine, bench) = engine(&Setup::default()).await;
    let mut pipe = Pipe::to(engine, bench);
    let client = json!({ "name": "wire", "version": "1" });
    let params =
        json!({ "protocolVersion": "2025-11-25", "capabilities": { "sampling": {} }, "clientInfo": client });
    pipe.ask(legacy(0, "initialize", &params)).await;
    pipe.send(legacy(1, "tools/call", &call("asks_the_model_later"))).await;
    let asked = answer(&mut pipe, "sampling/createMessage", said("plainly")).await;
    assert_eq!(asked.get("task"), None);
    assert_eq!(pipe.next().await["result"]["content"][0]["text"], "plainly");
}
