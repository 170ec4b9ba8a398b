//! Each rule at its border: what the first revision that knows a member gets, and what the one before gets.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use latimer_protocol::encode::{
    CacheHint, CacheScope, Shape, Stamp, downlevel, write_error, write_notification, write_raw_response,
    write_raw_result, write_rendered_response, write_response, write_result,
};
use latimer_protocol::id::Id;
use latimer_protocol::wire::CallToolResult;
use latimer_protocol::{RawJson, Revision, RpcError};

use Revision::{
    V2024_11_05 as R24, V2025_03_26 as R03, V2025_06_18 as R06, V2025_11_25 as R11, V2026_07_28 as R26,
};

fn reduced(shape: Shape, raw: &str, revision: Revision) -> String {
    let mut out = Vec::new();
    downlevel(shape, raw, revision, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// From `first` on `raw` stays as it is; the revision before gets `older`.
fn check(shape: Shape, raw: &str, first: Revision, older: &str) {
    for revision in Revision::ALL {
        let want = if revision >= first { raw } else { older };
        assert_eq!(reduced(shape, raw, revision), want, "{shape:?} for {revision}");
    }
}

#[test]
fn ver_l6_tool_members_appear_with_their_revision() {
    check(Shape::Tool, r#"{"name":"a","title":"A","x":1}"#, R06, r#"{"name":"a","x":1}"#);
    check(Shape::Tool, r#"{"name":"a","_meta":{}}"#, R06, r#"{"name":"a"}"#);
    check(Shape::Tool, r#"{"name":"a","icons":[]}"#, R11, r#"{"name":"a"}"#);
    check(Shape::Tool, r#"{"name":"a","annotations":{"title":"A"}}"#, R03, r#"{"name":"a"}"#);
}

#[test]
fn ver_l6_execution_is_of_2025_11_25_alone() {
    let raw = r#"{"name":"a","execution":{"taskSupport":"optional"}}"#;
    for revision in Revision::ALL {
        let want = if revision == R11 { raw } else { r#"{"name":"a"}"# };
        assert_eq!(reduced(Shape::Tool, raw, revision), want);
    }
}

#[test]
fn ver_l6_output_schemas_have_object_roots_before_2026_07_28() {
    check(Shape::Tool, r#"{"outputSchema":{"type":"object"},"name":"a"}"#, R06, r#"{"name":"a"}"#);
    check(Shape::Tool, r#"{"outputSchema":{"type":"array"},"name":"a"}"#, R26, r#"{"name":"a"}"#);
    check(Shape::Tool, r#"{"outputSchema":true,"name":"a"}"#, R26, r#"{"name":"a"}"#);
}

#[test]
fn tool_4_input_schemas_pass_verbatim_but_for_boolean_properties_of_old() {
    let verbatim = r##"{"inputSchema":{ "$schema" : "x","type":"object","$defs":{"a":{"$anchor":"b"}},"properties":{"c":{"$ref":"#b"}},"if":{},"then":true}}"##;
    check(Shape::Tool, verbatim, R24, "");
    check(
        Shape::Tool,
        r#"{"inputSchema":{"type":"object","properties":{"a":true, "b":false,"c":{"x":true}}}}"#,
        R26,
        r#"{"inputSchema":{"type":"object","properties":{"a":{}, "b":{"not":{}},"c":{"x":true}}}}"#,
    );
}

#[test]
fn ver_l6_resource_and_prompt_members_appear_with_their_revision() {
    for shape in [Shape::Resource, Shape::ResourceTemplate] {
        check(shape, r#"{"name":"a","title":"A","size":1}"#, R06, r#"{"name":"a","size":1}"#);
        check(
            shape,
            r#"{"annotations":{"priority":1,"lastModified":"2025"}}"#,
            R06,
            r#"{"annotations":{"priority":1}}"#,
        );
        check(shape, r#"{"icons":[],"name":"a"}"#, R11, r#"{"name":"a"}"#);
    }
    check(
        Shape::Prompt,
        r#"{"arguments":[{"title":"A","name":"a"},{"name":"b"}]}"#,
        R06,
        r#"{"arguments":[{"name":"a"},{"name":"b"}]}"#,
    );
}

#[test]
fn tool_7_structured_content_is_an_object_before_2026_07_28_and_absent_before_2025_06_18() {
    let shape = Shape::CallToolResult;
    check(shape, r#"{"content":[],"structuredContent":{"a":1}}"#, R06, r#"{"content":[]}"#);
    check(shape, r#"{"content":[],"structuredContent":[1]}"#, R26, r#"{"content":[]}"#);
    check(shape, r#"{"content":[],"structuredContent":null}"#, R26, r#"{"content":[]}"#);
}

#[test]
fn gw_8_modern_members_of_a_result_do_not_reach_legacy_callers() {
    let modern = r#"{"resultType":"complete","x":1,"ttlMs":5,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{},"a":1}}"#;
    for shape in
        [Shape::CallToolResult, Shape::ReadResourceResult, Shape::ListToolsResult, Shape::EmptyResult]
    {
        check(shape, modern, R26, r#"{"x":1,"_meta":{"a":1}}"#);
    }
}

#[test]
fn ver_l6_a_sound_becomes_a_text_for_2024_11_05() {
    let raw = r#"{"content":[{"type":"audio","data":"AA==","mimeType":"audio/wav","annotations":{"priority":1,"lastModified":"x"}}]}"#;
    assert_eq!(
        reduced(Shape::CallToolResult, raw, R24),
        r#"{"content":[{"type":"text","text":"[audio content (audio/wav) left out: this protocol revision cannot carry it]","annotations":{"priority":1}}]}"#
    );
    assert!(reduced(Shape::CallToolResult, raw, R03).contains("\"type\":\"audio\""));
}

#[test]
fn ver_l6_a_link_becomes_a_text_with_its_uri_before_2025_06_18() {
    let block = r#"{"type":"resource_link","uri":"file:///a","name":"a\"b","mimeType":"text/plain"}"#;
    let text = r#"{"type":"text","text":"a\"b: file:///a (text/plain)"}"#;
    check(Shape::ContentBlock, block, R06, text);
    check(
        Shape::CallToolResult,
        &format!("{{\"content\":[{block}]}}"),
        R06,
        &format!("{{\"content\":[{text}]}}"),
    );
    check(
        Shape::GetPromptResult,
        &format!("{{\"messages\":[{{\"role\":\"user\",\"content\":{block}}}]}}"),
        R06,
        &format!("{{\"messages\":[{{\"role\":\"user\",\"content\":{text}}}]}}"),
    );
}

#[test]
fn base_6_unknown_blocks_and_members_survive_in_order_and_spelling() {
    let raw = r#" { "z" : 1.50e0, "content":[ {"type":"hologram","data":[18446744073709551615]} ],"a\u0062":{"title":"t"}, "isError" :false } "#;
    for revision in Revision::ALL {
        assert_eq!(reduced(Shape::CallToolResult, raw, revision), raw);
    }
}

#[test]
fn ver_l6_capabilities_and_names_appear_with_their_revision() {
    check(Shape::ServerCapabilities, r#"{"tools":{},"completions":{}}"#, R03, r#"{"tools":{}}"#);
    check(Shape::ServerCapabilities, r#"{"extensions":{"a/b":{}},"tools":{}}"#, R11, r#"{"tools":{}}"#);
    for revision in Revision::ALL {
        let kept = reduced(Shape::ServerCapabilities, r#"{"tasks":{}}"#, revision) == r#"{"tasks":{}}"#;
        assert_eq!(kept, revision == R11);
    }
    check(Shape::Implementation, r#"{"name":"a","title":"A"}"#, R06, r#"{"name":"a"}"#);
    check(
        Shape::Implementation,
        r#"{"name":"a","description":"d","websiteUrl":"u","icons":[]}"#,
        R11,
        r#"{"name":"a"}"#,
    );
    check(Shape::ProgressParams, r#"{"progress":1,"message":"m"}"#, R03, r#"{"progress":1}"#);
}

#[test]
fn el_2_forms_are_as_2025_06_18_knows_them() {
    let shape = Shape::ElicitFormParams;
    check(shape, r#"{"mode":"form","message":"m"}"#, R11, r#"{"message":"m"}"#);
    let field =
        |field: &str| format!(r#"{{"requestedSchema":{{"type":"object","properties":{{"a":{field}}}}}}}"#);
    check(
        shape,
        &field(
            r#"{"type":"string","title":"T","oneOf":[{"const":"r","title":"Red"},{"const":"g"}],"default":"r"}"#,
        ),
        R11,
        &field(r#"{"type":"string","title":"T","enum":["r","g"],"enumNames":["Red","g"]}"#),
    );
    check(
        shape,
        &field(r#"{"type":"integer","default":1,"minimum":0}"#),
        R11,
        &field(r#"{"type":"integer","minimum":0}"#),
    );
    check(shape, &field(r#"{"type":"boolean","default":true}"#), R24, "");
    check(shape, &field(r#"{"type":"array","items":{"type":"string","enum":["a"]}}"#), R24, "");
}

fn raw_response(raw: &str, revision: Revision, stamp: &Stamp<'_>) -> String {
    let mut out = Vec::new();
    write_raw_response(Id::from_json("1").unwrap(), Shape::CallToolResult, raw, revision, stamp, &mut out)
        .unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn gw_8_a_legacy_upstreams_result_gets_what_modern_callers_expect() {
    let info = RawJson::parse(r#"{"name":"gate"}"#).unwrap();
    let stamp = Stamp { server_info: Some(&info), cache: None };
    assert_eq!(
        raw_response(r#"{"content":[ ],"_meta":{"a":1}}"#, R26, &stamp),
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[ ],"_meta":{"a":1,"io.modelcontextprotocol/serverInfo":{"name":"gate"}},"resultType":"complete"}}"#
    );
    assert_eq!(
        raw_response(r#"{"content":[ ],"_meta":{"a":1}}"#, R11, &stamp),
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[ ],"_meta":{"a":1}}}"#
    );
}

#[test]
fn gw_7_the_name_of_an_upstream_gives_way_to_our_own() {
    let info = RawJson::parse(r#"{"name":"gate"}"#).unwrap();
    let stamp = Stamp { server_info: Some(&info), cache: None };
    let raw = r#"{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"up"}}}"#;
    assert_eq!(
        raw_response(raw, R26, &stamp),
        r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"gate"}}}}"#
    );
}

#[test]
fn cache_2_only_complete_results_carry_a_hint() {
    let stamp = Stamp { server_info: None, cache: Some(CacheHint { ttl_ms: 7, scope: CacheScope::Public }) };
    let asks = r#"{"resultType":"input_required","requestState":"s"}"#;
    assert_eq!(raw_response(asks, R26, &stamp), format!(r#"{{"jsonrpc":"2.0","id":1,"result":{asks}}}"#));
    assert_eq!(
        raw_response(r#"{"ttlMs":9,"cacheScope":"private"}"#, R26, &stamp),
        r#"{"jsonrpc":"2.0","id":1,"result":{"ttlMs":7,"cacheScope":"public","resultType":"complete"}}"#
    );
}

#[test]
fn results_that_are_no_object_are_refused() {
    for raw in ["5", "", "[]", "{\"a\":"] {
        for revision in [R03, R26] {
            let mut out = b"x".to_vec();
            let id = Id::from_json("1").unwrap();
            let written =
                write_raw_response(id, Shape::CallToolResult, raw, revision, &Stamp::default(), &mut out);
            assert!(written.is_err(), "{raw} for {revision}");
            assert_eq!(out, b"x");
        }
    }
}

#[test]
fn base_2_ids_are_echoed_as_they_came() {
    for id in ["18446744073709551615", "\"1\"", "1", "\"\\u0041\""] {
        let mut out = Vec::new();
        let result = CallToolResult::text("hi");
        write_response(Id::from_json(id).unwrap(), &result, R24, &Stamp::default(), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"hi"}}]}}}}"#
            )
        );
    }
}

#[test]
fn a_result_rendered_once_is_wrapped_as_if_written_anew() {
    let id = Id::from_json("\"x\"").unwrap();
    let info = RawJson::parse(r#"{"name":"gate"}"#).unwrap();
    let stamp = Stamp { server_info: Some(&info), cache: None };
    let result = CallToolResult::error("no").with_meta(RawJson::parse(r#"{"a":1}"#).unwrap());
    for revision in Revision::ALL {
        let (mut rendered, mut wrapped, mut anew) = (Vec::new(), Vec::new(), Vec::new());
        write_result(&result, revision, &stamp, &mut rendered).unwrap();
        write_rendered_response(id, &rendered, &mut wrapped);
        write_response(id, &result, revision, &stamp, &mut anew).unwrap();
        assert_eq!(wrapped, anew);
        let (mut alone, mut enveloped) = (Vec::new(), Vec::new());
        write_raw_result(Shape::CallToolResult, r#"{"content":[]}"#, revision, &stamp, &mut alone).unwrap();
        write_rendered_response(id, &alone, &mut enveloped);
        let mut direct = Vec::new();
        write_raw_response(id, Shape::CallToolResult, r#"{"content":[]}"#, revision, &stamp, &mut direct)
            .unwrap();
        assert_eq!(enveloped, direct);
    }
}

#[test]
fn base_2_an_unreadable_id_is_null_for_legacy_callers_and_absent_for_modern_ones() {
    let error = RpcError::invalid_request("no method");
    for (revision, id) in [(R24, "\"id\":null,"), (R26, "")] {
        let mut out = Vec::new();
        write_error(None, &error, revision.era(), &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":-32600,"message":"no method"}}}}"#)
        );
    }
}

#[test]
fn notifications_are_written_with_merged_metadata() {
    let written = |params, meta: &[(&str, &str)]| {
        let mut out = Vec::new();
        write_notification("m", params, meta, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(written(None, &[]), r#"{"jsonrpc":"2.0","method":"m"}"#);
    assert_eq!(written(Some("{ }"), &[]), r#"{"jsonrpc":"2.0","method":"m","params":{ }}"#);
    let subscription = ("io.modelcontextprotocol/subscriptionId", "7");
    assert_eq!(
        written(None, &[subscription]),
        r#"{"jsonrpc":"2.0","method":"m","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":7}}}"#
    );
    assert_eq!(
        written(Some(r#"{"uri":"u","_meta":{"progressToken":1,"b":2}}"#), &[("progressToken", "\"x\"")]),
        r#"{"jsonrpc":"2.0","method":"m","params":{"uri":"u","_meta":{"progressToken":"x","b":2}}}"#
    );
    assert!(write_notification("m", Some("[]"), &[subscription], &mut Vec::new()).is_err());
}
