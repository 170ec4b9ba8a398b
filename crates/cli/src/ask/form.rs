//! A form, field by field.

use latimer_protocol::RawJson;
use latimer_protocol::wire::{ElicitAction, ElicitResult};
use serde_json::{Map, Value};

use super::console::Console;
use super::field::{Field, shown};
use super::quoted;

/// Answers from the command line.
#[derive(Debug)]
pub(super) struct Given {
    values: Map<String, Value>,
    texts: Vec<(String, String)>,
}

impl Given {
    pub(super) fn new(values: Map<String, Value>, texts: Vec<(String, String)>) -> Self {
        Self { values, texts }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.texts.is_empty()
    }

    /// What was given for a field, if anything was.
    fn find(&self, field: &Field) -> Option<Result<Value, String>> {
        if let Some(value) = self.values.get(&field.name) {
            return Some(field.take(value));
        }
        let text = self.texts.iter().find(|(name, _)| *name == field.name);
        text.map(|(_, text)| field.read(text))
    }

    /// Whether every field was given, so that nobody need be asked.
    pub(super) fn covers(&self, fields: &[Field]) -> bool {
        !fields.is_empty() && fields.iter().all(|field| self.find(field).is_some_and(|found| found.is_ok()))
    }

    /// The whole form without asking anybody: what was given, and nothing where nothing has to be.
    pub(super) fn fill(&self, fields: &[Field]) -> Result<Map<String, Value>, String> {
        let mut content = Map::new();
        for field in fields {
            match self.find(field) {
                Some(Ok(value)) => drop(content.insert(field.name.clone(), value)),
                Some(Err(error)) => return Err(format!("answer {}: {error}", field.name)),
                None if field.required && field.default.is_none() => {
                    return Err(format!("there is no answer for {}", field.name));
                }
                None => {}
            }
        }
        Ok(content)
    }
}

/// The form is sent with this content; defaults are the client's to add.
pub(super) fn accepted(content: &Map<String, Value>) -> ElicitResult {
    ElicitResult { action: ElicitAction::Accept, content: RawJson::from_serialize(content).ok() }
}

fn ended(action: ElicitAction) -> ElicitResult {
    ElicitResult { action, content: None }
}

/// Asks for what was not given, and before anything is sent whether all of it may be (EL-6). The end of the input
/// cancels.
pub(super) async fn ask(
    console: &mut impl Console,
    server: &str,
    message: &str,
    fields: &[Field],
    given: &Given,
) -> ElicitResult {
    console.show(&format!("{server} asks: {}", quoted(message)));
    match decide(console, "Answer? [Y]es, [d]ecline, [c]ancel: ", false).await {
        Decision::Go | Decision::Edit => {}
        Decision::End(action) => return ended(action),
    }
    loop {
        let mut content = Map::new();
        for field in fields {
            let Some(value) = one(console, field, given).await else { return ended(ElicitAction::Cancel) };
            if let Some(value) = value {
                content.insert(field.name.clone(), value);
            }
        }
        console.show(&format!("{server} will get:"));
        for field in fields {
            let value = content.get(&field.name).or(field.default.as_ref());
            console.show(&format!(
                "  {}: {}",
                field.name,
                value.map_or_else(|| "(left out)".to_owned(), shown)
            ));
        }
        match decide(console, "Send it? [Y]es, [e]dit, [d]ecline, [c]ancel: ", true).await {
            Decision::Go => return accepted(&content),
            Decision::Edit => {}
            Decision::End(action) => return ended(action),
        }
    }
}

/// One field, until its answer fits: `Some(None)` if it is left out, `None` when the input has ended.
async fn one(console: &mut impl Console, field: &Field, given: &Given) -> Option<Option<Value>> {
    for line in field.heading() {
        console.show(&line);
    }
    match given.find(field) {
        Some(Ok(value)) => {
            console.show(&format!("    given: {}", shown(&value)));
            return Some(Some(value));
        }
        Some(Err(error)) => console.show(&format!("    the answer given does not fit: {error}")),
        None => {}
    }
    loop {
        let text = console.line(&field.question()).await?;
        if text.is_empty() {
            if field.default.is_some() || !field.required {
                return Some(None);
            }
            // Nothing may be an answer: no choice, or no text.
            match field.read("") {
                Ok(value) if value.is_array() => return Some(Some(value)),
                _ => console.show("    it is required"),
            }
            continue;
        }
        match field.read(&text) {
            Ok(value) => return Some(Some(value)),
            Err(error) => console.show(&format!("    {error}")),
        }
    }
}

enum Decision {
    Go,
    Edit,
    End(ElicitAction),
}

async fn decide(console: &mut impl Console, question: &str, may_edit: bool) -> Decision {
    loop {
        let Some(text) = console.line(question).await else { return Decision::End(ElicitAction::Cancel) };
        return match text.to_lowercase().as_str() {
            "" | "y" | "yes" => Decision::Go,
            "e" | "edit" if may_edit => Decision::Edit,
            "d" | "decline" | "n" | "no" => Decision::End(ElicitAction::Decline),
            "c" | "cancel" => Decision::End(ElicitAction::Cancel),
            _ => continue,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::console::script::Script;
    use super::super::field::fields;
    use super::*;
    use serde_json::json;

    const SCHEMA: &str = r#"{"type":"object","required":["name","size"],"properties":{
        "name":{"type":"string","title":"Your name","minLength":2},
        "size":{"type":"string","oneOf":[{"const":"s","title":"Small"},{"const":"l","title":"Large"}],"description":"of the boat"},
        "age":{"type":"integer","minimum":0,"default":7},
        "news":{"type":"boolean"}}}"#;

    async fn played(lines: &[&str], given: &Given) -> (ElicitResult, Script) {
        let fields = fields(&RawJson::parse(SCHEMA).unwrap()).unwrap();
        let mut script = Script::new(lines);
        let result = ask(&mut script, "bistro", "Who comes?", &fields, given).await;
        (result, script)
    }

    fn nothing() -> Given {
        Given::new(Map::new(), Vec::new())
    }

    #[tokio::test]
    async fn el_6_fields_are_asked_for_until_they_fit_and_shown_before_they_are_sent() {
        let (result, script) =
            played(&["", "", "A", "Ada", "2", "-1", "", "maybe", "", "y"], &nothing()).await;
        assert!(script.is_done());
        insta::assert_snapshot!(script.said);
        assert_eq!(result.action, ElicitAction::Accept);
        assert_eq!(result.content.unwrap().as_str(), r#"{"name":"Ada","size":"l"}"#);
    }

    #[tokio::test]
    async fn el_6_the_user_may_decline_cancel_edit_and_go_away_at_any_time() {
        for (lines, action) in [
            (&["d"][..], ElicitAction::Decline),
            (&["c"], ElicitAction::Cancel),
            (&[], ElicitAction::Cancel),
            (&["what?", "y", "Ada"], ElicitAction::Cancel),
            (&["y", "Ada", "s", "", "", "d"], ElicitAction::Decline),
            (&["y", "Ada", "s", "", "", "c"], ElicitAction::Cancel),
        ] {
            let (result, script) = played(lines, &nothing()).await;
            assert_eq!((result.action, result.content), (action, None), "{}", script.said);
            assert!(script.is_done(), "{}", script.said);
        }
        let (result, _) =
            played(&["y", "Ada", "s", "", "", "e", "Eve", "l", "9", "n", "y"], &nothing()).await;
        let content: Value = result.content.unwrap().to().unwrap();
        assert_eq!(content, json!({"name": "Eve", "size": "l", "age": 9, "news": false}));
    }

    #[tokio::test]
    async fn a_servers_text_cannot_pass_for_a_question_of_this_program() {
        let schema = r#"{"properties":{"a":{"type":"string","description":"b\nSend it? "}}}"#;
        let fields = fields(&RawJson::parse(schema).unwrap()).unwrap();
        let mut script = Script::new(&["c"]);
        ask(&mut script, "bistro", "a\nbistro will get:", &fields, &nothing()).await;
        let mut script_of_field = Script::new(&["y", "x", "c"]);
        ask(&mut script_of_field, "bistro", "a", &fields, &nothing()).await;
        assert!(script.said.starts_with("bistro asks: a\n    bistro will get:\n"), "{}", script.said);
        assert!(script_of_field.said.contains("  a: b\n    Send it? \n"), "{}", script_of_field.said);
    }

    #[tokio::test]
    async fn what_was_given_is_not_asked_for_and_what_does_not_fit_is() {
        let values = json!({"name": "Ada", "size": "xl"}).as_object().unwrap().clone();
        let given = Given::new(values, vec![("news".to_owned(), "yes".to_owned())]);
        let (result, script) = played(&["y", "l", "", "y"], &given).await;
        assert!(script.said.contains("the answer given does not fit"), "{}", script.said);
        let content: Value = result.content.unwrap().to().unwrap();
        assert_eq!(content, json!({"name": "Ada", "size": "l", "news": true}));
    }

    #[test]
    fn without_a_terminal_everything_that_is_required_has_to_be_given() {
        let fields = fields(&RawJson::parse(SCHEMA).unwrap()).unwrap();
        let given = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Given::new(Map::new(), pairs)
        };
        let filled = given(&[("name", "Ada"), ("size", "Large"), ("other", "x")]).fill(&fields).unwrap();
        assert_eq!(Value::from(filled), json!({"name": "Ada", "size": "l"}));
        let error = given(&[("name", "Ada")]).fill(&fields).unwrap_err();
        assert_eq!(error, "there is no answer for size");
        assert!(
            given(&[("name", "Ada"), ("size", "x")])
                .fill(&fields)
                .unwrap_err()
                .contains("answer size: it has to be one of these")
        );
    }
}
