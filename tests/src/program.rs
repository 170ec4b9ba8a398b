//! Where the programs under test lie.

use std::path::PathBuf;

/// The `latimer` program: `TESTED_LATIMER`, or what cargo built last.
#[must_use]
pub fn latimer() -> PathBuf {
    find("TESTED_LATIMER", "latimer", "latimer-cli")
}

/// The fixture for the official suite: `TESTED_CONFORMANCE_SERVER`, or what cargo built last.
#[must_use]
pub fn conformance_server() -> PathBuf {
    find("TESTED_CONFORMANCE_SERVER", "conformance-server", "latimer-conformance")
}

/// The client that the official suite drives: `TESTED_CONFORMANCE_CLIENT`, or what cargo built last.
#[must_use]
pub fn conformance_client() -> PathBuf {
    find("TESTED_CONFORMANCE_CLIENT", "conformance-client", "latimer-conformance")
}

/// The everything server: `TESTED_EVERYTHING`, or what cargo built last.
#[must_use]
pub fn everything() -> PathBuf {
    find("TESTED_EVERYTHING", "latimer-everything", "latimer-everything")
}

fn find(variable: &str, name: &str, package: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return PathBuf::from(path);
    }
    // A test lies in `<target>/<profile>/deps`, the programs one folder above.
    let test = std::env::current_exe().expect("a test knows its own path");
    let profile = test.ancestors().nth(2).expect("a test lies in a target folder");
    let program = profile.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.exists(), "{} is missing: run `cargo build -p {package}` first", program.display());
    program
}
