//! Clients, most of them written by others, doing real work over stdio and HTTP.
//!
//! What each of them can do stands in `tests/clients/table.json` (with `latimer serve`) and `tests/clients/asking.json` (what
//! servers ask and tell, with `latimer-everything`); a test fails when the outcome differs in either direction.

mod asking;
mod own_client;
mod rust_sdk;
mod rust_sdk_asking;

use latimer_protocol::Revision;
use latimer_tests::{
    client::{self, Sheet},
    table::{Era, Leg, Transport},
};

/// One test per leg.
macro_rules! legs {
    ($sheet:ident: $($name:ident: $client:literal $era:ident $transport:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::run(Sheet::$sheet, Leg { client: $client, era: Era::$era, transport: Transport::$transport }).await;
            }
        )+

        #[test]
        fn every_leg_of_the_table_has_a_test() {
            let table = Sheet::$sheet.table();
            let tested = [$(Leg { client: $client, era: Era::$era, transport: Transport::$transport }),+];
            for leg in table.legs() {
                assert!(tested.contains(&leg), "{leg} has no test");
            }
            assert_eq!(table.legs().count(), tested.len());
        }
    };
}

/// What every client does all day.
mod deeds {
    use super::*;

    legs! { Deeds:
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
        rmcp_legacy_stdio: "rmcp" Legacy Stdio,
        rmcp_legacy_http: "rmcp" Legacy Http,
        rmcp_modern_stdio: "rmcp" Modern Stdio,
        rmcp_modern_http: "rmcp" Modern Http,
    }
}

/// What servers ask and tell.
mod asked {
    use super::*;

    legs! { Asking:
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
        rmcp_legacy_stdio: "rmcp" Legacy Stdio,
        rmcp_legacy_http: "rmcp" Legacy Http,
        rmcp_modern_stdio: "rmcp" Modern Stdio,
        rmcp_modern_http: "rmcp" Modern Http,
        latimer_2024_11_05_stdio: "latimer-2024-11-05" Legacy Stdio,
        latimer_2024_11_05_http: "latimer-2024-11-05" Legacy Http,
        latimer_2025_03_26_stdio: "latimer-2025-03-26" Legacy Stdio,
        latimer_2025_03_26_http: "latimer-2025-03-26" Legacy Http,
        latimer_2025_06_18_stdio: "latimer-2025-06-18" Legacy Stdio,
        latimer_2025_06_18_http: "latimer-2025-06-18" Legacy Http,
        latimer_2025_11_25_stdio: "latimer-2025-11-25" Legacy Stdio,
        latimer_2025_11_25_http: "latimer-2025-11-25" Legacy Http,
        latimer_2026_07_28_stdio: "latimer-2026-07-28" Modern Stdio,
        latimer_2026_07_28_http: "latimer-2026-07-28" Modern Http,
    }
}

async fn run(sheet: Sheet, leg: Leg<'static>) {
    let revision = leg.client.strip_prefix("latimer-").and_then(|revision| revision.parse::<Revision>().ok());
    if leg.client != "rmcp" && revision.is_none() {
        let client = tokio::task::spawn_blocking(move || client::run(sheet, leg));
        return client.await.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
    }
    let (target, demo) = (sheet.target(leg.transport), sheet.demo());
    let cells = match (sheet, revision) {
        (Sheet::Deeds, _) => rust_sdk::deeds(leg.era, &target, &demo).await,
        (Sheet::Asking, None) => rust_sdk_asking::deeds(leg.era, &target, &demo).await,
        (Sheet::Asking, Some(revision)) => own_client::deeds(revision, &target, &demo).await,
    };
    client::judge(sheet, leg, &cells, "", &target);
}
