//! Whatever is sent to a caller is valid in the JSON schema of the caller's revision, and holds no member that
//! the schema does not name (VER-L6, TOOL-7, GW-8, CACHE-1).
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod support;

use latimer_protocol::encode::{
    CacheHint, CacheScope, ListKind, ListResult, ResultBody, Shape, Stamp, downlevel, write_error,
    write_notification, write_raw_response, write_response,
};
use latimer_protocol::id::Id;
use latimer_protocol::wire::{DiscoverResult, InitializeResult, ProgressParams, ProgressToken};
use latimer_protocol::{ErrorCode, RawJson, Revision, RpcError};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde::Serialize;
use serde_json::Value;
use support::schemas::{Schemas, assert_valid};
use support::values;

const CASES: u32 = 64;

fn id() -> Id<'static> {
    Id::from_json("\"seven\"").unwrap()
}

fn server_info() -> RawJson {
    RawJson::parse(r#"{"name":"latimer","version":"1"}"#).unwrap()
}

const CACHE: Option<CacheHint> = Some(CacheHint { ttl_ms: 60_000, scope: CacheScope::Private });

/// Draws values with the runner's fixed seed, so that one validator serves all.
fn each<S: Strategy>(strategy: S, mut check: impl FnMut(S::Value)) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..Config::with_cases(CASES).cases {
        check(strategy.new_tree(&mut runner).unwrap().current());
    }
}

fn check_result<R: ResultBody>(
    strategy: impl Strategy<Value = R>,
    definition: &str,
    cache: Option<CacheHint>,
) {
    let drawn = std::cell::RefCell::new(Vec::new());
    each(strategy, |value| drawn.borrow_mut().push(value));
    let info = server_info();
    let stamp = Stamp { server_info: Some(&info), cache };
    for schemas in Schemas::every() {
        let revision = schemas.revision();
        let result = schemas.validator(definition);
        let response = schemas.validator(schemas.response());
        for value in drawn.borrow().iter() {
            let mut out = Vec::new();
            write_response(id(), value, revision, &stamp, &mut out).unwrap();
            let message = assert_valid(&response, revision, &out);
            assert_eq!(message["id"], "seven");
            assert_valid(&result, revision, message["result"].to_string().as_bytes());
            if revision.is_modern() {
                assert_eq!(message["result"]["resultType"], "complete");
                assert_eq!(
                    message["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"],
                    "latimer"
                );
                assert_eq!(message["result"].get("ttlMs").is_some(), cache.is_some());
            }
        }
    }
}

#[test]
fn tool_results_are_valid_in_every_revision() {
    check_result(values::call_tool(), "CallToolResult", None);
}

#[test]
fn resource_contents_are_valid_in_every_revision() {
    check_result(values::read_resource(), "ReadResourceResult", CACHE);
}

#[test]
fn expanded_prompts_are_valid_in_every_revision() {
    check_result(values::get_prompt(), "GetPromptResult", None);
}

#[test]
fn completions_are_valid_in_every_revision() {
    check_result(values::complete(), "CompleteResult", None);
}

fn check_list<T: Serialize + std::fmt::Debug>(
    kind: ListKind,
    definition: &str,
    item: impl Strategy<Value = T>,
) {
    let drawn = std::cell::RefCell::new(Vec::new());
    each(item, |value| drawn.borrow_mut().push(serde_json::to_string(&value).unwrap()));
    let info = server_info();
    for schemas in Schemas::every() {
        let revision = schemas.revision();
        let items: Vec<Vec<u8>> = drawn
            .borrow()
            .iter()
            .map(|raw| {
                let mut out = Vec::new();
                downlevel(kind.item(), raw, revision, &mut out).unwrap();
                out
            })
            .collect();
        let list = ListResult { kind, items: &items, next_cursor: Some("") };
        let mut out = Vec::new();
        write_response(id(), &list, revision, &Stamp { server_info: Some(&info), cache: CACHE }, &mut out)
            .unwrap();
        let message = assert_valid(&schemas.validator(schemas.response()), revision, &out);
        let result = &message["result"];
        assert_valid(&schemas.validator(definition), revision, result.to_string().as_bytes());
        assert_eq!(result[kind.member()].as_array().unwrap().len(), CASES as usize);
        assert_eq!(result["nextCursor"], "");
        assert_eq!(result.get("ttlMs").is_some(), revision.is_modern());

        // The whole list through the rules of lists says the same as item by item.
        let raw = format!("{{\"{}\":[{}],\"nextCursor\":\"\"}}", kind.member(), drawn.borrow().join(","));
        let mut out = Vec::new();
        write_raw_response(
            id(),
            kind.result(),
            &raw,
            revision,
            &Stamp { server_info: Some(&info), cache: CACHE },
            &mut out,
        )
        .unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), message);
    }
}

#[test]
fn tool_lists_are_valid_in_every_revision() {
    check_list(ListKind::Tools, "ListToolsResult", values::tool());
}

#[test]
fn resource_lists_are_valid_in_every_revision() {
    check_list(ListKind::Resources, "ListResourcesResult", values::resource());
}

#[test]
fn template_lists_are_valid_in_every_revision() {
    check_list(ListKind::ResourceTemplates, "ListResourceTemplatesResult", values::template());
}

#[test]
fn prompt_lists_are_valid_in_every_revision() {
    check_list(ListKind::Prompts, "ListPromptsResult", values::prompt());
}

#[test]
fn handshakes_are_valid_in_every_revision() {
    let info = server_info();
    for schemas in Schemas::every() {
        let revision = schemas.revision();
        let definition = if revision.is_modern() { "DiscoverResult" } else { "InitializeResult" };
        let validator = schemas.validator(definition);
        each((values::capabilities(), values::implementation()), |(capabilities, server)| {
            let capabilities = RawJson::from_serialize(&capabilities).unwrap();
            let server_info = RawJson::from_serialize(&server).unwrap();
            let instructions = Some("Ask first.".to_owned());
            let mut out = Vec::new();
            let stamp = Stamp { server_info: Some(&info), cache: CACHE };
            if revision.is_modern() {
                let result =
                    DiscoverResult { supported_versions: Revision::ALL.to_vec(), capabilities, instructions };
                write_response(id(), &result, revision, &stamp, &mut out).unwrap();
            } else {
                let result =
                    InitializeResult { protocol_version: revision, capabilities, server_info, instructions };
                write_response(id(), &result, revision, &stamp, &mut out).unwrap();
            }
            let message: Value = serde_json::from_slice(&out).unwrap();
            assert_valid(&validator, revision, message["result"].to_string().as_bytes());
        });
    }
}

#[test]
fn errors_are_valid_in_every_revision() {
    let error =
        RpcError::new(ErrorCode(-32602), "unknown tool").with_data(RawJson::parse("{\"a\":[1]}").unwrap());
    for schemas in Schemas::every() {
        let revision = schemas.revision();
        let mut out = Vec::new();
        write_error(Some(id()), &error, revision.era(), &mut out);
        let message = assert_valid(&schemas.validator(schemas.error_response()), revision, &out);
        assert_eq!(message["error"]["data"]["a"][0], 1);
    }
}

#[test]
fn progress_is_valid_in_every_revision() {
    let mut newest = Vec::new();
    ProgressParams {
        progress_token: ProgressToken::from(7),
        progress: 0.5,
        total: Some(2.0),
        message: Some("half".to_owned()),
    }
    .write(&mut newest);
    let newest = String::from_utf8(newest).unwrap();
    for schemas in Schemas::every() {
        let revision = schemas.revision();
        let mut params = Vec::new();
        downlevel(Shape::ProgressParams, &newest, revision, &mut params).unwrap();
        let mut out = Vec::new();
        write_notification("notifications/progress", std::str::from_utf8(&params).ok(), &[], &mut out)
            .unwrap();
        assert_valid(&schemas.validator("ProgressNotification"), revision, &out);
    }
}

#[test]
fn forms_are_valid_in_every_revision_that_has_them() {
    let newest = r#"{"mode":"form","message":"m","requestedSchema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["c"],"properties":{
        "s":{"type":"string","title":"S","minLength":1,"format":"email","default":"a@example.com"},
        "n":{"type":"integer","minimum":1,"maximum":9,"default":2},
        "b":{"type":"boolean","default":true},
        "c":{"type":"string","oneOf":[{"const":"r","title":"Red"},{"const":"g","title":"Green"}],"default":"r"},
        "e":{"type":"string","enum":["x","y"]}}}}"#;
    for schemas in Schemas::every().filter(|schemas| schemas.revision() >= Revision::V2025_06_18) {
        let revision = schemas.revision();
        let mut params = Vec::new();
        downlevel(Shape::ElicitFormParams, newest, revision, &mut params).unwrap();
        let (definition, text) = if revision == Revision::V2025_06_18 {
            let params = String::from_utf8(params).unwrap();
            ("ElicitRequest", format!(r#"{{"method":"elicitation/create","params":{params}}}"#).into_bytes())
        } else {
            ("ElicitRequestFormParams", params)
        };
        assert_valid(&schemas.validator(definition), revision, &text);
    }
}
