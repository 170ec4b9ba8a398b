//! Servers that ask in the middle of a command, and those that tell of changes.

use crate::support::{Ran, run, run_in};

/// The small server that the client's tests use as well.
const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../client/tests/support/server.py");

fn against(manner: &str, words: &[&str]) -> Ran {
    run(&[words, &["--", "python3", "-u", SERVER, manner]].concat())
}

#[test]
fn answers_on_the_command_line_are_sent_in_every_era() {
    for manner in ["modern", "legacy"] {
        let ran = against(manner, &["call", "form", "--answer", "name=Ada"]);
        assert_eq!(ran.ok(), "{\"action\": \"accept\", \"content\": {\"age\": 7, \"name\": \"Ada\"}}\n");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("answers.json"), r#"{"name": "Ada"}"#).unwrap();
    let call = ["call", "form", "--answers", "answers.json", "--answer", "age=9"];
    let out =
        run_in(folder.path(), &[&call[..], &["--", "python3", "-u", SERVER, "modern"]].concat(), "").ok();
    assert_eq!(out, "{\"action\": \"accept\", \"content\": {\"age\": 9, \"name\": \"Ada\"}}\n");
}

#[test]
fn without_a_terminal_and_without_answers_everything_is_declined_and_told() {
    insta::assert_snapshot!("form_declined", against("modern", &["call", "form"]).shown());
    insta::assert_snapshot!("page_declined", against("modern", &["call", "page"]).shown());
    insta::assert_snapshot!("model_refused", against("modern", &["call", "model"]).shown());
    insta::assert_snapshot!("model_refused_legacy", against("legacy", &["call", "model"]).shown());
    insta::assert_snapshot!(
        "answer_that_does_not_fit",
        against("modern", &["call", "form", "--answer", "name=Ada", "--answer", "age=old"]).shown()
    );
}

#[test]
fn answers_that_cannot_be_are_told_before_anything_is_started() {
    let ran = run(&["call", "form", "--answers", "nowhere.json", "--", "no-such-program"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("read the answers in nowhere.json"), "{ran:?}");
    let ran = run(&["call", "form", "--answer", "a=1", "--answer", "a=2", "--", "no-such-program"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), "error: answer \"a\" is given twice\n"));
}

#[test]
fn a_task_is_told_of_and_waited_for() {
    let ran = against("modern", &["call", "later", "--task"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "done\n", "task t-1\n"));
    assert_eq!(against("modern", &["call", "later"]).ok(), "done\n");
}

#[test]
fn changes_are_watched_until_the_server_has_no_more() {
    insta::assert_snapshot!("watch", against("modern", &["watch", "--resource", "a://b"]).shown());
    let ran = against("modern", &["watch", "--resource", "a://b", "--json"]);
    assert_eq!(ran.stdout, "{\"event\":\"updated\",\"uri\":\"a://b\"}\n{\"event\":\"tools\"}\n");
    insta::assert_snapshot!("watch_nothing", against("legacy", &["watch", "--resource", "a://b"]).shown());
}

#[test]
fn a_revision_can_be_chosen() {
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let ran = against("legacy", &["call", "form", "--revision", revision, "--answer", "name=Ada"]);
        assert_eq!(ran.code, Some(0), "{revision} {ran:?}");
    }
    let ran = against("legacy", &["info", "--revision", "1999-01-01"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

/// Plays a user at a terminal: waits for each text and types the line after it. What the terminal showed is the output.
#[cfg(unix)]
const USER: &str = r#"
import os, pty, select, sys, time
script = [tuple(step.split("=>")) for step in sys.argv[1].split("|")]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
shown, seen = b"", 0
while True:
    try:
        chunk = os.read(terminal, 4096)
    except OSError:
        break
    if not chunk:
        break
    shown += chunk
    while script and script[0][0].encode() in shown[seen:]:
        text, line = script.pop(0)
        seen = shown.index(text.encode(), seen) + len(text)
        os.write(terminal, line.encode() + b"\n")
sys.stdout.write(shown.decode().replace("\r\n", "\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) or len(script))
"#;

#[cfg(unix)]
fn typed(script: &str, words: &[&str]) -> String {
    use std::process::{Command, Stdio};
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("python3");
    command.args(["-c", USER, script, crate::support::LATIMER]).args(words);
    command.args(["--", "python3", "-u", SERVER, "modern"]);
    command.env("NO_COLOR", "1").current_dir(folder.path()).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[cfg(unix)]
#[test]
fn a_form_is_asked_for_at_the_terminal_and_asked_for_again_where_it_does_not_fit() {
    let shown =
        typed("[c]ancel: =>y|required: =>Ada|default 7: =>old|default 7: =>9|Send it?=>y", &["call", "form"]);
    insta::assert_snapshot!("form_at_the_terminal", shown);
}

#[cfg(unix)]
#[test]
fn a_page_is_shown_and_nothing_opened_when_the_user_declines() {
    insta::assert_snapshot!("page_at_the_terminal", typed("Open it?=>d", &["call", "page"]));
}

#[cfg(unix)]
#[test]
fn the_user_answers_in_the_models_place() {
    insta::assert_snapshot!("model_at_the_terminal", typed("> =>High.|> =>.", &["call", "model"]));
}

#[cfg(unix)]
#[test]
fn no_input_asks_nothing_even_at_a_terminal() {
    let shown = typed("declined what the server asks=>", &["call", "form", "--no-input"]);
    assert!(!shown.contains("Answer?"), "{shown}");
}
