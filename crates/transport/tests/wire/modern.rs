//! What 2026-07-28 demands of a server, over HTTP (requirements §27).

use serde_json::{Value, json};

use super::client::{Answer, Ask, MODERN, Stream, call, call_with_progress};
use super::server::Server;

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// A request whose `_meta` says what it is told to.
fn with_meta(method: &str, meta: Value) -> Ask {
    let mut params = json!({});
    if !meta.is_null() {
        params["_meta"] = meta;
    }
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    Ask::modern(method, json!({})).with_body(body.to_string())
}

fn echo(message: &str) -> Value {
    json!({ "name": "echo", "arguments": { "message": message } })
}

fn assert_refused(answer: &Answer, status: u16, code: i64) {
    assert_eq!((answer.status(), answer.code()), (status, Some(code)), "{}", answer.text());
    assert_eq!(answer.json()["jsonrpc"], "2.0");
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(!message.is_empty() && !message.contains("secret"), "{message}");
}

#[tokio::test]
async fn ver_2_a_request_that_does_not_describe_itself_is_told_what_is_missing() {
    let server = Server::start().await;
    for meta in [
        Value::Null,
        json!({}),
        json!({ VERSION: MODERN }),
        json!({ CAPABILITIES: {} }),
        json!({ VERSION: 1, CAPABILITIES: {} }),
        json!({ VERSION: MODERN, CAPABILITIES: [] }),
        json!({ VERSION: MODERN, CAPABILITIES: null }),
        json!({ VERSION: null, CAPABILITIES: {} }),
    ] {
        for method in ["server/discover", "tools/list", "nonsense"] {
            let answer = server.ask(&with_meta(method, meta.clone())).await;
            assert_refused(&answer, 400, -32602);
            assert_eq!(answer.json()["id"], 1);
        }
    }
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    assert_refused(&server.ask(&Ask::modern("tools/list", json!({})).with_body(body)).await, 400, -32602);
    server.assert_serves().await;
}

#[tokio::test]
async fn ver_3_a_version_that_is_not_served_is_answered_with_those_that_are() {
    let server = Server::start().await;
    let discovered = server.ask(&Ask::modern("server/discover", json!({}))).await.json();
    let served = discovered["result"]["supportedVersions"].as_array().unwrap().clone();
    assert!(served.contains(&json!(MODERN)));
    for version in ["1900-01-01", "v999.0.0", "2025-11-25"] {
        let ask = with_meta("tools/list", json!({ VERSION: version, CAPABILITIES: {} }));
        let answer = server.ask(&ask.replacing("MCP-Protocol-Version", version)).await;
        assert_refused(&answer, 400, -32022);
        let data = &answer.json()["error"]["data"];
        assert_eq!(data["requested"], version);
        assert!(data["supported"].as_array().unwrap().iter().all(|version| served.contains(version)));
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn hdr_1_headers_that_do_not_repeat_the_body_are_a_mismatch() {
    let server = Server::start().await;
    let good = || Ask::modern("tools/call", echo("x"));
    let read = || Ask::modern("resources/read", json!({ "uri": "test://static" }));
    for (what, ask) in [
        ("another version", good().replacing("MCP-Protocol-Version", "2025-11-25")),
        ("another date", good().replacing("MCP-Protocol-Version", "2027-01-01")),
        ("no version", good().without("MCP-Protocol-Version")),
        ("two versions", good().with("MCP-Protocol-Version", MODERN)),
        ("no method", good().without("Mcp-Method")),
        ("another method", good().replacing("Mcp-Method", "tools/list")),
        ("the method in capitals", good().replacing("Mcp-Method", "TOOLS/CALL")),
        ("an encoded method", good().replacing("Mcp-Method", "=?base64?dG9vbHMvY2FsbA==?=")),
        ("no name", good().without("Mcp-Name")),
        ("another name", good().replacing("Mcp-Name", "accept")),
        ("the name in capitals", good().replacing("Mcp-Name", "Echo")),
        ("two names", good().with("Mcp-Name", "echo")),
        ("broken base64", good().replacing("Mcp-Name", "=?base64?ZWNobw=?=")),
        ("no base64", good().replacing("Mcp-Name", "=?base64?***?=")),
        ("no uri", read().without("Mcp-Name")),
        ("another uri", read().replacing("Mcp-Name", "test://other")),
    ] {
        let answer = server.ask(&ask).await;
        assert_eq!((what, answer.status(), answer.code()), (what, 400, Some(-32020)));
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn hdr_2_hdr_3_harmless_variants_of_headers_pass() {
    let server = Server::start().await;
    let good = || Ask::modern("tools/call", echo("x"));
    for ask in [
        good().without("Mcp-Name").with("mCP-nAME", "echo"),
        good().without("Mcp-Method").with("MCP-METHOD", "tools/call"),
        good().replacing("Mcp-Name", "  echo \t"),
        good().replacing("Mcp-Name", "=?base64?ZWNobw==?="),
        Ask::modern("tools/list", json!({})).with("Mcp-Name", "ignored"),
        good().with("Mcp-Session-Id", "ignored").with("Last-Event-ID", "ignored"),
    ] {
        let answer = server.ask(&ask).await;
        assert_eq!(answer.status(), 200, "{ask:?} {}", answer.text());
        assert!(answer.json()["result"].is_object());
        assert_eq!(answer.header("mcp-session-id"), None);
    }
}

#[tokio::test]
async fn xh_5_parameter_headers_repeat_the_arguments() {
    let server = Server::start().await;
    let located =
        |arguments: Value| Ask::modern("tools/call", json!({ "name": "located", "arguments": arguments }));
    for (what, ask) in [
        ("missing", located(json!({ "region": "eu" }))),
        ("different", located(json!({ "region": "eu" })).with("Mcp-Param-Region", "us")),
        ("without an argument", located(json!({})).with("Mcp-Param-Region", "eu")),
        ("of null", located(json!({ "region": null })).with("Mcp-Param-Region", "null")),
        ("broken", located(json!({ "region": "eu" })).with("Mcp-Param-Region", "=?base64?ZX=?=")),
        ("another number", located(json!({ "zone": 42 })).with("Mcp-Param-Zone", "43")),
    ] {
        let answer = server.ask(&ask).await;
        assert_eq!((what, answer.status(), answer.code()), (what, 400, Some(-32020)), "{}", answer.text());
    }
    for ask in [
        located(json!({})),
        located(json!({ "region": "eu" })).with("mcp-param-region", "eu"),
        located(json!({ "region": "ü" })).with("Mcp-Param-Region", "=?base64?w7w=?="),
        located(json!({ "zone": 42 })).with("Mcp-Param-Zone", "42.0"),
        located(json!({})).with("Mcp-Param-Unknown", "ignored"),
    ] {
        let answer = server.ask(&ask).await;
        assert_eq!(answer.status(), 200, "{ask:?} {}", answer.text());
        assert_eq!(answer.json()["result"]["content"][0]["text"], "located");
    }
    // No header is expected of null: that it does not fit the schema is the tool's business.
    let answer = server.ask(&located(json!({ "zone": null }))).await;
    assert_eq!((answer.status(), &answer.json()["result"]["isError"]), (200, &json!(true)));
}

#[tokio::test]
async fn dual_2_methods_of_the_older_revisions_are_not_found_in_modern_requests() {
    let server = Server::start().await;
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "tasks/result",
        "tasks/list",
        "nonsense",
        "",
    ] {
        let answer = server.ask(&Ask::modern(method, json!({}))).await;
        assert_refused(&answer, 404, -32601);
        assert_eq!(answer.header("mcp-session-id"), None);
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn ver_7_a_capability_that_the_client_did_not_declare_is_missing() {
    let server = Server::start().await;
    let answer = server.ask(&Ask::modern("tools/call", call("samples"))).await;
    assert_refused(&answer, 400, -32021);
    assert_eq!(answer.json()["error"]["data"]["requiredCapabilities"], json!({ "sampling": {} }));
    let mut params = call("samples");
    params["_meta"] = json!({ CAPABILITIES: { "sampling": {} } });
    assert_eq!(server.ask(&Ask::modern("tools/call", params)).await.status(), 200);
}

#[tokio::test]
async fn log_3_without_a_level_nothing_is_logged_and_no_stream_is_opened() {
    let server = Server::start().await;
    let answer = server.ask(&Ask::modern("tools/call", call("chatty"))).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));

    let mut params = call("chatty");
    params["_meta"] = json!({ "io.modelcontextprotocol/logLevel": "info", "progressToken": 7 });
    let events = server.ask(&Ask::modern("tools/call", params)).await.events();
    let methods: Vec<_> = events.iter().map(|event| event.json()["method"].clone()).collect();
    let progress = json!("notifications/progress");
    assert_eq!(methods, [progress.clone(), json!("notifications/message"), progress, Value::Null]);
    assert_eq!(events[0].json()["params"]["progressToken"], 7);
    assert_eq!(events[1].json()["params"], json!({ "level": "warning", "data": "careful" }));
    assert_eq!(events[3].json()["result"]["content"][0]["text"], "said");
    // H-8: modern streams cannot be resumed and carry no ids; DUAL-5: nor requests.
    assert!(events.iter().all(|event| event.id.is_none() && event.retry.is_none()));
    assert!(events[..3].iter().all(|event| event.json().get("id").is_none()));

    let mut params = call("chatty");
    params["_meta"] = json!({ "io.modelcontextprotocol/logLevel": "loud" });
    assert_eq!(server.ask(&Ask::modern("tools/call", params)).await.code(), Some(-32602));
}

#[tokio::test]
async fn rsc_3_an_unknown_resource_is_named_and_has_no_contents() {
    let server = Server::start().await;
    for uri in ["test://unknown", "file:///etc/passwd", "", "not a uri"] {
        let ask = Ask::modern("resources/read", json!({ "uri": uri })).replacing("Mcp-Name", uri);
        let answer = server.ask(&ask).await;
        assert_refused(&answer, 200, -32602);
        assert_eq!(answer.json()["error"]["data"]["uri"], uri);
        assert_eq!(answer.json().get("result"), None);
    }
}

#[tokio::test]
async fn res_1_results_say_what_they_are_and_how_long_they_may_be_kept() {
    let server = Server::start().await;
    for (method, params) in [
        ("server/discover", json!({})),
        ("tools/list", json!({})),
        ("prompts/list", json!({})),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({ "uri": "test://static" })),
    ] {
        let result = server.ask(&Ask::modern(method, params)).await.json()["result"].clone();
        assert_eq!(result["resultType"], "complete", "{method}");
        assert!(result["ttlMs"].as_u64().is_some(), "{method}: {result}");
        assert!(matches!(result["cacheScope"].as_str(), Some("public" | "private")), "{method}");
        assert!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"].is_string(), "{method}");
    }
    let complete = json!({ "ref": { "type": "ref/prompt", "name": "greeting" }, "argument": { "name": "who", "value": "" } });
    for (method, params) in [
        ("tools/call", echo("x")),
        ("prompts/get", json!({ "name": "greeting", "arguments": { "who": "you" } })),
        ("completion/complete", complete),
    ] {
        let result = server.ask(&Ask::modern(method, params)).await.json()["result"].clone();
        assert_eq!(result["resultType"], "complete", "{method}");
    }
}

#[tokio::test]
async fn h_5_a_notification_is_accepted_without_a_body() {
    let server = Server::start().await;
    for method in ["notifications/cancelled", "notifications/roots/list_changed", "notifications/nonsense"] {
        let body = json!({ "jsonrpc": "2.0", "method": method, "params": { "requestId": 1 } });
        let answer = server.ask(&Ask::modern(method, json!({})).with_body(body.to_string())).await;
        assert_eq!((answer.status(), answer.body.len()), (202, 0), "{method}");
    }
}

#[tokio::test]
async fn h_4_a_client_sends_no_responses() {
    let server = Server::start().await;
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#,
    ] {
        let answer = server.ask(&Ask::modern("x", json!({})).with_body(body)).await;
        assert_refused(&answer, 400, -32600);
    }
}

#[tokio::test]
async fn dual_3_get_and_delete_are_not_allowed() {
    let server = Server::start().await;
    for method in ["GET", "DELETE", "PUT", "PATCH"] {
        let ask = Ask::new(method, "/mcp").with("Accept", "text/event-stream");
        let answer = server.ask(&ask.with("MCP-Protocol-Version", MODERN)).await;
        assert_refused(&answer, 405, -32600);
        assert!(answer.header("allow").unwrap().contains("POST"));
    }
}

#[tokio::test]
async fn tool_8_unknown_tools_and_bad_arguments_are_told_apart() {
    let server = Server::start().await;
    let answer = server.ask(&Ask::modern("tools/call", call("unknown"))).await;
    assert_refused(&answer, 200, -32602);
    for arguments in [json!({}), json!({ "message": 1 }), json!({ "message": null })] {
        let params = json!({ "name": "echo", "arguments": arguments });
        let answer = server.ask(&Ask::modern("tools/call", params)).await;
        let result = &answer.json()["result"];
        assert_eq!((answer.status(), &result["isError"]), (200, &json!(true)), "{}", answer.text());
        assert!(result["content"][0]["text"].as_str().unwrap().contains("message"));
    }
    for arguments in [json!([]), json!("x"), json!(1)] {
        let params = json!({ "name": "echo", "arguments": arguments });
        let answer = server.ask(&Ask::modern("tools/call", params)).await;
        assert_eq!(answer.code(), Some(-32602), "{}", answer.text());
    }
    let answer = server.ask(&Ask::modern("tools/call", json!({ "name": "accept" }))).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "accepted");
}

#[tokio::test]
async fn pag_1_a_cursor_that_the_server_did_not_make_is_invalid() {
    let server = Server::start().await;
    for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
        for cursor in [json!("nonsense"), json!(""), json!(1), json!("🦀")] {
            let answer = server.ask(&Ask::modern(method, json!({ "cursor": cursor }))).await;
            assert_eq!(answer.code(), Some(-32602), "{method} {cursor}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn base_2_ids_come_back_as_they_were_sent() {
    let server = Server::start().await;
    for id in ["1", "\"1\"", "0", "-1", "18446744073709551615", "\"\"", "\"ü\\n\"", "9007199254740993"] {
        let good = Ask::modern("tools/list", json!({}));
        let body = String::from_utf8(good.body.clone()).unwrap().replace("\"id\":1", &format!("\"id\":{id}"));
        let answer = server.ask(&good.with_body(body)).await;
        let text = answer.text();
        let raw =
            serde_json::from_str::<std::collections::HashMap<&str, &serde_json::value::RawValue>>(&text);
        assert_eq!(raw.unwrap()["id"].get(), id);
    }
    for id in ["1.5", "null", "true", "[]", "{}", "1e2", "1.0"] {
        let good = Ask::modern("tools/list", json!({}));
        let body = String::from_utf8(good.body.clone()).unwrap().replace("\"id\":1", &format!("\"id\":{id}"));
        let answer = server.ask(&good.with_body(body)).await;
        assert_refused(&answer, 400, -32600);
    }
}

#[tokio::test]
async fn h_9_a_client_that_goes_away_takes_its_call_with_it() {
    let server = Server::start().await;
    // While the answer is awaited.
    let mut connection = super::client::Connection::open(&server).await;
    connection.send(&Ask::modern("tools/call", call("wait"))).await;
    super::server::reaches(&server.bench.started, 1).await;
    drop(connection);
    super::server::reaches(&server.bench.dropped, 1).await;
    // While the answer is streamed.
    let params = call_with_progress("noisy", &json!({ "count": 3 }));
    let mut stream = Stream::open(&server, &Ask::modern("tools/call", params)).await;
    assert_eq!(stream.next().await.unwrap().json()["method"], "notifications/progress");
    drop(stream);
    super::server::reaches(&server.bench.dropped, 2).await;
    assert_eq!(*server.bench.finished.borrow(), 0);
    server.assert_serves().await;
}

#[tokio::test]
async fn h_7_a_stream_ends_with_its_answer() {
    let server = Server::start().await;
    let params = call_with_progress("noisy", &json!({ "count": 3 }));
    let mut stream = Stream::open(&server, &Ask::modern("tools/call", params)).await;
    for step in 1..=3 {
        let event = stream.next().await.unwrap().json();
        assert_eq!(
            event["params"],
            json!({ "progressToken": "p", "progress": f64::from(step), "total": 3.0, "message": "a step of many" })
        );
    }
    server.open_gate(1);
    let rest = stream.rest().await;
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].json()["result"]["content"][0]["text"], "done");
}

#[tokio::test]
async fn prg_1_a_progress_token_is_a_short_string_or_an_integer() {
    let server = Server::start().await;
    for token in [json!({}), json!(1.5), json!(null), json!("x".repeat(2000))] {
        let mut params = call("echo");
        params["_meta"] = json!({ "progressToken": token });
        let answer = server.ask(&Ask::modern("tools/call", params)).await;
        assert_eq!(answer.code(), Some(-32602), "{}", answer.text());
    }
    server.assert_serves().await;
}
