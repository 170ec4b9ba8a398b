//! An attribute on a function.

use std::fmt;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Item, ItemFn};

use crate::docs;
use crate::function::Function;

/// What a function becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Tool,
    Resource,
    Prompt,
}

impl Kind {
    /// The kind that an attribute of a method stands for.
    pub(crate) fn of(attribute: &Attribute) -> Option<Self> {
        match attribute.path().segments.last()?.ident.to_string().as_str() {
            "tool" => Some(Self::Tool),
            "resource" => Some(Self::Resource),
            "prompt" => Some(Self::Prompt),
            _ => None,
        }
    }

    /// The expression of the tool, resource or prompt.
    pub(crate) fn build(
        self,
        name: &str,
        description: Option<String>,
        attribute: TokenStream,
        function: Function,
    ) -> syn::Result<TokenStream> {
        match self {
            Self::Tool => crate::tool::build(name, description, attribute, function),
            Self::Resource => crate::resource::build(name, description, attribute, function),
            Self::Prompt => crate::prompt::build(name, description, attribute, function),
        }
    }

    /// What the builder is called.
    fn ty(self) -> TokenStream {
        match self {
            Self::Tool => quote! { ::latimer::Tool },
            Self::Resource => quote! { ::latimer::Resource },
            Self::Prompt => quote! { ::latimer::Prompt },
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tool => "tool",
            Self::Resource => "resource",
            Self::Prompt => "prompt",
        })
    }
}

/// Expands an attribute on a function.
pub(crate) fn expand(kind: Kind, attribute: TokenStream, item: TokenStream) -> TokenStream {
    let expanded = read(kind, item.clone()).and_then(|function| function_item(kind, attribute, function));
    expanded.unwrap_or_else(|error| {
        // The author's function stays, so that the one error is not followed by those of its uses.
        let error = error.to_compile_error();
        let rest = read(kind, item).map(|function| fallback(kind, function)).unwrap_or_default();
        quote! { #error #rest }
    })
}

fn read(kind: Kind, item: TokenStream) -> syn::Result<ItemFn> {
    match syn::parse2(item)? {
        Item::Fn(function) => Ok(function),
        other => Err(syn::Error::new(other.span(), format!("`#[{kind}]` goes on a function"))),
    }
}

fn function_item(kind: Kind, attribute: TokenStream, mut function: ItemFn) -> syn::Result<TokenStream> {
    if let Some(receiver) = function.sig.receiver() {
        let message = format!("`#[{kind}]` on a method needs `#[latimer::tools]` on its `impl` block");
        return Err(syn::Error::new(receiver.span(), message));
    }
    let ident = function.sig.ident.clone();
    let name = ident.unraw().to_string();
    let called = Function::read(&mut function.sig, kind, quote! { #ident::call })?;
    let built = kind.build(&name, docs::text(&function.attrs), attribute, called)?;
    let (outer, inner): (Vec<_>, Vec<_>) =
        function.attrs.into_iter().partition(|attribute| attribute.path().is_ident("cfg"));
    let docs: Vec<_> = inner.iter().filter(|attribute| docs::is_doc(attribute)).collect();
    let (vis, ty, block) = (&function.vis, kind.ty(), &function.block);
    let about = format!("The function of the {kind} [`{name}`]({name}()).");
    let mut signature = function.sig;
    signature.ident = format_ident!("call", span = ident.span());
    Ok(quote! {
        #(#outer)*
        #(#docs)*
        #[allow(clippy::missing_panics_doc, unused_variables)]
        #[must_use]
        #vis fn #ident() -> #ty {
            #built
        }

        #(#outer)*
        #[doc = #about]
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, Debug)]
        #vis enum #ident {}

        #(#outer)*
        impl #ident {
            #(#inner)*
            // Arguments are owned, and a tool may be `async` because its kind is.
            #[allow(missing_docs, clippy::needless_pass_by_value, clippy::unused_async)]
            #vis #signature #block
        }
    })
}

/// What stands in for a function that could not be expanded.
fn fallback(kind: Kind, function: ItemFn) -> TokenStream {
    let (vis, ident, ty) = (function.vis, function.sig.ident, kind.ty());
    quote! {
        #vis fn #ident() -> #ty {
            ::core::unreachable!()
        }
    }
}
