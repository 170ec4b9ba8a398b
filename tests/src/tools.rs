//! The tools from outside the Rust world, as `cargo xtask setup` installs them below `target/tools`.

use std::path::PathBuf;

use crate::workspace;

/// Node of the pinned version.
#[must_use]
pub fn node() -> PathBuf {
    let arch = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "x64",
    };
    installed(&format!("npm/node_modules/node-{}-{arch}/bin/node", std::env::consts::OS))
}

/// Python with the packages of `tests/clients/requirements.txt`.
#[must_use]
pub fn python() -> PathBuf {
    installed("python/bin/python")
}

/// A script of `tests/clients`, by the path from which Node finds the npm packages.
#[must_use]
pub fn npm_script(name: &str) -> PathBuf {
    installed(&format!("npm/scripts/{name}"))
}

/// The program of an npm package.
#[must_use]
pub fn npm_program(path: &str) -> PathBuf {
    installed(&format!("npm/node_modules/{path}"))
}

fn installed(path: &str) -> PathBuf {
    let tool = workspace().join("target/tools").join(path);
    assert!(tool.exists(), "{} is missing: run `cargo xtask setup` first", tool.display());
    tool
}
