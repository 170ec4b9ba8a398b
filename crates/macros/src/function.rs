//! A function that becomes a tool, a resource or a prompt: its signature, and how it is called.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Receiver, ReturnType, Signature, Type};

use crate::item::Kind;
use crate::parameter::{Argument, Parameter, hidden};

/// A function, as far as calling it goes.
pub(crate) struct Function {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) returns: Type,
    is_async: bool,
    /// Whether it takes `self`.
    has_receiver: bool,
    /// Whether a function that is not `async` runs in the caller's task.
    inline: bool,
    /// What is called.
    target: TokenStream,
}

impl Function {
    /// Reads a signature and takes the attributes away from its parameters that are ours.
    pub(crate) fn read(signature: &mut Signature, kind: Kind, target: TokenStream) -> syn::Result<Self> {
        refuse(signature, kind)?;
        let has_receiver = signature.receiver().is_some();
        let skipped = usize::from(has_receiver);
        let parameters = signature.inputs.iter_mut().skip(skipped);
        let parameters = collect(parameters.map(|parameter| Parameter::read(parameter, kind)))?;
        let returns = match &signature.output {
            ReturnType::Default => syn::parse_quote!(()),
            ReturnType::Type(_, ty) => (**ty).clone(),
        };
        let is_async = signature.asyncness.is_some();
        Ok(Self { parameters, returns, is_async, has_receiver, inline: false, target })
    }

    /// Makes the function run in the caller's task.
    pub(crate) fn set_inline(&mut self) -> Result<(), &'static str> {
        if self.is_async {
            return Err("an `async` function always runs in the caller's task; remove `inline`");
        }
        self.inline = true;
        Ok(())
    }

    /// What the client sends, in order.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &Argument> {
        self.parameters.iter().filter_map(|parameter| match parameter {
            Parameter::Argument(argument) => Some(&**argument),
            _ => None,
        })
    }

    /// Takes the states out of the server, once.
    pub(crate) fn bind_states(&self) -> TokenStream {
        let binder = hidden("binder");
        let each = self.states().map(|(at, ty)| {
            let state = hidden(format_args!("state{at}"));
            quote! { let #state: ::latimer::State<#ty> = #binder.state::<#ty>()?; }
        });
        quote! { #(#each)* }
    }

    /// Takes a share of `self` and of the states for one call.
    pub(crate) fn share(&self) -> TokenStream {
        let this = hidden("this");
        let this = self.has_receiver.then(|| quote! { let #this = ::std::sync::Arc::clone(&#this); });
        let each = self.states().map(|(at, _)| {
            let state = hidden(format_args!("state{at}"));
            quote! { let #state = ::core::clone::Clone::clone(&#state); }
        });
        quote! { #this #(#each)* }
    }

    /// Calls the function, inside an `async` block, and hands what it returns to `convert`. The
    /// arguments are in variables that [`argument`] names.
    pub(crate) fn call(&self, convert: impl Fn(TokenStream) -> TokenStream) -> TokenStream {
        let (context, target) = (hidden("context"), &self.target);
        let this = hidden("this");
        let this = self.has_receiver.then(|| quote! { &#this, });
        let mut at = 0;
        let values = self.parameters.iter().enumerate().map(|(position, parameter)| match parameter {
            Parameter::ContextRef => quote! { &#context },
            Parameter::Context => quote! { ::core::clone::Clone::clone(&#context) },
            Parameter::State(_) => {
                let state = hidden(format_args!("state{position}"));
                quote! { #state }
            }
            Parameter::Args(_) => {
                let arguments = hidden("args");
                quote! { #arguments }
            }
            Parameter::Argument(_) => {
                let argument = argument(at);
                at += 1;
                quote! { #argument }
            }
        });
        let call = quote! { #target(#this #(#values),*) };
        // Where the value cannot be converted, the compiler points at the return type.
        let mut value = hidden("value");
        value.set_span(self.returns.span());
        let outcome = convert(quote! { #value });
        if self.is_async {
            quote! {
                let #value = #call.await;
                #outcome
            }
        } else if self.inline {
            quote! {
                let #value = #call;
                #outcome
            }
        } else {
            quote! {
                ::latimer::__private::blocking(move || {
                    let #value = #call;
                    #outcome
                })
                .await
            }
        }
    }

    fn states(&self) -> impl Iterator<Item = (usize, &Type)> {
        self.parameters.iter().enumerate().filter_map(|(at, parameter)| match parameter {
            Parameter::State(ty) => Some((at, &**ty)),
            _ => None,
        })
    }
}

/// The variable of an argument, by its place among the arguments.
pub(crate) fn argument(at: usize) -> syn::Ident {
    hidden(format_args!("argument{at}"))
}

/// All values, or all errors in one.
pub(crate) fn collect<T>(results: impl Iterator<Item = syn::Result<T>>) -> syn::Result<Vec<T>> {
    let mut values = Vec::new();
    let mut errors: Option<syn::Error> = None;
    for result in results {
        match (result, &mut errors) {
            (Ok(value), _) => values.push(value),
            (Err(error), Some(errors)) => errors.combine(error),
            (Err(error), None) => errors = Some(error),
        }
    }
    errors.map_or(Ok(values), Err)
}

fn refuse(signature: &Signature, kind: Kind) -> syn::Result<()> {
    let error = |span, message: &str| Err(syn::Error::new(span, message));
    if !signature.generics.params.is_empty() {
        let message = format!("a {kind} cannot be generic: clients send values of types that are known");
        return error(signature.generics.span(), &message);
    }
    if let Some(unsafety) = &signature.unsafety {
        return error(unsafety.span, &format!("a {kind} cannot be unsafe: anybody may call it"));
    }
    let shared = |receiver: &Receiver| {
        receiver.reference.is_some() && receiver.mutability.is_none() && receiver.colon_token.is_none()
    };
    if let Some(receiver) = signature.receiver().filter(|receiver| !shared(receiver)) {
        let message = "take `&self`: calls run at the same time; keep what changes behind a lock";
        return error(receiver.span(), message);
    }
    if let ReturnType::Type(_, ty) = &signature.output
        && let Type::ImplTrait(ty) = &**ty
    {
        return error(ty.span(), "name the return type: the definition depends on it");
    }
    Ok(())
}
