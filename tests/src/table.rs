//! The tables of what each client can do (`tests/clients/table.json`, `tests/clients/asking.json`).

use std::{collections::BTreeMap, fmt, fs};

use serde::Deserialize;

use crate::{
    cell::{Cell, Outcome},
    workspace,
};

/// How a client is asked to speak.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Era {
    /// With sessions and `initialize`, up to 2025-11-25.
    Legacy,
    /// Stateless, from 2026-07-28 on.
    Modern,
}

/// How client and server are connected.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// The server is the client's child process.
    Stdio,
    /// Streamable HTTP.
    Http,
    /// Lines over a TCP connection.
    Tcp,
    /// Lines over a Unix socket.
    Unix,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Stdio, Self::Http, Self::Tcp, Self::Unix];

    /// Its name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Unix => "unix",
        }
    }
}

/// One client in one era over one transport: a row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg<'a> {
    /// The client, by its name in the table.
    pub client: &'a str,
    /// The era it is asked to speak.
    pub era: Era,
    /// How it reaches the server.
    pub transport: Transport,
}

impl fmt::Display for Leg<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let era = match self.era {
            Era::Legacy => "legacy",
            Era::Modern => "modern",
        };
        write!(f, "{}-{era}-{}", self.client, self.transport.name())
    }
}

/// A table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    deeds: Vec<Deed>,
    legs: Vec<Row>,
    absent: Vec<Absent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deed {
    deed: String,
    means: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    client: String,
    package: String,
    era: Era,
    transport: Transport,
    how: String,
    revision: String,
    /// The client speaks this one revision, so that no other era is expected of it.
    #[serde(default)]
    pinned: bool,
    yes: Vec<String>,
    cannot: BTreeMap<String, Lack>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lack {
    reason: String,
    evidence: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Absent {
    client: String,
    era: Era,
    /// Over which it does not speak that era; over none, where nothing is said.
    #[serde(default = "all_transports")]
    transports: Vec<Transport>,
    reason: String,
    evidence: String,
}

fn all_transports() -> Vec<Transport> {
    Transport::ALL.to_vec()
}

impl Table {
    /// Reads a committed table of `tests/clients`.
    ///
    /// # Panics
    /// When the file is missing or is not a table.
    #[must_use]
    pub fn load(file: &str) -> Self {
        let path = workspace().join("tests/clients").join(file);
        let text = fs::read_to_string(&path).expect("the table is committed");
        serde_json::from_str(&text).expect("the table has the form that this type describes")
    }

    /// The legs, in the order of the table.
    pub fn legs(&self) -> impl Iterator<Item = Leg<'_>> {
        self.legs.iter().map(Row::leg)
    }

    /// What is wrong with the table itself: deeds left open, reasons or evidence missing, combinations forgotten.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for deed in &self.deeds {
            if deed.means.is_empty() {
                faults.push(format!("{}: nothing says what it means", deed.deed));
            }
        }
        for row in &self.legs {
            let leg = row.leg();
            for deed in &self.deeds {
                let yes = row.yes.iter().filter(|name| **name == deed.deed).count();
                if yes + usize::from(row.cannot.contains_key(&deed.deed)) != 1 {
                    faults.push(format!("{leg}: {} must stand exactly once, in yes or in cannot", deed.deed));
                }
            }
            if row.yes.len() + row.cannot.len() != self.deeds.len() {
                faults.push(format!("{leg}: speaks of deeds that are not in the list"));
            }
            if row.cannot.values().any(|lack| lack.reason.is_empty() || lack.evidence.is_empty()) {
                faults.push(format!("{leg}: cannot needs a reason and evidence"));
            }
            if row.package.is_empty() || row.how.is_empty() {
                faults.push(format!("{leg}: package and how must be said"));
            }
        }
        faults.extend(self.forgotten());
        faults
    }

    /// Where the cells that `leg` reported differ from what the table expects of it.
    ///
    /// # Panics
    /// When the table has no such leg.
    #[must_use]
    pub fn differences(&self, leg: Leg<'_>, cells: &[Cell]) -> Vec<String> {
        let row = self.legs.iter().find(|row| row.leg() == leg);
        let row = row.unwrap_or_else(|| panic!("the table has no leg {leg}"));
        let mut differences = Vec::new();
        for Deed { deed, .. } in &self.deeds {
            let expected = if row.cannot.contains_key(deed) { Outcome::Cannot } else { Outcome::Yes };
            let reported: Vec<&Cell> = cells.iter().filter(|cell| cell.deed == *deed).collect();
            match reported.as_slice() {
                [] => differences.push(format!("{deed}: expected {expected:?}, nothing was reported")),
                [cell] if cell.outcome != expected => {
                    differences.push(format!(
                        "{deed}: expected {expected:?}, was {:?}: {}",
                        cell.outcome, cell.detail
                    ));
                }
                [cell] if deed == "connect" && cell.detail != row.revision => {
                    differences.push(format!("connect: expected {}, was {}", row.revision, cell.detail));
                }
                [_] => {}
                [_, _, ..] => differences.push(format!("{deed}: reported more than once")),
            }
        }
        for cell in cells {
            if !self.deeds.iter().any(|deed| deed.deed == cell.deed) {
                differences.push(format!("{}: reported, but not in the table", cell.deed));
            }
        }
        differences
    }

    /// The number of deeds in a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.deeds.len()
    }

    fn forgotten(&self) -> Vec<String> {
        let mut clients: Vec<&str> = self.legs.iter().map(|row| row.client.as_str()).collect();
        clients.sort_unstable();
        clients.dedup();
        let mut faults = Vec::new();
        for client in clients {
            let rows = || self.legs.iter().filter(|row| row.client == client);
            let pinned = |era| rows().any(|row| row.pinned && row.era == era);
            for era in [Era::Legacy, Era::Modern] {
                if rows().any(|row| row.pinned) && !pinned(era) {
                    continue;
                }
                let absent =
                    || self.absent.iter().filter(|absent| absent.client == client && absent.era == era);
                if absent().any(|absent| absent.reason.is_empty() || absent.evidence.is_empty()) {
                    faults.push(format!("{client}, {era:?}: absence needs a reason and evidence"));
                }
                for transport in Transport::ALL {
                    let leg = Leg { client, era, transport };
                    let rows = self.legs.iter().filter(|row| row.leg() == leg).count();
                    let absences = absent().filter(|absent| absent.transports.contains(&transport)).count();
                    if rows + absences != 1 {
                        faults.push(format!("{leg}: must stand exactly once, as a leg or as absent"));
                    }
                }
            }
        }
        faults
    }
}

impl Row {
    fn leg(&self) -> Leg<'_> {
        Leg { client: &self.client, era: self.era, transport: self.transport }
    }
}

#[cfg(test)]
mod tests {
    use super::{Era, Leg, Table, Transport};
    use crate::cell::{Cell, Outcome};

    const LEG: Leg<'_> = Leg { client: "a", era: Era::Legacy, transport: Transport::Stdio };

    fn table() -> Table {
        let text = r#"{
            "deeds": [{"deed": "connect", "means": "m"}, {"deed": "fly", "means": "m"}],
            "legs": [{
                "client": "a", "package": "p", "era": "legacy", "transport": "stdio", "how": "h", "revision": "r1",
                "yes": ["connect"], "cannot": {"fly": {"reason": "no wings", "evidence": "seen"}}
            }],
            "absent": []
        }"#;
        serde_json::from_str(text).unwrap()
    }

    fn cell(deed: &str, outcome: Outcome, detail: &str) -> Cell {
        Cell { deed: deed.to_owned(), outcome, detail: detail.to_owned() }
    }

    #[test]
    fn the_committed_tables_are_without_faults() {
        for file in ["table.json", "asking.json"] {
            assert_eq!(Table::load(file).faults(), Vec::<String>::new(), "{file}");
        }
    }

    #[test]
    fn a_forgotten_transport_is_a_fault() {
        let faults = table().faults();
        assert!(faults.iter().any(|fault| fault.starts_with("a-legacy-http")), "{faults:?}");
    }

    #[test]
    fn an_absence_is_for_the_transports_that_it_names() {
        let mut table = table();
        table.absent = serde_json::from_str(
            r#"[{"client": "a", "era": "legacy", "transports": ["tcp", "unix"], "reason": "r", "evidence": "e"},
                {"client": "a", "era": "modern", "reason": "r", "evidence": "e"}]"#,
        )
        .unwrap();
        let faults = table.faults();
        assert_eq!(faults, ["a-legacy-http: must stand exactly once, as a leg or as absent"]);
    }

    #[test]
    fn cells_as_expected_make_no_difference() {
        let cells = [cell("connect", Outcome::Yes, "r1"), cell("fly", Outcome::Cannot, "")];
        assert_eq!(table().differences(LEG, &cells), Vec::<String>::new());
    }

    #[test]
    fn more_and_less_than_expected_are_both_differences() {
        let less = [cell("connect", Outcome::No, "refused"), cell("fly", Outcome::Cannot, "")];
        let more = [cell("connect", Outcome::Yes, "r1"), cell("fly", Outcome::Yes, "")];
        let none = [cell("connect", Outcome::Yes, "r1")];
        let other_revision = [cell("connect", Outcome::Yes, "r2"), cell("fly", Outcome::Cannot, "")];
        for cells in [&less[..], &more[..], &none[..], &other_revision[..]] {
            assert_eq!(table().differences(LEG, cells).len(), 1, "{cells:?}");
        }
    }
}
