//! What was measured, as tables that a program prints and `cargo xtask bench` puts together.

use std::io::{self, Write as _};

use serde_json::{Value, json};

/// A table of figures.
#[derive(Clone, Debug)]
pub struct Table {
    key: &'static str,
    title: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// An empty table: `key` is what it is called in JSON.
    pub fn new(key: &'static str, title: impl Into<String>, columns: &[&'static str]) -> Self {
        Self { key, title: title.into(), columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; what it has no cell for, was not measured.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Value>) {
        let mut cells: Vec<Value> = cells.into_iter().collect();
        cells.resize(self.columns.len(), Value::Null);
        self.rows.push(cells);
    }

    /// Prints the table as one line of JSON on standard output.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub fn print(&self) -> io::Result<()> {
        let Self { key, title, columns, rows } = self;
        let table = json!({"key": key, "title": title, "columns": columns, "rows": rows});
        writeln!(io::stdout(), "{table}")
    }
}

/// A figure with so many decimals.
pub fn number(value: f64, decimals: i32) -> Value {
    let scale = 10_f64.powi(decimals);
    let rounded = (value * scale).round() / scale;
    // Whole numbers without a point.
    if decimals == 0 { json!(rounded as i64) } else { json!(rounded) }
}
