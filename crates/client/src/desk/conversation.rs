//! Whether a conversation is one that a model can go on with (SA-3).

use latimer_protocol::wire::{Role, SamplingContent, SamplingMessage};

/// Refuses tool results beside other content, and uses of tools that the next message does not answer.
pub(super) fn check(messages: &[SamplingMessage]) -> Result<(), &'static str> {
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        let mut answered = Vec::new();
        let mut uses = Vec::new();
        for block in &message.content.0 {
            match block {
                SamplingContent::ToolResult(result) => answered.push(result.tool_use_id.as_str()),
                SamplingContent::ToolUse(tool) => uses.push(tool.id.as_str()),
                _ => {}
            }
        }
        if !answered.is_empty() && (message.role != Role::User || answered.len() != message.content.0.len()) {
            return Err("a message with tool results has to be the user's, and hold nothing else");
        }
        answered.sort_unstable();
        open.sort_unstable();
        if answered != open {
            return Err("each use of a tool has to be answered by the next message, and nothing else");
        }
        open = uses;
    }
    if open.is_empty() { Ok(()) } else { Err("the last use of a tool is not answered") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<(), &'static str> {
        check(&serde_json::from_str::<Vec<SamplingMessage>>(text).unwrap())
    }

    #[test]
    fn sa_3_uses_and_results_of_tools_have_to_match() {
        const USE: &str = r#"{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"tool_use","id":"1","name":"t","input":{}}]}"#;
        const RESULT: &str =
            r#"{"role":"user","content":[{"type":"tool_result","toolUseId":"1","content":[]}]}"#;
        const TEXT: &str = r#"{"role":"user","content":{"type":"text","text":"a"}}"#;
        const MIXED: &str = r#"{"role":"user","content":[{"type":"tool_result","toolUseId":"1","content":[]},{"type":"text","text":"a"}]}"#;
        assert!(of(&format!("[{TEXT},{USE},{RESULT}]")).is_ok());
        assert!(of(&format!("[{TEXT},{TEXT}]")).is_ok());
        for bad in [
            format!("[{USE}]"),
            format!("[{USE},{TEXT},{RESULT}]"),
            format!("[{USE},{MIXED}]"),
            format!("[{RESULT}]"),
        ] {
            assert!(of(&bad).is_err(), "{bad}");
        }
    }
}
