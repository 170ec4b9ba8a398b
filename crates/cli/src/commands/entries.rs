//! Lists of what a server offers.

use std::fmt::Write as _;

use latimer_client::Entry;
use latimer_protocol::RawJson;
use latimer_protocol::encode::{write_array, write_object};

/// The entries in the server's own words.
pub(crate) fn raws<T>(entries: &[Entry<T>]) -> Vec<&RawJson> {
    entries.iter().map(Entry::raw).collect()
}

/// One object with a list under each name.
pub(crate) fn json(lists: &[(&str, Vec<&RawJson>)]) -> String {
    let mut out = Vec::new();
    write_object(&mut out, |object| {
        for (name, entries) in lists {
            write_array(entries, object.key(name), |entry, out| {
                out.extend_from_slice(entry.as_str().as_bytes());
            });
        }
    });
    String::from_utf8_lossy(&out).into_owned()
}

/// Each entry on a line, with what it says about itself below.
pub(crate) fn text(entries: impl Iterator<Item = (String, Option<String>)>) -> String {
    let mut out = String::new();
    for (head, description) in entries {
        let _ = writeln!(out, "{head}");
        for line in description.unwrap_or_default().trim().lines() {
            let _ = writeln!(out, "    {line}");
        }
    }
    out
}
