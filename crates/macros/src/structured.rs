//! `#[derive(Structured)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

/// Expands the derive.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics ::latimer::IntoToolResult for #ident #ty_generics #where_clause {
            fn output_schema() -> ::core::option::Option<::latimer::__private::OutputSchema> {
                <::latimer::Json<Self> as ::latimer::IntoToolResult>::output_schema()
            }

            fn into_tool_result(
                self,
            ) -> ::core::result::Result<::latimer::wire::CallToolResult, ::latimer::Error> {
                ::latimer::IntoToolResult::into_tool_result(::latimer::Json(self))
            }
        }
    }
}
