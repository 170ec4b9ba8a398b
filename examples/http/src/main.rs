//! A server with progress, cancellation, resources, prompts, completion and a middleware. Without flags it
//! listens at <http://127.0.0.1:12200/mcp>; see `--help`.

use std::time::Duration;

use latimer::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

/// How a brew went.
#[derive(Serialize, JsonSchema, Structured)]
struct Brew {
    tea: String,
    minutes: u8,
}

/// Brews tea, which takes its time, and tells how far it is.
#[tool(title = "Brew tea", idempotent)]
async fn brew(
    cx: &Context,
    /// The tea, such as `sencha`.
    tea: String,
    /// How long it steeps.
    #[arg(default = 3)]
    minutes: u8,
) -> Result<Brew, ToolError> {
    if minutes > 10 {
        return Err(ToolError::new("after ten minutes every tea is bitter; take less"));
    }
    for minute in 1..=minutes {
        // A caller that cancels, or goes away, drops the future here.
        tokio::time::sleep(Duration::from_millis(200)).await;
        cx.progress(minute.into(), f64::from(minutes), "steeping");
    }
    cx.log(LogLevel::Info, Some("kettle"), "the tea is ready");
    Ok(Brew { tea, minutes })
}

const TEAS: [&str; 3] = ["assam", "oolong", "sencha"];

/// All teas that there are.
#[resource("tea://list", mime_type = "application/json", inline)]
fn teas() -> Json<[&'static str; 3]> {
    Json(TEAS)
}

/// How to brew one tea.
#[resource("tea://{name}/recipe", mime_type = "text/plain", inline)]
fn recipe(#[complete(TEAS)] name: String) -> Option<String> {
    TEAS.contains(&name.as_str()).then(|| format!("Steep {name} in 200 ml of hot water."))
}

/// Asks for a tea that suits the moment.
#[prompt(title = "Choose a tea")]
fn choose(
    /// What the tea is for.
    occasion: String,
    #[complete(["morning", "afternoon", "evening"])] time: Option<String>,
) -> String {
    let time = time.map(|time| format!(" in the {time}")).unwrap_or_default();
    format!("Which of the teas {} suits {occasion}{time}? Answer with its name.", TEAS.join(", "))
}

fn server() -> Server {
    Server::new("tea-room")
        .version(env!("CARGO_PKG_VERSION"))
        .instructions("Read tea://list before you brew.")
        .tool(brew)
        .resource(teas)
        .resource(recipe)
        .prompt(choose)
        .around(|call, next| async move {
            let target = call.operation.target().to_owned();
            let outcome = next.run(call).await;
            tracing::info!(target, ok = outcome.is_ok(), "served");
            outcome
        })
}

fn main() -> latimer::Result {
    latimer::run(server())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn brewing_tells_how_far_it_is() {
        let client = server().test().await.unwrap();
        let called = client.call("brew", json!({ "tea": "sencha", "minutes": 2 })).await.unwrap();
        assert_eq!(called.progress.len(), 2);
        assert_eq!(called.logs[0].data.as_str(), "\"the tea is ready\"");
    }

    #[tokio::test]
    async fn recipes_are_completed_and_read() {
        let client = server().test().await.unwrap();
        let names = client.complete_resource("tea://{name}/recipe", "name", "s").await.unwrap();
        assert_eq!(names.values(), ["sencha"]);
        assert!(client.read("tea://sencha/recipe").await.is_ok());
        assert!(client.read("tea://coffee/recipe").await.is_err());
    }
}
