//! Tools that let something change, for those who listen. A change is one of the server: every client hears of it, and sees
//! the same lists (VER-8).

use latimer::prelude::*;
use parking_lot::Mutex;

use crate::resources::fixed;

pub(super) fn add(server: Server) -> Server {
    server.state(Turns::default()).tool(toggle).tool(update)
}

/// The resource that comes and goes.
const EXTRA: &str = "demo://resource/extra";

/// One toggle at a time.
#[derive(Debug, Default)]
struct Turns(Mutex<()>);

/// Adds a resource to those of the server, or removes it again, so that the list of resources changes.
#[tool(name = "toggle-extra-resource", title = "Extra resource", open_world = false)]
fn toggle(turns: State<Turns>, handle: State<Handle>) -> latimer::Result<String> {
    let _turn = turns.0.lock();
    if handle.remove_resource(EXTRA)? {
        return Ok(format!("Removed {EXTRA}."));
    }
    let read = |_, _| async { ResourceContents::text(EXTRA, "This resource comes and goes.") };
    let resource = Resource::new(EXTRA, "Extra Resource", read).mime_type("text/plain");
    handle.add_resource(resource.description("A resource that comes and goes"))?;
    Ok(format!("Added {EXTRA}."))
}

/// Tells everyone who watches a resource that it was updated. Its contents stay as they are.
#[tool(name = "trigger-resource-update", title = "Resource update", open_world = false)]
fn update(
    handle: State<Handle>,
    /// The number of the resource, from 1 to 100.
    id: u32,
) -> latimer::Result<String> {
    if !(1..=fixed::MOST).contains(&id) {
        return Err(ToolError::new("id is from 1 to 100").into());
    }
    let uri = fixed::uri(id);
    handle.update(&uri)?;
    Ok(format!("Updated {uri}."))
}
