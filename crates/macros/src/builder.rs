//! Settings that several attributes know, as calls of the builder's methods.

use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;

use crate::function::Function;
use crate::settings::Setting;

/// The settings that tools, resources and prompts have in common.
#[derive(Default)]
pub(crate) struct Common {
    pub(crate) name: Option<String>,
    title: Option<LitStr>,
    description: Option<String>,
    icons: Vec<LitStr>,
    scopes: Vec<LitStr>,
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
        let Self { icons, scopes, .. } = self;
        quote! {
            #(.title(#title))*
            #(.description(#description))*
            #(.icon(::latimer::__private::Icon::new(#icons)))*
            #(.scope(#scopes))*
        }
    }
}
