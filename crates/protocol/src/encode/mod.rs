//! Writing messages as the caller's revision knows them (VER-L6, TOOL-7, GW-8).
//!
//! There is one set of rules: the tables in `rules`. Typed results ([`ResultBody`]) are written in the newest
//! form straight into the reply buffer; if the caller's revision knows everything in them, that was all, and
//! otherwise the rules run over the text. Definitions, and results that an upstream wrote, go through the
//! rules as they came ([`downlevel`]). A rule names what an old revision does not know; whatever no rule names
//! is copied, byte for byte (BASE-6).
//!
//! ```
//! use latimer_protocol::encode::{Stamp, write_response};
//! use latimer_protocol::id::Id;
//! use latimer_protocol::wire::{CallToolResult, ContentBlock};
//! use latimer_protocol::Revision;
//!
//! let result = CallToolResult::new([ContentBlock::link("file:///notes", "notes")]);
//! let id = Id::from_json("1").ok_or("no id")?;
//! let mut out = Vec::new();
//! write_response(id, &result, Revision::V2025_03_26, &Stamp::default(), &mut out)?;
//! assert_eq!(
//!     out,
//!     br#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"notes: file:///notes"}]}}"#
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod block;
mod body;
mod downlevel;
mod form;
mod input;
mod list;
mod message;
mod object;
mod result;
mod rules;

pub use body::ResultBody;
pub use downlevel::{downlevel, is_known};
pub use input::{InputRequest, write_input_requests, write_input_required, write_request};
pub use list::{ListKind, ListResult};
pub use message::{write_error, write_notification};
pub use object::{ObjectWriter, write_array, write_object};
pub use result::{
    CacheHint, CacheScope, Stamp, write_raw_response, write_raw_result, write_rendered_response,
    write_response, write_result,
};
pub use rules::Shape;
