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
    /// The `Actor` impl, with the policy of the derive.
    pub(super) fn life(&self) -> TokenStream {
        let Expansion { krate, block, message, .. } = self;
        let self_ty = &block.self_ty;
        let (impl_generics, ty_generics, where_clause) = self.taken_for_sendable.split_for_impl();
        let hooks = [HookKind::Started, HookKind::Exited, HookKind::Stopped];
        let present = hooks.iter().filter_map(|kind| self.presence(*kind));
        let present: Vec<_> = present.collect();
        let present = match present.len() {
            0 => quote!(#krate::Hooks::NONE),
            some => {
                let others = (some < hooks.len()).then(|| quote!(..#krate::Hooks::NONE));
                quote!(#krate::Hooks { #(#present,)* #others })
            }
        };
        // The compiler complains of a missing derive where the block's type stands.
        let policy = placed(quote!(<Self as #krate::__private::Derived>::POLICY), generated(self_ty.span()));
        let block_impl = self.block_impl();
        let functions = hooks.iter().filter_map(|kind| self.hook(*kind));
        let arms = self.arms(|handler| self.handling(handler));
        let open = self.open_arm(&quote!(__open), &quote!(__open.handle(self, __ctx).await?));
        let phantom = self.phantom_arm(&quote!(__never), &quote!(__never));
        let future = self.future();
        let handled = quote! {
            match __msg.0 { #arms #open #phantom }
        };
        let ok = quote!(::core::result::Result::Ok(()));
        let (handled, at_once) = if self.waits() {
            // An `async fn` would keep a second copy of the message in its future.
            (quote!(async move { #handled #ok }), None)
        } else {
            let turns = (!self.hooks_wait()).then(|| {
                quote! {
                    const TAKES_TURNS: ::core::primitive::bool = true;
                }
            });
            let at_once = quote! {
                const AT_ONCE: ::core::primitive::bool = true;
                #turns
            };
            (quote!(#handled ::core::future::ready(#ok)), Some(at_once))
        };
        quote! {
            #block_impl

            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl #impl_generics #krate::Actor for #self_ty #where_clause {
                const POLICY: #krate::Policy = #policy;
                const HOOKS: #krate::Hooks = #present;
                #at_once

                fn handle(
                    &mut self,
                    __msg: #message #ty_generics,
                    __ctx: &mut #krate::Context<Self>,
                ) -> #future {
                    #handled
                }

                #(#functions)*
            }
        }
    }

    /// Says that there is a block.
    fn block_impl(&self) -> TokenStream {
        let Expansion { krate, block, .. } = self;
        let self_ty = &block.self_ty;
        let (impl_generics, _, where_clause) = self.generics.split_for_impl();
        quote!(impl #impl_generics #krate::__private::Messages for #self_ty #where_clause {})
    }

    /// Whether a hook exists, as a field of `Hooks`; none if it certainly does not.
    fn presence(&self, kind: HookKind) -> Option<TokenStream> {
        let name = format_ident!("{}", kind.name());
        let hooks = self.block.hooks_of(kind).map(|hook| &hook.method);
        // What ticks begins by itself, without a message.
        let ticks = self.block.handlers.iter().filter(|handler| kind == HookKind::Started && handler.tick().is_some());
        let methods: Vec<_> = hooks.chain(ticks.map(|tick| &tick.method)).collect();
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

    /// What the functions of the trait return.
    fn future(&self) -> TokenStream {
        let krate = self.krate;
        quote! {
            impl ::core::future::Future<Output = ::core::result::Result<(), #krate::BoxError>> + ::core::marker::Send
        }
    }

    /// How one message is handled: the pattern that takes it apart, and what is done with it.
    fn handling(&self, handler: &Handler) -> (TokenStream, TokenStream) {
        let krate = self.krate;
        if handler.broken {
            return (quote!((..)), quote!({}));
        }
        let call = call(&handler.method, krate, |param| match (&param.role, param.name()) {
            (Role::Context, _) => context(param),
            (Role::ReplyTo, _) => quote!(__reply),
            (_, Some(name)) if handler.is_generated() => field_variable(name).into_token_stream(),
            _ => unboxed(handler),
        });
        let fields = match &handler.message {
            Message::Own | Message::Item | Message::Tick(_) => None,
            Message::Generated { name, .. } => {
                let fields = handler.payload().filter_map(|param| {
                    let (cfgs, name) = (&param.cfgs, param.name()?);
                    let variable = field_variable(name);
                    Some(quote!(#(#cfgs)* #name: #variable))
                });
                let fields: Vec<_> = fields.collect();
                (!fields.is_empty()).then(|| quote!(#name { #(#fields),* }))
            }
        };
        let result = match &handler.reply {
            Reply::Later { .. } => call,
            Reply::Nothing | Reply::Value(_) => quote!(__reply.send(#call)),
            Reply::Fallible(ty) => {
                let outcome = into_result(ty, &call, krate);
                let fail = self.fail(ty);
                quote!({
                    let __outcome = #outcome;
                    let __outcome = __reply.resolve(__outcome);
                    #fail
                })
            }
        };
        match fields {
            Some(fields) if handler.boxed => (quote!((__message, __reply)), quote!({ let #fields = *__message; #result })),
            Some(fields) => (quote!((#fields, __reply)), result),
            None if matches!(handler.message, Message::Own | Message::Item) => (quote!((__message, __reply)), result),
            None => (quote!((_, __reply)), result),
        }
    }

    /// Whether a handler may have to wait.
    fn waits(&self) -> bool {
        self.block.open || self.block.handlers.iter().any(|handler| !handler.broken && handler.method.waits)
    }

    /// Whether a hook may have to wait, other than the last.
    fn hooks_wait(&self) -> bool {
        let waits = |kind| self.block.hooks_of(kind).any(|hook| hook.method.waits || hook.method.awaits);
        waits(HookKind::Started) || waits(HookKind::Exited)
    }

    /// Ends the handling with an error, if there is one, boxed.
    fn fail(&self, ty: &Type) -> TokenStream {
        let krate = self.krate;
        let mut failed = quote!(::core::result::Result::Err(#krate::__private::HandlerError::boxed(__error)));
        if !self.waits() {
            failed = quote!(::core::future::ready(#failed));
        }
        let fail = quote! {
            if let ::core::result::Result::Err(__error) = __outcome {
                return #failed;
            }
        };
        at_error(fail, ty)
    }

    /// The function that calls a hook, if there is anything to do.
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
        let hooks: Vec<_> = self.block.hooks_of(kind).filter(|hook| !hook.broken).collect();
        if hooks.is_empty() {
            return only_ticks;
        }
        let functions = hooks.iter().map(|hook| {
            let mut body = self.call_hook(hook);
            if only_ticks.is_some() {
                body = quote! {
                    let __begun: ::core::result::Result<(), #krate::BoxError> = { #body };
                    if ::core::result::Result::is_ok(&__begun) { #ticks }
                    __begun
                };
            }
            let cfgs = &hook.method.cfgs;
            quote! {
                #(#cfgs)*
                async fn #name(#params) -> ::core::result::Result<(), #krate::BoxError> { #body }
            }
        });
        let functions: TokenStream = functions.collect();
        let is_sure = hooks.iter().any(|hook| hook.method.cfgs.is_empty());
        let without_hook = only_ticks.filter(|_| !is_sure).map(|only_ticks| {
            let predicates = together("any", hooks.iter().map(|hook| cfg_predicate(&hook.method)));
            quote!(#[cfg(not(#predicates))] #only_ticks)
        });
        Some(quote!(#functions #without_hook))
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
/// What an `async` method returns that awaits nothing is polled where it is. That of others goes through `Sent`, so that the compiler complains at the method of what it must not hold
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
    if !method.waits {
        return quote_spanned!(span=> #krate::__private::at_once(#call));
    }
    let sent = placed(quote!(#krate::__private::Sent), span);
    quote_spanned!(span=> #sent(#call).0.await)
}

/// Turns what a method returned into the plain `Result`, whatever alias the user writes.
fn into_result(ty: &Type, returned: &TokenStream, krate: &Path) -> TokenStream {
    quote!(<#ty as #krate::__private::Fallible>::into_result(#returned))
}

/// Returns the outcome, its error boxed.
fn end_with_outcome(ty: &Type, krate: &Path) -> TokenStream {
    let end = quote! {
        match __outcome {
            ::core::result::Result::Ok(()) => ::core::result::Result::Ok(()),
            ::core::result::Result::Err(__error) => ::core::result::Result::Err(
                #krate::__private::HandlerError::boxed(__error),
            ),
        }
    };
    at_error(end, ty)
}

/// Puts all of it in the place of a result's error type, of which the compiler complains there if it is none.
fn at_error(tokens: TokenStream, result: &Type) -> TokenStream {
    let place = type_arguments(result).nth(1).map_or_else(|| result.span(), Spanned::span);
    placed(tokens, generated(place))
}

/// The variable that holds a field, named so that it meets none of ours.
fn field_variable(field: &Ident) -> Ident {
    format_ident!("__field_{}", field.unraw(), span = generated(field.span()))
}
