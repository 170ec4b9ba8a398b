//! Documents about this server, as resources.

use latimer::prelude::*;

/// The documents, by name.
const DOCUMENTS: [(&str, &str, &str); 7] = [
    ("architecture.md", "How the server is built", include_str!("../documents/architecture.md")),
    ("extension.md", "How to add to it", include_str!("../documents/extension.md")),
    ("features.md", "What it offers", include_str!("../documents/features.md")),
    ("how-it-works.md", "How its parts work", include_str!("../documents/how-it-works.md")),
    ("instructions.md", "What a model should know", INSTRUCTIONS),
    ("startup.md", "How it is started", include_str!("../documents/startup.md")),
    ("structure.md", "Where its code is", include_str!("../documents/structure.md")),
];

/// What the model should know before it uses the server.
pub(crate) const INSTRUCTIONS: &str = include_str!("../documents/instructions.md");

pub(super) fn add(server: Server) -> Server {
    let documents = DOCUMENTS.into_iter().map(|(name, about, text)| {
        let read = move |_, _| std::future::ready(text);
        Resource::new(format!("demo://resource/static/document/{name}"), name, read)
            .description(about)
            .mime_type("text/markdown")
            .size(text.len() as u64)
    });
    documents.fold(server, Server::resource)
}
