//! TOML 1.

use toml_edit::{Document, Item, Key, TableLike, Value as TomlValue};

use super::{Budget, Entry, Lines, Node, Span, Syntax, Value, too_deep};

pub(super) fn parse(text: &str) -> Result<Node, Syntax> {
    let lines = Lines::new(text);
    let document = Document::parse(text).map_err(|error| {
        let span = error.span().map_or(Span { line: 1, column: 1, width: 0 }, |bytes| lines.span(&bytes));
        Syntax::new(span, error.message().lines().collect::<Vec<_>>().join(", "))
    })?;
    let mut reader = Reader { lines, budget: Budget::default() };
    let value = reader.table(document.as_table(), 0)?;
    Ok(Node::new(Span { line: 1, column: 1, width: 0 }, value))
}

struct Reader<'a> {
    lines: Lines<'a>,
    budget: Budget,
}

impl Reader<'_> {
    fn table(&mut self, table: &dyn TableLike, depth: usize) -> Result<Value, Syntax> {
        let mut entries = Vec::new();
        for (name, item) in table.iter() {
            let value_bytes = item.span();
            let key_bytes =
                table.key(name).and_then(Key::span).or_else(|| value_bytes.clone()).unwrap_or_default();
            let span = self.lines.span(&key_bytes);
            // A table's own span is its header or reaches over many lines: point at its name instead.
            let value_span = match (item.is_table() || item.is_array_of_tables(), value_bytes) {
                (false, Some(bytes)) => self.lines.span(&bytes),
                _ => span,
            };
            let value = self.item(item, value_span, depth + 1)?;
            entries.push(Entry { key: name.to_owned(), span, value });
        }
        entries.sort_by_key(|entry| (entry.span.line, entry.span.column));
        Ok(Value::Table(entries))
    }

    fn item(&mut self, item: &Item, span: Span, depth: usize) -> Result<Node, Syntax> {
        if let Item::Value(value) = item {
            return self.value(value, span, depth);
        }
        too_deep(depth, span)?;
        self.budget.take(1, span)?;
        let value = match item {
            Item::None | Item::Value(_) => Value::Null,
            Item::Table(table) => self.table(table, depth)?,
            Item::ArrayOfTables(tables) => {
                let mut items = Vec::new();
                for table in tables {
                    let span = table.span().map_or(span, |bytes| self.lines.span(&bytes));
                    items.push(Node::new(span, self.table(table, depth + 1)?));
                }
                Value::List(items)
            }
        };
        Ok(Node::new(span, value))
    }

    fn value(&mut self, value: &TomlValue, span: Span, depth: usize) -> Result<Node, Syntax> {
        too_deep(depth, span)?;
        self.budget.take(1, span)?;
        let value = match value {
            TomlValue::String(text) => Value::Text(text.value().clone()),
            TomlValue::Integer(number) => Value::Integer(*number.value()),
            TomlValue::Float(number) => Value::Number(number.value().to_string()),
            TomlValue::Boolean(flag) => Value::Bool(*flag.value()),
            TomlValue::Datetime(date) => Value::Date(date.value().to_string()),
            TomlValue::InlineTable(table) => self.table(table, depth)?,
            TomlValue::Array(array) => {
                let mut items = Vec::new();
                for item in array {
                    let span = item.span().map_or(span, |bytes| self.lines.span(&bytes));
                    items.push(self.value(item, span, depth + 1)?);
                }
                Value::List(items)
            }
        };
        Ok(Node::new(span, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_set_twice_is_refused_where_it_stands_again() {
        let error = parse("a = 1\nb = 2\na = 3\n").expect_err("a duplicate");
        assert_eq!((error.span.line, error.span.column), (3, 1));
        assert!(error.reason.contains("duplicate key"), "{}", error.reason);
    }

    #[test]
    fn keys_come_in_the_order_of_the_file() {
        let root = parse("b.x = 1\na = 2\n[c]\ny = 3\n").expect("readable");
        let Value::Table(entries) = root.value else { panic!("no table") };
        let keys: Vec<_> = entries.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["b", "a", "c"]);
    }
}
