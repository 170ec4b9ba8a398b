//! Reading the files of skills from a folder.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::error::Fault;
use crate::frontmatter::{Frontmatter, FrontmatterError};
use crate::path::{self, PathError, SKILL_FILE};
use crate::{MOST_BYTES, MOST_BYTES_IN_ALL};

/// How deep folders are looked into.
const MOST_DEPTH: usize = 16;

/// How many files and folders are looked at.
const MOST_SEEN: usize = 65_536;

/// The files of all skills below a folder, by their paths from there.
pub(crate) fn read(root: &Path) -> Result<Vec<(String, Bytes)>, Fault> {
    let canonical = fs::canonicalize(root).map_err(|error| io(root, error))?;
    let mut walk = Walk { root: &canonical, seen: 0, files: Vec::new() };
    walk.folder(&canonical, "", 0)?;
    let mut found = walk.files;
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let single = found.iter().find(|file| file.path == SKILL_FILE);
    let prefix = single.map(|file| own_name(&file.place)).transpose()?;
    let folders: Vec<String> = found
        .iter()
        .filter_map(|file| path::skill_of(&file.path))
        .map(|folder| format!("{folder}/"))
        .collect();
    if folders.is_empty() && prefix.is_none() {
        return Err(Fault::Empty(root.to_owned()));
    }
    let mut files = Vec::new();
    let mut bytes_in_all = 0_u64;
    for file in found {
        if prefix.is_none() && !folders.iter().any(|folder| file.path.starts_with(folder.as_str())) {
            continue;
        }
        let bytes = contents(&file.place)?;
        bytes_in_all += bytes.len() as u64;
        if bytes_in_all > MOST_BYTES_IN_ALL {
            return Err(Fault::BytesInAll);
        }
        let path = match &prefix {
            Some(name) => format!("{name}/{}", file.path),
            None => file.path,
        };
        files.push((path, bytes));
    }
    Ok(files)
}

/// A file that was found.
struct Found {
    /// Its path from the root, with `/` between segments.
    path: String,
    /// Where it really is.
    place: PathBuf,
}

struct Walk<'a> {
    root: &'a Path,
    seen: usize,
    files: Vec<Found>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, path: &str, depth: usize) -> Result<(), Fault> {
        if depth > MOST_DEPTH {
            return Err(Fault::Deep { path: folder.to_owned(), most: MOST_DEPTH });
        }
        for entry in fs::read_dir(folder).map_err(|error| io(folder, error))? {
            let entry = entry.map_err(|error| io(folder, error))?;
            self.seen += 1;
            if self.seen > MOST_SEEN {
                return Err(Fault::Crowded { path: self.root.to_owned(), most: MOST_SEEN });
            }
            let place = entry.path();
            let Ok(name) = entry.file_name().into_string() else { return Err(Fault::Name(place)) };
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            match path::check(&path) {
                Ok(()) => {}
                Err(PathError::Hidden(_)) => continue,
                Err(error) => return Err(Fault::Path { path: place, error }),
            }
            let kind = entry.file_type().map_err(|error| io(&place, error))?;
            if kind.is_dir() {
                self.folder(&place, &path, depth + 1)?;
            } else if kind.is_symlink() {
                let place = self.target(&place)?;
                self.files.push(Found { path, place });
            } else if kind.is_file() {
                self.files.push(Found { path, place });
            }
        }
        Ok(())
    }

    /// Where a link leads: to a file of the folder, or it is refused.
    fn target(&self, link: &Path) -> Result<PathBuf, Fault> {
        let refused = || Fault::Link(link.to_owned());
        let target = fs::canonicalize(link).map_err(|_| refused())?;
        if target.starts_with(self.root) && target.is_file() { Ok(target) } else { Err(refused()) }
    }
}

/// The name of the one skill whose folder is the root.
fn own_name(place: &Path) -> Result<String, Fault> {
    let fault = |error| Fault::Frontmatter { file: place.display().to_string(), error };
    let bytes = contents(place)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| fault(FrontmatterError::Utf8))?;
    Frontmatter::read(text).map(|frontmatter| frontmatter.name).map_err(fault)
}

/// The bytes of a file, as many as a skill may have.
fn contents(place: &Path) -> Result<Bytes, Fault> {
    let file = fs::File::open(place).map_err(|error| io(place, error))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| io(place, error))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Fault::Bytes(place.display().to_string()));
    }
    Ok(bytes.into())
}

fn io(path: &Path, error: std::io::Error) -> Fault {
    Fault::Io { path: path.to_owned(), error }
}
