//! A question to the model, which the user answers in its place (SA-1).

use latimer_client::Refusal;
use latimer_protocol::wire::{
    CreateMessageParams, CreateMessageResult, Role, SamplingContent, SamplingContents,
};

use super::console::Console;

/// Shows the conversation and takes the user's words for the model's.
pub(super) async fn ask(
    console: &mut impl Console,
    server: &str,
    params: &CreateMessageParams,
) -> Result<CreateMessageResult, Refusal> {
    console.show(&format!("{server} asks the model, for at most {} tokens:", params.max_tokens));
    if let Some(system) = &params.system_prompt {
        show(console, "system", system);
    }
    for message in &params.messages {
        for content in &message.content.0 {
            let text = match content {
                SamplingContent::Text(text) => text.text.as_str(),
                SamplingContent::Image(_) => "(an image)",
                SamplingContent::Audio(_) => "(a sound)",
                SamplingContent::ToolUse(_) => "(a use of a tool)",
                SamplingContent::ToolResult(_) => "(the result of a tool)",
            };
            show(console, message.role.as_str(), text);
        }
    }
    console
        .show("Answer in the model's place; a line with a full stop ends the answer, one with ! refuses it.");
    let mut lines = Vec::new();
    loop {
        match console.line("> ").await.as_deref() {
            Some(".") => break,
            Some("!") | None => return Err(Refusal::rejected("the user rejected the request")),
            Some(line) => lines.push(line.to_owned()),
        }
    }
    Ok(CreateMessageResult {
        role: Role::Assistant,
        content: SamplingContents::text(lines.join("\n")),
        model: "human".to_owned(),
        stop_reason: Some("endTurn".to_owned()),
    })
}

fn show(console: &mut impl Console, who: &str, text: &str) {
    console.show(&format!("  {who}:"));
    for line in text.lines() {
        console.show(&format!("    {line}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::console::script::Script;
    use super::*;

    #[tokio::test]
    async fn sa_2_the_user_reads_everything_and_answers_or_refuses() {
        let mut params = CreateMessageParams::text("Which tide?\nAnd when?", 9);
        params.system_prompt = Some("Be brief.".to_owned());
        let mut script = Script::new(&["High.", "At noon.", "."]);
        let result = ask(&mut script, "harbour", &params).await.unwrap();
        assert_eq!(result.content.to_text(), "High.\nAt noon.");
        insta::assert_snapshot!(script.said);
        for lines in [&["x", "!"][..], &["x"]] {
            assert!(ask(&mut Script::new(lines), "harbour", &params).await.is_err());
        }
    }
}
