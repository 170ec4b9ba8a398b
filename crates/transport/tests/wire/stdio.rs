//! Byte streams: one JSON text a line, in every era (STDIO-1, DUAL-4).

use std::time::Duration;

use latimer_core::{Engine, Limits, Peer, Principal};
use latimer_transport::stream::{self, End, StreamOptions};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;

use super::client::{Ask, call, call_with_progress, in_time};
use super::server::{Bench, Setup, engine, reaches};

/// A connection to a server over a pipe.
pub(crate) struct Pipe {
    input: Option<WriteHalf<DuplexStream>>,
    output: BufReader<ReadHalf<DuplexStream>>,
    served: JoinHandle<End>,
    pub(crate) bench: Bench,
    pub(crate) engine: Engine,
}

impl Pipe {
    pub(crate) async fn open() -> Self {
        Self::limited(Limits::default()).await
    }

    pub(crate) async fn limited(limits: Limits) -> Self {
        let (engine, bench) = engine(&Setup { limits, ..Setup::default() }).await;
        Self::to(engine, bench)
    }

    pub(crate) fn to(engine: Engine, bench: Bench) -> Self {
        let (near, far) = tokio::io::duplex(1 << 10);
        let (input, output) = tokio::io::split(far);
        let serving = stream::serve(
            engine.clone(),
            StreamOptions::default(),
            Principal::anonymous(),
            Peer::Local,
            input,
            output,
            std::future::pending(),
        );
        let served = tokio::spawn(serving);
        let (output, input) = tokio::io::split(near);
        Self { input: Some(input), output: BufReader::new(output), served, bench, engine }
    }

    pub(crate) async fn send(&mut self, line: impl AsRef<[u8]>) {
        self.send_bytes([line.as_ref(), b"\n"].concat()).await;
    }

    async fn send_bytes(&mut self, bytes: Vec<u8>) {
        in_time(self.input.as_mut().unwrap().write_all(&bytes)).await.unwrap();
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish(&mut self) {
        // Both halves are one stream: shutting down is half-closing.
        self.input.as_mut().unwrap().shutdown().await.unwrap();
    }

    /// The next line; `None` at the end.
    pub(crate) async fn try_next(&mut self) -> Option<Value> {
        let mut line = String::new();
        in_time(self.output.read_line(&mut line)).await.unwrap();
        (!line.is_empty())
            .then(|| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}")))
    }

    pub(crate) async fn next(&mut self) -> Value {
        self.try_next().await.expect("an answer")
    }

    pub(crate) async fn ask(&mut self, line: impl AsRef<[u8]>) -> Value {
        self.send(line).await;
        self.next().await
    }

    pub(crate) async fn code(&mut self, line: impl AsRef<[u8]>) -> i64 {
        let answer = self.ask(line).await;
        answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {answer}"))
    }

    pub(crate) async fn initialize(&mut self, revision: &str) -> Value {
        self.ask(&Ask::initialize(revision).body).await
    }

    pub(crate) async fn assert_serves(&mut self) {
        let params = json!({ "name": "echo", "arguments": { "message": "still here" } });
        let answer = self.ask(modern(json!("alive"), "tools/call", params)).await;
        assert_eq!(answer["result"]["content"][0]["text"], "still here", "{answer}");
        assert_eq!(answer["id"], "alive");
    }
}

pub(crate) fn modern(id: Value, method: &str, params: Value) -> Vec<u8> {
    Ask::modern_with_id(id, method, params).body
}

pub(crate) fn legacy(id: impl Into<Value>, method: &str, params: &Value) -> Vec<u8> {
    Ask::legacy("", id, method, params).body
}

pub(crate) fn cancel(id: Value) -> String {
    json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } })
        .to_string()
}

#[tokio::test]
async fn dual_4_every_era_is_served_in_one_process() {
    let mut pipe = Pipe::open().await;
    let answer = pipe.ask(modern(json!(1), "tools/call", call("accept"))).await;
    assert_eq!(answer["result"]["resultType"], "complete");
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        assert_eq!(pipe.initialize(revision).await["result"]["protocolVersion"], revision);
        pipe.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        let answer = pipe.ask(legacy(2, "tools/call", &call("accept"))).await;
        assert_eq!(answer["result"]["content"][0]["text"], "accepted");
        assert_eq!(answer["result"].get("resultType"), None);
        assert_eq!(pipe.ask(legacy(3, "ping", &json!({}))).await["result"], json!({}));
        let answer = pipe.ask(modern(json!(4), "server/discover", json!({}))).await;
        assert!(answer["result"]["supportedVersions"].is_array());
        // What belongs to one era is not found in the other.
        assert_eq!(pipe.code(modern(json!(5), "ping", json!({}))).await, -32601);
        assert_eq!(pipe.code(modern(json!(6), "initialize", json!({}))).await, -32601);
    }
    assert_eq!(pipe.initialize("2099-01-01").await["result"]["protocolVersion"], "2025-11-25");
}

#[tokio::test]
async fn ver_l3_without_initialize_only_pings_are_answered() {
    let mut pipe = Pipe::open().await;
    assert_eq!(pipe.ask(legacy(1, "ping", &json!({}))).await["result"], json!({}));
    for method in ["tools/list", "tools/call", "logging/setLevel", "nonsense"] {
        let code = pipe.code(legacy(1, method, &json!({}))).await;
        assert!(code == -32600 || code == -32601, "{method}: {code}");
    }
    // DET-1: a probe for the modern era is told what it lacks.
    assert_eq!(pipe.code(legacy(1, "server/discover", &json!({}))).await, -32602);
    pipe.assert_serves().await;
}

#[tokio::test]
async fn section_27_over_a_byte_stream() {
    let mut pipe = Pipe::open().await;
    let version = "io.modelcontextprotocol/protocolVersion";
    let capabilities = "io.modelcontextprotocol/clientCapabilities";
    let with = |meta: Value| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": meta } }).to_string()
    };
    assert_eq!(pipe.code(with(json!({ version: "2026-07-28" }))).await, -32602);
    assert_eq!(pipe.code(with(json!({ version: 1, capabilities: {} }))).await, -32602);
    let answer = pipe.ask(with(json!({ version: "1900-01-01", capabilities: {} }))).await;
    assert_eq!(
        (&answer["error"]["code"], &answer["error"]["data"]["requested"]),
        (&json!(-32022), &json!("1900-01-01"))
    );
    assert_eq!(pipe.code(modern(json!(1), "tools/call", call("samples"))).await, -32021);
    assert_eq!(pipe.code(modern(json!(1), "tools/call", call("unknown"))).await, -32602);
    let unknown = pipe.ask(modern(json!(1), "resources/read", json!({ "uri": "test://unknown" }))).await;
    assert_eq!(
        (&unknown["error"]["code"], &unknown["error"]["data"]["uri"]),
        (&json!(-32602), &json!("test://unknown"))
    );
    assert_eq!(pipe.code(modern(json!(1), "tools/list", json!({ "cursor": "nonsense" }))).await, -32602);
    for (id, echoed) in [(json!("1"), json!("1")), (json!(u64::MAX), json!(u64::MAX)), (json!(-5), json!(-5))]
    {
        assert_eq!(pipe.ask(modern(id, "tools/list", json!({}))).await["id"], echoed);
    }
    assert_eq!(pipe.code(r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#).await, -32600);
    // Headers are not demanded here, nor are notifications answered.
    pipe.send(r#"{"jsonrpc":"2.0","method":"notifications/nonsense"}"#).await;
    pipe.send(r#"{"jsonrpc":"2.0","id":9,"result":{}}"#).await;
    pipe.assert_serves().await;
}

#[tokio::test]
async fn lines_that_no_client_would_send_are_refused_and_the_next_is_answered() {
    let mut pipe = Pipe::open().await;
    for (line, code) in [
        (&b"hello"[..], -32700),
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[]", -32600),
        (br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        (b"null", -32600),
        (b"{}", -32600),
        (br#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, -32600),
    ] {
        assert_eq!(pipe.code(line).await, code, "{}", String::from_utf8_lossy(line));
        pipe.assert_serves().await;
    }
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{{\"a\":{}{}}}}}",
        "[".repeat(127),
        "]".repeat(127)
    );
    assert_eq!(pipe.code(deep).await, -32700);
    for tool in ["panics", "panics_later", "fails"] {
        let answer = pipe.ask(modern(json!(1), "tools/call", call(tool))).await;
        assert_eq!(answer["result"]["isError"], true);
        assert!(!answer.to_string().contains("secret"), "{answer}");
    }
    pipe.assert_serves().await;
}

#[tokio::test]
async fn a_line_over_the_limit_is_answered_and_the_next_one_too() {
    let mut pipe = Pipe::open().await;
    let of = |size: usize| {
        let empty = modern(json!(1), "tools/call", json!({ "name": "accept", "arguments": { "a": "" } }));
        let filler = "x".repeat(size - empty.len());
        let line = modern(json!(1), "tools/call", json!({ "name": "accept", "arguments": { "a": filler } }));
        assert_eq!(line.len(), size);
        line
    };
    assert_eq!(pipe.ask(of(1 << 20)).await["result"]["content"][0]["text"], "accepted");
    assert_eq!(pipe.code(of((1 << 20) + 1)).await, -32600);
    pipe.assert_serves().await;
    assert_eq!(pipe.code(vec![b'['; 8 << 20]).await, -32600);
    pipe.assert_serves().await;
}

#[tokio::test]
async fn line_ends_of_every_kind_are_read() {
    let mut pipe = Pipe::open().await;
    let ping = String::from_utf8(legacy(1, "ping", &json!({}))).unwrap();
    pipe.send_bytes(format!("\n\r\n{ping}\r\n \n{ping}\n").into_bytes()).await;
    for _ in 0..2 {
        let answer = pipe.next().await;
        assert_eq!(answer["result"], json!({}), "{answer}");
    }
    // The last line needs no end, and what is in flight at the end of the input is answered.
    pipe.send(modern(json!("slow"), "tools/call", call("wait"))).await;
    reaches(&pipe.bench.started, 1).await;
    pipe.send_bytes(ping.into_bytes()).await;
    pipe.finish().await;
    assert_eq!(pipe.next().await["id"], 1);
    pipe.bench.gate.add_permits(1);
    assert_eq!(pipe.next().await["id"], "slow");
    assert_eq!(pipe.try_next().await, None);
    assert!(matches!(in_time(pipe.served).await.unwrap(), End::Input));
}

#[tokio::test]
async fn stdio_3_nothing_comes_after_a_cancellation() {
    let mut pipe = Pipe::open().await;
    pipe.initialize("2025-11-25").await;
    for (line, nth) in [
        (legacy("one", "tools/call", &call("wait")), 1),
        (modern(json!("one"), "tools/call", call("wait")), 2),
    ] {
        pipe.send(line).await;
        reaches(&pipe.bench.started, nth).await;
        for other in [json!(1), json!("two"), Value::Null] {
            pipe.send(cancel(other)).await;
        }
        pipe.assert_serves().await;
        pipe.send(cancel(json!("one"))).await;
        reaches(&pipe.bench.dropped, nth).await;
        // The next line is the answer to the next request.
        pipe.assert_serves().await;
    }
    pipe.finish().await;
    assert_eq!(pipe.try_next().await, None);
}

#[tokio::test]
async fn over_the_cap_calls_are_refused_and_cancellations_are_read() {
    let mut pipe = Pipe::limited(Limits { calls_per_session: 2, ..Limits::default() }).await;
    for id in 1..=2 {
        pipe.send(modern(json!(id), "tools/call", call("wait"))).await;
    }
    reaches(&pipe.bench.started, 2).await;
    let answer = pipe.ask(modern(json!(3), "tools/call", call("wait"))).await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(3), &json!(-32603)));
    pipe.send(cancel(json!(1))).await;
    reaches(&pipe.bench.dropped, 1).await;
    pipe.bench.gate.add_permits(1);
    assert_eq!(pipe.next().await["id"], 2);
    pipe.assert_serves().await;
}

#[tokio::test]
async fn base_1_ids_are_those_of_a_connection() {
    let mut one = Pipe::open().await;
    let mut other = Pipe::to(one.engine.clone(), one.bench.clone());
    for pipe in [&mut one, &mut other] {
        pipe.send(modern(json!(1), "tools/call", call("wait"))).await;
    }
    reaches(&one.bench.started, 2).await;
    assert_eq!(one.code(modern(json!(1), "tools/call", call("accept"))).await, -32600);
    one.send(cancel(json!(1))).await;
    reaches(&one.bench.dropped, 1).await;
    one.bench.gate.add_permits(1);
    assert_eq!(other.next().await["result"]["content"][0]["text"], "waited");
    one.assert_serves().await;
}

#[tokio::test]
async fn progress_that_nobody_reads_is_merged_and_the_answer_comes() {
    let mut pipe = Pipe::open().await;
    let params = call_with_progress("shouts", &json!({ "count": 20_000 }));
    pipe.send(modern(json!(1), "tools/call", params)).await;
    reaches(&pipe.bench.started, 1).await;
    // Nothing was read yet, and cancellations and calls get through.
    pipe.send(modern(json!(2), "tools/call", call("accept"))).await;
    pipe.send(modern(json!(3), "tools/call", call("wait"))).await;
    reaches(&pipe.bench.started, 2).await;
    pipe.send(cancel(json!(3))).await;
    reaches(&pipe.bench.dropped, 1).await;
    pipe.bench.gate.add_permits(1);
    reaches(&pipe.bench.finished, 1).await;
    let (mut messages, mut newest) = (0, 0.0);
    let (mut done, mut accepted) = (None, None);
    while done.is_none() || accepted.is_none() {
        let message = pipe.next().await;
        match message["params"]["progress"].as_f64() {
            Some(progress) => {
                assert!(progress > newest, "{progress} after {newest}");
                newest = progress;
                messages += 1;
            }
            None if message["id"] == 1 => done = Some(message),
            None => accepted = Some(message),
        }
    }
    for (answer, text) in [(done, "done"), (accepted, "accepted")] {
        assert_eq!(answer.unwrap()["result"]["content"][0]["text"], text);
    }
    // A kilobyte each: no more than two rings of them were kept.
    assert!(messages < 2 * 1024 + 256, "{messages}");
    assert_eq!(newest, 20_000.0);
    pipe.assert_serves().await;
}

#[tokio::test]
async fn a_client_that_never_reads_is_given_up() {
    // A call may wait for it; the refusals of all others add up.
    let limits = Limits { ring_bytes: 1 << 10, calls_per_session: 1, ..Limits::default() };
    let mut pipe = Pipe::limited(limits).await;
    let line = [modern(json!(1), "tools/call", call("accept")), b"\n".to_vec()].concat();
    // It ends by itself: the input is not read any more.
    let mut input = pipe.input.take().unwrap();
    let sent = in_time(async {
        let mut sent = 0_usize;
        while input.write_all(&line).await.is_ok() {
            sent += 1;
            assert!(sent < 10_000, "the server keeps what nobody reads");
        }
    });
    sent.await;
    assert!(matches!(in_time(pipe.served).await.unwrap(), End::Unread));
}

#[tokio::test]
async fn no_more_calls_are_begun_for_a_client_while_too_many_answers_wait_for_it() {
    let limits = Limits { ring_bytes: 1 << 10, message_bytes: 4 << 10, ..Limits::default() };
    let mut pipe = Pipe::limited(limits).await;
    let message = "x".repeat(1_000);
    let echo = |id: u64| {
        let params = json!({ "name": "echo", "arguments": { "message": message } });
        modern(json!(id), "tools/call", params)
    };
    for id in 0..60 {
        pipe.send(echo(id)).await;
    }
    let mut answered = 0;
    for _ in 0..60 {
        let answer = pipe.next().await;
        match answer["error"]["message"].as_str() {
            None => answered += 1,
            Some(why) => assert_eq!(why, "too many answers wait to be read; read them, and call again"),
        }
    }
    // 16 KiB of them, and what the pipe had taken.
    assert!((10..25).contains(&answered), "{answered}");
    assert!(pipe.ask(echo(60)).await["result"].is_object());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_holds_up_the_end_for_the_drain_time_once() {
    let drain = Duration::from_secs(10);
    let (engine, _) =
        engine(&Setup { limits: Limits { drain, ..Limits::default() }, ..Setup::default() }).await;
    let (mut near, far) = tokio::io::duplex(1 << 10);
    let (input, output) = tokio::io::split(far);
    let stop = tokio_util::sync::CancellationToken::new();
    let stopped = stop.clone().cancelled_owned();
    let (options, nobody) = (StreamOptions::default(), Principal::anonymous());
    let served = tokio::spawn(stream::serve(engine, options, nobody, Peer::Local, input, output, stopped));
    for id in 0..200 {
        let params = json!({ "name": "echo", "arguments": { "message": "x".repeat(20_000) } });
        let line = [modern(json!(id), "tools/call", params), b"\n".to_vec()].concat();
        near.write_all(&line).await.unwrap();
    }
    let began = tokio::time::Instant::now();
    stop.cancel();
    served.await.unwrap();
    // By a clock that only moves when all wait.
    assert!((drain..drain + Duration::from_secs(1)).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_client_that_pauses_reading_gets_every_answer() {
    let limits = Limits { ring_bytes: 1 << 10, calls_per_session: 100, ..Limits::default() };
    let mut pipe = Pipe::limited(limits).await;
    let message = "x".repeat(1_000);
    for id in 0..80 {
        let params = json!({ "name": "echo", "arguments": { "message": message } });
        pipe.send(modern(json!(id), "tools/call", params)).await;
    }
    // When this call begins, all before it have: they came to five times what a connection is given up for.
    pipe.send(modern(json!("last"), "tools/call", call("wait"))).await;
    reaches(&pipe.bench.started, 1).await;
    let mut ids = std::collections::HashSet::new();
    for _ in 0..80 {
        let answer = pipe.next().await;
        assert_eq!(answer["result"]["content"][0]["text"], message.as_str(), "{answer}");
        ids.insert(answer["id"].as_u64());
    }
    assert_eq!(ids.len(), 80);
    pipe.bench.gate.add_permits(1);
    assert_eq!(pipe.next().await["id"], "last");
    pipe.assert_serves().await;
}

#[tokio::test]
async fn answers_that_wait_for_the_reader_count_as_calls() {
    let limits = Limits { ring_bytes: 1 << 10, calls_per_session: 4, ..Limits::default() };
    let mut pipe = Pipe::limited(limits).await;
    pipe.send(modern(json!("first"), "tools/call", call("wait"))).await;
    let message = "x".repeat(1_000);
    for id in 0..20 {
        let params = json!({ "name": "echo", "arguments": { "message": message } });
        pipe.send(modern(json!(id), "tools/call", params)).await;
    }
    // When this is understood, all before it is.
    pipe.send(cancel(json!("first"))).await;
    reaches(&pipe.bench.dropped, 1).await;
    let (mut answered, mut refused) = (0, 0);
    for _ in 0..20 {
        let answer = pipe.next().await;
        if answer["error"]["code"] == -32603 { refused += 1 } else { answered += 1 }
    }
    // Three wait beside the first call; the ring and the pipe hold a few more.
    assert!(answered >= 3 && refused >= 10, "{answered} answered, {refused} refused");
    pipe.assert_serves().await;
}

#[tokio::test]
async fn the_end_does_not_wait_for_a_client_that_reads_nothing_more() {
    let drain = std::time::Duration::from_millis(50);
    let limits = Limits { ring_bytes: 1 << 10, drain, ..Limits::default() };
    let mut pipe = Pipe::limited(limits).await;
    let params = json!({ "name": "echo", "arguments": { "message": "x".repeat(1_000) } });
    for id in 0..10 {
        pipe.send(modern(json!(id), "tools/call", params.clone())).await;
    }
    pipe.finish().await;
    in_time(pipe.served).await.unwrap();
}

#[tokio::test]
async fn large_answers_at_once_come_through_to_who_reads() {
    let mut pipe = Pipe::open().await;
    for id in 0..40 {
        let params = json!({ "name": "large", "arguments": {} });
        pipe.send(modern(json!(id), "tools/call", params)).await;
    }
    reaches(&pipe.bench.started, 40).await;
    pipe.bench.gate.add_permits(40);
    let mut ids = std::collections::HashSet::new();
    for _ in 0..40 {
        let answer = pipe.next().await;
        assert_eq!(answer["result"]["content"][0]["text"].as_str().map(str::len), Some(1_000_000));
        ids.insert(answer["id"].as_u64());
    }
    assert_eq!(ids.len(), 40);
}

#[test]
fn no_line_stops_the_server() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut pipe = runtime.block_on(Pipe::open());
    let line = prop_oneof![proptest::collection::vec(any::<u8>(), 0..200), super::messages::bent(),];
    let lines = proptest::collection::vec(line, 1..8);
    let mut runner = TestRunner::new(Config { cases: 128, failure_persistence: None, ..Config::default() });
    let pipe = std::cell::RefCell::new(&mut pipe);
    let outcome = runner.run(&lines, |lines| {
        let mut pipe = pipe.borrow_mut();
        runtime.block_on(async {
            for line in lines {
                pipe.send(line).await;
            }
            // Other answers may come first; this one does come.
            pipe.send(legacy("the end", "ping", &json!({}))).await;
            loop {
                let answer = pipe.next().await;
                if answer["id"] == "the end" {
                    break;
                }
                assert_ne!(answer["error"]["code"], -32603, "{answer}");
            }
        });
        Ok(())
    });
    outcome.unwrap();
}
