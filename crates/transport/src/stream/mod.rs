//! Newline-delimited JSON over byte streams: standard input and output, and whatever else carries bytes
//! both ways (STDIO-1, STDIO-6).
//!
//! One connection serves both eras: each request says which it belongs to (DUAL-4). Requests run side by
//! side and are answered as they finish. Reading never stops: cancellations come on the same way.
//!
//! The same engine serves standard streams ([`serve_stdio`]), Unix sockets ([`serve_unix`]) and TCP ([`serve_tcp`]).
//!
//! # Saying who one is
//!
//! A Unix socket knows its client: the principal is `uid:` and the number of its user. On any connection the first message
//! may be, and on TCP, where the engine wants to know who calls, it has to be
//!
//! ```json
//! {"jsonrpc":"2.0","id":0,"method":"auth","params":{"token":"…"}}
//! ```
//!
//! Its answer is an empty result, or an error, after which the connection is closed. The token holds as long as the
//! connection.
//!
//! # Bare methods
//!
//! With [`StreamOptions::bare_methods`] a connection that has not spoken MCP may call a tool by its own name, without a
//! handshake: `{"jsonrpc":"2.0","id":1,"method":"list_schemas","params":{…}}`. The result is the tool's structured content;
//! for tools that have none it is `{"ok":true,"content":[…]}`. What is refused is a result as well, `{"ok":false,"reason":…}`
//! with `errors` (each with `path` and `msg`) or `detail`; only what is no request at all is an error of JSON-RPC, with the
//! id `null`. Answers come in the order of the requests, unless [`StreamOptions::ordered`] says otherwise; as nothing that
//! comes later could be answered sooner, no more is read while as many calls as a session may have wait for their answers.
//! A request without an id is carried out and not answered. From its first message of MCP on, a connection is one of MCP.

mod answering;
mod auth;
mod bare;
mod batch;
mod call;
mod connection;
mod era;
mod idle;
mod listen;
mod news;
mod options;
mod order;
mod outgoing;
mod stdio;

use latimer_core::{Engine, Peer, Principal};
use tokio::io::{AsyncRead, AsyncWrite};

pub use connection::End;
use connection::Party;
pub use listen::{ListenError, TcpBound, serve_tcp};
#[cfg(unix)]
pub use listen::{UnixBound, serve_unix};
pub use options::StreamOptions;
pub use stdio::serve_stdio;

/// Serves one connection of a known client until its input ends, it can take no more output, or `stop` ends. Calls in
/// flight have the drain time to finish.
pub async fn serve<R, W>(
    engine: Engine,
    options: StreamOptions,
    principal: Principal,
    peer: Peer,
    input: R,
    output: W,
    stop: impl Future<Output = ()> + Send,
) -> End
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    let party = Party { principal, peer, must_identify: false };
    connection::serve(engine, options, party, input, output, stop).await
}
