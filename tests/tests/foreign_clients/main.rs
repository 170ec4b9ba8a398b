//! Clients that others wrote, doing real work with `latimer serve` over stdio and HTTP.
//!
//! What each of them can do stands in `tests/clients/table.json`; a test fails when the outcome differs in either
//! direction.

mod rust_sdk;

use latimer_tests::{
    client::{self, Target},
    table::{Era, Leg, Table, Transport},
};

/// One test per leg of a client that is a program of its own.
macro_rules! legs {
    ($($name:ident: $client:literal $era:ident $transport:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                client::run(Leg { client: $client, era: Era::$era, transport: Transport::$transport });
            }
        )+

        /// The legs that have a test here.
        fn tested() -> Vec<Leg<'static>> {
            let mut legs = vec![$(Leg { client: $client, era: Era::$era, transport: Transport::$transport }),+];
            for era in [Era::Legacy, Era::Modern] {
                for transport in [Transport::Stdio, Transport::Http] {
                    legs.push(Leg { client: "rmcp", era, transport });
                }
            }
            legs
        }
    };
}

legs! {
    npm_sdk_legacy_stdio: "npm-sdk" Legacy Stdio,
    npm_sdk_legacy_http: "npm-sdk" Legacy Http,
    npm_client_legacy_stdio: "npm-client" Legacy Stdio,
    npm_client_legacy_http: "npm-client" Legacy Http,
    npm_client_modern_stdio: "npm-client" Modern Stdio,
    npm_client_modern_http: "npm-client" Modern Http,
    py_mcp_legacy_stdio: "py-mcp" Legacy Stdio,
    py_mcp_legacy_http: "py-mcp" Legacy Http,
    py_mcp_modern_stdio: "py-mcp" Modern Stdio,
    py_mcp_modern_http: "py-mcp" Modern Http,
    inspector_legacy_stdio: "inspector" Legacy Stdio,
    inspector_legacy_http: "inspector" Legacy Http,
    inspector_modern_stdio: "inspector" Modern Stdio,
    inspector_modern_http: "inspector" Modern Http,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rmcp_legacy_stdio() {
    rmcp(Era::Legacy, Transport::Stdio).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rmcp_legacy_http() {
    rmcp(Era::Legacy, Transport::Http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rmcp_modern_stdio() {
    rmcp(Era::Modern, Transport::Stdio).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rmcp_modern_http() {
    rmcp(Era::Modern, Transport::Http).await;
}

#[test]
fn every_leg_of_the_table_has_a_test() {
    let table = Table::load();
    let tested = tested();
    for leg in table.legs() {
        assert!(tested.contains(&leg), "{leg} has no test");
    }
    assert_eq!(table.legs().count(), tested.len());
}

async fn rmcp(era: Era, transport: Transport) {
    let target = Target::latimer(transport);
    let cells = rust_sdk::deeds(era, &target, &client::demo()).await;
    client::judge(Leg { client: "rmcp", era, transport }, &cells, "", &target);
}
