//! Measures the release build beside the servers that others' packages make, and puts one report together.

mod machine;
mod page;
mod report;
mod targets;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    command::{self, cargo},
    setup,
    tree::Tree,
};
use machine::Machine;
use report::Report;

/// What is measured with, in the order of the report.
const PROGRAMS: [&str; 2] = [FIGURES, "allocations"];
/// What measures all servers.
const FIGURES: &str = "figures";
const BUILD: [&str; 8] =
    ["build", "--release", "-p", "latimer-cli", "-p", "latimer-bench", "--features", "latimer-bench/peer"];

/// How to measure, and what to do with the figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Shortly: to see that everything runs.
    quick: bool,
    /// As JSON instead of Markdown.
    json: bool,
    /// Into the documentation, too.
    write: bool,
    /// These tables alone; all, if there are none.
    tables: Vec<String>,
    /// Beside these servers alone; all, if there are none.
    servers: Vec<String>,
}

impl Options {
    pub(crate) fn read(words: &[&str]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut names = || {
                let names =
                    words.next().ok_or_else(|| format!("{word} needs names, with commas between them"))?;
                Ok::<_, String>(names.split(',').map(|name| name.trim().to_owned()).collect())
            };
            match *word {
                "--quick" => options.quick = true,
                "--json" => options.json = true,
                "--write" => options.write = true,
                "--tables" => options.tables = names()?,
                "--servers" => options.servers = names()?,
                other => {
                    let known = "--quick, --json, --write, --tables NAMES and --servers NAMES";
                    return Err(format!("bench takes {known}, not {other}"));
                }
            }
        }
        if options.is_part() && options.write {
            return Err("a part of the figures is not written into the documentation".to_owned());
        }
        if options.quick && options.write {
            return Err("figures of --quick are too rough to be written into the documentation".to_owned());
        }
        Ok(options)
    }

    /// Whether not everything is measured.
    fn is_part(&self) -> bool {
        !self.tables.is_empty() || !self.servers.is_empty()
    }
}

/// Why there are no figures.
#[derive(Debug)]
pub(crate) enum BenchError {
    Build,
    Program(&'static str),
    Line { program: &'static str, error: serde_json::Error },
    Marker { path: PathBuf, marker: String },
    Io { what: String, error: io::Error },
}

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build => write!(f, "failed to build what is measured: see above"),
            Self::Program(name) => write!(f, "{name} failed: see above"),
            Self::Line { program, error } => write!(f, "{program} printed what is no table: {error}"),
            Self::Marker { path, marker } => {
                write!(
                    f,
                    "{} has no lines <!-- {marker} --> and <!-- end of {marker} -->; put them where the figures belong",
                    path.display()
                )
            }
            Self::Io { what, error } => write!(f, "failed to {what}: {error}"),
        }
    }
}

impl std::error::Error for BenchError {}

/// Builds and installs everything that is measured, and measures it. What cannot be installed is told in the report.
pub(crate) fn run(tree: &Tree, options: &Options) -> Result<(), BenchError> {
    // What cargo and the installers say is no part of the report.
    let mut build = cargo(tree);
    build.args(BUILD).stdout(Stdio::null());
    if !command::run(&mut build).map_err(io("start cargo"))? {
        return Err(BenchError::Build);
    }
    let node = setup::npm_peers(tree).inspect_err(|error| eprintln!("warning: {error}")).is_ok();
    let python = setup::python_peers(tree).inspect_err(|error| eprintln!("warning: {error}")).is_ok();

    let mut machine = Machine::look(tree);
    let mut tables = Vec::new();
    for name in PROGRAMS {
        if options.is_part() && name != FIGURES {
            continue;
        }
        let path = tree.release(name);
        let mut program = beside(&path);
        if name == FIGURES {
            program.args(&options.tables).arg("--").args(&options.servers);
        }
        if options.quick {
            program.env("BENCH_QUICK", "1");
        }
        if node {
            let packages = tree.tools().join("npm-peers");
            program.env("BENCH_NODE", setup::node(tree)).env("BENCH_NODE_PEERS", scripts(tree, &packages)?);
        }
        if python {
            program.env("BENCH_PYTHON", tree.tools().join("python-peers/bin/python"));
            program.env("BENCH_PYTHON_PEERS", tree.peers());
        }
        let output = program
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(io(format!("start {}", path.display())))?;
        if !output.status.success() {
            return Err(BenchError::Program(name));
        }
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let table: Value =
                serde_json::from_str(line).map_err(|error| BenchError::Line { program: name, error })?;
            tables.push(table);
        }
    }
    machine.look_again();

    let report = Report::new(&machine, options.quick, tables);
    if options.json {
        println!("{:#}", report.json());
    } else {
        println!("{}", report.markdown());
    }
    if options.write {
        page::write(&tree.root().join("docs/performance.md"), "figures", &report.markdown())?;
        page::write(&tree.root().join("README.md"), "figures", &report.summary())?;
    }
    Ok(())
}

/// The scripts for Node, beside the packages that they use: Node looks for those from where a script really lies.
fn scripts(tree: &Tree, packages: &Path) -> Result<PathBuf, BenchError> {
    for name in ["tools.mjs", "npm_sdk.mjs", "npm_server.mjs"] {
        fs::copy(tree.peers().join(name), packages.join(name)).map_err(io(format!("copy {name}")))?;
    }
    Ok(packages.to_path_buf())
}

/// A program on the second core: the servers that it starts run on the first one. On a machine that has but one, or
/// no `taskset`, the system decides.
fn beside(program: &Path) -> Command {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 || !command::exists("taskset") {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", "1"]).arg(program);
    command
}

fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> BenchError {
    let what = what.into();
    move |error| BenchError::Io { what, error }
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn rough_figures_are_not_written_into_the_documentation() {
        assert_eq!(Options::read(&["--json"]), Ok(Options { json: true, ..Options::default() }));
        assert!(Options::read(&["--quick", "--write"]).is_err());
        assert!(Options::read(&["--fast"]).is_err());
    }

    #[test]
    fn a_part_of_the_figures_can_be_asked_for_and_is_not_written() {
        let part = Options::read(&["--tables", "calls,streams", "--servers", "raw hyper, Latimer"]).unwrap();
        assert_eq!(part.tables, ["calls", "streams"]);
        assert_eq!(part.servers, ["raw hyper", "Latimer"]);
        assert!(Options::read(&["--write", "--tables", "calls"]).is_err());
        assert!(Options::read(&["--tables"]).is_err());
    }
}
