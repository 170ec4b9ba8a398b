//! Streamable HTTP: one endpoint that serves the modern era and the older revisions at once.
//!
//! A request passes, in this order: `origin` (Host and Origin), identity, `post` and its kin (content
//! negotiation, size, framing), `era` (which of the two it is), then `modern` or `legacy`.

mod batch;
mod body;
mod content;
mod cors;
mod era;
mod landing;
mod legacy;
mod modern;
mod options;
mod origin;
mod peer;
mod post;
mod refusal;
mod replay;
mod security;
mod serve;
mod service;
mod sse_2024;
mod stream;
mod trace;

pub use body::ResponseBody;
pub use options::{HttpOptions, OptionsError};
pub use peer::{PeerAddress, TrustedProxy};
pub use serve::{Bound, ServeError, serve};
pub use service::HttpService;
