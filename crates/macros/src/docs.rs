//! Doc comments as descriptions.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The text of the doc comments among the attributes.
pub(crate) fn text(attributes: &[Attribute]) -> Option<String> {
    let lines: Vec<String> = attributes.iter().filter_map(line).collect();
    // A block comment is one attribute with several lines; each loses its own indentation.
    let text = lines.join("\n");
    let text = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
    let text = text.collect::<Vec<_>>().join("\n").trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Whether the attribute is a doc comment.
pub(crate) fn is_doc(attribute: &Attribute) -> bool {
    attribute.path().is_ident("doc")
}

fn line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attribute.meta else { return None };
    match &meta.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if is_doc(attribute) => Some(text.value()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn lines_are_joined_without_the_space_that_follows_the_slashes() {
        let item: syn::ItemFn = parse_quote! {
            /// Books a table.
            ///
            ///   - indented
            #[inline]
            fn f() {}
        };
        assert_eq!(text(&item.attrs).as_deref(), Some("Books a table.\n\n  - indented"));
        let item: syn::ItemFn = parse_quote! { #[doc(hidden)] fn f() {} };
        assert_eq!(text(&item.attrs), None);
    }
}
