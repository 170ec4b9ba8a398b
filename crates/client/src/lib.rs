//! A client of the Model Context Protocol for servers of every era, over stdio, sockets and HTTP.
//!
//! [`Client::connect`] finds out which era a server is of and hides the difference from then on: sessions,
//! handshakes and resumed streams of the years up to 2025, self-describing requests and mirrored headers of
//! 2026-07-28. Results stay the server's own JSON ([`RawJson`](latimer_protocol::RawJson)); the types of
//! [`latimer_protocol::wire`] are views of it.
//!
//! ```no_run
//! use latimer_client::{Client, Options, Target};
//! use latimer_protocol::RawJson;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect(Target::http("http://127.0.0.1:12200/mcp")?, Options::default()).await?;
//! println!("{} speaks {}", client.info().name().unwrap_or_default(), client.info().revision());
//! let outcome = client
//!     .call_tool("greet", RawJson::parse(r#"{"name":"Ada"}"#)?)
//!     .on_progress(|report| println!("{}", report.progress))
//!     .await?;
//! println!("{}", outcome.text());
//! client.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! [`Target::parse`] takes the address of any server that listens: `https://HOST/mcp`, `tcp://HOST:PORT`, `tls://HOST:PORT`,
//! `unix:/run/x.sock`, `unix:@NAME`. A [`Command`] is a server that runs as a child process.
//!
//! A server cannot make the client hold more than [`ClientLimits`] allow: messages, lists, requests in flight
//! and unheard progress are bounded, and a request ends at the latest after [`Timeouts::total`].

mod abilities;
mod address;
mod authorization;
mod cache;
mod call;
mod client;
mod connect;
mod connection;
mod desk;
mod entry;
mod envelope;
mod error;
mod handlers;
mod handshake;
mod http;
mod inbound;
mod info;
mod notification;
mod options;
mod outcome;
mod pending;
mod rounds;
mod stream;
mod subscription;
mod target;
mod task;
mod tls;
mod token;
mod tools;

pub use address::{TcpAddress, UnixAddress};
pub use authorization::{Authorization, BearerToken, BoxFuture};
pub use call::Call;
pub use client::{Client, CompletionRef};
pub use entry::Entry;
pub use error::{BoxError, ClientError};
pub use handlers::{ElicitationHandler, ElicitationModes, Handlers, Refusal, RootsHandler, SamplingHandler};
pub use info::ServerInfo;
pub use notification::Notification;
pub use options::{ClientLimits, EraPreference, NotificationHandler, Options, Timeouts};
pub use outcome::{Block, CallOutcome, Reply};
pub use subscription::{Event, Filter, Subscription};
pub use target::{Command, Stderr, Target};
pub use task::{StartTask, Started, TaskHandle};
