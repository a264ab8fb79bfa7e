//! The `Actor` impl of a type: its policy, and the functions of its `#[messages]` block.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{DeriveInput, Path, parse_quote};

use crate::expand::{duration, generated, placed};
use crate::policy::{PolicyArgs, Value};

/// Writes `impl Actor`.
pub(crate) fn actor(input: &DeriveInput, args: &PolicyArgs) -> TokenStream {
    let krate = &args.krate;
    let ident = &input.ident;
    // The compiler complains of a missing `#[messages]` block where this bound stands.
    let bound = placed(quote!(Self: #krate::__private::Messages), generated(ident.span()));
    let bound = parse_quote!(#bound);
    let mut generics = input.generics.clone();
    generics.make_where_clause().predicates.push(bound);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let policy = policy(args);
    let context = quote!(__ctx: &mut #krate::Context<Self>);
    let done = quote! {
        impl ::core::future::Future<
            Output = ::core::result::Result<(), #krate::BoxError>
        > + ::core::marker::Send
    };
    let messages = quote!(<Self as #krate::__private::Messages>);
    quote! {
        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        #[allow(clippy::all, clippy::nursery, clippy::pedantic)]
        impl #impl_generics #krate::Actor for #ident #ty_generics #where_clause {
            #policy

            const HOOKS: #krate::Hooks = #messages::HOOKS;
            const AT_ONCE: ::core::primitive::bool = #messages::AT_ONCE;

            fn started(&mut self, #context) -> #done {
                #messages::started(self, __ctx)
            }

            fn handle(&mut self, __message: Self::Msg, #context) -> #done {
                #messages::handle(self, __message, __ctx)
            }

            fn exited(&mut self, __exit: #krate::Exited, #context) -> #done {
                #messages::exited(self, __exit, __ctx)
            }

            fn stopped(&mut self, __reason: &#krate::ExitReason, #context) -> #done {
                #messages::stopped(self, __reason, __ctx)
            }
        }
    }
}

/// The policy, if the attributes say anything about it.
fn policy(args: &PolicyArgs) -> Option<TokenStream> {
    if args.settings.is_empty() {
        return None;
    }
    let krate = &args.krate;
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
