//! URI templates: which URIs fit, and what they say (RFC 6570).
//!
//! Of the template language this reads literals, `{name}` (one or more characters up to the next `/`, `?` or
//! `#`) and `{+name}` (anything). The other operators expand but cannot be told apart again reliably,
//! so that a template with one of them is refused when it is loaded.

use std::fmt;

/// A URI template that can be matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UriTemplate {
    text: Box<str>,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Variable { name: Box<str>, reserved: bool },
}

/// Why a text is not a template that can be matched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace has no partner.
    #[error("a brace at byte {0} has no partner")]
    Brace(usize),
    /// A variable's name is missing or has other characters than letters, digits, `_` and `.`.
    #[error("\"{{{0}}}\" is not a variable; write {{name}}, or {{+name}} to match slashes too")]
    Variable(String),
    /// Two variables follow each other, or one stands twice: a URI could be read in two ways.
    #[error(
        "\"{{{0}}}\" cannot be told from what precedes it; put a literal between, and use each name once"
    )]
    Ambiguous(String),
    /// There is no variable.
    #[error("it has no variable; make it a resource instead")]
    NoVariable,
}

impl UriTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// When it cannot be matched unambiguously.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts: Vec<Part> = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            if let Some(inside) = rest.strip_prefix('{') {
                let end = inside.find('}').ok_or(TemplateError::Brace(at))?;
                let variable = &inside[..end];
                let (name, reserved) = match variable.strip_prefix('+') {
                    Some(name) => (name, true),
                    None => (variable, false),
                };
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
                if name.is_empty() || !name.bytes().all(fits) {
                    return Err(TemplateError::Variable(variable.to_owned()));
                }
                let follows = matches!(parts.last(), Some(Part::Variable { .. }));
                let twice = parts
                    .iter()
                    .any(|part| matches!(part, Part::Variable { name: other, .. } if other.as_ref() == name));
                if follows || twice {
                    return Err(TemplateError::Ambiguous(variable.to_owned()));
                }
                parts.push(Part::Variable { name: name.into(), reserved });
                at += end + 2;
            } else {
                let end = rest.find(['{', '}']).unwrap_or(rest.len());
                if rest[end..].starts_with('}') {
                    return Err(TemplateError::Brace(at + end));
                }
                parts.push(Part::Literal(rest[..end].into()));
                at += end;
            }
        }
        if !parts.iter().any(|part| matches!(part, Part::Variable { .. })) {
            return Err(TemplateError::NoVariable);
        }
        Ok(Self { text: text.into(), parts })
    }

    /// The variables' names, in order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable { name, .. } => Some(name.as_ref()),
            Part::Literal(_) => None,
        })
    }

    /// What the variables are in a URI, percent-decoded, if it fits.
    ///
    /// Variables are never empty. Values with a path segment `..`, or that are not UTF-8 once decoded, do not
    /// fit (RSC-4).
    pub fn matches(&self, uri: &str) -> Option<Vec<(String, String)>> {
        let mut found = Vec::new();
        matched(&self.parts, uri, &mut found).then_some(found)
    }
}

fn matched(parts: &[Part], rest: &str, found: &mut Vec<(String, String)>) -> bool {
    match parts {
        [] => rest.is_empty(),
        [Part::Literal(literal), tail @ ..] => {
            rest.strip_prefix(literal.as_ref()).is_some_and(|rest| matched(tail, rest, found))
        }
        [Part::Variable { name, reserved }, tail @ ..] => {
            let most = if *reserved { rest.len() } else { rest.find(['/', '?', '#']).unwrap_or(rest.len()) };
            // The next literal ends the value; the last place where it stands within reach wins, as for
            // a greedy pattern, and only the places of that literal are tried.
            let ends: Vec<usize> = match tail.first() {
                Some(Part::Literal(literal)) => rest
                    .match_indices(literal.as_ref())
                    .map(|(at, _)| at)
                    .take_while(|at| *at <= most)
                    .collect(),
                _ => vec![most],
            };
            for end in ends.into_iter().rev().filter(|end| *end > 0).take(MOST_TRIES) {
                let Some(value) = decoded(&rest[..end]) else { continue };
                let before = found.len();
                found.push((name.to_string(), value));
                if matched(tail, &rest[end..], found) {
                    return true;
                }
                found.truncate(before);
            }
            false
        }
    }
}

/// How many places of a literal are tried for each variable: a URI cannot make matching long.
const MOST_TRIES: usize = 8;

/// Undoes percent-encoding.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let digits = tail.get(..2).filter(|two| two.iter().all(u8::is_ascii_hexdigit))?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    let value = String::from_utf8(bytes).ok()?;
    let climbs = value.split(['/', '\\']).any(|segment| segment == "..");
    (!climbs && !value.contains('\0')).then_some(value)
}

impl fmt::Display for UriTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(template: &str, uri: &str) -> Option<Vec<String>> {
        let found = UriTemplate::parse(template).unwrap().matches(uri)?;
        Some(found.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
    }

    #[test]
    fn variables_are_cut_out_and_decoded() {
        assert_eq!(matches("test://template/{id}/data", "test://template/1%202/data").unwrap(), ["id=1 2"]);
        assert_eq!(matches("file:///{+path}", "file:///a/b/c.txt").unwrap(), ["path=a/b/c.txt"]);
        assert_eq!(matches("db://{table}/{id}", "db://users/7").unwrap(), ["table=users", "id=7"]);
        assert_eq!(matches("x:{a}-{b}", "x:1-2-3").unwrap(), ["a=1-2", "b=3"]);
    }

    #[test]
    fn what_does_not_fit_does_not_match() {
        for uri in [
            "test://template//data",
            "test://template/1/2/data",
            "test://template/1/data/",
            "test://template/1%/data",
        ] {
            assert_eq!(matches("test://template/{id}/data", uri), None, "{uri}");
        }
    }

    #[test]
    fn rsc_4_no_value_climbs_out() {
        for uri in [
            "file:///a/../b",
            "file:///..",
            "file:///%2e%2e/x",
            "file:///a%2F..%2Fb",
            "file:///a%00",
            "file:///%ff",
        ] {
            assert_eq!(matches("file:///{+path}", uri), None, "{uri}");
        }
        assert_eq!(matches("file:///{+path}", "file:///a..b/c").unwrap(), ["path=a..b/c"]);
    }

    #[test]
    fn ambiguous_and_unsupported_templates_are_refused() {
        for bad in ["x:{a}{b}", "x:{a}/{a}", "x:{?q}", "x:{a,b}", "x:{}", "x:{a", "x:a}", "x:a"] {
            assert!(UriTemplate::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_was_put_in_comes_out(a in "[a-z0-9 é%/?]{1,12}", b in "[a-z]{1,5}") {
            let encoded: String = a.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect();
            let found = matches("t://{a}/{b}", &format!("t://{encoded}/{b}"));
            prop_assert_eq!(found.unwrap(), vec![format!("a={a}"), format!("b={b}")]);
        }

        #[test]
        fn no_uri_makes_matching_long_or_panic(uri in "x:[a-]{0,300}") {
            let _ = matches("x:{a}-{b}-{c}-{+d}-e", &uri);
        }
    }
}
