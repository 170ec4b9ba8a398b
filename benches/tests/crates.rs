//! How much a server author has to build.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use std::collections::BTreeSet;
use std::process::Command;

use latimer_bench::budget;
use latimer_bench::figure::{Figure, Quantity};

/// The crates that a build of a package compiles on this platform, the package among them.
fn crates(package: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["tree", "--locked", "--offline", "--package", package]);
    command.args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // The name and the version; behind them may stand a path, or a mark for what was listed before.
    let name = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    text.lines().filter(|line| !line.is_empty()).map(name).collect()
}

#[test]
fn a_server_builds_as_many_crates_as_the_budget_says() {
    let crates = crates("latimer");
    assert!(crates.iter().any(|name| name.starts_with("latimer v")), "{crates:?}");
    println!("{}", crates.len());
    let figure = Figure::new(&["latimer"], Quantity::Crates, crates.len() as u64);
    budget::hold("crates", &[figure]).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_package_that_adds_crates_is_over_the_budget() {
    let (lean, heavy) = (crates("latimer-protocol"), crates("latimer-transport"));
    assert!(lean.len() < heavy.len());
    let figure = |crates: &BTreeSet<String>| [Figure::new(&["x"], Quantity::Crates, crates.len() as u64)];
    let mut held = budget::Budget::parse("").unwrap();
    held.replace("crates", &figure(&lean));
    assert!(held.check("crates", &figure(&lean)).is_empty());
    let violations = held.check("crates", &figure(&heavy));
    assert!(violations.len() == 1 && violations[0].is_over(), "{violations:?}");
    assert!(violations[0].to_string().contains("cargo tree"));
}
