//! The parameters of a function: what the client sends, and what is injected.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, Expr, ExprLit, FnArg, GenericArgument, Ident, Lit, Pat, PatIdent, PathArguments, PathSegment,
    Type,
};

use crate::docs;
use crate::item::Kind;
use crate::settings::Settings;

/// A parameter, by where its value comes from.
pub(crate) enum Parameter {
    /// `&Context`.
    ContextRef,
    /// `Context`.
    Context,
    /// `State<T>`.
    State(Box<Type>),
    /// `Args<T>`.
    Args(Box<Type>),
    /// Anything else: an argument that the client sends.
    Argument(Box<Argument>),
}

/// An argument that the client sends.
pub(crate) struct Argument {
    pub(crate) ident: Ident,
    /// The name that the client uses.
    pub(crate) name: String,
    pub(crate) ty: Type,
    /// `T`, if the type is `Option<T>`.
    pub(crate) inner: Option<Type>,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) default: Option<Expr>,
    pub(crate) complete: Option<Expr>,
}

impl Parameter {
    /// Reads a parameter and takes the attributes away that are ours.
    pub(crate) fn read(parameter: &mut FnArg, kind: Kind) -> syn::Result<Self> {
        let FnArg::Typed(typed) = parameter else {
            return Err(syn::Error::new(parameter.span(), "the receiver is no argument"));
        };
        let attributes = take_attributes(&mut typed.attrs);
        let injected = match &*typed.ty {
            Type::Reference(reference) => {
                if !is_named(&reference.elem, "Context") {
                    return Err(reference_error(&typed.ty, &reference.elem));
                }
                Some(Self::ContextRef)
            }
            ty if is_named(ty, "Context") => Some(Self::Context),
            ty => match (last_segment(ty), generic(ty)) {
                (Some(segment), Some(inner)) if segment.ident == "State" => {
                    Some(Self::State(inner.clone().into()))
                }
                (Some(segment), Some(inner)) if segment.ident == "Args" => {
                    Some(Self::Args(inner.clone().into()))
                }
                _ => None,
            },
        };
        if let Some(injected) = injected {
            if matches!(injected, Self::Args(_)) && kind != Kind::Tool {
                let message = format!("`Args<…>` is for tools; take the arguments of a {kind} one by one");
                return Err(syn::Error::new(typed.ty.span(), message));
            }
            return match attributes.iter().find(|attribute| !docs::is_doc(attribute)) {
                Some(attribute) => {
                    Err(syn::Error::new(attribute.span(), "this is for arguments that clients send"))
                }
                None => Ok(injected),
            };
        }
        if let Type::ImplTrait(_) = &*typed.ty {
            return Err(syn::Error::new(
                typed.ty.span(),
                "name the type: clients send JSON, which needs one",
            ));
        }
        let Pat::Ident(PatIdent { ident, by_ref: None, subpat: None, .. }) = &*typed.pat else {
            return Err(syn::Error::new(
                typed.pat.span(),
                "give the argument a name: clients send it by name",
            ));
        };
        Argument::read(ident, &typed.ty, &attributes, kind).map(|argument| Self::Argument(argument.into()))
    }
}

impl Argument {
    fn read(ident: &Ident, ty: &Type, attributes: &[Attribute], kind: Kind) -> syn::Result<Self> {
        let is_option = last_segment(ty).is_some_and(|segment| segment.ident == "Option");
        let mut argument = Self {
            ident: ident.clone(),
            name: ident.unraw().to_string(),
            ty: ty.clone(),
            inner: generic(ty).filter(|_| is_option).cloned(),
            title: None,
            description: docs::text(attributes),
            default: None,
            complete: None,
        };
        for attribute in attributes.iter().filter(|attribute| !docs::is_doc(attribute)) {
            if attribute.path().is_ident("complete") {
                if kind == Kind::Tool {
                    let message =
                        "arguments of tools cannot be completed; give the type an enum for its values";
                    return Err(syn::Error::new(attribute.span(), message));
                }
                argument.complete = Some(attribute.parse_args()?);
            } else {
                argument.set(attribute.parse_args()?, kind)?;
            }
        }
        Ok(argument)
    }

    fn set(&mut self, settings: Settings, kind: Kind) -> syn::Result<()> {
        let known: &[&str] = match kind {
            Kind::Tool => &["name", "description", "default"],
            Kind::Resource => &["name"],
            Kind::Prompt => &["name", "title", "description", "default"],
        };
        for setting in settings.0 {
            let name = setting.name();
            if !known.contains(&name.as_str()) {
                return Err(setting.unknown("arg", known));
            }
            match name.as_str() {
                "name" => self.name = setting.string()?.value(),
                "title" => self.title = Some(setting.string()?.value()),
                "description" => self.description = Some(setting.string()?.value()),
                _ => self.default = Some(setting.expression()?),
            }
        }
        Ok(())
    }

    /// Whether the client has to send it.
    pub(crate) fn is_required(&self) -> bool {
        self.inner.is_none() && self.default.is_none()
    }

    /// The default as a value of the argument's type.
    pub(crate) fn default_value(&self) -> Option<TokenStream> {
        let (default, ty) = (self.default.as_ref()?, &self.ty);
        Some(match default {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                quote! { <#ty as ::core::convert::From<&str>>::from(#text) }
            }
            other => quote! { #other },
        })
    }
}

/// Takes the doc comments, `#[arg]` and `#[complete]` out of the attributes of a parameter.
fn take_attributes(attributes: &mut Vec<Attribute>) -> Vec<Attribute> {
    let is_ours = |attribute: &Attribute| {
        docs::is_doc(attribute) || attribute.path().is_ident("arg") || attribute.path().is_ident("complete")
    };
    let (ours, theirs) = std::mem::take(attributes).into_iter().partition(is_ours);
    *attributes = theirs;
    ours
}

fn reference_error(ty: &Type, target: &Type) -> syn::Error {
    let message = if is_named(target, "str") {
        "arguments are owned: take `String` instead of `&str`".to_owned()
    } else if last_segment(target).is_some_and(|segment| segment.ident == "State") {
        "take `State<…>` by value: it is a shared pointer".to_owned()
    } else {
        let target = quote! { #target }.to_string();
        format!("arguments are owned: take `{target}` by value, or `State<{target}>` for a shared value")
    };
    syn::Error::new(ty.span(), message)
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

fn is_named(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name && segment.arguments.is_none())
}

/// `T` of `Any<T>`.
fn generic(ty: &Type) -> Option<&Type> {
    match &last_segment(ty)?.arguments {
        PathArguments::AngleBracketed(arguments) if arguments.args.len() == 1 => {
            match arguments.args.first()? {
                GenericArgument::Type(inner) => Some(inner),
                _ => None,
            }
        }
        _ => None,
    }
}

/// An identifier of the generated code, which no code of the author can meet.
pub(crate) fn hidden(name: impl std::fmt::Display) -> Ident {
    Ident::new(&format!("__{name}"), Span::mixed_site())
}
