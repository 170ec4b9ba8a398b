//! Questions that the client answers later: as tasks of its own, where it can (2025-11-25). Other clients are asked
//! plainly, so that the tools are there for everybody (VER-8).

use std::time::Duration;

use latimer::RawJson;
use latimer::prelude::*;
use latimer::wire::{CreateMessageParams, ElicitAction};

use super::asking::HELPFUL;

pub(super) fn add(server: Server) -> Server {
    server.tool(sampling).tool(form)
}

/// How long the client keeps its answer to a sampling, and to a form.
const SAMPLED: Duration = Duration::from_secs(5 * 60);
const FILLED_IN: Duration = Duration::from_secs(10 * 60);

/// Has the client's model answer, as a task of the client where it runs any.
#[tool(name = "trigger-sampling-request-async", title = "Sampling that takes long", requires(sampling))]
async fn sampling(
    cx: &Context,
    /// What the model is asked.
    prompt: String,
    /// How long its answer may be, in tokens.
    #[arg(name = "maxTokens", default = 100)]
    max_tokens: u32,
) -> Result<String, ToolError> {
    let params = CreateMessageParams {
        system_prompt: Some(HELPFUL.to_owned()),
        temperature: Some(0.7),
        ..CreateMessageParams::text(prompt, max_tokens.max(1).into())
    };
    let answer = cx.sample_later("sample", params, SAMPLED).await?;
    Ok(format!("LLM sampling result: {}", answer.content.to_text()))
}

/// Has the user fill in a form, as a task of the client where it runs any.
#[tool(name = "trigger-elicitation-request-async", title = "Form that takes long", requires(elicitation))]
async fn form(cx: &Context) -> latimer::Result<String> {
    let schema = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "title": "Your name" },
            "favoriteColor": { "type": "string", "title": "Your favourite colour" },
            "agreeToTerms": { "type": "boolean", "title": "The terms are fine", "default": true }
        },
        "required": ["name"]
    });
    let schema = RawJson::from_serialize(&schema)?;
    let result = cx.elicit_form_later("form", "Please tell us about yourself.", schema, FILLED_IN).await?;
    Ok(match result.action {
        ElicitAction::Accept => {
            format!("The user answered: {}", result.content.as_ref().map_or("{}", RawJson::as_str))
        }
        ElicitAction::Decline => "The user declined.".to_owned(),
        ElicitAction::Cancel => "The user turned away.".to_owned(),
    })
}
