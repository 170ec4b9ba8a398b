//! Editing JSON text by spans: what an edit names changes, every other byte is copied.
//!
//! A gateway must hand on what it does not understand (BASE-6), in the sender's order and number text. So
//! nothing here builds a tree: one pass over the text follows the paths of the edits and skips the rest.
//! The time is linear in the text, the stack is bounded by the longest path, and nesting beyond
//! [`MAX_DEPTH`] is an error. The text is expected to be sound JSON; malformed text gives an error (or, where
//! only the content of a string literal is malformed, a copy), never a panic.

mod cursor;
mod edits;
mod members;

pub use cursor::{MAX_DEPTH, RewriteError};
pub use edits::{Change, Edits, Step};
pub use members::{Elements, Members, decode_string, elements, member, members};
