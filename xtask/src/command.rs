//! Running other programs.

use std::{
    env,
    ffi::OsString,
    io::{self, BufRead, BufReader, Read},
    process::{Command, Stdio},
    thread,
};

use crate::tree::Tree;

/// What a command printed, and whether it succeeded.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) success: bool,
    pub(crate) text: String,
}

/// A command in the root of the tree that finds the installed tools.
pub(crate) fn command(tree: &Tree, program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(tree.root());
    let paths = env::var_os("PATH").unwrap_or_default();
    let paths = env::split_paths(&paths).chain([tree.tools().join("cargo/bin")]);
    if let Ok(paths) = env::join_paths(paths) {
        command.env("PATH", paths);
    }
    command
}

/// The cargo that started this program.
pub(crate) fn cargo(tree: &Tree) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = command(tree, &cargo.to_string_lossy());
    // What cargo told this program about itself is wrong for the packages that are built next.
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end; it talks to the terminal itself.
pub(crate) fn run(command: &mut Command) -> io::Result<bool> {
    Ok(command.status()?.success())
}

/// Runs a command to its end, shows what it prints while it does, and keeps it.
pub(crate) fn run_and_keep(command: &mut Command) -> io::Result<Output> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let stderr =
        child.stderr.take().map(|pipe| thread::spawn(move || copy(pipe, |line| eprintln!("{line}"))));
    let stdout = child.stdout.take().map(|pipe| copy(pipe, |line| println!("{line}")));
    let success = child.wait()?.success();
    let stderr = stderr.and_then(|reader| reader.join().ok()).unwrap_or_default();
    Ok(Output { success, text: stdout.unwrap_or_default() + &stderr })
}

/// Whether a program can be started at all.
pub(crate) fn exists(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

fn copy(pipe: impl Read, show: impl Fn(&str)) -> String {
    let mut kept = String::new();
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    // Bytes, not text: what a failed test prints need not be UTF-8.
    while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line);
        show(text.trim_end_matches(['\r', '\n']));
        kept.push_str(&text);
        line.clear();
    }
    kept
}
