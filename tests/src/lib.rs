//! What the end-to-end tests share: programs under test, foreign clients and the official suite.
//!
//! The tests that need tools from outside the Rust world (`foreign_clients`, `official_suite`) are built with the
//! feature `foreign` alone; `cargo xtask test` installs the tools and turns it on.
//!
//! Everything here panics with a message that says what to do when the ground for a test is missing: there is no
//! caller that could go on without it.

pub mod cell;
pub mod client;
pub mod process;
pub mod program;
pub mod server;
pub mod suite;
pub mod table;
pub mod tools;

use std::{fs, path::PathBuf};

use serde_json::Value;

/// Where `cargo xtask test` collects what the tests found beyond passed or failed.
const REPORT_DIR: &str = "TEST_REPORT_DIR";

/// The folder of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests.parent().map(PathBuf::from).expect("the tests lie inside the workspace")
}

/// Leaves a report for `cargo xtask test`, which prints all reports of one `kind` together.
pub fn report(kind: &str, name: &str, report: &Value) {
    let Some(folder) = std::env::var_os(REPORT_DIR) else { return };
    let folder = PathBuf::from(folder).join(kind);
    fs::create_dir_all(&folder).expect("the report folder can be made");
    fs::write(folder.join(format!("{name}.json")), report.to_string()).expect("the report can be written");
}
