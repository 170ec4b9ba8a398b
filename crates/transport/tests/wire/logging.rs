//! What calls tell their callers meanwhile, on every wire: log messages (LOG-1 to LOG-4, SEC-6) and progress (PRG-1).

use latimer_core::Limits;
use latimer_protocol::wire::LogLevel;
use serde_json::{Value, json};

use super::client::{Ask, call};
use super::server::Server;
use super::stdio::{Pipe, legacy, modern};

const REVISION: &str = "2025-11-25";

/// A client on each wire.
struct Wires {
    server: Server,
    session: String,
    pipe: Pipe,
}

impl Wires {
    async fn open() -> Self {
        Self::limited(Limits::default()).await
    }

    async fn limited(limits: Limits) -> Self {
        let server = Server::limited(limits.clone()).await;
        let session = server.session(REVISION).await;
        let mut pipe = Pipe::limited(limits).await;
        pipe.initialize(REVISION).await;
        Self { server, session, pipe }
    }

    /// What a call says up to its answer, on each wire.
    async fn call(&mut self, level: Option<&str>, params: &Value) -> [(&'static str, Vec<Value>); 4] {
        if let Some(level) = level {
            let set = Ask::legacy(&self.session, 1, "logging/setLevel", &json!({ "level": level }));
            assert_eq!(self.server.ask(&set).await.json()["result"], json!({}));
            assert_eq!(self.pipe.ask(set.body).await["result"], json!({}));
        }
        let mut described = params.clone();
        if let Some(level) = level {
            let meta = described.as_object_mut().unwrap().entry("_meta").or_insert_with(|| json!({}));
            meta["io.modelcontextprotocol/logLevel"] = json!(level);
        }
        let asks = [
            Ask::legacy(&self.session, 2, "tools/call", params),
            Ask::modern_with_id(json!(2), "tools/call", described.clone()),
        ];
        let mut over_http = Vec::new();
        for ask in &asks {
            let answer = self.server.ask(ask).await;
            over_http.push(match answer.head.is_stream() {
                true => answer.events().iter().map(super::client::Event::json).collect(),
                false => vec![answer.json()],
            });
        }
        let mut over_pipe = Vec::new();
        for line in [legacy(2, "tools/call", params), modern(json!(2), "tools/call", described)] {
            self.pipe.send(line).await;
            let mut said = Vec::new();
            while said.last().is_none_or(|message: &Value| message["id"] != 2) {
                said.push(self.pipe.next().await);
            }
            over_pipe.push(said);
        }
        let (modern_pipe, legacy_pipe) = (over_pipe.pop().unwrap(), over_pipe.pop().unwrap());
        let (modern_http, legacy_http) = (over_http.pop().unwrap(), over_http.pop().unwrap());
        [
            ("legacy HTTP", legacy_http),
            ("modern HTTP", modern_http),
            ("legacy stdio", legacy_pipe),
            ("modern stdio", modern_pipe),
        ]
    }
}

/// The parameters of the log messages among what was said. The answer comes last.
fn logs(said: &[Value]) -> Vec<&Value> {
    let (answer, before) = said.split_last().unwrap();
    assert_eq!(answer["result"]["content"][0]["text"], "said", "{answer}");
    before
        .iter()
        .filter(|message| message["method"] == "notifications/message")
        .map(|message| &message["params"])
        .collect()
}

fn floods(count: u64, bytes: u64) -> Value {
    json!({ "name": "floods", "arguments": { "count": count, "bytes": bytes } })
}

#[tokio::test]
async fn log_1_each_level_is_heard_from_itself_on() {
    let mut wires = Wires::open().await;
    for (at, level) in LogLevel::ALL.iter().enumerate() {
        for (wire, said) in wires.call(Some(level.as_str()), &call("logs_all")).await {
            let heard: Vec<_> = logs(&said).into_iter().cloned().collect();
            let expected: Vec<_> = LogLevel::ALL[at..]
                .iter()
                .map(|level| json!({ "level": level, "logger": "bench", "data": { "level": level } }))
                .collect();
            assert_eq!(heard, expected, "{wire} from {level} on");
        }
    }
}

#[tokio::test]
async fn log_2_log_3_without_a_wish_sessions_hear_from_info_on_and_requests_nothing() {
    let mut wires = Wires::open().await;
    for (wire, said) in wires.call(None, &call("logs_all")).await {
        let expected = if wire.starts_with("legacy") { 7 } else { 0 };
        assert_eq!(logs(&said).len(), expected, "{wire}");
    }
}

#[tokio::test]
async fn log_2_a_level_is_that_of_its_session_and_connection() {
    let wires = Wires::open().await;
    let other = wires.server.session(REVISION).await;
    let mut pipe = Pipe::to(wires.server.engine.clone(), wires.server.bench.clone());
    pipe.initialize(REVISION).await;
    let quiet = json!({ "level": "emergency" });
    wires.server.ask(&Ask::legacy(&wires.session, 1, "logging/setLevel", &quiet)).await;
    let heard = |answer: super::client::Answer| answer.events().len() - 1;
    let ask = |session: &str| Ask::legacy(session, 2, "tools/call", &call("logs_all"));
    assert_eq!(heard(wires.server.ask(&ask(&wires.session)).await), 1);
    assert_eq!(heard(wires.server.ask(&ask(&other)).await), 7);
    let mut said = 0;
    pipe.send(legacy(2, "tools/call", &call("logs_all"))).await;
    while pipe.next().await["id"] != 2 {
        said += 1;
    }
    assert_eq!(said, 7);
}

#[tokio::test]
async fn log_2_log_3_a_level_that_is_none_is_invalid() {
    let mut wires = Wires::open().await;
    for level in [json!("loud"), json!("INFO"), json!(""), json!(3), json!(null)] {
        let set = Ask::legacy(&wires.session, 1, "logging/setLevel", &json!({ "level": level }));
        assert_eq!(wires.server.ask(&set).await.code(), Some(-32602), "{level}");
        assert_eq!(wires.pipe.code(set.body).await, -32602, "{level}");
        let mut params = call("logs_all");
        params["_meta"] = json!({ "io.modelcontextprotocol/logLevel": level });
        let ask = Ask::modern("tools/call", params);
        assert_eq!(wires.server.ask(&ask).await.code(), Some(-32602), "{level}");
        assert_eq!(wires.pipe.code(ask.body).await, -32602, "{level}");
    }
    let set = json!({ "level": "info" });
    let gone = wires.server.ask(&Ask::modern("logging/setLevel", set.clone())).await;
    assert_eq!((gone.status(), gone.code()), (404, Some(-32601)));
    assert_eq!(wires.pipe.code(modern(json!(1), "logging/setLevel", set)).await, -32601);
}

#[tokio::test]
async fn sec_6_a_call_that_logs_too_much_says_how_much_was_dropped() {
    let limits = Limits { log_burst: 3, log_rate: 0, ..Limits::default() };
    let mut wires = Wires::limited(limits).await;
    // Each call has its own share.
    for _ in 0..2 {
        for (wire, said) in wires.call(Some("error"), &floods(10, 1)).await {
            let heard = logs(&said);
            let told = json!({ "level": "error", "data": "7 log messages of this call were dropped" });
            assert_eq!((heard.len(), heard[3]), (4, &told), "{wire}");
        }
    }
    // What its caller does not want is not counted, and nothing is told of it.
    for (wire, said) in wires.call(Some("critical"), &floods(10, 1)).await {
        assert_eq!(logs(&said), [&Value::Null; 0], "{wire}");
    }
}

#[tokio::test]
async fn sec_6_a_log_message_over_the_limit_is_cut() {
    let mut wires = Wires::limited(Limits { log_bytes: 100, ..Limits::default() }).await;
    for (wire, said) in wires.call(Some("error"), &floods(1, 1_000_000)).await {
        let told = format!("{}… (cut: 1000002 bytes, and at most 100 are sent)", "x".repeat(100));
        assert_eq!(logs(&said), [&json!({ "level": "error", "data": told })], "{wire}");
    }
}

#[tokio::test]
async fn log_messages_that_give_way_to_newer_ones_are_counted_and_told() {
    let limits = Limits { log_burst: 10_000, ring_events: 8, ..Limits::default() };
    let mut wires = Wires::limited(limits).await;
    for (wire, said) in wires.call(Some("error"), &floods(1_000, 10)).await {
        let heard = logs(&said);
        let told = json!({ "level": "error", "data": "993 log messages of this call were dropped" });
        assert_eq!((heard.len(), heard[7]), (8, &told), "{wire}");
    }
}

#[tokio::test]
async fn prg_1_progress_repeats_the_token_as_it_was_sent() {
    let mut wires = Wires::open().await;
    for token in
        [json!(7), json!("7"), json!(0), json!(-1), json!(""), json!("ä"), json!(9_007_199_254_740_993_u64)]
    {
        let mut params = call("chatty");
        params["_meta"] = json!({ "progressToken": token });
        for (wire, said) in wires.call(None, &params).await {
            let progress: Vec<_> = said
                .iter()
                .filter(|message| message["method"] == "notifications/progress")
                .map(|message| &message["params"])
                .collect();
            assert_eq!(progress.len(), 2, "{wire}: {token}");
            assert!(progress.iter().all(|params| params["progressToken"] == token), "{wire}: {progress:?}");
            assert_eq!(said.last().unwrap()["id"], 2);
        }
    }
}
