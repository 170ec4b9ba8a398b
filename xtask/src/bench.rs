//! Measures the release build beside the servers that others' crates make, and prints one report in Markdown: the
//! machine, its load before and after, the versions, and the tables.

use std::{
    fmt, fs, io,
    process::{Command, Stdio},
};

use crate::{
    command::{self, cargo},
    tree::Tree,
};

/// What is measured with, in the order of the report.
const PROGRAMS: [&str; 3] = ["figures", "streams", "allocations"];
const BUILD: [&str; 8] =
    ["build", "--release", "-p", "latimer-cli", "-p", "latimer-bench", "--features", "latimer-bench/peer"];

/// Why there are no figures.
#[derive(Debug)]
pub(crate) enum BenchError {
    Build,
    Program(&'static str),
    Io { what: String, error: io::Error },
}

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build => write!(f, "failed to build what is measured: see above"),
            Self::Program(name) => write!(f, "{name} failed: see above"),
            Self::Io { what, error } => write!(f, "failed to {what}: {error}"),
        }
    }
}

impl std::error::Error for BenchError {}

/// Builds everything that is measured, and measures it.
pub(crate) fn run(tree: &Tree) -> Result<(), BenchError> {
    let start = |error| BenchError::Io { what: "start cargo".to_owned(), error };
    if !command::run(cargo(tree).args(BUILD)).map_err(start)? {
        return Err(BenchError::Build);
    }
    println!("Machine: {}.", machine());
    println!("{}; {}.", said(tree, "uname", &["-sr"]), said(tree, "rustc", &["--version"]));
    println!(
        "Latimer at commit {}, {}.",
        said(tree, "git", &["describe", "--always", "--dirty"]),
        said(tree, "date", &["-u", "+%F"])
    );
    println!("Load average before: {}.", load());
    let path = tree.release("latimer");
    let size = fs::metadata(&path)
        .map_err(|error| BenchError::Io { what: format!("look at {}", path.display()), error })?
        .len();
    println!("Size of the program `latimer`: {:.1} MB.\n", size as f64 / 1e6);
    for name in PROGRAMS {
        let path = tree.release(name);
        let start = |error| BenchError::Io { what: format!("start {}", path.display()), error };
        if !command::run(&mut beside(&path)).map_err(start)? {
            return Err(BenchError::Program(name));
        }
        println!();
    }
    println!("Load average after: {}.", load());
    Ok(())
}

/// A program on the second core: the servers that it starts run on the first one. On a machine that has but one, or
/// no `taskset`, the system decides.
fn beside(program: &std::path::Path) -> Command {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 || !command::exists("taskset") {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", "1"]).arg(program);
    command
}

/// The processor and how many of its cores there are.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("{}, cores: {cores}", model.map_or("unknown processor", |(_, model)| model))
}

/// The load average over 1, 5 and 15 minutes.
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
