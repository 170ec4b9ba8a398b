//! The server as a program of its own has the life of `latimer serve`.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

#[test]
fn the_program_tells_when_it_is_ready_heeds_signals_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_latimer-everything"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("LATIMER_") || text.starts_with("MCP_") {
            command.env_remove(&name);
        }
    }
    command.current_dir(folder.path()).args(["--http", "0", "--unix", "s", "--ready-file", "ready"]);
    let mut program = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(program.stderr.take().unwrap()).lines().map(Result::unwrap);
    let pid = Pid::from_child(&program);
    assert!(lines.any(|line| line.starts_with("mcp:ready mode=http host=127.0.0.1 port=")));
    assert!(lines.any(|line| line.starts_with("mcp:ready mode=socket path=s ")));
    assert!(folder.path().join("ready").exists() && folder.path().join("s").exists());
    kill_process(pid, Signal::HUP).unwrap();
    assert!(lines.any(|line| line.contains("nothing in it has changed")));
    kill_process(pid, Signal::TERM).unwrap();
    let rest: Vec<String> = lines.collect();
    assert_eq!(
        rest.iter().filter(|line| line.starts_with("mcp:shutdown event=shutdown ")).count(),
        2,
        "{rest:?}"
    );
    assert_eq!(program.wait().unwrap().signal(), Some(15));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
