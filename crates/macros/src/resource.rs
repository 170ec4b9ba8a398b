//! `#[resource]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{LitStr, Token};

use crate::builder::Common;
use crate::function::{Function, argument};
use crate::parameter::hidden;
use crate::settings::{Setting, Settings};
use crate::uri;

const KNOWN: &[&str] =
    &["name", "title", "description", "mime_type", "size", "icons", "requires", "scopes", "inline"];

struct Attribute {
    uri: LitStr,
    settings: Settings,
}

impl Parse for Attribute {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(LitStr) {
            let message =
                "begin with the URI: `#[resource(\"config://app\")]` or `#[resource(\"user://{id}\")]`";
            return Err(syn::Error::new(input.span(), message));
        }
        let uri = input.parse()?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        Ok(Self { uri, settings: input.parse()? })
    }
}

/// The expression of the `Resource`.
pub(crate) fn build(
    name: &str,
    description: Option<String>,
    attribute: TokenStream,
    mut function: Function,
) -> syn::Result<TokenStream> {
    let Attribute { uri, settings } = syn::parse2(attribute)?;
    let variables = uri::variables(&uri)?;
    check_arguments(&function, &uri, &variables)?;
    let mut common = Common::new(description);
    let mut calls = TokenStream::new();
    for setting in settings.0 {
        if !common.set(&setting, &mut function)? {
            calls.extend(own(setting, !variables.is_empty())?);
        }
    }
    for each in function.arguments() {
        if let Some(complete) = &each.complete {
            let name = &each.name;
            calls.extend(quote! { .complete(#name, #complete) });
        }
    }
    let name = common.name.as_deref().unwrap_or(name);
    let common = common.calls();
    let (bind, share, read) = (function.bind_states(), function.share(), read(&function));
    let (mime, binder) = (hidden("mime"), hidden("binder"));
    let (request, context) = (hidden("request"), hidden("context"));
    let location = hidden("uri");
    let call = function.call(|value| {
        let span = function.returns.span();
        quote_spanned! { span => ::latimer::IntoContents::into_contents(#value, &#location, #mime.as_deref()) }
    });
    Ok(quote! {
        ::latimer::__private::resource(#uri, #name, move |#mime, #binder| {
            #bind
            ::core::result::Result::Ok(::latimer::__private::resource_handler(move |#request, #context| {
                #share
                let #mime = ::core::clone::Clone::clone(&#mime);
                async move {
                    #read
                    let #location = #request.uri;
                    #call
                }
            }))
        })
        #common
        #calls
    })
}

fn own(setting: Setting, is_template: bool) -> syn::Result<TokenStream> {
    match setting.name().as_str() {
        "mime_type" => {
            let mime_type = setting.string()?;
            Ok(quote! { .mime_type(#mime_type) })
        }
        "size" if is_template => Err(setting.error("a template stands for resources of many sizes")),
        "size" => {
            let size = setting.expression()?;
            Ok(quote! { .size(#size) })
        }
        _ => Err(setting.unknown("resource", KNOWN)),
    }
}

/// The arguments are the variables of the URI, no more and no fewer.
fn check_arguments(function: &Function, uri: &LitStr, variables: &[String]) -> syn::Result<()> {
    for argument in function.arguments() {
        if !variables.contains(&argument.name) {
            let message = match variables {
                [] => "the URI has no variables; write `{…}` in it, or take `State<…>` for a shared value"
                    .to_owned(),
                _ => format!("the URI has no variable `{{{}}}`; it has {}", argument.name, list(variables)),
            };
            return Err(syn::Error::new(argument.ident.span(), message));
        }
        if argument.inner.is_some() {
            let message = "a variable of a URI is never missing: take the type without `Option`";
            return Err(syn::Error::new(argument.ident.span(), message));
        }
    }
    let has = |name: &String| function.arguments().any(|argument| argument.name == *name);
    match variables.iter().find(|name| !has(name)) {
        Some(name) => {
            let message = format!("the function has no argument `{name}` for the variable `{{{name}}}`");
            Err(syn::Error::new(uri.span(), message))
        }
        None => Ok(()),
    }
}

fn list(variables: &[String]) -> String {
    let variables: Vec<_> = variables.iter().map(|name| format!("`{{{name}}}`")).collect();
    variables.join(", ")
}

fn read(function: &Function) -> TokenStream {
    let request = hidden("request");
    let each = function.arguments().enumerate().map(|(at, each)| {
        let (field, name, ty) = (argument(at), &each.name, &each.ty);
        quote! { let #field = ::latimer::__private::variable::<#ty>(&mut #request.variables, #name)?; }
    });
    let each: Vec<_> = each.collect();
    let request = (!each.is_empty()).then(|| quote! { let mut #request = #request; });
    quote! { #request #(#each)* }
}
