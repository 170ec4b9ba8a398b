//! Compiled schemas, kept as long as nothing that they reach has changed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use latimer_core::validate::{Documents, Options, Validator};
use latimer_protocol::tape::{Kind, Node, Tape, TapeBuffer};
use parking_lot::Mutex;
use url::Url;

use crate::document::{Digest, Document, digest};
use crate::path::{RelPath, uri};
use crate::root::{ReadError, Root};
use crate::schemas::{SCHEME, Schemas};

/// How many compiled schemas are kept.
const KEPT: usize = 256;
/// How many times the largest file a schema may have with everything that it reaches.
const FILES: usize = 4;
/// How many references are followed to find out whether a schema knows the marker.
const MARKER_STEPS: usize = 32;

/// The compiled schemas of a folder.
#[derive(Debug)]
pub(crate) struct Validators {
    root: Root,
    marker: String,
    asserts_format: bool,
    kept: Mutex<HashMap<String, Kept>>,
    /// Counts compilations; orders what is kept by when it was last used.
    clock: AtomicU64,
    compiled: AtomicU64,
}

/// A schema, ready to validate.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) validator: Validator,
    /// Whether the schema says something about the marker, so that it is part of what is validated.
    pub(crate) knows_marker: bool,
    /// The paths of the other files that it reaches.
    pub(crate) reaches: Vec<String>,
}

/// A schema, or why it cannot be compiled.
type Outcome = Result<Arc<Compiled>, Arc<str>>;

#[derive(Debug)]
struct Kept {
    digest: Digest,
    /// Each URI that was asked for, and what it led to.
    asked: Vec<Asked>,
    outcome: Outcome,
    used: u64,
}

type Asked = (String, Option<(String, Digest)>);

impl Validators {
    pub(crate) fn new(root: Root, marker: &str, asserts_format: bool) -> Self {
        Self {
            root,
            marker: marker.to_owned(),
            asserts_format,
            kept: Mutex::default(),
            clock: AtomicU64::new(0),
            compiled: AtomicU64::new(0),
        }
    }

    /// The schema at a path, compiled, or why it cannot be. Blocks.
    pub(crate) fn get(&self, schemas: &Arc<Schemas>, path: &str) -> Outcome {
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        let current = schemas.digest(path);
        if let Some(kept) = self.kept.lock().get_mut(path)
            && Some(kept.digest) == current
            && kept.asked.iter().all(|(uri, led)| *led == led_to(schemas, uri))
        {
            kept.used = now;
            return kept.outcome.clone();
        }
        let Some(path_within) = RelPath::parse(path) else { return Err("there is no such schema".into()) };
        let bytes = self.root.read(&path_within).map_err(|error| Arc::from(unreadable(error)))?;
        let resolver = Arc::new(Resolver {
            schemas: schemas.clone(),
            root: self.root.clone(),
            asked: Mutex::default(),
            refused: Mutex::default(),
        });
        let outcome = self.compile(path, &bytes, &resolver);
        let asked = std::mem::take(&mut *resolver.asked.lock());
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT && !kept.contains_key(path) {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.used).map(|(path, _)| path.clone());
            oldest.and_then(|path| kept.remove(&path));
        }
        let entry = Kept { digest: digest(&bytes), asked, outcome: outcome.clone(), used: now };
        kept.insert(path.to_owned(), entry);
        outcome
    }

    /// How often a schema was compiled.
    #[cfg(test)]
    pub(crate) fn compiled(&self) -> u64 {
        self.compiled.load(Ordering::Relaxed)
    }

    fn compile(&self, path: &str, bytes: &[u8], resolver: &Arc<Resolver>) -> Outcome {
        self.compiled.fetch_add(1, Ordering::Relaxed);
        let document = Document::parse(bytes).map_err(|error| Arc::from(error.to_string()))?;
        let base = uri(SCHEME, path);
        let options = Options::default()
            .assert_formats(self.asserts_format)
            .max_bytes(self.root.max_bytes.saturating_mul(FILES))
            .documents(base.as_str(), resolver.clone());
        let validator = Validator::compile_with(&document.text, &options).map_err(|error| {
            let refused = resolver.refused.lock().take();
            Arc::from(refused.unwrap_or_else(|| error.to_string()))
        })?;
        let asked = resolver.asked.lock().clone();
        let mut reaches: Vec<_> = asked.into_iter().filter_map(|(_, led)| Some(led?.0)).collect();
        reaches.sort_unstable();
        reaches.dedup();
        reaches.retain(|reached| reached != path);
        let knows_marker =
            Marker { key: &self.marker, resolver, left: MARKER_STEPS }.known(&base, &document.text);
        Ok(Arc::new(Compiled { validator, knows_marker, reaches }))
    }
}

/// What a URI leads to now.
fn led_to(schemas: &Schemas, uri: &str) -> Option<(String, Digest)> {
    let path = schemas.locate(uri)?;
    Some((path.to_owned(), schemas.digest(path)?))
}

/// Why a file of a schema cannot be read, in words.
fn unreadable(error: ReadError) -> String {
    match error {
        ReadError::Absent => "there is no such schema".to_owned(),
        ReadError::Outside => "it lies outside of the folder of schemas".to_owned(),
        ReadError::TooLarge(most) => format!("it has more than {most} bytes"),
        ReadError::Io(said) => format!("it cannot be read: {said}"),
    }
}

/// Finds the documents that one schema reaches, and keeps which they were.
#[derive(Debug)]
struct Resolver {
    schemas: Arc<Schemas>,
    root: Root,
    asked: Mutex<Vec<Asked>>,
    /// Why the first that is there cannot be read.
    refused: Mutex<Option<String>>,
}

impl Documents for Resolver {
    fn document(&self, uri: &str) -> Option<Arc<str>> {
        let (path, text) = match self.schemas.locate(uri) {
            Some(path) => (path.to_owned(), self.read(path)),
            None => {
                self.ask(uri, None);
                return None;
            }
        };
        match text {
            Ok((digest, text)) => {
                self.ask(uri, Some((path, digest)));
                Some(text)
            }
            Err((digest, reason)) => {
                self.ask(uri, digest.map(|digest| (path.clone(), digest)));
                self.refused.lock().get_or_insert_with(|| format!("$ref leads to {path}: {reason}"));
                None
            }
        }
    }
}

impl Resolver {
    fn ask(&self, uri: &str, led: Option<(String, Digest)>) {
        let mut asked = self.asked.lock();
        if !asked.iter().any(|(other, _)| other == uri) {
            asked.push((uri.to_owned(), led));
        }
    }

    fn read(&self, path: &str) -> Result<(Digest, Arc<str>), (Option<Digest>, String)> {
        let path = RelPath::parse(path).ok_or_else(|| (None, "there is no such schema".to_owned()))?;
        let bytes = self.root.read(&path).map_err(|error| (None, unreadable(error)))?;
        let digest = digest(&bytes);
        let document = Document::parse(&bytes).map_err(|error| (Some(digest), error.to_string()))?;
        Ok((digest, document.text))
    }
}

/// Finds out whether a schema says something about the marker of a document.
struct Marker<'a> {
    key: &'a str,
    resolver: &'a Resolver,
    left: usize,
}

impl Marker<'_> {
    fn known(&mut self, base: &str, text: &str) -> bool {
        let mut buffer = TapeBuffer::new();
        let Ok(tape) = Tape::parse_into(&mut buffer, text) else { return false };
        self.known_at(base, tape.root(), tape.root())
    }

    fn known_at(&mut self, base: &str, document: Node<'_>, schema: Node<'_>) -> bool {
        if self.left == 0 || schema.kind() != Kind::Object {
            return false;
        }
        self.left -= 1;
        let declares = schema.get("properties").is_some_and(|properties| properties.get(self.key).is_some());
        let mut required = schema.get("required").and_then(Node::elements).into_iter().flatten();
        if declares || required.any(|name| name.as_str().is_some_and(|name| name == self.key)) {
            return true;
        }
        let mut parts = schema.get("allOf").and_then(Node::elements).into_iter().flatten();
        if parts.any(|part| self.known_at(base, document, part)) {
            return true;
        }
        let Some(reference) = schema.get("$ref").and_then(Node::as_str) else { return false };
        if let Some(pointer) = reference.strip_prefix('#') {
            return document.pointer(pointer).is_some_and(|target| self.known_at(base, document, target));
        }
        let id = document.get("$id").and_then(Node::as_str).unwrap_or_default();
        let target = Url::parse(base).and_then(|base| base.join(&id)).and_then(|base| base.join(&reference));
        let Ok(mut target) = target else { return false };
        let pointer = target.fragment().unwrap_or_default().to_owned();
        target.set_fragment(None);
        let Some(text) = self.resolver.document(target.as_str()) else { return false };
        let mut buffer = TapeBuffer::new();
        let Ok(tape) = Tape::parse_into(&mut buffer, &text) else { return false };
        let schema = tape.root().pointer(&pointer);
        schema.is_some_and(|schema| self.known_at(target.as_str(), tape.root(), schema))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::shelf::Shelf;

    /// Validators and what they read.
    struct Bench {
        shelf: Shelf,
        validators: Validators,
    }

    impl Bench {
        fn of(dir: &Path) -> Self {
            let root = Root { dir: dir.to_owned(), max_bytes: 10_000, max_files: 1_000, max_depth: 4 };
            Self { shelf: Shelf::new(root.clone()), validators: Validators::new(root, "$schema", false) }
        }

        fn get(&self, path: &str) -> Outcome {
            let schemas = Schemas::new(self.shelf.contents().unwrap(), &[]);
            self.validators.get(&Arc::new(schemas), path)
        }
    }

    #[test]
    fn a_schema_is_compiled_once_for_the_contents_of_all_files_that_it_reaches() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write("a.schema.json", r#"{"$ref":"b.json"}"#);
        write("b.json", r#"{"items":{"$ref":"c.json"}}"#);
        write("c.json", "{}");
        write("d.json", "{}");
        let bench = Bench::of(dir.path());
        for _ in 0..3 {
            assert_eq!(bench.get("a.schema.json").unwrap().reaches, ["b.json", "c.json"]);
        }
        write("c.json", "{}");
        write("d.json", "[]");
        assert!(bench.get("a.schema.json").is_ok());
        assert_eq!(bench.validators.compiled(), 1);
        write("c.json", "false");
        assert!(bench.get("a.schema.json").unwrap().validator.check("[1]").is_err());
        write("c.json", "true");
        assert!(bench.get("a.schema.json").unwrap().validator.check("[1]").is_ok());
        assert_eq!(bench.validators.compiled(), 3);
    }

    #[test]
    fn what_a_reference_did_not_find_is_found_when_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write("a.schema.json", r#"{"$ref":"urn:b"}"#);
        let bench = Bench::of(dir.path());
        for _ in 0..2 {
            let reason = bench.get("a.schema.json").unwrap_err();
            assert_eq!(&*reason, "$ref leads to urn:b, and there is no such schema");
        }
        assert_eq!(bench.validators.compiled(), 1);
        write("z.json", r#"{"$id":"urn:b"}"#);
        assert_eq!(bench.get("a.schema.json").unwrap().reaches, ["z.json"]);
        // Another file takes the identifier.
        write("b.json", r#"{"$id":"urn:b"}"#);
        assert_eq!(bench.get("a.schema.json").unwrap().reaches, ["b.json"]);
        write("b.json", r#"{"$id":"urn:b","#);
        write("z.json", "{}");
        assert!(bench.get("a.schema.json").is_err());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.schema.json"), r#"{"$ref":"b.json"}"#).unwrap();
        fs::write(dir.path().join("b.json"), "{\n\"a\"").unwrap();
        fs::write(dir.path().join("c.schema.json"), "{").unwrap();
        let bench = Bench::of(dir.path());
        let reason = |path| bench.get(path).unwrap_err().to_string();
        assert_eq!(
            reason("a.schema.json"),
            "$ref leads to b.json: unexpected end of JSON at line 2, column 4"
        );
        assert_eq!(reason("c.schema.json"), "unexpected end of JSON at line 1, column 2");
        assert_eq!(reason("absent.schema.json"), "there is no such schema");
    }

    #[test]
    fn no_more_than_a_number_of_schemas_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..=KEPT {
            fs::write(dir.path().join(format!("{number:03}.json")), "{}").unwrap();
        }
        let bench = Bench::of(dir.path());
        let schemas = Arc::new(Schemas::new(bench.shelf.contents().unwrap(), &[]));
        let get = |number: usize| bench.validators.get(&schemas, &format!("{number:03}.json")).unwrap();
        (0..KEPT).for_each(|number| drop(get(number)));
        get(0);
        get(KEPT);
        assert_eq!(bench.validators.kept.lock().len(), KEPT);
        let before = bench.validators.compiled();
        get(0);
        assert_eq!(bench.validators.compiled(), before);
        // The one that was not used for longest is gone.
        get(1);
        assert_eq!(bench.validators.compiled(), before + 1);
    }
}
