//! What the macros write: `quote!` only, and every path absolute.

mod checks;
mod derive;
mod life;
mod mailbox;
mod messages;
#[cfg(test)]
mod tests;

pub(crate) use derive::actor;
pub(crate) use messages::messages;

use std::time::Duration;

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::quote;
use syn::Item;

use crate::block_args::MessagesArgs;

/// Lets an item on which `#[messages]` stands by mistake pass for one with a block, so that its derive does not complain as well.
pub(crate) fn no_block(item: &Item, args: &MessagesArgs) -> Option<TokenStream> {
    let (ident, generics) = match item {
        Item::Struct(item) => (&item.ident, &item.generics),
        Item::Enum(item) => (&item.ident, &item.generics),
        _ => return None,
    };
    let krate = &args.krate;
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    Some(quote!(impl #impl_generics #krate::__private::Messages for #ident #ty_generics #where_clause {}))
}

/// The same for a block that cannot be read, if it is seen for which type it was meant.
pub(crate) fn unreadable_block(block: TokenStream, args: &MessagesArgs) -> Option<TokenStream> {
    let mut tokens = block.into_iter().skip_while(|token| !matches!(token, TokenTree::Ident(word) if word == "impl")).skip(1);
    let (Some(TokenTree::Ident(actor)), Some(TokenTree::Group(_))) = (tokens.next(), tokens.next()) else { return None };
    let krate = &args.krate;
    Some(quote!(impl #krate::__private::Messages for #actor {}))
}

/// Keeps the place but marks it as generated, so that lints leave the code there alone.
pub(crate) fn generated(place: Span) -> Span {
    place.resolved_at(Span::call_site())
}

/// Puts all tokens in one place, so that the compiler points there.
fn placed(tokens: TokenStream, place: Span) -> TokenStream {
    let place_one = |token| match token {
        TokenTree::Group(group) => {
            let content = placed(group.stream(), place);
            let mut placed = Group::new(group.delimiter(), content);
            placed.set_span(place);
            TokenTree::Group(placed)
        }
        mut token => {
            token.set_span(place);
            token
        }
    };
    tokens.into_iter().map(place_one).collect()
}

/// A duration, as an expression.
fn duration(duration: Duration) -> TokenStream {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    quote!(::core::time::Duration::new(#seconds, #nanos))
}
