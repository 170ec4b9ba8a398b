//! The sources that the program brings along.

use latimer_core::source::SourceError;
use latimer_host::Registry;
use latimer_host::registry::{PluginContext, Registered};

/// All of them, to be loaded by name.
pub(crate) fn registry() -> Registry {
    let demos = latimer_demo::sources().iter().fold(Registry::default(), |registry, demo| {
        let make = |_: &PluginContext<'_>| {
            let source = demo.source();
            source.map_err(|error| SourceError::new(format!("put the source together: {error}")))
        };
        registry.with(Registered::new(demo.name, demo.about, make).aliases(demo.aliases))
    });
    let everything = |_: &PluginContext<'_>| {
        let source = latimer_everything::source();
        source.map_err(|error| SourceError::new(format!("put the source together: {error}")))
    };
    let about = "Something of everything that MCP knows, to test clients with; only when it is named";
    // It has a tool of the same name as the source echo.
    demos.with(Registered::new(latimer_everything::NAME, about, everything).only_when_named())
}
