//! Tools that point to resources.

use latimer::prelude::*;
use latimer::wire::ResourceLink;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::resources::dynamic::{self, Kind};
use crate::resources::fixed;

pub(super) fn add(server: Server) -> Server {
    server.tool(fixed_reference).tool(reference).tool(links)
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fixed {
    /// The number of the resource.
    #[schemars(range(min = 1, max = 100))]
    resource_id: u32,
}

/// Returns one of the hundred static resources, embedded.
#[tool(
    name = "getResourceReference",
    title = "Static resource",
    read_only,
    idempotent,
    open_world = false,
    inline
)]
fn fixed_reference(Args(Fixed { resource_id }): Args<Fixed>) -> [ContentBlock; 3] {
    let uri = fixed::uri(resource_id);
    [
        ContentBlock::text(format!("Returning resource reference for Resource {resource_id}:")),
        ContentBlock::resource(fixed::contents(resource_id)),
        ContentBlock::text(format!("You can access this resource using the URI: {uri}")),
    ]
}

const fn one() -> u32 {
    1
}

const fn text() -> Kind {
    Kind::Text
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Dynamic {
    /// Whether its contents are text or bytes.
    #[serde(default = "text")]
    resource_type: Kind,
    /// The number of the resource.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    resource_id: u32,
}

/// Returns one of the dynamic resources, embedded.
#[tool(name = "get-resource-reference", title = "Dynamic resource", read_only, open_world = false, inline)]
fn reference(Args(Dynamic { resource_type, resource_id }): Args<Dynamic>) -> [ContentBlock; 3] {
    let uri = dynamic::uri(resource_type, resource_id);
    [
        ContentBlock::text(format!("Returning resource reference for Resource {resource_id}:")),
        ContentBlock::resource(dynamic::contents(resource_type, resource_id)),
        ContentBlock::text(format!("You can access this resource using the URI: {uri}")),
    ]
}

const fn three() -> u32 {
    3
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Links {
    /// How many links.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 10))]
    count: u32,
}

/// Returns links to dynamic resources, by turns of bytes and of text.
#[tool(
    name = "get-resource-links",
    title = "Resource links",
    read_only,
    idempotent,
    open_world = false,
    inline
)]
fn links(Args(Links { count }): Args<Links>) -> Vec<ContentBlock> {
    let mut content = vec![ContentBlock::text(format!("Here are {count} resource links:"))];
    content.extend((1..=count).map(|id| {
        let kind = if id.is_multiple_of(2) { Kind::Text } else { Kind::Blob };
        ContentBlock::ResourceLink(ResourceLink {
            uri: dynamic::uri(kind, id),
            name: format!("{} Resource {id}", kind.as_str()),
            title: None,
            description: Some(format!("Resource {id}, {}", kind.about())),
            mime_type: Some(kind.mime_type().to_owned()),
            size: None,
            icons: Vec::new(),
            annotations: None,
            meta: None,
        })
    }));
    content
}
