//! The crate `rmcp` 3.x: does the deeds in the order of the table's columns.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use latimer_tests::{cell::Cell, client::Target, process, server::Place, table::Era};
use rmcp::{
    ClientHandler, ClientLifecycleMode, ClientServiceExt, Peer, RoleClient,
    model::{
        CallToolRequest, CallToolRequestParams, CallToolResult, ClientRequest, CompleteRequestParams,
        GetPromptRequestParams, ProgressNotificationParam, ProgressToken, ProtocolVersion,
        ReadResourceRequestParams,
    },
    service::{NotificationContext, PeerRequestOptions, RunningService, ServiceError},
    transport::{StreamableHttpClientTransport, TokioChildProcess},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    process::Command,
    sync::watch,
    task::JoinSet,
};

use crate::asking::{Seen, cell, ensure, text};

const DEED_LIMIT: Duration = Duration::from_secs(30);
const NON_ASCII: &str = "Grüße, 世界 🌍";
const CONCURRENT_CALLS: usize = 200;
const LARGE_BYTES: usize = 900 * 1024;

type Client = RunningService<RoleClient, Watcher>;

/// Does all deeds against `target` and reports one cell for each.
pub(crate) async fn deeds(era: Era, target: &Target, demo: &Value) -> Vec<Cell> {
    let mut cells = Vec::new();
    let watcher = Watcher::default();
    let progress = watcher.progress.subscribe();
    let client = match tokio::time::timeout(DEED_LIMIT, connect(era, target, watcher)).await {
        Ok(Ok(client)) => Arc::new(client),
        Ok(Err(error)) => return vec![cell("connect", Err(error))],
        Err(_) => return vec![cell("connect", Err("no end".into()))],
    };
    let revision = client.peer().peer_info().map(|info| info.protocol_version.to_string());
    cells.push(cell("connect", revision.ok_or_else(|| "no revision was agreed on".into())));

    macro_rules! deed {
        ($name:ident) => {
            deed!($name, $name(&client, demo))
        };
        ($name:ident, $action:expr) => {
            let seen =
                tokio::time::timeout(DEED_LIMIT, $action).await.unwrap_or_else(|_| Err("no end".into()));
            cells.push(cell(stringify!($name), seen));
        };
    }
    deed!(list_tools);
    deed!(list_resources);
    deed!(list_templates);
    deed!(list_prompts);
    deed!(echo);
    deed!(echo_upper);
    deed!(greet);
    deed!(concurrent_200);
    deed!(large_argument);
    deed!(progress, see_progress(&client, demo, progress.clone()));
    deed!(structured);
    deed!(read_resource, read(&client, &demo["resource"]));
    deed!(read_template, read(&client, &demo["template"]));
    deed!(get_prompt);
    deed!(complete);
    deed!(unknown_tool);
    deed!(cancel, cancel(&client, demo, progress));
    deed!(close, close(client));
    cells
}

/// A client that keeps the progress of every call.
#[derive(Default)]
struct Watcher {
    progress: watch::Sender<HashMap<ProgressToken, Vec<f64>>>,
}

impl ClientHandler for Watcher {
    async fn on_progress(&self, params: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.progress
            .send_modify(|seen| seen.entry(params.progress_token).or_default().push(params.progress));
    }
}

type Progress = watch::Receiver<HashMap<ProgressToken, Vec<f64>>>;

async fn connect(
    era: Era,
    target: &Target,
    watcher: Watcher,
) -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    let lifecycle = match era {
        Era::Legacy => ClientLifecycleMode::Initialize,
        Era::Modern => {
            ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
        }
    };
    let client = match target {
        Target::Http(server) => {
            let transport = StreamableHttpClientTransport::from_uri(server.url());
            watcher.serve_with_lifecycle(transport, lifecycle).await?
        }
        Target::Socket(server) => {
            watcher.serve_with_lifecycle(halves(server.place()).await?, lifecycle).await?
        }
        Target::Stdio(command) => {
            let mut server = Command::from(process::command(&command[0]));
            server.args(&command[1..]);
            watcher.serve_with_lifecycle(TokioChildProcess::new(server)?, lifecycle).await?
        }
    };
    Ok(client)
}

type Halves = (Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>);

/// A connection to a server, which is a transport of the crate as it is.
pub(crate) async fn halves(place: &Place) -> io::Result<Halves> {
    Ok(match place {
        Place::Tcp(address) => {
            let (input, output) = TcpStream::connect(address).await?.into_split();
            (Box::new(input), Box::new(output))
        }
        Place::Unix(path) => {
            let (input, output) = UnixStream::connect(path).await?.into_split();
            (Box::new(input), Box::new(output))
        }
    })
}

async fn list_tools(client: &Client, demo: &Value) -> Seen {
    let tools = client.list_all_tools().await?;
    let names: Vec<String> = tools.into_iter().map(|tool| tool.name.into_owned()).collect();
    let keys = ["echo", "echo_upper", "greet", "progress", "cancel", "structured"];
    listed(&names, &keys.map(|key| text(&demo[key]["tool"])))
}

async fn list_resources(client: &Client, demo: &Value) -> Seen {
    let resources = client.list_all_resources().await?;
    let uris: Vec<String> = resources.into_iter().map(|resource| resource.uri).collect();
    listed(&uris, &[text(&demo["resource"]["uri"])])
}

async fn list_templates(client: &Client, demo: &Value) -> Seen {
    let templates = client.list_all_resource_templates().await?;
    let templates: Vec<String> = templates.into_iter().map(|template| template.uri_template).collect();
    listed(&templates, &[text(&demo["template"]["uri_template"])])
}

async fn list_prompts(client: &Client, demo: &Value) -> Seen {
    let prompts = client.list_all_prompts().await?;
    let names: Vec<String> = prompts.into_iter().map(|prompt| prompt.name).collect();
    listed(&names, &[text(&demo["prompt"]["name"])])
}

async fn echo(client: &Client, demo: &Value) -> Seen {
    same(say(client, demo, "echo", NON_ASCII).await?, NON_ASCII)
}

async fn echo_upper(client: &Client, demo: &Value) -> Seen {
    same(say(client, demo, "echo_upper", NON_ASCII).await?, &NON_ASCII.to_uppercase())
}

async fn greet(client: &Client, demo: &Value) -> Seen {
    let greeting = say(client, demo, "greet", "Zoë").await?;
    ensure(greeting.contains("Zoë"), || format!("came back as {greeting}"))?;
    Ok(greeting)
}

async fn concurrent_200(client: &Arc<Client>, demo: &Value) -> Seen {
    let mut calls = JoinSet::new();
    for n in 0..CONCURRENT_CALLS {
        let (client, demo) = (Arc::clone(client), demo.clone());
        calls.spawn(async move {
            let message = format!("call {n}");
            same(say(&client, &demo, "echo", &message).await?, &message)
        });
    }
    let mut answers = 0;
    while let Some(answer) = calls.join_next().await {
        answer??;
        answers += 1;
    }
    Ok(format!("{answers} answers"))
}

async fn large_argument(client: &Client, demo: &Value) -> Seen {
    let mut message = String::new();
    for n in 0.. {
        message.push_str(&format!("{n},"));
        if message.len() >= LARGE_BYTES {
            break;
        }
    }
    message.truncate(LARGE_BYTES);
    let answer = say(client, demo, "echo", &message).await?;
    ensure(answer == message, || {
        format!("{} of {} bytes came back, or they differ", answer.len(), message.len())
    })?;
    Ok(format!("{} bytes", answer.len()))
}

async fn see_progress(client: &Client, demo: &Value, mut progress: Progress) -> Seen {
    let demo = &demo["progress"];
    let call = start(client.peer(), demo).await?;
    let token = call.progress_token.clone();
    let rmcp::model::ServerResult::CallToolResult(result) = call.await_response().await? else {
        return Err("not the result of a call".into());
    };
    text_of(&result)?;
    // The handler runs in a task of its own, so that the last notification may be counted after the result.
    let at_least = usize::try_from(demo["at_least"].as_u64().unwrap_or(1))?;
    let seen = progress.wait_for(|seen| seen.get(&token).is_some_and(|seen| seen.len() >= at_least)).await?;
    let seen = seen[&token].clone();
    ensure(seen.is_sorted_by(|a, b| a < b), || format!("progress does not grow: {seen:?}"))?;
    Ok(format!("{seen:?}"))
}

async fn structured(client: &Client, demo: &Value) -> Seen {
    let demo = &demo["structured"];
    let result = call(client, text(&demo["tool"]), &demo["arguments"]).await?;
    ensure(result.is_error != Some(true), || format!("the result is an error: {result:?}"))?;
    let content = result.structured_content.unwrap_or_default();
    for (key, value) in demo["fields"].as_object().into_iter().flatten() {
        ensure(content.get(key) == Some(value), || format!("field {key}: {content}"))?;
    }
    Ok(content.to_string())
}

async fn read(client: &Client, demo: &Value) -> Seen {
    let result = client.read_resource(ReadResourceRequestParams::new(text(&demo["uri"]))).await?;
    let result = serde_json::to_value(&result)?;
    let contents = &result["contents"][0];
    ensure(contents["uri"] == demo["uri"], || format!("contents of another URI: {result}"))?;
    let read = text(&contents["text"]);
    ensure(read.contains(&text(&demo["text"])), || format!("other text: {result}"))?;
    Ok(read)
}

async fn get_prompt(client: &Client, demo: &Value) -> Seen {
    let demo = &demo["prompt"];
    let mut params = GetPromptRequestParams::new(text(&demo["name"]));
    params.arguments = demo["arguments"].as_object().cloned();
    let result = serde_json::to_value(client.get_prompt(params).await?)?;
    let messages = result["messages"].as_array().cloned().unwrap_or_default();
    ensure(result["messages"].to_string().contains(&text(&demo["text"])), || {
        format!("other messages: {result}")
    })?;
    if demo["embedded_resource"] == true {
        let embedded = messages.iter().any(|message| message["content"]["type"] == "resource");
        ensure(embedded, || format!("no embedded resource: {result}"))?;
    }
    Ok(format!("{} messages", messages.len()))
}

async fn complete(client: &Client, demo: &Value) -> Seen {
    let demo = &demo["completion"];
    let params: CompleteRequestParams =
        serde_json::from_value(json!({ "ref": demo["ref"], "argument": demo["argument"] }))?;
    let values = client.peer().complete(params).await?.completion.values;
    let expected: Vec<String> = demo["values"].as_array().into_iter().flatten().map(text).collect();
    listed(&values, &expected)?;
    Ok(values.join(", "))
}

async fn unknown_tool(client: &Client, demo: &Value) -> Seen {
    let demo = &demo["unknown_tool"];
    match call(client, text(&demo["tool"]), &json!({})).await {
        Err(ServiceError::McpError(error)) => {
            ensure(Some(i64::from(error.code.0)) == demo["code"].as_i64(), || {
                format!("refused with {error:?}")
            })?;
            Ok(error.message.into_owned())
        }
        other => Err(format!("answered with {other:?}").into()),
    }
}

async fn cancel(client: &Client, demo: &Value, mut progress: Progress) -> Seen {
    let running = start(client.peer(), &demo["cancel"]).await?;
    let token = running.progress_token.clone();
    progress.wait_for(|seen| seen.contains_key(&token)).await?;
    running.cancel(Some("the caller has seen enough".to_owned())).await?;
    same(say(client, demo, "echo", "still there").await?, "still there")?;
    Ok("cancelled at the first progress notification; the connection goes on".to_owned())
}

async fn close(client: Arc<Client>) -> Seen {
    let client = Arc::into_inner(client).ok_or("a call still holds the client")?;
    Ok(format!("{:?}", client.cancel().await?))
}

async fn say(client: &Client, demo: &Value, which: &str, message: &str) -> Seen {
    let demo = &demo[which];
    let argument = text(&demo["argument"]);
    text_of(&call(client, text(&demo["tool"]), &json!({ argument: message })).await?)
}

async fn call(client: &Client, tool: String, arguments: &Value) -> Result<CallToolResult, ServiceError> {
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    client.call_tool(CallToolRequestParams::new(tool).with_arguments(arguments)).await
}

/// Starts a call that can be watched and cancelled.
pub(crate) async fn start(
    peer: &Peer<RoleClient>,
    demo: &Value,
) -> Result<rmcp::service::RequestHandle<RoleClient>, ServiceError> {
    let arguments = demo["arguments"].as_object().cloned().unwrap_or_default();
    let params = CallToolRequestParams::new(text(&demo["tool"])).with_arguments(arguments);
    let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
    peer.send_cancellable_request(request, PeerRequestOptions::no_options()).await
}

/// The single text of a result that is not an error.
pub(crate) fn text_of(result: &CallToolResult) -> Seen {
    ensure(result.is_error != Some(true), || format!("the result is an error: {result:?}"))?;
    match result.content.as_slice() {
        [block] => Ok(block.as_text().ok_or("expected text")?.text.clone()),
        blocks => Err(format!("expected one block, got {}", blocks.len()).into()),
    }
}

fn same(seen: String, expected: &str) -> Seen {
    ensure(seen == expected, || format!("came back as {seen}"))?;
    Ok(seen)
}

fn listed(names: &[String], expected: &[String]) -> Seen {
    for name in expected {
        ensure(names.contains(name), || format!("{name} is not listed: {names:?}"))?;
    }
    Ok(format!("{} listed", names.len()))
}
