//! Trace context: `_meta` in every era, headers over HTTP (TR-1, TR-2).

use std::sync::Arc;

use latimer_core::extension::{
    Extension, ExtensionCall, ExtensionDefinition, ExtensionMethod, ExtensionResult,
};
use latimer_core::trace::{Baggage, TraceState};
use latimer_core::{BoxFuture, CallError, Principal};
use latimer_protocol::RawJson;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::client::{Ask, in_time};
use super::server::{Server, Setup};

const ONE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TWO: &str = "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-00";

/// Tells the trace of its call.
#[derive(Debug)]
struct Tell;

impl Extension for Tell {
    fn definition(&self) -> ExtensionDefinition {
        let method = ExtensionMethod::new("trace/tell");
        ExtensionDefinition::new("com.example/trace".parse().unwrap()).method(method)
    }

    fn call(&self, call: ExtensionCall) -> BoxFuture<'static, Result<ExtensionResult, CallError>> {
        Box::pin(async move {
            let trace = call.context.trace();
            let trace = trace.as_ref();
            let told = json!({
                "parent": trace.and_then(|trace| trace.parent).map(|parent| parent.to_string()),
                "state": trace.and_then(|trace| trace.state.as_ref()).map(TraceState::as_str),
                "baggage": trace.and_then(|trace| trace.baggage.as_ref()).map(Baggage::as_str),
            });
            Ok(ExtensionResult::new(RawJson::from_serialize(&told)?))
        })
    }
}

async fn server() -> Server {
    Server::with(Setup { extensions: vec![Arc::new(Tell)], ..Setup::default() }).await
}

fn told(answer: &Value) -> [&Value; 3] {
    let result = &answer["result"];
    [&result["parent"], &result["state"], &result["baggage"]]
}

fn params(meta: &Value) -> Value {
    json!({ "_meta": meta })
}

#[tokio::test]
async fn tr_1_meta_is_read_in_both_eras() {
    let server = server().await;
    let session = server.session("2025-11-25").await;
    let meta = json!({ "traceparent": ONE, "tracestate": "a=1", "baggage": "k=v" });
    let modern = server.ask(&Ask::modern("trace/tell", params(&meta))).await.json();
    assert_eq!(told(&modern), [&json!(ONE), &json!("a=1"), &json!("k=v")]);
    let legacy = server.ask(&Ask::legacy(&session, 1, "trace/tell", &params(&meta))).await.json();
    assert_eq!(told(&legacy), [&json!(ONE), &json!("a=1"), &json!("k=v")]);
}

#[tokio::test]
async fn tr_2_headers_are_the_fallback_and_meta_wins() {
    let server = server().await;
    let session = server.session("2025-11-25").await;
    for ask in
        [Ask::modern("trace/tell", json!({})), Ask::legacy(&session, 1, "trace/tell", &params(&json!({})))]
    {
        let ask = ask.with("traceparent", TWO).with("tracestate", "b=2").with("tracestate", "c=3");
        let answer = server.ask(&ask.with("baggage", "x=y")).await.json();
        assert_eq!(told(&answer), [&json!(TWO), &json!("b=2,c=3"), &json!("x=y")]);
    }
    let both = Ask::modern("trace/tell", params(&json!({ "traceparent": ONE })));
    let both = both.with("traceparent", TWO).with("tracestate", "b=2").with("baggage", "x=y");
    let answer = server.ask(&both).await.json();
    assert_eq!(told(&answer), [&json!(ONE), &Value::Null, &json!("x=y")]);
}

#[tokio::test]
async fn tr_1_what_is_malformed_is_ignored_and_refuses_nothing() {
    let server = server().await;
    for meta in [
        json!({ "traceparent": "garbage", "tracestate": "a=1" }),
        json!({ "traceparent": 7, "tracestate": [], "baggage": {} }),
        json!({ "traceparent": ONE.to_uppercase(), "baggage": "x".repeat(100_000) }),
        json!({ "traceparent": "", "tracestate": "", "baggage": "" }),
    ] {
        let answer = server.ask(&Ask::modern("trace/tell", params(&meta))).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(told(&answer.json()), [&Value::Null; 3], "{meta}");
    }
    let odd = Ask::modern("trace/tell", json!({})).with("traceparent", ONE).with("traceparent", TWO);
    let answer = server.ask(&odd.with("baggage", "\u{e9}=1").with("tracestate", "a=1")).await;
    assert_eq!((answer.status(), told(&answer.json())), (200, [&Value::Null; 3]));
}

#[tokio::test]
async fn tr_1_on_a_byte_stream_meta_is_all_there_is() {
    let server = server().await;
    let (near, far) = tokio::io::duplex(1 << 16);
    let (input, output) = tokio::io::split(far);
    let (engine, anonymous) = (server.engine.clone(), Principal::anonymous());
    let never = std::future::pending();
    let peer = latimer_core::Peer::Local;
    tokio::spawn(latimer_transport::stream::serve(
        engine,
        latimer_transport::stream::StreamOptions::default(),
        anonymous,
        peer,
        input,
        output,
        never,
    ));
    let (output, mut input) = tokio::io::split(near);
    let ask = Ask::modern("trace/tell", params(&json!({ "traceparent": ONE })));
    input.write_all(&[&ask.body[..], b"\n"].concat()).await.unwrap();
    let line = in_time(BufReader::new(output).lines().next_line()).await.unwrap().unwrap();
    assert_eq!(told(&serde_json::from_str(&line).unwrap())[0], &json!(ONE));
}
