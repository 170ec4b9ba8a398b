//! Skills as a host uses them (SK-1, SK-2): nothing is fetched before a skill is loaded, and nothing of what is fetched is
//! used before it is verified.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use latimer_client::{Client, ClientError};
use latimer_protocol::RawJson;
use latimer_protocol::wire::ResourceBody;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// The name of the extension.
pub const EXTENSION: &str = "io.modelcontextprotocol/skills";

/// Why a skill was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum SkillError {
    /// The server could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What it said is no list of skills.
    #[error("read the list of skills: {0}")]
    List(#[from] serde_json::Error),
    /// A file is not what the list says of it.
    #[error("load {uri}: {what}")]
    Unverified {
        /// Which file.
        uri: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// A skill as a server lists it.
#[derive(Debug, Deserialize)]
pub struct Skill {
    uri: String,
    frontmatter: BTreeMap<String, String>,
    resources: Vec<File>,
}

#[derive(Debug, Deserialize)]
struct File {
    uri: String,
    digest: String,
    size: usize,
}

#[derive(Deserialize)]
struct Listed {
    skills: Vec<Skill>,
}

impl Skill {
    /// The skills of a server. Nothing of them is fetched.
    ///
    /// # Errors
    /// When the server has no such list.
    pub async fn list(client: &Client) -> Result<Vec<Self>, SkillError> {
        let listed = client.request("skills/list", RawJson::empty_object()).await?;
        Ok(listed.to::<Listed>()?.skills)
    }

    /// Fetches its files, the main one first, and verifies each; the texts in the order of the list.
    ///
    /// # Errors
    /// When a file is not what the list says. Those after it are then not fetched.
    pub async fn load(&self, client: &Client) -> Result<Vec<String>, SkillError> {
        let main = self.resources.iter().filter(|file| file.uri == self.uri);
        let others = self.resources.iter().filter(|file| file.uri != self.uri);
        let mut texts = Vec::new();
        for file in main.chain(others) {
            let text = file.fetch(client).await?;
            if file.uri == self.uri && frontmatter(&text).as_ref() != Some(&self.frontmatter) {
                return Err(file.unverified("its frontmatter is not the one in the list"));
            }
            texts.push(text);
        }
        Ok(texts)
    }
}

impl File {
    async fn fetch(&self, client: &Client) -> Result<String, SkillError> {
        let contents = client.read_resource(&self.uri).await?.view()?.contents;
        let [contents] = contents.as_slice() else { return Err(self.unverified("it is not one text")) };
        let ResourceBody::Text(text) = &contents.body else {
            return Err(self.unverified("it is not one text"));
        };
        if text.len() != self.size {
            return Err(self.unverified("its size is not the one in the list"));
        }
        let digest = Sha256::digest(text).iter().fold("sha256:".to_owned(), |mut digest, byte| {
            let _ = write!(digest, "{byte:02x}");
            digest
        });
        if digest != self.digest {
            return Err(self.unverified("its digest is not the one in the list"));
        }
        Ok(text.clone())
    }

    fn unverified(&self, what: &'static str) -> SkillError {
        SkillError::Unverified { uri: self.uri.clone(), what }
    }
}

/// The frontmatter of a file: plain `name: text` lines. What is more than that is not taken for verified.
fn frontmatter(text: &str) -> Option<BTreeMap<String, String>> {
    let (head, _) = text.strip_prefix("---\n")?.split_once("\n---\n")?;
    let pair = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        let plain = |text: &str| {
            !text.is_empty() && !text.starts_with([' ', '"', '\'', '[', '{', '|', '>', '&', '*'])
        };
        (plain(name) && plain(value)).then(|| (name.to_owned(), value.trim_end().to_owned()))
    };
    head.lines().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sk_2_frontmatter_is_compared_field_by_field() {
        let read = frontmatter("---\nname: a\ndescription: b: c\n---\n\nBody.\n").unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read["description"], "b: c");
        for other in ["name: a\n", "---\nname: a\n", "---\nname: [a]\n---\n", "---\n  a: b\n---\n"] {
            assert_eq!(frontmatter(other), None, "{other}");
        }
    }
}
