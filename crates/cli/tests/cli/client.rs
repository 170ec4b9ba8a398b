//! The client commands against the program's own server, over HTTP, sockets and a program.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener};
use std::process::Stdio;

use serde_json::Value;

use crate::support::{LATIMER, Lines, Process, Served, latimer, over_all, ready_port, run, run_in};

#[test]
fn info_tells_what_the_server_is() {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(&env!("CARGO_PKG_VERSION").replace('.', r"\."), "[version]");
    settings.bind(|| {
        insta::assert_snapshot!("info", over_all("info", &[]).shown());
        insta::assert_snapshot!("info_legacy", over_all("info", &["--era", "legacy"]).shown());
    });
}

#[test]
fn lists_show_how_to_use_what_they_name() {
    insta::assert_snapshot!("tools", over_all("tools", &[]).shown());
    insta::assert_snapshot!("resources", over_all("resources", &[]).shown());
    insta::assert_snapshot!("prompts", over_all("prompts", &[]).shown());
}

#[test]
fn a_list_as_json_is_what_the_server_says() {
    let tools: Value = serde_json::from_str(&over_all("tools", &["--json"]).ok()).unwrap();
    let greet = tools["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == "greet").unwrap();
    assert_eq!(greet["inputSchema"]["required"], serde_json::json!(["name"]));
    let all: Value = serde_json::from_str(&over_all("resources", &["--json"]).ok()).unwrap();
    assert_eq!(all["resources"][0]["uri"], "harbour://about");
    assert_eq!(all["resourceTemplates"][0]["uriTemplate"], "harbour://port/{name}");
    let prompts: Value = serde_json::from_str(&over_all("prompts", &["--json"]).ok()).unwrap();
    assert_eq!(prompts["prompts"][0]["name"], "passage");
}

#[test]
fn a_server_without_a_list_has_nothing_to_show() {
    let ran = run(&["prompts", "--", LATIMER, "--stdio", "--load", "echo", "--log-level", "error"])
        .without_life_lines();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(ran.stderr, "the server has no prompts\n");
}

#[test]
fn a_call_prints_the_text_of_the_result() {
    for era in ["auto", "modern", "legacy"] {
        assert_eq!(over_all("call", &["greet", "--arg", "name=Łucja", "--era", era]).ok(), "Hello, Łucja!\n");
    }
    assert_eq!(over_all("call", &["echo_upper", "--args", r#"{"message":"grün"}"#]).ok(), "GRÜN\n");
}

#[test]
fn arguments_have_the_types_of_the_schema() {
    let out = over_all("call", &["tide", "--arg", "port=brest", "--arg", "hour=3.5", "--json"]).ok();
    let result: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(result["structuredContent"]["hour"], 3.5);
    assert_eq!(over_all("call", &["echo", "--arg", "message=3.5"]).ok(), "3.5\n");
    assert_eq!(over_all("call", &["echo", "--args", "{}", "--arg", "message=a=b"]).ok(), "a=b\n");
}

#[test]
fn a_large_argument_comes_from_a_file_or_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let message = "ü".repeat(450_000);
    let args = serde_json::json!({ "message": message }).to_string();
    std::fs::write(folder.path().join("args.json"), &args).unwrap();
    let served = Served::start();
    for given in ["@args.json", "@-"] {
        let out = run_in(folder.path(), &["call", &served.url, "echo", "--args", given], &args).ok();
        assert!(out.trim_end() == message, "{given}");
    }
}

#[test]
fn an_error_that_the_tool_reports_is_exit_code_3() {
    insta::assert_snapshot!(over_all("call", &["tide", "--arg", "port=brest", "--arg", "hour=30"]).shown());
    let ran = over_all("call", &["tide", "--arg", "port=brest", "--arg", "hour=30", "--json"]);
    assert_eq!(ran.code, Some(3));
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap()["isError"], true);
}

#[test]
fn what_is_wrong_with_a_call_is_told_before_it_is_made() {
    let ran = over_all("call", &["tide", "--arg", "port=brest", "--arg", "hour=noon"]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(ran.stderr, "error: --arg hour: the tool wants a number, not \"noon\"\n");
    let ran = over_all("call", &["tidy"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.stderr, "error: the server has no tool \"tidy\"; did you mean \"tide\"?\n");
    let ran = run(&["call", "greet", "--args", "{name:1}", "--", "no-such-program"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("--args takes a JSON object"), "{ran:?}");
}

#[test]
fn a_resource_is_printed_or_written_to_a_file() {
    let text = over_all("read", &["harbour://about"]).ok();
    assert!(text.starts_with("# Harbour office\n"), "{text}");
    let out = over_all("read", &["harbour://port/lisbon", "--json"]).ok();
    let result: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(result["contents"][0]["uri"], "harbour://port/lisbon");

    let served = Served::start();
    let folder = tempfile::tempdir().unwrap();
    let ran = run_in(folder.path(), &["read", &served.url, "harbour://about", "-o", "about.md"], "");
    assert_eq!(ran.ok(), "");
    assert_eq!(std::fs::read_to_string(folder.path().join("about.md")).unwrap(), text);

    let ran = over_all("read", &["harbour://nowhere"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("resource not found"), "{ran:?}");
}

#[test]
fn a_prompt_is_printed_as_its_messages() {
    let words = ["passage", "--arg", "from=brest", "--arg", "to=bergen"];
    insta::assert_snapshot!(over_all("prompt", &words).shown());
    let ran = over_all("prompt", &["passage", "--arg", "from=brest"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("to"), "{ran:?}");
}

#[test]
fn completion_prints_one_suggestion_a_line() {
    assert_eq!(over_all("complete", &["--prompt", "passage", "to", "b"]).ok(), "bergen\nbrest\n");
    let template = ["--template", "harbour://port/{name}", "name", "l"];
    assert_eq!(over_all("complete", &template).ok(), "lisbon\n");
    let json = over_all("complete", &["--prompt", "passage", "to", "zz", "--json"]).ok();
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["completion"]["values"], serde_json::json!([]));
}

#[test]
fn a_long_call_tells_its_progress() {
    // Over a program only: which reports fall due is not the same in two runs.
    let call = ["call", "countdown", "--arg", "steps=4", "--arg", "delay_ms=900"];
    let program = ["--", LATIMER, "serve", "--stdio", "--log-level", "error"];
    let ran = run(&[&call[..], &program].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stdout, "Counted down from 4.\n");
    assert!(
        ran.stderr.lines().any(|line| line.starts_with("progress ") && line.ends_with(" to go")),
        "{ran:?}"
    );
}

#[cfg(unix)]
#[test]
fn an_interrupted_call_ends_in_good_order() {
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = latimer(folder.path());
        command.args(["call", "countdown", "--arg", "steps=1000", "--arg", "delay_ms=500"]);
        command.args(["--", LATIMER, "serve", "--stdio", "--log-level", "error"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = Process::start(&mut command);
        let lines = Lines::of(process.0.stderr.take().unwrap());
        lines.find(|line| line.starts_with("progress ").then_some(()));
        process.signal(signal);
        // The server's program holds the same stderr: its end is the end of both.
        lines.rest();
        assert_eq!(process.ended().code(), Some(130));
    }
}

#[test]
fn a_server_that_is_not_there_is_told_with_the_mend() {
    // Nobody listens at the first of the reserved ports.
    let ran = run(&["tools", "http://127.0.0.1:1/mcp"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains("is the server running?"), "{ran:?}");
    for url in ["tcp://127.0.0.1:1", "unix:nowhere.sock"] {
        let ran = run(&["tools", url]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
        assert!(ran.stderr.contains(url) && ran.stderr.contains("is the server running?"), "{ran:?}");
    }
    let ran = run(&["tools", "--", "no-such-program-anywhere"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("no-such-program-anywhere") && ran.stderr.contains("PATH"), "{ran:?}");
}

#[test]
fn a_wrong_address_is_told_with_the_right_one() {
    let served = Served::start();
    let origin = served.url.strip_suffix("/mcp").unwrap();
    let ran = run(&["tools", origin]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains(&format!("did you mean {}?", served.url)), "{ran:?}");
    let ran = run(&["tools", &format!("{origin}/other")]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("/mcp"), "{ran:?}");
    let ran = run(&["tools", served.url.strip_prefix("http://").unwrap()]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains(&format!("did you mean {}?", served.url)), "{ran:?}");
}

#[test]
fn tokens_open_the_server_and_show_nowhere() {
    let config = "tokens:\n  alice:\n    token: right-5f2b9c\nlog_level: debug\n";
    let mut served = Served::with(config, &[]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "right-5f2b9c\n").unwrap();
    let url = served.url.clone();
    let tools =
        |args: &[&str], input: &str| run_in(folder.path(), &[&["tools", &url][..], args].concat(), input);

    let none = tools(&[], "");
    let wrong = tools(&["--token", "wrong-83d1e0"], "");
    let broken = tools(&["--token", "broken 41aa7f"], "");
    let right = tools(&["--token", "right-5f2b9c"], "");
    let file = tools(&["--token-file", "token"], "");
    let input = tools(&["--token-file", "-"], "right-5f2b9c");
    let missing = tools(&["--token-file", "nowhere"], "");
    let both = tools(&["--token-file", "token", "--token", "right-5f2b9c"], "");
    let codes = [&none, &wrong, &broken, &right, &file, &input, &missing, &both].map(|ran| ran.code.unwrap());
    assert_eq!(codes, [1, 1, 2, 0, 0, 0, 2, 2]);
    assert!(none.stderr.contains("--token-file"), "{none:?}");
    assert!(wrong.stderr.contains("does not accept this token"), "{wrong:?}");

    let _ = served.process.0.kill();
    let log = served.lines.rest();
    for ran in [none, wrong, broken, right, file, input, missing, both] {
        let shown = ran.shown() + &log;
        for secret in ["right-5f2b9c", "wrong-83d1e0", "broken 41aa7f"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn a_token_opens_a_port_and_who_shows_none_is_told_how() {
    let (mut served, [tcp, _]) = Served::on_sockets("tokens:\n  alice:\n    token: right-5f2b9c\n");
    let tools = |args: &[&str]| run(&[&["tools", &tcp][..], args].concat());
    let (none, wrong) = (tools(&[]), tools(&["--token", "wrong-83d1e0"]));
    let right = tools(&["--token", "right-5f2b9c"]);
    assert_eq!([&none, &wrong, &right].map(|ran| ran.code.unwrap()), [1, 1, 0]);
    assert!(none.stderr.contains("wants a token; give it with --token-file"), "{none:?}");
    assert!(wrong.stderr.contains("does not accept this token"), "{wrong:?}");

    let _ = served.process.0.kill();
    let log = served.lines.rest();
    for ran in [none, wrong, right] {
        let shown = ran.shown() + &log;
        assert!(!shown.contains("right-5f2b9c") && !shown.contains("wrong-83d1e0"), "{shown}");
    }
}

#[test]
fn a_port_of_http_that_is_taken_for_one_of_lines_is_told() {
    let served = Served::start();
    let place = served.url.strip_prefix("http://").unwrap().strip_suffix("/mcp").unwrap();
    let ran = run(&["tools", &format!("tcp://{place}")]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains(&format!("{} if it is one of HTTP", served.url)), "{ran:?}");
}

#[test]
fn a_port_with_tls_is_trusted_by_its_authority() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let paths = ["cert.pem", "key.pem"].map(|name| folder.path().join(name).display().to_string());
    let [cert, private] = &paths;
    std::fs::write(cert, key.cert.pem()).unwrap();
    std::fs::write(private, key.signing_key.serialize_pem()).unwrap();
    let (_process, lines, _folder) =
        Served::launch("", &["--tcp", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", private]);
    let port = ready_port(&lines);
    let url = format!("tls://localhost:{port}");

    let call = ["call", &url, "greet", "--arg", "name=Ada"];
    assert_eq!(run(&[&call[..], &["--ca", cert]].concat()).ok(), "Hello, Ada!\n");
    let untrusted = run(&call);
    assert_eq!(untrusted.code, Some(1));
    assert!(untrusted.stderr.contains("certificate"), "{untrusted:?}");
    let plain = run(&["tools", &format!("tcp://localhost:{port}")]);
    assert_eq!(plain.code, Some(1));
    assert!(plain.stderr.contains(&format!("{url} if it speaks TLS")), "{plain:?}");
}

/// A server on a port that answers with `answers` to the methods that they name, and hangs up on any other message.
fn hangs_up(answers: &'static [(&'static str, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut output, _) = listener.accept().unwrap();
        for line in BufReader::new(output.try_clone().unwrap()).lines().map_while(Result::ok) {
            let message: Value = serde_json::from_str(&line).unwrap();
            let found = answers.iter().find(|(method, _)| message["method"] == *method);
            let Some((_, answer)) = found else { break };
            writeln!(output, r#"{{"jsonrpc":"2.0","id":{},{answer}}}"#, message["id"]).unwrap();
        }
        output.shutdown(Shutdown::Both).unwrap();
    });
    url
}

#[test]
fn a_watched_port_tells_of_the_end_of_its_connection() {
    let modern: &[_] = &[(
        "server/discover",
        r#""result":{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}"#,
    )];
    let legacy: &[_] = &[
        ("server/discover", r#""error":{"code":-32601,"message":"no"}"#),
        (
            "initialize",
            r#""result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true}},"serverInfo":{}}"#,
        ),
    ];
    for answers in [modern, legacy] {
        let url = hangs_up(answers);
        let ran = run(&["watch", &url]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains(&format!("talk to {url}: the server closed the connection")), "{ran:?}");
    }
}

#[test]
fn a_token_for_a_program_is_a_fault_of_the_command_line() {
    let ran = run(&["tools", "--token", "x", "--", LATIMER, "--stdio"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("environment"), "{ran:?}");
}

#[test]
fn det_3_a_server_of_2024_11_05_is_reached_by_its_stream() {
    let served = Served::with("", &["--http-sse"]);
    let stream = served.url.replace("/mcp", "/sse");
    let called = run(&["call", &stream, "greet", "--arg", "name=Ada"]).ok();
    assert_eq!(called, "Hello, Ada!\n");
    assert!(run(&["info", &stream]).ok().contains("(legacy)"));
}
