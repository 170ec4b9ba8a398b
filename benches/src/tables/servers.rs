//! Who takes part, each in its best configuration, and who cannot.

use serde_json::json;

use crate::contest::Contestant;
use crate::entrant::ENTRANTS;
use crate::message::Client;
use crate::payload::Payload;
use crate::table::Table;

/// Starts all servers, or those whose names are given, and tells of each what it is, which clients it serves, and what keeps it away.
///
/// Those that do not start are left out of what comes back.
///
/// # Errors
/// When a name is none of a server.
pub fn start(names: &[String]) -> Result<(Vec<Contestant>, Table), String> {
    if let Some(unknown) = names.iter().find(|name| !ENTRANTS.iter().any(|entrant| entrant.name == **name)) {
        let known = ENTRANTS.map(|entrant| entrant.name).join(", ");
        return Err(format!("there is no server \"{unknown}\"; there are {known}"));
    }
    let mut table = Table::new(
        "servers",
        "Servers, each as it is fastest",
        &["server", "configuration", "2025-11-25", "2026-07-28"],
    );
    let mut contestants = Vec::new();
    for entrant in ENTRANTS {
        if !names.is_empty() && !names.iter().any(|name| name == entrant.name) {
            continue;
        }
        let mut row = vec![json!(entrant.name), json!(entrant.configuration)];
        match entrant.start() {
            Ok(contestant) => {
                row.extend(Client::ALL.map(|client| match contestant.try_call(client, Payload::SMALL) {
                    Ok(()) => json!("yes"),
                    Err(error) => json!(format!("cannot: {error}")),
                }));
                contestants.push(contestant);
            }
            Err(error) => row.push(json!(format!("absent: {error}"))),
        }
        table.row(row);
    }
    Ok((contestants, table))
}
