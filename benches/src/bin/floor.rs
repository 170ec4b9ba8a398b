//! The floors: raw hyper that reads a body and sends it back, and with `json` one that reads the body as JSON into the types of
//! the arguments and answers the call, without knowing anything of the protocol. Prints its address.
#![allow(clippy::print_stdout, reason = "the address is this program's output")]

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use latimer_bench::arguments::{Message, Records};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Call {
    id: u64,
    params: Params,
}

#[derive(Deserialize)]
#[serde(tag = "name", content = "arguments", rename_all = "snake_case")]
enum Params {
    Echo(Message),
    Count(Records),
}

/// What a body is answered with.
type Answer = fn(Bytes) -> Bytes;

#[expect(clippy::needless_pass_by_value, reason = "the other answer takes it, too")]
fn answered(body: Bytes) -> Bytes {
    let answer = serde_json::from_slice::<Call>(&body).and_then(|Call { id, params }| {
        let text = match params {
            Params::Echo(Message { message }) => message,
            Params::Count(Records { records }) => format!("{} records", records.len()),
        };
        let result = json!({"content": [{"type": "text", "text": text}]});
        serde_json::to_vec(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
    });
    answer.map_or_else(|error| error.to_string().into(), Bytes::from)
}

async fn serve(request: Request<Incoming>, answer: Answer) -> Result<Response<Full<Bytes>>, Infallible> {
    let body =
        request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let mut response = Response::new(Full::new(answer(body)));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(response)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer: Answer = match std::env::args().nth(1).as_deref() {
        None => |body| body,
        Some("json") => answered,
        Some(other) => return Err(format!("{other} is unknown; use json, or nothing").into()),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(
                    TokioIo::new(socket),
                    service_fn(move |request| serve(request, answer)),
                ),
            );
        }
    })
}
