//! The client that the official suite drives: `conformance-client URL`.
//!
//! The suite names the scenario in `MCP_CONFORMANCE_SCENARIO`, the revision in
//! `MCP_CONFORMANCE_PROTOCOL_VERSION` and what the scenario needs in `MCP_CONFORMANCE_CONTEXT` (JSON).
//! Exit codes: 0 the scenario's behaviour was shown, 1 it was not, 2 the scenario is unknown or the call is wrong,
//! 3 the scenario needs what this client does not have yet.

use std::process::ExitCode;

use latimer_client::{Client, ElicitationModes, EraPreference, Options, Target};
use latimer_conformance::skills::Skill;
use latimer_protocol::wire::{ElicitAction, ElicitResult, Tool};
use latimer_protocol::{RawJson, Revision};

type BoxError = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let url = std::env::args().next_back().filter(|_| std::env::args().len() > 1);
    let (Some(url), Ok(scenario)) = (url, std::env::var("MCP_CONFORMANCE_SCENARIO")) else {
        return told("usage: MCP_CONFORMANCE_SCENARIO=NAME conformance-client URL", 2);
    };
    match play(&scenario, &url).await {
        Ok(Played::Shown) => ExitCode::SUCCESS,
        Ok(Played::NotYet(missing)) => told(&format!("not yet: {scenario} needs {missing}"), 3),
        Ok(Played::Unknown) => told(&format!("the scenario {scenario} is unknown to this client"), 2),
        Err(error) => told(&format!("error: {error}"), 1),
    }
}

#[expect(clippy::print_stderr, reason = "a program's own words")]
fn told(words: &str, code: u8) -> ExitCode {
    eprintln!("{words}");
    ExitCode::from(code)
}

/// What became of a scenario.
enum Played {
    /// Its behaviour was shown.
    Shown,
    /// It needs something that is to come.
    NotYet(&'static str),
    /// There is none of this name.
    Unknown,
}

/// Plays a scenario.
async fn play(scenario: &str, url: &str) -> Result<Played, BoxError> {
    match scenario {
        name if name.starts_with("auth/") => return Ok(Played::NotYet("OAuth")),
        "initialize" | "request-metadata" | "json-schema-ref-no-deref" => {
            let client = connect(url).await?;
            client.list_tools().await?;
            client.close().await;
        }
        "tools_call" => call("add_numbers", r#"{"a":5,"b":3}"#, url).await?,
        "sse-retry" => call("test_reconnection", "{}", url).await?,
        "http-standard-headers" => standard_headers(url).await?,
        "http-custom-headers" => custom_headers(url).await?,
        "http-invalid-tool-headers" => {
            let client = connect(url).await?;
            for tool in client.list_tools().await? {
                client.call_tool(tool.key(), arguments(&tool.view()?)?).await?;
            }
            client.close().await;
        }
        "json-schema-2020-12-preservation" => echo_schema(url).await?,
        "elicitation-sep1034-client-defaults" => call("test_client_elicitation_defaults", "{}", url).await?,
        "sep-2322-client-request-state" => rounds(url).await?,
        "sep-2640-client-no-prefetch" => {
            let client = connect(url).await?;
            Skill::list(&client).await?;
            client.close().await;
        }
        "sep-2640-client-verify-digest"
        | "sep-2640-client-verify-size"
        | "sep-2640-client-verify-frontmatter" => {
            let client = connect(url).await?;
            for skill in Skill::list(&client).await? {
                skill.load(&client).await?;
            }
            client.close().await;
        }
        _ => return Ok(Played::Unknown),
    }
    Ok(Played::Shown)
}

/// Connects as a client whose user accepts every form as it is.
async fn connect(url: &str) -> Result<Client, BoxError> {
    let era = match std::env::var("MCP_CONFORMANCE_PROTOCOL_VERSION") {
        Ok(version) => match version.parse::<Revision>()? {
            revision if revision.is_modern() => EraPreference::Modern,
            revision => EraPreference::Legacy(revision),
        },
        Err(_) => EraPreference::Auto,
    };
    let mut options = Options::default().with_era(era).with_elicitation(ElicitationModes::Form, |_| async {
        Ok(ElicitResult { action: ElicitAction::Accept, content: None })
    });
    options.extensions.push((latimer_conformance::skills::EXTENSION.to_owned(), RawJson::empty_object()));
    Ok(Client::connect(Target::http(url)?, options).await?)
}

/// Calls tools that ask back, and beside them one that does not (MRTR-4, MRTR-8).
async fn rounds(url: &str) -> Result<(), BoxError> {
    let client = connect(url).await?;
    client.list_tools().await?;
    let call = async |tool: &str| client.call_tool(tool, RawJson::empty_object()).await;
    let (echoed, unrelated) = tokio::join!(call("test_mrtr_echo_state"), call("test_mrtr_unrelated"));
    echoed?;
    unrelated?;
    call("test_mrtr_no_state").await?;
    call("test_mrtr_no_result_type").await?;
    client.close().await;
    Ok(())
}

/// Lists the tools and calls one of them.
async fn call(tool: &str, arguments: &'static str, url: &str) -> Result<(), BoxError> {
    let client = connect(url).await?;
    client.list_tools().await?;
    client.call_tool(tool, RawJson::parse(arguments)?).await?;
    client.close().await;
    Ok(())
}

/// Asks for everything that is listed.
async fn standard_headers(url: &str) -> Result<(), BoxError> {
    let client = connect(url).await?;
    for tool in client.list_tools().await? {
        client.call_tool(tool.key(), arguments(&tool.view()?)?).await?;
    }
    for resource in client.list_resources().await? {
        client.read_resource(resource.key()).await?;
    }
    for prompt in client.list_prompts().await? {
        client.get_prompt(prompt.key(), &[]).await?;
    }
    client.close().await;
    Ok(())
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    tool_calls: Vec<ToolCall>,
}

#[derive(serde::Deserialize)]
struct ToolCall {
    name: String,
    arguments: RawJson,
}

/// Makes the calls that the suite asks for.
async fn custom_headers(url: &str) -> Result<(), BoxError> {
    let context: Context = serde_json::from_str(&std::env::var("MCP_CONFORMANCE_CONTEXT")?)?;
    let client = connect(url).await?;
    client.list_tools().await?;
    for call in context.tool_calls {
        client.call_tool(&call.name, call.arguments).await?;
    }
    client.close().await;
    Ok(())
}

/// Sends the schema of one tool back through another.
async fn echo_schema(url: &str) -> Result<(), BoxError> {
    let client = connect(url).await?;
    let tools = client.list_tools().await?;
    let tool = tools
        .iter()
        .find(|tool| tool.key() == "json_schema_2020_12_tool")
        .ok_or("find the tool json_schema_2020_12_tool in the list")?;
    let echo = format!(r#"{{"schema":{}}}"#, tool.view()?.input_schema);
    client.call_tool("json_schema_echo", RawJson::parse(echo)?).await?;
    client.close().await;
    Ok(())
}

/// Arguments that fit the required properties of a tool.
fn arguments(tool: &Tool) -> Result<RawJson, BoxError> {
    let schema: serde_json::Value = tool.input_schema.to()?;
    let mut arguments = serde_json::Map::new();
    for name in schema["required"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str) {
        let value = match schema["properties"][name]["type"].as_str() {
            Some("integer" | "number") => 1.into(),
            Some("boolean") => true.into(),
            Some("object") => serde_json::json!({}),
            Some("array") => serde_json::json!([]),
            _ => "test".into(),
        };
        arguments.insert(name.to_owned(), value);
    }
    Ok(RawJson::from_serialize(&arguments)?)
}
