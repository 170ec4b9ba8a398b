//! What every typed result can do.

use super::object::ObjectWriter;
use super::rules::Shape;
use crate::raw::RawJson;
use crate::revision::Revision;

/// A result in the newest superset form that writes itself in one pass.
pub trait ResultBody {
    /// Which rules apply where the caller's revision does not know everything in it.
    fn shape(&self) -> Shape;

    /// The oldest revision that knows everything in this value.
    fn needs(&self) -> Revision;

    /// Whether the newest form is what `revision` expects, so that no rule need run.
    fn fits(&self, revision: Revision) -> bool {
        revision >= self.needs()
    }

    /// Its metadata, which [`write_members`](Self::write_members) leaves out.
    fn meta(&self) -> Option<&RawJson>;

    /// Writes every member but `_meta` and those that only an envelope knows (`resultType`, `ttlMs`, `cacheScope`).
    fn write_members(&self, object: &mut ObjectWriter<'_>);
}
