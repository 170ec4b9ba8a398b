//! Newline-delimited JSON over byte streams: standard input and output, and whatever else carries bytes
//! both ways (STDIO-1, STDIO-6).
//!
//! One connection serves both eras: each request says which it belongs to (DUAL-4). Requests run side by
//! side and are answered as they finish. Reading never stops: cancellations come on the same way.

mod batch;
mod call;
mod connection;
mod era;
mod news;
mod outgoing;

use latimer_core::{Engine, Peer, Principal};
use tokio::io::{AsyncRead, AsyncWrite};

pub use connection::End;

/// Serves one connection until its input ends, it can take no more output, or `stop` ends. Calls in flight have the
/// drain time to finish.
pub async fn serve<R, W>(
    engine: Engine,
    principal: Principal,
    peer: Peer,
    input: R,
    output: W,
    stop: impl Future<Output = ()> + Send,
) -> End
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
{
    connection::serve(engine, principal, peer, input, output, stop).await
}

/// Serves the standard streams of this process as the anonymous local principal (STDIO-8).
pub async fn serve_stdio(engine: Engine, stop: impl Future<Output = ()> + Send) -> End {
    let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
    serve(engine, Principal::anonymous(), Peer::Local, input, output, stop).await
}
