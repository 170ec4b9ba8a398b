//! The keys of an attribute.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Ident, Lit, LitBool, LitStr, Token, parenthesized};

/// `key`, `key = value` or `key(value, …)`.
pub(crate) struct Setting {
    pub(crate) key: Ident,
    value: Value,
}

enum Value {
    Flag,
    One(Box<Expr>),
    Many(Vec<Expr>),
}

/// Several settings, separated by commas.
pub(crate) struct Settings(pub(crate) Vec<Setting>);

impl Parse for Settings {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self(Punctuated::<Setting, Token![,]>::parse_terminated(input)?.into_iter().collect()))
    }
}

impl Parse for Setting {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key: Ident = input.parse()?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Value::One(input.parse()?)
        } else if input.peek(syn::token::Paren) {
            let inside;
            parenthesized!(inside in input);
            Value::Many(Punctuated::<Expr, Token![,]>::parse_terminated(&inside)?.into_iter().collect())
        } else {
            Value::Flag
        };
        Ok(Self { key, value })
    }
}

impl Setting {
    /// The key's text.
    pub(crate) fn name(&self) -> String {
        self.key.to_string()
    }

    /// An error at the key.
    pub(crate) fn error(&self, message: impl std::fmt::Display) -> syn::Error {
        syn::Error::new(self.key.span(), message)
    }

    /// The error of a key that nobody knows.
    pub(crate) fn unknown(&self, attribute: &str, known: &[&str]) -> syn::Error {
        let known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
        self.error(format!("unknown key `{}`; `#[{attribute}]` knows {}", self.key, known.join(", ")))
    }

    /// The same for an attribute that stands in several places.
    pub(crate) fn unknown_in(&self, attribute: &str, place: &str, known: &[&str]) -> syn::Error {
        let known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
        let known = known.join(", ");
        self.error(format!("unknown key `{}`; `#[{attribute}]` on {place} knows {known}", self.key))
    }

    /// A value in text: `key = "…"`.
    pub(crate) fn string(&self) -> syn::Result<LitStr> {
        match &self.value {
            Value::One(value) => literal(value),
            _ => None,
        }
        .ok_or_else(|| self.error(format!("write `{} = \"…\"`", self.key)))
    }

    /// A value in code: `key = …`.
    pub(crate) fn expression(self) -> syn::Result<Expr> {
        match self.value {
            Value::One(value) => Ok(*value),
            _ => Err(self.error(format!("write `{} = …`", self.key))),
        }
    }

    /// A switch: `key`, `key = true` or `key = false`.
    pub(crate) fn switch(&self) -> syn::Result<bool> {
        match &self.value {
            Value::Flag => return Ok(true),
            Value::One(value) => {
                if let Expr::Lit(ExprLit { lit: Lit::Bool(LitBool { value, .. }), .. }) = &**value {
                    return Ok(*value);
                }
            }
            Value::Many(_) => {}
        }
        Err(self.error(format!("write `{0}` or `{0} = false`", self.key)))
    }

    /// A switch that has no off: `key`.
    pub(crate) fn flag(&self) -> syn::Result<()> {
        match &self.value {
            Value::Flag => Ok(()),
            _ => Err(self.error(format!("write `{}` alone", self.key))),
        }
    }

    /// Several texts: `key("…", …)`.
    pub(crate) fn strings(&self) -> syn::Result<Vec<LitStr>> {
        match &self.value {
            Value::Many(values) if !values.is_empty() => values.iter().map(literal).collect(),
            _ => None,
        }
        .ok_or_else(|| self.error(format!("write `{}(\"…\", …)`", self.key)))
    }

    /// Several names: `key(one, other)`.
    pub(crate) fn names(&self) -> syn::Result<Vec<Ident>> {
        let name = |value: &Expr| match value {
            Expr::Path(path) => path.path.get_ident().cloned(),
            _ => None,
        };
        match &self.value {
            Value::Many(values) if !values.is_empty() => values.iter().map(name).collect(),
            _ => None,
        }
        .ok_or_else(|| self.error(format!("write `{}(…)` with names inside", self.key)))
    }
}

fn literal(value: &Expr) -> Option<LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.clone()),
        _ => None,
    }
}
