//! What is wrong with the input, gathered so that all of it is said at once.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Error, Type, parse_quote};

/// The complaints about one use of a macro, each at the token at fault.
#[derive(Default)]
pub(crate) struct Complaints(Vec<Error>);

impl Complaints {
    /// Adds a complaint that points at `place`.
    pub(crate) fn at(&mut self, place: impl ToTokens, text: impl Display) {
        self.add(Error::new_spanned(place, text));
    }

    /// Adds a complaint that knows its own place.
    pub(crate) fn add(&mut self, error: Error) {
        self.0.push(error);
    }

    /// Returns what the complaints say.
    #[cfg(test)]
    pub(crate) fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// Returns where the complaints point to.
    #[cfg(test)]
    pub(crate) fn spans(&self) -> Vec<proc_macro2::Span> {
        self.0.iter().map(Error::span).collect()
    }

    /// Returns a type that says once more what was said first after there were `before` complaints. The compiler shows it only
    /// once, and asks nothing of a type with such a length.
    pub(crate) fn as_type(&self, before: usize) -> Option<Type> {
        let said = self.0.get(before)?.to_compile_error();
        Some(parse_quote!([(); #said]))
    }

    /// Forgets what was complained about after there were `before` complaints.
    pub(crate) fn forget_since(&mut self, before: usize) {
        self.0.truncate(before);
    }

    /// Returns how many complaints there are, to see whether a check added one.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl ToTokens for Complaints {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let all = self.0.iter().cloned().reduce(|mut all, next| {
            all.combine(next);
            all
        });
        if let Some(all) = all {
            tokens.extend(all.into_compile_error());
        }
    }
}
