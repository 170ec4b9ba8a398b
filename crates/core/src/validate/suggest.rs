//! What was meant by a property that the schema does not know.

use super::preview::{clip, quoted};

/// How many properties of a schema are considered.
pub(super) const CANDIDATES: usize = 200;

/// A longer name is no misspelling worth the time to compare.
const LONGEST: usize = 64;
/// How many known properties are listed when none is similar.
const LISTED: usize = 8;

/// Names an unknown property, and the one of `known` that was probably meant; failing that, a few of them.
pub(super) fn unknown_property(name: &str, known: &[String]) -> String {
    let unknown = format!("unknown property {}", quoted(name));
    if let Some(meant) = similar(name, known) {
        return format!("{unknown} (did you mean {}?)", quoted(meant));
    }
    if known.is_empty() {
        return unknown;
    }
    let names: Vec<_> = known.iter().take(LISTED).map(|name| quoted(name)).collect();
    let rest = if known.len() > LISTED { ", …" } else { "" };
    format!("{unknown} (not set yet: {}{rest})", clip(&names.join(", ")))
}

fn similar<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let plain = plain(name);
    known
        .iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (strsim::osa_distance(&plain, &self::plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count() / 4)
        .filter(|(distance, candidate)| *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.as_str())
}

/// The name without case and separators, in which styles of writing names differ.
fn plain(name: &str) -> String {
    name.chars().filter(|char| !matches!(char, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        ["name", "file_path", "max_results"].map(String::from).to_vec()
    }

    #[test]
    fn a_misspelt_property_brings_the_one_that_was_meant() {
        for (name, meant) in [("nmae", "name"), ("filePath", "file_path"), ("maxresult", "max_results")] {
            let message = unknown_property(name, &known());
            assert_eq!(message, format!("unknown property \"{name}\" (did you mean \"{meant}\"?)"));
        }
    }

    #[test]
    fn a_foreign_property_brings_the_known_ones() {
        assert_eq!(
            unknown_property("verbose", &known()),
            r#"unknown property "verbose" (not set yet: "name", "file_path", "max_results")"#
        );
        assert_eq!(unknown_property("verbose", &[]), r#"unknown property "verbose""#);
        assert_eq!(unknown_property("b", &["a".into()]), r#"unknown property "b" (not set yet: "a")"#);
    }
}
