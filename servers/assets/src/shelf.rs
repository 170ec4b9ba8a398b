//! What the files of a folder hold, known without reading them again.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use latimer_protocol::tape::{Node, Tape, TapeBuffer};
use parking_lot::Mutex;

use crate::document::{Digest, Document, digest};
use crate::path::RelPath;
use crate::root::{ListError, Root, Stamp};

/// A folder and what is known of its files.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) root: Root,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Counts the times that anything had changed.
    epoch: u64,
    files: HashMap<String, Seen>,
}

#[derive(Debug)]
struct Seen {
    stamp: Stamp,
    at: SystemTime,
    facts: Arc<Facts>,
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Of its bytes.
    pub(crate) digest: Digest,
    /// Whether it could be read as JSON.
    pub(crate) is_readable: bool,
    /// Its `$id`, if it has one.
    pub(crate) id: Option<String>,
    /// Its `version` as text; empty if it has none.
    pub(crate) version: String,
}

/// The files as they were at one moment, by path.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    /// Equal for equal contents, and larger for later ones.
    pub(crate) epoch: u64,
    pub(crate) files: BTreeMap<String, Arc<Facts>>,
}

impl Shelf {
    pub(crate) fn new(root: Root) -> Self {
        Self { root, known: Mutex::default() }
    }

    /// Looks at every file, and reads those that may have changed since. Blocks.
    pub(crate) fn contents(&self) -> Result<Contents, ListError> {
        let listed = self.root.list()?;
        let mut known = self.known.lock();
        let mut files = HashMap::with_capacity(listed.len());
        let mut is_changed = false;
        for file in listed {
            let before = known.files.remove(&file.path);
            let is_settled = |seen: &Seen| seen.stamp == file.stamp && !seen.stamp.is_recent(seen.at);
            let seen = match before {
                Some(seen) if is_settled(&seen) => seen,
                before => {
                    let at = SystemTime::now();
                    // What goes before it is read was not there.
                    let Some(facts) = self.facts(&file.path, file.stamp.len) else { continue };
                    let same = before.filter(|seen| *seen.facts == facts).map(|seen| seen.facts);
                    is_changed |= same.is_none();
                    Seen { stamp: file.stamp, at, facts: same.unwrap_or_else(|| Arc::new(facts)) }
                }
            };
            files.insert(file.path, seen);
        }
        is_changed |= !known.files.is_empty();
        known.files = files;
        known.epoch += u64::from(is_changed);
        let files = known.files.iter().map(|(path, seen)| (path.clone(), seen.facts.clone()));
        Ok(Contents { epoch: known.epoch, files: files.collect() })
    }

    fn facts(&self, path: &str, len: u64) -> Option<Facts> {
        let bytes = match self.root.read(&RelPath::parse(path)?) {
            Ok(bytes) => bytes,
            Err(crate::root::ReadError::Absent | crate::root::ReadError::Outside) => return None,
            Err(_) => return Some(Facts { size: len, is_readable: false, ..Facts::of_nothing() }),
        };
        let (size, digest) = (bytes.len() as u64, digest(&bytes));
        let Ok(document) = Document::parse(&bytes) else {
            return Some(Facts { size, digest, is_readable: false, ..Facts::of_nothing() });
        };
        let mut buffer = TapeBuffer::new();
        let root = Tape::parse_into(&mut buffer, &document.text).ok()?.root();
        let id = root.get("$id").and_then(Node::as_str).map(Cow::into_owned);
        let id = id.filter(|id| !id.starts_with('#'));
        Some(Facts { size, digest, is_readable: true, id, version: version(root) })
    }
}

impl Facts {
    fn of_nothing() -> Self {
        Self { size: 0, digest: Digest::default(), is_readable: true, id: None, version: String::new() }
    }
}

/// The `version` of a schema: text as it is, a number as it is written, and nothing else.
pub(crate) fn version(schema: Node<'_>) -> String {
    let version = schema.get("version");
    let text = version.and_then(Node::as_str).map(Cow::into_owned);
    text.or_else(|| version.and_then(Node::number_text).map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn shelf(dir: &Path) -> Shelf {
        Shelf::new(Root { dir: dir.to_owned(), max_bytes: 1_000, max_files: 100, max_depth: 4 })
    }

    #[test]
    fn a_file_that_is_touched_or_rewritten_with_the_same_bytes_has_not_changed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.json");
        fs::write(&file, r#"{"$id":"x","version":1.0}"#).unwrap();
        let shelf = shelf(dir.path());
        let first = shelf.contents().unwrap();
        let facts = &first.files["a.json"];
        assert_eq!((facts.id.as_deref(), facts.version.as_str(), facts.size), (Some("x"), "1.0", 25));
        assert_eq!(shelf.contents().unwrap().epoch, first.epoch);
        fs::write(&file, r#"{"$id":"x","version":1.0}"#).unwrap();
        assert_eq!(shelf.contents().unwrap().epoch, first.epoch);
        // The same length at the same moment, as far as the file system's clock can tell.
        fs::write(&file, r#"{"$id":"y","version":1.0}"#).unwrap();
        let second = shelf.contents().unwrap();
        assert_eq!((second.epoch, second.files["a.json"].id.as_deref()), (first.epoch + 1, Some("y")));
    }

    #[test]
    fn a_file_that_is_too_large_is_known_by_its_size() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.json"), " ".repeat(1_001)).unwrap();
        let contents = shelf(dir.path()).contents().unwrap();
        let facts = &contents.files["a.json"];
        assert_eq!((facts.size, facts.is_readable), (1_001, false));
    }

    #[test]
    fn files_that_come_and_go_are_changes() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = shelf(dir.path());
        let empty = shelf.contents().unwrap().epoch;
        fs::write(dir.path().join("a.json"), "{").unwrap();
        let one = shelf.contents().unwrap();
        assert!(one.epoch > empty && !one.files["a.json"].is_readable);
        fs::rename(dir.path().join("a.json"), dir.path().join("b.json")).unwrap();
        let renamed = shelf.contents().unwrap();
        assert!(renamed.epoch > one.epoch && renamed.files.contains_key("b.json"));
        fs::remove_file(dir.path().join("b.json")).unwrap();
        let gone = shelf.contents().unwrap();
        assert!(gone.epoch > renamed.epoch && gone.files.is_empty());
    }
}
