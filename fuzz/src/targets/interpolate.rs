//! `${VAR}` in the values of a configuration. An input is one value.
//!
//! Held: the value becomes what a reading letter by letter makes of it, with the same variables and the same fault;
//! doubling every dollar sign gives the text back; what a variable holds is not read again.

use latimer_host::interpolate::{InterpolateError, ReferenceFault, interpolate};

/// See [`Target::words`](crate::Target::words).
pub const WORDS: &[&str] = &[
    "${A}",
    "${EMPTY}",
    "${EMPTY:-x}",
    "${NO}",
    "${NO:-y}",
    "${NESTED}",
    "$$",
    "$",
    "${",
    "}",
    ":-",
    ":?",
    "-",
    "A",
];

/// The variables that are set.
fn lookup(name: &str) -> Option<&'static str> {
    match name {
        "A" => Some("alpha"),
        "EMPTY" => Some(""),
        "NESTED" => Some("${A} $$ ${"),
        _ => None,
    }
}

/// Runs the target once.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let ours = interpolate(&text, lookup);
    match (ours, slowly(&text)) {
        (Ok(ours), Ok((text, variables, changed))) => {
            assert_eq!((ours.text, ours.variables, ours.changed), (text, variables, changed));
        }
        (Err(ours), Err(theirs)) => assert_eq!(ours, theirs),
        (ours, theirs) => panic!("{ours:?} is not {theirs:?}"),
    }
    let doubled = interpolate(&text.replace('$', "$$"), lookup).unwrap();
    assert_eq!(doubled.text, text);
    assert!(doubled.variables.is_empty());
}

type Read = (String, Vec<String>, bool);

/// The rules, letter by letter.
fn slowly(text: &str) -> Result<Read, InterpolateError> {
    let (mut out, mut variables, mut changed) = (String::new(), Vec::new(), false);
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while let Some(char) = chars.get(at) {
        at += 1;
        if *char != '$' {
            out.push(*char);
            continue;
        }
        changed = true;
        match chars.get(at) {
            Some('$') => {
                out.push('$');
                at += 1;
            }
            Some('{') => {
                let end = chars[at..].iter().position(|char| *char == '}').ok_or(ReferenceFault::Unclosed)?;
                let body: String = chars[at + 1..at + end].iter().collect();
                at += end + 1;
                let (value, variable) = value(&body)?;
                out.push_str(&value);
                variables.extend(variable);
            }
            _ => return Err(ReferenceFault::Lone.into()),
        }
    }
    Ok((out, variables, changed))
}

/// What stands between the braces becomes a value; the variable, if the value is its own.
fn value(body: &str) -> Result<(String, Option<String>), InterpolateError> {
    let name: String = body.chars().take_while(|char| char.is_ascii_alphanumeric() || *char == '_').collect();
    if name.is_empty() || name.as_bytes()[0].is_ascii_digit() {
        return Err(ReferenceFault::Name.into());
    }
    let tail = &body[name.len()..];
    let default = match tail.strip_prefix(":-") {
        Some(default) if default.contains('$') => return Err(ReferenceFault::Form.into()),
        Some(default) => Some(default),
        None if tail.is_empty() => None,
        None if tail.starts_with([':', '-', '+', '?', '=']) => return Err(ReferenceFault::Form.into()),
        None => return Err(ReferenceFault::Name.into()),
    };
    match (lookup(&name), default) {
        (Some(value), None) => Ok((value.to_owned(), Some(name))),
        (Some(value), Some(_)) if !value.is_empty() => Ok((value.to_owned(), Some(name))),
        (_, Some(default)) => Ok((default.to_owned(), None)),
        (None, None) => Err(InterpolateError::Unset(name)),
    }
}
