//! The developer's commands, run as `cargo xtask COMMAND`.
//!
//! `test` is what everyone and CI runs: it installs what it needs, goes through all steps whatever happens in one of
//! them, and ends with `N passed, N failed, N skipped` alone on a line. `soak` runs what takes longer.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to whoever started it")]

mod bench;
mod command;
mod report;
mod setup;
mod soak;
mod step;
mod tally;
mod tree;

use std::{env, process::ExitCode, time::Instant};

use soak::Plan;
use step::Step;
use tally::Tally;
use tree::Tree;

const USAGE: &str = "\
usage: cargo xtask test [STEP…]   run all steps, or those named
       cargo xtask setup          install what the steps need into target/tools
       cargo xtask soak [NAME…] [--minutes N]
                                  run everything that takes long, or what is named
       cargo xtask bench [--quick] [--json] [--write] [--tables NAMES] [--servers NAMES]
                                  measure the release build beside other servers, and print tables: shortly, to see
                                  that everything runs; as JSON; into README.md and docs/performance.md, too

steps, in this order:
  fmt       the formatting of all code
  clippy    the lints, warnings denied
  doc       the documentation builds, warnings denied
  nextest   unit and integration tests
  doctest   the examples in the documentation
  suite     the official conformance suite
  clients   clients that others wrote, over stdio, HTTP, TCP and Unix sockets

soaks:
  fuzz      the fuzz targets, each for 10 minutes or those of --minutes; under libFuzzer where there are a nightly
            toolchain and cargo-fuzz
  signals   starts and orderly ends of the program, 50 rounds

exit status: 0 all passed, 1 something failed (or was skipped, where CI is set), 2 wrong usage";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["test", steps @ ..] => match steps.iter().map(|name| Step::named(name).ok_or(name)).collect() {
            Ok(steps) => test(steps),
            Err(unknown) => wrong_usage(&format!("no step is called {unknown}")),
        },
        ["setup"] => match setup::all(&Tree::find()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        ["soak", words @ ..] => match Plan::read(words) {
            Ok(plan) => soak(&plan),
            Err(error) => wrong_usage(&error),
        },
        ["bench", words @ ..] => match bench::Options::read(words) {
            Ok(options) => match bench::run(&Tree::find(), &options) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    eprintln!("error: {error}");
                    ExitCode::FAILURE
                }
            },
            Err(error) => wrong_usage(&error),
        },
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        [] => wrong_usage("a command is missing"),
        [other, ..] => wrong_usage(&format!("unexpected {other}")),
    }
}

fn wrong_usage(why: &str) -> ExitCode {
    eprintln!("error: {why}\n\n{USAGE}");
    ExitCode::from(2)
}

fn test(mut steps: Vec<Step>) -> ExitCode {
    if steps.is_empty() {
        steps = Step::ALL.to_vec();
    }
    let tree = Tree::find();
    if let Err(error) = tree.clear_reports() {
        eprintln!("error: failed to clear {}: {error}", tree.reports().display());
        return ExitCode::FAILURE;
    }
    let steps = Step::ALL.into_iter().filter(|step| steps.contains(step));
    let tree = &tree;
    run_all(steps.map(|step| (step.name(), move || step.run(tree))))
}

fn soak(plan: &Plan) -> ExitCode {
    let tree = &Tree::find();
    run_all(plan.soaks.iter().map(|soak| (soak.name(), move || soak.run(tree, plan))))
}

/// Runs everything whatever becomes of a part, and sums it up.
fn run_all<R: FnOnce() -> Tally>(parts: impl Iterator<Item = (&'static str, R)>) -> ExitCode {
    let mut rows = Vec::new();
    let mut total = Tally::default();
    for (name, run) in parts {
        println!("\n=== {name}");
        let start = Instant::now();
        let tally = run();
        rows.push(format!(
            "{name:<8} {:>5} passed {:>4} failed {:>4} skipped {:>6.0} s",
            tally.passed,
            tally.failed,
            tally.skipped,
            start.elapsed().as_secs_f64()
        ));
        total.add(tally);
    }

    println!("\n=== summary\n{}", rows.join("\n"));
    if !total.failures.is_empty() {
        println!("\nfailed:\n  {}", total.failures.join("\n  "));
    }
    let ci = env::var_os("CI").is_some_and(|value| !value.is_empty());
    if ci && total.skipped > 0 {
        println!("\nCI is set, where a skipped test is a failure");
    }
    println!("\n{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped);
    if total.failed > 0 || (ci && total.skipped > 0) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
