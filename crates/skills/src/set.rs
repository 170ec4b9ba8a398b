//! The files of all skills, and the skills among them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::directory;
use crate::error::{Fault, SkillsError};
use crate::file::File;
use crate::frontmatter::{Frontmatter, FrontmatterError};
use crate::path::{self, SKILL_FILE};
use crate::skill::Skill;
use crate::{MOST_BYTES, MOST_BYTES_IN_ALL, MOST_FILES, MOST_SKILLS};

/// The skills of a server: their files as they were when they were read, checked and digested.
#[derive(Clone, Debug, Default)]
pub struct Skills {
    /// By their paths below the root of all skills.
    pub(crate) files: BTreeMap<String, Arc<File>>,
    /// What skills say of themselves, by their folders.
    pub(crate) skills: BTreeMap<String, Frontmatter>,
}

impl Skills {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads all skills of a folder: every folder below it that has a `SKILL.md` is one, at its path from there. If
    /// the folder has a `SKILL.md` itself, it is the one skill, whatever the folder is called.
    ///
    /// Hidden files and those outside of skills are left out. Files of a skill that lies inside another belong to
    /// both. Later changes of the folder are not seen.
    ///
    /// # Errors
    /// When there is no skill, something cannot be read, a `SKILL.md` is not as it should be, a link leads elsewhere
    /// than to a file of the folder, or a limit is passed.
    pub fn directory(path: impl AsRef<Path>) -> Result<Self, SkillsError> {
        Ok(Self::default().add(directory::read(path.as_ref())?)?)
    }

    /// The same with one more skill.
    ///
    /// # Errors
    /// When its `SKILL.md` or the path of a file is not as it should be, a file is there already, or a limit is passed.
    pub fn with(self, skill: Skill) -> Result<Self, SkillsError> {
        Ok(self.add(skill.into_files()?)?)
    }

    /// These and others.
    ///
    /// # Errors
    /// When a file is in both, or a limit is passed.
    pub fn and(mut self, others: Self) -> Result<Self, SkillsError> {
        for (path, file) in others.files {
            self.insert(path, file)?;
        }
        Ok(self.checked()?)
    }

    /// The URIs of their `SKILL.md`, in the order of the list.
    pub fn uris(&self) -> impl Iterator<Item = String> {
        self.skills.keys().map(|folder| path::uri(&format!("{folder}/{SKILL_FILE}")))
    }

    /// The files of a skill, and of the skills inside it.
    pub(crate) fn files_of(&self, folder: &str) -> impl Iterator<Item = (&str, &Arc<File>)> {
        below(&self.files, folder).map(|(path, file)| (path.as_str(), file))
    }

    fn add(mut self, files: Vec<(String, Bytes)>) -> Result<Self, Fault> {
        for (path, bytes) in files {
            path::check(&path).map_err(|error| Fault::Path { path: path.clone().into(), error })?;
            let file = Arc::new(File::new(&path, bytes));
            self.insert(path, file)?;
        }
        self.checked()
    }

    fn insert(&mut self, path: String, file: Arc<File>) -> Result<(), Fault> {
        match self.files.entry(path) {
            Slot::Occupied(there) => Err(Fault::Twice(there.key().clone())),
            Slot::Vacant(free) => {
                free.insert(file);
                Ok(())
            }
        }
    }

    /// Finds the skills among the files.
    fn checked(mut self) -> Result<Self, Fault> {
        for (path, file) in &self.files {
            if below(&self.files, path).next().is_some() {
                return Err(Fault::FileAndFolder(path.clone()));
            }
            // What was read once has not changed since.
            let new = path::skill_of(path).filter(|folder| !self.skills.contains_key(*folder));
            let Some(folder) = new else { continue };
            let fault = |error| Fault::Frontmatter { file: path.clone(), error };
            let text = file.text().ok_or(FrontmatterError::Utf8).map_err(fault)?;
            let frontmatter = Frontmatter::read(text).map_err(fault)?;
            if path::file_name(folder) != frontmatter.name {
                let (name, folder) = (frontmatter.name, path::file_name(folder).to_owned());
                return Err(Fault::Folder { file: path.clone(), name, folder });
            }
            self.skills.insert(folder.to_owned(), frontmatter);
        }
        self.check_limits()?;
        Ok(self)
    }

    fn check_limits(&self) -> Result<(), Fault> {
        if self.skills.len() > MOST_SKILLS {
            return Err(Fault::Skills);
        }
        for folder in self.skills.keys() {
            if self.files_of(folder).count() > MOST_FILES {
                return Err(Fault::Files(folder.clone()));
            }
            if self.files_of(folder).map(|(_, file)| file.size()).sum::<u64>() > MOST_BYTES {
                return Err(Fault::Bytes(folder.clone()));
            }
        }
        if self.files.values().map(|file| file.size()).sum::<u64>() > MOST_BYTES_IN_ALL {
            return Err(Fault::BytesInAll);
        }
        Ok(())
    }
}

/// What lies below a folder, in order.
fn below<'a, V>(files: &'a BTreeMap<String, V>, folder: &str) -> impl Iterator<Item = (&'a String, &'a V)> {
    let from = format!("{folder}/");
    files.range(from.clone()..).take_while(move |(path, _)| path.starts_with(&from))
}
