//! A hundred resources that never change: odd ones are text, even ones bytes.

use latimer::prelude::*;
use latimer::{Error, ReadRequest};

/// How many there are.
pub(crate) const MOST: u32 = 100;

pub(super) fn add(server: Server) -> Server {
    let resources = (1..=MOST).map(|id| {
        let read = move |_, _| std::future::ready(contents(id));
        Resource::new(uri(id), format!("Resource {id}"), read).mime_type(mime_type(id))
    });
    resources.fold(server, Server::resource).resource(template())
}

/// The URI of a resource.
pub(crate) fn uri(id: u32) -> String {
    format!("test://static/resource/{id}")
}

/// Its contents.
pub(crate) fn contents(id: u32) -> ResourceContents {
    let contents = if id.is_multiple_of(2) {
        ResourceContents::blob(uri(id), format!("Resource {id}: This is a base64 blob"))
    } else {
        ResourceContents::text(uri(id), format!("Resource {id}: This is a plaintext resource"))
    };
    contents.with_mime_type(mime_type(id))
}

fn mime_type(id: u32) -> &'static str {
    if id.is_multiple_of(2) { "application/octet-stream" } else { "text/plain" }
}

fn template() -> Resource {
    let read = |request: ReadRequest, _| async move {
        let id = request.variables.first().and_then(|(_, id)| id.parse().ok());
        // The resources themselves are found before the template is asked.
        id.filter(|id| (1..=MOST).contains(id) && uri(*id) == request.uri)
            .map(contents)
            .ok_or(Error::NoResource)
    };
    Resource::new("test://static/resource/{id}", "Static Resource", read)
        .description("A static resource with a numeric ID, from 1 to 100")
        .complete("id", |typed: &str| {
            (1..=MOST).map(|id| id.to_string()).filter(|id| id.starts_with(typed)).collect::<Vec<_>>()
        })
}
