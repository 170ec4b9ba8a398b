//! Form fields for clients of 2025-06-18, the first that show forms (EL-2).

use super::object::{ObjectWriter, write_object};
use crate::rewrite::{Change, RewriteError, decode_string, elements, member, members};
use crate::text::write_string;

/// Titled choices become `enum` with `enumNames`, and only a yes-or-no keeps its default. A choice of several
/// has no older form: it stays as it is, and whoever asks must not ask it.
pub(super) fn to_2025_06_18(raw: &str) -> Change {
    match convert(raw) {
        Ok(Some(field)) => Change::Replace(field),
        _ => Change::Keep,
    }
}

fn convert(raw: &str) -> Result<Option<String>, RewriteError> {
    let kind = member(raw, "type")?.and_then(decode_string);
    let choices = match member(raw, "oneOf")? {
        Some(choices) if kind.as_deref() == Some("string") => read_choices(choices)?,
        _ => None,
    };
    let drops_default = kind.as_deref() != Some("boolean") && member(raw, "default")?.is_some();
    if choices.is_none() && !drops_default {
        return Ok(None);
    }
    let mut out = Vec::new();
    write_object(&mut out, |object| {
        for (name, value) in members(raw).map_while(Result::ok) {
            match (&*name, &choices) {
                ("default", _) if drops_default => {}
                ("oneOf", Some(choices)) => write_choices(object, choices),
                (name, _) => {
                    object.raw(name, value);
                }
            }
        }
    });
    Ok(String::from_utf8(out).ok())
}

/// Values and titles of `oneOf: [{const, title}]`; `None` if it is something else.
fn read_choices(raw: &str) -> Result<Option<Vec<(&str, &str)>>, RewriteError> {
    let mut choices = Vec::new();
    for choice in elements(raw) {
        let choice = choice?;
        let Some(value) = member(choice, "const")? else { return Ok(None) };
        choices.push((value, member(choice, "title")?.unwrap_or(value)));
    }
    Ok(Some(choices))
}

fn write_choices(object: &mut ObjectWriter<'_>, choices: &[(&str, &str)]) {
    object.array("enum", choices, |(value, _), out| out.extend_from_slice(value.as_bytes())).array(
        "enumNames",
        choices,
        |(_, title), out| match decode_string(title) {
            Some(title) => write_string(&title, out),
            None => write_string(title, out),
        },
    );
}
