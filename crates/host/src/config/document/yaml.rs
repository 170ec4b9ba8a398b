//! YAML 1.2, core schema, without tags and merge keys.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use super::{Budget, Entry, Node, Span, Syntax, Value, too_deep};

type Events<'a> = Parser<'a, saphyr_parser::StrInput<'a>>;

pub(super) fn parse(text: &str) -> Result<Node, Syntax> {
    let mut reader =
        Reader { events: Parser::new_from_str(text), anchors: HashMap::new(), budget: Budget::default() };
    let mut root = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            _ if root.is_some() => return Err(Syntax::new(span, "a second document in one file")),
            event => root = Some(reader.node(event, span, 0)?),
        }
    }
    let mut root = root.unwrap_or_else(|| Node::new(Span { line: 1, column: 1, width: 0 }, Value::Null));
    if matches!(root.value, Value::Null) {
        root.value = Value::Table(Vec::new());
    }
    Ok(root)
}

struct Reader<'a> {
    events: Events<'a>,
    anchors: HashMap<usize, (Node, usize)>,
    budget: Budget,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Syntax> {
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, place(span.start, span.end))),
            Some(Err(error)) => Err(syntax(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Syntax> {
        too_deep(depth, span)?;
        self.budget.take(1, span)?;
        let before = self.budget.nodes;
        let (anchor, value) = match event {
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => {
                return Err(Syntax::new(span, "a tag (`!…`), which means nothing here"));
            }
            Event::Scalar(text, ScalarStyle::Plain, anchor, None) => (anchor, plain(&text)),
            Event::Scalar(text, _, anchor, None) => (anchor, Value::Text(text.into_owned())),
            Event::SequenceStart(anchor, None) => (anchor, self.list(depth)?),
            Event::MappingStart(anchor, None) => (anchor, self.table(depth)?),
            Event::Alias(anchor) => {
                let (node, size) = self
                    .anchors
                    .get(&anchor)
                    .cloned()
                    .ok_or_else(|| Syntax::new(span, "an alias inside the value that it names"))?;
                self.budget.take(size, span)?;
                return Ok(node);
            }
            _ => return Err(Syntax::new(span, "a value is missing")),
        };
        let node = Node::new(span, value);
        if anchor > 0 {
            let size = self.budget.nodes - before + 1;
            self.budget.take(size, span)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Syntax> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd | Event::StreamEnd, _) => return Ok(Value::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn table(&mut self, depth: usize) -> Result<Value, Syntax> {
        let mut entries = Vec::new();
        loop {
            let (key, key_span) = match self.next()? {
                (Event::MappingEnd | Event::StreamEnd, _) => return Ok(Value::Table(entries)),
                (Event::Scalar(key, _, 0, None), span) => (key.into_owned(), span),
                (_, span) => return Err(Syntax::new(span, "a key that is not plain text")),
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            entries.push(Entry { key, span: key_span, value });
        }
    }
}

fn place(start: saphyr_parser::Marker, end: saphyr_parser::Marker) -> Span {
    let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let width = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 };
    Span { line: narrow(start.line().max(1)), column: narrow(start.col() + 1), width: narrow(width) }
}

fn syntax(error: &ScanError) -> Syntax {
    if error.info().contains("recursion limit") {
        return Syntax::new(place(*error.marker(), *error.marker()), "nested deeper than the reader goes");
    }
    Syntax::new(place(*error.marker(), *error.marker()), error.info())
}

/// A plain scalar's type by the core schema (YAML 1.2.2 §10.3.2).
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf" | ".nan" | ".NaN" | ".NAN" => {
            return Value::Number(text.to_owned());
        }
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all = |part: &str, radix| !part.is_empty() && part.chars().all(|c| c.is_digit(radix));
    let integer = if let Some(octal) = text.strip_prefix("0o").filter(|part| all(part, 8)) {
        i64::from_str_radix(octal, 8).ok()
    } else if let Some(hex) = text.strip_prefix("0x").filter(|part| all(part, 16)) {
        i64::from_str_radix(hex, 16).ok()
    } else if all(digits, 10) {
        text.parse().ok()
    } else if is_decimal(digits) {
        None
    } else {
        return Value::Text(text.to_owned());
    };
    integer.map_or_else(|| Value::Number(text.to_owned()), Value::Integer)
}

/// Whether unsigned `text` is a decimal fraction with an optional exponent.
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
    let exponent_ok = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    exponent_ok && !(whole.is_empty() && fraction.is_empty()) && digits(whole) && digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, expected) in [
            ("12", "Integer(12)"),
            ("-3", "Integer(-3)"),
            ("0o17", "Integer(15)"),
            ("0xff", "Integer(255)"),
            ("1.5", "Number(\"1.5\")"),
            ("1e3", "Number(\"1e3\")"),
            ("99999999999999999999", "Number(\"99999999999999999999\")"),
            ("1MiB", "Text(\"1MiB\")"),
            ("yes", "Text(\"yes\")"),
            ("127.0.0.1", "Text(\"127.0.0.1\")"),
            ("e5", "Text(\"e5\")"),
            (".", "Text(\".\")"),
            ("-", "Text(\"-\")"),
            ("TRUE", "Bool(true)"),
            ("~", "Null"),
        ] {
            assert_eq!(format!("{:?}", plain(text)), expected, "{text}");
        }
    }

    #[test]
    fn an_alias_repeats_what_its_anchor_names() {
        let root = parse("a: &x [1]\nb: *x\n").expect("readable");
        let Value::Table(entries) = root.value else { panic!("no table") };
        assert!(matches!(&entries[1].value.value, Value::List(items) if items.len() == 1));
    }

    #[test]
    fn tags_second_documents_and_self_references_are_refused() {
        for text in ["a: !!str 1\n", "a: 1\n---\nb: 2\n", "a: &x [*x]\n", "? [a]\n: 1\n"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
