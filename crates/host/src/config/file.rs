//! Finding and reading the files of a configuration.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::document::MAX_BYTES;
use crate::diagnostics::{Diagnostic, Place, Problem};

/// The names under which a configuration file is looked for.
const NAMES: [&str; 4] = ["latimer.yaml", "latimer.yml", "latimer.toml", "latimer.json"];

/// The configuration file in `directory`, if there is one.
pub(crate) fn discover(directory: &Path) -> Result<Option<PathBuf>, Diagnostic> {
    let mut found: Vec<&str> =
        NAMES.into_iter().filter(|name| directory.join(name).symlink_metadata().is_ok()).collect();
    match found.len() {
        0 | 1 => Ok(found.pop().map(PathBuf::from)),
        _ => {
            let files = found.into_iter().map(str::to_owned).collect();
            Err(Diagnostic::new(None, Problem::SeveralFiles { files }))
        }
    }
}

/// The text of a file of at most [`MAX_BYTES`], without a byte order mark. `shown` is its name in messages.
pub(crate) fn read(path: &Path, shown: &str) -> Result<String, Diagnostic> {
    let whole = |problem| Diagnostic::new(Some(Place::WholeFile { file: shown.to_owned() }), problem);
    let unreadable = |error: std::io::Error| whole(Problem::Unreadable(error.kind()));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > MAX_BYTES {
        return Err(whole(Problem::TooLarge { limit: MAX_BYTES }));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let last_line = valid.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
        let place = Place::File {
            file: shown.to_owned(),
            line: count(valid.iter().filter(|byte| **byte == b'\n').count()),
            column: count(String::from_utf8_lossy(last_line).chars().count()),
        };
        Diagnostic::new(Some(place), Problem::NotUtf8)
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}
