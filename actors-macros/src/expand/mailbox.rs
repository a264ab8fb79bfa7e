//! What waits in the mailbox: the enum of all messages, and how a message gets into it.

use proc_macro2::{Delimiter, Group, Literal, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{GenericParam, parse_quote};

use crate::expand::messages::Expansion;
use crate::expand::{generated, placed};
use crate::generics::{sendable, type_params};
use crate::model::{Handler, Method, Reply};
use crate::sending::travels;

impl Expansion<'_> {
    /// The mailbox's types, and their impls for the actor.
    pub(super) fn mailbox(&self) -> TokenStream {
        let types = self.mailbox_types();
        let tags = self.tags();
        let protocol = self.protocol();
        let accepts = self.block.open_handlers().map(|handler| self.accepts(handler));
        let open = self.block.open.then(|| self.open());
        quote!(#types #tags #protocol #(#accepts)* #open)
    }

    /// What an open actor takes beside the messages of its block.
    fn open(&self) -> TokenStream {
        let Expansion { krate, block, message, kind, .. } = self;
        let self_ty = &block.self_ty;
        let (impl_generics, ty_generics, where_clause) = self.taken_for_sendable.split_for_impl();
        let mut generics = self.taken_for_sendable.clone();
        generics.params.push(parse_quote!(__M: ::core::marker::Send + 'static));
        generics.make_where_clause().predicates.push(parse_quote!(for<'__any> #self_ty: #krate::Handler<__M>));
        let (impl_for_all, _, where_handled) = generics.split_for_impl();
        let handler = quote!(<#self_ty as #krate::Handler<__M>>);
        quote! {
            static __OPEN: #krate::__private::OpenTypes = #krate::__private::OpenTypes::new();

            impl #impl_generics #krate::__private::Opened for #self_ty #where_clause {
                fn open(__message: #krate::__private::Open<Self>) -> #message #ty_generics {
                    #message(#kind::__Open(__message))
                }
            }

            #[diagnostic::do_not_recommend]
            impl #impl_for_all __Accepts<__M> for #self_ty #where_handled {
                type Reply = #handler::Reply;
                type Error = #handler::Error;
                const CONTROL: ::core::primitive::bool = #handler::CONTROL;

                fn accept(
                    __message: __M,
                    __reply: __ReplyTo<#handler::Reply, #handler::Error>,
                ) -> <Self as #krate::Protocol>::Msg {
                    <Self as #krate::__private::Opened>::open(#krate::__private::Open::new(__message, __reply))
                }
            }
        }
    }

    /// The two types around and behind `Protocol::Msg`.
    fn mailbox_types(&self) -> TokenStream {
        let Expansion { krate, block, message, kind, .. } = self;
        // What stands in the box asks for the actor.
        let generics = if block.open { &sendable(&block.generics) } else { &block.generics };
        let (_, ty_generics, where_clause) = generics.split_for_impl();
        let variants = block.handlers.iter().map(|handler| {
            let cfgs = &handler.method.cfgs;
            let variant = handler.method.ident();
            let (reply, error) = self.answer(handler);
            let error = error.map(|error| quote!(, #error));
            let ty = self.message_type(handler);
            let ty = match handler {
                Handler { hollow: true, .. } => quote!(()),
                Handler { boxed: true, .. } => quote!(::std::boxed::Box<#ty>),
                _ => ty,
            };
            quote!(#(#cfgs)* #variant(#ty, __ReplyTo<#reply #error>))
        });
        let mut params = type_params(generics).peekable();
        // A parameter that no message uses must stand somewhere all the same.
        let phantom = params.peek().is_some().then(|| {
            quote! {
                __Phantom(
                    ::core::marker::PhantomData<fn() -> (#(::core::marker::PhantomData<#params>,)*)>,
                    ::core::convert::Infallible,
                )
            }
        });
        let self_ty = &block.self_ty;
        let open = block.open.then(|| quote!(__Open(#krate::__private::Open<#self_ty>)));
        let variants = variants.chain(open).chain(phantom);
        let doc = format!(" What waits in the mailbox of `{}`.", block.name.unraw());
        quote! {
            #[doc = #doc]
            #[doc(hidden)]
            pub struct #message #generics (#kind #ty_generics) #where_clause;

            enum #kind #generics #where_clause { #(#variants),* }
        }
    }

    /// The places of the messages. Of those under `cfg`, only the compiler knows the positions, so it counts them.
    fn tags(&self) -> Option<TokenStream> {
        let tags = self.block.handlers.iter().map(|handler| {
            let Method { cfgs, .. } = &handler.method;
            let variant = handler.method.ident();
            quote!(#(#cfgs)* #variant)
        });
        let tags: Vec<_> = tags.collect();
        self.are_counted_by_compiler().then(|| {
            // No `repr`: it may be that the compiler leaves nothing of it.
            quote!(enum __Tag { #(#tags),* })
        })
    }

    fn are_counted_by_compiler(&self) -> bool {
        self.block.handlers.iter().any(|handler| !handler.method.cfgs.is_empty())
    }

    /// The place of a handler's message among all.
    fn tag(&self, handler: &Handler) -> TokenStream {
        let variant = handler.method.ident();
        if self.are_counted_by_compiler() {
            return quote!(__Tag::#variant as ::core::primitive::u16);
        }
        let place = self.block.handlers.iter().position(|other| std::ptr::eq(handler, other));
        let place = Literal::u16_suffixed(place.and_then(|place| u16::try_from(place).ok()).expect("it is one of the block's"));
        quote!(#place)
    }

    fn protocol(&self) -> TokenStream {
        let Expansion { krate, block, message, kind, .. } = self;
        let self_ty = &block.self_ty;
        let (impl_generics, ty_generics, where_clause) = self.generics.split_for_impl();
        let names = block.handlers.iter().map(|handler| {
            let cfgs = &handler.method.cfgs;
            let name = handler.message_name();
            quote!(#(#cfgs)* #name)
        });
        let types = block.handlers.iter().map(|handler| {
            let cfgs = &handler.method.cfgs;
            let ty = match handler {
                Handler { untyped, .. } if !untyped.is_empty() => quote!(#kind #ty_generics),
                // What nobody can send is told apart by a type that nobody can name.
                _ if handler.tick().is_some() => quote!(#kind #ty_generics),
                _ => self.message_type(handler),
            };
            quote!(#(#cfgs)* __TypeId::of::<#ty>)
        });
        // Of an open actor the compiler shall see, even if its block is empty, that its messages are told apart by type.
        let types = types.chain(block.open.then(|| quote!(__TypeId::of::<#kind #ty_generics>)));
        let tag_arms = self.arms(|handler| (quote!((..)), self.tag(handler)));
        let deadline_arms = self.arms(|_| (quote!((_, ref __reply)), quote!(__reply.deadline())));
        let unhandled_arms = self.arms(|handler| {
            let mut boxed = if handler.boxed { quote!(__message) } else { quote!(::std::boxed::Box::new(__message)) };
            if may_stay(handler) {
                boxed = quote!(#krate::__private::Unsent(#boxed).boxed());
            }
            (quote!((__message, __reply)), quote!(__reply.unhandled(#boxed)))
        });
        // Of a message that cannot be sent the compiler complains of the mailbox, and not here once more.
        let stays = self.block.handlers.iter().any(may_stay).then(|| quote!(use #krate::__private::Stays as _;));
        let tag_open = self.open_arm(&quote!(ref __open), &quote!(__open.tag()));
        let deadline_open = self.open_arm(&quote!(ref __open), &quote!(__open.deadline()));
        let unhandled_open = self.open_arm(&quote!(__open), &quote!(__open.unhandled()));
        let open_types = self.block.open.then(|| {
            quote! {
                fn open_types() -> ::core::option::Option<&'static #krate::__private::OpenTypes> {
                    ::core::option::Option::Some(&__OPEN)
                }
            }
        });
        let phantom_ref = self.phantom_arm(&quote!(ref __never), &quote!(*__never));
        let phantom = self.phantom_arm(&quote!(__never), &quote!(__never));
        quote! {
            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl #impl_generics #krate::Protocol for #self_ty #where_clause {
                type Msg = #message #ty_generics;

                const MESSAGES: &'static [&'static str] = &[#(#names),*];

                const TYPES: &'static [fn() -> __TypeId] = &[#(#types),*];

                const KEEPS_REPLIES: ::core::primitive::bool = true;

                fn tag(__msg: &#message #ty_generics) -> ::core::primitive::u16 {
                    match __msg.0 { #tag_arms #tag_open #phantom_ref }
                }

                fn deadline(__msg: &#message #ty_generics) -> ::core::option::Option<#krate::__private::Instant> {
                    match __msg.0 { #deadline_arms #deadline_open #phantom_ref }
                }

                fn unhandled(__msg: #message #ty_generics) -> #krate::Unhandled {
                    #stays
                    match __msg.0 { #unhandled_arms #unhandled_open #phantom }
                }

                #open_types
            }
        }
    }

    fn accepts(&self, handler: &Handler) -> TokenStream {
        let Expansion { block, message, kind, .. } = self;
        let self_ty = &block.self_ty;
        let (_, ty_generics, where_clause) = self.taken_for_sendable.split_for_impl();
        let mut generics = self.taken_for_sendable.clone();
        generics.params.extend(handler.untyped.iter().map(|any| -> GenericParam { parse_quote!(#any) }));
        let (impl_generics, ..) = generics.split_for_impl();
        let Method { cfgs, .. } = &handler.method;
        let variant = handler.method.ident();
        let (reply, error) = self.answer(handler);
        let reply_error = error.as_ref().map(|error| quote!(, #error));
        let error = error.unwrap_or_else(|| quote!(::core::convert::Infallible));
        let ty = self.message_type(handler);
        let held = match handler {
            Handler { hollow: true, .. } => quote!(()),
            Handler { boxed: true, .. } => quote!(::std::boxed::Box::new(__message)),
            _ => quote!(__message),
        };
        let size_check = self.size_check_when_sent(handler);
        let control = handler.control.then(|| {
            quote!(
                const CONTROL: ::core::primitive::bool = true;
            )
        });
        // Whom the compiler tells of this impl is shown the method: so it begins there, and ends there.
        let place = generated(variant.span());
        let keyword = quote_spanned!(place=> impl);
        let for_actor = match &self.alias {
            Some(alias) => placed(quote!(for #alias), place),
            None => placed(quote!(for #self_ty), place),
        };
        let mut body = Group::new(
            Delimiter::Brace,
            quote! {
                type Reply = #reply;
                type Error = #error;
                #control

                fn accept(
                    __message: #ty,
                    __reply: __ReplyTo<#reply #reply_error>,
                ) -> #message #ty_generics {
                    #size_check
                    #message(#kind::#variant(#held, __reply))
                }
            },
        );
        body.set_span(place);
        quote! {
            #(#cfgs)*
            #keyword #impl_generics __Accepts<#ty> #for_actor #where_clause #body
        }
    }

    /// The reply of a handler, and its error if it can fail.
    fn answer(&self, handler: &Handler) -> (TokenStream, Option<TokenStream>) {
        let krate = self.krate;
        match &handler.reply {
            Reply::Nothing => (quote!(()), None),
            Reply::Value(ty) => (ty.to_token_stream(), None),
            Reply::Fallible(ty) => {
                let fallible = placed(quote!(#krate::__private::Fallible), generated(ty.span()));
                (quote!(<#ty as #fallible>::Ok), Some(quote!(<#ty as #fallible>::Error)))
            }
            Reply::Later { reply, error } => (reply.to_token_stream(), error.as_ref().map(ToTokens::to_token_stream)),
        }
    }
}

/// Whether it takes the compiler to know that the message can be sent.
fn may_stay(handler: &Handler) -> bool {
    !handler.payload().all(|param| travels(&param.ty))
}
