//! Configuration files. The first line of an input is `yaml`, `toml` or `json`, the document stands below it.
//!
//! Held: every fault has a place in the file, and no message shows what came out of a variable; what is loaded shows no
//! secret, and its report, written as a file, loads to the same; JSON is readable exactly where RFC 8259 has it so; a
//! document that is both JSON and YAML says the same in both.

use std::fs;
use std::path::Path;

use latimer_host::config::{Loaded, Loader, ReportValue};
use latimer_host::diagnostics::{ConfigErrors, Diagnostic, Place, Problem};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::json::{Document, Kind, Strings};

/// See [`Target::words`](crate::Target::words).
pub const WORDS: &[&str] = &[
    "port: 8080\n",
    "limits:\n  ",
    "message_bytes: 1MiB\n",
    "plugins: {a: {enabled: false}}\n",
    "autoload: [a, b]\n",
    "tokens:\n  alice:\n    token: ${T}\n",
    "scopes: [a]\n",
    "seal_keys: [\"${K}\"]\n",
    "${T}",
    "\"${T}\"",
    "${N}",
    "${NO}",
    "${NO:-x}",
    "$$",
    "yaml\n",
    "toml\n",
    "json\n",
    "{\"port\": 1}",
    "[limits]\n",
    "drain = '10s'\n",
    "&x ",
    "*x",
    "<<: ",
    "!!str ",
    "---\n",
    "...\n",
    "- ",
    "? ",
    ": ",
    "|\n  ",
    ">-\n",
    "#",
    "\n",
    "  ",
    "\t",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    ",",
    "=",
];

/// Values that no input has, so that where they show they came out of a variable.
const TOKEN: &str = "xT9kV2wQ7mZ4pLr8";
const KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";

/// Runs the target once.
pub fn run(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or_default();
    let name = match &data[..end] {
        b"toml" => "latimer.toml",
        b"json" => "latimer.json",
        _ => "latimer.yaml",
    };
    let document = data.get(end + 1..).unwrap_or_default();
    FOLDER.with(|folder| {
        let folder = folder.path();
        let loaded = load(folder, name, document);
        assert_place_and_silence(folder, &loaded, document);
        if let Ok(loaded) = &loaded {
            assert_no_secret(loaded);
            assert_report_loads(folder, loaded);
        }
        if name == "latimer.json" {
            assert_json(&loaded, document);
            let yaml = load(folder, "latimer.yaml", document);
            if let (Ok(ours), Ok(theirs)) = (&loaded, &yaml) {
                assert_eq!(shown(ours), shown(theirs), "JSON and YAML differ");
            }
        }
    });
}

thread_local! {
    static FOLDER: TempDir = TempDir::new().unwrap();
}

fn load(folder: &Path, name: &str, document: &[u8]) -> Result<Loaded, ConfigErrors> {
    fs::write(folder.join(name), document).unwrap();
    let variables = [("T", TOKEN), ("K", KEY), ("A", "alpha"), ("N", "8080"), ("EMPTY", "")];
    Loader::new(folder).file(name).environment(variables).load()
}

fn shown(loaded: &Loaded) -> String {
    format!("{:?}", loaded.config)
}

fn assert_place_and_silence(folder: &Path, loaded: &Result<Loaded, ConfigErrors>, document: &[u8]) {
    let lines = document.split(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
    let place = |diagnostic: &Diagnostic| match diagnostic.place() {
        Some(Place::File { line, column, .. }) => {
            assert!((1..=lines).contains(&(*line as usize)) && *column >= 1, "{diagnostic}");
            assert!(*column as usize <= document.len() + 1, "{diagnostic}");
        }
        Some(Place::WholeFile { .. }) => {}
        other => panic!("{diagnostic} stands in {other:?}"),
    };
    match loaded {
        Ok(loaded) => loaded.warnings.iter().for_each(place),
        Err(errors) => {
            assert!(!errors.diagnostics().is_empty());
            errors.diagnostics().iter().for_each(place);
            let json = serde_json::to_string(errors.diagnostics()).unwrap();
            for text in [errors.to_string(), errors.render(), json] {
                assert!(!text.contains(TOKEN) && !text.contains(KEY), "{text}");
                assert!(!text.contains(&*folder.to_string_lossy()), "{text}");
            }
            // Control characters would let a file write to a terminal what it likes.
            let controls = |text: &str| text.chars().any(|char| char.is_control() && char != '\n');
            assert!(!controls(&errors.render()), "{:?}", errors.render());
        }
    }
}

fn assert_no_secret(loaded: &Loaded) {
    let shown = format!(
        "{:?} {:?}",
        loaded.config.tokens.values().map(|one| &one.token).collect::<Vec<_>>(),
        loaded.config.seal_keys
    );
    assert!(!shown.contains(TOKEN) && !shown.contains(KEY), "{shown}");
    for value in loaded.report().values {
        if is_secret(&value) {
            let text = value.value.to_string();
            assert!(text.replace("\"***\"", "").chars().all(|char| "[],".contains(char)), "{text}");
        }
    }
}

fn is_secret(value: &ReportValue) -> bool {
    value.key == "seal_keys" || (value.key.starts_with("tokens.") && value.key.ends_with(".token"))
}

/// Writes the report as a file and loads that.
fn assert_report_loads(folder: &Path, loaded: &Loaded) {
    let mut document = Map::new();
    for value in loaded.report().values {
        // Names may hold dots.
        let (table, rest) =
            value.key.split_once('.').map_or(("", value.key.as_str()), |(table, rest)| (table, rest));
        let (name, key) = match table {
            "plugins" | "tokens" => rest.rsplit_once('.').map(|(name, key)| (Some(name), key)).unwrap(),
            _ => (None, rest),
        };
        let written = match &value.value {
            Value::Null => continue,
            // Each token has to be another one.
            Value::String(_) if is_secret(&value) => json!(format!("${{T}}{}", document.len() + rest.len())),
            Value::Array(keys) if is_secret(&value) => keys.iter().map(|_| json!("${K}")).collect(),
            other => doubled(other),
        };
        let mut place = &mut document;
        for step in [(!table.is_empty()).then_some(table), name].into_iter().flatten() {
            place = place.entry(step).or_insert_with(|| json!({})).as_object_mut().unwrap();
        }
        place.insert(key.to_owned(), written);
    }
    unique_tokens(&mut document);
    let text = Value::Object(document).to_string();
    match load(folder, "report.json", text.as_bytes()) {
        Ok(again) => assert_eq!(shown(&again), shown(loaded), "{text}"),
        Err(errors) => panic!("{errors}\n{text}"),
    }
}

fn unique_tokens(document: &mut Map<String, Value>) {
    let tokens = document.get_mut("tokens").and_then(Value::as_object_mut);
    for (at, token) in tokens.into_iter().flat_map(Map::values_mut).enumerate() {
        token["token"] = json!(format!("${{T}}{at}"));
    }
}

/// The same with dollar signs that stand for themselves.
fn doubled(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(text.replace('$', "$$")),
        Value::Array(items) => items.iter().map(doubled).collect(),
        other => other.clone(),
    }
}

/// Whether the reader calls JSON what RFC 8259 does.
fn assert_json(loaded: &Result<Loaded, ConfigErrors>, document: &[u8]) {
    let Ok(text) = std::str::from_utf8(document) else { return assert!(loaded.is_err()) };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let syntax = loaded.as_ref().err().and_then(|errors| {
        let problems = errors.diagnostics().iter().map(Diagnostic::problem);
        problems.into_iter().find(|problem| matches!(problem, Problem::Syntax { .. }))
    });
    match Document::read(text, Strings::Sound) {
        Ok(document) => {
            let bounded = document.value.depth() <= 32 && document.value.values() <= 20_000;
            assert!(syntax.is_none() || !bounded, "{syntax:?}");
            if !matches!(document.value.kind, Kind::Object(_)) || document.value.repeats_a_key() {
                assert!(loaded.is_err());
            }
        }
        Err(_) if text.trim_matches([' ', '\t', '\n', '\r']).is_empty() => {}
        Err(_) => assert!(loaded.is_err(), "text that is no JSON was loaded"),
    }
}
