//! Where and when is measured.

use std::{fs, process::Stdio};

use crate::{command, tree::Tree};

/// The machine, its load, and the versions of what matters.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) system: String,
    pub(crate) rustc: String,
    pub(crate) commit: String,
    pub(crate) date: String,
    /// The load averages over 1, 5 and 15 minutes.
    pub(crate) load_before: String,
    pub(crate) load_after: String,
}

impl Machine {
    /// Looks before the first measurement.
    pub(crate) fn look(tree: &Tree) -> Self {
        let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            processor: model.map_or("unknown processor", |(_, model)| model).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            system: said(tree, "uname", &["-sr"]),
            rustc: said(tree, "rustc", &["--version"]),
            commit: said(tree, "git", &["describe", "--always", "--dirty"]),
            date: said(tree, "date", &["-u", "+%F"]),
            load_before: load(),
            load_after: String::new(),
        }
    }

    /// Looks after the last measurement.
    pub(crate) fn look_again(&mut self) {
        self.load_after = load();
    }
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().take(3).collect();
    if words.is_empty() { "unknown".to_owned() } else { words.join(", ") }
}

/// What a command prints.
fn said(tree: &Tree, program: &str, arguments: &[&str]) -> String {
    let mut command = command::command(tree, program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
    match command.output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => format!("{program} unknown"),
    }
}
