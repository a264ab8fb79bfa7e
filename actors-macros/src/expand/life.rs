//! What an actor does: the dispatch of messages to handlers, and the hooks.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Meta, Path, Type};

use crate::args::TickArgs;
use crate::expand::messages::{Expansion, unboxed};
use crate::expand::{duration, generated, placed};
use crate::model::{Handler, Hook, HookKind, Message, Method, Param, Reply, Role};
use crate::types::type_arguments;

impl Expansion<'_> {
    /// The impl that the derived `Actor` forwards to.
    pub(super) fn life(&self) -> TokenStream {
        let Expansion { krate, block, message, .. } = self;
        let self_ty = &block.self_ty;
        let (impl_generics, ty_generics, where_clause) = self.generics.split_for_impl();
        let hooks = [HookKind::Started, HookKind::Exited, HookKind::Stopped];
        let present = hooks.iter().filter_map(|kind| self.presence(*kind));
        let present: Vec<_> = present.collect();
        let present = (!present.is_empty()).then(|| {
            let others = (present.len() < hooks.len()).then(|| quote!(..#krate::Hooks::NONE));
            quote!(const HOOKS: #krate::Hooks = #krate::Hooks { #(#present,)* #others };)
        });
        let functions = hooks.iter().filter_map(|kind| self.hook(*kind));
        let arms = self.arms(|handler| self.handling(handler));
        let phantom = self.phantom_arm(&quote!(__never), &quote!(__never));
        let future = self.future();
        let handled = quote!(match __msg.0 { #arms #phantom });
        let waits = self.block.handlers.iter().any(|handler| !handler.broken && handler.method.signature.asyncness.is_some());
        let (handled, at_once) = if waits {
            // An `async fn` would keep a second copy of the message in its future.
            (quote!(async move { #handled }), None)
        } else {
            (
                quote!(::core::future::ready(#handled)),
                Some(quote!(
                    const AT_ONCE: ::core::primitive::bool = true;
                )),
            )
        };
        quote! {
                    #[automatically_derived]
                    impl #impl_generics #krate::__private::Messages for #self_ty #where_clause {
                        #present
                        #at_once

                        fn handle(
                            &mut self,
                            __msg: #message #ty_generics,
                            __ctx: &mut #krate::Context<Self>,
        ) -> #future
                        where
                            for<'__any> &'__any mut Self: ::core::marker::Send,
                        {
                            #handled
                        }

                        #(#functions)*
                    }
                }
    }

    /// Whether a hook exists, as a field of `Hooks`; none if it certainly does not.
    fn presence(&self, kind: HookKind) -> Option<TokenStream> {
        let name = format_ident!("{}", kind.name());
        let hook = self.block.hook(kind).map(|hook| &hook.method);
        // What ticks begins by itself, without a message.
        let ticks = self.block.handlers.iter().filter(|handler| kind == HookKind::Started && handler.tick().is_some());
        let methods: Vec<_> = hook.into_iter().chain(ticks.map(|tick| &tick.method)).collect();
        if methods.is_empty() {
            return None;
        }
        if methods.iter().any(|method| method.cfgs.is_empty()) {
            return Some(quote!(#name: true));
        }
        // Under `cfg`, only the compiler knows.
        let predicates = together("any", methods.into_iter().map(cfg_predicate));
        Some(quote!(#name: ::core::cfg!(#predicates)))
    }

    /// What the functions of the hidden trait return.
    fn future(&self) -> TokenStream {
        let krate = self.krate;
        quote! {
            impl ::core::future::Future<Output = ::core::result::Result<(), #krate::BoxError>> + ::core::marker::Send
        }
    }

    /// How one message is handled: the pattern that takes it apart, and what is done with it.
    fn handling(&self, handler: &Handler) -> (TokenStream, TokenStream) {
        let krate = self.krate;
        let ok = quote!(::core::result::Result::Ok(()));
        if handler.broken {
            return (quote!((..)), ok);
        }
        let call = call(&handler.method, krate, |param| match (&param.role, param.name()) {
            (Role::Context, _) => context(param),
            (Role::ReplyTo, _) => quote!(__reply),
            (_, Some(name)) if handler.is_generated() => field_variable(name).into_token_stream(),
            _ => unboxed(handler),
        });
        let unpack = match &handler.message {
            Message::Own | Message::Item | Message::Tick(_) => None,
            Message::Generated { name, .. } => {
                let fields = handler.payload().filter_map(|param| {
                    let (cfgs, name) = (&param.cfgs, param.name()?);
                    let variable = field_variable(name);
                    Some(quote!(#(#cfgs)* #name: #variable))
                });
                let unboxed = unboxed(handler);
                let fields: Vec<_> = fields.collect();
                (!fields.is_empty()).then(|| quote!(let #name { #(#fields),* } = #unboxed;))
            }
        };
        let answer = match &handler.reply {
            Reply::Later { .. } => quote!(#call; #ok),
            Reply::Nothing => quote!(#call; #krate::ReplyTo::send(__reply, ()); #ok),
            Reply::Value(_) => quote! {
                let __value = #call;
                #krate::ReplyTo::send(__reply, __value);
                #ok
            },
            Reply::Fallible(ty) => {
                let outcome = into_result(ty, &call, krate);
                let end = end_with_outcome(ty, krate);
                quote! {
                    let __outcome = #outcome;
                    let __outcome = #krate::ReplyTo::resolve(__reply, __outcome);
                    #end
                }
            }
        };
        let is_empty = unpack.is_none() && !matches!(handler.message, Message::Own | Message::Item);
        let message = if is_empty { quote!(_) } else { quote!(__message) };
        (quote!((#message, __reply)), quote!({ #unpack #answer }))
    }

    /// The function of the hidden trait that calls a hook, if there is anything to do.
    fn hook(&self, kind: HookKind) -> Option<TokenStream> {
        let krate = self.krate;
        let name = format_ident!("{}", kind.name());
        let event = match kind {
            HookKind::Started => None,
            HookKind::Exited => Some(quote!(__exit: #krate::Exited,)),
            HookKind::Stopped => Some(quote!(__reason: &#krate::ExitReason,)),
        };
        let params = quote!(&mut self, #event __ctx: &mut #krate::Context<Self>);
        let future = self.future();
        let ticks = if kind == HookKind::Started { self.begin_ticks() } else { TokenStream::new() };
        let only_ticks = (!ticks.is_empty()).then(|| {
            quote! {
                fn #name(#params) -> #future {
                    #ticks
                    ::core::future::ready(::core::result::Result::Ok(()))
                }
            }
        });
        let Some(hook) = self.block.hook(kind).filter(|hook| !hook.broken) else {
            return only_ticks;
        };
        let mut body = self.call_hook(hook);
        if only_ticks.is_some() {
            body = quote! {
                let __begun: ::core::result::Result<(), #krate::BoxError> = { #body };
                if ::core::result::Result::is_ok(&__begun) { #ticks }
                __begun
            };
        }
        let cfgs = &hook.method.cfgs;
        let without_hook = only_ticks.filter(|_| !cfgs.is_empty()).map(|only_ticks| {
            let predicate = cfg_predicate(&hook.method);
            quote!(#[cfg(not(#predicate))] #only_ticks)
        });
        Some(quote! {
            #(#cfgs)*
            async fn #name(#params) -> ::core::result::Result<(), #krate::BoxError>
            where
                for<'__any> &'__any mut Self: ::core::marker::Send,
            {
                #body
            }
            #without_hook
        })
    }

    /// Begins the ticks, once the actor has started.
    fn begin_ticks(&self) -> TokenStream {
        let Expansion { krate, message, kind, block, .. } = self;
        let ticks = block.handlers.iter().filter(|handler| !handler.broken);
        let ticks = ticks.filter_map(|handler| {
            let TickArgs { every, first, catch_up } = handler.tick()?;
            let (cfgs, variant) = (&handler.method.cfgs, handler.method.ident());
            let every = duration(*every);
            let first = first.map(|first| {
                let first = duration(first);
                quote!(.first(#first))
            });
            let catch_up = format_ident!("{}", catch_up);
            Some(quote! {
                #(#cfgs)*
                #krate::__private::begin_tick(
                    __ctx,
                    #krate::Every::new(#every) #first.catch_up(#krate::CatchUp::#catch_up),
                    |__reply| #message(#kind::#variant((), __reply)),
                );
            })
        });
        ticks.collect()
    }

    fn call_hook(&self, hook: &Hook) -> TokenStream {
        let krate = self.krate;
        let call = call(&hook.method, krate, |param| match param.role {
            Role::Reason => quote!(__reason),
            Role::Exit => quote!(__exit),
            _ => context(param),
        });
        match &hook.method.output {
            None => quote!(#call; ::core::result::Result::Ok(())),
            Some(ty) => {
                let outcome = into_result(ty, &call, krate);
                let end = end_with_outcome(ty, krate);
                quote! {
                    let __outcome = #outcome;
                    #end
                }
            }
        }
    }
}

/// The context, where its type is: the compiler complains there of one of another actor.
fn context(param: &Param) -> TokenStream {
    quote_spanned!(generated(param.ty.span())=> __ctx)
}

/// What all the `#[cfg(...)]` of a method say together.
fn cfg_predicate(method: &Method) -> TokenStream {
    let predicates = method.cfgs.iter().filter_map(|cfg| match &cfg.meta {
        Meta::List(list) => Some(list.tokens.clone()),
        _ => None,
    });
    together("all", predicates)
}

/// Joins predicates of `cfg` by `any` or `all`; one alone stays as it is.
fn together(how: &str, predicates: impl Iterator<Item = TokenStream>) -> TokenStream {
    let predicates: Vec<_> = predicates.collect();
    match predicates.as_slice() {
        [only] => only.clone(),
        _ => {
            let how = format_ident!("{how}");
            quote!(#how(#(#predicates),*))
        }
    }
}

/// A call of the user's method with one argument per parameter.
///
/// What an `async` method returns goes through `Sent`, so that the compiler complains at the method of what it must not hold
/// across an await, and not at all of them together.
fn call(method: &Method, krate: &Path, argument: impl Fn(&Param) -> TokenStream) -> TokenStream {
    let name = method.ident();
    let arguments = method.params.iter().map(|param| {
        let (cfgs, argument) = (&param.cfgs, argument(param));
        quote!(#(#cfgs)* #argument)
    });
    let span = generated(name.span());
    let call = quote_spanned!(span=> Self::#name(self, #(#arguments),*));
    if method.signature.asyncness.is_none() {
        return call;
    }
    let sent = placed(quote!(#krate::__private::Sent), span);
    quote_spanned!(span=> #sent(#call).0.await)
}

/// Turns what a method returned into the plain `Result`, whatever alias the user writes.
fn into_result(ty: &Type, returned: &TokenStream, krate: &Path) -> TokenStream {
    quote!(<#ty as #krate::__private::Fallible>::into_result(#returned))
}

/// Returns the outcome, its error boxed.
///
/// All of it stands in the place of the error's type, of which the compiler complains there if it is none.
fn end_with_outcome(ty: &Type, krate: &Path) -> TokenStream {
    let end = quote! {
        match __outcome {
            ::core::result::Result::Ok(()) => ::core::result::Result::Ok(()),
            ::core::result::Result::Err(__error) => ::core::result::Result::Err(
                #krate::__private::HandlerError::boxed(__error),
            ),
        }
    };
    let place = type_arguments(ty).nth(1).map_or_else(|| ty.span(), Spanned::span);
    placed(end, generated(place))
}

/// The variable that holds a field, named so that it meets none of ours.
fn field_variable(field: &Ident) -> Ident {
    format_ident!("__field_{}", field.unraw(), span = generated(field.span()))
}
