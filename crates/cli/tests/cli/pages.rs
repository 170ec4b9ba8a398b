//! What the program says about itself.

use std::process::Stdio;

use crate::support::{Process, latimer, run};

#[test]
fn the_version_is_told() {
    assert_eq!(run(&["--version"]).ok(), concat!("latimer ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn the_short_help_tells_all_commands_and_exit_codes() {
    insta::assert_snapshot!("help", run(&["-h"]).ok());
}

#[test]
fn every_help_that_fails_a_run_tells_the_exit_codes() {
    for command in ["serve", "call", "read", "prompt", "complete"] {
        let help = run(&[command, "--help"]).ok();
        assert!(help.contains("Exit codes:"), "{command}");
    }
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]).ok();
        assert!(script.contains("latimer") && script.contains("token-file"), "{shell}");
    }
    assert_eq!(run(&["completions", "basic"]).code, Some(2));
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    assert!(run(&["man"]).ok().contains(".TH latimer 1"));
    assert!(run(&["man", "call"]).ok().contains("latimer\\-call"));
    assert!(run(&["man", "config", "check"]).ok().contains("latimer\\-config\\-check"));
    let ran = run(&["man", "nothing"]);
    assert_eq!((ran.code, ran.stderr.contains("nothing")), (Some(2), true));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    for args in
        [&["config", "example"][..], &["config", "schema"], &["completions", "zsh"], &["man"], &["--help"]]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = latimer(folder.path());
        command.args(args).stdin(Stdio::null()).stdout(writer).stderr(Stdio::null());
        assert_eq!(Process::start(&mut command).ended().code(), Some(0), "{args:?}");
    }
}

#[test]
fn words_that_name_no_server_are_told_with_an_example() {
    let cases: [&[&str]; 6] = [
        &["tools"],
        &["call", "greet"],
        &["tools", "latimer", "serve"],
        &["call", "http://127.0.0.1:1/mcp", "greet", "name=Ada"],
        &["complete", "http://127.0.0.1:1/mcp", "to", "b"],
        &["call", "http://127.0.0.1:1/mcp", "greet", "--arg", "name"],
    ];
    let all: Vec<String> = cases
        .iter()
        .map(|args| {
            let ran = run(args);
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
            format!("$ latimer {}\n{}", args.join(" "), ran.stderr)
        })
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}
