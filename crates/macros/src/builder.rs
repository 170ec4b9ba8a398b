//! Settings that several attributes know, as calls of the builder's methods.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, LitStr};

use crate::function::{Function, collect};
use crate::settings::Setting;

/// The settings that tools, resources and prompts have in common.
#[derive(Default)]
pub(crate) struct Common {
    pub(crate) name: Option<String>,
    title: Option<LitStr>,
    description: Option<String>,
    icons: Vec<LitStr>,
    scopes: Vec<LitStr>,
    requires: Vec<Ident>,
}

impl Common {
    pub(crate) fn new(description: Option<String>) -> Self {
        Self { description, ..Self::default() }
    }

    /// Takes a setting, if it is one of these.
    pub(crate) fn set(&mut self, setting: &Setting, function: &mut Function) -> syn::Result<bool> {
        match setting.name().as_str() {
            "name" => self.name = Some(setting.string()?.value()),
            "title" => self.title = Some(setting.string()?),
            "description" => self.description = Some(setting.string()?.value()),
            "icons" => self.icons = setting.strings()?,
            "scopes" => self.scopes = setting.strings()?,
            "requires" => self.requires = collect(setting.names()?.iter().map(requirement))?,
            "inline" => {
                setting.flag()?;
                function.set_inline().map_err(|message| setting.error(message))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The calls of the builder.
    pub(crate) fn calls(&self) -> TokenStream {
        let title = self.title.iter();
        let description = self.description.iter();
        let Self { icons, scopes, requires, .. } = self;
        quote! {
            #(.title(#title))*
            #(.description(#description))*
            #(.icon(::latimer::__private::Icon::new(#icons)))*
            #(.scope(#scopes))*
            #(.requires(::latimer::Requirement::#requires))*
        }
    }
}

/// What `requires(…)` knows, and the variants of `Requirement` that it stands for.
const REQUIREMENTS: &[(&str, &str)] = &[
    ("elicitation", "Elicitation"),
    ("elicitation_url", "ElicitationUrl"),
    ("sampling", "Sampling"),
    ("sampling_tools", "SamplingTools"),
    ("roots", "Roots"),
];

fn requirement(name: &Ident) -> syn::Result<Ident> {
    match REQUIREMENTS.iter().find(|(known, _)| name == known) {
        Some((_, variant)) => Ok(Ident::new(variant, name.span())),
        None => {
            let known: Vec<_> = REQUIREMENTS.iter().map(|(known, _)| format!("`{known}`")).collect();
            let message = format!("unknown capability; `requires` knows {}", known.join(", "));
            Err(syn::Error::new(name.span(), message))
        }
    }
}
