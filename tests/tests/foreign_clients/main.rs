//! Clients, most of them written by others, doing real work over stdio, HTTP, TCP and Unix sockets.
//!
//! What each of them can do stands in `tests/clients/table.json` (with `latimer serve`) and `tests/clients/asking.json` (what
//! servers ask and tell, with `latimer-everything`); a test fails when the outcome differs in either direction.

mod asking;
mod netcat;
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
        npm_sdk_legacy_tcp: "npm-sdk" Legacy Tcp,
        npm_sdk_legacy_unix: "npm-sdk" Legacy Unix,
        npm_client_legacy_stdio: "npm-client" Legacy Stdio,
        npm_client_legacy_http: "npm-client" Legacy Http,
        npm_client_legacy_tcp: "npm-client" Legacy Tcp,
        npm_client_legacy_unix: "npm-client" Legacy Unix,
        npm_client_modern_stdio: "npm-client" Modern Stdio,
        npm_client_modern_http: "npm-client" Modern Http,
        npm_client_modern_tcp: "npm-client" Modern Tcp,
        npm_client_modern_unix: "npm-client" Modern Unix,
        py_mcp_legacy_stdio: "py-mcp" Legacy Stdio,
        py_mcp_legacy_http: "py-mcp" Legacy Http,
        py_mcp_legacy_tcp: "py-mcp" Legacy Tcp,
        py_mcp_legacy_unix: "py-mcp" Legacy Unix,
        py_mcp_modern_stdio: "py-mcp" Modern Stdio,
        py_mcp_modern_http: "py-mcp" Modern Http,
        py_mcp_modern_tcp: "py-mcp" Modern Tcp,
        py_mcp_modern_unix: "py-mcp" Modern Unix,
        inspector_legacy_stdio: "inspector" Legacy Stdio,
        inspector_legacy_http: "inspector" Legacy Http,
        inspector_modern_stdio: "inspector" Modern Stdio,
        inspector_modern_http: "inspector" Modern Http,
        rmcp_legacy_stdio: "rmcp" Legacy Stdio,
        rmcp_legacy_http: "rmcp" Legacy Http,
        rmcp_legacy_tcp: "rmcp" Legacy Tcp,
        rmcp_legacy_unix: "rmcp" Legacy Unix,
        rmcp_modern_stdio: "rmcp" Modern Stdio,
        rmcp_modern_http: "rmcp" Modern Http,
        rmcp_modern_tcp: "rmcp" Modern Tcp,
        rmcp_modern_unix: "rmcp" Modern Unix,
    }
}

/// What servers ask and tell.
mod asked {
    use super::*;

    legs! { Asking:
        npm_sdk_legacy_stdio: "npm-sdk" Legacy Stdio,
        npm_sdk_legacy_http: "npm-sdk" Legacy Http,
        npm_sdk_legacy_tcp: "npm-sdk" Legacy Tcp,
        npm_sdk_legacy_unix: "npm-sdk" Legacy Unix,
        npm_client_legacy_stdio: "npm-client" Legacy Stdio,
        npm_client_legacy_http: "npm-client" Legacy Http,
        npm_client_legacy_tcp: "npm-client" Legacy Tcp,
        npm_client_legacy_unix: "npm-client" Legacy Unix,
        npm_client_modern_stdio: "npm-client" Modern Stdio,
        npm_client_modern_http: "npm-client" Modern Http,
        npm_client_modern_tcp: "npm-client" Modern Tcp,
        npm_client_modern_unix: "npm-client" Modern Unix,
        py_mcp_legacy_stdio: "py-mcp" Legacy Stdio,
        py_mcp_legacy_http: "py-mcp" Legacy Http,
        py_mcp_legacy_tcp: "py-mcp" Legacy Tcp,
        py_mcp_legacy_unix: "py-mcp" Legacy Unix,
        py_mcp_modern_stdio: "py-mcp" Modern Stdio,
        py_mcp_modern_http: "py-mcp" Modern Http,
        py_mcp_modern_tcp: "py-mcp" Modern Tcp,
        py_mcp_modern_unix: "py-mcp" Modern Unix,
        rmcp_legacy_stdio: "rmcp" Legacy Stdio,
        rmcp_legacy_http: "rmcp" Legacy Http,
        rmcp_legacy_tcp: "rmcp" Legacy Tcp,
        rmcp_legacy_unix: "rmcp" Legacy Unix,
        rmcp_modern_stdio: "rmcp" Modern Stdio,
        rmcp_modern_http: "rmcp" Modern Http,
        rmcp_modern_tcp: "rmcp" Modern Tcp,
        rmcp_modern_unix: "rmcp" Modern Unix,
        latimer_2024_11_05_stdio: "latimer-2024-11-05" Legacy Stdio,
        latimer_2024_11_05_http: "latimer-2024-11-05" Legacy Http,
        latimer_2024_11_05_tcp: "latimer-2024-11-05" Legacy Tcp,
        latimer_2024_11_05_unix: "latimer-2024-11-05" Legacy Unix,
        latimer_2025_03_26_stdio: "latimer-2025-03-26" Legacy Stdio,
        latimer_2025_03_26_http: "latimer-2025-03-26" Legacy Http,
        latimer_2025_03_26_tcp: "latimer-2025-03-26" Legacy Tcp,
        latimer_2025_03_26_unix: "latimer-2025-03-26" Legacy Unix,
        latimer_2025_06_18_stdio: "latimer-2025-06-18" Legacy Stdio,
        latimer_2025_06_18_http: "latimer-2025-06-18" Legacy Http,
        latimer_2025_06_18_tcp: "latimer-2025-06-18" Legacy Tcp,
        latimer_2025_06_18_unix: "latimer-2025-06-18" Legacy Unix,
        latimer_2025_11_25_stdio: "latimer-2025-11-25" Legacy Stdio,
        latimer_2025_11_25_http: "latimer-2025-11-25" Legacy Http,
        latimer_2025_11_25_tcp: "latimer-2025-11-25" Legacy Tcp,
        latimer_2025_11_25_unix: "latimer-2025-11-25" Legacy Unix,
        latimer_2026_07_28_stdio: "latimer-2026-07-28" Modern Stdio,
        latimer_2026_07_28_http: "latimer-2026-07-28" Modern Http,
        latimer_2026_07_28_tcp: "latimer-2026-07-28" Modern Tcp,
        latimer_2026_07_28_unix: "latimer-2026-07-28" Modern Unix,
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
