//! What only the compiler can check, and how it comes to say so in our words.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::PathArguments;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::expand::messages::Expansion;
use crate::expand::{generated, placed};
use crate::generics::mentions;
use crate::model::{Handler, Message};
use crate::types::{at_most, type_path};

impl Expansion<'_> {
    /// An item whose name is taken if the actor has a second block. The compiler then says so, and nothing else: the impls
    /// that are there twice it looks at later.
    pub(super) fn only_block(&self) -> Option<TokenStream> {
        // Blocks of `Cache<u8>` and of `Cache<u16>`, or of two types called `Cache`, are no mistake.
        let path = type_path(&self.block.self_ty)?;
        let segment = path.segments.first().filter(|_| path.segments.len() == 1)?;
        let has_params = !self.block.generics.params.is_empty();
        if !has_params && !matches!(segment.arguments, PathArguments::None) {
            return None;
        }
        let name = format_ident!("__all_messages_of_{}_belong_in_one_block", self.block.name.unraw());
        let item = quote! {
            #[doc(hidden)]
            #[allow(dead_code, non_camel_case_types, clippy::all, clippy::nursery, clippy::pedantic)]
            enum #name {}
        };
        Some(placed(item, generated(self.block.self_ty.span())))
    }

    /// Lets the compiler complain of what is written well and does not fit.
    pub(super) fn checks(&self) -> TokenStream {
        let sizes = self.block.open_handlers().filter(|handler| !self.has_params(handler));
        let sizes = sizes.filter_map(|handler| {
            let cfgs = &handler.method.cfgs;
            let check = self.size_check(handler)?;
            Some(quote!(#(#cfgs)* const _: () = #check;))
        });
        quote!(#(#sizes)*)
    }

    /// The same for a message whose size depends on the actor's parameters, and so is known where it is sent.
    pub(super) fn size_check_when_sent(&self, handler: &Handler) -> Option<TokenStream> {
        let check = self.has_params(handler).then(|| self.size_check(handler))??;
        Some(quote!(const { #check }))
    }

    /// Complains of a message that makes the room of every message larger than is good.
    fn size_check(&self, handler: &Handler) -> Option<TokenStream> {
        let limit = self.size_limit.filter(|_| !handler.boxed && !handler.broken)? as usize;
        // What is certain to fit need not be asked of the compiler, for which each question is an item.
        let most: Option<usize> = handler.payload().map(|param| at_most(&param.ty)).sum();
        if handler.is_generated() && most.is_some_and(|most| most <= limit) {
            return None;
        }
        let ty = self.message_type(handler);
        let marker = match handler.message {
            Message::Generated { .. } => "message",
            Message::Own => "handle",
            Message::Item => "stream",
            Message::Tick(_) => return None,
        };
        let text = format!(
            "`{message}` has more than {limit} bytes, and every message of `{actor}` would take as much room: \
             mark it `#[{marker}(boxed)]`, or raise `#[messages(size_limit = {limit})]`",
            message = handler.message_name(),
            actor = self.block.name.unraw(),
        );
        let place = generated(handler.method.ident().span());
        let krate = self.krate;
        Some(placed(quote!(#krate::__private::fits::<#ty>(#limit, #text)), place))
    }

    fn has_params(&self, handler: &Handler) -> bool {
        handler.payload().any(|param| mentions(&param.ty, &self.block.generics))
    }
}
