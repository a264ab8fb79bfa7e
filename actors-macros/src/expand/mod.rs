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

/// Keeps the place but marks it as generated, so that lints leave the code there alone.
fn generated(place: Span) -> Span {
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
