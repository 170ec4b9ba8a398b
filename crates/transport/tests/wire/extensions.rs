//! Extensions: what is announced, who may call their methods, and how their results look in each era (VER-10, GW-6).

use std::sync::Arc;

use latimer_core::extension::{
    Extension, ExtensionCall, ExtensionDefinition, ExtensionMethod, ExtensionResult,
};
use latimer_core::local::LocalSource;
use latimer_core::{BoxFuture, CallError, Peer, Principal};
use latimer_protocol::encode::{CacheHint, CacheScope};
use latimer_protocol::method::NameParam;
use latimer_protocol::{RawJson, RpcError};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::client::{Ask, in_time};
use super::server::{Server, Setup};

const RECEIPTS: &str = "com.example/receipts";

/// An extension with a method of every kind.
#[derive(Debug)]
struct Receipts;

impl Extension for Receipts {
    fn definition(&self) -> ExtensionDefinition {
        ExtensionDefinition::new(RECEIPTS.parse().unwrap())
            .settings(RawJson::parse(r#"{"signed":true}"#).unwrap())
            .method(ExtensionMethod::new("receipts/list").cacheable())
            .method(ExtensionMethod::new("receipts/get").cacheable().named_by(NameParam::Uri))
            .method(ExtensionMethod::new("receipts/sign"))
            .method(ExtensionMethod::new("receipts/lose"))
    }

    fn call(&self, call: ExtensionCall) -> BoxFuture<'static, Result<ExtensionResult, CallError>> {
        Box::pin(async move {
            let raw = |text: &str| RawJson::parse(text.to_owned());
            match call.method.name {
                "receipts/list" => {
                    let kept = CacheHint { ttl_ms: 500, scope: CacheScope::Public };
                    Ok(ExtensionResult::new(raw(r#"{"receipts":[], "z":1.50}"#)?).kept(kept))
                }
                "receipts/get" => {
                    let result = json!({ "params": call.params.to::<Value>()? });
                    Ok(ExtensionResult::new(RawJson::from_serialize(&result)?))
                }
                "receipts/sign" => {
                    let settings = call.context.require_extension(RECEIPTS)?;
                    let result = json!({ "settings": settings.to::<Value>()? });
                    Ok(ExtensionResult::new(RawJson::from_serialize(&result)?))
                }
                "receipts/lose" => Ok(ExtensionResult::new(raw("[]")?)),
                other => Err(CallError::Rpc(RpcError::method_not_found(other))),
            }
        })
    }
}

async fn server() -> Server {
    let server = Server::with(Setup { extensions: vec![Arc::new(Receipts)], ..Setup::default() }).await;
    server.assert_serves().await;
    server
}

fn declaring(settings: Value) -> Value {
    json!({ "io.modelcontextprotocol/clientCapabilities": { "extensions": { RECEIPTS: settings } } })
}

fn initialize(revision: &str, capabilities: &Value) -> Ask {
    let client = json!({ "name": "wire", "version": "1" });
    let params = json!({ "protocolVersion": revision, "capabilities": capabilities, "clientInfo": client });
    Ask::post(json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }).to_string())
}

#[tokio::test]
async fn ver_10_an_extension_is_announced_from_2025_11_25_on_with_its_settings() {
    let server = server().await;
    let discovered = server.ask(&Ask::modern("server/discover", json!({}))).await.json();
    let announced = json!({ RECEIPTS: { "signed": true } });
    assert_eq!(discovered["result"]["capabilities"]["extensions"], announced, "{discovered}");
    for (revision, told) in
        [("2025-11-25", true), ("2025-06-18", false), ("2025-03-26", false), ("2024-11-05", false)]
    {
        let opened = server.ask(&Ask::initialize(revision)).await.json();
        let extensions = opened["result"]["capabilities"].get("extensions");
        assert_eq!(extensions, told.then_some(&announced), "{revision}: {opened}");
    }
}

#[tokio::test]
async fn ver_10_a_server_without_extensions_announces_none() {
    let server = Server::start().await;
    let discovered = server.ask(&Ask::modern("server/discover", json!({}))).await.json();
    assert_eq!(discovered["result"]["capabilities"].get("extensions"), None, "{discovered}");
}

#[tokio::test]
async fn cache_1_a_result_is_stamped_as_the_revision_wants_it_and_else_left_alone() {
    let server = server().await;
    let listed = server.ask(&Ask::modern("receipts/list", json!({}))).await;
    assert!(listed.text().contains(r#""receipts":[], "z":1.50"#), "{}", listed.text());
    let result = &listed.json()["result"];
    assert_eq!((&result["resultType"], &result["ttlMs"]), (&json!("complete"), &json!(500)));
    assert_eq!(result["cacheScope"], "public");
    assert!(result["_meta"]["io.modelcontextprotocol/serverInfo"].is_object(), "{result}");
    // Without a word about it, a result that may be kept is stale at once.
    let got = server.ask(&Ask::modern("receipts/get", json!({ "uri": "r:1" }))).await.json();
    assert_eq!((&got["result"]["ttlMs"], &got["result"]["cacheScope"]), (&json!(0), &json!("private")));
    assert_eq!(got["result"]["params"]["uri"], "r:1");
    let signed = Ask::modern("receipts/sign", json!({ "_meta": declaring(json!({})) }));
    assert_eq!(server.ask(&signed).await.json()["result"].get("ttlMs"), None);

    let session = server.session("2025-11-25").await;
    let listed = server.ask(&Ask::legacy(&session, 1, "receipts/list", &json!({}))).await.json();
    assert_eq!(listed["result"], json!({ "receipts": [], "z": 1.5 }));
}

#[tokio::test]
async fn base_5_methods_are_not_found_where_the_revision_or_the_extension_is_not_there() {
    let server = server().await;
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18"] {
        let session = server.session(revision).await;
        let answer = server.ask(&Ask::legacy(&session, 1, "receipts/list", &json!({}))).await;
        assert_eq!((answer.status(), answer.code()), (200, Some(-32601)), "{revision}");
    }
    let answer = server.ask(&Ask::modern("receipts/burn", json!({}))).await;
    assert_eq!((answer.status(), answer.code()), (404, Some(-32601)));
    let without = Server::start().await;
    let answer = without.ask(&Ask::modern("receipts/list", json!({}))).await;
    assert_eq!((answer.status(), answer.code()), (404, Some(-32601)));
}

#[tokio::test]
async fn hdr_1_a_method_that_names_something_repeats_it_in_its_header() {
    let server = server().await;
    let ask = Ask::modern("receipts/get", json!({ "uri": "r:1" }));
    assert_eq!(server.ask(&ask.clone().replacing("Mcp-Name", "r:2")).await.code(), Some(-32020));
    assert_eq!(server.ask(&ask.without("Mcp-Name")).await.code(), Some(-32020));
}

#[tokio::test]
async fn ver_7_an_extension_may_insist_that_its_client_declares_it() {
    let server = server().await;
    let refused = server.ask(&Ask::modern("receipts/sign", json!({}))).await;
    assert_eq!((refused.status(), refused.code()), (400, Some(-32021)));
    let required = json!({ "requiredCapabilities": { "extensions": { RECEIPTS: {} } } });
    assert_eq!(refused.json()["error"]["data"], required);
    let declared = Ask::modern("receipts/sign", json!({ "_meta": declaring(json!({ "k": [1] })) }));
    assert_eq!(server.ask(&declared).await.json()["result"]["settings"], json!({ "k": [1] }));

    for (capabilities, code) in
        [(json!({ "extensions": { RECEIPTS: {} } }), None), (json!({ "extensions": {} }), Some(-32602))]
    {
        let opened = server.ask(&initialize("2025-11-25", &capabilities)).await;
        let session = opened.header("mcp-session-id").unwrap().to_owned();
        let answer = server.ask(&Ask::legacy(&session, 1, "receipts/sign", &json!({}))).await;
        assert_eq!(answer.code(), code, "{answer:?}");
    }
}

#[tokio::test]
async fn a_result_that_is_no_object_goes_to_the_log_under_a_reference() {
    let server = server().await;
    let lost = server.ask(&Ask::modern("receipts/lose", json!({}))).await;
    assert_eq!((lost.status(), lost.code()), (200, Some(-32603)));
    assert!(lost.json()["error"]["message"].as_str().unwrap().contains("reference"), "{lost:?}");
    server.assert_serves().await;
}

#[tokio::test]
async fn gw_6_a_method_comes_and_goes_with_the_source_that_claims_it() {
    let server = Server::start().await;
    let source = LocalSource::new("upstream");
    source.extend(Arc::new(Receipts));
    let list = Ask::modern("receipts/list", json!({}));
    assert_eq!(server.ask(&list).await.code(), Some(-32601));
    server.engine.catalog().load(Arc::new(source)).await.unwrap();
    assert_eq!(server.ask(&list).await.json()["result"]["receipts"], json!([]));
    let discovered = server.ask(&Ask::modern("server/discover", json!({}))).await.json();
    assert!(discovered["result"]["capabilities"]["extensions"][RECEIPTS].is_object(), "{discovered}");
    server.engine.catalog().unload("upstream").await.unwrap();
    assert_eq!(server.ask(&list).await.code(), Some(-32601));
}

/// Loads two sources of which the second is refused, and returns the reason.
async fn refusal(first: Arc<dyn Extension>, second: Arc<dyn Extension>) -> String {
    let server = Server::start().await;
    let load = |name: &str, extension| {
        let source = LocalSource::new(name);
        source.extend(extension);
        server.engine.catalog().load(Arc::new(source))
    };
    load("one", first).await.unwrap();
    let before = server.engine.catalog().snapshot().epoch();
    let refused = load("two", second).await.unwrap_err().to_string();
    assert_eq!(server.engine.catalog().snapshot().epoch(), before);
    refused
}

/// An extension of which only the definition matters.
#[derive(Debug)]
struct Named(ExtensionDefinition);

impl Extension for Named {
    fn definition(&self) -> ExtensionDefinition {
        self.0.clone()
    }

    fn call(&self, _: ExtensionCall) -> BoxFuture<'static, Result<ExtensionResult, CallError>> {
        Box::pin(async { Err(CallError::NoResource) })
    }
}

#[tokio::test]
async fn extensions_that_contradict_each_other_are_refused_with_the_mend() {
    let named = |id: &str| ExtensionDefinition::new(id.parse().unwrap());
    let other_settings = Named(named(RECEIPTS));
    let reason = refusal(Arc::new(Receipts), Arc::new(other_settings)).await;
    assert!(reason.contains("source \"two\"") && reason.contains("other settings"), "{reason}");
    let same_method = Named(named("com.example/other").method(ExtensionMethod::new("receipts/get")));
    let reason = refusal(Arc::new(Receipts), Arc::new(same_method)).await;
    assert!(reason.contains("\"receipts/get\"") && reason.contains("leave one"), "{reason}");
    for method in ["tools/call", "no name"] {
        let faulty = Named(named("com.example/other").method(ExtensionMethod::new(method)));
        let reason = refusal(Arc::new(Receipts), Arc::new(faulty)).await;
        assert!(reason.contains(method), "{reason}");
    }
    let listed = Named(named("com.example/other").settings(RawJson::parse("[]").unwrap()));
    assert!(refusal(Arc::new(Receipts), Arc::new(listed)).await.contains("no object"));
}

#[tokio::test]
async fn dual_4_on_a_byte_stream_extensions_are_served_too() {
    let server = server().await;
    let (near, far) = tokio::io::duplex(1 << 16);
    let (input, output) = tokio::io::split(far);
    let never = std::future::pending();
    let engine = server.engine.clone();
    let serving = latimer_transport::stream::serve(
        engine,
        latimer_transport::stream::StreamOptions::default(),
        Principal::anonymous(),
        Peer::Local,
        input,
        output,
        never,
    );
    tokio::spawn(serving);
    let (output, mut input) = tokio::io::split(near);
    let mut output = BufReader::new(output).lines();
    let asks = [
        Ask::modern("receipts/list", json!({})),
        Ask::initialize("2025-11-25"),
        Ask::legacy("", 2, "receipts/list", &json!({})),
    ];
    for ask in asks {
        input.write_all(&[&ask.body[..], b"\n"].concat()).await.unwrap();
        let line = in_time(output.next_line()).await.unwrap().unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert!(answer["result"].is_object(), "{answer}");
    }
}
