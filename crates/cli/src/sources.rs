//! The sources that the program brings along.

use latimer_assets::Settings;
use latimer_core::source::SourceError;
use latimer_host::Registry;
use latimer_host::registry::{Made, PluginContext, Registered};

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
    let registry = demos.with(Registered::new(latimer_everything::NAME, about, everything).only_when_named());
    let about = "Schemas and examples from disk, and what validates, compares and posts JSON documents";
    // It needs folders.
    registry.with(Registered::new(latimer_assets::NAME, about, assets).only_when_named().takes_settings())
}

fn assets(context: &PluginContext<'_>) -> Result<Made, SourceError> {
    let settings = Settings::from_value(context.settings, context.base);
    let settings = settings.map_err(|error| SourceError::new(error.to_string()))?;
    let facts = settings.facts();
    let source = latimer_assets::source(settings).map_err(|error| SourceError::new(error.to_string()))?;
    Ok(Made { source, facts })
}
