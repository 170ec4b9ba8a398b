//! The assets server as a program: its old names, its example, and settings that are wrong.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Ran, latimer, run_in};

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn serve(settings: &Value, input: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({
        "bare_methods": true, "autoload": ["assets"], "plugins": { "assets": { "settings": settings } }
    });
    std::fs::write(folder.path().join("latimer.json"), config.to_string().replace("\"$", "\"$$")).unwrap();
    run_in(folder.path(), &["serve", "--config", "latimer.json", "--stdio"], input)
}

#[test]
fn the_old_name_of_validate_asset_warns_once_a_call() {
    let schemas = root().join("examples/assets/schemas");
    let request = |method: &str| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": { "asset": {} } }).to_string() + "\n"
    };
    let input = [request("validate"), request("validate_asset"), request("validate")].concat();
    let ran = serve(&json!({ "schemas_dir": schemas }), &input);
    let warned = ran.stderr.lines().filter(|line| line.contains("reason=deprecated_alias method=validate"));
    assert_eq!(warned.count(), 2, "{}", ran.stderr);
    let output = ran.ok();
    let answers: Vec<_> = output.lines().collect();
    assert!(answers.len() == 3 && answers[0] == answers[1] && answers[0] == answers[2], "{output}");
}

/// The answer to one bare method of the example configuration.
fn example(method: &str, params: &Value, variables: &[(&str, &str)]) -> Ran {
    let mut command = latimer(&root());
    for name in [
        "SYN_SCHEMAS_DIR",
        "SYN_EXAMPLES_DIR",
        "SYN_BACKEND_URL",
        "SYN_BACKEND_ASSETS_PATH",
        "LABS_SCHEMA_BASE",
        "LABS_SCHEMA_VERSION",
    ] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).args(["serve", "--config", "examples/assets.yaml", "--stdio"]);
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    crate::support::run_command(&mut command, &format!("{request}\n"))
}

#[test]
fn the_example_serves_its_catalogue_and_takes_its_variables() {
    let answer = |method, variables: &[_]| -> Value {
        serde_json::from_str::<Value>(&example(method, &json!({}), variables).ok()).unwrap()["result"].take()
    };
    let audit = answer("audit", &[]);
    assert_eq!((&audit["status"], &audit["examples_checked"]), (&json!("partial"), &json!(3)));
    assert_eq!((&audit["invalid"], &audit["unused_schemas"]), (&json!(["order.invalid.json"]), &json!([])));
    assert_eq!(audit["schemas_base"], "https://schemas.example.com/1.0.0/");
    let audit =
        answer("audit", &[("LABS_SCHEMA_BASE", "https://other.example/"), ("LABS_SCHEMA_VERSION", "2")]);
    assert_eq!(
        (&audit["schemas_base"], &audit["schema_version"]),
        (&json!("https://other.example/2/"), &json!("2"))
    );
    assert_eq!(audit["foreign_schema"].as_array().unwrap().len(), 3);
    let golden = root().join("servers/assets/tests/golden/fixture/schemas");
    let schemas = answer("list_schemas", &[("SYN_SCHEMAS_DIR", golden.to_str().unwrap())]);
    assert_eq!(schemas["schemas"].as_array().unwrap().len(), 6);
    assert_eq!(answer("populate_backend", &[])["detail"], "backend disabled");
    let wrong = answer("populate_backend", &[("SYN_BACKEND_URL", "http://127.0.0.1:9")]);
    assert_eq!(wrong["errors"][0]["msg"], "asset must be an object");
}

#[test]
fn the_example_knows_the_old_name_of_a_schema_and_the_path_of_the_backend() {
    let folder = tempfile::tempdir().unwrap();
    let schema = json!({ "type": "object", "required": ["name"] }).to_string();
    std::fs::write(folder.path().join("synesthetic-asset.schema.json"), schema).unwrap();
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", backend.local_addr().unwrap());
    let posted = std::thread::spawn(move || {
        let mut socket = BufReader::new(backend.accept().unwrap().0);
        let head: Vec<String> =
            socket.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
        let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        socket.read_exact(&mut body).unwrap();
        socket.get_mut().write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}").unwrap();
        (head[0].clone(), serde_json::from_slice::<Value>(&body).unwrap())
    });
    let variables = [("SYN_SCHEMAS_DIR", folder.path().to_str().unwrap()), ("SYN_BACKEND_URL", &address)];
    let address = "https://schemas.example.com/1.0.0/nested-synesthetic-asset.schema.json";
    let asset = |member: &str| json!({ "asset": { "$schema": address, member: 1 } });
    let wrong = example("validate_asset", &asset("other"), &variables).ok();
    assert!(wrong.contains("validation_failed"), "{wrong}");
    let told = example("populate_backend", &asset("name"), &variables).ok();
    let (line, body) = posted.join().unwrap();
    assert_eq!((line.as_str(), &body["name"]), ("POST /synesthetic-assets/ HTTP/1.1", &json!(1)), "{told}");
}

#[test]
fn a_wrong_setting_keeps_the_program_from_starting_and_is_named() {
    let golden = root().join("servers/assets/tests/golden/fixture/schemas").display().to_string();
    for (settings, told) in [
        (
            json!({ "schemas_dir": golden, "max_batch": "0" }),
            "max_batch: has to be a whole number from 1 to 10000",
        ),
        (json!({ "schemas_dir": golden, "schema_dir": "x" }), "schema_dir: there is no such setting"),
        (json!({ "schemas_dir": "absent" }), "create it, or name another one"),
    ] {
        let ran = serve(&settings, "");
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains("source \"assets\": ") && ran.stderr.contains(told), "{ran:?}");
    }
    let ran = example("audit", &json!({}), &[("MCP_MAX_BATCH", "many")]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

#[test]
fn files_are_validated_and_the_worst_of_them_is_the_exit_code() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let validate = |args: &[&str]| {
        let config = ["assets", "validate", "--config", "assets.yaml"];
        run_in(&examples, &[&config, args].concat(), "")
    };
    let (valid, invalid) = ("assets/examples/order.first.json", "assets/examples/order.invalid.json");
    let ran = validate(&[valid]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "assets/examples/order.first.json: valid\n"),
        "{ran:?}"
    );
    let ran = validate(&[valid, invalid]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stdout
            .contains("order.invalid.json: validation_failed\n  /lines: expected at least 1 item, got 0\n"),
        "{ran:?}"
    );
    let ran = validate(&["--json", invalid, "absent.json", "assets.yaml"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let files: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let reasons: Vec<_> = files.iter().map(|file| file["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["validation_failed", "io_error", "parse_error"]);
    assert!(
        ran.stdout.starts_with("{\"path\":\"assets/examples/order.invalid.json\",\"ok\":false,"),
        "{ran:?}"
    );
    assert_eq!((&files[2]["line"], &files[2]["column"]), (&1.into(), &1.into()));
    let ran = validate(&["--schema", "parts/money", "--schemas", "assets/schemas", valid]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let ran = validate(&["--schema", "absent", valid]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

#[test]
fn files_without_a_folder_of_schemas_are_told_where_to_name_one() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run_in(folder.path(), &["assets", "validate", "a.json"], "");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(
        ran.stderr.contains("schemas_dir") && ran.stderr.contains("create it, or name another one"),
        "{ran:?}"
    );
    let ran = run_in(folder.path(), &["assets", "validate", "--schemas", ".", "a.json"], "");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), "a.json: io_error: file_not_found\n"), "{ran:?}");
}
