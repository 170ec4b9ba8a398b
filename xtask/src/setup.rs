//! Installs what the tests need from outside the Rust world into `target/tools`, once.
//!
//! The manifests lie in `tests/clients` and name exact versions; a copy of them is left beside what was installed and says
//! later that nothing is to be done.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    command::{self, cargo},
    tree::Tree,
};

/// Builds with the Rust version of the workspace.
const NEXTEST: &str = "0.9.143";

/// Why the tools could not be installed, with the mend.
#[derive(Debug)]
pub(crate) enum SetupError {
    Missing { program: &'static str, packages: &'static str },
    Failed { what: &'static str, hint: &'static str },
    Io { what: &'static str, path: PathBuf, error: io::Error },
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { program, packages } => {
                write!(
                    f,
                    "{program} is missing: install it (on Debian: apt-get install {packages}) and try again"
                )
            }
            Self::Failed { what, hint } => write!(f, "failed to {what}: see above; {hint}"),
            Self::Io { what, path, error } => write!(f, "failed to {what} {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for SetupError {}

/// Everything that the steps need.
pub(crate) fn all(tree: &Tree) -> Result<(), SetupError> {
    nextest(tree)?;
    npm(tree)?;
    python(tree)?;
    netcat()?;
    valgrind()
}

/// The client of the README that everybody has, in the form that waits for answers (`-q`).
pub(crate) fn netcat() -> Result<(), SetupError> {
    require("nc", "netcat-openbsd")
}

/// What counts the instructions of a call.
pub(crate) fn valgrind() -> Result<(), SetupError> {
    require("valgrind", "valgrind")
}

/// The runner of the tests, unless there is one.
pub(crate) fn nextest(tree: &Tree) -> Result<(), SetupError> {
    let mut probe = cargo(tree);
    probe
        .args(["nextest", "--version"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    if probe.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    println!("installing cargo-nextest {NEXTEST} (a few minutes, once)");
    let mut install = cargo(tree);
    install.args(["install", "--locked", "cargo-nextest", "--version", NEXTEST]);
    // Without the part that would let it replace itself, and the TLS stack that comes along.
    install.args(["--no-default-features", "--features", "default-no-update"]);
    install.arg("--root").arg(tree.tools().join("cargo"));
    succeed(
        &mut install,
        "install cargo-nextest",
        "it is built from source and needs a C linker and the registry",
    )
}

/// Node of the pinned version, the npm clients and the official suite.
pub(crate) fn npm(tree: &Tree) -> Result<(), SetupError> {
    npm_packages(tree, &tree.clients(), &tree.tools().join("npm"))
}

/// The TypeScript servers that are measured beside ours.
pub(crate) fn npm_peers(tree: &Tree) -> Result<(), SetupError> {
    npm(tree)?;
    npm_packages(tree, &tree.peers(), &tree.tools().join("npm-peers"))
}

/// Node of the pinned version, once [`npm`] has installed it.
pub(crate) fn node(tree: &Tree) -> PathBuf {
    let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    tree.tools().join(format!("npm/node_modules/node-linux-{processor}/bin/node"))
}

fn npm_packages(tree: &Tree, from: &Path, folder: &Path) -> Result<(), SetupError> {
    let manifests = ["package.json", "package-lock.json"];
    if is_fresh(from, folder, &manifests) {
        return Ok(());
    }
    require("npm", "npm")?;
    println!("installing the npm packages of {} into {}", from.display(), folder.display());
    renew(from, folder, &manifests)?;
    let mut install = command::command(tree, "npm");
    // Scripts of packages are not run; none of these needs its own. Node itself is the package of its platform.
    install
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(folder);
    succeed(&mut install, "install the npm packages", "npm must reach its registry")?;
    link(from, &folder.join("scripts"))?;
    seal(from, folder, &manifests)
}

/// A Python environment with the Python client.
pub(crate) fn python(tree: &Tree) -> Result<(), SetupError> {
    python_packages(tree, &tree.clients(), &tree.tools().join("python"))
}

/// A Python environment with the Python servers that are measured beside ours.
pub(crate) fn python_peers(tree: &Tree) -> Result<(), SetupError> {
    python_packages(tree, &tree.peers(), &tree.tools().join("python-peers"))
}

fn python_packages(tree: &Tree, from: &Path, folder: &Path) -> Result<(), SetupError> {
    let manifests = ["requirements.txt"];
    if is_fresh(from, folder, &manifests) {
        return Ok(());
    }
    require("python3", "python3 python3-venv")?;
    println!("installing the Python packages of {} into {}", from.display(), folder.display());
    remove(folder)?;
    let mut venv = command::command(tree, "python3");
    venv.args(["-m", "venv"]).arg(folder);
    if !command::run(&mut venv).unwrap_or(false) {
        // Debian keeps what venv needs in a package of its own.
        apt("python3-venv");
        remove(folder)?;
        succeed(&mut venv, "make a Python environment", "on Debian it needs: apt-get install python3-venv")?;
    }
    let mut install = Command::new(folder.join("bin/python"));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    install.arg(from.join("requirements.txt"));
    succeed(&mut install, "install the Python packages", "pip must reach its registry")?;
    seal(from, folder, &manifests)
}

/// Makes sure that a program is there, through apt where that is possible.
fn require(program: &'static str, packages: &'static str) -> Result<(), SetupError> {
    if !command::exists(program) {
        apt(packages);
    }
    if command::exists(program) { Ok(()) } else { Err(SetupError::Missing { program, packages }) }
}

/// Tries to install Debian packages; only root may, and only Debian and its kin have apt.
fn apt(packages: &str) {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if !root || !command::exists("apt-get") {
        return;
    }
    println!("installing {packages} with apt-get");
    let mut update = Command::new("apt-get");
    update.args(["update", "--quiet"]);
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages.split(' '));
    install.env("DEBIAN_FRONTEND", "noninteractive");
    // Whether it helped shows when the program is looked for again.
    let _ = command::run(&mut update).and_then(|_| command::run(&mut install));
}

fn is_fresh(from: &Path, folder: &Path, manifests: &[&str]) -> bool {
    manifests.iter().all(|name| {
        let wanted = fs::read(from.join(name));
        let installed = fs::read(stamp(folder, name));
        matches!((wanted, installed), (Ok(wanted), Ok(installed)) if wanted == installed)
    })
}

/// Empties the folder and puts the manifests there.
fn renew(from: &Path, folder: &Path, manifests: &[&str]) -> Result<(), SetupError> {
    remove(folder)?;
    fs::create_dir_all(folder).map_err(io_error("make", folder))?;
    for name in manifests {
        fs::copy(from.join(name), folder.join(name)).map_err(io_error("write", &folder.join(name)))?;
    }
    Ok(())
}

/// Notes that the folder holds what the manifests ask for.
fn seal(from: &Path, folder: &Path, manifests: &[&str]) -> Result<(), SetupError> {
    for name in manifests {
        let stamp = stamp(folder, name);
        fs::copy(from.join(name), &stamp).map_err(io_error("write", &stamp))?;
    }
    Ok(())
}

fn stamp(folder: &Path, manifest: &str) -> PathBuf {
    folder.join(format!(".installed-{manifest}"))
}

fn remove(folder: &Path) -> Result<(), SetupError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", folder)(error)),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn link(original: &Path, link: &Path) -> Result<(), SetupError> {
    std::os::unix::fs::symlink(original, link).map_err(io_error("make the link", link))
}

#[cfg(windows)]
fn link(original: &Path, link: &Path) -> Result<(), SetupError> {
    std::os::windows::fs::symlink_dir(original, link).map_err(io_error("make the link", link))
}

fn succeed(command: &mut Command, what: &'static str, hint: &'static str) -> Result<(), SetupError> {
    match command::run(command) {
        Ok(true) => Ok(()),
        Ok(false) => Err(SetupError::Failed { what, hint }),
        Err(error) => Err(SetupError::Io { what, path: command.get_program().into(), error }),
    }
}

fn io_error(what: &'static str, path: &Path) -> impl Fn(io::Error) -> SetupError {
    let path = path.to_path_buf();
    move |error| SetupError::Io { what, path: path.clone(), error }
}
