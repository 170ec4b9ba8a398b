//! What servers ask of clients, in bytes: requests on the streams of legacy servers (EL-1, SA-1, RO-1), and questions in
//! results of modern ones (MRTR-1 to MRTR-9).

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use latimer_client::{Client, ElicitationModes, Options, Refusal};
use latimer_protocol::RawJson;
use latimer_protocol::wire::{
    CreateMessageResult, ElicitAction, ElicitParams, ElicitResult, Role, Root, SamplingContents,
};
use serde_json::{Value, json};
use support::{Answer, Request, Server, accepted, error, legacy, modern, result, result_text, stream};
use tokio::sync::{Notify, mpsc};

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

async fn call(client: &Client) -> Result<String, latimer_client::ClientError> {
    Ok(client.call_tool("t", raw("{}")).await?.into_raw().as_str().to_owned())
}

fn accept(content: &str) -> ElicitResult {
    ElicitResult { action: ElicitAction::Accept, content: Some(raw(content)) }
}

/// Options of a client that answers everything.
fn helpful() -> Options {
    Options::default()
        .with_elicitation(ElicitationModes::Form, |params| async move {
            assert!(matches!(params, ElicitParams::Form(_)));
            Ok(accept(r#"{"name":"Ada"}"#))
        })
        .with_sampling(|params| async move {
            Ok(CreateMessageResult {
                role: Role::Assistant,
                content: SamplingContents::text(format!("{} tokens", params.max_tokens)),
                model: "m".to_owned(),
                stop_reason: None,
            })
        })
        .with_roots(|| async { Ok(vec![Root::new("file:///a")]) })
}

/// A legacy server that asks `questions` on the stream of a call, and answers the call after as many answers.
async fn asking(questions: &'static [&'static str]) -> (Server, mpsc::UnboundedReceiver<Value>) {
    let (answered, answers) = mpsc::unbounded_channel();
    let server = Server::start(legacy("2025-11-25", move |request: &Request| {
        if request.verb == "GET" {
            return Answer::Bytes("HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n".to_owned());
        }
        if request.json()["method"].is_null() {
            answered.send(request.json()).unwrap();
            return accepted();
        }
        let mut events: String = questions.iter().map(|question| format!("data: {question}\n\n")).collect();
        events.push_str(&format!("data: {}\n\n", result_text(request, r#"{"content":[]}"#)));
        Answer::Last(stream(&events))
    }))
    .await;
    (server, answers)
}

async fn by_id(answers: &mut mpsc::UnboundedReceiver<Value>, count: usize) -> Vec<Value> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(answers.recv().await.unwrap());
    }
    all.sort_by_key(|answer| answer["id"].as_u64());
    all
}

#[tokio::test]
async fn el_1_sa_1_ro_1_a_legacy_servers_questions_are_answered_with_posts() {
    let (server, mut answers) = asking(&[
        r#"{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"m","requestedSchema":{"type":"object","properties":{"name":{"type":"string"},"n":{"type":"integer","default":7}}}}}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"a"}}],"maxTokens":9}}"#,
        r#"{"jsonrpc":"2.0","id":3,"method":"roots/list"}"#,
        r#"{"jsonrpc":"2.0","id":4,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":5,"method":"elicitation/create","params":{"mode":"url","message":"m","url":"https://e.com","elicitationId":"e"}}"#,
        r#"{"jsonrpc":"2.0","id":6,"method":"sampling/createMessage","params":{"messages":[],"maxTokens":9,"tools":[{"name":"t","inputSchema":{"type":"object"}}]}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"who/knows"}"#,
        r#"{"jsonrpc":"2.0","id":8,"method":"elicitation/create","params":{"message":"m"}}"#,
    ])
    .await;
    let client = server.connect(helpful()).await.unwrap();
    assert_eq!(
        server.first("initialize").json()["params"]["capabilities"],
        json!({
            "elicitation": {"form": {}}, "sampling": {}, "roots": {"listChanged": true},
            "tasks": {"list": {}, "cancel": {}, "requests": {"sampling": {"createMessage": {}}, "elicitation": {"create": {}}}},
        })
    );
    call(&client).await.unwrap();
    let answers = by_id(&mut answers, 8).await;
    // The default of the field that was left out is applied (SEP-1034).
    assert_eq!(answers[0]["result"], json!({"action": "accept", "content": {"name": "Ada", "n": 7}}));
    assert_eq!(answers[1]["result"]["content"], json!({"type": "text", "text": "9 tokens"}));
    assert_eq!(answers[2]["result"], json!({"roots": [{"uri": "file:///a"}]}));
    assert_eq!(answers[3]["result"], json!({}));
    let codes: Vec<_> = answers[4..].iter().map(|answer| answer["error"]["code"].as_i64().unwrap()).collect();
    assert_eq!(codes, [-32602, -32602, -32601, -32602]);
}

#[tokio::test]
async fn sa_4_a_refusal_is_an_error_and_a_handler_that_panics_harms_no_other() {
    let (server, mut answers) = asking(&[
        r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"messages":[],"maxTokens":9}}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"roots/list"}"#,
        r#"{"jsonrpc":"2.0","id":3,"method":"elicitation/create","params":{"message":"m","requestedSchema":{}}}"#,
    ])
    .await;
    let options = Options::default()
        .with_sampling(|_| async { Err(Refusal::rejected("the user said no")) })
        .with_roots(|| async { panic!("as planned") })
        .with_elicitation(ElicitationModes::Form, |_| async {
            Ok(ElicitResult { action: ElicitAction::Decline, content: Some(raw(r#"{"secret":1}"#)) })
        });
    let client = server.connect(options).await.unwrap();
    call(&client).await.unwrap();
    let answers = by_id(&mut answers, 3).await;
    assert_eq!(answers[0]["error"], json!({"code": -1, "message": "the user said no"}));
    assert_eq!(answers[1]["error"]["code"], -32603);
    assert_eq!(answers[2]["result"], json!({"action": "decline"}), "what was declined is not told");
}

#[tokio::test]
async fn can_1_a_question_that_is_taken_back_is_dropped_and_not_answered() {
    let gone = Arc::new(Notify::new());
    struct Gone(Arc<Notify>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let (server, mut answers) = asking(&[
        r#"{"jsonrpc":"2.0","id":"q","method":"roots/list"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"q"}}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#,
    ])
    .await;
    let dropped = Arc::clone(&gone);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let options = Options::default().with_roots(move || {
        count.fetch_add(1, Ordering::Relaxed);
        let gone = Gone(Arc::clone(&dropped));
        async move {
            let _gone = gone;
            std::future::pending().await
        }
    });
    let client = server.connect(options).await.unwrap();
    call(&client).await.unwrap();
    assert_eq!(answers.recv().await.unwrap()["id"], 2);
    // Either it was never asked, or it was dropped.
    if asked.load(Ordering::Relaxed) > 0 {
        gone.notified().await;
    }
    drop(client);
    assert!(answers.try_recv().is_err());
}

#[tokio::test]
async fn ro_1_a_change_of_the_roots_is_told_to_legacy_servers() {
    let server = Server::start(legacy("2025-06-18", |request| match request.method().as_str() {
        "GET" => Answer::Bytes("HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n".to_owned()),
        _ => accepted(),
    }))
    .await;
    let client = server.connect(helpful()).await.unwrap();
    assert_eq!(
        server.first("initialize").json()["params"]["capabilities"]["elicitation"],
        json!({"form": {}})
    );
    client.roots_changed().await.unwrap();
    assert_eq!(server.first("notifications/roots/list_changed").header("mcp-session-id"), Some("s-1"));
    let client = server.connect(Options::default()).await.unwrap();
    client.roots_changed().await.unwrap();
    assert_eq!(server.methods().iter().filter(|method| method.ends_with("roots/list_changed")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn can_3_while_the_user_thinks_no_time_runs_out() {
    let server = Server::start(legacy("2025-11-25", |request: &Request| {
        if request.verb == "GET" {
            return Answer::Bytes("HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n".to_owned());
        }
        if request.json()["method"].is_null() {
            return accepted();
        }
        let question = r#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#;
        let answer = result_text(request, r#"{"content":[]}"#);
        Answer::Slowly(vec![
            (Duration::ZERO, stream(&format!("data: {question}\n\n"))),
            (Duration::from_secs(310), format!("data: {answer}\n\n")),
        ])
    }))
    .await;
    let options = Options::default().with_roots(|| async {
        tokio::time::sleep(Duration::from_secs(300)).await;
        Ok(Vec::new())
    });
    let client = server.connect(options).await.unwrap();
    call(&client).await.unwrap();
}

#[tokio::test]
async fn el_5_a_page_that_has_to_be_opened_first_is_shown_and_the_call_repeated_once() {
    const DATA: &str =
        r#"{"elicitations":[{"mode":"url","elicitationId":"e1","url":"https://e.com/a","message":"m"}]}"#;
    for (action, calls) in [(ElicitAction::Accept, 2), (ElicitAction::Decline, 1)] {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let server = Server::start(legacy("2025-11-25", move |request| match request.method().as_str() {
            "tools/call" if count.fetch_add(1, Ordering::Relaxed) == 0 => {
                error(request, "200 OK", -32042, DATA)
            }
            "tools/call" => result(request, r#"{"content":[]}"#),
            _ => Answer::Bytes("HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n".to_owned()),
        }))
        .await;
        let options = Options::default().with_elicitation(ElicitationModes::Url, move |params| async move {
            let ElicitParams::Url(page) = params else { panic!("{params:?}") };
            assert_eq!((page.url.as_str(), page.elicitation_id.as_str()), ("https://e.com/a", "e1"));
            Ok(ElicitResult { action, content: None })
        });
        let client = server.connect(options).await.unwrap();
        let called = call(&client).await;
        assert_eq!(asked.load(Ordering::Relaxed), calls);
        assert_eq!(called.is_ok(), action == ElicitAction::Accept);
        if let Err(error) = called {
            assert_eq!(error.rpc().unwrap().code.0, -32042);
        }
    }
}

#[tokio::test]
async fn mrtr_4_mrtr_8_a_modern_servers_questions_are_answered_together_and_its_state_comes_back_as_it_was() {
    const ROUND: &str = r#"{"resultType":"input_required","requestState":"a\u002fb\"","inputRequests":{
        "who":{"method":"elicitation/create","params":{"mode":"form","message":"m","requestedSchema":{"type":"object","properties":{}}}},
        "say":{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":3}},
        "where":{"method":"roots/list"}}}"#;
    let server = Server::start(modern(|request| {
        let params = &request.json()["params"];
        match (
            request.method().as_str(),
            params["inputResponses"].is_null(),
            params["requestState"].is_null(),
        ) {
            ("tools/list", ..) => result(request, r#"{"tools":[]}"#),
            (_, true, true) => result(request, ROUND),
            (_, false, false) => result(
                request,
                r#"{"resultType":"input_required","inputRequests":{"again":{"method":"roots/list"}}}"#,
            ),
            _ => result(request, r#"{"resultType":"complete","content":[],"messages":[],"contents":[]}"#),
        }
    }))
    .await;
    let client = server.connect(helpful()).await.unwrap();
    client.call_tool("t", raw(r#"{"n":1.50}"#)).await.unwrap();
    client.get_prompt("p", &[]).await.unwrap();
    client.read_resource("a://b").await.unwrap();
    for method in ["tools/call", "prompts/get", "resources/read"] {
        let rounds: Vec<_> = server.seen().into_iter().filter(|request| request.method() == method).collect();
        assert_eq!(rounds.len(), 3, "{method}");
        let second = rounds[1].json()["params"].clone();
        assert_eq!(
            second["inputResponses"],
            json!({
                "who": {"action": "accept", "content": {"name": "Ada"}},
                "say": {"role": "assistant", "content": {"type": "text", "text": "3 tokens"}, "model": "m"},
                "where": {"roots": [{"uri": "file:///a"}]},
            })
        );
        assert!(rounds[1].body.contains(r#""requestState":"a\u002fb\"""#), "{}", rounds[1].body);
        // No state was given in the second round, so none comes back, and no older answer with it.
        let third = rounds[2].json()["params"].clone();
        assert_eq!(third["requestState"], Value::Null);
        assert_eq!(third["inputResponses"], json!({"again": {"roots": [{"uri": "file:///a"}]}}));
        let ids: std::collections::BTreeSet<_> = rounds.iter().map(Request::id).collect();
        assert_eq!(ids.len(), 3);
        assert_eq!(rounds[0].header("mcp-name"), rounds[2].header("mcp-name"));
    }
    assert!(server.first("tools/call").body.contains(r#""arguments":{"n":1.50}"#));
}

#[tokio::test]
async fn mrtr_8_rounds_are_bounded_and_what_nobody_answers_ends_the_call() {
    let server = Server::start(modern(|request| match request.json()["params"]["name"].as_str() {
        Some("endless") => {
            result(request, r#"{"resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}}}"#)
        }
        Some("odd") => {
            result(request, r#"{"resultType":"input_required","inputRequests":{"k":{"method":"who/knows"}}}"#)
        }
        Some("model") => result(
            request,
            r#"{"resultType":"input_required","inputRequests":{"k":{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}}}"#,
        ),
        _ => result(request, r#"{"tools":[]}"#),
    }))
    .await;
    let mut options = Options::default()
        .with_roots(|| async { Ok(Vec::new()) })
        .with_sampling(|_| async { Err(Refusal::rejected("the user said no")) });
    options.limits.rounds = 3;
    let client = server.connect(options).await.unwrap();
    let failed = async |tool: &str| client.call_tool(tool, raw("{}")).await.unwrap_err();
    assert!(failed("endless").await.to_string().contains("after 3 rounds"));
    let calls = server.methods().iter().filter(|method| *method == "tools/call").count();
    assert_eq!(calls, 4);
    let odd = failed("odd").await;
    assert!(odd.is_unanswered() && odd.to_string().contains("who/knows"), "{odd}");
    let refused = failed("model").await;
    assert!(refused.is_unanswered() && refused.to_string().contains("the user said no"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn mrtr_7_a_state_alone_means_to_come_back() {
    let server = Server::start(modern(|request| match request.method().as_str() {
        "tools/list" => result(request, r#"{"tools":[]}"#),
        _ if request.json()["params"]["requestState"] == "later" => result(request, r#"{"content":[]}"#),
        _ => result(request, r#"{"resultType":"input_required","requestState":"later"}"#),
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    call(&client).await.unwrap();
    let retry = server.seen().pop().unwrap().json();
    assert_eq!(retry["params"]["inputResponses"], Value::Null);
}

#[tokio::test]
async fn mrtr_1_no_other_method_may_ask() {
    let server = Server::start(modern(|request| {
        result(request, r#"{"resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}}}"#)
    }))
    .await;
    let client = server.connect(helpful()).await.unwrap();
    let error = client.list_prompts().await.unwrap_err().to_string();
    assert!(error.contains("resultType \"input_required\" is unknown"), "{error}");
}

#[tokio::test]
async fn h_7_a_modern_servers_request_on_a_stream_is_not_answered() {
    let server = Server::start(modern(|request| match request.method().as_str() {
        "tools/list" => result(request, r#"{"tools":[]}"#),
        _ => Answer::Last(stream(&format!(
            "data: {{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"roots/list\"}}\n\ndata: {}\n\n",
            result_text(request, r#"{"content":[]}"#)
        ))),
    }))
    .await;
    let client = server.connect(helpful()).await.unwrap();
    call(&client).await.unwrap();
    call(&client).await.unwrap();
    assert!(!server.methods().contains(&"POST".to_owned()));
}
