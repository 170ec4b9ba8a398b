//! The demo sources: small servers that show what an author writes, and give a client something to do.
//!
//! | source | what it offers |
//! |---|---|
//! | `echo` | the tools `echo` and `echo_upper` |
//! | `greet` | the tool `greet` |
//! | `demo` | progress and cancellation, structured output, resources, completion, a prompt |

mod demo;
mod echo;
mod greet;

use std::sync::Arc;

use latimer::{BuildError, Server, Source};

pub use demo::demo;
pub use echo::echo;
pub use greet::greet;

/// A source that a program can load by name.
#[derive(Clone, Copy, Debug)]
pub struct DemoSource {
    /// Its name.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// What it offers, in a sentence.
    pub about: &'static str,
    server: fn() -> Server,
}

impl DemoSource {
    /// The source as a server of its own.
    pub fn server(&self) -> Server {
        (self.server)()
    }

    /// The source, to be loaded into a server.
    ///
    /// # Errors
    /// Never, as its parts are fixed; the tests of this crate hold that.
    pub fn source(&self) -> Result<Arc<dyn Source>, BuildError> {
        self.server().into_source()
    }
}

/// All demo sources, in the order in which they are loaded.
pub fn sources() -> &'static [DemoSource] {
    &[
        DemoSource {
            name: "echo",
            aliases: &[],
            about: "Text back, as it is or in upper case",
            server: echo,
        },
        DemoSource { name: "greet", aliases: &[], about: "A greeting by name", server: greet },
        DemoSource {
            name: "demo",
            aliases: &["demo_full"],
            about: "Progress, structured output, resources, completion and a prompt",
            server: demo,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_sources_load_side_by_side() {
        let mut server = Server::new("demo server");
        for source in sources() {
            server = server.source(source.source().unwrap());
        }
        let client = server.test().await.unwrap();
        let tools = client.list_tools().await.unwrap();
        let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(names, ["countdown", "echo", "echo_upper", "greet", "tide"]);
        assert!(tools.iter().all(|tool| {
            tool.description.is_some() && tool.title.is_some() && tool.annotations.is_some()
        }));
        assert_eq!(
            client.call("echo", latimer::prelude::json!({ "message": "hi" })).await.unwrap().text(),
            "hi"
        );
    }

    #[test]
    fn names_and_aliases_are_the_documented_ones() {
        let names: Vec<_> = sources().iter().map(|source| (source.name, source.aliases)).collect();
        assert_eq!(names, [("echo", &[][..]), ("greet", &[]), ("demo", &["demo_full"])]);
        for source in sources() {
            assert_eq!(source.server().name(), source.name);
        }
    }
}
