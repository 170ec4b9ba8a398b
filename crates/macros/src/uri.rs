//! The variables of a URI template.

use syn::LitStr;

/// The names of the variables, in order.
///
/// # Errors
/// When a brace has no partner.
pub(crate) fn variables(uri: &LitStr) -> syn::Result<Vec<String>> {
    let text = uri.value();
    let mut names = Vec::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(['{', '}']) {
        let end = rest[start..].find('}').filter(|_| rest[start..].starts_with('{'));
        let Some(end) = end else {
            return Err(syn::Error::new(uri.span(), "a brace of the URI has no partner"));
        };
        let name = &rest[start + 1..start + end];
        names.push(name.strip_prefix('+').unwrap_or(name).to_owned());
        rest = &rest[start + end + 1..];
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::Span;

    fn of(uri: &str) -> Option<Vec<String>> {
        variables(&LitStr::new(uri, Span::call_site())).ok()
    }

    #[test]
    fn variables_are_found_in_order() {
        assert_eq!(of("config://app"), Some(vec![]));
        assert_eq!(of("db://{table}/{+path}"), Some(vec!["table".to_owned(), "path".to_owned()]));
        assert_eq!(of("x:{a"), None);
        assert_eq!(of("x:a}"), None);
    }
}
