//! The server under test: a handful of tools that misbehave on demand, on a port of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use latimer_core::ask::SealKeys;
use latimer_core::call::{Answer, Call, Operation, Outcome};
use latimer_core::local::{EntryHandler, EntryKind, LocalEntry, LocalSource};
use latimer_core::source::Requirement;
use latimer_core::{CallError, Engine, Limits};
use latimer_protocol::RawJson;
use latimer_protocol::wire::{
    CallToolResult, CompleteResult, ContentBlock, GetPromptResult, LogLevel, Prompt, PromptMessage,
    ReadResourceResult, Resource, ResourceContents,
};
use latimer_store::{Clock, Store};
use latimer_transport::TlsIdentity;
use latimer_transport::http::{self, Bound, HttpOptions};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinHandle;

/// What the tests see of the handlers, and how they let them go on.
#[derive(Clone)]
pub(crate) struct Bench {
    /// Handlers of waiting tools that have begun.
    pub(crate) started: watch::Sender<usize>,
    /// Handlers of waiting tools that ended by themselves.
    pub(crate) finished: watch::Sender<usize>,
    /// Handlers of waiting tools that were dropped before their end.
    pub(crate) dropped: watch::Sender<usize>,
    /// Values that were made once.
    pub(crate) made: watch::Sender<usize>,
    /// A permit for each waiting handler that may end.
    pub(crate) gate: Arc<Semaphore>,
}

/// Counts how a handler ended.
struct Guard {
    bench: Bench,
    finished: bool,
}

impl Bench {
    fn new() -> Self {
        let counter = || watch::Sender::new(0);
        Self {
            started: counter(),
            finished: counter(),
            dropped: counter(),
            made: counter(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    /// Begins a handler that ends when the gate lets it.
    pub(crate) async fn wait(&self) {
        let mut guard = self.begin();
        if let Ok(permit) = self.gate.acquire().await {
            permit.forget();
        }
        guard.finished = true;
    }

    fn begin(&self) -> Guard {
        self.started.send_modify(|count| *count += 1);
        Guard { bench: self.clone(), finished: false }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let counter = if self.finished { &self.bench.finished } else { &self.bench.dropped };
        counter.send_modify(|count| *count += 1);
    }
}

/// Waits until a counter reaches a value.
pub(crate) async fn reaches(counter: &watch::Sender<usize>, value: usize) {
    let mut receiver = counter.subscribe();
    let waiting = receiver.wait_for(|count| *count >= value);
    super::client::in_time(waiting).await.expect("the counter lives as long as the test");
}

/// How a server is set up.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) options: HttpOptions,
    pub(crate) tokens: Vec<(&'static str, &'static str)>,
    pub(crate) tls: Option<TlsIdentity>,
    pub(crate) name: Option<&'static str>,
    pub(crate) extensions: Vec<Arc<dyn latimer_core::Extension>>,
    /// Whether there are tools that can be tasks.
    pub(crate) tasks: bool,
    pub(crate) reruns: Option<bool>,
    pub(crate) clock: Option<Arc<dyn Clock>>,
    pub(crate) store: Option<Store>,
    /// In base64.
    pub(crate) seal_keys: Vec<String>,
    /// What the asking tools say of themselves.
    pub(crate) description: &'static str,
}

/// A server that listens.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) engine: Engine,
    pub(crate) bench: Bench,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn limited(limits: Limits) -> Self {
        Self::with(Setup { limits, ..Setup::default() }).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let (engine, bench) = engine(&setup).await;
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = Bound::open(loopback, setup.tls).await.unwrap();
        let address = bound.address();
        let (stop, stopped) = oneshot::channel();
        let serving = http::serve(bound, engine.clone(), setup.options, async {
            let _ = stopped.await;
        });
        let served = tokio::spawn(async move { serving.await.unwrap() });
        Self { address, engine, bench, stop: Some(stop), served }
    }

    /// Lets waiting handlers end.
    pub(crate) fn open_gate(&self, handlers: usize) {
        self.bench.gate.add_permits(handlers);
    }

    /// Asks the server to stop.
    pub(crate) fn stop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
    }

    /// Waits until the server has stopped.
    pub(crate) async fn stopped(self) {
        super::client::in_time(self.served).await.unwrap();
    }
}

/// An engine with the tools of the tests.
pub(crate) async fn engine(setup: &Setup) -> (Engine, Bench) {
    let bench = Bench::new();
    let mut builder = Engine::builder().limits(setup.limits.clone());
    if let Some(name) = setup.name {
        builder = builder.info(latimer_protocol::wire::Implementation::new(name, "1"));
    }
    if !setup.tokens.is_empty() {
        let mut tokens = latimer_core::identify::StaticTokens::default();
        for (token, name) in &setup.tokens {
            tokens = tokens.with(token, latimer_core::Principal::named(name, [""; 0]));
        }
        builder = builder.identify(Arc::new(tokens));
    }
    for extension in &setup.extensions {
        builder = builder.extension(extension.clone()).unwrap();
    }
    if let Some(reruns) = setup.reruns {
        builder = builder.reruns(reruns);
    }
    if let Some(clock) = &setup.clock {
        builder = builder.clock(clock.clone());
    }
    if let Some(store) = &setup.store {
        builder = builder.store(store.clone());
    }
    if !setup.seal_keys.is_empty() {
        builder = builder.seal_keys(SealKeys::new(setup.seal_keys.iter().map(String::as_str)).unwrap());
    }
    let engine = builder.build();
    let source = LocalSource::new("bench");
    for entry in entries(&bench).into_iter().chain(super::asking::entries(&bench, setup.description)) {
        source.insert(entry).unwrap();
    }
    if setup.tasks {
        super::tasking::entries(&bench).into_iter().for_each(|entry| source.insert(entry).unwrap());
    }
    engine.catalog().load(Arc::new(source)).await.unwrap();
    (engine, bench)
}

fn entries(bench: &Bench) -> Vec<LocalEntry> {
    let no_arguments = r#"{"type":"object"}"#;
    let waiting = |name: &'static str| {
        let bench = bench.clone();
        tool(name, no_arguments, move |_| {
            let bench = bench.clone();
            async move {
                bench.wait().await;
                Ok(text("waited"))
            }
        })
    };
    let noisy = {
        let bench = bench.clone();
        tool(
            "noisy",
            r#"{"type":"object","properties":{"count":{"type":"integer"}},"required":["count"]}"#,
            move |call| {
                let bench = bench.clone();
                async move {
                    let count: u32 = argument(&call, "count").as_u64().unwrap().try_into().unwrap();
                    for step in 1..=count {
                        call.context.progress(f64::from(step), f64::from(count), "a step of many");
                    }
                    bench.wait().await;
                    Ok(text("done"))
                }
            },
        )
    };
    let shouts = {
        let bench = bench.clone();
        tool("shouts", r#"{"type":"object"}"#, move |call| {
            let bench = bench.clone();
            async move {
                let count = argument(&call, "count").as_u64().unwrap();
                let text_of_a_kilobyte = "x".repeat(1_000);
                for step in 1..=u32::try_from(count).unwrap() {
                    call.context.progress(f64::from(step), None, &text_of_a_kilobyte);
                    if step % 16 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                bench.wait().await;
                Ok(text("done"))
            }
        })
    };
    let endless = {
        let bench = bench.clone();
        tool("endless", no_arguments, move |call| {
            let bench = bench.clone();
            async move {
                let _guard = bench.begin();
                let text_of_a_kilobyte = "x".repeat(1_000);
                let mut step = 0.0;
                loop {
                    step += 1.0;
                    call.context.progress(step, None, &text_of_a_kilobyte);
                    tokio::task::yield_now().await;
                }
            }
        })
    };
    let large = {
        let bench = bench.clone();
        tool("large", no_arguments, move |_| {
            let bench = bench.clone();
            async move {
                bench.wait().await;
                Ok(text(&"x".repeat(1_000_000)))
            }
        })
    };
    let polling = {
        let bench = bench.clone();
        tool("polling", no_arguments, move |call| {
            let bench = bench.clone();
            async move {
                call.context.disconnect(Duration::from_millis(20));
                bench.wait().await;
                Ok(text("after the pause"))
            }
        })
    };
    let mut entries = vec![
        tool(
            "echo",
            r#"{"type":"object","properties":{"message":{"type":"string"}},"required":["message"]}"#,
            |call| async move { Ok(text(argument(&call, "message").as_str().unwrap_or_default())) },
        ),
        tool("accept", r#"{"type":"object"}"#, |_| async { Ok(text("accepted")) }),
        tool("whoami", no_arguments, |call| async move { Ok(text(&call.context.principal().to_string())) }),
        tool("judges", r#"{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}"#, |call| async move {
            let ok = argument(&call, "ok") == true;
            let mut result = CallToolResult::text("judged");
            result.is_error = !ok;
            result.structured_content = Some(RawJson::parse(format!("{{\"z\":1.50,\"ok\":{ok}}}")).unwrap());
            Ok(result.into())
        }),
        waiting("wait"),
        noisy,
        shouts,
        endless,
        large,
        polling,
        tool("polling_at_once", no_arguments, |call| async move {
            call.context.disconnect(Duration::from_millis(20));
            Ok(text("after no pause"))
        }),
        tool("chatty", no_arguments, |call| async move {
            call.context.progress(1.0, 2.0, "half");
            call.context.log(LogLevel::Warning, None, "careful");
            call.context.log(LogLevel::Debug, None, "detail");
            call.context.progress(2.0, 2.0, "whole");
            Ok(text("said"))
        }),
        tool("logs_all", no_arguments, |call| async move {
            for level in LogLevel::ALL {
                call.context.log(level, Some("bench"), &serde_json::json!({ "level": level }));
            }
            Ok(text("said"))
        }),
        tool("floods", r#"{"type":"object"}"#, |call| async move {
            let number = |name| usize::try_from(argument(&call, name).as_u64().unwrap()).unwrap();
            let message = "x".repeat(number("bytes"));
            for _ in 0..number("count") {
                call.context.log(LogLevel::Error, None, &message);
            }
            Ok(text("said"))
        }),
        tool("rooted", no_arguments, |call| async move {
            let roots = call.context.roots().await.map_err(CallError::from)?;
            Ok(text(&roots.into_iter().map(|root| root.uri).collect::<Vec<_>>().join(" ")))
        }),
        tool("panics", no_arguments, |_| async { panic!("the secret of the panic") }),
        tool("panics_later", no_arguments, |_| async {
            tokio::task::yield_now().await;
            panic!("the secret of the panic")
        }),
        tool("fails", no_arguments, |_| async {
            Err(CallError::from(std::io::Error::other("the secret of the failure")))
        }),
        tool("breaks_its_promise", no_arguments, |_| async { Ok(text("no structured content")) }),
        tool("samples", no_arguments, |_| async { Ok(text("sampled")) })
            .requiring([Requirement::Sampling]),
        tool(
            "located",
            r#"{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"zone":{"type":"integer","x-mcp-header":"Zone"}}}"#,
            |_| async { Ok(text("located")) },
        ),
        LocalEntry::new(
            EntryKind::Tool,
            "rich".to_owned(),
            RawJson::parse(
                r#"{"name":"rich","title":"Rich","description":"Everything.","icons":[{"src":"https://example.com/i.png"}],
                "inputSchema":{"type":"object"},"outputSchema":{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]},
                "annotations":{"title":"Rich","readOnlyHint":true},"_meta":{"example.com/m":1}}"#,
            )
            .unwrap(),
            handler(|_| async {
                let mut result = CallToolResult::new([
                    ContentBlock::text("text"),
                    ContentBlock::image(b"i", "image/png"),
                    ContentBlock::audio(b"a", "audio/wav"),
                    ContentBlock::link("data:,linked", "link"),
                    ContentBlock::resource(ResourceContents::text("data:,embedded", "embedded")),
                ]);
                result.structured_content = Some(RawJson::parse(r#"{"n":1}"#).unwrap());
                Ok(result.into())
            }),
        ),
    ];
    entries.push(
        LocalEntry::resource(
            &Resource::new("test://static", "static"),
            handler(|_| async {
                Ok(ReadResourceResult::new([ResourceContents::text("test://static", "static text")]).into())
            }),
        )
        .unwrap(),
    );
    entries.push(
        LocalEntry::resource(
            &Resource::new("test://panics", "panics"),
            handler(|_| async { panic!("the secret of the panic") }),
        )
        .unwrap(),
    );
    let mut prompt = Prompt::new("greeting");
    prompt.arguments = serde_json::from_str(r#"[{"name":"who","required":true}]"#).unwrap();
    entries.push(
        LocalEntry::prompt(
            &prompt,
            handler(|_| async {
                Ok(GetPromptResult::new([PromptMessage::user(ContentBlock::text("hello"))]).into())
            }),
        )
        .unwrap()
        .with_completer(handler(|_| async { Ok(CompleteResult::new(["world"]).into()) })),
    );
    entries
}

fn tool<F, W>(name: &str, schema: &'static str, run: F) -> LocalEntry
where
    F: Fn(Call) -> W + Send + Sync + 'static,
    W: Future<Output = Outcome> + Send + 'static,
{
    let tool = latimer_protocol::wire::Tool::new(name, RawJson::parse(schema).unwrap());
    LocalEntry::tool(&tool, handler(run)).unwrap()
}

pub(crate) fn handler<F, W>(run: F) -> EntryHandler
where
    F: Fn(Call) -> W + Send + Sync + 'static,
    W: Future<Output = Outcome> + Send + 'static,
{
    Arc::new(move |call| Box::pin(run(call)))
}

pub(crate) fn argument(call: &Call, name: &str) -> serde_json::Value {
    let Operation::CallTool { arguments, .. } = &call.operation else { panic!("not a tool call") };
    let arguments: serde_json::Value = serde_json::from_str(arguments.as_str()).unwrap();
    arguments[name].clone()
}

pub(crate) fn text(text: &str) -> Answer {
    CallToolResult::text(text).into()
}
