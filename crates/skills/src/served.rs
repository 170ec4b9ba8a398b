//! Skills, ready to be served: the extension, and the resources that are their files (SK-1).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use latimer_core::extension::{
    Extension, ExtensionCall, ExtensionDefinition, ExtensionId, ExtensionMethod, ExtensionResult,
};
use latimer_core::local::{EntryHandler, LocalEntry};
use latimer_core::{Answer, BoxFuture, Call, CallError, Operation, Outcome};
use latimer_protocol::encode::{CacheHint, CacheScope};
use latimer_protocol::wire::{ReadResourceResult, Resource, ResourceTemplate};
use latimer_protocol::{RawJson, RpcError};
use serde::{Deserialize, Serialize};

use crate::ID;
use crate::cursor::{List, page};
use crate::file::File;
use crate::frontmatter::Frontmatter;
use crate::path::{self, SCHEME, SKILL_FILE};
use crate::set::Skills;

/// The type of a folder.
const FOLDER: &str = "inode/directory";

/// How long a client may keep what is said of skills, in milliseconds: they change only when the server is built anew.
const KEPT_MS: u64 = 60_000;

/// Skills as the extension `io.modelcontextprotocol/skills` serves them.
pub struct Served {
    /// The entries of `skills/list`, by URI.
    skills: List,
    /// The children of every folder, by its URI.
    folders: HashMap<String, List>,
    /// The files, by URI.
    files: Arc<HashMap<String, Arc<File>>>,
    /// What is listed as a resource: each `SKILL.md`.
    listed: Vec<Resource>,
}

impl Skills {
    /// The skills, ready to be served.
    ///
    /// # Errors
    /// When an entry cannot be written as JSON.
    pub fn serve(&self) -> Result<Served, serde_json::Error> {
        let mut listed = Vec::new();
        let mut skills = List::new();
        for (folder, frontmatter) in &self.skills {
            let path = format!("{folder}/{SKILL_FILE}");
            listed.extend(self.files.get(&path).map(|file| of_skill(&path, frontmatter, file)));
            skills.push((path::uri(&path), self.entry(folder, frontmatter)?));
        }
        skills.sort_by(|(a, _), (b, _)| a.cmp(b));
        let files = self.files.iter().map(|(path, file)| (path::uri(path), file.clone())).collect();
        Ok(Served { skills, folders: self.folders()?, files: Arc::new(files), listed })
    }

    /// An entry of `skills/list`.
    fn entry(&self, folder: &str, frontmatter: &Frontmatter) -> Result<RawJson, serde_json::Error> {
        #[derive(Serialize)]
        struct Entry<'a> {
            uri: String,
            frontmatter: &'a RawJson,
            resources: Vec<Digested<'a>>,
        }
        #[derive(Serialize)]
        struct Digested<'a> {
            uri: String,
            digest: &'a str,
            size: u64,
        }
        let digested = |(path, file): (_, &'_ Arc<File>)| (path::uri(path), file.clone());
        let files: Vec<_> = self.files_of(folder).map(digested).collect();
        let resources = files.iter().map(|(uri, file)| Digested {
            uri: uri.clone(),
            digest: &file.digest,
            size: file.size(),
        });
        RawJson::from_serialize(&Entry {
            uri: path::uri(&format!("{folder}/{SKILL_FILE}")),
            frontmatter: &frontmatter.json,
            resources: resources.collect(),
        })
    }

    /// Every folder on the way to a file, with its children.
    fn folders(&self) -> Result<HashMap<String, List>, serde_json::Error> {
        let mut folders: BTreeMap<&str, BTreeMap<String, Resource>> = BTreeMap::new();
        for (path, file) in &self.files {
            let skill = path::skill_of(path).and_then(|folder| self.skills.get(folder));
            let mut child = match skill {
                Some(frontmatter) => of_skill(path, frontmatter, file),
                None => Resource {
                    mime_type: Some(file.mime_type.to_owned()),
                    size: Some(file.size()),
                    ..Resource::new(path::uri(path), path::file_name(path))
                },
            };
            let mut below = path.as_str();
            while let Some(folder) = path::parent(below) {
                folders.entry(folder).or_default().insert(child.uri.clone(), child);
                child = Resource {
                    mime_type: Some(FOLDER.to_owned()),
                    ..Resource::new(path::uri(folder), path::file_name(folder))
                };
                below = folder;
            }
        }
        let json = |(uri, child): (String, Resource)| Ok((uri, RawJson::from_serialize(&child)?));
        let list = |(folder, children): (&str, BTreeMap<String, Resource>)| {
            let children: Result<List, serde_json::Error> = children.into_iter().map(json).collect();
            Ok((path::uri(folder), children?))
        };
        folders.into_iter().map(list).collect()
    }
}

/// A `SKILL.md` as a resource: it has the name and description of its skill.
fn of_skill(path: &str, frontmatter: &Frontmatter, file: &File) -> Resource {
    Resource {
        description: Some(frontmatter.description.clone()),
        mime_type: Some(file.mime_type.to_owned()),
        size: Some(file.size()),
        ..Resource::new(path::uri(path), frontmatter.name.clone())
    }
}

impl Served {
    /// The resources: every `SKILL.md` by itself, and a template for all other files, which would crowd the list.
    ///
    /// # Errors
    /// When one cannot be written as JSON.
    pub fn entries(&self) -> Result<Vec<LocalEntry>, serde_json::Error> {
        let handler = reader(&self.files);
        let listed = self.listed.iter().map(|resource| LocalEntry::resource(resource, handler.clone()));
        let mut entries = listed.collect::<Result<Vec<_>, _>>()?;
        let template = ResourceTemplate {
            title: Some("Files of skills".to_owned()),
            description: Some(
                "The files of the skills that skills/list names, each with its digest.".to_owned(),
            ),
            ..ResourceTemplate::new(format!("{SCHEME}{{+path}}"), "skill-files")
        };
        entries.push(LocalEntry::template(&template, handler)?);
        Ok(entries)
    }

    fn list(&self, params: &RawJson) -> Result<ExtensionResult, CallError> {
        let Cursor { cursor } = read(params)?;
        let (skills, next_cursor) = paged(&self.skills, "skills", cursor.as_deref())?;
        result(&SkillsPage { skills, next_cursor })
    }

    fn get(&self, params: &RawJson) -> Result<ExtensionResult, CallError> {
        let Named { uri, .. } = read(params)?;
        let at = self.skills.binary_search_by(|(own, _)| own.as_str().cmp(&uri));
        let (_, entry) = at.ok().and_then(|at| self.skills.get(at)).ok_or_else(|| unknown("skill", &uri))?;
        result(&OneSkill { skill: entry })
    }

    fn read_folder(&self, params: &RawJson) -> Result<ExtensionResult, CallError> {
        let Named { uri, cursor } = read(params)?;
        let children = self.folders.get(&uri).ok_or_else(|| unknown("directory", &uri))?;
        let (resources, next_cursor) = paged(children, &uri, cursor.as_deref())?;
        result(&FolderPage { resources, next_cursor })
    }
}

impl Extension for Served {
    fn definition(&self) -> ExtensionDefinition {
        let directory_read = RawJson::from_serialize(&Settings { directory_read: true });
        ExtensionDefinition::new(ExtensionId::from_static(ID))
            .settings(directory_read.unwrap_or_else(|_| RawJson::empty_object()))
            .method(ExtensionMethod::new("skills/list").cacheable())
            .method(ExtensionMethod::new("skills/get").cacheable())
            .method(ExtensionMethod::new("resources/directory/read").cacheable())
    }

    fn call(&self, call: ExtensionCall) -> BoxFuture<'static, Result<ExtensionResult, CallError>> {
        let outcome = match call.method.name {
            "skills/list" => self.list(&call.params),
            "skills/get" => self.get(&call.params),
            "resources/directory/read" => self.read_folder(&call.params),
            other => Err(CallError::Rpc(RpcError::method_not_found(other))),
        };
        Box::pin(std::future::ready(outcome))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    directory_read: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SkillsPage<'a> {
    skills: Vec<&'a RawJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct OneSkill<'a> {
    skill: &'a RawJson,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FolderPage<'a> {
    resources: Vec<&'a RawJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Cursor {
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    uri: String,
    #[serde(default)]
    cursor: Option<String>,
}

fn read<'de, T: Deserialize<'de>>(params: &'de RawJson) -> Result<T, CallError> {
    serde_json::from_str(params.as_str())
        .map_err(|error| CallError::invalid_params(format!("\"params\" cannot be read: {error}")))
}

fn unknown(kind: &str, uri: &str) -> CallError {
    let shown: String = uri.chars().take(256).collect();
    CallError::invalid_params(format!("there is no {kind} at {shown}"))
}

/// A page of a list, and the cursor of the next.
fn paged<'a>(
    list: &'a List,
    of: &str,
    cursor: Option<&str>,
) -> Result<(Vec<&'a RawJson>, Option<String>), CallError> {
    let invalid =
        "the cursor is not valid; take it from \"nextCursor\" of the same list, or begin again without one";
    let page = page(list, of, cursor).ok_or_else(|| CallError::invalid_params(invalid))?;
    Ok((page.entries.iter().map(|(_, json)| json).collect(), page.next))
}

/// A result that everybody may keep: all who are let in are shown the same skills.
fn result(answered: &impl Serialize) -> Result<ExtensionResult, CallError> {
    let kept = CacheHint { ttl_ms: KEPT_MS, scope: CacheScope::Public };
    Ok(ExtensionResult::new(RawJson::from_serialize(answered)?).kept(kept))
}

/// Reads a file by its URI.
fn reader(files: &Arc<HashMap<String, Arc<File>>>) -> EntryHandler {
    let files = files.clone();
    Arc::new(move |call: Call| -> BoxFuture<'static, Outcome> {
        let uri = match &call.operation {
            Operation::ReadResource { resource } => resource.uri(),
            Operation::ReadTemplate { uri, .. } => uri,
            // Nothing else is offered: a template without suggestions is completed with none.
            _ => return Box::pin(std::future::ready(Err(CallError::NoResource))),
        };
        let contents = files.get(uri).map(|file| file.contents(uri)).ok_or(CallError::NoResource);
        let answer = contents.map(|contents| Answer::Resource(ReadResourceResult::from(contents)));
        Box::pin(std::future::ready(answer))
    })
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served")
            .field("skills", &self.skills.len())
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}
