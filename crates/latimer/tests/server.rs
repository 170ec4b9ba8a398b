//! A server as a whole: what stops it from starting, its hooks, its middleware, and changes while it runs.

#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latimer::prelude::*;
use latimer::{BuildError, ReadRequest};
use tower::limit::ConcurrencyLimitLayer;
use tower::timeout::TimeoutLayer;

struct Db;

#[tool]
async fn book(_db: State<Db>) {}

#[tool(inline)]
fn ping() -> &'static str {
    "pong"
}

#[tool(name = "not a name")]
async fn misnamed() {}

#[resource("db://{id}", inline)]
fn record(_db: State<Db>, id: u32) -> String {
    id.to_string()
}

#[tool]
async fn listed(Args(_): Args<Vec<String>>) {}

async fn refusal(server: Server) -> String {
    server.build().await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_missing_state_is_named_with_its_tool_and_the_mend() {
    let expected = "tool \"book\" needs State<server::Db>; give the server one with .state(value)";
    assert_eq!(refusal(Server::new("s").tool(book)).await, expected);
    let missing = refusal(Server::new("s").resource(record)).await;
    assert!(missing.starts_with("resource template \"db://{id}\" needs State<server::Db>"), "{missing}");
    assert!(Server::new("s").tool(book).resource(record).state(Db).build().await.is_ok());
}

#[tokio::test]
async fn two_tools_of_one_name_are_refused_with_the_mend() {
    let twice = refusal(Server::new("s").tool(ping).tool(ping)).await;
    assert_eq!(
        twice,
        "tool \"ping\" is there twice; rename one of them, for example with #[tool(name = \"…\")]"
    );
    let renamed = Server::new("s").tool(ping).tool(ping().named("pong"));
    assert_eq!(renamed.test().await.unwrap().list_tools().await.unwrap().len(), 2);
}

#[tokio::test]
async fn faulty_names_schemas_and_uris_are_refused() {
    let name = refusal(Server::new("s").tool(misnamed)).await;
    assert!(name.contains("not a name") && name.contains("ASCII letters"), "{name}");
    let object = refusal(Server::new("s").tool(listed)).await;
    assert!(object.contains("tool \"listed\": its arguments are alloc::vec::Vec"), "{object}");
    let schema = Tool::new("raw", &json!({"type": "object", "properties": 7}), |_, _| async {});
    let schema = refusal(Server::new("s").tool(schema)).await;
    assert!(schema.contains("\"raw\": its inputSchema"), "{schema}");
    let uri = Resource::new("nowhere", "nowhere", |_: ReadRequest, _| async { "" });
    assert!(refusal(Server::new("s").resource(uri)).await.contains("\"nowhere\" is not a URI"));
}

#[tokio::test]
async fn a_dynamic_tool_has_its_schema_checked() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    let double = Tool::new("double", &schema, |arguments, _| async move {
        let arguments: serde_json::Value = arguments.to()?;
        Ok::<_, latimer::Error>(arguments["n"].as_i64().unwrap_or_default() * 2)
    });
    let double = double.title("Double").read_only(true).output_schema(&json!({"type": "object"}));
    assert_eq!(double.definition().title.as_deref(), Some("Double"));
    let client = Server::new("s").tool(double).test().await.unwrap();
    assert!(client.call("double", json!({"n": "x"})).await.unwrap().text().contains("/n"));
    // It promises structured content and returns none (TOOL-7).
    assert!(client.call("double", json!({"n": 2})).await.unwrap().is_error());
}

#[tokio::test]
async fn what_changes_is_told_to_who_listens() {
    use latimer_core::changes::{Change, Interest, Listing};
    let server = Server::new("s").tool(ping);
    let handle = server.handle();
    assert!(handle.update("a:1").unwrap_err().to_string().contains("does not run yet"));
    let client = server.test().await.unwrap();
    let interest = Interest { lists: vec![Listing::Tools], uris: vec!["a:1".into()], ..Interest::default() };
    let mut listener = client.engine().changes().listen(&latimer::Principal::anonymous(), interest);
    handle.update("a:1").unwrap();
    assert_eq!(listener.next().await, Change::Updated("a:1".into()));
    handle.remove_tool("ping").unwrap();
    assert_eq!(listener.next().await, Change::List(Listing::Tools));
}

#[tokio::test]
async fn tools_come_and_go_while_the_server_runs() {
    let server = Server::new("s").tool(ping);
    let handle = server.handle();
    assert!(handle.add_tool(book).unwrap_err().to_string().contains("does not run yet"));
    let client = server.state(Db).test().await.unwrap();
    handle.add_tool(book).unwrap();
    handle.add_resource(record).unwrap();
    assert_eq!(client.list_tools().await.unwrap().len(), 2);
    assert!(client.read("db://7").await.is_ok());
    assert!(handle.add_tool(book).unwrap_err().to_string().contains("tool \"book\" is there twice"));
    assert!(handle.add_tool(misnamed).is_err());
    assert!(handle.remove_tool("book").unwrap());
    assert!(!handle.remove_tool("book").unwrap());
    assert!(handle.remove_resource("db://{id}").unwrap());
    assert_eq!(client.list_tools().await.unwrap().len(), 1);
    assert!(client.read("db://7").await.is_err());
}

/// Adds the tool `ping`.
#[tool]
async fn learn(handle: State<Handle>) -> latimer::Result<&'static str> {
    handle.add_tool(ping)?;
    Ok("learnt")
}

#[tokio::test]
async fn a_tool_may_change_the_server() {
    let client = Server::new("s").tool(learn).test().await.unwrap();
    assert_eq!(client.call("learn", json!({})).await.unwrap().text(), "learnt");
    assert_eq!(client.call("ping", json!({})).await.unwrap().text(), "pong");
}

#[tokio::test]
async fn hooks_run_before_the_first_and_after_the_last_call() {
    let said = Arc::new(Mutex::new(Vec::new()));
    let (start, stop) = (said.clone(), said.clone());
    let server = Server::new("s")
        .tool(ping)
        .state(Db)
        .on_start(|server| async move {
            start.lock().unwrap().push(server.state::<Db>().map_or("nothing", |_| "started"));
            Ok(())
        })
        .on_stop(|_| async move { stop.lock().unwrap().push("stopped") });
    let client = server.test().await.unwrap();
    assert_eq!(*said.lock().unwrap(), ["started"]);
    client.close().await;
    assert_eq!(*said.lock().unwrap(), ["started", "stopped"]);
}

#[tokio::test]
async fn a_failed_start_is_told_and_closes_what_was_open() {
    let stopped = Arc::new(AtomicU32::new(0));
    let counter = stopped.clone();
    let good = Server::new("good").tool(ping).on_stop(|_| async move {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let bad = Server::new("bad").on_start(|_| async { Err(latimer::Error::shown("no database")) });
    let server = Server::new("s").source(good.into_source().unwrap()).source(bad.into_source().unwrap());
    assert!(refusal(server).await.contains("no database"));
    assert_eq!(stopped.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn middleware_stands_around_every_call_first_one_outermost() {
    let order = Arc::new(Mutex::new(String::new()));
    let note = |name: &'static str| {
        let order = order.clone();
        move |call, next: latimer::Next| {
            order.lock().unwrap().push_str(name);
            next.run(call)
        }
    };
    let refuse = |call: latimer::Call, next: latimer::Next| async move {
        if call.operation.target() == "forbidden" {
            return Err(latimer::Error::shown("not today"));
        }
        next.run(call).await
    };
    let server = Server::new("s").tool(ping).tool(ping().named("forbidden"));
    let client = server.around(note("a")).around(note("b")).around(refuse).test().await.unwrap();
    assert_eq!(client.call("ping", json!({})).await.unwrap().text(), "pong");
    assert_eq!(*order.lock().unwrap(), "ab");
    let refused = client.call("forbidden", json!({})).await.unwrap();
    assert!(refused.is_error() && refused.text() == "not today");
}

#[tool]
async fn forever() {
    std::future::pending::<()>().await;
}

#[tokio::test(start_paused = true)]
async fn tower_layers_stand_around_calls() {
    let server = Server::new("s").tool(ping).tool(forever);
    let server = server.layer(TimeoutLayer::new(Duration::from_secs(1))).layer(ConcurrencyLimitLayer::new(1));
    let client = server.test().await.unwrap();
    assert_eq!(client.call("ping", json!({})).await.unwrap().text(), "pong");
    let late = client.call("forever", json!({})).await.unwrap();
    assert!(late.is_error() && late.text().contains("reference"), "{}", late.text());
    // The permit of the call that was dropped is free again: layers are shared by all calls.
    assert_eq!(client.call("ping", json!({})).await.unwrap().text(), "pong");
}

#[tool]
async fn shown_error() -> Result<(), ToolError> {
    Err(ToolError::new("so it is"))
}

#[tokio::test]
async fn errors_pass_layers_unchanged() {
    let server = Server::new("s").tool(shown_error).layer(TimeoutLayer::new(Duration::from_secs(60)));
    let called = server.test().await.unwrap().call("shown_error", json!({})).await.unwrap();
    assert_eq!(called.text(), "so it is");
}

#[tokio::test]
async fn a_server_can_be_a_source_with_its_own_state_and_middleware() {
    let inner = Server::new("inner").tool(book).state(Db).around(|call, next| async move {
        next.run(call).await?;
        Err(latimer::Error::shown("seen"))
    });
    let outer = Server::new("outer").tool(ping).source(inner.into_source().unwrap());
    let client = outer.test().await.unwrap();
    assert_eq!(client.call("ping", json!({})).await.unwrap().text(), "pong");
    assert_eq!(client.call("book", json!({})).await.unwrap().text(), "seen");
    let nested = Server::new("x").source(Server::new("y").into_source().unwrap()).into_source();
    assert!(nested.unwrap_err().to_string().contains("load them side by side"));
}

#[tokio::test]
async fn an_error_of_the_builder_passes_through_main() {
    async fn main() -> latimer::Result {
        Server::new("s").tool(book).build().await?;
        Ok(())
    }
    let error = main().await.unwrap_err();
    assert!(matches!(&error, latimer::Error::Internal(error) if error.is::<BuildError>()));
    assert_eq!(format!("{error:?}"), Server::new("s").tool(book).into_source().unwrap_err().to_string());
}

#[tokio::test]
async fn the_server_introduces_itself() {
    let icon = latimer::wire::Icon::new("https://example.com/icon.png");
    let server = Server::new("s").version("1.2.3").title("S").website("https://example.com").icons([icon]);
    let client = server.instructions("Be kind.").tool(ping).test().await.unwrap();
    let said: serde_json::Value = client.request("server/discover", &json!({})).await.unwrap();
    assert_eq!(said["instructions"], "Be kind.");
    let info = &said["_meta"]["io.modelcontextprotocol/serverInfo"];
    assert_eq!((&info["name"], &info["version"]), (&json!("s"), &json!("1.2.3")));
}

/// A source is changed through its handle as the server itself is, wherever it is loaded.
#[tokio::test]
async fn a_handle_changes_a_source_that_another_server_has_loaded() {
    let part = Server::new("part").around(|call, next| async move {
        let outcome = next.run(call).await;
        outcome.map(|_| latimer::wire::CallToolResult::text("through the middleware").into())
    });
    let handle = part.handle();
    assert!(handle.update("test://x").is_err(), "it does not run yet");
    let whole = Server::new("whole").source(part.into_source().unwrap());
    let client = whole.test().await.unwrap();
    let schema = json!({ "type": "object" });
    handle.add_tool(Tool::new("late", &schema, |_, _| async { "late" })).unwrap();
    handle.update("test://x").unwrap();
    assert_eq!(client.call("late", json!({})).await.unwrap().text(), "through the middleware");
    assert!(handle.remove_tool("late").unwrap());
    assert!(client.call("late", json!({})).await.is_err());
}

#[tokio::test]
async fn lists_come_in_pages_of_the_size_that_the_server_wants() {
    let schema = json!({ "type": "object" });
    let tool = |name: &str| Tool::new(name, &schema, |_, _| async { "" });
    let server = Server::new("s").page_size(2).tool(tool("a")).tool(tool("b")).tool(tool("c"));
    let client = server.test().await.unwrap();
    let first: serde_json::Value = client.request("tools/list", &json!({})).await.unwrap();
    assert_eq!(first["tools"].as_array().unwrap().len(), 2);
    assert_eq!(client.list_tools().await.unwrap().len(), 3);
}
