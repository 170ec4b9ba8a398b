//! Servers that are child processes: detection (DET-1), messages, cancellation and the end (STDIO-1 to STDIO-4).

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use latimer_client::{Client, ClientError, ElicitationModes, EraPreference, Filter, Options, Stderr};
use latimer_protocol::wire::{ElicitAction, ElicitResult};
use latimer_protocol::{Era, RawJson, Revision};
use serde_json::{Value, json};
use support::script::server;
use tokio::sync::mpsc;

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

async fn connect(manner: &str) -> Result<Client, ClientError> {
    Client::connect(server(manner), Options::default()).await
}

/// Every message that the server has read so far.
async fn seen(client: &Client) -> Vec<Value> {
    client.call_tool("seen", raw("{}")).await.unwrap().structured().unwrap().to().unwrap()
}

fn methods(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["method"].as_str().unwrap_or("answer")).collect()
}

#[tokio::test]
async fn det_1_a_modern_server_is_told_by_its_answer_to_the_probe() {
    let client = connect("modern").await.unwrap();
    assert_eq!(client.info().era(), Era::Modern);
    let seen = seen(&client).await;
    assert_eq!(methods(&seen), ["server/discover", "tools/call"]);
    for message in &seen {
        let meta = &message["params"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        let tasks = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], tasks);
    }
}

#[tokio::test]
async fn det_1_every_other_answer_leads_to_initialize() {
    for manner in ["legacy", "nameless"] {
        let client = connect(manner).await.unwrap();
        assert_eq!(client.info().revision(), Revision::V2025_06_18, "{manner}");
        let seen = seen(&client).await;
        assert_eq!(
            methods(&seen),
            ["server/discover", "initialize", "notifications/initialized", "tools/call"],
            "{manner}"
        );
        assert_eq!(seen[1]["params"]["protocolVersion"], "2025-11-25");
        assert_eq!(seen[3]["params"], json!({"name": "seen", "arguments": {}}));
    }
}

#[tokio::test]
async fn det_1_silence_leads_to_initialize() {
    let mut options = Options::default();
    options.timeouts.probe = Duration::from_millis(100);
    let client = Client::connect(server("silent"), options).await.unwrap();
    assert_eq!(client.info().era(), Era::Legacy);
    client.ping().await.unwrap();
}

#[tokio::test]
async fn det_1_a_modern_server_that_answers_late_is_still_taken_for_one() {
    let mut options = Options::default();
    options.timeouts.probe = Duration::from_millis(1);
    let client = Client::connect(server("slow"), options).await.unwrap();
    assert_eq!(client.info().era(), Era::Modern);
    assert_eq!(methods(&seen(&client).await), ["server/discover", "initialize", "tools/call"]);
}

#[tokio::test]
async fn det_1_a_server_that_exits_on_the_probe_is_restarted_and_initialised() {
    let client = connect("exits").await.unwrap();
    assert_eq!(client.info().era(), Era::Legacy);
    assert_eq!(methods(&seen(&client).await), ["initialize", "notifications/initialized", "tools/call"]);
    let only_modern = Options::default().with_era(EraPreference::Modern);
    let error = Client::connect(server("exits"), only_modern).await.unwrap_err().to_string();
    assert!(error.contains("exit status: 1"), "{error}");
}

#[tokio::test]
async fn det_1_a_recognised_modern_error_keeps_the_era_and_its_versions_are_used() {
    let client = connect("other").await.unwrap();
    assert_eq!(client.info().revision(), Revision::V2025_03_26);
    assert_eq!(seen(&client).await[1]["params"]["protocolVersion"], "2025-03-26");
    let error = connect("refuses").await.unwrap_err();
    assert_eq!(error.rpc().unwrap().code.0, -32021);
}

#[tokio::test]
async fn a_chosen_legacy_era_opens_without_a_probe() {
    let options = Options::default().with_era(EraPreference::Legacy(Revision::V2024_11_05));
    let client = Client::connect(server("modern"), options).await.unwrap();
    let seen = seen(&client).await;
    assert_eq!(methods(&seen), ["initialize", "notifications/initialized", "tools/call"]);
    assert_eq!(seen[0]["params"]["protocolVersion"], "2024-11-05");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let command = latimer_client::Command::new("latimer-no-such-program");
    let error = Client::connect(command, Options::default()).await.unwrap_err();
    assert!(error.is_unreachable());
    assert!(error.to_string().starts_with("start latimer-no-such-program: "), "{error}");
}

#[tokio::test]
async fn two_hundred_calls_at_once_share_the_pipe() {
    let client = connect("modern").await.unwrap();
    let calls: Vec<_> = (0..200)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                let arguments = raw(&format!("{{\"n\":{number},\"text\":\"a\\nß\"}}"));
                let outcome = client.call_tool("echo", arguments).await.unwrap();
                let echoed: Value = outcome.structured().unwrap().to().unwrap();
                assert_eq!(echoed, json!({"n": number, "text": "a\nß"}));
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
}

#[tokio::test]
async fn prg_1_progress_reaches_the_call_that_asked_for_it() {
    let client = connect("legacy").await.unwrap();
    let mut reports = Vec::new();
    client
        .call_tool("progress", raw("{}"))
        .on_progress(|report| reports.push(report.progress))
        .await
        .unwrap();
    assert_eq!(reports, [1.0, 2.0]);
}

#[tokio::test]
async fn stdio_2_a_legacy_server_is_answered_and_a_modern_one_is_not() {
    for (manner, answers) in [("legacy", 2), ("modern", 0)] {
        let client = connect(manner).await.unwrap();
        client.call_tool("ask", raw("{}")).await.unwrap();
        let seen = seen(&client).await;
        let answered: Vec<_> = seen.iter().filter(|message| message["method"].is_null()).collect();
        assert_eq!(answered.len(), answers, "{manner}");
        if let [ping, roots] = answered[..] {
            assert_eq!((&ping["id"], &ping["result"]), (&json!("p"), &json!({})));
            assert_eq!((&roots["id"], &roots["error"]["code"]), (&json!("r"), &json!(-32601)));
        }
    }
}

#[tokio::test]
async fn el_1_a_legacy_servers_form_is_answered_on_the_pipe() {
    for revision in
        [Revision::V2024_11_05, Revision::V2025_03_26, Revision::V2025_06_18, Revision::V2025_11_25]
    {
        let options = Options::default().with_era(EraPreference::Legacy(revision)).with_elicitation(
            ElicitationModes::Both,
            |_| async {
                let content = Some(RawJson::parse(r#"{"name":"Ada"}"#).unwrap());
                Ok(ElicitResult { action: ElicitAction::Accept, content })
            },
        );
        let client = Client::connect(server("legacy"), options).await.unwrap();
        let outcome = client.call_tool("form", raw("{}")).await.unwrap();
        let told: Value = outcome.structured().unwrap().to().unwrap();
        assert_eq!(told, json!({"action": "accept", "content": {"name": "Ada", "age": 7}}));
        let opened = &seen(&client).await[0]["params"];
        assert_eq!(opened["protocolVersion"], revision.as_str());
        let elicits = revision >= Revision::V2025_06_18;
        assert_eq!(opened["capabilities"]["elicitation"].is_object(), elicits, "{revision}");
    }
}

#[tokio::test]
async fn stdio_3_dropping_a_call_tells_the_server_in_either_era() {
    for manner in ["legacy", "modern"] {
        let client = connect(manner).await.unwrap();
        let error =
            client.call_tool("never", raw("{}")).timeout(Duration::from_millis(50)).await.unwrap_err();
        assert!(error.is_timeout(), "{error}");
        let seen = seen(&client).await;
        let call = seen.iter().find(|message| message["params"]["name"] == "never").unwrap();
        let cancelled = seen.iter().find(|message| message["method"] == "notifications/cancelled").unwrap();
        assert_eq!(cancelled["params"]["requestId"], call["id"], "{manner}");
    }
}

#[tokio::test]
async fn stdio_1_noise_on_stdout_and_messages_beyond_the_limit_harm_no_other_call() {
    let mut options = Options::default();
    options.limits.message = 200_000;
    let client = Client::connect(server("modern"), options).await.unwrap();
    let error = client.call_tool("large", raw("{}")).await.unwrap_err().to_string();
    assert!(error.contains("larger than 200000 bytes"), "{error}");
    let mut options = Options::default();
    options.limits.message = 1_000_000;
    let client = Client::connect(server("modern"), options).await.unwrap();
    client.call_tool("noise", raw("{}")).await.unwrap();
    client.call_tool("echo", raw("{}")).await.unwrap();
}

#[tokio::test]
async fn a_server_that_exits_fails_the_calls_in_flight_and_those_to_come() {
    let client = connect("legacy").await.unwrap();
    for name in ["exit", "echo"] {
        let error = client.call_tool(name, raw("{}")).await.unwrap_err();
        assert!(error.is_closed() && error.to_string().contains("exit status: 3"), "{error}");
    }
}

#[tokio::test]
async fn what_is_watched_in_a_session_ends_with_the_server() {
    let client = connect("legacy").await.unwrap();
    let mut subscription = client.listen(Filter::lists()).await.unwrap();
    client.call_tool("exit", raw("{}")).await.unwrap_err();
    let error = subscription.next().await.unwrap_err();
    assert!(error.is_closed() && error.to_string().contains("exit status: 3"), "{error}");
}

#[tokio::test]
async fn a_server_that_exits_and_leaves_its_stdout_to_another_process_is_gone_all_the_same() {
    let client = connect("legacy").await.unwrap();
    let error = client.call_tool("leave", raw("{}")).await.unwrap_err();
    assert!(error.is_closed() && error.to_string().contains("exit status: 4"), "{error}");
}

#[tokio::test]
async fn stdio_4_closing_ends_a_server_that_does_not_want_to_and_what_it_started() {
    let (heard, mut lines) = mpsc::unbounded_channel();
    let stderr = Stderr::Lines(Arc::new(move |line: &str| drop(heard.send(line.to_owned()))));
    let mut options = Options::default();
    options.timeouts.shutdown = Duration::from_millis(50);
    let client = Client::connect(server("stubborn").stderr(stderr), options).await.unwrap();
    let ids = lines.recv().await.unwrap();
    client.close().await;
    assert!(client.ping().await.unwrap_err().is_closed());
    // Both held the other end of stderr; it ends with the last of them.
    assert_eq!(lines.recv().await, None, "{ids}");
}

#[tokio::test]
async fn stdio_4_dropping_the_client_ends_the_server() {
    let (heard, mut lines) = mpsc::unbounded_channel::<String>();
    let stderr = Stderr::Lines(Arc::new(move |line: &str| drop(heard.send(line.to_owned()))));
    let client = Client::connect(server("modern").stderr(stderr), Options::default()).await.unwrap();
    drop(client);
    assert_eq!(lines.recv().await, None);
}
