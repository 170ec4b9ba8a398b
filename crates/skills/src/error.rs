//! Why skills cannot be served.

use std::io;
use std::path::PathBuf;

use crate::frontmatter::FrontmatterError;
use crate::path::PathError;
use crate::{MOST_BYTES, MOST_BYTES_IN_ALL, MOST_FILES, MOST_SKILLS};

/// Why skills cannot be served: which file or skill is at fault, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SkillsError(#[from] pub(crate) Fault);

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("read {}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{} has no skills; a skill is a folder with a SKILL.md", .0.display())]
    Empty(PathBuf),
    #[error("{} is a link to something that is no file of the skills' folder; put the thing itself there", .0.display())]
    Link(PathBuf),
    #[error("{} has a name that is not UTF-8; rename it", .0.display())]
    Name(PathBuf),
    #[error("{}: {error}", path.display())]
    Path { path: PathBuf, error: PathError },
    #[error("{} is nested more than {most} folders deep; move it up", path.display())]
    Deep { path: PathBuf, most: usize },
    #[error("{} holds more than {most} files and folders; name a folder that holds the skills alone", path.display())]
    Crowded { path: PathBuf, most: usize },
    #[error("{file}: {error}")]
    Frontmatter { file: String, error: FrontmatterError },
    #[error("{file}: its name is \"{name}\", and its folder \"{folder}\"; make them equal")]
    Folder { file: String, name: String, folder: String },
    #[error("{0} is there twice; rename one of the two, or put one under another path")]
    Twice(String),
    #[error("{0} is a file and a folder; rename one of the two")]
    FileAndFolder(String),
    #[error("skill {0} has more than {MOST_FILES} files; leave out what it does not need")]
    Files(String),
    #[error("the files of skill {0} have more than {MOST_BYTES} bytes; leave out what it does not need")]
    Bytes(String),
    #[error("there are more than {MOST_SKILLS} skills; divide them between servers")]
    Skills,
    #[error("the files of all skills have more than {MOST_BYTES_IN_ALL} bytes; divide them between servers")]
    BytesInAll,
}
