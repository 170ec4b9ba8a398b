//! `latimer serve` that starts.

use std::io::Write as _;
#[cfg(unix)]
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use crate::support::{Lines, Process, Served, latimer, run, run_in};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":"two","method":"tools/list"}"#;

/// The names of the tools that a server with these flags has, in order.
fn tools(args: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let out = run_in(folder.path(), args, &format!("{INITIALIZE}\n{LIST}\n")).ok();
    let lists: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lists.len(), 2, "{out}");
    let list = lists.iter().find(|answer| answer["id"] == "two").unwrap();
    let tools = list["result"]["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn lines_on_standard_input_are_answered_on_standard_output_and_its_end_is_the_end() {
    let all = ["countdown", "echo", "echo_upper", "greet", "tide"];
    assert_eq!(tools(&["serve", "--stdio"]), all);
    assert_eq!(tools(&["--stdio"]), all);
}

#[test]
fn sources_are_chosen_by_any_of_the_three_flags_repeated_or_with_commas() {
    for flag in ["--load", "--autoload", "--plugins"] {
        assert_eq!(tools(&["--stdio", flag, "greet"]), ["greet"], "{flag}");
    }
    let chosen = ["echo", "echo_upper", "greet"];
    assert_eq!(tools(&["serve", "--stdio", "--load", "echo,greet"]), chosen);
    assert_eq!(tools(&["serve", "--stdio", "--load", "greet", "--plugins", "echo"]), chosen);
    assert_eq!(tools(&["serve", "--stdio", "--load", "demo_full"]), ["countdown", "tide"]);
}

/// It has a tool of the same name as another source.
#[test]
fn the_everything_server_is_loaded_only_when_it_is_named() {
    let tools = tools(&["serve", "--stdio", "--load", "everything"]);
    assert!(tools.contains(&"simulate-research-query".to_owned()), "{tools:?}");
    assert!(!tools.contains(&"tide".to_owned()), "{tools:?}");
}

#[cfg(unix)]
#[test]
fn sigterm_ends_an_http_server_in_good_order() {
    let mut served = Served::start();
    served.process.signal(rustix::process::Signal::TERM);
    served.lines.rest();
    assert_eq!(served.process.ended().signal(), Some(15));
    let mut stdout = String::new();
    std::io::Read::read_to_string(&mut served.process.0.stdout.take().unwrap(), &mut stdout).unwrap();
    assert_eq!(stdout, "");
}

#[test]
fn the_configuration_names_the_server_and_a_flag_wins_over_it() {
    let config = "server_name: bistro\ninstructions: Ask for the menu.\nautoload: [greet]\n";
    let served = Served::with(config, &[]);
    let out = run(&["info", &served.url]).ok();
    assert!(out.contains("bistro 0.1.0") && out.contains("Ask for the menu."), "{out}");
    assert_eq!(run(&["tools", &served.url]).ok().lines().next(), Some("greet(name: string)"));

    let served = Served::with(config, &["--server-name", "tavern"]);
    assert!(run(&["info", &served.url]).ok().contains("tavern 0.1.0"));
}

#[test]
fn a_log_in_json_names_the_url_too() {
    let served = Served::with("log_format: json\n", &[]);
    assert!(run(&["info", &served.url]).ok().contains("2026-07-28"));
}

#[test]
fn the_address_is_told_beside_the_public_url() {
    let config = "server_name: bistro\npublic_url: https://mcp.example.com/mcp\n";
    let (_process, lines, _folder) = Served::launch(config, &[]);
    let line = lines.find(|line| line.contains("listens at").then(|| line.to_owned()));
    let port = line.strip_prefix("bistro listens at http://127.0.0.1:").unwrap();
    let port = port.strip_suffix("/mcp, reached as https://mcp.example.com/mcp").unwrap();
    assert!(port.parse::<u16>().is_ok_and(|port| port != 0), "{line}");
    lines.find(|line| line.contains("\"url\": \"https://mcp.example.com/mcp\"").then_some(()));

    let (_process, lines, _folder) = Served::launch(&format!("{config}log_format: json\n"), &[]);
    let line = lines.find(|line| line.contains("listening").then(|| line.to_owned()));
    assert!(line.contains("\"url\":\"https://mcp.example.com/mcp\""), "{line}");
    assert!(line.contains("\"address\":\"127.0.0.1:"), "{line}");
}

#[test]
fn tokens_that_standard_streams_do_not_demand_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let serve = || run_in(folder.path(), &["serve", "--stdio"], &format!("{INITIALIZE}\n"));
    assert!(!serve().stderr.contains("tokens"));
    std::fs::write(folder.path().join("latimer.yaml"), "tokens: {alice: {token: the-secret}}\n").unwrap();
    let ran = serve();
    assert!(ran.stderr.contains("tokens is set and demanded over HTTP and TCP only"), "{ran:?}");
    assert!(!ran.stderr.contains("the-secret") && ran.stdout.contains("serverInfo"), "{ran:?}");
    assert_eq!(ran.code, Some(0));
}

#[test]
fn a_client_that_never_reads_is_told_so_and_one_that_leaves_is_no_failure() {
    let start = || {
        let folder = tempfile::tempdir().unwrap();
        let config = "limits: {ring_bytes: 1024, calls_per_session: 1}\n";
        std::fs::write(folder.path().join("latimer.yaml"), config).unwrap();
        let mut command = latimer(folder.path());
        command.args(["serve", "--stdio"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process::start(&mut command);
        let lines = Lines::of(process.0.stderr.take().unwrap());
        (process, lines, folder)
    };
    let ping = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";

    let (mut process, lines, _folder) = start();
    let unread = process.0.stdout.take().unwrap();
    let mut input = process.0.stdin.take().unwrap();
    while input.write_all(ping.as_bytes()).is_ok() {}
    let said = lines.rest();
    assert_eq!(process.ended().code(), Some(1), "{said}");
    assert!(said.contains("does not read its answers") && !said.contains("closed its end"), "{said}");
    drop(unread);

    let (mut process, lines, _folder) = start();
    drop(process.0.stdout.take().unwrap());
    let mut input = process.0.stdin.take().unwrap();
    while input.write_all(ping.as_bytes()).is_ok() {}
    let said = lines.rest();
    assert_eq!(process.ended().code(), Some(0), "{said}");
    assert!(said.contains("the client closed its end"), "{said}");
}

#[test]
fn http_sse_is_served_where_the_flag_or_the_configuration_says_so() {
    let status = |served: &Served| {
        let address = served.url.trim_start_matches("http://").trim_end_matches("/mcp");
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        socket
            .write_all(b"GET /sse HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
            .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(socket), &mut line).unwrap();
        line
    };
    assert_eq!(status(&Served::with("", &[])), "HTTP/1.1 404 Not Found\r\n");
    assert_eq!(status(&Served::with("", &["--http-sse"])), "HTTP/1.1 200 OK\r\n");
    assert_eq!(status(&Served::with("http_sse: true\n", &[])), "HTTP/1.1 200 OK\r\n");
    let both = run(&["serve", "--stdio", "--http-sse"]);
    assert_eq!(both.code, Some(2), "{both:?}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("latimer.yaml"), "http_sse: true\npath: /sse\n").unwrap();
    let taken = run_in(folder.path(), &["serve", "--http", "0"], "");
    assert!(taken.code == Some(2) && taken.stderr.contains("taken by HTTP+SSE"), "{taken:?}");
}
