//! Responses with a result: the envelope, and what 2026-07-28 adds to every result.

use super::body::ResultBody;
use super::downlevel::downlevel;
use super::object::{ObjectWriter, write_object};
use super::rules::Shape;
use crate::id::Id;
use crate::raw::RawJson;
use crate::revision::Revision;
use crate::rewrite::{Edits, RewriteError, decode_string, member, members};

/// How long, and for whom, a client may keep a result (CACHE-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheHint {
    /// For how many milliseconds; 0 means that it is stale at once.
    pub ttl_ms: u64,
    /// For whom.
    pub scope: CacheScope,
}

/// For whom a result may be kept (CACHE-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CacheScope {
    /// For everybody.
    Public,
    /// For the one whose credentials asked.
    Private,
}

impl CacheScope {
    /// The scope's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

/// What the modern era adds to a result. Older revisions are told none of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stamp<'a> {
    /// [`Implementation`](crate::wire::Implementation) as JSON (VER-6). It takes the place of an upstream's.
    pub server_info: Option<&'a RawJson>,
    /// How long the result may be kept; takes the place of an upstream's. Only complete results carry it (CACHE-2).
    pub cache: Option<CacheHint>,
}

/// Appends `{"jsonrpc":"2.0","id":…,"result":…}` with a typed result.
///
/// # Errors
/// When a raw part of the result is not sound JSON; `out` is then as it was.
pub fn write_response(
    id: Id<'_>,
    result: &impl ResultBody,
    revision: Revision,
    stamp: &Stamp<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RewriteError> {
    envelope(id, out, |out| write_result(result, revision, stamp, out))
}

/// Appends `{"jsonrpc":"2.0","id":…,"result":…}` with a result that is JSON in whatever form an upstream gave it.
/// A `resultType` that stands in it is kept for modern callers.
///
/// # Errors
/// When `raw` is no object, malformed, or nested too deep; `out` is then as it was.
pub fn write_raw_response(
    id: Id<'_>,
    shape: Shape,
    raw: &str,
    revision: Revision,
    stamp: &Stamp<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RewriteError> {
    envelope(id, out, |out| write_raw_result(shape, raw, revision, stamp, out))
}

/// Appends `{"jsonrpc":"2.0","id":…,"result":…}` around a result that was encoded for the caller's revision before.
pub fn write_rendered_response(id: Id<'_>, result: &[u8], out: &mut Vec<u8>) {
    begin(id, out);
    out.extend_from_slice(result);
    out.push(b'}');
}

/// Appends a typed result alone, without an envelope.
///
/// # Errors
/// When a raw part of the result is not sound JSON; `out` is then as it was.
pub fn write_result(
    result: &impl ResultBody,
    revision: Revision,
    stamp: &Stamp<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RewriteError> {
    if !result.fits(revision) {
        let mut newest = Vec::new();
        write_object(&mut newest, |object| {
            result.write_members(object);
            object.optional_raw("_meta", result.meta());
        });
        let newest =
            std::str::from_utf8(&newest).map_err(|error| RewriteError::Syntax(error.valid_up_to()))?;
        return write_raw_result(result.shape(), newest, revision, stamp, out);
    }
    write_object(out, |object| {
        if revision.is_modern() {
            object.string("resultType", "complete");
            write_cache(object, stamp);
        }
        result.write_members(object);
        write_meta(object, result.meta(), stamp.server_info.filter(|_| revision.is_modern()));
    });
    Ok(())
}

pub(super) const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

fn envelope(
    id: Id<'_>,
    out: &mut Vec<u8>,
    result: impl FnOnce(&mut Vec<u8>) -> Result<(), RewriteError>,
) -> Result<(), RewriteError> {
    let before = out.len();
    begin(id, out);
    let written = result(out);
    match written {
        Ok(()) => out.push(b'}'),
        Err(_) => out.truncate(before),
    }
    written
}

fn begin(id: Id<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    out.extend_from_slice(id.as_json().as_bytes());
    out.extend_from_slice(b",\"result\":");
}

/// Appends a raw result alone, without an envelope; see [`write_raw_response`].
///
/// # Errors
/// When `raw` is no object, malformed, or nested too deep; `out` is then as it was.
pub fn write_raw_result(
    shape: Shape,
    raw: &str,
    revision: Revision,
    stamp: &Stamp<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RewriteError> {
    if !raw.trim_start().starts_with('{') {
        return Err(RewriteError::NotAnObject);
    }
    if !revision.is_modern() {
        return downlevel(shape, raw, revision, out);
    }
    if super::is_known(shape, revision) {
        return stamp_raw(raw, stamp, out);
    }
    let mut known = Vec::with_capacity(raw.len());
    downlevel(shape, raw, revision, &mut known)?;
    let known = std::str::from_utf8(&known).map_err(|error| RewriteError::Syntax(error.valid_up_to()))?;
    stamp_raw(known, stamp, out)
}

/// Copies a result and adds what a modern result must have.
fn stamp_raw(raw: &str, stamp: &Stamp<'_>, out: &mut Vec<u8>) -> Result<(), RewriteError> {
    let cache = match stamp.cache {
        Some(hint) if is_complete(raw)? => {
            Some((hint.ttl_ms.to_string(), format!("\"{}\"", hint.scope.as_str())))
        }
        _ => None,
    };
    let mut edits = Edits::new();
    edits.add(["resultType"], "\"complete\"");
    if let Some((ttl_ms, scope)) = &cache {
        edits.set(["ttlMs"], ttl_ms).set(["cacheScope"], scope);
    }
    if let Some(server_info) = stamp.server_info {
        edits.set(["_meta", SERVER_INFO], server_info.as_str());
    }
    edits.apply(raw, out)
}

/// Whether a result says that it is complete, or, as those of the legacy era, nothing about it.
fn is_complete(raw: &str) -> Result<bool, RewriteError> {
    let kind = member(raw, "resultType")?;
    Ok(kind.is_none_or(|kind| decode_string(kind).is_some_and(|kind| kind == "complete")))
}

fn write_cache(object: &mut ObjectWriter<'_>, stamp: &Stamp<'_>) {
    if let Some(hint) = stamp.cache {
        object.raw("ttlMs", &hint.ttl_ms.to_string()).string("cacheScope", hint.scope.as_str());
    }
}

/// Merges the server's name into a result's own metadata. Metadata that is no object is left out.
fn write_meta(object: &mut ObjectWriter<'_>, own: Option<&RawJson>, server_info: Option<&RawJson>) {
    let own = own.filter(|own| own.is_object());
    let Some(server_info) = server_info else {
        object.optional_raw("_meta", own);
        return;
    };
    object.object("_meta", |object| {
        for (name, value) in own.into_iter().flat_map(|own| members(own.as_str())).map_while(Result::ok) {
            if name != SERVER_INFO {
                object.raw(&name, value);
            }
        }
        object.raw(SERVER_INFO, server_info.as_str());
    });
}
