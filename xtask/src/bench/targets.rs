//! What the server is held to beside others, and what a run says of it.

use std::fmt;

use serde_json::Value;

/// A figure, and what it is to be.
#[derive(Debug, PartialEq)]
pub(crate) struct Target {
    what: String,
    wanted: f64,
    found: f64,
    /// Whether more is better.
    is_least: bool,
}

impl Target {
    fn is_met(&self) -> bool {
        if self.is_least { self.found >= self.wanted } else { self.found <= self.wanted }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, wanted, found, is_least } = self;
        let bound = if *is_least { "at least" } else { "at most" };
        let verdict = if self.is_met() { "met" } else { "missed" };
        writeln!(f, "| {what} | {bound} {wanted} | {found} | {verdict} |")
    }
}

/// The targets about which the tables say something.
pub(crate) fn read(tables: &[Value]) -> Vec<Target> {
    let rows = |key: &str| {
        let table = tables.iter().find(|table| table["key"] == key);
        table.and_then(|table| table["rows"].as_array()).map_or(&[][..], Vec::as_slice)
    };
    let mut targets = Vec::new();
    let mut add = |what: String, wanted: f64, found: &Value, is_least: bool| {
        if let Some(found) = found.as_f64() {
            targets.push(Target { what, wanted, found, is_least });
        }
    };
    for (arguments, wanted) in [("32 B", 1.8), ("64 KB", 3.0), ("200 objects", 3.0)] {
        for row in rows("calls") {
            if row[1] == arguments && row[2] == 32 && row[3] == "Latimer" {
                let what = format!("CPU ÷ raw hyper, 32 connections, {}, {arguments}", text(&row[0]));
                add(what, wanted, &row[5], false);
            }
        }
    }
    for row in rows("streams") {
        if row[1] == 32 && row[2] == "Latimer, stdio" {
            add(format!("rmcp's `stdio` ÷ CPU, 32 in flight, {}", text(&row[0])), 5.0, &row[4], true);
        }
    }
    for row in rows("sessions") {
        if row[0] == "Latimer" {
            add("bytes of an idle session, its connection included".into(), 1024.0, &row[1], false);
        }
    }
    let growth = rows("hostile").iter().filter(|row| row[2] == "Latimer");
    if let Some(worst) = growth.max_by(|one, other| times(one).total_cmp(&times(other))) {
        let what =
            format!("growth ÷ size of a hostile message, the worst ({}, {} MiB)", text(&worst[0]), worst[1]);
        add(what, 8.0, &worst[4], false);
    }
    let most = rows("allocations").iter().filter(|row| row[1] == "32 B").max_by_key(|row| row[2].as_u64());
    if let Some(row) = most {
        add("allocations of a call, 32 B".into(), 60.0, &row[2], false);
    }
    targets
}

fn times(row: &Value) -> f64 {
    row[4].as_f64().unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::read;

    #[test]
    fn a_target_is_met_up_to_its_bound() {
        let calls = json!({"key": "calls", "rows": [
            ["legacy", "32 B", 32, "raw hyper", 10.0, 1.0],
            ["legacy", "32 B", 1, "Latimer", 90.0, 9.0],
            ["legacy", "32 B", 32, "Latimer", 18.0, 1.8],
            ["legacy", "64 KB", 32, "Latimer", 31.0, 3.1],
        ]});
        let streams = json!({"key": "streams", "rows": [["modern", 32, "Latimer, stdio", 3.0, 5.1, 0]]});
        let lines: Vec<String> = read(&[calls, streams]).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "| CPU ÷ raw hyper, 32 connections, legacy, 32 B | at most 1.8 | 1.8 | met |\n",
                "| CPU ÷ raw hyper, 32 connections, legacy, 64 KB | at most 3 | 3.1 | missed |\n",
                "| rmcp's `stdio` ÷ CPU, 32 in flight, modern | at least 5 | 5.1 | met |\n",
            ]
        );
    }
}
