//! `#[derive(FormChoice)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DataEnum, DeriveInput, Fields, Ident, LitStr, Variant};

use crate::form::settings;
use crate::function::collect;

struct Choice {
    ident: Ident,
    value: String,
    title: Option<LitStr>,
}

/// Expands the derive.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let (choices, error) = match read(input) {
        Ok(choices) => (choices, None),
        // The type stays a choice, so that the one error is not followed by those of its uses.
        Err(error) => (Vec::new(), Some(error.to_compile_error())),
    };
    let ident = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let described = choices.iter().map(|choice| {
        let (value, title) =
            (&choice.value, crate::tool::option(choice.title.as_ref().map(LitStr::value).as_ref()));
        quote! { ::latimer::__private::Choice { value: #value, title: #title } }
    });
    let (places, variants): (Vec<_>, Vec<_>) =
        choices.iter().enumerate().map(|(at, choice)| (at, &choice.ident)).unzip();
    let index = if choices.is_empty() {
        quote! { 0 }
    } else {
        quote! { match self { #(Self::#variants => #places),* } }
    };
    quote! {
        #error

        #[automatically_derived]
        impl #generics ::latimer::FormChoice for #ident #arguments #bounds {
            const CHOICES: &'static [::latimer::__private::Choice] = &[#(#described),*];

            fn index(&self) -> usize {
                #index
            }

            fn at(index: usize) -> ::core::option::Option<Self> {
                match index {
                    #(#places => ::core::option::Option::Some(Self::#variants),)*
                    _ => ::core::option::Option::None,
                }
            }
        }

        #[automatically_derived]
        impl #generics ::latimer::__private::FormField for #ident #arguments #bounds {
            type Value = Self;

            fn property() -> ::latimer::__private::Property {
                ::latimer::__private::choice::property::<Self>()
            }

            fn read(json: &str) -> ::core::result::Result<Self, ::std::string::String> {
                ::latimer::__private::choice::read(json)
            }

            fn write(value: &Self) -> ::core::option::Option<::latimer::RawJson> {
                ::latimer::__private::choice::write(value)
            }
        }
    }
}

fn read(input: &DeriveInput) -> syn::Result<Vec<Choice>> {
    let Data::Enum(data) = &input.data else {
        let message = "`FormChoice` is for enums: their variants are what a user chooses from; for a form, derive `Form`";
        return Err(syn::Error::new(input.ident.span(), message));
    };
    if let Some(setting) = settings(&input.attrs)?.first() {
        return Err(setting.error("`#[form(…)]` goes on the variants of a choice"));
    }
    let choices = choices(input, data)?;
    for (at, choice) in choices.iter().enumerate() {
        if choices[..at].iter().any(|other| other.value == choice.value) {
            let message =
                format!("there is a choice \"{}\" already; give one of them another name", choice.value);
            return Err(syn::Error::new(choice.ident.span(), message));
        }
    }
    Ok(choices)
}

fn choices(input: &DeriveInput, data: &DataEnum) -> syn::Result<Vec<Choice>> {
    if data.variants.is_empty() {
        return Err(syn::Error::new(input.ident.span(), "there is nothing to choose from; add variants"));
    }
    if !input.generics.params.is_empty() {
        return Err(syn::Error::new(input.ident.span(), "a choice cannot be generic"));
    }
    collect(data.variants.iter().map(choice))
}

fn choice(variant: &Variant) -> syn::Result<Choice> {
    if !matches!(variant.fields, Fields::Unit) {
        let message = "a choice holds nothing: write the variant without fields, and make what it held a field of the form";
        return Err(syn::Error::new_spanned(&variant.fields, message));
    }
    let ident = variant.ident.clone();
    let mut choice = Choice { value: ident.unraw().to_string(), ident, title: None };
    for setting in settings(&variant.attrs)? {
        match setting.name().as_str() {
            "name" => choice.value = setting.string()?.value(),
            "title" => choice.title = Some(setting.string()?),
            _ => return Err(setting.unknown_in("form", "a variant", &["name", "title"])),
        }
    }
    Ok(choice)
}
