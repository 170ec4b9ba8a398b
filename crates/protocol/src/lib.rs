//! The Model Context Protocol as bytes: JSON-RPC frames, revisions, the table of methods, wire types
//! and encoders for every revision. No I/O, no runtime, no policy.
//!
//! What need not be understood stays the sender's text ([`RawJson`]): frames borrow from the buffer
//! they came in ([`frame`]), one pass finds it sound ([`scan`]), results are written in the newest
//! form and reduced to what the reader's revision knows by rules.

mod arguments;
pub mod codec;
pub mod encode;
pub mod error;
pub mod frame;
pub mod id;
pub mod meta_key;
pub mod method;
mod owned;
mod raw;
mod revision;
pub mod rewrite;
pub mod scan;
pub mod tape;
pub mod text;
pub mod wire;

pub use arguments::{Arguments, ArgumentsIndex};
pub use error::{ErrorCode, RpcError};
pub use frame::{Frame, Message};
pub use id::{Id, RequestId};
pub use meta_key::{MetaKey, MetaKeyError};
pub use method::Method;
pub use owned::{OwnedMeta, OwnedParams, RareParams};
pub use raw::RawJson;
pub use revision::{Era, Revision, UnknownRevision};
pub use scan::Limits;
