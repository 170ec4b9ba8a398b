//! The crate `rmcp` 3.x: is asked in the order of the columns of `asking.json`.
#![expect(deprecated, reason = "what 2026-07-28 deprecates, the sessions of the years before still have")]

use std::{future::Future, sync::Arc, time::Duration};

use latimer_tests::{cell::Cell, client::Target, process, table::Era};
use rmcp::{
    ClientHandler, ClientLifecycleMode, ClientServiceExt, RoleClient,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ClientConfig,
        CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult,
        ElicitationAction, ElicitationCapability, ErrorCode, ErrorData, GetTaskParams, Implementation,
        InputRequest, JsonObject, ProgressNotificationParam, ProgressToken, ProtocolVersion,
        ResourceUpdatedNotificationParam, SamplingCapability, SamplingMessage, ServerNotification,
        SubscribeRequestParams, SubscriptionFilter, TASKS_EXTENSION_ID, TaskPayload, UpdateTaskParams,
    },
    service::{NotificationContext, RequestContext, RunningService, ServiceError},
    transport::{StreamableHttpClientTransport, TokioChildProcess},
};
use serde_json::{Value, json};
use tokio::{process::Command, sync::watch};

use crate::{
    asking::{Answers, Cannot, Fault, Seen, answered, both_answered, cell, contains, ensure, fields, text},
    rust_sdk::{halves, start, text_of},
};

const DEED_LIMIT: Duration = Duration::from_secs(30);

type Client = RunningService<RoleClient, Host>;

/// Does all deeds against `target` and reports one cell for each.
pub(crate) async fn deeds(era: Era, target: &Target, demo: &Value) -> Vec<Cell> {
    let host = Host::default();
    let (answers, told) = (host.answers.clone(), Arc::clone(&host.told));
    let client = match limited(connect(era, target, host)).await {
        Ok(client) => client,
        Err(error) => return vec![cell("connect", Err(error))],
    };
    let revision = client.peer().peer_info().map(|info| info.protocol_version.to_string());
    let mut cells = vec![cell("connect", revision.ok_or_else(|| "no revision was agreed on".into()))];
    cells.push(cell("elicit", limited(elicit(&client, &answers, &demo["elicit"])).await));
    cells.push(cell("sample", limited(sample(&client, &answers, &demo["sample"])).await));
    cells.push(cell("ask_two", limited(ask_two(&client, &answers, &demo["ask_two"])).await));
    answers.nobody();
    cells.push(cell("progress", limited(progress(&client, &told, &demo["progress"])).await));
    cells.push(cell("cancel", limited(cancel(&client, &told, demo)).await));
    cells.push(cell("task", limited(task(era, &client, &answers, &demo["task"])).await));
    answers.nobody();
    let demo_of = &demo["resource_updated"];
    cells.push(cell("resource_updated", limited(resource_updated(era, &client, &told, demo_of)).await));
    let demo_of = &demo["list_changed"];
    cells.push(cell("list_changed", limited(list_changed(era, &client, &told, demo_of)).await));
    let _ = client.cancel().await;
    cells
}

async fn limited<T>(deed: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::time::timeout(DEED_LIMIT, deed).await.unwrap_or_else(|_| Err("no end".into()))
}

/// What the server told outside of any result.
#[derive(Default)]
struct Told {
    progress: watch::Sender<Vec<(ProgressToken, f64)>>,
    updated: watch::Sender<Vec<String>>,
    list_changes: watch::Sender<usize>,
}

/// A client that can be asked for forms and for the words of a model.
#[derive(Default)]
struct Host {
    answers: Answers,
    told: Arc<Told>,
}

impl ClientHandler for Host {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = Some(ElicitationCapability::default());
        capabilities.sampling = Some(SamplingCapability::default());
        capabilities.extensions = Some([(TASKS_EXTENSION_ID.to_owned(), JsonObject::new())].into());
        ClientConfig::new(capabilities, Implementation::new("rmcp", "3.9.0"))
    }

    async fn create_elicitation(
        &self,
        params: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        fill(&self.answers, params).await
    }

    async fn create_message(
        &self,
        params: CreateMessageRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        let messages = serde_json::to_value(&params.messages).map_err(refused)?;
        let said = self.answers.model(messages).await.map_err(refused)?;
        let message = SamplingMessage::assistant_text(text(&said));
        Ok(CreateMessageResult::new(message, "a model of the test".to_owned()))
    }

    async fn on_progress(&self, params: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.told.progress.send_modify(|seen| seen.push((params.progress_token, params.progress)));
    }

    async fn on_resource_updated(
        &self,
        params: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.told.updated.send_modify(|seen| seen.push(params.uri));
    }

    async fn on_resource_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.told.list_changes.send_modify(|seen| *seen += 1);
    }
}

async fn fill(answers: &Answers, params: ElicitRequestParams) -> Result<ElicitResult, ErrorData> {
    let ElicitRequestParams::FormElicitationParams { requested_schema, .. } = params else {
        return Err(refused("not a form"));
    };
    let schema = serde_json::to_value(&requested_schema).map_err(refused)?;
    let filled = answers.user(schema).await.map_err(refused)?;
    Ok(ElicitResult::new(ElicitationAction::Accept).with_content(filled))
}

fn refused(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::new(ErrorCode::INVALID_PARAMS, error.to_string(), None)
}

async fn connect(era: Era, target: &Target, host: Host) -> Result<Client, Fault> {
    let lifecycle = match era {
        Era::Legacy => ClientLifecycleMode::Initialize,
        Era::Modern => {
            ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
        }
    };
    let client = match target {
        Target::Http(server) => {
            let transport = StreamableHttpClientTransport::from_uri(server.url());
            host.serve_with_lifecycle(transport, lifecycle).await?
        }
        Target::Socket(server) => host.serve_with_lifecycle(halves(server.place()).await?, lifecycle).await?,
        Target::Stdio(command) => {
            let mut server = Command::from(process::command(&command[0]));
            server.args(&command[1..]);
            host.serve_with_lifecycle(TokioChildProcess::new(server)?, lifecycle).await?
        }
    };
    Ok(client)
}

async fn elicit(client: &Client, answers: &Answers, demo: &Value) -> Seen {
    answers.fill(demo);
    answered(&call(client, demo).await?, demo)
}

async fn sample(client: &Client, answers: &Answers, demo: &Value) -> Seen {
    answers.say(demo);
    let said = call(client, demo).await?;
    contains(&said, &demo["answer"])?;
    Ok(said)
}

async fn ask_two(client: &Client, answers: &Answers, demo: &Value) -> Seen {
    answers.both(demo);
    both_answered(call(client, demo).await?, demo)
}

async fn progress(client: &Client, told: &Told, demo: &Value) -> Seen {
    let running = start(client.peer(), demo).await?;
    let token = running.progress_token.clone();
    let rmcp::model::ServerResult::CallToolResult(result) = running.await_response().await? else {
        return Err("not the result of a call".into());
    };
    text_of(&result)?;
    let of_call = |seen: &[(ProgressToken, f64)]| -> Vec<f64> {
        seen.iter().filter(|(of, _)| *of == token).map(|(_, progress)| *progress).collect()
    };
    let at_least = usize::try_from(demo["at_least"].as_u64().unwrap_or(1))?;
    // The handler runs in a task of its own, so that the last notification may be counted after the result.
    let mut progress = told.progress.subscribe();
    let seen = of_call(&progress.wait_for(|seen| of_call(seen).len() >= at_least).await?.clone());
    ensure(seen.is_sorted_by(|a, b| a < b), || format!("progress does not grow: {seen:?}"))?;
    Ok(format!("{seen:?}"))
}

async fn cancel(client: &Client, told: &Told, demo: &Value) -> Seen {
    let running = start(client.peer(), &demo["cancel"]).await?;
    let token = running.progress_token.clone();
    told.progress.subscribe().wait_for(|seen| seen.iter().any(|(of, _)| *of == token)).await?;
    running.cancel(Some("the caller has seen enough".to_owned())).await?;
    let echo = &demo["echo"];
    let params = params(&json!({
        "tool": echo["tool"],
        "arguments": { text(&echo["argument"]): "still there" },
    }));
    let said = text_of(&client.call_tool(params).await?)?;
    ensure(said.ends_with("still there"), || format!("afterwards echo said {said}"))?;
    Ok("cancelled at the first progress notification; the connection goes on".to_owned())
}

async fn task(era: Era, client: &Client, answers: &Answers, demo: &Value) -> Seen {
    answers.fill(demo);
    if era == Era::Legacy {
        return no_task_on_sessions(client, demo).await;
    }
    let mut created = match client.call_tool_once(params(demo)).await? {
        CallToolResponse::Task(created) => created.task,
        other => return Err(format!("the server made no task of the call: {other:?}").into()),
    };
    let (mut states, mut answered) = (Vec::new(), Vec::new());
    loop {
        let now = client.peer().get_task(GetTaskParams::new(created.task_id.clone())).await?.task;
        states.push(format!("{:?}", now.status()));
        match now.payload {
            TaskPayload::Completed { result } => {
                let result: CallToolResult = serde_json::from_value(Value::Object(result))?;
                let said = text_of(&result)?;
                contains(&said, &demo["text"])?;
                ensure(!answered.is_empty(), || format!("it never asked: {states:?}"))?;
                states.dedup();
                return Ok(states.join(", "));
            }
            TaskPayload::InputRequired { input_requests } => {
                for (key, question) in input_requests {
                    if answered.contains(&key) {
                        continue;
                    }
                    let InputRequest::Elicitation(question) = question else {
                        return Err("asked for something else than a form".into());
                    };
                    let answer = serde_json::to_value(fill(answers, question.params).await?)?;
                    let responses = [(key.clone(), answer)].into_iter().collect();
                    let update = UpdateTaskParams::new(created.task_id.clone(), responses);
                    client.peer().update_task(update).await?;
                    answered.push(key);
                }
            }
            TaskPayload::Working => {}
            other => return Err(format!("the task ended with {other:?}").into()),
        }
        created = now.task;
        // The server says how often it wants to be asked (TX-11).
        tokio::time::sleep(Duration::from_millis(created.poll_interval_ms.unwrap_or(100))).await;
    }
}

/// The parameters have no place for `task`, so that the server sees a call like any other, and refuses it (T11-2).
async fn no_task_on_sessions(client: &Client, demo: &Value) -> Seen {
    let wish = json!({ "name": demo["tool"], "arguments": demo["arguments"], "task": {} });
    let params: CallToolRequestParams = serde_json::from_value(wish)?;
    ensure(serde_json::to_value(&params)?.get("task").is_none(), || "the parameters keep task".to_owned())?;
    match client.call_tool_once(params).await {
        Err(ServiceError::McpError(error)) if error.code == ErrorCode::METHOD_NOT_FOUND => {
            Err(Cannot(error.message.into_owned()).into())
        }
        other => Err(format!("answered with {other:?}").into()),
    }
}

async fn resource_updated(era: Era, client: &Client, told: &Told, demo: &Value) -> Seen {
    let uri = text(&demo["uri"]);
    if era == Era::Modern {
        let filter = SubscriptionFilter::builder().resource_subscriptions([uri.clone()]).build();
        let mut subscription = client.peer().listen(filter).await?;
        call(client, demo).await?;
        return match subscription.next().await? {
            Some(ServerNotification::ResourceUpdatedNotification(told)) if told.params.uri == uri => Ok(uri),
            other => Err(format!("heard {other:?}").into()),
        };
    }
    client.peer().subscribe(SubscribeRequestParams::new(uri.clone())).await?;
    call(client, demo).await?;
    told.updated.subscribe().wait_for(|seen| seen.contains(&uri)).await?;
    Ok(uri)
}

async fn list_changed(era: Era, client: &Client, told: &Told, demo: &Value) -> Seen {
    let uri = text(&demo["uri"]);
    ensure(!has(client, &uri).await?, || format!("{uri} is there already"))?;
    if era == Era::Modern {
        let filter = SubscriptionFilter::builder().resources_list_changed().build();
        let mut subscription = client.peer().listen(filter).await?;
        call(client, demo).await?;
        match subscription.next().await? {
            Some(ServerNotification::ResourceListChangedNotification(_)) => {}
            other => return Err(format!("heard {other:?}").into()),
        }
    } else {
        call(client, demo).await?;
        told.list_changes.subscribe().wait_for(|changes| *changes > 0).await?;
    }
    ensure(has(client, &uri).await?, || format!("{uri} is not there now"))?;
    Ok(uri)
}

async fn has(client: &Client, uri: &str) -> Result<bool, Fault> {
    Ok(client.list_all_resources().await?.iter().any(|resource| resource.uri == uri))
}

async fn call(client: &Client, demo: &Value) -> Seen {
    let result = client.call_tool(params(demo)).await?;
    ensure(result.is_error != Some(true), || format!("the result is an error: {result:?}"))?;
    let texts = result.content.iter().filter_map(|block| block.as_text());
    Ok(texts.map(|block| block.text.as_str()).collect::<Vec<_>>().join("\n"))
}

fn params(demo: &Value) -> CallToolRequestParams {
    CallToolRequestParams::new(text(&demo["tool"])).with_arguments(fields(&demo["arguments"]))
}
