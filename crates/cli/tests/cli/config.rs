//! `latimer config`.

use serde_json::Value;

use crate::support::{latimer, run, run_in};

const CONFIG: &str = "port: 8123\ntokens:\n  alice:\n    token: ${ALICE}\n    scopes: [books]\n";

fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("latimer.yaml"), config).unwrap();
    std::fs::write(folder.path().join(".env"), "ALICE=hunter2-hunter2\n").unwrap();
    folder
}

#[test]
fn check_tells_where_each_value_comes_from_and_no_secret() {
    let folder = folder(CONFIG);
    let ran = run_in(folder.path(), &["config", "check", "--load", "greet", "--http", "127.0.0.1"], "");
    insta::assert_snapshot!(ran.shown());
    assert!(!ran.shown().contains("hunter2"));

    let json = run_in(folder.path(), &["config", "check", "--json"], "").ok();
    assert!(!json.contains("hunter2"));
    let report: Value = serde_json::from_str(&json).unwrap();
    let values = report["values"].as_array().unwrap();
    let port = values.iter().find(|value| value["key"] == "port").unwrap();
    assert_eq!((&port["value"], &port["origin"]["place"]["line"]), (&Value::from(8123), &Value::from(1)));
}

#[test]
fn check_shows_the_lines_of_all_faults() {
    let folder = folder("prot: 1\nhost: 127.0.0.1\nlimits:\n  depth: many\n");
    let ran = run_in(folder.path(), &["config", "check"], "");
    insta::assert_snapshot!(ran.shown());
    assert_eq!(ran.code, Some(2));

    let ran = run_in(folder.path(), &["config", "check", "--json"], "");
    assert_eq!(ran.code, Some(2));
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(told["errors"].as_array().unwrap().len(), 2);
}

#[test]
fn check_knows_the_sources() {
    let folder = folder("autoload: [ecko]\n");
    let ran = run_in(folder.path(), &["config", "check"], "");
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("did you mean \"echo\"?"), "{ran:?}");
}

#[test]
fn the_examples_are_configurations_that_change_nothing() {
    let plain = run(&["config", "check", "--json"]).ok();
    let values = |json: &str| {
        let report: Value = serde_json::from_str(json).unwrap();
        let values = report["values"].as_array().unwrap().clone();
        values.into_iter().map(|value| (value["key"].clone(), value["value"].clone())).collect::<Vec<_>>()
    };
    for (name, args) in
        [("latimer.yaml", &["config", "example"][..]), ("latimer.json", &["config", "example", "--json"])]
    {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), run(args).ok()).unwrap();
        let checked = run_in(folder.path(), &["config", "check", "--json"], "").ok();
        assert_eq!(values(&checked), values(&plain), "{name}");
        assert!(checked.contains(name), "{name} was not read");
    }
}

#[test]
fn the_schema_is_json_with_and_without_the_flag() {
    let long: Value = serde_json::from_str(&run(&["config", "schema"]).ok()).unwrap();
    let short = run(&["config", "schema", "--json"]).ok();
    assert_eq!(short.lines().count(), 1);
    assert_eq!(serde_json::from_str::<Value>(&short).unwrap(), long);
    assert_eq!(long["properties"]["port"]["default"], 12200);
}

#[test]
fn a_variable_wins_over_the_file() {
    let folder = folder("port: 8123\n");
    let mut command = latimer(folder.path());
    let out = command.args(["config", "check"]).env("LATIMER_PORT", "9000").output().unwrap();
    let out = String::from_utf8(out.stdout).unwrap();
    let port = out.lines().find(|line| line.starts_with("port ")).unwrap();
    assert!(port.contains("9000") && port.contains("LATIMER_PORT"), "{port}");
}
