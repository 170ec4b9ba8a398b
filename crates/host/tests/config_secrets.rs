//! Secrets appear in no message, excerpt, report or debug output.

use std::fs;

use latimer_host::config::Loader;
use tempfile::TempDir;

const SECRET: &str = "hunter2";

fn loader(directory: &TempDir, name: &str, text: &str) -> Loader {
    fs::write(directory.path().join(name), text).expect("written");
    Loader::new(directory.path()).file(name)
}

#[test]
fn a_loaded_secret_shows_as_stars() {
    let directory = TempDir::new().expect("a directory");
    let loader =
        loader(&directory, "latimer.yaml", "tokens: {alice: {token: \"${T}\"}, bob: {token: x-hunter2}}\n")
            .environment([("T", SECRET)])
            .flag("--server-name", "server_name", SECRET);
    assert!(!format!("{loader:?}").contains(SECRET));
    let loader = loader.flag("--server-name", "server_name", "plain");
    let loaded = loader.load().expect("loads");
    assert_eq!(loaded.config.tokens["alice"].token.expose(), SECRET);
    let report = loaded.report();
    let json = serde_json::to_string(&report).expect("serialises");
    for shown in [format!("{loaded:?}"), format!("{:#?}", loaded.config), report.to_string(), json] {
        assert!(!shown.contains(SECRET), "{shown}");
        assert!(shown.contains("***"), "{shown}");
    }
    assert!(
        report.to_string().contains("***        latimer.yaml:1:25, from environment variable T"),
        "{report}"
    );
}

#[test]
fn no_error_shows_a_secret() {
    let directory = TempDir::new().expect("a directory");
    for (name, text) in [
        // wrong shapes
        ("a.yaml", "tokens: hunter2"),
        ("a.yaml", "tokens: [hunter2]"),
        ("a.yaml", "tokens: {alice: hunter2}"),
        ("a.yaml", "tokens:\n  alice:\n    token: [\n      hunter2\n    ]\n"),
        ("a.yaml", "tokens: {alice: {token: \"hunter2 with blanks\"}}"),
        ("a.yaml", "tokens: {alice: {token: a, scopes: hunter2}}"),
        ("a.toml", "tokens.alice.token = 'hunter2 ü'"),
        // misspelt keys
        ("a.yaml", "tokns: {alice: {token: hunter2}}"),
        ("a.yaml", "tokens: {alice: {tokn: hunter2}}"),
        ("a.yaml", "tokens: {alice: {token: x}}, y: hunter2"),
        ("a.toml", "prot = 1\n[token.alice]\ntoken = 'hunter2'"),
        ("a.yaml", "api_key: hunter2"),
        ("a.yaml", "users:\n  alice:\n    pin: \"hunter2$\"\n"),
        // duplicates and references
        ("a.yaml", "tokens: {alice: {token: hunter2, token: hunter2}}"),
        ("a.yaml", "tokens: {alice: {token: \"hunter2$\"}}"),
        ("a.yaml", "tokens: {alice: {token: \"hunter2${NO}\"}}"),
        // syntax
        ("a.yaml", "tokens:\n  alice:\n    token: \"hunter2\n"),
        ("a.yaml", "tokens:\n  alice:\n    token: >\n      x\n   hunter2: [\n"),
        ("a.toml", "[tokens.alice]\ntoken = 'hunter2"),
        ("a.json", "{\"tokens\": {\"alice\": {\"token\": \"hunter2}}}"),
        ("a.json", "{\"tokens\": {\"alice\": {\"token\":\n hunter2\n}}}"),
        // values that came through a variable
        ("a.yaml", "port: ${T}"),
        ("a.yaml", "host: \"${T} x\""),
        ("a.yaml", "autoload: [\"${T}/\"]"),
        ("a.yaml", "limits: ${T}"),
        ("a.yaml", "plugins: {a: {enabled: \"${T}\"}}"),
    ] {
        let errors = loader(&directory, name, text).environment([("T", SECRET)]).load().expect_err(text);
        for shown in
            [errors.to_string(), errors.render(), format!("{:?}", errors.diagnostics()[0].to_string())]
        {
            assert!(!shown.contains(SECRET), "{text}\n{shown}");
        }
        let json = serde_json::to_string(errors.diagnostics()).expect("serialises");
        assert!(!json.contains(SECRET), "{text}\n{json}");
    }
}

#[test]
fn an_environment_file_is_not_quoted() {
    let directory = TempDir::new().expect("a directory");
    fs::write(directory.path().join("x.env"), "hunter2\nA B=hunter2\nC='hunter2\n").expect("written");
    let errors = Loader::new(directory.path()).env_file("x.env").load().expect_err("refused");
    assert_eq!(errors.diagnostics().len(), 3);
    assert!(!errors.render().contains(SECRET), "{}", errors.render());
}

#[test]
fn a_secret_is_refused_as_a_flag() {
    let directory = TempDir::new().expect("a directory");
    let loader = Loader::new(directory.path()).flag("--set", "tokens.alice.token", SECRET);
    let errors = loader.load().expect_err("refused").render();
    assert!(errors.contains("`tokens.alice.token` is a secret and cannot be given as a flag"), "{errors}");
    assert!(!errors.contains(SECRET), "{errors}");
}
