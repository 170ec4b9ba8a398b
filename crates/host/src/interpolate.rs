//! `${VAR}`, `${VAR:-default}` and `$$` in the values of a configuration file.
//!
//! | written | becomes |
//! |---|---|
//! | `${VAR}` | the variable's value; a variable that is not set is an error, an empty one is empty text |
//! | `${VAR:-default}` | the variable's value, or `default` if it is not set or empty |
//! | `$$` | `$` |
//!
//! Everything else behind a `$` is an error, so that `$VAR` never passes for the literal text that it is. What a
//! variable holds is taken as it is: references inside it are not followed.

/// A value with its references replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpolated {
    /// The text.
    pub text: String,
    /// The variables whose values, rather than their defaults, were put in, in order.
    pub variables: Vec<String>,
    /// Whether there was any reference or `$$`.
    pub changed: bool,
}

/// Why a value cannot be interpolated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InterpolateError {
    /// `${VAR}` without a default, and VAR is not set.
    #[error("the environment variable {0} is not set")]
    Unset(String),
    /// A `$` that starts none of the three forms.
    #[error("{0}")]
    Reference(#[from] ReferenceFault),
}

/// What is wrong with a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceFault {
    /// `$` before anything but `{` and `$`.
    #[error("a `$` that stands alone")]
    Lone,
    /// `${` without `}`.
    #[error("a `${{` without its `}}`")]
    Unclosed,
    /// `${}` or `${1 x}`.
    #[error("a `${{…}}` whose name is no variable name")]
    Name,
    /// `${VAR-x}`, `${VAR:?x}` and the like, or a reference inside a default.
    #[error("a `${{…}}` of a form that is not known")]
    Form,
}

impl ReferenceFault {
    /// What to write instead.
    #[must_use]
    pub fn mend(self) -> &'static str {
        match self {
            Self::Lone => "write `${VAR}` for a variable, `$$` for a dollar sign",
            Self::Unclosed => "close it: `${VAR}`",
            Self::Name => "use letters, digits and `_`, not a digit first: `${VAR_2}`",
            Self::Form => "only `${VAR}`, `${VAR:-default}` and `$$` are understood",
        }
    }
}

/// Replaces the references in `text` by what `lookup` knows of them.
///
/// # Errors
/// The first reference that is malformed or names a variable that is not set.
pub fn interpolate<'a>(
    text: &str,
    lookup: impl Fn(&str) -> Option<&'a str>,
) -> Result<Interpolated, InterpolateError> {
    let mut out =
        Interpolated { text: String::with_capacity(text.len()), variables: Vec::new(), changed: false };
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.changed = true;
        out.text.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.text.push('$');
            rest = after;
        } else {
            let body = after.strip_prefix('{').ok_or(ReferenceFault::Lone)?;
            let (body, after) = body.split_once('}').ok_or(ReferenceFault::Unclosed)?;
            let (name, default) = reference(body)?;
            match (lookup(name), default) {
                (Some(""), Some(default)) | (None, Some(default)) => out.text.push_str(default),
                (Some(value), _) => {
                    out.text.push_str(value);
                    out.variables.push(name.to_owned());
                }
                (None, None) => return Err(InterpolateError::Unset(name.to_owned())),
            }
            rest = after;
        }
    }
    out.text.push_str(rest);
    Ok(out)
}

/// Whether `name` may name an environment variable: letters, digits and `_`, no digit first.
pub(crate) fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn reference(body: &str) -> Result<(&str, Option<&str>), ReferenceFault> {
    let end = body.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(body.len());
    let (name, tail) = body.split_at(end);
    if !is_variable_name(name) {
        return Err(ReferenceFault::Name);
    }
    if tail.is_empty() {
        return Ok((name, None));
    }
    match tail.strip_prefix(":-") {
        Some(default) if !default.contains('$') => Ok((name, Some(default))),
        Some(_) => Err(ReferenceFault::Form),
        None if tail.starts_with([':', '-', '+', '?', '=']) => Err(ReferenceFault::Form),
        None => Err(ReferenceFault::Name),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(text: &str) -> Result<String, InterpolateError> {
        let lookup = |name: &str| match name {
            "A" => Some("alpha"),
            "EMPTY" => Some(""),
            "NESTED" => Some("${A} $$"),
            _ => None,
        };
        interpolate(text, lookup).map(|done| done.text)
    }

    #[test]
    fn references_become_values() {
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("${A}", "alpha"),
            ("x${A}y${A}z", "xalphayalphaz"),
            ("${A:-b}", "alpha"),
            ("${EMPTY}", ""),
            ("${EMPTY:-b}", "b"),
            ("${NO:-b c:-d}", "b c:-d"),
            ("${NO:-}", ""),
            ("$$", "$"),
            ("$${A}", "${A}"),
            ("$$$${A}", "$${A}"),
            ("$$${A}", "$alpha"),
            ("${NESTED}", "${A} $$"),
            ("ü${A}ü", "üalphaü"),
        ] {
            assert_eq!(run(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (text, fault) in [
            ("$A", ReferenceFault::Lone),
            ("cost 5$", ReferenceFault::Lone),
            ("${A", ReferenceFault::Unclosed),
            ("${}", ReferenceFault::Name),
            ("${1A}", ReferenceFault::Name),
            ("${A B}", ReferenceFault::Name),
            ("${ A}", ReferenceFault::Name),
            ("${A-b}", ReferenceFault::Form),
            ("${A:?b}", ReferenceFault::Form),
            ("${A:-${B}}", ReferenceFault::Form),
        ] {
            assert_eq!(run(text), Err(InterpolateError::Reference(fault)), "{text}");
        }
        assert_eq!(run("${NO}"), Err(InterpolateError::Unset("NO".into())));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn doubling_every_dollar_gives_the_text_back(text in "[$ {}:A-Z_ü-]{0,24}") {
            prop_assert_eq!(run(&text.replace('$', "$$")), Ok(text));
        }

        #[test]
        fn any_text_is_answered(text in "[$ {}:A-Z_ü-]{0,24}") {
            if let Ok(done) = run(&text) {
                prop_assert!(text.contains('$') || done == text);
            }
        }
    }
}
