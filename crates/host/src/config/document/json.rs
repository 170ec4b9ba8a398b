//! JSON (RFC 8259), strictly: no comments, no trailing commas.

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};

use super::{Budget, Entry, Lines, Node, Span, Syntax, Value, too_deep};

pub(super) fn parse(text: &str) -> Result<Node, Syntax> {
    let lines = Lines::new(text);
    let collect = CollectOptions { comments: CommentCollectionStrategy::Off, tokens: false };
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &collect, &strict).map_err(|error| {
        let range = error.range();
        let reason = match error.kind() {
            jsonc_parser::errors::ParseErrorKind::NestingDepthExceeded => {
                "nested deeper than the reader goes".into()
            }
            kind => kind.to_string(),
        };
        Syntax::new(lines.span(&(range.start..range.end)), reason)
    })?;
    let mut reader = Reader { text, lines, budget: Budget::default() };
    match &parsed.value {
        Some(value) => reader.value(value, 0),
        None => Ok(Node::new(Span { line: 1, column: 1, width: 0 }, Value::Table(Vec::new()))),
    }
}

struct Reader<'a> {
    text: &'a str,
    lines: Lines<'a>,
    budget: Budget,
}

impl Reader<'_> {
    fn span(&self, node: &impl Ranged) -> Span {
        self.lines.span(&(node.start()..node.end()))
    }

    /// Checks that a text is written with escapes where it has to be (RFC 8259 §7), which the parser does not.
    fn check_escapes(&self, literal: &impl Ranged) -> Result<(), Syntax> {
        let written = self.text.get(literal.start()..literal.end()).unwrap_or_default();
        if written.chars().any(|character| character < ' ') {
            let reason = "a line break or another control character in a text; write an escape, such as \\n";
            return Err(Syntax::new(self.span(literal), reason.to_owned()));
        }
        Ok(())
    }

    fn value(&mut self, value: &ast::Value<'_>, depth: usize) -> Result<Node, Syntax> {
        let span = self.span(value);
        too_deep(depth, span)?;
        self.budget.take(1, span)?;
        let value = match value {
            ast::Value::NullKeyword(_) => Value::Null,
            ast::Value::BooleanLit(flag) => Value::Bool(flag.value),
            ast::Value::StringLit(text) => {
                self.check_escapes(text)?;
                Value::Text(text.value.clone().into_owned())
            }
            ast::Value::NumberLit(number) => {
                number.value.parse().map_or_else(|_| Value::Number(number.value.to_owned()), Value::Integer)
            }
            ast::Value::Array(array) => Value::List(
                array.elements.iter().map(|item| self.value(item, depth + 1)).collect::<Result<_, _>>()?,
            ),
            ast::Value::Object(object) => {
                let mut entries = Vec::with_capacity(object.properties.len());
                for property in &object.properties {
                    self.check_escapes(&property.name)?;
                    let span = self.span(&property.name);
                    let value = self.value(&property.value, depth + 1)?;
                    entries.push(Entry { key: property.name.as_str().to_owned(), span, value });
                }
                Value::Table(entries)
            }
        };
        Ok(Node::new(span, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strict_json_is_read() {
        for text in
            ["{\"a\": 1,}", "{a: 1}", "{\"a\": 1} // x", "{'a': 1}", "{\"a\": 0x1}", "{} {}", "{\"a\" 1}"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn control_characters_in_texts_have_to_be_escaped() {
        for text in ["{\"a\": \"x\ny\"}", "{\"a\nb\": 1}", "[\"\t\"]", "\"\u{1}\""] {
            let error = parse(text).expect_err(text);
            assert!(format!("{error:?}").contains("control character"), "{text}: {error:?}");
        }
        assert!(parse("{\n\t\"a\":\n\"x\\ny\"}").is_ok());
    }

    #[test]
    fn escapes_are_decoded() {
        let root = parse(r#"{"a\u0062": "\ud83d\ude00"}"#).expect("readable");
        let Value::Table(entries) = root.value else { panic!("no table") };
        assert_eq!(entries[0].key, "ab");
        assert!(matches!(&entries[0].value.value, Value::Text(text) if text == "😀"));
    }
}
