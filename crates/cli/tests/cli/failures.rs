//! How a server that cannot start says so.

use std::net::TcpListener;
use std::path::Path;

use crate::support::{Ran, run, run_in};

/// The lines of a failed start; there is nothing else.
fn failed(ran: &Ran, code: i32) -> Vec<&str> {
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(code), ""), "{ran:?}");
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert!(lines.iter().all(|line| line.starts_with("error: ")), "{ran:?}");
    lines
}

fn with_config(config: &str, args: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("latimer.yaml"), config).unwrap();
    run_in(folder.path(), args, "")
}

#[test]
fn each_fault_of_the_configuration_is_one_line_and_the_exit_code_is_2() {
    let ran = with_config("prot: 1\nhost: 127.0.0.1\nlimits:\n  depth: many\n", &["serve"]);
    let lines = failed(&ran, 2);
    assert_eq!(lines.len(), 2, "{ran:?}");
    assert!(lines[0].contains("latimer.yaml:1:1") && lines[0].contains("port"), "{ran:?}");
    assert!(lines[1].contains("latimer.yaml:4:10") && lines[1].contains("limits.depth"), "{ran:?}");
}

#[test]
fn a_configuration_file_that_is_not_there_is_told() {
    let ran = run(&["serve", "--config", "nowhere.yaml"]);
    assert!(failed(&ran, 2)[0].contains("nowhere.yaml"), "{ran:?}");
}

#[test]
fn an_unknown_source_is_told_with_the_one_that_may_be_meant() {
    for args in
        [&["serve", "--load", "ecko"][..], &["--load", "ecko"], &["serve", "--stdio", "--load", "ecko"]]
    {
        let ran = run(args);
        let lines = failed(&ran, 2);
        assert_eq!(
            lines,
            [
                r#"error: no source is named "ecko" (did you mean "echo"?); there are: echo, greet, demo, everything"#
            ]
        );
    }
}

#[test]
fn a_source_that_is_switched_off_is_told_in_one_line() {
    let ran = with_config("plugins:\n  echo:\n    enabled: false\n", &["--load", "echo"]);
    let lines = failed(&ran, 2);
    assert!(lines.len() == 1 && lines[0].contains("plugins.echo.enabled"), "{ran:?}");
}

#[test]
fn an_unreadable_certificate_is_told_with_its_path() {
    for transport in ["--http", "--tcp"] {
        let ran = run(&["serve", transport, "0", "--tls-cert", "missing.pem", "--tls-key", "missing.key"]);
        let lines = failed(&ran, 2);
        assert!(lines.len() == 1 && lines[0].contains("missing.pem") && lines[0].contains("PEM"), "{ran:?}");
    }
}

#[test]
fn a_port_in_use_is_told_and_the_exit_code_is_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for transport in ["--http", "--tcp"] {
        let ran = run(&["serve", transport, &address]);
        let lines = failed(&ran, 1);
        assert!(
            lines.len() == 1 && lines[0].contains(&address) && lines[0].contains("another port"),
            "{ran:?}"
        );
    }
}

#[test]
fn what_is_wrong_first_is_told_first() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let certificate = ["--tls-cert", "missing.pem", "--tls-key", "missing.key"];
    let all = [&["serve", "--http", &address, "--load", "nope"][..], &certificate].concat();

    let ran = with_config("prot: 1\n", &all);
    assert!(failed(&ran, 2)[0].contains("prot"), "{ran:?}");
    let ran = run(&all);
    assert!(failed(&ran, 2)[0].contains("nope"), "{ran:?}");
    let ran = run(&[&["serve", "--http", &address][..], &certificate].concat());
    assert!(failed(&ran, 2)[0].contains("missing.pem"), "{ran:?}");
}

#[test]
fn an_unknown_flag_or_command_is_a_fault_of_the_command_line() {
    for args in [
        &["serve", "--prot", "1"][..],
        &["serf"],
        &["--http", "1", "--http", "2"],
        &["--load", ""],
        &["config"],
    ] {
        let ran = run_in(Path::new("."), args, "");
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    }
}
