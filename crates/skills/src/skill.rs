//! A skill that the program brings along.

use bytes::Bytes;
use latimer_protocol::text::write_string;

use crate::error::Fault;
use crate::frontmatter::{Frontmatter, FrontmatterError};
use crate::path::SKILL_FILE;

/// A skill from the program itself: its `SKILL.md`, and the files beside it.
///
/// ```
/// # use latimer_skills::{Skill, Skills};
/// let whole = Skill::from_markdown("---\nname: tides\ndescription: Reads tide tables.\n---\n\nLook them up.\n")
///     .file("tables/harbour.csv", "high,low\n7:30,13:45\n");
/// assert!(Skills::new().with(whole).is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Skill {
    under: String,
    markdown: String,
    files: Vec<(String, Bytes)>,
}

impl Skill {
    /// A skill with a name, what it does and when to use it, and instructions in Markdown.
    pub fn new(name: &str, description: &str, body: &str) -> Self {
        let quoted = |text: &str| {
            let mut out = Vec::new();
            // JSON's strings are YAML's, between double quotation marks.
            write_string(text, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        let (name, description) = (quoted(name), quoted(description));
        let markdown = format!("---\nname: {name}\ndescription: {description}\n---\n\n{body}\n");
        Self::from_markdown(markdown)
    }

    /// A skill from its whole `SKILL.md`, usually from `include_str!`.
    pub fn from_markdown(markdown: impl Into<String>) -> Self {
        Self { under: String::new(), markdown: markdown.into(), files: Vec::new() }
    }

    /// A file beside `SKILL.md`, at a path such as `scripts/extract.py`; bytes usually come from `include_bytes!`.
    #[must_use]
    pub fn file(mut self, path: impl Into<String>, contents: impl Into<Bytes>) -> Self {
        self.files.push((path.into(), contents.into()));
        self
    }

    /// The folder above it, such as `acme/billing`: it tells skills of one name apart.
    #[must_use]
    pub fn under(mut self, folder: impl Into<String>) -> Self {
        self.under = folder.into();
        self
    }

    /// Its files, by their paths below the root of all skills.
    pub(crate) fn into_files(self) -> Result<Vec<(String, Bytes)>, Fault> {
        let named = Frontmatter::read(&self.markdown);
        let name = match named {
            Ok(frontmatter) => frontmatter.name,
            Err(error) => return Err(fault(&self.under, error)),
        };
        let folder = if self.under.is_empty() { name } else { format!("{}/{name}", self.under) };
        let mut files = vec![(format!("{folder}/{SKILL_FILE}"), Bytes::from(self.markdown))];
        files.extend(self.files.into_iter().map(|(path, bytes)| (format!("{folder}/{path}"), bytes)));
        Ok(files)
    }
}

fn fault(under: &str, error: FrontmatterError) -> Fault {
    let file = if under.is_empty() { SKILL_FILE.to_owned() } else { format!("{under}/…/{SKILL_FILE}") };
    Fault::Frontmatter { file, error }
}
