//! `#[tool]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use crate::builder::Common;
use crate::function::{Function, argument};
use crate::parameter::{Argument, Parameter, hidden};
use crate::settings::{Setting, Settings};

const KNOWN: &[&str] = &[
    "name",
    "title",
    "description",
    "icons",
    "read_only",
    "destructive",
    "idempotent",
    "open_world",
    "requires",
    "task",
    "resumable",
    "scopes",
    "ui",
    "visibility",
    "inline",
];

/// The expression of the `Tool`.
pub(crate) fn build(
    name: &str,
    description: Option<String>,
    attribute: TokenStream,
    mut function: Function,
) -> syn::Result<TokenStream> {
    let mut common = Common::new(description);
    let mut calls = TokenStream::new();
    let settings = syn::parse2::<Settings>(attribute)?.0;
    check_resumable(&settings)?;
    for setting in settings {
        if !common.set(&setting, &mut function)? {
            calls.extend(own(&setting)?);
        }
    }
    let (input, read) = match arguments(&function)? {
        Some((ty, _)) => (quote! { ::latimer::__private::Input::all::<#ty>() }, read_all(ty)),
        None => (input(&function), read_each(&function)),
    };
    let slots = slots(&function);
    let name = common.name.as_deref().unwrap_or(name);
    let common = common.calls();
    let (bind, share) = (function.bind_states(), function.share());
    let returns = &function.returns;
    let call = function.call(|value| {
        quote_spanned! { returns.span() => ::latimer::IntoToolResult::into_tool_result(#value) }
    });
    let (binder, raw, context) = (hidden("binder"), hidden("raw"), hidden("context"));
    Ok(quote! {{
        #slots
        ::latimer::__private::tool::<#returns>(#name, #input, move |#binder| {
            #bind
            ::core::result::Result::Ok(::latimer::__private::tool_handler(move |#raw, #context| {
                #share
                async move {
                    #read
                    #call
                }
            }))
        })
        #common
        #calls
    }})
}

/// Only tasks are resumed.
fn check_resumable(settings: &[Setting]) -> syn::Result<()> {
    let is_task = settings.iter().any(|setting| {
        setting.name() == "task" && setting.string().is_ok_and(|text| text.value() != "forbidden")
    });
    match settings.iter().find(|setting| setting.name() == "resumable") {
        Some(resumable) if !is_task => {
            Err(resumable
                .error("`resumable` is for tools with `task = \"optional\"` or `task = \"required\"`"))
        }
        _ => Ok(()),
    }
}

fn own(setting: &Setting) -> syn::Result<TokenStream> {
    let name = setting.name();
    let key = &setting.key;
    match name.as_str() {
        "read_only" | "destructive" | "idempotent" | "open_world" => {
            let hint = setting.switch()?;
            Ok(quote! { .#key(#hint) })
        }
        "resumable" => {
            let resumable = setting.switch()?;
            Ok(quote! { .resumable(#resumable) })
        }
        "task" => {
            let text = setting.string()?;
            let support = match text.value().as_str() {
                "forbidden" => quote! { Forbidden },
                "optional" => quote! { Optional },
                "required" => quote! { Required },
                _ => {
                    let message = "`task` is \"forbidden\", \"optional\" or \"required\"";
                    return Err(syn::Error::new(text.span(), message));
                }
            };
            Ok(quote! { .task(::latimer::wire::TaskSupport::#support) })
        }
        "ui" => {
            let page = setting.string()?;
            if !page.value().starts_with("ui://") {
                let message = "a page is at a `ui://` URI, such as `ui = \"ui://weather/today\"`";
                return Err(syn::Error::new(page.span(), message));
            }
            Ok(quote! { .ui(#page) })
        }
        "visibility" => {
            let each = setting.names()?.into_iter().map(|name| visibility(&name));
            let each = each.collect::<syn::Result<Vec<_>>>()?;
            Ok(quote! { .visibility([#(#each),*]) })
        }
        _ => Err(setting.unknown("tool", KNOWN)),
    }
}

fn visibility(name: &Ident) -> syn::Result<TokenStream> {
    let variant = match name.to_string().as_str() {
        "model" => quote! { Model },
        "app" => quote! { App },
        _ => {
            let message = "unknown caller; `visibility` knows `model`, `app`";
            return Err(syn::Error::new(name.span(), message));
        }
    };
    Ok(quote! { ::latimer::__private::UiVisibility::#variant })
}

/// The type that holds all arguments, if there is one.
fn arguments(function: &Function) -> syn::Result<Option<(&syn::Type, usize)>> {
    let mut all = function.parameters.iter().enumerate().filter_map(|(at, parameter)| match parameter {
        Parameter::Args(ty) => Some((&**ty, at)),
        _ => None,
    });
    let Some(first) = all.next() else { return Ok(None) };
    if let Some((second, _)) = all.next() {
        return Err(syn::Error::new(second.span(), "all arguments are in the first `Args<…>` already"));
    }
    if let Some(argument) = function.arguments().next() {
        let message = "all arguments are in `Args<…>`; make this one a field of it";
        return Err(syn::Error::new(argument.ident.span(), message));
    }
    Ok(Some(first))
}

/// The schema of the arguments.
fn input(function: &Function) -> TokenStream {
    let each = function.arguments().map(|argument| {
        let Argument { name, ty, description, .. } = argument;
        let description = option(description.as_ref());
        if let Some(default) = argument.default_value() {
            quote! { .defaulted::<#ty>(#name, #description, &{ let default: #ty = #default; default }) }
        } else if argument.is_required() {
            quote! { .required::<#ty>(#name, #description) }
        } else {
            quote! { .optional::<#ty>(#name, #description) }
        }
    });
    quote! {
        ::latimer::__private::Input::each(::latimer::__private::ArgumentsSchema::new() #(#each)*)
    }
}

/// A struct with a place for each argument.
fn slots(function: &Function) -> TokenStream {
    let mut arguments = function.arguments().peekable();
    if arguments.peek().is_none() {
        return TokenStream::new();
    }
    let slots = hidden("Slots");
    let (mut fields, mut arms) = (Vec::new(), Vec::new());
    for (at, each) in arguments.enumerate() {
        let (field, name, ty) = (argument(at), &each.name, &each.ty);
        fields.push(quote! { #field: ::core::option::Option<#ty> });
        arms.push(quote! {
            #name => self.#field = ::core::option::Option::Some(::latimer::__private::value::<#ty, A>(map)?)
        });
    }
    quote! {
        #[derive(Default)]
        struct #slots { #(#fields),* }

        impl ::latimer::__private::Slots for #slots {
            fn put<'de, A: ::latimer::__private::MapAccess<'de>>(
                &mut self,
                name: &str,
                map: &mut A,
            ) -> ::core::result::Result<bool, A::Error> {
                match name {
                    #(#arms,)*
                    _ => return ::core::result::Result::Ok(false),
                }
                ::core::result::Result::Ok(true)
            }
        }
    }
}

fn read_each(function: &Function) -> TokenStream {
    let mut values = Vec::new();
    for (at, each) in function.arguments().enumerate() {
        let (field, name, ty) = (argument(at), &each.name, &each.ty);
        let (slots, context) = (hidden("slots"), hidden("context"));
        let value = quote! { #slots.#field };
        values.push(if let Some(default) = each.default_value() {
            quote! { let #field: #ty = match #value { ::core::option::Option::Some(value) => value, _ => #default }; }
        } else if each.is_required() {
            quote! { let #field: #ty = ::latimer::__private::given(#value, #name, &#context)?; }
        } else {
            quote! { let #field: #ty = #value.flatten(); }
        });
    }
    if values.is_empty() {
        return TokenStream::new();
    }
    let (slots, ty) = (hidden("slots"), hidden("Slots"));
    let (raw, context) = (hidden("raw"), hidden("context"));
    quote! {
        let #slots: #ty = ::latimer::__private::read_slots(#raw, &#context)?;
        #(#values)*
    }
}

fn read_all(ty: &syn::Type) -> TokenStream {
    let (args, raw, context) = (hidden("args"), hidden("raw"), hidden("context"));
    quote! { let #args = ::latimer::__private::read_args::<#ty>(#raw, &#context)?; }
}

/// An `Option` as code.
pub(crate) fn option(value: Option<&String>) -> TokenStream {
    match value {
        Some(value) => quote! { ::core::option::Option::Some(#value) },
        None => quote! { ::core::option::Option::None },
    }
}
