//! Error responses and notifications.

use super::object::write_object;
use crate::error::RpcError;
use crate::id::Id;
use crate::revision::Era;
use crate::rewrite::{Edits, RewriteError, Step};

/// Appends an error response. Without an id (it could not be read), legacy callers get `"id":null`, which
/// JSON-RPC asks for, and modern ones no id at all (BASE-2).
pub fn write_error(id: Option<Id<'_>>, error: &RpcError, era: Era, out: &mut Vec<u8>) {
    write_object(out, |object| {
        object.string("jsonrpc", "2.0");
        match (id, era) {
            (Some(id), _) => {
                object.raw("id", id.as_json());
            }
            (None, Era::Legacy) => {
                object.raw("id", "null");
            }
            (None, Era::Modern) => {}
        }
        error.write(object.key("error"));
    });
}

/// Appends a notification. `params` is JSON text, an object; the members of `meta` (name and JSON text) are merged into its
/// `_meta` and take the place of members of the same name.
///
/// # Errors
/// When `params` must be merged into and is no object, or malformed; `out` is then as it was.
pub fn write_notification(
    method: &str,
    params: Option<&str>,
    meta: &[(&str, &str)],
    out: &mut Vec<u8>,
) -> Result<(), RewriteError> {
    let before = out.len();
    let mut written = Ok(());
    write_object(out, |object| {
        object.string("jsonrpc", "2.0").string("method", method);
        if meta.is_empty() {
            if let Some(params) = params {
                object.raw("params", params);
            }
        } else {
            written = merge_meta(params.unwrap_or("{}"), meta, object.key("params"));
        }
    });
    if written.is_err() {
        out.truncate(before);
    }
    written
}

fn merge_meta(params: &str, meta: &[(&str, &str)], out: &mut Vec<u8>) -> Result<(), RewriteError> {
    if !params.trim_start().starts_with('{') {
        return Err(RewriteError::NotAnObject);
    }
    let mut edits = Edits::new();
    for (name, value) in meta {
        edits.set([Step::Member("_meta"), Step::Member(name)], value);
    }
    edits.apply(params, out)
}
