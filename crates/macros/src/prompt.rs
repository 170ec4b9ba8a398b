//! `#[prompt]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::builder::Common;
use crate::function::{Function, argument};
use crate::parameter::hidden;
use crate::settings::Settings;
use crate::tool::option;

const KNOWN: &[&str] = &["name", "title", "description", "icons", "requires", "scopes", "inline"];

/// The expression of the `Prompt`.
pub(crate) fn build(
    name: &str,
    description: Option<String>,
    attribute: TokenStream,
    mut function: Function,
) -> syn::Result<TokenStream> {
    let mut common = Common::new(description);
    for setting in syn::parse2::<Settings>(attribute)?.0 {
        if !common.set(&setting, &mut function)? {
            return Err(setting.unknown("prompt", KNOWN));
        }
    }
    let mut calls = TokenStream::new();
    for each in function.arguments() {
        let (name, required) = (&each.name, each.is_required());
        let (title, description) = (option(each.title.as_ref()), option(each.description.as_ref()));
        calls.extend(quote! {
            .argument(::latimer::__private::prompt_argument(#name, #title, #description, #required))
        });
        if let Some(complete) = &each.complete {
            calls.extend(quote! { .complete(#name, #complete) });
        }
    }
    let name = common.name.as_deref().unwrap_or(name);
    let common = common.calls();
    let (bind, share, read) = (function.bind_states(), function.share(), read(&function));
    let call = function.call(|value| {
        let span = function.returns.span();
        quote_spanned! { span => ::latimer::IntoMessages::into_messages(#value) }
    });
    let (binder, given, context) = (hidden("binder"), hidden("given"), hidden("context"));
    Ok(quote! {
        ::latimer::__private::prompt(#name, move |#binder| {
            #bind
            ::core::result::Result::Ok(::latimer::__private::prompt_handler(move |#given, #context| {
                #share
                async move {
                    #read
                    #call
                }
            }))
        })
        #common
        #calls
    })
}

fn read(function: &Function) -> TokenStream {
    let given = hidden("given");
    let each = function.arguments().enumerate().map(|(at, each)| {
        let (field, name) = (argument(at), &each.name);
        let ty = each.inner.as_ref().unwrap_or(&each.ty);
        if each.is_required() {
            return quote! {
                let #field = ::latimer::__private::required_text_argument::<#ty>(&mut #given, #name)?;
            };
        }
        let value = quote! { ::latimer::__private::text_argument::<#ty>(&mut #given, #name)? };
        match each.default_value() {
            Some(default) => quote! {
                let #field = match #value { ::core::option::Option::Some(value) => value, _ => #default };
            },
            None => quote! { let #field = #value; },
        }
    });
    let each: Vec<_> = each.collect();
    let mutable = (!each.is_empty()).then(|| quote! { let mut #given = #given; });
    quote! { #mutable #(#each)* }
}
