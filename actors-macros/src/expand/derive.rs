//! What the derive adds to a type: its policy.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Path, parse_quote};

use crate::args::default_crate;
use crate::expand::{duration, generated, placed};
use crate::policy::{PolicyArgs, Value};

/// Writes what the `Actor` impl of the `#[messages]` block builds on.
pub(crate) fn actor(input: &DeriveInput, args: &PolicyArgs) -> TokenStream {
    // Who has the framework elsewhere hears only once that it is not there.
    let krate = &args.krate.as_ref().map_or_else(default_crate, |_| parse_quote!(__actors));
    let ident = &input.ident;
    // The compiler complains of a missing `#[messages]` block where this bound stands.
    let bound = placed(quote!(Self: #krate::__private::Messages), generated(ident.span()));
    let bound = parse_quote!(#bound);
    let mut generics = input.generics.clone();
    // Of what can be no actor it has been said already.
    if !matches!(input.data, Data::Union(_)) {
        generics.make_where_clause().predicates.push(bound);
    }
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let policy = policy(args, krate);
    let derived = quote! {
        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        #[allow(clippy::all, clippy::nursery, clippy::pedantic)]
        impl #impl_generics #krate::__private::Derived for #ident #ty_generics #where_clause {
            #policy
        }
    };
    let Some(framework) = &args.krate else { return derived };
    let import = placed(quote!(use #framework::{self as __actors};), generated(framework.span()));
    quote! {
        #[allow(unused_imports, unused_qualifications)]
        const _: () = {
            #import
            #derived
        };
    }
}

/// The policy, if the attributes say anything about it.
fn policy(args: &PolicyArgs, krate: &Path) -> Option<TokenStream> {
    if args.settings.is_empty() {
        return None;
    }
    let settings = args.settings.iter().map(|setting| {
        let field = &setting.field;
        let value = value(&setting.value, krate);
        quote!(#field: #value,)
    });
    Some(quote! {
        const POLICY: #krate::Policy = #krate::Policy {
            #(#settings)*
            ..#krate::Policy::DEFAULT
        };
    })
}

fn value(value: &Value, krate: &Path) -> TokenStream {
    match value {
        Value::Capacity(Some(capacity)) => quote!(#krate::Capacity::Bounded(#capacity)),
        Value::Capacity(None) => quote!(#krate::Capacity::Unbounded),
        Value::Choice(of, variant) => {
            let of = Ident::new(of, Span::call_site());
            let variant = Ident::new(variant, Span::call_site());
            quote!(#krate::#of::#variant)
        }
        Value::Limit(Some(limit)) => {
            let limit = duration(*limit);
            quote!(#krate::Limit::After(#limit))
        }
        Value::Limit(None) => quote!(#krate::Limit::Unlimited),
        Value::Patience(Some(limit)) => {
            let limit = duration(*limit);
            quote!(::core::option::Option::Some(#limit))
        }
        Value::Patience(None) => quote!(::core::option::Option::None),
        Value::Count(count) => count.to_token_stream(),
        Value::Period(period) => duration(*period),
    }
}
