//! The peer on rmcp that is measured over HTTP: the tools of the subject, on raw hyper without a router. Prints its address.
//!
//! `json` answers with JSON and keeps no sessions, which is what it does fastest; `sessions` is its default. The handler is made once
//! and cloned for each session or request.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to whoever started it")]

use std::process::ExitCode;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use latimer_bench::arguments::{Message, Records};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{tool, tool_router};

#[derive(Clone)]
struct Tools;

#[tool_router(server_handler)]
impl Tools {
    #[tool(description = "Returns the message as it is.")]
    async fn echo(&self, Parameters(Message { message }): Parameters<Message>) -> String {
        message
    }

    #[tool(description = "Counts the records.")]
    async fn count(&self, Parameters(Records { records }): Parameters<Records>) -> String {
        format!("{} records", records.len())
    }
}

fn main() -> ExitCode {
    let config = StreamableHttpServerConfig::default();
    let config = match std::env::args().nth(1).as_deref() {
        Some("json") => config.with_legacy_session_mode(false).with_json_response(true),
        Some("sessions") => config,
        _ => {
            eprintln!("usage: rmcp-http-peer json|sessions");
            return ExitCode::from(2);
        }
    };
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(config: StreamableHttpServerConfig) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let sessions = Arc::new(LocalSessionManager::default());
        let service = StreamableHttpService::new(|| Ok(Tools), sessions, config);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service),
            );
        }
    })
}
