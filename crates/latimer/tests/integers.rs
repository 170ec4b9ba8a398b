//! Integers among arguments: what fits the published schema is read, and what does not is told.

#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

use std::collections::BTreeMap;

use latimer::Revision;
use latimer::prelude::*;
use serde::Deserialize;

#[tool]
fn countdown(steps: u32, #[arg(default = 1)] by: i8, limit: Option<u64>) -> String {
    format!("{steps} by {by} to {limit:?}")
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Order {
    count: u8,
    #[serde(default)]
    sizes: BTreeMap<String, Vec<i32>>,
    weight: Option<f64>,
    /// An address that no schema describes in full.
    from: Option<std::net::Ipv4Addr>,
    id: Option<u64>,
}

#[tool]
fn order(Args(order): Args<Order>) -> String {
    let Order { count, sizes, weight, from, id } = order;
    format!("{count} {sizes:?} {weight:?} {from:?} {id:?}")
}

async fn client() -> latimer::TestClient {
    Server::new("s").tool(countdown).tool(order).test().await.unwrap()
}

/// As it was written: `json!` would spell numbers anew.
fn raw(text: &str) -> latimer::RawJson {
    latimer::RawJson::parse(text.to_owned()).unwrap()
}

#[tokio::test]
async fn integers_are_read_in_any_spelling() {
    let client = client().await;
    for (arguments, text) in [
        (r#"{"steps":2.0}"#, "2 by 1 to None"),
        (r#"{"steps":2e0,"by":-10E-1}"#, "2 by -1 to None"),
        (r#"{"steps":-0,"by":1}"#, "0 by 1 to None"),
        (r#"{"steps":2,"limit":9007199254740993.0}"#, "2 by 1 to Some(9007199254740993)"),
    ] {
        let called = client.call("countdown", raw(arguments)).await.unwrap();
        assert_eq!((called.is_error(), called.text().as_str()), (false, text), "{arguments}");
    }
    let arguments = r#"{"count":3.0,"sizes":{"1.0":[1,2.0]},"weight":1.5,"from":"127.0.0.1"}"#;
    let called = client.call("order", raw(arguments)).await.unwrap();
    assert_eq!(called.text(), r#"3 {"1.0": [1, 2]} Some(1.5) Some(127.0.0.1) None"#);
}

#[tokio::test]
async fn integers_out_of_bounds_do_not_fit_the_schema() {
    let called = client().await.call("countdown", raw(r#"{"steps":4294967296}"#)).await.unwrap();
    assert!(called.is_error(), "{}", called.text());
    assert!(called.text().contains("/steps: expected a number of at most 4294967295"), "{}", called.text());
}

#[tokio::test]
async fn tool_8_what_fits_the_schema_but_not_the_type_is_told_by_its_place() {
    let client = client().await;
    for (tool, arguments, place) in [
        (
            "countdown",
            r#"{"steps":2,"limit":18446744073709551616}"#,
            "/limit: expected integer from 0 to 18446744073709551615, got 18446744073709551616",
        ),
        (
            "order",
            r#"{"count":2.0,"id":18446744073709551616}"#,
            "/id: expected integer from 0 to 18446744073709551615, got 18446744073709551616",
        ),
        ("order", r#"{"count":2,"from":"here"}"#, "/from: invalid IPv4 address syntax"),
    ] {
        let called = client.call(tool, raw(arguments)).await.unwrap();
        assert!(called.is_error());
        assert_eq!(called.text(), format!("the arguments do not fit:\n{place}"));
        let old = client.revision(Revision::V2025_06_18).call(tool, raw(arguments)).await.unwrap_err();
        assert!(old.to_string().contains(place), "{old}");
    }
}
