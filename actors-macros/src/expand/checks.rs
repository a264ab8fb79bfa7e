//! What only the compiler can check, and how it comes to say so in our words.

use proc_macro2::{Ident, Span, TokenStream};
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
    /// An item that the user cannot name; of a second block of the same actor nothing.
    ///
    /// Each block has a macro that adds what follows the names of its methods, as one word, in a module that all blocks of the actor call the
    /// same. A second block so calls the first one's macro, which adds nothing of it, and the compiler says that the module is there
    /// twice, but nothing of two impls of each trait.
    pub(super) fn in_one_block(&self, attributes: &TokenStream, body: &TokenStream) -> TokenStream {
        let Some(only) = self.name_of_only_block() else { return quote!(#attributes const _: () = { #body };) };
        let handlers = self.block.handlers.iter().map(|handler| &handler.method);
        let methods = handlers.chain(self.block.hooks.iter().map(|hook| &hook.method));
        let mine: Vec<_> = methods.map(|method| method.ident().unraw().to_string()).collect();
        let mine = Ident::new(&format!("__{}", mine.join("_")), Span::call_site());
        let module = quote! {
            mod #only {
                macro_rules! __add {
                    (#mine $body:tt) => { #attributes const _: () = $body; };
                    ($($other:tt)*) => {};
                }
                pub(super) use __add as add;
            }
        };
        let module = placed(module, generated(self.block.self_ty.span()));
        quote! {
            #[doc(hidden)]
            #[allow(non_snake_case, unused_imports, unused_macros, unused_macro_rules)]
            #module
            #only::add! { #mine { #body } }
        }
    }

    /// What all blocks of the actor call the same, of which there should be one.
    fn name_of_only_block(&self) -> Option<Ident> {
        // Blocks of `Cache<u8>` and of `Cache<u16>`, or of two types called `Cache`, are no mistake.
        let path = type_path(&self.block.self_ty)?;
        let segment = path.segments.first().filter(|_| path.segments.len() == 1)?;
        let has_params = !self.block.generics.params.is_empty();
        let is_one_of_many = !has_params && !matches!(segment.arguments, PathArguments::None);
        (!is_one_of_many).then(|| format_ident!("__all_messages_of_{}_belong_in_one_block", self.block.name.unraw()))
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
        // The type stays where it is, so that what the compiler has to say of it is said once.
        let (begin, end) = (placed(quote!(#krate::__private::fits::<), place), placed(quote!(> (#limit, #text)), place));
        Some(quote!(#begin #ty #end))
    }

    fn has_params(&self, handler: &Handler) -> bool {
        handler.payload().any(|param| mentions(&param.ty, &self.block.generics))
    }
}
