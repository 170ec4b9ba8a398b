//! Bare methods: tools called by their own names, beside MCP, and the order of answers.

use latimer_core::Limits;
use latimer_transport::stream::StreamOptions;
use serde_json::json;

use super::client::{Ask, call};
use super::server::{Setup, reaches};
use super::sockets::{Lines, Listener};
use super::stdio::{legacy, modern};

fn options() -> StreamOptions {
    StreamOptions::default().bare_methods(true)
}

async fn bare(setup: Setup) -> (Listener, Lines) {
    let listener = Listener::tcp(setup, options()).await;
    let lines = listener.connect().await;
    (listener, lines)
}

const TOO_LARGE: &str = r#"{"jsonrpc":"2.0","id":null,"result":{"ok":false,"reason":"validation_failed","errors":[{"path":"","msg":"payload_too_large"}]}}"#;

#[tokio::test]
async fn a_tool_is_called_by_its_name_and_answers_with_its_structured_content() {
    for listener in Listener::each(options()).await {
        let mut lines = listener.connect().await;
        for (request, answer) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"judges","params":{"ok":true}}"#,
                r#"{"jsonrpc":"2.0","id":1,"result":{"z":1.50,"ok":true}}"#,
            ),
            // What the tool itself calls a failure has the same form.
            (
                r#"{"id":"\u00e9","method":"judges","params":{"ok":false},"jsonrpc":"2.0"}"#,
                r#"{"jsonrpc":"2.0","id":"\u00e9","result":{"z":1.50,"ok":false}}"#,
            ),
            (
                r#"{"jsonrpc":"2.0","id":2,"method":"judges","params":{"ok":1}}"#,
                r#"{"jsonrpc":"2.0","id":2,"result":{"ok":false,"reason":"validation_failed","errors":[{"path":"/ok","msg":"expected boolean, got 1"}]}}"#,
            ),
            (
                r#"{"jsonrpc":"2.0","id":3,"method":"accept"}"#,
                r#"{"jsonrpc":"2.0","id":3,"result":{"ok":true,"content":[{"type":"text","text":"accepted"}]}}"#,
            ),
            (
                r#"{"jsonrpc":"2.0","id":null,"method":"accept","params":null}"#,
                r#"{"jsonrpc":"2.0","id":null,"result":{"ok":true,"content":[{"type":"text","text":"accepted"}]}}"#,
            ),
            (
                r#"{"jsonrpc":"2.0","id":4,"method":"nothing"}"#,
                r#"{"jsonrpc":"2.0","id":4,"result":{"ok":false,"reason":"unsupported","detail":"tool not implemented"}}"#,
            ),
            (
                r#"{"id":5,"method":"accept"}"#,
                r#"{"jsonrpc":"2.0","id":5,"result":{"ok":false,"reason":"invalid_jsonrpc_version","errors":[{"path":"/jsonrpc","msg":"jsonrpc must be \"2.0\""}]}}"#,
            ),
        ] {
            lines.send(request).await;
            assert_eq!(lines.line().await, answer);
        }
        // A tool that fails says no more than its reference.
        let failed = lines.ask(r#"{"jsonrpc":"2.0","id":6,"method":"fails"}"#).await;
        assert_eq!(failed["result"]["reason"], "tool_error");
        assert!(!failed.to_string().contains("secret"), "{failed}");
        // What needs a client that can be asked says so.
        let samples = lines.ask(r#"{"jsonrpc":"2.0","id":7,"method":"samples"}"#).await;
        assert_eq!(samples["result"]["ok"], false);
    }
}

#[tokio::test]
async fn a_request_without_an_id_is_carried_out_and_not_answered() {
    let (listener, mut lines) = bare(Setup::default()).await;
    lines.send(r#"{"jsonrpc":"2.0","method":"wait"}"#).await;
    reaches(&listener.bench.started, 1).await;
    lines.send(r#"{"jsonrpc":"2.0","method":"nothing"}"#).await;
    // It holds up no other.
    assert_eq!(lines.ask(r#"{"jsonrpc":"2.0","id":1,"method":"accept"}"#).await["id"], 1);
    listener.bench.gate.add_permits(1);
    reaches(&listener.bench.finished, 1).await;
    assert_eq!(lines.ask(r#"{"jsonrpc":"2.0","id":2,"method":"accept"}"#).await["id"], 2);
}

#[tokio::test]
async fn the_guard_answers_in_the_form_that_the_connection_speaks() {
    let (_listener, mut lines) = bare(Setup::default()).await;
    let of = |size: usize| {
        let frame = r#"{"jsonrpc":"2.0","id":1,"method":"accept","params":{"a":""}}"#;
        frame.replace("\"\"", &format!("\"{}\"", "x".repeat(size - frame.len())))
    };
    lines.send(of(1 << 20)).await;
    assert!(lines.line().await.contains("accepted"));
    for too_long in [of((1 << 20) + 1), "[".repeat(3 << 20)] {
        lines.send(too_long).await;
        assert_eq!(lines.line().await, TOO_LARGE);
        assert!(lines.ask(of(100)).await["result"]["ok"] == true);
    }
    // From its first message of MCP on it is one of MCP.
    lines.ask(Ask::initialize("2025-11-25").body).await;
    let told = lines.ask(of((1 << 20) + 1)).await;
    assert_eq!((&told["id"], &told["error"]["code"]), (&json!(null), &json!(-32600)));
    assert_eq!(lines.ask(of(100)).await["error"]["code"], -32601);
    assert_eq!(lines.ask(legacy(2, "tools/call", &call("accept"))).await["id"], 2);
}

#[tokio::test]
async fn mcp_and_bare_methods_share_a_port() {
    let (listener, mut plain) = bare(Setup::default()).await;
    let mut spoken = listener.connect().await;
    let answer = spoken.ask(modern(json!(1), "tools/call", call("accept"))).await;
    assert_eq!(answer["result"]["resultType"], "complete");
    assert_eq!(plain.ask(r#"{"jsonrpc":"2.0","id":1,"method":"accept"}"#).await["result"]["ok"], true);
    // Where they are not asked for, they are not there.
    let listener = Listener::tcp(Setup::default(), StreamOptions::default()).await;
    let answer = listener.connect().await.ask(r#"{"jsonrpc":"2.0","id":1,"method":"accept"}"#).await;
    assert_eq!(answer["error"]["code"], -32600);
}

#[tokio::test]
async fn answers_come_in_order_where_that_is_wanted() {
    let plain =
        |id: u32, tool: &str| json!({ "jsonrpc": "2.0", "id": id, "method": tool }).to_string().into_bytes();
    let spoken = |id: u32, tool: &str| modern(json!(id), "tools/call", call(tool));
    type Line = dyn Fn(u32, &str) -> Vec<u8>;
    let cases: [(&Line, Option<bool>, bool); 6] = [
        (&plain, None, true),
        (&plain, Some(true), true),
        (&plain, Some(false), false),
        (&spoken, None, false),
        (&spoken, Some(true), true),
        (&spoken, Some(false), false),
    ];
    for (index, (line, ordered, in_order)) in cases.into_iter().enumerate() {
        let listener = Listener::tcp(Setup::default(), options().ordered(ordered)).await;
        let mut lines = listener.connect().await;
        lines.send(line(1, "wait")).await;
        reaches(&listener.bench.started, 1).await;
        lines.send(line(2, "accept")).await;
        lines.send(line(3, "nothing")).await;
        lines.send(line(4, "panics_later")).await;
        lines.send(line(5, "wait")).await;
        reaches(&listener.bench.started, 2).await;
        let mut ids = Vec::new();
        if !in_order {
            for _ in 0..3 {
                ids.push(lines.next().await["id"].as_u64().unwrap());
            }
            assert!(ids.contains(&2) && ids.contains(&3) && ids.contains(&4), "case {index}: {ids:?}");
        }
        listener.bench.gate.add_permits(2);
        while ids.len() < 5 {
            ids.push(lines.next().await["id"].as_u64().unwrap());
        }
        if in_order {
            assert_eq!(ids, [1, 2, 3, 4, 5], "case {index}");
        }
    }
}

#[tokio::test]
async fn listening_holds_up_no_answer_that_comes_in_order() {
    let listener = Listener::tcp(Setup::default(), StreamOptions::default().ordered(true)).await;
    let mut lines = listener.connect().await;
    lines
        .send(modern(
            json!("listen"),
            "subscriptions/listen",
            json!({ "notifications": { "toolsListChanged": true } }),
        ))
        .await;
    let acknowledged = lines.next().await;
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged", "{acknowledged}");
    assert_eq!(lines.ask(modern(json!(2), "tools/call", call("accept"))).await["id"], 2);
}

#[tokio::test]
async fn more_calls_than_may_be_in_flight_wait_where_answers_come_in_order() {
    let limits = Limits { calls_per_session: 4, ..Limits::default() };
    let (listener, mut lines) = bare(Setup { limits, ..Setup::default() }).await;
    lines.send(r#"{"jsonrpc":"2.0","id":0,"method":"wait"}"#).await;
    reaches(&listener.bench.started, 1).await;
    for id in 1..=500 {
        lines.send(json!({ "jsonrpc": "2.0", "id": id, "method": "accept" }).to_string()).await;
    }
    listener.bench.gate.add_permits(1);
    for id in 0..=500 {
        let answer = lines.next().await;
        assert_eq!((&answer["id"], &answer["result"]["ok"]), (&json!(id), &json!(true)));
    }
}

#[tokio::test]
async fn who_goes_on_asking_behind_an_answer_that_does_not_come_is_given_up() {
    let limits = Limits { calls_per_session: 2, ..Limits::default() };
    let listener =
        Listener::tcp(Setup { limits, ..Setup::default() }, StreamOptions::default().ordered(true)).await;
    let mut lines = listener.connect().await;
    lines.send(modern(json!(0), "tools/call", call("wait"))).await;
    reaches(&listener.bench.started, 1).await;
    for id in 1..=40 {
        lines.send(modern(json!(id), "tools/call", call("accept"))).await;
    }
    assert_eq!(lines.try_line().await, None);
    reaches(&listener.bench.dropped, 1).await;
}

#[tokio::test]
async fn bare_methods_wait_where_all_connections_together_have_all_the_calls_there_may_be() {
    let limits = Limits { calls: 2, ..Limits::default() };
    let (listener, mut lines) = bare(Setup { limits, ..Setup::default() }).await;
    let mut other = listener.connect().await;
    for id in 0..2 {
        other.send(modern(json!(id), "tools/call", call("wait"))).await;
    }
    reaches(&listener.bench.started, 2).await;
    for id in 0..50 {
        lines.send(json!({ "jsonrpc": "2.0", "id": id, "method": "accept" }).to_string()).await;
    }
    // MCP is told so at once.
    let refused = other.ask(modern(json!(2), "tools/call", call("accept"))).await;
    assert_eq!(refused["error"]["code"], -32603);
    listener.bench.gate.add_permits(2);
    for id in 0..50 {
        let answer = lines.next().await;
        assert_eq!((&answer["id"], &answer["result"]["ok"]), (&json!(id), &json!(true)));
    }
}
