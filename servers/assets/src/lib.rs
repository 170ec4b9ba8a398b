//! The assets server: schemas and examples from disk, and what validates, compares and posts JSON documents.
//!
//! [`source`] makes a source of [`Settings`], to be loaded into a server; [`check::files`] validates files with the same
//! [`Assets`], for a command line. The README of this crate lists settings and tools.
//!
//! # What holds for all tools
//!
//! - Structured content is one object that begins with `ok`. A failure is `{"ok":false,"reason":…}` with `errors`, each with the
//!   place in the document, or with a `detail`; over MCP it is an error result, with the object all the same. That goes for
//!   wrong arguments, too, so the tools check theirs themselves.
//! - Answers are deterministic: equal calls of equal folders have equal bytes. No answer holds an absolute path or a time.
//! - What is on disk counts at the time of the call. Compiled schemas are kept by the contents of all files that they reach.
//! - Nothing is fetched, and no file is ever written.
//!
//! # Which schema
//!
//! The argument `schema` comes first, as a name, a path or a published URL; else the document's marker (`$schema`, or another
//! `marker_key`). A marker that is a URL must begin with one of the `canonical_prefixes`, and **all** that follows is the path in
//! `schemas_dir`. The marker is taken out of what is validated, unless the schema says something about it.
//!
//! A `$ref` leads to other files of the folder: by their `$id`, by relative path from where a file lies (at
//! `schema:///PATH`, before its `$id`), by a published URL, or by relative path from an `$id` whose folder other files have, too.
//!
//! # Examples that are not valid
//!
//! `get_example` returns them with `validated` false and the errors, since they are there to be looked at.
//!
//! # Numbers
//!
//! Documents keep their digits: they are never turned into floating-point numbers. For `diff_assets`, two numbers are equal if
//! they are written alike, so that a patch reproduces the new document to the digit.

mod arguments;
mod assets;
mod audit;
mod backend;
pub mod check;
mod diff;
mod document;
mod marker;
mod path;
mod population;
mod reply;
mod resources;
mod root;
mod schemas;
mod settings;
mod shelf;
mod source;
mod tools;
mod validation;
mod validators;
mod watch;

use std::sync::Arc;

use latimer_core::Source;

pub use assets::{Assets, OpenError};
pub use backend::ClientError;
pub use reply::Problem;
pub use settings::{Backend, Format, Settings, SettingsError};

/// The name under which the source is loaded.
pub const NAME: &str = "assets";

/// The assets server as a source, to be loaded into a server.
///
/// # Errors
/// When there is no folder of schemas, or the backend cannot be reached the way it is set up.
pub fn source(settings: Settings) -> Result<Arc<dyn Source>, OpenError> {
    Ok(source::AssetsSource::new(Arc::new(Assets::open(settings)?)))
}
