//! SIGHUP: the configuration is read again.

use std::os::unix::process::ExitStatusExt as _;

use rustix::process::Signal;

use crate::support::{Served, run};
use crate::wire;

fn config(served: &Served, text: &str) {
    std::fs::write(served.folder().join("latimer.yaml"), text).unwrap();
    served.process.signal(Signal::HUP);
}

fn tools(served: &Served) -> String {
    run(&["tools", &served.url]).ok()
}

#[test]
fn what_can_be_taken_is_and_what_cannot_is_named() {
    let served = Served::with("autoload: [greet]\n", &[]);
    assert!(tools(&served).starts_with("greet("));

    config(
        &served,
        "autoload: [greet, echo]\nlog_level: debug\ntcp: {port: 7001}\nlimits: {connections: 7}\n",
    );
    let taken = served.lines.find(|line| line.contains("was read again").then(|| line.to_owned()));
    assert!(taken.contains("changed=\"log_level, autoload\"") && taken.contains("loaded=echo"), "{taken}");
    let waiting = served.lines.find(|line| line.contains("needs a restart").then(|| line.to_owned()));
    assert!(waiting.ends_with("needs a restart: tcp.port, limits.connections"), "{waiting}");
    assert!(tools(&served).contains("echo_upper("));
    // The level holds: what was not logged before is.
    served.lines.find(|line| line.contains("DEBUG").then_some(()));

    config(&served, "plugins: {greet: {enabled: false}}\nautoload: [echo]\n");
    let taken = served.lines.find(|line| line.contains("was read again").then(|| line.to_owned()));
    assert!(taken.contains("unloaded=greet"), "{taken}");
    assert!(!tools(&served).contains("greet("));

    config(&served, "plugins: {greet: {enabled: false}}\nautoload: [echo]\n");
    served.lines.find(|line| line.contains("nothing in it has changed").then_some(()));
}

#[test]
fn limits_hold_from_the_next_message_on() {
    let served = Served::with("autoload: [echo]\n", &[]);
    let long = format!("message={}", "x".repeat(3_000));
    let call = || run(&["call", &served.url, "echo", "--arg", &long]);
    assert_eq!(call().code, Some(0));
    config(&served, "autoload: [echo]\nlimits: {message_bytes: 2KiB, calls_per_session: 1}\n");
    let taken = served.lines.find(|line| line.contains("was read again").then(|| line.to_owned()));
    assert!(taken.contains("limits.message_bytes, limits.calls_per_session"), "{taken}");
    let refused = call();
    assert!(refused.code == Some(1) && refused.stderr.contains("2048"), "{refused:?}");
    config(&served, "autoload: [echo]\n");
    served.lines.find(|line| line.contains("was read again").then_some(()));
    assert_eq!(call().code, Some(0));
}

#[test]
fn a_configuration_with_faults_changes_nothing_and_all_of_them_are_told() {
    let served = Served::with("autoload: [greet]\n", &[]);
    config(&served, "autoload: [echo]\nprot: 1\nlimits: {depth: many}\n");
    served.lines.find(|line| (line.contains("unknown key `prot`") && line.contains("ERROR")).then_some(()));
    served.lines.find(|line| line.contains("`limits.depth` must be").then_some(()));
    served.lines.find(|line| line.contains("nothing of it was taken faults=2").then_some(()));
    assert!(tools(&served).starts_with("greet("));

    // Right by itself, and not to be had: it has a tool of the same name as another source.
    config(&served, "autoload: [greet, echo, everything]\nlog_level: error\n");
    let told = served.lines.find(|line| line.contains("nothing of it was taken").then(|| line.to_owned()));
    assert!(told.contains("load source \\\"everything\\\""), "{told}");
    assert_eq!(tools(&served).matches("(").count(), 1, "{}", tools(&served));

    config(&served, "autoload: [ecko]\n");
    served.lines.find(|line| line.contains("did you mean \\\"echo\\\"?").then_some(()));
    config(&served, "autoload: [greet]\nplugins: {greet: {settings: {a: 1}}}\n");
    served.lines.find(|line| line.contains("takes no settings").then_some(()));
    assert!(tools(&served).starts_with("greet("));
}

#[test]
fn a_configuration_that_is_never_read_to_its_end_makes_nobody_wait() {
    let mut served = Served::with("autoload: [greet]\n", &[]);
    let file = served.folder().join("latimer.yaml");
    std::fs::remove_file(&file).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    served.process.signal(Signal::HUP);
    // It opens once the other side does, and says nothing as long as that is held.
    let held = std::fs::File::options().write(true).open(&file).unwrap();
    assert!(tools(&served).starts_with("greet("));
    served.process.signal(Signal::TERM);
    assert_eq!(served.process.ended().signal(), Some(Signal::TERM.as_raw()));
    drop(held);
}

#[test]
fn standard_streams_survive_it() {
    let mut served = wire::Served::start("stdio", "");
    served.process.signal(Signal::HUP);
    served.lines.find(|line| line.contains("nothing in it has changed").then_some(()));
    let mut client = served.client();
    client.send("tools/list", serde_json::json!({}));
    client.hear("\"tools\"");
    drop(client);
    assert_eq!(served.ended().0.code(), Some(0));
}
