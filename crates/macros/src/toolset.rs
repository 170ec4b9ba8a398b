//! `#[tools]` on an `impl` block.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, ImplItem, ImplItemFn, ItemImpl, Meta, parse_quote};

use crate::docs;
use crate::function::{Function, collect};
use crate::item::Kind;
use crate::parameter::hidden;

/// Expands the attribute.
pub(crate) fn expand(attribute: &TokenStream, item: TokenStream) -> TokenStream {
    let mut block = match syn::parse2::<ItemImpl>(item) {
        Ok(block) => block,
        Err(error) => {
            let message = "`#[tools]` goes on an `impl` block of a struct";
            return syn::Error::new(error.span(), message).to_compile_error();
        }
    };
    let expanded = parts(attribute, &mut block);
    let expanded = expanded.unwrap_or_else(|error| error.to_compile_error());
    quote! { #block #expanded }
}

fn parts(attribute: &TokenStream, block: &mut ItemImpl) -> syn::Result<TokenStream> {
    let marked = block.items.iter_mut().filter_map(|item| match item {
        ImplItem::Fn(method) => marked(method).transpose(),
        _ => None,
    });
    let marked = collect(marked)?;
    if !attribute.is_empty() {
        return Err(syn::Error::new(attribute.span(), "`#[tools]` has no settings; they go on the methods"));
    }
    if let Some((_, path, _)) = &block.trait_ {
        return Err(syn::Error::new(path.span(), "`#[tools]` goes on an `impl` block without a trait"));
    }
    if marked.is_empty() {
        let message = "no method has `#[tool]`, `#[resource]` or `#[prompt]`";
        return Err(syn::Error::new(block.self_ty.span(), message));
    }
    let (impl_generics, _, where_clause) = block.generics.split_for_impl();
    let (ty, this) = (&block.self_ty, hidden("this"));
    Ok(quote! {
        impl #impl_generics ::latimer::Parts for #ty #where_clause {
            #[allow(unused_variables)]
            fn parts(self: ::std::sync::Arc<Self>) -> ::std::vec::Vec<::latimer::Part> {
                ::std::vec![#({
                    let #this = ::std::sync::Arc::clone(&self);
                    ::latimer::Part::from(#marked)
                }),*]
            }
        }
    })
}

/// The expression of a marked method's part. The method loses the attributes that are ours.
fn marked(method: &mut ImplItemFn) -> syn::Result<Option<TokenStream>> {
    let Some(at) = method.attrs.iter().position(|attribute| Kind::of(attribute).is_some()) else {
        return Ok(None);
    };
    let attribute = method.attrs.remove(at);
    let Some(kind) = Kind::of(&attribute) else { return Ok(None) };
    let ident = &method.sig.ident;
    let name = ident.unraw().to_string();
    let target = quote! { Self::#ident };
    let function = Function::read(&mut method.sig, kind, target)?;
    let built = kind.build(&name, docs::text(&method.attrs), settings(&attribute)?, function)?;
    method.attrs.push(
        parse_quote! { #[allow(clippy::needless_pass_by_value, clippy::unused_async, clippy::unused_self)] },
    );
    Ok(Some(built))
}

fn settings(attribute: &Attribute) -> syn::Result<TokenStream> {
    match &attribute.meta {
        Meta::Path(_) => Ok(TokenStream::new()),
        Meta::List(list) => Ok(list.tokens.clone()),
        Meta::NameValue(_) => Err(syn::Error::new(attribute.span(), "write the settings in parentheses")),
    }
}
