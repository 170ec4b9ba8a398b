//! The recorded cases: every answer to the byte.

use latimer::prelude::*;
use latimer::{Revision, TestClient, TestError};
use latimer_core::validate::Validator;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::support::{ERAS, client, golden_dir, golden_settings};

#[derive(Deserialize)]
struct Case {
    name: String,
    method: String,
    #[serde(default)]
    params: Option<Box<RawValue>>,
    #[serde(default)]
    bare_only: bool,
    result: Box<RawValue>,
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(golden_dir().join("cases.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn arguments(case: &Case) -> Box<RawValue> {
    let params = case.params.as_deref().map_or("{}", RawValue::get);
    let params = if matches!(params, "null" | "[]") { "{}" } else { params };
    RawValue::from_string(params.to_owned()).unwrap()
}

async fn answer(client: &TestClient, case: &Case) -> String {
    let called = client.call(&case.method, arguments(case)).await.unwrap();
    let structured = called.result.structured_content.clone().unwrap();
    assert_eq!(called.is_error(), structured.as_str().starts_with("{\"ok\":false"), "{}", case.name);
    // Clients that read only text get the same.
    assert_eq!(called.text(), structured.as_str(), "{}", case.name);
    structured.as_str().to_owned()
}

#[tokio::test]
async fn recorded_cases_are_answered_to_the_byte_in_each_era() {
    let client = client(golden_settings()).await;
    if std::env::var("LATIMER_GOLDEN").is_ok_and(|value| value == "write") {
        return write(&client).await;
    }
    for revision in ERAS {
        let client = client.revision(revision);
        for case in cases().iter().filter(|case| !case.bare_only) {
            assert_eq!(answer(&client, case).await, case.result.get(), "{revision}: {}", case.name);
        }
    }
}

/// What only the bare form can say is no call that MCP knows.
#[tokio::test]
async fn arguments_that_are_no_object_are_refused_before_any_tool() {
    let client = client(golden_settings()).await;
    for case in cases().iter().filter(|case| case.bare_only) {
        let error = client.call(&case.method, arguments(case)).await.unwrap_err();
        assert!(matches!(error, TestError::Rpc(_)), "{}: {error}", case.name);
        assert!(case.result.get().contains("params must be an object"), "{}", case.name);
    }
}

#[tokio::test]
async fn every_answer_fits_the_output_schema_of_its_tool() {
    let client = client(golden_settings()).await.revision(Revision::LATEST_MODERN);
    let tools = client.list_tools().await.unwrap();
    let validators: Vec<_> = tools
        .iter()
        .map(|tool| {
            let schema = tool.output_schema.as_ref().unwrap();
            (tool.name.as_str(), Validator::compile(schema.as_str()).unwrap())
        })
        .collect();
    for case in cases().iter().filter(|case| !case.bare_only) {
        let (_, validator) = validators.iter().find(|(name, _)| *name == case.method).unwrap();
        let checked = validator.check(case.result.get());
        assert!(checked.is_ok(), "{}: {}", case.name, checked.unwrap_err());
    }
    for (name, validator) in &validators {
        assert!(validator.check("{\"ok\":false}").is_err(), "{name} promises a reason");
        assert!(validator.check("{\"ok\":true}").is_err(), "{name} promises an answer");
    }
}

#[tokio::test]
async fn no_answer_tells_where_the_folders_are() {
    let here = golden_dir().display().to_string();
    assert!(cases().iter().all(|case| !case.result.get().contains(&here)));
}

/// Writes the answers anew.
async fn write(client: &TestClient) {
    let mut lines = Vec::new();
    for case in cases() {
        let result = if case.bare_only { case.result.get().to_owned() } else { answer(client, &case).await };
        let mut line = format!("{{\"name\":{},\"method\":{}", json!(case.name), json!(case.method));
        if case.bare_only {
            line.push_str(",\"bare_only\":true");
        }
        if let Some(params) = &case.params {
            line.push_str(&format!(",\"params\":{}", params.get()));
        }
        lines.push(format!("{line},\"result\":{result}}}"));
    }
    std::fs::write(golden_dir().join("cases.json"), format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
}
