//! A tool that asks two at once.

use latimer::Requirement;
use latimer::prelude::*;
use latimer::wire::{CreateMessageParams, ElicitAction};
use latimer::{IntoTool, RawJson};
use serde::Deserialize;

use super::asking::HELPFUL;

pub(super) fn add(server: Server) -> Server {
    let both = [Requirement::Elicitation, Requirement::Sampling];
    server.tool(both.into_iter().fold(ask_both.into_tool(), Tool::requires))
}

/// Asks the user and the client's model at the same time, and waits for both.
#[tool(name = "ask-user-and-model", title = "Two questions at once", open_world = false)]
async fn ask_both(
    cx: &Context,
    /// What to ask both of them.
    question: String,
) -> latimer::Result<String> {
    #[derive(Deserialize)]
    struct Answer {
        answer: String,
    }
    let schema = json!({
        "type": "object",
        "properties": { "answer": { "type": "string", "title": "Answer" } },
        "required": ["answer"]
    });
    let params = CreateMessageParams {
        system_prompt: Some(HELPFUL.to_owned()),
        ..CreateMessageParams::text(question.clone(), 100)
    };
    let (user, model) = tokio::join!(
        cx.elicit_form("user", question, RawJson::from_serialize(&schema)?),
        cx.sample("model", params)
    );
    let (user, model) = (user?, model?);
    let user = match (user.action, user.content) {
        (ElicitAction::Accept, Some(content)) => content.to::<Answer>()?.answer,
        _ => "(no answer)".to_owned(),
    };
    Ok(format!("The user says: {user}\nThe model says: {}", model.content.to_text()))
}
