//! The schemas of the folder, and where references between them lead.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use url::Url;

use crate::document::Digest;
use crate::path::{RelPath, SCHEMA_SUFFIX, folder, uri};
use crate::shelf::{Contents, Facts};

/// The scheme of the URIs at which schemas lie.
pub(crate) const SCHEME: &str = "schema";

/// The schemas as they were at one moment.
#[derive(Debug)]
pub(crate) struct Schemas {
    contents: Contents,
    prefixes: Vec<Url>,
    /// Paths by `$id`, made absolute.
    by_id: HashMap<String, String>,
    /// For the folder of each `$id`, the folders of the files that have such.
    by_id_folder: BTreeMap<String, BTreeSet<String>>,
}

impl Schemas {
    pub(crate) fn new(contents: Contents, prefixes: &[Url]) -> Self {
        let mut by_id: HashMap<String, String> = HashMap::new();
        let mut by_id_folder: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (path, facts) in &contents.files {
            let Some(id) = facts.id.as_deref().and_then(|id| absolute(path, id)) else { continue };
            if let Some((before, _)) = id.as_str().rsplit_once('/') {
                by_id_folder.entry(format!("{before}/")).or_default().insert(folder(path).to_owned());
            }
            // Of two files with one `$id` the first by path has it.
            by_id.entry(id.into()).or_insert_with(|| path.clone());
        }
        Self { contents, prefixes: prefixes.to_vec(), by_id, by_id_folder }
    }

    /// Counts the changes before this moment.
    pub(crate) fn epoch(&self) -> u64 {
        self.contents.epoch
    }

    /// What is known of the files that are schemas by name, whether they can be read or not, by path.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, &Facts)> {
        let files = self.contents.files.iter();
        files.filter(|(path, _)| path.ends_with(SCHEMA_SUFFIX)).map(|(path, facts)| (path.as_str(), &**facts))
    }

    /// The digest of a file, if it is there.
    pub(crate) fn digest(&self, path: &str) -> Option<Digest> {
        self.contents.files.get(path).map(|facts| facts.digest)
    }

    /// The path of the file that a URI without a fragment leads to: by `$id`, by where the file lies, by a published prefix,
    /// or beside a file whose `$id` has the same folder.
    pub(crate) fn locate(&self, target: &str) -> Option<&str> {
        let target = Url::parse(target).ok()?;
        if let Some(path) = self.by_id.get(target.as_str()) {
            return Some(path);
        }
        let text = target.as_str();
        let own = format!("{SCHEME}:///");
        let prefixes = std::iter::once(own.as_str()).chain(self.prefixes.iter().map(Url::as_str));
        let mut rests = prefixes.filter_map(|prefix| text.strip_prefix(prefix));
        rests.find_map(|rest| self.file("", rest)).or_else(|| self.beside(text))
    }

    fn beside(&self, text: &str) -> Option<&str> {
        let mut before = text;
        while let Some(at) = before.rfind('/') {
            let (id_folder, rest) = text.split_at(at + 1);
            let folders = self.by_id_folder.get(id_folder).into_iter().flatten();
            if let Some(path) = folders.filter_map(|folder| self.file(folder, rest)).next() {
                return Some(path);
            }
            before = &text[..at];
        }
        None
    }

    /// The file at an encoded path below a folder.
    fn file(&self, folder: &str, rest: &str) -> Option<&str> {
        let path = format!("{folder}{}", RelPath::decode(rest)?.as_str());
        self.contents.files.get_key_value(&path).map(|(path, _)| path.as_str())
    }
}

/// The `$id` of a file, made absolute and without a fragment.
fn absolute(path: &str, id: &str) -> Option<Url> {
    let mut id = Url::parse(&uri(SCHEME, path)).ok()?.join(id).ok()?;
    id.set_fragment(None);
    Some(id)
}

/// The name of a schema: its path without what all names of schemas end with.
pub(crate) fn name(path: &str) -> &str {
    path.strip_suffix(SCHEMA_SUFFIX).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn schemas(files: &[(&str, Option<&str>)]) -> Schemas {
        let facts = |id: &Option<&str>| Facts {
            size: 0,
            digest: Digest::default(),
            is_readable: true,
            id: id.map(str::to_owned),
            version: String::new(),
        };
        let files = files.iter().map(|(path, id)| ((*path).to_owned(), Arc::new(facts(id))));
        let contents = Contents { epoch: 1, files: files.collect() };
        Schemas::new(contents, &[Url::parse("https://shop.example/v1/").unwrap()])
    }

    #[test]
    fn a_file_is_found_by_identifier_place_prefix_and_neighbour() {
        let schemas = schemas(&[
            ("order.schema.json", Some("https://ids.example/s/order")),
            ("parts/line.schema.json", Some("line")),
            ("parts/money.schema.json", None),
            ("unit.schema.json", Some("urn:unit")),
        ]);
        for (uri, path) in [
            ("https://ids.example/s/order", "order.schema.json"),
            ("https://ids.example/s/parts/money.schema.json", "parts/money.schema.json"),
            ("https://ids.example/s/unit.schema.json", "unit.schema.json"),
            ("schema:///parts/line", "parts/line.schema.json"),
            ("schema:///parts/money.schema.json", "parts/money.schema.json"),
            ("https://shop.example/v1/parts/money.schema.json", "parts/money.schema.json"),
            ("https://SHOP.example/v1/x/../order.schema.json", "order.schema.json"),
            ("urn:unit", "unit.schema.json"),
        ] {
            assert_eq!(schemas.locate(uri), Some(path), "{uri}");
        }
        for uri in [
            "https://shop.example/v2/order.schema.json",
            "https://shop.example.evil/v1/order.schema.json",
            "https://ids.example/order.schema.json",
            "schema:///absent.schema.json",
            "schema:///%2e%2e/order.schema.json/x",
            "schema:///parts%2fmoney.schema.json",
            "file:///etc/passwd",
            "order.schema.json",
        ] {
            assert_eq!(schemas.locate(uri), None, "{uri}");
        }
    }

    #[test]
    fn of_two_files_with_one_identifier_the_first_has_it() {
        let schemas = schemas(&[("b.json", Some("urn:x")), ("a.json", Some("urn:x"))]);
        assert_eq!(schemas.locate("urn:x"), Some("a.json"));
    }
}
