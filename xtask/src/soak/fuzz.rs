//! The fuzz targets, each for minutes: under libFuzzer where a nightly toolchain and cargo-fuzz are there, and elsewhere
//! with the mutator of `fuzz/`, which does not know what it covers.

use std::{
    fs, io,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
};

use crate::{
    command::{self, cargo},
    tally::Tally,
    tree::Tree,
};

pub(super) fn run(tree: &Tree, minutes: u32) -> Tally {
    match missing(tree) {
        None => guided(tree, minutes),
        Some(missing) => {
            println!("{missing}: the targets run with a mutator that is not guided by coverage");
            unguided(tree, minutes)
        }
    }
}

/// What libFuzzer needs and is not there.
fn missing(tree: &Tree) -> Option<&'static str> {
    if !succeeds(nightly(tree).arg("--version")) {
        Some("there is no nightly toolchain (rustup toolchain install nightly)")
    } else if !succeeds(nightly(tree).args(["fuzz", "--version"])) {
        Some("there is no cargo-fuzz (cargo install cargo-fuzz)")
    } else {
        None
    }
}

fn succeeds(probe: &mut Command) -> bool {
    let silent = probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// The cargo that rustup puts in front of all toolchains: only that one knows what `+nightly` is.
fn nightly(tree: &Tree) -> Command {
    let mut command = command::command(tree, "cargo");
    command.arg("+nightly");
    for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "CARGO_MANIFEST_DIR", "CARGO_TARGET_DIR"] {
        command.env_remove(name);
    }
    command
}

fn guided(tree: &Tree, minutes: u32) -> Tally {
    let names = match names(tree) {
        Ok(names) => names,
        Err(error) => return Tally::fail(format!("fuzz: failed to list the targets: {error}")),
    };
    let mut build = nightly(tree);
    build.args(["fuzz", "build", "--fuzz-dir", "fuzz/cargo-fuzz"]);
    if !command::run(&mut build).unwrap_or(false) {
        return Tally::fail("fuzz: the targets do not build under libFuzzer");
    }
    // One target for each processor at a time.
    let waiting = Mutex::new(names.into_iter());
    let done = Mutex::new((Tally::default(), Vec::new()));
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(name) = next() {
                    let (row, tally) = row(&name, guide(tree, &name, minutes));
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.0.add(tally);
                    done.1.push(row);
                }
            });
        }
    });
    let (tally, rows) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("\n{}", rows.join("\n"));
    tally
}

/// What a target came to.
fn row(name: &str, outcome: io::Result<command::Output>) -> (String, Tally) {
    match outcome {
        Ok(output) => {
            let executions = executed(&output.text).map_or("?".to_owned(), |count| count.to_string());
            let held = if output.success { "held" } else { "BROKEN" };
            let row = format!("{name:<14} {executions:>12} executions, guided by coverage  {held}");
            (row, if output.success { Tally::pass() } else { Tally::fail(format!("fuzz: {name}")) })
        }
        Err(error) => {
            (format!("{name:<14} not run"), Tally::fail(format!("fuzz: {name}: failed to start: {error}")))
        }
    }
}

/// Runs one target under libFuzzer. What it finds worth keeping goes to `target/fuzz`, what breaks it to `fuzz/artifacts`.
fn guide(tree: &Tree, name: &str, minutes: u32) -> io::Result<command::Output> {
    let fuzz = tree.root().join("fuzz");
    let (seeds, found) = (fuzz.join("corpus").join(name), tree.root().join("target/fuzz/corpus").join(name));
    let artifacts = fuzz.join("artifacts").join(name);
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&artifacts)?;
    let mut command = nightly(tree);
    command.args(["fuzz", "run", "--fuzz-dir", "fuzz/cargo-fuzz", name]).args([found, seeds]).arg("--");
    command.arg(format!("-max_total_time={}", u64::from(minutes) * 60));
    command.args(["-print_final_stats=1", "-max_len=16384"]);
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command::run_and_keep(&mut command)
}

/// The names of the targets, as the manifest of their wrappers has them.
fn names(tree: &Tree) -> io::Result<Vec<String>> {
    let manifest = fs::read_to_string(tree.root().join("fuzz/cargo-fuzz/Cargo.toml"))?;
    Ok(wrapped(&manifest))
}

fn wrapped(manifest: &str) -> Vec<String> {
    let binaries = manifest.split("[[bin]]").skip(1);
    let name = |binary: &str| {
        let line = binary.lines().find_map(|line| line.strip_prefix("name = \""))?;
        line.strip_suffix('"').map(str::to_owned)
    };
    binaries.filter_map(name).collect()
}

/// How often libFuzzer says that it ran the target.
fn executed(output: &str) -> Option<u64> {
    output
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok())
}

fn unguided(tree: &Tree, minutes: u32) -> Tally {
    let mut command = cargo(tree);
    command.args(["run", "--release", "--package", "latimer-fuzz", "--", "run", "all"]);
    command.args(["--minutes", &minutes.to_string()]);
    match command::run_and_keep(&mut command) {
        Ok(output) => {
            let tally = judge(&output.text);
            if output.success == (tally.failed == 0) && tally.passed + tally.failed > 0 {
                tally
            } else {
                Tally::fail("fuzz: the targets could not be run")
            }
        }
        Err(error) => Tally::fail(format!("fuzz: failed to start: {error}")),
    }
}

/// Counts the lines that end with what became of a target.
fn judge(output: &str) -> Tally {
    let mut tally = Tally::default();
    for line in output.lines() {
        let name = line.split(' ').next().unwrap_or_default();
        if line.ends_with("  held") {
            tally.add(Tally::pass());
        } else if line.ends_with("  BROKEN") {
            tally.add(Tally::fail(format!("fuzz: {name}")));
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executions_of_libfuzzer_are_read() {
        let output = "Done 5 runs in 1 second(s)\nstat::number_of_executed_units: 12345\nstat::average_exec_per_sec: 7\n";
        assert_eq!(executed(output), Some(12_345));
        assert_eq!(executed("==1==ERROR: AddressSanitizer"), None);
    }

    #[test]
    fn the_wrappers_are_found_in_their_manifest() {
        let manifest = "[package]\nname = \"x\"\n\n[[bin]]\nname = \"frame\"\npath = \"frame.rs\"\n\n[[bin]]\nname = \"sse\"\n";
        assert_eq!(wrapped(manifest), ["frame", "sse"]);
    }

    #[test]
    fn each_target_is_counted() {
        let output = "frame   12 executions  60 s  held\nsse  3 executions  1 s  BROKEN\nnoise\n";
        let tally = Tally { passed: 1, failed: 1, skipped: 0, failures: vec!["fuzz: sse".to_owned()] };
        assert_eq!(judge(output), tally);
    }
}
