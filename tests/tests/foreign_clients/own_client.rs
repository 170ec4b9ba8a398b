//! Our own client, `latimer-client`: is asked in the order of the columns of `asking.json`.

use std::{future::Future, time::Duration};

use latimer_client::{
    CallOutcome, Client, Command, ElicitationModes, EraPreference, Event, Filter, Options, Refusal, Started,
    Target as Server,
};
use latimer_protocol::{
    RawJson, Revision,
    wire::{
        CreateMessageResult, ElicitAction, ElicitParams, ElicitResult, Role, SamplingContents, TaskStatus,
    },
};
use latimer_tests::{cell::Cell, client::Target};
use serde_json::Value;
use tokio::sync::watch;

use crate::asking::{Answers, Cannot, Seen, answered, both_answered, cell, contains, ensure, text};

const DEED_LIMIT: Duration = Duration::from_secs(30);

/// Does all deeds on `revision` and reports one cell for each.
pub(crate) async fn deeds(revision: Revision, target: &Target, demo: &Value) -> Vec<Cell> {
    let answers = Answers::default();
    let client = match limited(connect(revision, target, &answers)).await {
        Ok(client) => client,
        Err(error) => return vec![cell("connect", Err(error))],
    };
    let mut cells = vec![cell("connect", Ok(client.info().revision().to_string()))];
    cells.push(cell("elicit", limited(elicit(&client, &answers, &demo["elicit"])).await));
    cells.push(cell("sample", limited(sample(&client, &answers, &demo["sample"])).await));
    cells.push(cell("ask_two", limited(ask_two(&client, &answers, &demo["ask_two"])).await));
    answers.nobody();
    cells.push(cell("progress", limited(progress(&client, &demo["progress"])).await));
    cells.push(cell("cancel", limited(cancel(&client, demo)).await));
    cells.push(cell("task", limited(task(&client, &answers, &demo["task"])).await));
    answers.nobody();
    cells.push(cell("resource_updated", limited(resource_updated(&client, &demo["resource_updated"])).await));
    cells.push(cell("list_changed", limited(list_changed(&client, &demo["list_changed"])).await));
    client.close().await;
    cells
}

async fn limited<T>(
    deed: impl Future<Output = Result<T, crate::asking::Fault>>,
) -> Result<T, crate::asking::Fault> {
    tokio::time::timeout(DEED_LIMIT, deed).await.unwrap_or_else(|_| Err("no end".into()))
}

async fn connect(
    revision: Revision,
    target: &Target,
    answers: &Answers,
) -> Result<Client, crate::asking::Fault> {
    let era = match revision {
        Revision::V2026_07_28 => EraPreference::Modern,
        older => EraPreference::Legacy(older),
    };
    let (user, model) = (answers.clone(), answers.clone());
    let options = Options::default()
        .with_era(era)
        .with_elicitation(ElicitationModes::Form, move |params| fill(user.clone(), params))
        .with_sampling(move |params| {
            let model = model.clone();
            async move {
                let messages = serde_json::to_value(&params.messages).map_err(refused)?;
                let said = model.model(messages).await.map_err(Refusal::rejected)?;
                Ok(CreateMessageResult {
                    role: Role::Assistant,
                    content: SamplingContents::text(text(&said)),
                    model: "a model of the test".to_owned(),
                    stop_reason: None,
                })
            }
        })
        // With somebody who hears, the client keeps a stream open for what belongs to no call (LH-6).
        .with_notifications(|_| {});
    let server = match target {
        Target::Http(server) => Server::http(server.url())?,
        Target::Socket(server) => Server::parse(&server.place().to_string())?,
        Target::Stdio(command) => Command::new(&command[0]).args(&command[1..]).into(),
    };
    Ok(Client::connect(server, options).await?)
}

async fn fill(answers: Answers, params: ElicitParams) -> Result<ElicitResult, Refusal> {
    let ElicitParams::Form(form) = params else { return Err(Refusal::invalid("not a form")) };
    let schema = form.requested_schema.to().map_err(refused)?;
    let filled = answers.user(schema).await.map_err(Refusal::rejected)?;
    let content = RawJson::from_serialize(&filled).map_err(refused)?;
    Ok(ElicitResult { action: ElicitAction::Accept, content: Some(content) })
}

fn refused(error: impl std::fmt::Display) -> Refusal {
    Refusal::invalid(error.to_string())
}

async fn elicit(client: &Client, answers: &Answers, demo: &Value) -> Seen {
    answers.fill(demo);
    answered(&asked(client, demo).await?, demo)
}

async fn sample(client: &Client, answers: &Answers, demo: &Value) -> Seen {
    answers.say(demo);
    let said = call(client, demo).await?;
    contains(&said, &demo["answer"])?;
    Ok(said)
}

async fn ask_two(client: &Client, answers: &Answers, demo: &Value) -> Seen {
    answers.both(demo);
    both_answered(asked(client, demo).await?, demo)
}

/// Calls a tool that asks for a form. Before 2025-06-18 no client can be asked: the server has to say so.
async fn asked(client: &Client, demo: &Value) -> Seen {
    let said = call(client, demo).await;
    if client.info().revision() >= Revision::V2025_06_18 {
        return said;
    }
    match said {
        Err(error) if error.to_string().contains("elicitation") => Err(Cannot(error.to_string()).into()),
        other => other,
    }
}

async fn progress(client: &Client, demo: &Value) -> Seen {
    let mut seen = Vec::new();
    let outcome = client
        .call_tool(&text(&demo["tool"]), RawJson::from_serialize(&demo["arguments"])?)
        .on_progress(|report| seen.push(report.progress))
        .await?;
    read(&outcome)?;
    let at_least = usize::try_from(demo["at_least"].as_u64().unwrap_or(1))?;
    ensure(seen.len() >= at_least, || format!("only {} progress notifications", seen.len()))?;
    ensure(seen.is_sorted_by(|a, b| a < b), || format!("progress does not grow: {seen:?}"))?;
    Ok(format!("{seen:?}"))
}

/// Whoever drops a call cancels it.
async fn cancel(client: &Client, demo: &Value) -> Seen {
    let (begun, mut has_begun) = watch::channel(false);
    let arguments = RawJson::from_serialize(&demo["cancel"]["arguments"])?;
    let name = text(&demo["cancel"]["tool"]);
    let running = client.call_tool(&name, arguments).on_progress(move |_| {
        begun.send_replace(true);
    });
    tokio::select! {
        outcome = running => return Err(format!("the call ended with {outcome:?}").into()),
        begun = has_begun.wait_for(|begun| *begun) => drop(begun?),
    }
    let echo = &demo["echo"];
    let arguments = serde_json::json!({ text(&echo["argument"]): "still there" });
    let outcome = client.call_tool(&text(&echo["tool"]), RawJson::from_serialize(&arguments)?).await?;
    let said = read(&outcome)?;
    ensure(said.ends_with("still there"), || format!("afterwards echo said {said}"))?;
    Ok("dropped at the first progress notification; the connection goes on".to_owned())
}

async fn task(client: &Client, answers: &Answers, demo: &Value) -> Seen {
    answers.fill(demo);
    let arguments = RawJson::from_serialize(&demo["arguments"])?;
    let started = client.call_tool(&text(&demo["tool"]), arguments).as_task(None).await;
    if client.info().revision() < Revision::V2025_11_25 {
        // The wish for a task cannot be said, and the tool runs like any other.
        return match started? {
            Started::Done(outcome) => {
                Err(Cannot(format!("no task, but at once: {}", read(&outcome)?)).into())
            }
            Started::Task(handle) => Err(format!("the task {}", handle.id()).into()),
        };
    }
    let Started::Task(handle) = started? else { return Err("the server made no task of the call".into()) };
    let outcome = handle.result().await?;
    let said = read(&outcome)?;
    contains(&said, &demo["text"])?;
    let status = handle.status().await?.status;
    ensure(status == TaskStatus::Completed, || format!("the task is {status:?}"))?;
    Ok(said)
}

async fn resource_updated(client: &Client, demo: &Value) -> Seen {
    let wanted = text(&demo["uri"]);
    let mut subscription = client.listen(Filter::default().uri(&wanted)).await?;
    ensure(subscription.honoured().uris == [wanted.clone()], || "the server does not honour it".to_owned())?;
    call(client, demo).await?;
    while let Some(event) = subscription.next().await? {
        if let Event::ResourceUpdated { uri } = event
            && uri == wanted
        {
            return Ok(uri);
        }
    }
    Err("the subscription ended".into())
}

async fn list_changed(client: &Client, demo: &Value) -> Seen {
    let mut subscription = client.listen(Filter::lists()).await?;
    ensure(subscription.honoured().resources, || "the server does not honour it".to_owned())?;
    ensure(!has(client, demo).await?, || "it is there already".to_owned())?;
    call(client, demo).await?;
    while let Some(event) = subscription.next().await? {
        if event == Event::ResourcesChanged {
            ensure(has(client, demo).await?, || "it is not there now".to_owned())?;
            return Ok(text(&demo["uri"]));
        }
    }
    Err("the subscription ended".into())
}

async fn has(client: &Client, demo: &Value) -> Result<bool, crate::asking::Fault> {
    let uri = text(&demo["uri"]);
    Ok(client.list_resources().await?.iter().any(|resource| resource.key() == uri))
}

async fn call(client: &Client, demo: &Value) -> Seen {
    let arguments = RawJson::from_serialize(&demo["arguments"])?;
    read(&client.call_tool(&text(&demo["tool"]), arguments).await?)
}

fn read(outcome: &CallOutcome) -> Seen {
    ensure(!outcome.is_error(), || format!("the result is an error: {}", outcome.text()))?;
    Ok(outcome.text())
}
