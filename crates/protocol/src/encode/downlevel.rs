//! Carrying out the rules.

use std::sync::LazyLock;

use super::rules::{Remedy, Shape};
use crate::revision::Revision;
use crate::rewrite::{Edits, RewriteError};

/// Appends the JSON text of a value in the newest form as `revision` knows it. What no rule names, unknown
/// members among it, is copied.
///
/// # Errors
/// When `raw` is malformed or nested too deep; `out` is then as it was.
pub fn downlevel(shape: Shape, raw: &str, revision: Revision, out: &mut Vec<u8>) -> Result<(), RewriteError> {
    let edits = edits(shape, revision);
    if edits.is_empty() {
        out.extend_from_slice(raw.as_bytes());
        return Ok(());
    }
    edits.apply(raw, out)
}

/// Whether `revision` knows all that a value of this shape may hold, so that [`downlevel`] is a mere copy.
pub fn is_known(shape: Shape, revision: Revision) -> bool {
    edits(shape, revision).is_empty()
}

fn edits(shape: Shape, revision: Revision) -> &'static Edits<'static> {
    static COMPILED: LazyLock<Vec<[Edits<'static>; 5]>> = LazyLock::new(|| {
        Shape::ALL.iter().map(|shape| Revision::ALL.map(|revision| compile(*shape, revision))).collect()
    });
    static NONE: LazyLock<Edits<'static>> = LazyLock::new(Edits::new);
    COMPILED.get(shape as usize).and_then(|by_revision| by_revision.get(revision as usize)).unwrap_or(&NONE)
}

fn compile(shape: Shape, revision: Revision) -> Edits<'static> {
    let mut edits = Edits::new();
    for (prefix, table) in shape.parts() {
        // Backwards, because of two rules for one place the first is to count and the last edit does.
        for rule in table.iter().rev() {
            let (first, last) = rule.known;
            if (first..=last).contains(&revision) {
                continue;
            }
            let path = prefix.iter().chain(rule.path).copied();
            match rule.otherwise {
                Remedy::Drop => edits.remove(path),
                Remedy::Ask(change) => edits.map(path, change),
            };
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_by_shape() {
        for (index, shape) in Shape::ALL.into_iter().enumerate() {
            assert_eq!(shape as usize, index);
        }
        for (index, revision) in Revision::ALL.into_iter().enumerate() {
            assert_eq!(revision as usize, index);
        }
    }
}
