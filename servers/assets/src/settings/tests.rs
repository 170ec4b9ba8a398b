use std::path::Path;

use serde_json::json;

use super::*;

fn read(value: &serde_json::Value) -> Result<Settings, String> {
    Settings::from_value(value, Path::new("/srv")).map_err(|error| error.to_string())
}

#[test]
fn nothing_is_all_defaults_with_paths_from_the_base() {
    for nothing in [json!(null), json!({}), json!({ "schemas_dir": "", "backend": { "url": "" } })] {
        let settings = read(&nothing).unwrap();
        assert_eq!(settings, Settings::of("/srv/assets/schemas", "/srv/assets/examples"));
    }
    let facts = read(&json!({ "schemas_dir": "/data/s", "examples_dir": "e" })).unwrap().facts();
    assert_eq!(facts, [("schemas_dir", "/data/s".to_owned()), ("examples_dir", "/srv/e".to_owned())]);
}

#[test]
fn what_comes_from_the_environment_may_be_text() {
    let settings = read(&json!({
        "max_batch": "7", "max_errors": 5, "watch": "false", "relative_markers": "true",
        "canonical_prefixes": ["https://shop.example//schemas", ""],
        "aliases": { "old": "new" }, "format": "assertion", "legacy_keys": "schema",
        "backend": { "url": "http://localhost:1/api", "path": "items/", "timeout": "250ms", "token_env": "",
            "allow_unvalidated": "true" }
    }))
    .unwrap();
    assert_eq!((settings.max_batch, settings.max_errors, settings.watch), (7, 5, false));
    assert_eq!(settings.canonical_prefixes[0].as_str(), "https://shop.example/schemas/");
    assert_eq!(settings.canonical_prefixes.len(), 1);
    assert_eq!((settings.format, settings.legacy_keys), (Format::Assertion, vec!["schema".to_owned()]));
    let backend = settings.backend.unwrap();
    assert_eq!((backend.path.as_str(), backend.timeout), ("/items/", Duration::from_millis(250)));
    assert!(backend.allow_unvalidated && backend.token_env.is_none());
}

#[test]
fn space_around_what_is_no_text_does_not_count() {
    let settings = read(&json!({
        "max_batch": " 2 ", "max_errors": "\t7\n", "max_files": " ", "watch": " false ",
        "backend": { "url": "http://localhost:1", "timeout": " 2s " }
    }))
    .unwrap();
    assert_eq!((settings.max_batch, settings.max_errors, settings.max_files), (2, 7, 10_000));
    assert!(!settings.watch);
    assert_eq!(settings.backend.unwrap().timeout, Duration::from_secs(2));
    let wrong = read(&json!({ "max_batch": " 2 3 " })).unwrap_err();
    assert_eq!(wrong, "max_batch: has to be a whole number from 1 to 10000, not \"2 3\"");
}

#[test]
fn a_wrong_setting_is_named_with_what_it_may_be() {
    for (value, told) in [
        (json!({ "max_batch": 0 }), "max_batch: has to be a whole number from 1 to 10000, not 0"),
        (json!({ "max_batch": "-3" }), "max_batch: has to be a whole number from 1 to 10000, not \"-3\""),
        (json!({ "max_batch": "many" }), "max_batch: has to be a whole number from 1 to 10000, not \"many\""),
        (json!({ "max_errors": 1.5 }), "max_errors: has to be a whole number from 1 to 1000, not 1.5"),
        (
            json!({ "max_file_bytes": true }),
            "max_file_bytes: has to be a whole number from 1 to 67108864, not true",
        ),
        (json!({ "watch": "yes" }), "watch: has to be true or false"),
        (json!({ "format": "strict" }), "format: \"strict\" is neither annotation nor assertion"),
        (json!({ "schemas_dir": [] }), "schemas_dir: has to be text"),
        (json!({ "legacy_keys": [1] }), "legacy_keys: has to be a list of texts"),
        (
            json!({ "legacy_keys": ["$schema"] }),
            "legacy_keys: holds the marker_key itself; take it out of the list",
        ),
        (json!({ "aliases": ["a"] }), "aliases: has to be a mapping of names to names"),
        (
            json!({ "canonical_prefixes": ["shop.example"] }),
            "canonical_prefixes: \"shop.example/\" is no URL (relative URL without a base)",
        ),
        (
            json!({ "canonical_prefixes": ["file:///etc"] }),
            "canonical_prefixes: \"file:///etc/\" has to begin with http:// or https:// and a host",
        ),
        (
            json!({ "backend": { "url": "http://a:b@c" } }),
            "backend.url: \"http://a:b@c\" must not hold credentials; name a variable with backend.token_env instead",
        ),
        (
            json!({ "backend": { "url": "http://a", "timeout": 0 } }),
            "backend.timeout: has to be a duration such as 5s, above 0 and up to 10m, not 0",
        ),
        (
            json!({ "backend": { "url": "http://a", "path": "/x/../y" } }),
            "backend.path: has to be a path such as /assets/, without ?, #, \\ and dot segments",
        ),
        (json!({ "backend": 3 }), "backend: has to be a mapping of names to values"),
        (
            json!({ "backend": { "urls": "http://a" } }),
            "backend.urls: there is no such setting; there are url, path, timeout, token_env, allow_unvalidated",
        ),
        (json!([]), "settings: has to be a mapping of names to values"),
    ] {
        assert_eq!(read(&value).unwrap_err(), told, "{value}");
    }
    assert!(
        read(&json!({ "schema_dir": "x" })).unwrap_err().starts_with("schema_dir: there is no such setting")
    );
}
