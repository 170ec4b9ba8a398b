//! The sources that the program brings along.

use latimer_core::source::SourceError;
use latimer_host::Registry;
use latimer_host::registry::Registered;

/// All of them, to be loaded by name.
pub(crate) fn registry() -> Registry {
    latimer_demo::sources().iter().fold(Registry::default(), |registry, demo| {
        let make = || {
            let source = demo.source();
            source.map_err(|error| SourceError::new(format!("put the source together: {error}")))
        };
        registry.with(Registered::new(demo.name, demo.about, make).aliases(demo.aliases))
    })
}
