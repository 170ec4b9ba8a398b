//! Tools that can be tasks.

use latimer_core::call::Outcome;
use latimer_core::local::LocalEntry;
use latimer_core::{AskError, CallError, Context};
use latimer_protocol::wire::{CallToolResult, ElicitAction, LogLevel, TaskSupport, Tool, ToolExecution};
use latimer_protocol::{ErrorCode, RawJson, RpcError};

use super::server::{Bench, handler, text};

/// All of them.
pub(crate) fn entries(bench: &Bench) -> Vec<LocalEntry> {
    let tool = |name: &str, support: TaskSupport, run: fn(Context, Bench) -> Run| {
        let bench = bench.clone();
        let mut tool = Tool::new(name, RawJson::parse(r#"{"type":"object"}"#).unwrap());
        tool.execution = Some(ToolExecution { task_support: Some(support) });
        LocalEntry::tool(&tool, handler(move |call| run(call.context, bench.clone()))).unwrap()
    };
    let optional = |name: &str, run| tool(name, TaskSupport::Optional, run);
    vec![
        optional("may", |_, _| Box::pin(async { Ok(text("done")) })),
        tool("must", TaskSupport::Required, |_, _| Box::pin(async { Ok(text("done")) })),
        optional("waits", |_, bench| {
            Box::pin(async move {
                bench.wait().await;
                Ok(text("waited"))
            })
        }),
        optional("resumes", |cx, bench| {
            Box::pin(async move {
                let made = cx.once("made", async {
                    bench.made.send_modify(|made| *made += 1);
                    Ok::<_, AskError>(*bench.made.borrow())
                });
                let made = made.await?;
                bench.wait().await;
                Ok(text(&format!("made {made}")))
            })
        })
        .resumable(true),
        optional("fails_itself", |_, _| Box::pin(async { Ok(CallToolResult::error("no luck").into()) })),
        optional("is_refused", |_, _| {
            Box::pin(async { Err(CallError::Rpc(RpcError::new(ErrorCode(-32050), "not today"))) })
        }),
        tool("must_break", TaskSupport::Required, |_, _| {
            Box::pin(async { panic!("the secret of the panic") })
        }),
        optional("breaks", |_, _| {
            Box::pin(async {
                tokio::task::yield_now().await;
                panic!("the secret of the panic")
            })
        }),
        // Says something each time that the gate lets it.
        optional("tells", |cx, bench| {
            Box::pin(async move {
                for step in 1..=3 {
                    cx.progress(f64::from(step), 3.0, "a step");
                    cx.log(LogLevel::Warning, None, "a word");
                    cx.status(format!("step {step}"));
                    bench.started.send_modify(|count| *count += 1);
                    bench.gate.acquire().await.map(tokio::sync::SemaphorePermit::forget)?;
                }
                Ok(text("told"))
            })
        }),
        optional("asks_once", |cx, _| {
            Box::pin(async move { Ok(text(&format!("hello {}", name(&cx, "name").await?))) })
        }),
        optional("asks_twice", |cx, _| Box::pin(async move { two(&cx).await })),
        tool("must_ask_twice", TaskSupport::Required, |cx, _| Box::pin(async move { two(&cx).await })),
        optional("goes_on_and_ends", |cx, _| {
            Box::pin(async move {
                cx.into_task().await;
                Ok(text("done"))
            })
        }),
        optional("asks_before_and_inside", |cx, bench| {
            Box::pin(async move {
                let before = name(&cx, "before").await?;
                let is_task = cx.into_task().await;
                cx.status("thinking");
                cx.progress(1.0, None, "inside");
                let inside = name(&cx, "inside").await?;
                bench.wait().await;
                Ok(text(&format!("{before} {inside} {is_task} {}", cx.is_task())))
            })
        }),
    ]
}

type Run = latimer_core::BoxFuture<'static, Outcome>;

async fn two(cx: &Context) -> Outcome {
    let (one, two) = tokio::join!(name(cx, "one"), name(cx, "two"));
    Ok(text(&format!("{} {}", one?, two?)))
}

async fn name(cx: &Context, key: &str) -> Result<String, AskError> {
    let schema =
        r#"{"type":"object","properties":{"name":{"type":"string","minLength":2}},"required":["name"]}"#;
    let answer = cx.elicit_form(key, "Your name?", RawJson::parse(schema).unwrap()).await?;
    match (answer.action, answer.content) {
        (ElicitAction::Accept, Some(content)) => {
            let content: serde_json::Value = content.to().unwrap();
            Ok(content["name"].as_str().unwrap().to_owned())
        }
        _ => Err(AskError::Declined),
    }
}
