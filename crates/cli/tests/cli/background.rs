//! `latimer up`, `ps` and `down`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{Lines, Process, Ran, latimer, run};
use crate::wire;

/// A user with a folder for servers; what runs in it ends with the value.
struct User(tempfile::TempDir);

impl User {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn run(&self, args: &[&str]) -> Ran {
        let mut command = latimer(self.0.path());
        command.env("XDG_STATE_HOME", self.0.path().join("state")).args(args).stdin(Stdio::null());
        let out = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: out.status.code(), stdout: text(out.stdout), stderr: text(out.stderr) }
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.run(args).ok()).unwrap()
    }

    fn ps(&self) -> Vec<Value> {
        self.json(&["ps", "--json"]).as_array().unwrap().clone()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        for record in self.ps() {
            let _ = kill_process(pid(&record), Signal::KILL);
        }
    }
}

fn pid(record: &Value) -> Pid {
    Pid::from_raw(i32::try_from(record["pid"].as_i64().unwrap()).unwrap()).unwrap()
}

#[test]
fn a_server_is_started_listed_and_stopped() {
    let user = User::new();
    let up = user.run(&["up", "--http", "0", "--unix", "s", "--load", "greet"]);
    let told = up.stdout.trim_end();
    assert_eq!(up.code, Some(0), "{up:?}");
    let (begin, addresses) = told.split_once(" at ").unwrap();
    assert!(begin.starts_with("latimer runs as process "), "{told}");
    let (url, socket) = addresses.split_once(' ').unwrap();
    // From another folder, too.
    for address in [url, socket] {
        assert_eq!(run(&["tools", address]).ok().lines().next(), Some("greet(name: string)"), "{address}");
    }

    let running = user.ps();
    assert!(running.len() == 1 && running[0]["name"] == "latimer", "{running:?}");
    assert_eq!(running[0]["addresses"], json!([url, socket]));
    let listed = user.run(&["ps"]).ok();
    assert!(
        listed.starts_with("latimer ") && listed.contains(url) && listed.lines().count() == 1,
        "{listed}"
    );
    let ready = PathBuf::from(running[0]["ready_file"].as_str().unwrap());
    assert!(std::fs::read_to_string(&ready).unwrap().starts_with(&running[0]["pid"].to_string()));

    let again = user.run(&["up", "--tcp", "0"]);
    assert!(again.code == Some(1) && again.stderr.contains("latimer runs already"), "{again:?}");
    let other = user.json(&["up", "--name", "other", "--tcp", "0", "--json", "--log-format", "json"]);
    assert!(other["addresses"][0].as_str().unwrap().starts_with("tcp://127.0.0.1:"), "{other}");
    assert!(run(&["tools", other["addresses"][0].as_str().unwrap()]).ok().contains("greet("));
    assert_eq!(user.ps().len(), 2);
    let which = user.run(&["down"]);
    assert!(which.code == Some(2) && which.stderr.contains("latimer, other"), "{which:?}");

    let down = user.run(&["down", "other"]);
    assert!(down.code == Some(0) && down.stdout.ends_with("has stopped\n"), "{down:?}");
    let down = user.json(&["down", "--json"]);
    assert_eq!((&down["name"], &down["killed"]), (&"latimer".into(), &false.into()));
    assert!(!ready.exists() && !user.file("s").exists() && user.ps().is_empty());
    // What it said stays.
    let log = std::fs::read_to_string(running[0]["log"].as_str().unwrap()).unwrap();
    assert_eq!(log.matches("mcp:shutdown").count(), 2, "{log}");
    let none = user.run(&["down"]);
    assert!(none.code == Some(1) && none.stderr.contains("no server runs"), "{none:?}");
}

#[test]
fn a_folder_that_others_may_write_to_is_not_used() {
    let user = User::new();
    user.run(&["ps"]).ok();
    let folder = user.file("state/latimer");
    let rights = |mode| std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
    rights(0o777);
    for command in [&["up", "--unix", "s"][..], &["ps"], &["down"]] {
        let ran = user.run(command);
        assert!(ran.code != Some(0) && ran.stderr.contains("chmod 700 it"), "{ran:?}");
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    // What is named by its ready file or its number is found without the folder.
    for by in ["ready", "pid"] {
        let served = wire::Served::start("tcp", "");
        let pid = served.process.0.id().to_string();
        let ready = served.file("ready").display().to_string();
        let down: &[&str] = if by == "ready" { &["down", "--ready-file", &ready] } else { &["down", &pid] };
        user.run(down).ok();
    }
    rights(0o700);
}

#[test]
fn it_outlives_the_session_that_started_it() {
    let user = User::new();
    let server = user.json(&["up", "--tcp", "0", "--json"]);
    let session = rustix::process::getsid(Some(pid(&server))).unwrap();
    assert_eq!(session, pid(&server));
}

#[test]
fn a_server_that_cannot_start_says_why_and_leaves_nothing() {
    let user = User::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let failed = user.run(&["up", "--tcp", &address]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.stderr.contains(&address) && failed.stderr.contains("another port"), "{failed:?}");
    assert!(failed.stderr.contains("exit status: 1") && failed.stderr.contains("latimer.log"), "{failed:?}");
    let failed = user.run(&["up", "--load", "ecko"]);
    assert!(failed.code == Some(2) && failed.stderr.contains("did you mean \"echo\"?"), "{failed:?}");
    for (args, told) in [
        (&["up", "--stdio"][..], "no standard input"),
        (&["up", "--log-level", "loud"], "log_level"),
        (&["up", "--name", "a/b"], "--name"),
    ] {
        let failed = user.run(args);
        assert!(failed.code == Some(2) && failed.stderr.contains(told), "{failed:?}");
    }
    assert!(user.ps().is_empty());
}

#[test]
fn one_that_died_is_cleared_away() {
    let user = User::new();
    let server = user.json(&["up", "--tcp", "0", "--json"]);
    kill_process(pid(&server), Signal::KILL).unwrap();
    while !user.ps().is_empty() {
        std::thread::yield_now();
    }
    assert!(!PathBuf::from(server["ready_file"].as_str().unwrap()).exists());
    user.run(&["up", "--tcp", "0"]).ok();
    user.run(&["down"]).ok();
}

#[test]
fn a_server_that_goes_on_is_killed_only_by_force() {
    let user = User::new();
    std::fs::write(user.file("latimer.yaml"), "limits: {drain: 1h}\n").unwrap();
    user.run(&["up", "--unix", "s"]).ok();
    let mut client = wire::Client::of_socket(&user.file("s"));
    client
        .send("tools/call", json!({ "name": "countdown", "arguments": { "steps": 1000, "delay_ms": 100 } }));
    client.hear("notifications/progress");
    let down = user.run(&["down", "--wait", "10ms"]);
    assert!(down.code == Some(1) && down.stderr.contains("--force"), "{down:?}");
    assert_eq!(user.ps().len(), 1);
    // A second request cuts off what is left; this one has no time for that either.
    let down = user.run(&["down", "--wait", "0s", "--force"]);
    assert_eq!(down.code, Some(0), "{down:?}");
    assert!(user.ps().is_empty());
}

#[test]
fn a_server_that_was_not_started_so_is_stopped_by_its_ready_file_or_its_number() {
    let user = User::new();
    for by_number in [false, true] {
        let mut served = wire::Served::start("tcp", "");
        let number = served.process.0.id().to_string();
        let ready = served.file("ready").display().to_string();
        // The one who waits for it has to be another than the one who stops it.
        let lines = std::mem::replace(&mut served.lines, Lines::empty());
        std::thread::scope(|scope| {
            let down = scope.spawn(|| match by_number {
                true => user.run(&["down", &number]),
                false => user.run(&["down", "--ready-file", &ready]),
            });
            assert!(lines.rest().contains("mcp:shutdown"));
            served.process.ended();
            let down = down.join().unwrap();
            assert!(down.code == Some(0) && down.stdout.contains("has stopped"), "{down:?}");
        });
    }
}

#[test]
fn what_is_not_known_to_be_a_server_is_left_alone() {
    let user = User::new();
    let mut cat = std::process::Command::new("cat");
    let mut other = Process::start(cat.stdin(Stdio::piped()));
    let number = other.0.id();
    let refused = user.run(&["down", &number.to_string()]);
    assert!(refused.code == Some(1) && refused.stderr.contains("runs another program"), "{refused:?}");
    // A number that is in use, and a time at which that process ran, make it no server.
    std::fs::write(user.file("ready"), format!("{number} 2099-01-01T00:00:00Z\n")).unwrap();
    let refused = user.run(&["down", "--ready-file", "ready"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("no server holds"), "{refused:?}");
    assert!(other.0.try_wait().unwrap().is_none());
    let unknown = user.run(&["down", "nobody"]);
    assert!(unknown.code == Some(2) && unknown.stderr.contains("there are: none"), "{unknown:?}");
    std::fs::write(user.file("ready"), "dear diary").unwrap();
    let none = user.run(&["down", "--ready-file", "ready"]);
    assert!(none.code == Some(2) && none.stderr.contains("no ready file"), "{none:?}");
}
