//! The span of a call, as a subscriber sees it (TR-2).

#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use bytestring::ByteString;
use latimer::prelude::*;
use latimer::{Peer, Principal, Revision};
use latimer_core::Client;
use latimer_core::engine::{Caller, Request};
use latimer_protocol::{Frame, Limits, Message};
use tracing::field::{Field, Visit};
use tracing::{Level, Subscriber, span};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[derive(Clone, Default, Debug)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

/// Keeps the fields of each span, and with each event those of the spans around it.
#[derive(Clone, Default)]
struct Seen {
    spans: Arc<Mutex<Vec<Fields>>>,
    events: Arc<Mutex<Vec<Fields>>>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: LayerContext<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: LayerContext<'_, S>) {
        let span = context.span(id).unwrap();
        values.record(span.extensions_mut().get_mut::<Fields>().unwrap());
    }

    fn on_close(&self, id: span::Id, context: LayerContext<'_, S>) {
        let fields = context.span(&id).unwrap().extensions().get::<Fields>().unwrap().clone();
        self.spans.lock().unwrap().push(fields);
    }

    fn on_event(&self, event: &tracing::Event<'_>, context: LayerContext<'_, S>) {
        let around = context.event_span(event).map(|span| span.extensions().get::<Fields>().unwrap().clone());
        self.events.lock().unwrap().extend(around);
    }
}

#[tool(inline)]
fn works() -> &'static str {
    tracing::info!("working");
    "done"
}

#[tool(inline)]
fn panics() {
    panic!("on purpose");
}

/// What is seen of a call: the spans that were closed, and the events within them.
async fn seen(level: Level, tool: &str, meta: &str) -> (Vec<Fields>, Vec<Fields>) {
    let engine = Server::new("s").tool(works).tool(panics).build().await.unwrap();
    let seen = Seen::default();
    let filter = tracing_subscriber::filter::LevelFilter::from_level(level);
    let subscriber = tracing_subscriber::registry().with(seen.clone().with_filter(filter));
    let _default = tracing::subscriber::set_default(subscriber);
    let text = ByteString::from(format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","_meta":{{{meta}}}}}}}"#
    ));
    let Ok(Frame::Message(Message::Request(request))) = Frame::decode(&text, &Limits::default()) else {
        panic!("not a request")
    };
    let revision = Revision::V2025_11_25;
    let caller = Caller {
        revision,
        principal: Principal::anonymous(),
        peer: Peer::Local,
        session: None,
        scope: None,
        client: Client::default(),
        log_level: None,
        trace: None,
    };
    let method = engine.method(&request.method, revision).unwrap();
    let params = request.params.detach(&text);
    let reply = engine.begin(Request { id: 1_u64.into(), method, params, caller }).await;
    assert!(reply.is_some());
    let (spans, events) = (seen.spans.lock().unwrap().clone(), seen.events.lock().unwrap().clone());
    (spans, events)
}

fn with_parent() -> String {
    format!(r#""traceparent":"{PARENT}""#)
}

#[tokio::test]
async fn tr_2_a_call_of_a_trace_has_a_span_by_the_conventions_and_its_log_lines_carry_it() {
    let (spans, events) = seen(Level::INFO, "works", &with_parent()).await;
    assert_eq!((spans.len(), events.len()), (1, 1));
    for fields in [&spans[0].0, &events[0].0] {
        for (name, value) in [
            ("otel.name", "tools/call works"),
            ("otel.kind", "server"),
            ("mcp.method.name", "tools/call"),
            ("mcp.protocol.version", "2025-11-25"),
            ("gen_ai.tool.name", "works"),
            ("trace_id", "0af7651916cd43dd8448eb211c80319c"),
            ("parent_id", "b7ad6b7169203331"),
        ] {
            assert_eq!(fields.get(name).map(String::as_str), Some(value), "{fields:?}");
        }
        assert!(!fields.contains_key("mcp.resource.uri") && !fields.contains_key("mcp.session.id"));
    }
}

#[tokio::test]
async fn a_panic_is_logged_within_the_span_of_its_call() {
    let (_, events) = seen(Level::INFO, "panics", &with_parent()).await;
    assert!(events.iter().any(|fields| fields.0.contains_key("trace_id")), "{events:?}");
}

#[tokio::test]
async fn a_call_outside_of_traces_has_a_span_only_for_those_who_look_closely() {
    for meta in ["", r#""traceparent":"garbage""#] {
        let (spans, events) = seen(Level::INFO, "works", meta).await;
        assert_eq!((spans.len(), events.len()), (0, 0));
        let (spans, _) = seen(Level::DEBUG, "works", meta).await;
        assert_eq!(spans.len(), 1);
        assert!(!spans[0].0.contains_key("trace_id"), "{spans:?}");
    }
    assert!(seen(Level::WARN, "works", &with_parent()).await.0.is_empty());
}

#[tokio::test]
async fn a_long_name_is_cut_short() {
    let (spans, _) = seen(Level::INFO, &"x".repeat(100_000), &with_parent()).await;
    assert_eq!(spans[0].0["gen_ai.tool.name"], "x".repeat(128));
}
