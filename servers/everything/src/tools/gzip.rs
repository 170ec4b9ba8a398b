//! Compresses data and keeps it as a resource.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use latimer::prelude::*;
use latimer::wire::ResourceLink;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::data_uri;
use crate::resources::documents;
use crate::resources::kept::{Kept, Name, Shelf};

pub(super) fn add(server: Server) -> Server {
    server.tool(gzip)
}

const MIME_TYPE: &str = "application/gzip";

/// How the resource comes back.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum OutputType {
    ResourceLink,
    Resource,
}

const fn link() -> OutputType {
    OutputType::ResourceLink
}

fn readme() -> String {
    "README.md.gz".to_owned()
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Job {
    /// The name of the compressed file.
    #[serde(default = "readme")]
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// What to compress, as a data: URI. Without it, the instructions of this server.
    data: Option<String>,
    /// Whether a link comes back, or the resource itself.
    #[serde(default = "link")]
    output_type: OutputType,
}

/// Compresses data with gzip and keeps it as a resource of the session, for an hour. Takes data: URIs only: this server
/// fetches nothing.
#[tool(name = "gzip-file-as-resource", title = "Compressed resource", open_world = false)]
fn gzip(cx: &Context, shelf: State<Shelf>, Args(job): Args<Job>) -> latimer::Result<ContentBlock> {
    let name: Name = job.name.parse().map_err(|error: &str| ToolError::new(error))?;
    let data = match &job.data {
        Some(uri) => data_uri::read(uri).map_err(|error| ToolError::new(error.to_string()))?,
        None => documents::INSTRUCTIONS.as_bytes().to_vec(),
    };
    let bytes = compressed(&data)?;
    let size = bytes.len() as u64;
    let kept = Kept { bytes: bytes.clone().into(), mime_type: MIME_TYPE };
    let uri = shelf.put(cx, &name, kept)?;
    Ok(match job.output_type {
        OutputType::Resource => {
            ContentBlock::resource(ResourceContents::blob(uri, bytes).with_mime_type(MIME_TYPE))
        }
        OutputType::ResourceLink => ContentBlock::ResourceLink(ResourceLink {
            uri,
            name: job.name,
            title: None,
            description: Some("A compressed file, kept for an hour".to_owned()),
            mime_type: Some(MIME_TYPE.to_owned()),
            size: Some(size),
            icons: Vec::new(),
            annotations: None,
            meta: None,
        }),
    })
}

fn compressed(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data)?;
    encoder.finish()
}
