//! Tools, a prompt and a resource that ask.

use std::time::Duration;

use latimer_core::call::Outcome;
use latimer_core::local::LocalEntry;
use latimer_core::source::Requirement;
use latimer_core::{AskError, CallError, Context};
use latimer_protocol::RawJson;
use latimer_protocol::wire::{
    CompleteResult, CreateMessageParams, ElicitAction, ElicitResult, GetPromptResult, Prompt, PromptMessage,
    ReadResourceResult, Resource, ResourceContents, SamplingContent, Tool,
};

use super::server::{Bench, argument, handler, text};

/// All of them; `description` is what the tools say of themselves.
pub(crate) fn entries(bench: &Bench, description: &'static str) -> Vec<LocalEntry> {
    let tool = |name: &str, run: fn(Context, Bench, RawJson) -> Run| {
        let bench = bench.clone();
        let schema = r#"{"type":"object","properties":{"n":{}}}"#;
        let mut tool = Tool::new(name, RawJson::parse(schema).unwrap());
        tool.description = Some(description.to_owned());
        let run = handler(move |call| {
            let n = RawJson::from_serialize(&argument(&call, "n")).unwrap();
            run(call.context, bench.clone(), n)
        });
        LocalEntry::tool(&tool, run).unwrap()
    };
    let mut prompt = Prompt::new("asks");
    prompt.arguments = serde_json::from_str(r#"[{"name":"who"}]"#).unwrap();
    vec![
        tool("elicits", |cx, _, _| Box::pin(async move { Ok(text(&name(&cx, "name").await?)) })),
        tool("elicits_indeed", |cx, _, _| Box::pin(async move { Ok(text(&name(&cx, "name").await?)) }))
            .requiring([Requirement::Elicitation]),
        tool("asks_the_model", |cx, _, _| Box::pin(async move { Ok(text(&sample(&cx).await?)) })),
        tool("asks_the_model_later", |cx, _, _| {
            Box::pin(async move {
                let params = CreateMessageParams::text("Say something", 10);
                let result = cx.sample_later("model", params, Duration::from_secs(60)).await?;
                Ok(text(&result.content.to_text()))
            })
        }),
        tool("asks_for_roots", |cx, _, _| {
            Box::pin(async move {
                let uris: Vec<_> = cx.roots().await?.into_iter().map(|root| root.uri).collect();
                Ok(text(&uris.join(" ")))
            })
        }),
        tool("two_at_once", |cx, _, _| {
            Box::pin(async move {
                let (name, said) = tokio::join!(name(&cx, "name"), sample(&cx));
                Ok(text(&format!("{} {}", name?, said?)))
            })
        }),
        // Two rounds, with something before, between and after that happens once.
        tool("two_rounds", |cx, bench, n| {
            Box::pin(async move {
                let first = made(&cx, &bench, "first").await?;
                let one = name(&cx, "one").await?;
                let second = made(&cx, &bench, "second").await?;
                let two = name(&cx, "two").await?;
                let third = made(&cx, &bench, "third").await?;
                Ok(text(&format!("{one} {two} {first}{second}{third} {n}")))
            })
        }),
        // One branch has something to read before it asks.
        tool("reads_before_it_asks", |cx, bench, _| {
            Box::pin(async move {
                let slow = async {
                    if let Ok(read) = bench.gate.acquire().await {
                        read.forget();
                    }
                    name(&cx, "slow").await
                };
                let quick = async {
                    let one = name(&cx, "one").await?;
                    Ok::<_, AskError>(format!("{one} {}", name(&cx, "two").await?))
                };
                let (slow, quick) = tokio::join!(slow, quick);
                Ok(text(&format!("{} {}", slow?, quick?)))
            })
        }),
        // What happens once takes as long as the gate says.
        tool("takes_long_once", |cx, bench, _| {
            Box::pin(async move {
                let who = name(&cx, "name").await?;
                let made = cx.once("made", async {
                    bench.started.send_modify(|started| *started += 1);
                    if let Ok(permit) = bench.gate.acquire().await {
                        permit.forget();
                    }
                    Ok::<_, AskError>("made".to_owned())
                });
                Ok(text(&format!("{who} {}", made.await?)))
            })
        }),
        tool("swallows", |cx, bench, _| {
            Box::pin(async move {
                let answer = name(&cx, "name").await.unwrap_or_else(|_| "no answer".to_owned());
                bench.made.send_modify(|made| *made += 1);
                Ok(text(&answer))
            })
        }),
        tool("spawns", |cx, _, _| {
            Box::pin(async move {
                let asked = tokio::spawn(async move { name(&cx, "name").await });
                match asked.await? {
                    Err(AskError::Misplaced) => Ok(text("misplaced")),
                    other => Ok(text(&format!("{other:?}"))),
                }
            })
        }),
        tool("asks_inside_once", |cx, bench, _| {
            Box::pin(async move {
                let name = cx.once("name", async {
                    let name = name(&cx, "inside").await?;
                    bench.made.send_modify(|made| *made += 1);
                    Ok::<_, AskError>(name)
                });
                let name = name.await?;
                let other = self::name(&cx, "other").await?;
                Ok(text(&format!("{name} {other}")))
            })
        }),
        tool("gives_up", |cx, bench, _| {
            Box::pin(async move {
                bench.started.send_modify(|count| *count += 1);
                tokio::select! {
                    name = name(&cx, "name") => Ok(text(&name?)),
                    _ = bench.gate.acquire() => Ok(text("gave up")),
                }
            })
        }),
        tool("opens_a_page", |cx, _, _| {
            Box::pin(async move {
                let ticket = cx.ticket("page");
                cx.elicit_url("page", "Look", "https://example.com/").await?;
                ticket.done().await;
                Ok(text("seen"))
            })
        }),
        LocalEntry::prompt(
            &prompt,
            handler(|call| async move {
                let name = name(&call.context, "name").await?;
                Ok(GetPromptResult::new([PromptMessage::user(name)]).into())
            }),
        )
        .unwrap()
        .with_completer(handler(|call| async move {
            let asked = name(&call.context, "name").await;
            Ok(CompleteResult::new([if asked == Err(AskError::Misplaced) { "misplaced" } else { "asked" }])
                .into())
        })),
        LocalEntry::resource(
            &Resource::new("test://asks", "asks"),
            handler(|call| async move {
                let name = name(&call.context, "name").await?;
                Ok(ReadResourceResult::new([ResourceContents::text("test://asks", name)]).into())
            }),
        )
        .unwrap(),
    ]
}

type Run = latimer_core::BoxFuture<'static, Outcome>;

/// Asks for a name of two letters and more.
async fn name(cx: &Context, key: &str) -> Result<String, AskError> {
    let schema =
        r#"{"type":"object","properties":{"name":{"type":"string","minLength":2}},"required":["name"]}"#;
    let ElicitResult { action, content } =
        cx.elicit_form(key, "Your name?", RawJson::parse(schema).unwrap()).await?;
    match (action, content) {
        (ElicitAction::Accept, Some(content)) => {
            let content: serde_json::Value = content.to().unwrap();
            Ok(content["name"].as_str().unwrap().to_owned())
        }
        (ElicitAction::Decline, _) => Err(AskError::Declined),
        _ => Err(AskError::Cancelled),
    }
}

async fn sample(cx: &Context) -> Result<String, AskError> {
    let result = cx.sample("model", CreateMessageParams::text("Say something", 10)).await?;
    let [SamplingContent::Text(text)] = &result.content.0[..] else { return Ok("no text".to_owned()) };
    Ok(text.text.clone())
}

/// Something that happens once, and is counted.
async fn made(cx: &Context, bench: &Bench, key: &str) -> Result<usize, CallError> {
    cx.once(key, async {
        tokio::task::yield_now().await;
        bench.made.send_modify(|made| *made += 1);
        Ok(*bench.made.borrow())
    })
    .await
}
