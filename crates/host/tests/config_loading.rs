//! Loading a configuration from file, environment and flags: what wins, where it came from, what is refused.

use std::fs;
use std::path::Path;

use latimer_host::config::{ByteSize, Loaded, Loader, Transport, Transports};
use latimer_host::diagnostics::{ConfigErrors, Place};
use tempfile::TempDir;

/// A directory with these files.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = TempDir::new().expect("a directory");
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, text).expect("written");
    }
    directory
}

fn load(files: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    let directory = directory(files);
    Loader::new(directory.path()).environment(environment.iter().copied()).load()
}

fn errors(files: &[(&str, &str)], environment: &[(&str, &str)]) -> Vec<String> {
    match load(files, environment) {
        Ok(loaded) => panic!("accepted: {:?}", loaded.config),
        Err(errors) => errors.diagnostics().iter().map(ToString::to_string).collect(),
    }
}

fn origin(loaded: &Loaded, key: &str) -> String {
    loaded.provenance.of(key).to_string()
}

fn shown(transports: &Transports) -> String {
    transports.iter().map(|one| one.to_string()).collect::<Vec<_>>().join(",")
}

const YAML: &str = "server_name: demo
transport: stdio
host: 0.0.0.0
port: 8080
log_level: WARNING
log_format: json
autoload: [echo, files]
plugins:
  files:
    enabled: false
trusted_proxies: [10.1.2.3/8, 192.0.2.7]
tls_cert: tls/cert.pem
tls_key: /etc/key.pem
limits:
  message_bytes: 2MiB
  call_timeout: 90s
tokens:
  alice:
    token: ${ALICE}
    scopes: [mcp:tools]
";

const TOML: &str = "server_name = 'demo'
transport = 'stdio'
host = '0.0.0.0'
port = 8080
log_level = 'WARNING'
log_format = 'json'
autoload = ['echo', 'files']
plugins.files.enabled = false
trusted_proxies = ['10.1.2.3/8', '192.0.2.7']
tls_cert = 'tls/cert.pem'
tls_key = '/etc/key.pem'
[limits]
message_bytes = 2097152
call_timeout = '1m 30s'
[tokens.alice]
token = '${ALICE}'
scopes = ['mcp:tools']
";

const JSON: &str = r#"{
  "$schema": "latimer.schema.json",
  "server_name": "demo", "transport": "stdio", "host": "0.0.0.0", "port": 8080,
  "log_level": "WARNING", "log_format": "json", "autoload": ["echo", "files"],
  "plugins": {"files": {"enabled": false}},
  "trusted_proxies": ["10.1.2.3/8", "192.0.2.7"],
  "tls_cert": "tls/cert.pem", "tls_key": "/etc/key.pem",
  "limits": {"message_bytes": "2MiB", "call_timeout": "90s"},
  "tokens": {"alice": {"token": "${ALICE}", "scopes": ["mcp:tools"]}}
}"#;

#[test]
fn yaml_toml_and_json_say_the_same() {
    let mut shown = Vec::new();
    for (name, text) in
        [("latimer.yaml", YAML), ("latimer.yml", YAML), ("latimer.toml", TOML), ("latimer.json", JSON)]
    {
        let directory = directory(&[(name, text)]);
        let loaded = Loader::new(directory.path()).environment([("ALICE", "s3cret")]).load();
        let config = loaded.unwrap_or_else(|errors| panic!("{name}: {errors}")).config;
        assert_eq!(config.server_name.as_str(), "demo");
        assert!(config.transport.has(Transport::Stdio) && config.port == 8080);
        assert_eq!(config.log_level.to_string(), "warn");
        assert_eq!(config.autoload.iter().map(ToString::to_string).collect::<Vec<_>>(), ["echo", "files"]);
        assert!(!config.plugins["files"].enabled);
        assert_eq!(config.limits.message_bytes, ByteSize::new(2 << 20));
        assert_eq!(config.limits.call_timeout.as_secs(), 90);
        assert_eq!(
            config.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["10.0.0.0/8", "192.0.2.7/32"]
        );
        assert_eq!(config.tokens["alice"].token.expose(), "s3cret");
        assert_eq!(config.tokens["alice"].scopes[0].as_str(), "mcp:tools");
        assert_eq!(config.tls_cert.as_deref(), Some(directory.path().join("tls/cert.pem").as_path()));
        assert_eq!(config.tls_key.as_deref(), Some(Path::new("/etc/key.pem")));
        shown.push(format!("{config:?}").replace(&directory.path().display().to_string(), "DIR"));
    }
    assert!(shown.windows(2).all(|pair| pair[0] == pair[1]), "{shown:#?}");
}

#[test]
fn without_anything_the_defaults_hold() {
    let loaded = load(&[], &[]).expect("loads");
    assert_eq!((&loaded.config.transport, loaded.config.port), (&Transports::default(), 12_200));
    assert_eq!(loaded.config.host.as_str(), "127.0.0.1");
    assert_eq!(origin(&loaded, "port"), "default");
    assert!(loaded.file.is_none() && loaded.warnings.is_empty());
}

#[test]
fn an_empty_file_and_empty_tables_change_nothing() {
    for text in ["", "# nothing\n", "---\n", "plugins:\ntokens:\nlimits: {}\n", "{}"] {
        let loaded =
            load(&[("latimer.yaml", text)], &[]).unwrap_or_else(|errors| panic!("{text:?}: {errors}"));
        assert_eq!(loaded.config.port, 12_200);
    }
}

#[test]
fn flags_beat_latimer_variables_beat_mcp_variables_beat_the_file_beats_the_default() {
    let file = directory(&[("latimer.yaml", "port: 1001\n")]);
    let loader = Loader::new(file.path());
    let with = |loader: Loader| {
        let loaded = loader.load().expect("loads");
        (loaded.config.port, origin(&loaded, "port"))
    };
    assert_eq!(with(loader.clone()), (1001, "latimer.yaml:1:7".into()));
    let loader = loader.environment([("MCP_PORT", "1002")]);
    assert_eq!(with(loader.clone()), (1002, "environment variable MCP_PORT".into()));
    let loader = loader.environment([("LATIMER_PORT", "1003")]);
    assert_eq!(with(loader.clone()), (1003, "environment variable LATIMER_PORT".into()));
    let loader = loader.flag("--port", "port", "1004");
    assert_eq!(with(loader.clone()), (1004, "flag --port".into()));
    let loader = loader.flag("--http", "port", "1005");
    assert_eq!(with(loader), (1005, "flag --http".into()));
}

#[test]
fn every_variable_of_the_python_servers_is_read() {
    let python = [
        ("MCP_SERVER_NAME", "old"),
        ("MCP_TRANSPORT", "stdio"),
        ("MCP_HOST", "::1"),
        ("MCP_PORT", "12201"),
        ("MCP_LOG_LEVEL", "DEBUG"),
    ];
    let config = load(&[], &python).expect("loads").config;
    assert_eq!((config.server_name.as_str(), config.host.as_str(), config.port), ("old", "::1", 12_201));
    assert_eq!((shown(&config.transport), config.log_level.to_string()), ("stdio".into(), "debug".into()));
}

#[test]
fn every_kind_of_value_can_come_from_a_variable() {
    let variables = [
        ("LATIMER_AUTOLOAD", "a, b"),
        ("LATIMER_STRICT_EMPTY_ERRORS", "yes"),
        ("LATIMER_LIMITS_CALL_TIMEOUT", "500ms"),
        ("LATIMER_LIMITS_MESSAGE_BYTES", "4MiB"),
        ("LATIMER_LIMITS_DEPTH", "64"),
        ("LATIMER_LOG_LEVEL", "info,hyper=warn"),
        ("LATIMER_TLS_CERT", "c.pem"),
        ("LATIMER_TLS_KEY", "k.pem"),
        ("LATIMER_PLUGINS_MY_ECHO_ENABLED", "off"),
        ("LATIMER_PLUGINS_OTHER_ENABLED", "off"),
        ("LATIMER_HOST", ""),
    ];
    let loaded =
        load(&[("latimer.yaml", "autoload: [x]\nplugins: {my-echo: {}}\n")], &variables).expect("loads");
    let config = &loaded.config;
    assert_eq!(config.autoload.len(), 2);
    assert!(config.strict_empty_errors);
    assert_eq!((config.limits.call_timeout.as_millis(), config.limits.depth), (500, 64));
    assert_eq!(config.limits.message_bytes.to_len(), 4 << 20);
    assert_eq!(config.tls_cert.as_deref(), Some(Path::new("c.pem")), "not the file's directory");
    assert!(!config.plugins["my-echo"].enabled && !config.plugins["other"].enabled);
    assert_eq!(config.host.as_str(), "127.0.0.1", "an empty variable counts as not set");
    assert_eq!(
        origin(&loaded, "plugins.my-echo.enabled"),
        "environment variable LATIMER_PLUGINS_MY_ECHO_ENABLED"
    );
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn environment_files_come_first_and_a_real_variable_beats_them() {
    let files = [
        ("sub/latimer.yaml", "port: ${P}\nserver_name: ${N}\ninstructions: ${I}\n"),
        ("sub/.env", "P=1\nN=dot\nI=dot\n"),
        (".env", "P=99\n"),
        ("one.env", "P=2\nN=one\n"),
        ("two.env", "P=3\nexport LATIMER_PATH=/x\n"),
    ];
    let directory = directory(&files);
    let loader = Loader::new(directory.path()).file("sub/latimer.yaml");
    let loaded = loader.clone().load().expect("loads");
    assert_eq!(origin(&loaded, "port"), "sub/latimer.yaml:1:7, from sub/.env:1 (P)");
    let loaded =
        loader.env_file("one.env").env_file("two.env").environment([("I", "real")]).load().expect("loads");
    assert_eq!((loaded.config.port, loaded.config.server_name.as_str()), (3, "one"));
    assert_eq!(loaded.config.instructions.as_deref(), Some("real"));
    assert_eq!(origin(&loaded, "path"), "two.env:2 (LATIMER_PATH)");
    assert_eq!(origin(&loaded, "instructions"), "sub/latimer.yaml:3:15, from environment variable I");
}

#[test]
fn references_are_replaced_and_their_text_takes_the_type_of_the_key() {
    let text = "port: ${PORT:-8081}\nserver_name: a$$b-${WHO}\nstrict_empty_errors: \"${NO:-true}\"\nautoload: ${LIST}\nallowed_hosts: [\"${WHO}.example\"]\nlimits: {depth: \"${WHO_ELSE:-32}\"}\n";
    let loaded = load(&[("latimer.yaml", text)], &[("WHO", "x"), ("LIST", "a,b")]).expect("loads");
    let config = &loaded.config;
    assert_eq!((config.port, config.server_name.as_str()), (8081, "a$b-x"));
    assert!(config.strict_empty_errors);
    assert_eq!(
        (config.autoload.len(), config.allowed_hosts[0].as_str(), config.limits.depth),
        (2, "x.example", 32)
    );
    assert_eq!(origin(&loaded, "allowed_hosts"), "latimer.yaml:5:16, from environment variable WHO");
    assert_eq!(origin(&loaded, "port"), "latimer.yaml:1:7");
}

#[test]
fn a_reference_that_fails_names_key_and_variable() {
    let told = errors(&[("latimer.yaml", "host: ${NOPE}\nport: $PORT\nallowed_hosts: [a, \"${X\"]\n")], &[]);
    assert_eq!(
        told,
        [
            "latimer.yaml:1:7: `host` needs the environment variable NOPE, which is not set; set NOPE, or give a default: ${NOPE:-…}",
            "latimer.yaml:2:7: `port` holds a `$` that stands alone; write `${VAR}` for a variable, `$$` for a dollar sign",
            "latimer.yaml:3:20: `allowed_hosts[1]` holds a `${` without its `}`; close it: `${VAR}`",
        ]
    );
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_nearest_known_one() {
    for (name, text, place) in [
        ("latimer.yaml", "host: a\nprot: 1\nlimits:\n  call_timout: 1s\n", [(2, 1), (4, 3)]),
        ("latimer.toml", "host = 'a'\nprot = 1\n[limits]\n  call_timout = '1s'\n", [(2, 1), (4, 3)]),
        (
            "latimer.json",
            "{\"host\": \"a\",\n \"prot\": 1,\n \"limits\": {\n  \"call_timout\": \"1s\"}}\n",
            [(2, 2), (4, 3)],
        ),
    ] {
        let [(l1, c1), (l2, c2)] = place;
        assert_eq!(
            errors(&[(name, text)], &[]),
            [
                format!("{name}:{l1}:{c1}: unknown key `prot`; did you mean `port`?"),
                format!(
                    "{name}:{l2}:{c2}: unknown key `limits.call_timout`; did you mean `limits.call_timeout`?"
                ),
            ]
        );
    }
}

#[test]
fn a_known_key_at_the_wrong_level_is_pointed_to_the_right_one() {
    let text = "call_timeout: 1s\nlimits: {port: 1, zzz: 2}\nplugins: {echo: {enable: true}}\n";
    let told = errors(&[("latimer.yaml", text)], &[]);
    assert_eq!(told[0], "latimer.yaml:1:1: unknown key `call_timeout`; did you mean `limits.call_timeout`?");
    assert_eq!(told[1], "latimer.yaml:2:10: unknown key `limits.port`; did you mean `port`?");
    assert!(
        told[2].starts_with(
            "latimer.yaml:2:19: unknown key `limits.zzz`; known here: connections, connection_idle, "
        ),
        "{}",
        told[2]
    );
    assert_eq!(
        told[3],
        "latimer.yaml:3:18: unknown key `plugins.echo.enable`; did you mean `plugins.echo.enabled`?"
    );
    assert_eq!(told.len(), 4);
}

#[test]
fn a_key_that_stands_twice_is_refused_where_it_stands_again() {
    let yaml = errors(&[("latimer.yaml", "port: 1\nhost: a\nport: 2\nlimits: {depth: 9, depth: 9}\n")], &[]);
    assert_eq!(
        yaml[0],
        "latimer.yaml:3:1: key `port` stands here again; line 1 has it first; keep one of the two"
    );
    assert_eq!(yaml.len(), 2);
    let json = errors(&[("latimer.json", "{\"port\": 1,\n\"por\\u0074\": 2}")], &[]);
    assert_eq!(
        json,
        ["latimer.json:2:1: key `port` stands here again; line 1 has it first; keep one of the two"]
    );
    let toml = errors(&[("latimer.toml", "port = 1\nport = 2\n")], &[]);
    assert_eq!(toml, ["latimer.toml:2:1: not readable as TOML: duplicate key; keep one of the two"]);
}

#[test]
fn values_of_the_wrong_type_or_range_say_what_is_taken() {
    for (text, expected) in [
        (
            "port: abc",
            "1:7: `port` must be a whole number from 0 to 65535, not \"abc\"; write for example `12200`",
        ),
        (
            "port: 65536",
            "1:7: `port` must be a whole number from 0 to 65535, not the number 65536; write for example `12200`",
        ),
        (
            "port: \"1\"",
            "1:7: `port` must be a whole number from 0 to 65535, not \"1\"; write for example `12200`",
        ),
        (
            "page_size: 0",
            "1:12: `page_size` must be a whole number from 1 to 100000, not the number 0; write for example `1000`",
        ),
        ("port:", "1:1: `port` has no value; write a value, or remove the line for the default"),
        (
            "strict_empty_errors: yes",
            "1:22: `strict_empty_errors` must be true or false, not \"yes\"; write for example `false`",
        ),
        (
            "server_name: 12",
            "1:14: `server_name` must be a name of 1 to 128 printable characters, not the number 12; write for example `latimer`",
        ),
        (
            "autoload: echo",
            "1:11: `autoload` must be a list, each item a name of 1 to 128 of the characters A-Z a-z 0-9 _ - ., not \"echo\"; write for example `[echo]`",
        ),
        (
            "autoload: [a, 7]",
            "1:15: `autoload` must be a list, each item a name of 1 to 128 of the characters A-Z a-z 0-9 _ - ., not the number 7; write for example `[echo]`",
        ),
        (
            "limits: 3",
            "1:9: `limits` must be a table, not the number 3; put keys below it: connections, connection_idle, message_bytes, header_bytes, depth, values, batch_messages, sessions, sessions_per_principal, sessions_per_peer, session_idle, calls, calls_per_session, call_timeout, call_timeout_total, answer_timeout, request_state_life, request_state_bytes, tasks, tasks_per_owner, task_ttl, task_ttl_most, task_journal_bytes, task_poll, task_after, streams_per_session, stream_grace, listens, listens_per_caller, subscriptions, ring_events, ring_bytes, log_burst, log_rate, log_bytes, drain",
        ),
        (
            "limits: {call_timeout: 60}",
            "1:24: `limits.call_timeout` must be a duration with its unit, such as 500ms, 10s or 1h30m from 1ms to 365d, not the number 60; write for example `1m`",
        ),
        (
            "transport: sse",
            "1:12: `transport` must be http, stdio, tcp or unix, or a list of them with each once, not \"sse\"; write for example `http`",
        ),
        (
            "log_level: debgu",
            "1:12: `log_level` must be error, warn, info, debug or trace, or a filter such as info,latimer_transport=debug, not \"debgu\"; write for example `info`",
        ),
        (
            "plugins: {a b: {}}",
            "1:11: `a b` cannot be a name in `plugins`; use 1 to 128 of the characters A-Z a-z 0-9 _ - .",
        ),
        (
            "plugins: {a: true}",
            "1:14: `plugins.a` must be a table, not true; put keys below it: enabled, settings",
        ),
        ("- a", "1:1: `the file` must be a table of keys, not a list; write `key: value` lines"),
    ] {
        assert_eq!(errors(&[("latimer.yaml", text)], &[]), [format!("latimer.yaml:{expected}")], "{text}");
    }
}

#[test]
fn syntax_errors_have_a_place_and_references_in_flow_style_a_mend() {
    for (name, text, place) in [
        ("latimer.yaml", "a: [1\nb: 2\n", "latimer.yaml:2:"),
        ("latimer.yaml", "host: a\n\tport: 1\n", "latimer.yaml:1:7: not readable as YAML: "),
        ("latimer.toml", "port = \n", "latimer.toml:1:8: not readable as TOML: "),
        ("latimer.json", "{\"port\": 1,}", "latimer.json:1:"),
    ] {
        let told = errors(&[(name, text)], &[]);
        assert!(told.len() == 1 && told[0].starts_with(place), "{told:?}");
    }
    let told = errors(&[("latimer.yaml", "plugins: {x: ${Y}, z: 1}\n")], &[]);
    assert!(told[0].ends_with("a reference needs quotes: \"${VAR}\""), "{told:?}");
}

#[test]
fn all_errors_of_all_layers_are_told_at_once() {
    let directory = directory(&[("latimer.yaml", "prot: 1\nhost: ${NO}\n"), (".env", "oops\n")]);
    let loaded = Loader::new(directory.path())
        .environment([("LATIMER_PORT", "x"), ("MCP_TRANSPORT", "sse")])
        .flag("--log-level", "log_level", "loud")
        .flag("--set", "limits.dept", "1")
        .load();
    let errors = loaded.expect_err("refused");
    let places: Vec<_> =
        errors.diagnostics().iter().map(|error| error.place().map(ToString::to_string)).collect();
    assert_eq!(
        places.into_iter().flatten().collect::<Vec<_>>(),
        [
            ".env:1",
            "latimer.yaml:2:7",
            "latimer.yaml:1:1",
            "environment variable MCP_TRANSPORT",
            "environment variable LATIMER_PORT",
            "flag --log-level",
            "flag --set",
        ]
    );
    assert!(errors.to_string().contains("did you mean `limits.depth`?"));
    assert!(errors.render().contains("1 | prot …\n  | ^^^^"), "{}", errors.render());
}

#[test]
fn what_contradicts_itself_is_refused() {
    for (text, expected) in [
        (
            "tls_cert: a.pem",
            "latimer.yaml:1:11: `tls_cert` is set without `tls_key`; set `tls_key` too, or neither",
        ),
        (
            "limits: {call_timeout: 2h}",
            "latimer.yaml:1:24: `limits.call_timeout` is more than `limits.call_timeout_total`; lower `limits.call_timeout` or raise `limits.call_timeout_total`",
        ),
        (
            "tokens: {alice: {scopes: [a]}}",
            "latimer.yaml:1:26: `tokens.alice` has no token; write `token: \"${VAR}\"` below `alice` and set that variable",
        ),
        (
            "tokens: {alice: {token: x}, bob: {token: x}}",
            "latimer.yaml:1:42: `tokens.bob` has the same token as `tokens.alice`; give each principal a token of its own",
        ),
    ] {
        assert_eq!(errors(&[("latimer.yaml", text)], &[]), [expected], "{text}");
    }
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let loaded = |loader: Loader| loader.load().expect_err("refused").to_string();
    let two = directory(&[("latimer.yaml", ""), ("latimer.toml", "")]);
    assert_eq!(
        loaded(Loader::new(two.path())),
        "more than one configuration file: latimer.yaml, latimer.toml; keep one, or name the one to use"
    );
    let odd = directory(&[("a.conf", ""), ("big.yaml", &"#".repeat((1 << 20) + 1))]);
    let loader = Loader::new(odd.path());
    assert!(
        loaded(loader.clone().file("a.conf"))
            .starts_with("a.conf: the file's name does not tell its notation")
    );
    assert!(
        loaded(loader.clone().file("big.yaml")).starts_with("big.yaml: the file has more than 1048576 bytes")
    );
    assert!(
        loaded(loader.clone().file("no.yaml")).starts_with("no.yaml: cannot read the file: entity not found")
    );
    assert!(loaded(loader.clone().env_file("no.env")).starts_with("no.env: cannot read the file"));
    fs::write(odd.path().join("latin.yaml"), b"a: 1\nb: \xe9\n").expect("written");
    assert!(loaded(loader.file("latin.yaml")).starts_with("latin.yaml:2:4: not UTF-8 text"));
}

#[test]
fn a_byte_order_mark_and_crlf_are_understood() {
    let loaded =
        load(&[("latimer.yaml", "\u{feff}port: 1\r\nhost: a\r\n"), (".env", "\u{feff}A=1\r\n")], &[]);
    assert_eq!(loaded.expect("loads").config.port, 1);
    let toml = load(&[("latimer.toml", "\u{feff}port = 1\r\n")], &[]);
    assert_eq!(origin(&toml.expect("loads"), "port"), "latimer.toml:1:8");
}

#[test]
fn what_is_probably_not_meant_is_warned_of() {
    let text =
        "host: 0.0.0.0\nautoload: [echo]\nplugins: {echo: {enabled: false}}\ninstructions: ${LATIMER_MINE}\n";
    let variables = [("LATIMER_PROT", "1"), ("LATIMER_MINE", "x"), ("MCP_WHATEVER", "x"), ("LATIMERX", "x")];
    let loaded = load(&[("latimer.yaml", text)], &variables).expect("loads");
    assert_eq!(
        loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "environment variable LATIMER_PROT: LATIMER_PROT is not a variable that Latimer reads; did you mean LATIMER_PORT?",
            "latimer.yaml:2:11: `autoload` names echo, which `plugins.echo.enabled` switches off; remove echo from one of the two",
            "latimer.yaml:1:7: `host` 0.0.0.0 is reachable from other machines and `tokens` is empty: every caller is let in; set `tokens`, or `host: 127.0.0.1`",
        ]
    );
}

#[test]
fn a_port_that_kubernetes_set_is_explained() {
    let told = errors(&[], &[("LATIMER_PORT", "tcp://10.0.0.1:12200")]);
    assert!(told[0].contains("enableServiceLinks: false"), "{told:?}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf8_is_refused_where_it_is_used() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;
    let garbled = || OsString::from_vec(vec![0xff]);
    let file = directory(&[("latimer.yaml", "server_name: ${GARBLED}\n")]);
    let loader = Loader::new(file.path()).environment([("GARBLED", garbled()), ("LATIMER_HOST", garbled())]);
    let errors = loader.load().expect_err("refused");
    let places: Vec<_> = errors.diagnostics().iter().filter_map(|error| error.place().cloned()).collect();
    assert!(matches!(&places[0], Place::File { line: 1, .. }));
    assert!(matches!(&places[1], Place::Environment { variable } if variable == "LATIMER_HOST"));
    assert!(Loader::new("/nowhere").environment([("UNUSED", garbled())]).load().is_ok());
}

#[test]
fn of_very_many_errors_the_first_are_told_and_the_rest_counted() {
    let text: String = (0..1_000).map(|index| format!("k{index}: 1\n")).collect();
    let errors = load(&[("latimer.yaml", &text)], &[]).expect_err("refused");
    assert_eq!(
        (errors.diagnostics().len(), errors.omitted()),
        (ConfigErrors::MOST, 1_000 - ConfigErrors::MOST)
    );
    assert!(errors.to_string().ends_with("\nand 900 more"));
}

#[test]
fn transports_are_a_word_or_a_list_in_every_layer() {
    for (text, transports) in [
        ("transport: tcp", "tcp"),
        ("transport: [http, stdio]", "http,stdio"),
        ("transport: http, tcp", "http,tcp"),
        ("transport: [\"${X:-unix}\"]\nunix: {path: a.sock}", "unix"),
    ] {
        let loaded = load(&[("latimer.yaml", text)], &[]).unwrap_or_else(|errors| panic!("{text}: {errors}"));
        assert_eq!(shown(&loaded.config.transport), transports, "{text}");
    }
    let loaded = load(&[("latimer.yaml", "transport: tcp")], &[("LATIMER_TRANSPORT", "stdio,http")]);
    assert_eq!(shown(&loaded.expect("loads").config.transport), "stdio,http");
    for text in ["transport: []", "transport: [http, http]", "transport: [unix, socket]", "transport: [1]"] {
        let told = errors(&[("latimer.yaml", text)], &[]);
        assert!(told.len() == 1 && told[0].contains("http, stdio, tcp or unix"), "{text}: {told:?}");
    }
}

#[test]
fn the_variables_of_servers_of_sockets_are_read() {
    for (word, transport) in [
        ("stdio", "stdio"),
        (" STDIO:// ", "stdio"),
        ("Socket", "unix"),
        ("unix", "unix"),
        ("unix-domain", "unix"),
        ("tcp", "tcp"),
        ("http", "http"),
    ] {
        let loaded = load(&[], &[("MCP_MODE", word), ("MCP_SOCKET_PATH", "/run/a.sock")]).expect(word);
        assert_eq!(shown(&loaded.config.transport), transport, "{word}");
    }
    let mode = |environment: &[(&str, &str)]| shown(&load(&[], environment).expect("loads").config.transport);
    assert_eq!(mode(&[("MCP_MODE", "tcp"), ("MCP_ENDPOINT", "stdio")]), "tcp");
    assert_eq!(mode(&[("MCP_MODE", "  "), ("MCP_ENDPOINT", "stdio")]), "stdio");
    assert_eq!(mode(&[("MCP_MODE", ""), ("MCP_ENDPOINT", ""), ("MCP_TRANSPORT", "tcp")]), "tcp");
    assert_eq!(mode(&[("LATIMER_TRANSPORT", "http"), ("MCP_MODE", "tcp")]), "http");
    let told = errors(&[], &[("MCP_MODE", "carrier-pigeon")]);
    assert!(told[0].contains("MCP_MODE") && told[0].contains("http, stdio, tcp or unix"), "{told:?}");

    let set = [("MCP_SOCKET_PATH", "a.sock"), ("MCP_SOCKET_MODE", "660"), ("MCP_READY_FILE", "/run/ready")];
    let config = load(&[], &set).expect("loads").config;
    assert_eq!(config.unix.path.expect("a path").as_str(), "a.sock");
    assert_eq!(
        (config.unix.mode.bits(), config.ready_file.as_deref()),
        (0o660, Some(Path::new("/run/ready")))
    );
    let told = errors(&[], &[("MCP_SOCKET_MODE", "0999")]);
    assert!(
        told[0].contains("MCP_SOCKET_MODE") && told[0].contains("write for example `\"0600\"`"),
        "{told:?}"
    );
}

#[test]
fn mcp_host_and_mcp_port_are_those_of_the_transport_that_is_served() {
    let address = [("MCP_HOST", "::1"), ("MCP_PORT", "1234")];
    let at = |transport: &str, flag: Option<&str>| {
        let mut loader = Loader::new(std::env::temp_dir().join("nowhere"))
            .environment(address)
            .environment([("MCP_MODE", transport), ("MCP_SOCKET_PATH", "a.sock")]);
        if let Some(flag) = flag {
            loader = loader.flag("--flag", "transport", flag);
        }
        let config = loader.load().expect("loads").config;
        (format!("{}:{}", config.host, config.port), format!("{}:{}", config.tcp.host, config.tcp.port))
    };
    let (http, tcp) = (
        ("::1:1234".to_owned(), "127.0.0.1:7000".to_owned()),
        ("127.0.0.1:12200".to_owned(), "::1:1234".to_owned()),
    );
    assert_eq!(at("tcp", None), tcp);
    assert_eq!(at("http", None), http);
    assert_eq!(at("http", Some("stdio,tcp")), tcp);
    assert_eq!(at("tcp", Some("http,tcp")), http);
}

#[test]
fn a_unix_socket_without_a_path_is_in_the_users_own_folder_or_refused() {
    let unix = [("LATIMER_TRANSPORT", "unix")];
    let loaded = load(&[], &[unix[0], ("XDG_RUNTIME_DIR", "/run/user/7")]).expect("loads");
    assert_eq!(loaded.config.unix.path.as_ref().expect("a path").as_str(), "/run/user/7/latimer.sock");
    assert_eq!(origin(&loaded, "unix.path"), "default, from environment variable XDG_RUNTIME_DIR");
    for environment in [&unix[..], &[unix[0], ("XDG_RUNTIME_DIR", "relative")]] {
        let told = errors(&[], environment);
        assert!(told.len() == 1 && told[0].contains("set `unix.path`"), "{told:?}");
    }
    let base = directory(&[("latimer.yaml", "transport: unix\nunix: {path: a.sock, mode: \"0660\"}\n")]);
    let path = Loader::new(base.path()).load().expect("loads").config.unix.path.expect("a path");
    assert_eq!(path.file(), Some(base.path().join("a.sock").as_path()));
    // YAML reads a mode without quotes as a number, and not everybody as the same one.
    let told = errors(&[("latimer.yaml", "unix: {mode: 0600}")], &[]);
    assert!(told[0].contains("octal digits in quotes"), "{told:?}");
}

#[test]
fn tcp_that_other_machines_reach_is_warned_of_without_tokens_and_without_tls() {
    let warnings = |text: &str| {
        let loaded = load(&[("latimer.yaml", text)], &[]).expect("loads");
        loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let tokens = "tokens: {a: {token: abc}}\n";
    let tls = "tls_cert: a.pem\ntls_key: a.key\n";
    let open = "transport: tcp\ntcp: {host: 0.0.0.0}\n";
    let told = warnings(open);
    assert!(
        told.len() == 1 && told[0].contains("`tcp.host` 0.0.0.0") && told[0].contains("tokens"),
        "{told:?}"
    );
    let told = warnings(&format!("{open}{tokens}"));
    assert!(told.len() == 1 && told[0].contains("no TLS"), "{told:?}");
    assert!(warnings(&format!("{open}{tokens}{tls}")).is_empty());
    assert!(warnings("transport: tcp\n").is_empty() && warnings("tcp: {host: 0.0.0.0}\n").is_empty());
}

#[test]
fn a_flag_about_a_transport_that_is_not_served_is_told() {
    let loader = Loader::new(std::env::temp_dir().join("nowhere")).flag("--http-sse", "http_sse", "true");
    assert!(loader.load().is_ok());
    let told = loader.flag("--stdio", "transport", "stdio").load().expect_err("a contradiction").to_string();
    assert_eq!(
        told,
        "flag --http-sse: `http_sse` is about http, which `transport` does not have; add http to `transport`, or leave the flag out"
    );
}

#[test]
fn the_settings_of_a_plugin_are_a_tree_of_any_depth_in_every_notation() {
    let yaml = "plugins:\n  files:\n    settings:\n      roots: [{path: a, depth: 3}, {path: '${DEEP}/b'}]\n      watch: true\n      ratio: 0.5\n      none: null\n";
    let toml = "[plugins.files.settings]\nroots = [{path = 'a', depth = 3}, {path = '${DEEP}/b'}]\nwatch = true\nratio = 0.5\n";
    let json = r#"{"plugins": {"files": {"settings": {"roots": [{"path": "a", "depth": 3}, {"path": "${DEEP}/b"}], "watch": true, "ratio": 0.5, "none": null}}}}"#;
    for (name, text) in [("latimer.yaml", yaml), ("latimer.toml", toml), ("latimer.json", json)] {
        let loaded = load(&[(name, text)], &[("DEEP", "/deep")]).unwrap_or_else(|errors| panic!("{errors}"));
        let settings = loaded.config.plugins["files"].settings.as_ref().expect("settings").expose().clone();
        assert_eq!(settings["roots"][1]["path"], "/deep/b", "{name}");
        assert_eq!((&settings["roots"][0]["depth"], &settings["ratio"]), (&3.into(), &0.5.into()), "{name}");
        assert!(settings["watch"].as_bool() == Some(true) && settings["none"].is_null());
        assert!(origin(&loaded, "plugins.files.settings").ends_with("from environment variable DEEP"));
    }
    let told = errors(&[("latimer.yaml", "plugins: {files: {settings: [1]}}")], &[]);
    assert!(told[0].contains("`plugins.files.settings` must be a table of settings, not a list"), "{told:?}");
    let told = errors(&[("latimer.yaml", "plugins: {files: {settings: {a: {b: \"${NO}\"}}}}")], &[]);
    assert!(told[0].contains("`plugins.files.settings.a.b` needs the environment variable NO"), "{told:?}");
}

#[test]
fn what_came_through_a_variable_into_settings_is_not_shown() {
    let text = "plugins: {files: {settings: {open: plain, deep: [{key: \"a-${SECRET}\"}]}}}";
    let loaded = load(&[("latimer.yaml", text)], &[("SECRET", "hunter2")]).expect("loads");
    let report = loaded.report();
    let shown = format!("{report}{report:?}{:?}", loaded.config);
    assert!(!shown.contains("hunter2") && shown.contains("plain"), "{shown}");
    let value = report.values.iter().find(|value| value.key == "plugins.files.settings").expect("shown");
    assert_eq!(value.value["deep"][0]["key"], "***");
    let settings = loaded.config.plugins["files"].settings.as_ref().expect("settings").expose();
    assert_eq!(settings["deep"][0]["key"], "a-hunter2");

    let variable = [("LATIMER_PLUGINS_FILES_SETTINGS", r#"{"key":"hunter2","n":1}"#)];
    let loaded = load(&[], &variable).expect("loads");
    assert_eq!(
        loaded.config.plugins["files"].settings.as_ref().expect("settings").expose()["key"],
        "hunter2"
    );
    assert!(!loaded.report().to_string().contains("hunter2"));
    // A value that is wrong may hold a secret as well as a right one.
    let told = errors(&[], &[("LATIMER_PLUGINS_FILES_SETTINGS", "{\"key\": \"hunter2\"")]);
    assert!(told[0].contains("must be a table of settings") && !told[0].contains("hunter2"), "{told:?}");
}

#[test]
fn a_key_that_is_not_known_writes_no_control_characters_to_the_terminal() {
    let text = "\"a\\e[31m\": ${NO}\n\"b\\x07\": $\n\"c\\e[0m\": 1\n";
    for error in errors(&[("latimer.yaml", text)], &[]) {
        assert!(!error.chars().any(char::is_control), "{error:?}");
    }
}
