//! Makes calls in process, for tools that watch what a program does: `calls legacy|modern PAYLOAD COUNT`.
#![allow(clippy::print_stderr, reason = "whoever calls it wrongly is told")]

use std::error::Error;
use std::process::ExitCode;

use latimer_bench::in_process::{self, InProcess};
use latimer_bench::message::Client;
use latimer_bench::payload::Payload;
use latimer_bench::subject;
use latimer_core::Limits;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((client, payload, count)) = read(&arguments) else {
        let payloads = Payload::ALL.map(Payload::name).join("\", \"");
        eprintln!("usage: calls legacy|modern PAYLOAD COUNT, where PAYLOAD is one of \"{payloads}\"");
        return ExitCode::from(2);
    };
    match make(client, payload, count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn read(arguments: &[String]) -> Option<(Client, Payload, usize)> {
    let [client, payload, count] = arguments else { return None };
    let client = Client::ALL.into_iter().find(|known| known.name() == client)?;
    let payload = Payload::ALL.into_iter().find(|known| known.name() == payload)?;
    Some((client, payload, count.parse().ok()?))
}

fn make(client: Client, payload: Payload, count: usize) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = InProcess::new(subject::server(), Limits::default()).await?;
        for _ in 0..count {
            let response = server.send(server.call(client, payload)?).await?;
            if response.status() != http::StatusCode::OK {
                return Err(format!("the server answered {}", response.status()).into());
            }
            in_process::collect(response).await?;
        }
        Ok(())
    })
}
