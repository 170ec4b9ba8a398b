//! Values as a message shows them: JSON, cut off where it gets long.

use latimer_protocol::tape::{Kind, Node};
use serde_json::Value;

/// How many characters of one value of the instance are shown.
const SHOWN: usize = 80;
/// How many characters of a part of the schema are shown.
const SCHEMA_SHOWN: usize = 240;

/// A value of the instance.
pub(super) fn node(node: Node<'_>) -> String {
    let mut text = Preview { text: String::new(), left: SHOWN, cut: false };
    text.node(node);
    text.text
}

/// A value of the schema.
pub(super) fn value(value: &Value) -> String {
    clip(&value.to_string())
}

/// Values of the schema, separated by commas.
pub(super) fn list(values: &[Value]) -> String {
    let mut text = String::new();
    for value in values {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&value.to_string());
        if text.len() > 4 * SCHEMA_SHOWN {
            break;
        }
    }
    clip(&text)
}

/// A piece of text from the schema, as it stands.
pub(super) fn text(text: &str) -> String {
    clip(text)
}

/// A name, in quotes.
pub(super) fn quoted(name: &str) -> String {
    let shown: String = name.chars().take(SHOWN).collect();
    let cut = if shown.len() < name.len() { "…" } else { "" };
    format!("{}{cut}", Value::from(shown))
}

/// At most as much of a text from the schema as is shown.
pub(super) fn clip(text: &str) -> String {
    match text.char_indices().nth(SCHEMA_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

struct Preview {
    text: String,
    /// Characters that may still be written.
    left: usize,
    /// Whether the end has been cut off.
    cut: bool,
}

impl Preview {
    fn push(&mut self, text: &str) {
        if self.cut {
            return;
        }
        match text.char_indices().nth(self.left) {
            Some((end, _)) => {
                self.text.push_str(text.get(..end).unwrap_or_default());
                self.text.push('…');
                self.cut = true;
            }
            None => {
                self.left -= text.chars().count();
                self.text.push_str(text);
            }
        }
    }

    fn string(&mut self, raw: &str) {
        self.push("\"");
        self.push(raw);
        self.push("\"");
    }

    fn node(&mut self, node: Node<'_>) {
        match node.kind() {
            Kind::Null => self.push("null"),
            Kind::Bool => self.push(if node.as_bool() == Some(true) { "true" } else { "false" }),
            Kind::Number => self.push(node.number_text().unwrap_or_default()),
            Kind::String => self.string(node.string().map_or("", |text| text.raw())),
            Kind::Array => {
                self.push("[");
                for (index, element) in node.elements().into_iter().flatten().enumerate() {
                    if index > 0 {
                        self.push(",");
                    }
                    if self.cut {
                        return;
                    }
                    self.node(element);
                }
                self.push("]");
            }
            Kind::Object => {
                self.push("{");
                for (index, (name, value)) in node.members().into_iter().flatten().enumerate() {
                    if index > 0 {
                        self.push(",");
                    }
                    if self.cut {
                        return;
                    }
                    self.string(name.raw());
                    self.push(":");
                    self.node(value);
                }
                self.push("}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use latimer_protocol::tape::{Tape, TapeBuffer};

    use super::*;

    fn shown(text: &str) -> String {
        node(Tape::parse_into(&mut TapeBuffer::new(), text).unwrap().root())
    }

    #[test]
    fn short_values_are_shown_whole_and_compact() {
        assert_eq!(shown(r#" { "a" : [ 1 , "x\n" , null ] } "#), r#"{"a":[1,"x\n",null]}"#);
    }

    #[test]
    fn long_values_are_cut_at_a_character() {
        for text in
            [format!("\"{}\"", "ä".repeat(1000)), format!("[{}0]", "0,".repeat(60_000)), "1".repeat(5000)]
        {
            let shown = shown(&text);
            assert!(shown.ends_with('…') && shown.chars().count() == SHOWN + 1, "{shown}");
        }
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), SHOWN + 3);
    }
}
