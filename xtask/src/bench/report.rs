//! The report: what was measured, where, and how to measure it again.

use serde_json::{Value, json};

use super::{machine::Machine, targets};

/// Everything that a run found.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    machine: &'a Machine,
    quick: bool,
    tables: Vec<Value>,
}

impl<'a> Report<'a> {
    /// Tables as the programs print them.
    pub(crate) fn new(machine: &'a Machine, quick: bool, tables: Vec<Value>) -> Self {
        Self { machine, quick, tables }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let Machine { processor, cores, system, rustc, commit, date, load_before, load_after } = self.machine;
        json!({
            "machine": {"processor": processor, "cores": cores, "system": system},
            "rustc": rustc, "commit": commit, "date": date, "quick": self.quick,
            "load": {"before": load_before, "after": load_after},
            "tables": self.tables,
        })
    }

    /// For people: all of it.
    pub(crate) fn markdown(&self) -> String {
        let Machine { processor, cores, system, rustc, commit, date, load_before, load_after } = self.machine;
        let mut text = format!(
            "{processor}, cores: {cores}; {system}; {rustc}. Latimer at commit {commit}, {date}. Load average before: {load_before}; \
             after: {load_after}.\n"
        );
        if self.quick {
            text.push_str("\nMeasured shortly (`--quick`): the times are rough.\n");
        }
        for table in &self.tables {
            text.push_str(&format!("\n**{}**\n\n", word(&table["title"])));
            text.push_str(&row(list(&table["columns"])));
            text.push_str(&format!("{}|\n", "|---".repeat(list(&table["columns"]).len())));
            for cells in list(&table["rows"]) {
                text.push_str(&row(list(cells)));
            }
        }
        let targets = targets::read(&self.tables);
        if !targets.is_empty() {
            text.push_str("\n**Targets, and whether this run meets them**\n\n| | wanted | this run | |\n|---|---|---|---|\n");
            text.extend(targets.iter().map(ToString::to_string));
        }
        text
    }

    /// For people in a hurry, in few lines: the CPU time of the smallest call at 32 connections.
    pub(crate) fn summary(&self) -> String {
        let Machine { processor, cores, commit, date, load_before, .. } = self.machine;
        let calls = self.tables.iter().find(|table| table["key"] == "calls");
        let rows = calls.map_or(&[][..], |table| list(&table["rows"]));
        let mut servers: Vec<&str> = Vec::new();
        for name in rows.iter().filter_map(|row| row[3].as_str()) {
            if !servers.contains(&name) {
                servers.push(name);
            }
        }
        let mut text =
            format!("| µs per call | {} |\n|---{}|\n", servers.join(" | "), "|---".repeat(servers.len()));
        for (client, revision) in [("legacy", "2025-11-25"), ("modern", "2026-07-28")] {
            let cells = servers.iter().map(|server| {
                let found = rows
                    .iter()
                    .find(|row| row[0] == client && row[1] == "32 B" && row[2] == 32 && row[3] == **server);
                found.map_or_else(|| "cannot".to_owned(), |row| word(&row[4]))
            });
            text.push_str(&format!("| {revision} | {} |\n", cells.collect::<Vec<_>>().join(" | ")));
        }
        text.push_str(&format!(
            "\nCPU time of the server for a `tools/call` of 32 bytes, 32 connections, on {cores} cores of {processor}; load average {load_before}; commit {commit}, {date}. `cargo xtask bench` measures it where you are.\n"
        ));
        text
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        // A bar would end the cell, a new line the table.
        Value::String(text) => text.replace('|', "\\|").replace('\n', " "),
        other => other.to_string(),
    }
}

fn row(cells: &[Value]) -> String {
    format!("| {} |\n", cells.iter().map(word).collect::<Vec<_>>().join(" | "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Machine, Report};

    fn machine() -> Machine {
        Machine {
            processor: "CPU".into(),
            cores: 2,
            system: "Linux".into(),
            rustc: "rustc 1.95.0".into(),
            commit: "abc".into(),
            date: "2026-01-01".into(),
            load_before: "0.1, 0.1, 0.1".into(),
            load_after: "0.9, 0.1, 0.1".into(),
        }
    }

    #[test]
    fn the_summary_has_both_eras_and_says_who_cannot() {
        let rows = json!([
            ["legacy", "32 B", 32, "floor", 5.0, 1.0, 0, 0, 0, 0],
            ["legacy", "4 KB", 32, "floor", 9.0, 1.0, 0, 0, 0, 0],
            ["modern", "32 B", 32, "floor", 6.5, 1.0, 0, 0, 0, 0],
            ["legacy", "32 B", 32, "old", 10.0, 2.0, 0, 0, 0, 0],
            ["modern", "32 B", 32, "old", "cannot", null, null, null, null, null],
        ]);
        let machine = machine();
        let summary = Report::new(&machine, false, vec![json!({"key": "calls", "rows": rows})]).summary();
        assert!(summary.contains("| 2025-11-25 | 5.0 | 10.0 |"), "{summary}");
        assert!(summary.contains("| 2026-07-28 | 6.5 | cannot |"), "{summary}");
    }

    #[test]
    fn a_cell_cannot_end_its_table() {
        let table = json!({"key": "x", "title": "X", "columns": ["a", "b"], "rows": [["1|2\n3", null]]});
        let machine = machine();
        let text = Report::new(&machine, false, vec![table]).markdown();
        assert!(text.contains("| a | b |\n|---|---|\n| 1\\|2 3 |  |\n"), "{text}");
    }
}
