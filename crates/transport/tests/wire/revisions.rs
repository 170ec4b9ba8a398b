//! What each revision's clients are sent: no more than they know (VER-L6), valid by their own schema.

use latimer_core::{Peer, Principal};
use latimer_protocol::Revision;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::client::{Ask, call, in_time};
use super::server::{Server, Setup, engine};

/// Fails unless a message is what a definition of a revision's schema says.
fn assert_valid(revision: &str, definition: &str, message: &Value) {
    let folder = std::env::var_os("MCP_SCHEMA_DIR").map_or_else(
        || std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/tests/schemas")),
        std::path::PathBuf::from,
    );
    let path = folder.join(format!("{revision}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("read {}: {error}; MCP_SCHEMA_DIR names the folder of the protocol's schemas", path.display())
    });
    let document: Value = serde_json::from_str(&text).unwrap();
    let container = if document.get("$defs").is_some() { "$defs" } else { "definitions" };
    assert!(document[container].get(definition).is_some(), "{revision} has no {definition}");
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), document["$schema"].clone());
    schema.insert("$ref".to_owned(), json!(format!("#/{container}/{definition}")));
    schema.insert(container.to_owned(), document[container].clone());
    let validator = jsonschema::validator_for(&Value::Object(schema)).unwrap();
    let faults: Vec<_> =
        validator.iter_errors(message).map(|fault| format!("{fault} at {}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{revision} {definition}: {faults:#?} in {message:#}");
}

/// Asks one question after the other in a revision.
enum Line<'a> {
    Http {
        server: &'a Server,
        session: Option<String>,
    },
    Stdio {
        input: tokio::io::WriteHalf<tokio::io::DuplexStream>,
        output: BufReader<tokio::io::ReadHalf<tokio::io::DuplexStream>>,
    },
}

impl Line<'_> {
    async fn stdio(revision: &str) -> Line<'static> {
        let (engine, _) = engine(&Setup::default()).await;
        let (near, far) = tokio::io::duplex(1 << 16);
        let (input, output) = tokio::io::split(far);
        let anonymous = Principal::anonymous();
        let never = std::future::pending();
        tokio::spawn(latimer_transport::stream::serve(
            engine,
            latimer_transport::stream::StreamOptions::default(),
            anonymous,
            Peer::Local,
            input,
            output,
            never,
        ));
        let (output, input) = tokio::io::split(near);
        let mut line = Line::Stdio { input, output: BufReader::new(output) };
        if revision != "2026-07-28" {
            let opened = line.ask_with(&Ask::initialize(revision)).await;
            assert_eq!(opened["result"]["protocolVersion"], revision);
            assert_valid(revision, "InitializeResult", &opened["result"]);
        }
        line
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let ask = match self {
            Self::Http { session: Some(session), .. } => Ask::legacy(session, 1, method, &params),
            Self::Http { session: None, .. } => Ask::modern(method, params),
            Self::Stdio { .. } => Ask::legacy("", 1, method, &params),
        };
        self.ask_with(&ask).await
    }

    async fn ask_with(&mut self, ask: &Ask) -> Value {
        match self {
            Self::Http { server, .. } => server.ask(ask).await.json(),
            Self::Stdio { input, output } => {
                input.write_all(&[&ask.body[..], b"\n"].concat()).await.unwrap();
                let mut line = String::new();
                in_time(output.read_line(&mut line)).await.unwrap();
                serde_json::from_str(&line).unwrap()
            }
        }
    }
}

async fn check(revision: &str, line: &mut Line<'_>) {
    let known = |since: &str| revision >= since;
    let listed = line.ask("tools/list", json!({})).await;
    assert_valid(revision, "ListToolsResult", &listed["result"]);
    let tools = listed["result"]["tools"].as_array().unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert!(names.is_sorted(), "{names:?}");
    let rich = tools.iter().find(|tool| tool["name"] == "rich").unwrap();
    for (member, since) in [
        ("description", "2024-11-05"),
        ("inputSchema", "2024-11-05"),
        ("annotations", "2025-03-26"),
        ("title", "2025-06-18"),
        ("outputSchema", "2025-06-18"),
        ("_meta", "2025-06-18"),
        ("icons", "2025-11-25"),
    ] {
        assert_eq!(rich.get(member).is_some(), known(since), "{revision}: {member} in {rich}");
    }

    let called = line.ask("tools/call", call("rich")).await;
    let result = &called["result"];
    assert_valid(revision, "CallToolResult", result);
    let kinds: Vec<_> =
        result["content"].as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap()).collect();
    let expected = match revision {
        "2024-11-05" => vec!["text", "image", "text", "text", "resource"],
        "2025-03-26" => vec!["text", "image", "audio", "text", "resource"],
        _ => vec!["text", "image", "audio", "resource_link", "resource"],
    };
    // A block that is not known is gone or told in words, and never sent as it is.
    let kept: Vec<_> = expected.iter().filter(|kind| **kind != "text").collect();
    let sent: Vec<_> = kinds.iter().filter(|kind| **kind != "text").collect();
    assert_eq!(sent, kept, "{revision}: {kinds:?}");
    if !known("2025-06-18") {
        assert!(result.to_string().contains("data:,linked"), "{revision}: {result}");
    }
    assert_eq!(result.get("structuredContent").is_some(), known("2025-06-18"), "{revision}: {result}");
    assert_eq!(result.get("resultType").is_some(), known("2026-07-28"), "{revision}: {result}");

    let bad = line.ask("tools/call", json!({ "name": "echo", "arguments": { "message": 1 } })).await;
    if known("2025-11-25") {
        assert_eq!(bad["result"]["isError"], true, "{revision}: {bad}");
        assert!(bad["result"]["content"][0]["text"].as_str().unwrap().contains("/message"), "{bad}");
    } else {
        assert_eq!(bad["error"]["code"], -32602, "{revision}: {bad}");
        assert!(bad["error"]["message"].as_str().unwrap().contains("/message"), "{bad}");
    }
    let failed = line.ask("tools/call", call("panics")).await;
    assert_eq!(failed["result"]["isError"], true, "{revision}: {failed}");
    assert_valid(revision, "CallToolResult", &failed["result"]);
    let unknown = line.ask("resources/read", json!({ "uri": "test://unknown" })).await;
    let code = if known("2026-07-28") { -32602 } else { -32002 };
    assert_eq!(unknown["error"]["code"], code, "{revision}: {unknown}");

    for (method, params, definition) in [
        ("resources/list", json!({}), "ListResourcesResult"),
        ("resources/templates/list", json!({}), "ListResourceTemplatesResult"),
        ("resources/read", json!({ "uri": "test://static" }), "ReadResourceResult"),
        ("prompts/list", json!({}), "ListPromptsResult"),
        ("prompts/get", json!({ "name": "greeting", "arguments": { "who": "you" } }), "GetPromptResult"),
    ] {
        let answer = line.ask(method, params).await;
        assert_valid(revision, definition, &answer["result"]);
    }
    let response = if known("2025-11-25") { "JSONRPCResultResponse" } else { "JSONRPCResponse" };
    let error = if known("2025-11-25") { "JSONRPCErrorResponse" } else { "JSONRPCError" };
    assert_valid(revision, response, &called);
    assert_valid(revision, error, &unknown);
}

#[tokio::test]
async fn ver_l6_over_http_each_revision_is_sent_what_it_knows() {
    let server = Server::start().await;
    for revision in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let opened = server.ask(&Ask::initialize(revision)).await;
        assert_valid(revision, "InitializeResult", &opened.json()["result"]);
        let session = opened.header("mcp-session-id").map(ToOwned::to_owned);
        check(revision, &mut Line::Http { server: &server, session }).await;
    }
    let discovered = server.ask(&Ask::modern("server/discover", json!({}))).await;
    assert_valid("2026-07-28", "DiscoverResult", &discovered.json()["result"]);
    check("2026-07-28", &mut Line::Http { server: &server, session: None }).await;
}

#[tokio::test]
async fn ver_l6_over_byte_streams_each_revision_is_sent_what_it_knows() {
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        check(revision, &mut Line::stdio(revision).await).await;
    }
}

#[test]
fn the_revisions_here_are_all_there_are() {
    let all: Vec<_> = Revision::ALL.iter().map(|revision| revision.as_str()).collect();
    assert_eq!(all, ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]);
}
