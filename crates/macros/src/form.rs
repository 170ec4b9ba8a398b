//! `#[derive(Form)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Expr, ExprLit, Fields, Ident, Lit, LitStr, Type};

use crate::docs;
use crate::function::collect;
use crate::settings::{Setting, Settings};

const KNOWN: &[&str] = &[
    "name",
    "title",
    "description",
    "default",
    "min_length",
    "max_length",
    "format",
    "minimum",
    "maximum",
    "min_items",
    "max_items",
];

/// What the protocol has names for (EL-2).
const FORMATS: &[&str] = &["email", "uri", "date", "date-time"];

struct Field {
    ident: Ident,
    ty: Type,
    name: String,
    title: Option<LitStr>,
    description: Option<String>,
    default: Option<Expr>,
    /// `(key, value)`
    restrictions: Vec<(Ident, Expr)>,
}

/// Expands the derive.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    build(input).unwrap_or_else(|error| {
        let error = error.to_compile_error();
        let ident = &input.ident;
        let (generics, arguments, bounds) = input.generics.split_for_impl();
        // So that the one error is not followed by those of its uses.
        quote! {
            #error

            #[automatically_derived]
            impl #generics ::latimer::Form for #ident #arguments #bounds {
                fn schema() -> ::latimer::RawJson {
                    ::core::unreachable!()
                }

                fn read(_: &::latimer::RawJson) -> ::core::result::Result<Self, ::std::string::String> {
                    ::core::unreachable!()
                }
            }
        }
    })
}

fn build(input: &DeriveInput) -> syn::Result<TokenStream> {
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => &fields.named,
            _ => return Err(wrong_shape(input)),
        },
        Data::Enum(data) => {
            let message = "a form is a struct; for the choices of one of its fields, derive `FormChoice`";
            return Err(syn::Error::new(data.enum_token.span, message));
        }
        Data::Union(_) => return Err(wrong_shape(input)),
    };
    if !input.generics.params.is_empty() {
        let message = "a form cannot be generic: its fields are known to the user before they are filled in";
        return Err(syn::Error::new(input.generics.span(), message));
    }
    let check = check_of(&input.attrs)?;
    let fields = collect(fields.iter().map(Field::read))?;
    for (at, field) in fields.iter().enumerate() {
        if fields[..at].iter().any(|other| other.name == field.name) {
            let message =
                format!("there is a field \"{}\" already; give one of them another name", field.name);
            return Err(syn::Error::new(field.ident.span(), message));
        }
    }
    let ident = &input.ident;
    let (described, read) = (fields.iter().map(Field::describe), fields.iter().map(Field::get));
    let content = (!fields.is_empty()).then(|| {
        quote! { let content = ::latimer::__private::FormContent::new(content)?; }
    });
    let check = check.map(|check| {
        quote! {
            fn check(&self) -> ::core::result::Result<(), ::std::string::String> {
                (#check)(self).map_err(|fault| ::std::string::ToString::to_string(&fault))
            }
        }
    });
    Ok(quote! {
        #[automatically_derived]
        impl ::latimer::Form for #ident {
            fn schema() -> ::latimer::RawJson {
                static SCHEMA: ::std::sync::OnceLock<::latimer::RawJson> = ::std::sync::OnceLock::new();
                let schema = SCHEMA.get_or_init(|| {
                    ::latimer::__private::FormSchema::new() #(#described)* .finish()
                });
                ::core::clone::Clone::clone(schema)
            }

            #[allow(unused_variables)]
            fn read(content: &::latimer::RawJson) -> ::core::result::Result<Self, ::std::string::String> {
                #content
                ::core::result::Result::Ok(Self { #(#read),* })
            }

            #check
        }
    })
}

fn wrong_shape(input: &DeriveInput) -> syn::Error {
    syn::Error::new(
        input.ident.span(),
        "a form is a struct with named fields: `struct When { date: String }`",
    )
}

/// The function that `#[form(check = …)]` on the struct names.
fn check_of(attributes: &[Attribute]) -> syn::Result<Option<Expr>> {
    let mut check = None;
    for setting in settings(attributes)? {
        if setting.name() != "check" {
            return Err(setting.unknown_in("form", "a struct", &["check"]));
        }
        check = Some(setting.expression()?);
    }
    Ok(check)
}

impl Field {
    fn read(field: &syn::Field) -> syn::Result<Self> {
        let Some(ident) = field.ident.clone() else {
            return Err(syn::Error::new(field.span(), "a field of a form has a name"));
        };
        let mut read = Self {
            name: ident.unraw().to_string(),
            ident,
            ty: field.ty.clone(),
            title: None,
            description: docs::text(&field.attrs),
            default: None,
            restrictions: Vec::new(),
        };
        for setting in settings(&field.attrs)? {
            let name = setting.name();
            match name.as_str() {
                "name" => read.name = setting.string()?.value(),
                "title" => read.title = Some(setting.string()?),
                "description" => read.description = Some(setting.string()?.value()),
                "default" => read.default = Some(setting.expression()?),
                "format" => {
                    let format = setting.string()?;
                    if !FORMATS.contains(&format.value().as_str()) {
                        let message =
                            "a field of a form has the format \"email\", \"uri\", \"date\" or \"date-time\"";
                        return Err(syn::Error::new(format.span(), message));
                    }
                    let key = setting.key.clone();
                    read.restrictions.push((key, syn::parse_quote!(#format)));
                }
                known if KNOWN.contains(&known) => {
                    let key = setting.key.clone();
                    read.restrictions.push((key, setting.expression()?));
                }
                _ => return Err(setting.unknown_in("form", "a field", KNOWN)),
            }
        }
        read.check_order()?;
        Ok(read)
    }

    /// Refuses a least value above the greatest, where both are plain to see.
    fn check_order(&self) -> syn::Result<()> {
        let find = |name: &str| self.restrictions.iter().find(|(key, _)| key == name);
        for (least, greatest) in
            [("min_length", "max_length"), ("minimum", "maximum"), ("min_items", "max_items")]
        {
            if let (Some((key, low)), Some((_, high))) = (find(least), find(greatest))
                && let (Some(low), Some(high)) = (number(low), number(high))
                && low > high
            {
                let message = format!("nothing fits: `{least}` is greater than `{greatest}`");
                return Err(syn::Error::new(key.span(), message));
            }
        }
        Ok(())
    }

    /// The call that adds it to the schema.
    fn describe(&self) -> TokenStream {
        let (name, ty) = (&self.name, &self.ty);
        let (title, description) = (self.title.iter(), self.description.iter());
        let restrictions = self.restrictions.iter().map(|(key, value)| quote! { .#key(#value) });
        let default = self.default.as_ref().map(|default| {
            let value = value(default, &quote! { <#ty as ::latimer::__private::FormField>::Value });
            quote! { .default(&#value) }
        });
        quote! {
            .field::<#ty>(#name, |field| {
                field #(.title(#title))* #(.description(#description))* #(#restrictions)* #default
            })
        }
    }

    /// The field in the expression of the struct.
    fn get(&self) -> TokenStream {
        let (ident, ty, name) = (&self.ident, &self.ty, &self.name);
        match &self.default {
            Some(default) => {
                let value = value(default, &quote! { <#ty as ::latimer::__private::FormField>::Value });
                quote! { #ident: content.get_or::<#ty>(#name, || ::core::convert::From::from(#value))? }
            }
            None => quote! { #ident: content.get::<#ty>(#name)? },
        }
    }
}

/// A default as a value of a type.
fn value(default: &Expr, ty: &TokenStream) -> TokenStream {
    match default {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            quote! { <#ty as ::core::convert::From<&str>>::from(#text) }
        }
        other => quote! { { let default: #ty = #other; default } },
    }
}

fn number(value: &Expr) -> Option<f64> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => number.base10_parse().ok(),
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => Some(-number(&unary.expr)?),
        _ => None,
    }
}

/// What `#[form(…)]` says.
pub(crate) fn settings(attributes: &[Attribute]) -> syn::Result<Vec<Setting>> {
    let ours = attributes.iter().filter(|attribute| attribute.path().is_ident("form"));
    let each = collect(ours.map(Attribute::parse_args::<Settings>))?;
    Ok(each.into_iter().flat_map(|settings| settings.0).collect())
}
