//! Tasks in bytes: those of the extension (TX-1 to TX-11), those of 2025-11-25 (T11-1 to T11-7), and those that a server
//! asks this client for.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use latimer_client::{ElicitationModes, Options, Started};
use latimer_protocol::RawJson;
use latimer_protocol::wire::{ElicitAction, ElicitResult, Root, TaskStatus};
use serde_json::{Value, json};
use support::{Answer, Request, Server, accepted, error, legacy, modern, result, result_text, stream};
use tokio::sync::{mpsc, oneshot};

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

fn task(status: &str, more: &str) -> String {
    format!(
        r#"{{"resultType":"complete","taskId":"t-1","status":"{status}","createdAt":"a","lastUpdatedAt":"b","ttlMs":null,"pollIntervalMs":1{more}}}"#
    )
}

fn created() -> String {
    task("working", "").replace("complete", "task")
}

/// A modern server whose tool becomes a task that then stands as `course` says, look by look.
async fn tasked(course: &'static [(&'static str, &'static str)]) -> Server {
    let looks = AtomicUsize::new(0);
    Server::start(modern(move |request| match request.method().as_str() {
        "tools/list" => result(request, r#"{"tools":[]}"#),
        "tools/call" => result(request, &created()),
        "tasks/get" => {
            let look = looks.fetch_add(1, Ordering::Relaxed).min(course.len() - 1);
            let (status, more) = course[look];
            result(request, &task(status, more))
        }
        _ => result(request, r#"{"resultType":"complete"}"#),
    }))
    .await
}

#[tokio::test]
async fn tx_3_tx_4_a_call_that_becomes_a_task_is_waited_for() {
    let server = tasked(&[
        ("working", ""),
        ("completed", r#","result":{"content":[{"type":"text","text":"done"}],"isError":true}"#),
    ])
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let outcome = client.call_tool("t", raw("{}")).await.unwrap();
    assert_eq!((outcome.text().as_str(), outcome.is_error()), ("done", true));
    let look = server.first("tasks/get");
    assert_eq!(look.header("mcp-name"), Some("t-1"), "TX-9");
    let capabilities = &look.json()["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    assert_eq!(capabilities["extensions"], json!({"io.modelcontextprotocol/tasks": {}}));
    assert!(!server.methods().contains(&"tasks/cancel".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn tx_11_the_interval_that_the_server_wants_is_kept() {
    let looks = AtomicUsize::new(0);
    let server = Server::start(modern(move |request| match request.method().as_str() {
        "tools/list" => result(request, r#"{"tools":[]}"#),
        "tools/call" => result(request, &created().replace(":1}", ":7000}")),
        _ if looks.fetch_add(1, Ordering::Relaxed) == 0 => {
            result(request, &task("working", "").replace(":1}", ":9000}"))
        }
        _ => result(request, &task("completed", r#","result":{"content":[]}"#)),
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let before = tokio::time::Instant::now();
    client.call_tool("t", raw("{}")).await.unwrap();
    assert!(before.elapsed() >= Duration::from_secs(16), "{:?}", before.elapsed());
}

#[tokio::test]
async fn tx_5_what_a_task_asks_is_answered_once() {
    const ASKS: &str = r#","inputRequests":{"where":{"method":"roots/list"}}"#;
    const ASKS_MORE: &str =
        r#","inputRequests":{"where":{"method":"roots/list"},"more":{"method":"roots/list"}}"#;
    let server = tasked(&[
        ("input_required", ASKS),
        ("input_required", ASKS),
        ("input_required", ASKS_MORE),
        ("completed", r#","result":{"content":[]}"#),
    ])
    .await;
    let options = Options::default().with_roots(|| async { Ok(vec![Root::new("file:///a")]) });
    let client = server.connect(options).await.unwrap();
    client.call_tool("t", raw("{}")).await.unwrap();
    let updates: Vec<Value> = server
        .seen()
        .into_iter()
        .filter(|request| request.method() == "tasks/update")
        .map(|request| request.json()["params"]["inputResponses"].clone())
        .collect();
    let roots = json!({"roots": [{"uri": "file:///a"}]});
    assert_eq!(updates, [json!({"where": roots}), json!({"more": roots})]);
}

#[tokio::test]
async fn tx_5_a_question_that_nobody_answers_ends_the_call_and_the_task() {
    let server = tasked(&[("input_required", r#","inputRequests":{"where":{"method":"roots/list"}}"#)]).await;
    let client = server.connect(Options::default()).await.unwrap();
    let error = client.call_tool("t", raw("{}")).await.unwrap_err();
    assert!(error.is_unanswered(), "{error}");
    assert_eq!(server.wait_for("tasks/cancel").await.json()["params"]["taskId"], "t-1");
}

#[tokio::test]
async fn tx_7_a_failed_task_is_the_error_and_a_cancelled_one_says_so() {
    let server = tasked(&[("failed", r#","error":{"code":-32603,"message":"burst"}"#)]).await;
    let client = server.connect(Options::default()).await.unwrap();
    let error = client.call_tool("t", raw("{}")).await.unwrap_err();
    assert_eq!(&*error.rpc().unwrap().message, "burst");
    let server = tasked(&[("cancelled", r#","statusMessage":"enough""#)]).await;
    let client = server.connect(Options::default()).await.unwrap();
    let error = client.call_tool("t", raw("{}")).await.unwrap_err();
    assert!(error.is_task_cancelled() && error.to_string().contains("enough"), "{error}");
}

#[tokio::test]
async fn tx_6_dropping_a_call_cancels_its_task() {
    let server = tasked(&[("working", "")]).await;
    let client = server.connect(Options::default()).await.unwrap();
    let dropped = client.clone();
    let running = tokio::spawn(async move { dropped.call_tool("t", raw("{}")).await.map(drop) });
    server.wait_for("tasks/get").await;
    running.abort();
    assert_eq!(server.wait_for("tasks/cancel").await.header("mcp-name"), Some("t-1"));
}

#[tokio::test]
async fn a_handle_stands_for_a_task_and_may_be_found_again() {
    let server = tasked(&[
        ("working", ""),
        ("completed", r#","result":{"content":[]}"#),
        ("completed", r#","result":{"content":[]}"#),
    ])
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let Started::Task(handle) = client.call_tool("t", raw("{}")).as_task(None).await.unwrap() else {
        panic!()
    };
    assert_eq!(handle.id(), "t-1");
    // The extension leaves it to the server whether there is a task (TX-1).
    assert_eq!(server.first("tools/call").json()["params"]["task"], Value::Null);
    assert_eq!(handle.status().await.unwrap().status, TaskStatus::Working);
    let again = client.task(handle.id());
    again.result().await.unwrap();
    again.cancel().await.unwrap();
    drop((handle, again));
}

#[tokio::test]
async fn tx_11_a_task_that_was_not_declared_or_is_none_of_a_tools_is_invalid() {
    let server = Server::start(modern(|request| result(request, &created()))).await;
    let client = server.connect(Options::default()).await.unwrap();
    let error = client.get_prompt("p", &[]).await.unwrap_err().to_string();
    assert!(error.contains("\"task\" is unknown"), "{error}");
    let mut options = Options::default();
    options.tasks = false;
    let server = tasked(&[("working", "")]).await;
    let client = server.connect(options).await.unwrap();
    let error = client.call_tool("t", raw("{}")).await.unwrap_err().to_string();
    assert!(error.contains("\"task\" is unknown"), "{error}");
}

/// A server of 2025-11-25 with tasks.
fn core_tasks(rest: impl Fn(&Request) -> Answer + Send + Sync) -> impl Fn(&Request) -> Answer + Send + Sync {
    let others = legacy("2025-11-25", rest);
    move |request| match request.method().as_str() {
        "initialize" => result(
            request,
            r#"{"protocolVersion":"2025-11-25","serverInfo":{"name":"s","version":"1"},
                "capabilities":{"tools":{},"tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}}}"#,
        ),
        "GET" => Answer::Bytes("HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n".to_owned()),
        _ => others(request),
    }
}

fn core_task(status: &str) -> String {
    format!(
        r#"{{"taskId":"t-1","status":"{status}","createdAt":"a","lastUpdatedAt":"b","ttl":60000,"pollInterval":1}}"#
    )
}

#[tokio::test]
async fn t11_3_t11_4_t11_5_a_core_task_is_asked_for_and_its_questions_come_with_its_result() {
    let looks = AtomicUsize::new(0);
    let (answered, mut answers) = mpsc::unbounded_channel();
    let server = Server::start(core_tasks(move |request| match request.method().as_str() {
        "tools/call" => result(request, &format!(r#"{{"task":{}}}"#, core_task("working"))),
        "tasks/get" if looks.fetch_add(1, Ordering::Relaxed) == 0 => result(request, &core_task("working")),
        "tasks/get" => result(request, &core_task("input_required")),
        "tasks/result" => Answer::Last(stream(&format!(
            "data: {{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"roots/list\"}}\n\ndata: {}\n\n",
            result_text(request, r#"{"content":[{"type":"text","text":"done"}]}"#)
        ))),
        "tasks/list" => result(request, &format!(r#"{{"tasks":[{}]}}"#, core_task("completed"))),
        "tasks/cancel" => error(request, "200 OK", -32602, "null"),
        _ => {
            answered.send(request.json()).unwrap();
            accepted()
        }
    }))
    .await;
    let options = Options::default().with_roots(|| async { Ok(Vec::new()) });
    let client = server.connect(options).await.unwrap();
    let started = client.call_tool("t", raw("{}")).as_task(Some(Duration::from_secs(60))).await.unwrap();
    let Started::Task(handle) = started else { panic!("{started:?}") };
    assert_eq!(server.first("tools/call").json()["params"]["task"], json!({"ttl": 60000}));
    assert_eq!(handle.result().await.unwrap().text(), "done");
    assert_eq!(answers.recv().await.unwrap()["result"], json!({"roots": []}));
    assert_eq!(client.list_tasks().await.unwrap()[0].ttl_ms, Some(60000));
    assert_eq!(handle.cancel().await.unwrap_err().rpc().unwrap().code.0, -32602);
}

#[tokio::test]
async fn t11_6_progress_that_comes_while_a_task_runs_reaches_the_call_that_asked_for_it() {
    let (heard, mut reports) = mpsc::unbounded_channel();
    let token = Mutex::new(String::new());
    let looks = AtomicUsize::new(0);
    let server = Server::start(modern(move |request| match request.method().as_str() {
        "tools/list" => result(request, r#"{"tools":[]}"#),
        "tools/call" => {
            *token.lock().unwrap() = request.json()["params"]["_meta"]["progressToken"].to_string();
            result(request, &created())
        }
        _ if looks.fetch_add(1, Ordering::Relaxed) == 0 => {
            let token = token.lock().unwrap();
            let report = format!(
                "data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":{token},\"progress\":5}}}}\n\n"
            );
            let answer = result_text(request, &task("working", ""));
            Answer::Last(stream(&format!("{report}data: {answer}\n\n")))
        }
        _ => result(request, &task("completed", r#","result":{"content":[]}"#)),
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let call =
        client.call_tool("t", raw("{}")).on_progress(move |report| heard.send(report.progress).unwrap());
    call.await.unwrap();
    assert_eq!(reports.recv().await, Some(5.0));
}

#[tokio::test]
async fn t11_1_a_server_without_tasks_is_not_asked_for_one() {
    let server = Server::start(legacy("2025-11-25", |request| result(request, r#"{"content":[]}"#))).await;
    let client = server.connect(Options::default()).await.unwrap();
    let started = client.call_tool("t", raw("{}")).as_task(None).await.unwrap();
    assert!(matches!(started, Started::Done(_)));
    assert_eq!(server.first("tools/call").json()["params"]["task"], Value::Null);
}

#[tokio::test]
async fn t11_1_t11_7_a_server_may_ask_for_a_task_and_fetches_the_answer_later() {
    let (answered, mut answers) = mpsc::unbounded_channel();
    let (say, said) = mpsc::unbounded_channel::<String>();
    let said = Mutex::new(said);
    let server = Server::start(core_tasks(move |request| {
        if request.json()["method"].is_null() {
            answered.send(request.json()).unwrap();
            return accepted();
        }
        let question = said.lock().unwrap().try_recv().unwrap();
        let answer = result_text(request, r#"{"content":[]}"#);
        Answer::Last(stream(&format!("data: {question}\n\ndata: {answer}\n\n")))
    }))
    .await;
    let (go, wait) = oneshot::channel::<()>();
    let wait = Mutex::new(Some(wait));
    let options = Options::default().with_elicitation(ElicitationModes::Form, move |_| {
        let wait = wait.lock().unwrap().take();
        async move {
            match wait {
                Some(wait) => wait.await.unwrap(),
                None => std::future::pending().await,
            }
            Ok(ElicitResult { action: ElicitAction::Accept, content: None })
        }
    });
    let client = server.connect(options).await.unwrap();
    let mut ask = async |text: String| {
        say.send(text).unwrap();
        client.call_tool("t", raw("{}")).await.unwrap();
        answers.recv().await.unwrap()
    };
    let elicit = |id: u32| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"elicitation/create","params":{{"message":"m","requestedSchema":{{"type":"object","properties":{{}}}},"task":{{"ttl":60000}}}}}}"#
        )
    };
    let about = |id: u32, method: &str, task: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"taskId":"{task}"}}}}"#)
    };
    let created = ask(elicit(1)).await["result"]["task"].clone();
    assert_eq!((&created["status"], &created["ttl"]), (&json!("working"), &json!(60000)));
    let id = created["taskId"].as_str().unwrap().to_owned();
    assert!(id.len() >= 32, "T11-6: {id}");
    assert_eq!(ask(about(2, "tasks/get", &id)).await["result"]["status"], "working");
    go.send(()).unwrap();
    let fetched = ask(about(3, "tasks/result", &id)).await["result"].clone();
    assert_eq!(fetched["action"], "accept");
    assert_eq!(fetched["_meta"]["io.modelcontextprotocol/related-task"]["taskId"], json!(id));
    assert_eq!(ask(about(4, "tasks/get", &id)).await["result"]["status"], "completed");
    assert_eq!(ask(about(5, "tasks/cancel", &id)).await["error"]["code"], -32602);
    assert_eq!(ask(about(6, "tasks/get", "guess")).await["error"]["code"], -32602);
    let second = ask(elicit(7)).await["result"]["task"]["taskId"].as_str().unwrap().to_owned();
    assert_eq!(ask(about(8, "tasks/cancel", &second)).await["result"]["status"], "cancelled");
    assert!(ask(about(9, "tasks/result", &second)).await["error"]["code"].is_i64());
    let listed = ask(about(10, "tasks/list", "")).await["result"]["tasks"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 2);
}
