//! Every complaint about an impl block, each saying what to write instead.

use std::mem;

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident};
use syn::visit::{self, Visit};
use syn::{FnArg, Generics, Ident, Item, ItemEnum, ItemStruct, ReceiverKind, ReturnType, Safety, TraitBound, Type, parse_quote};

use crate::complaint::Complaints;
use crate::generics::mentions;
use crate::model::{Block, Handler, Hook, HookKind, Message, Method, Param, Reply, Role};
use crate::names::{is_trait, struct_name, unfit};
use crate::sending::{homebody, make_sendable};
use crate::types::{
    Fault, first_fault, holds_context, is_given, is_named, is_unit, is_unsized, output_of_future, peel, shown, text_of, type_arguments,
};

/// Complains about all that is wrong, marks what is broken, and takes out what cannot be named.
pub(crate) fn check(block: &mut Block, complaints: &mut Complaints) {
    if block.handlers.is_empty() && block.hooks.is_empty() && !block.open && complaints.len() == 0 {
        let text = format!("`{}` handles nothing: mark a method with `#[message]` or `#[handle]`", block.name);
        complaints.at(&block.self_ty, text);
    }
    if let Some(Fault::Borrow(place)) = first_fault(&block.self_ty) {
        complaints.at(&place, "an actor owns its state and cannot borrow: use owned types or an `Arc`");
        block.borrows = true;
    }
    for handler in &mut block.handlers {
        let before = complaints.len();
        check_handler(handler, &block.name, complaints);
        handler.broken |= complaints.len() > before || cannot_stand(handler);
        if handler.broken {
            make_nameable(handler, complaints.as_type(before));
        }
    }
    remove_nameless(block, complaints);
    for hook in &mut block.hooks {
        let before = complaints.len();
        check_hook(hook, complaints);
        hook.broken |= complaints.len() > before;
    }
    remove_repeated_hooks(block, complaints);
}

fn check_handler(handler: &Handler, actor: &Ident, complaints: &mut Complaints) {
    let method = &handler.method;
    if handler.tick().is_some() {
        return check_tick(handler, complaints);
    }
    check_method(method, "handler", complaints);
    let slots = method.params.iter().filter(|p| matches!(p.role, Role::ReplyTo));
    check_at_most_one(slots, "`ReplyTo`", complaints);
    match &handler.message {
        Message::Own => check_own_message(handler, actor, complaints),
        Message::Item => check_item(handler, actor, complaints),
        Message::Tick(_) => {}
        Message::Generated { name, .. } => {
            // Without a receiver, what is borrowed is meant to be one.
            let by_another_name = |param: &Param| method.signature.receiver().is_none() && is_borrowed(&param.ty, &actor.to_string());
            for param in handler.payload().filter(|param| !by_another_name(param)) {
                check_field(name, param, actor, complaints);
            }
        }
    }
    check_reply(handler, complaints);
}

/// Whether the compiler complains of a type in the handler's signature, of a `_` or of one without a size.
fn cannot_stand(handler: &Handler) -> bool {
    let Method { params, output, .. } = &handler.method;
    let mut types = params.iter().map(|param| &param.ty).chain(output);
    types.any(|ty| is_unsized(ty) || matches!(first_fault(ty), Some(Fault::Inferred)))
}

/// Checks what handlers and hooks have in common.
fn check_method(method: &Method, what: &str, complaints: &mut Complaints) {
    let name = method.ident();
    let signature = &method.signature;
    match signature.inputs.first() {
        Some(FnArg::Receiver(receiver)) => {
            let borrows = match &receiver.kind {
                ReceiverKind::Reference(..) => true,
                ReceiverKind::Typed(_, ty) => matches!(peel(ty), Type::Reference(_)),
                _ => false,
            };
            if !borrows {
                let text = format!("a {what} borrows the actor: write `&mut self`; to end it, call `ctx.stop()`");
                complaints.at(receiver, text);
            }
        }
        _ => {
            let text = format!("{what} `{name}` needs `&mut self` or `&self`: it runs on the actor's state");
            complaints.at(name, text);
        }
    }
    // A lifetime harms only where a message or a reply holds it, which is complained about there.
    let generics = &signature.generics;
    if method.awaits {
        complaints.at(signature.fn_token, format!("`{name}` awaits: write `async fn {name}`"));
    }
    for param in generics.type_params() {
        let own = if what == "handler" { ", or write an `impl Handler` for an actor that is `#[messages(open)]`" } else { "" };
        let text = format!("a {what} cannot be generic: name a concrete type, or put `{}` on the actor{own}", param.ident);
        complaints.at(param, text);
    }
    for param in generics.const_params() {
        let text = format!("a {what} cannot be generic: name a value, or put `{}` on the actor", param.ident);
        complaints.at(param, text);
    }
    // Bounds on the parameters just complained about are part of the same mistake.
    let has_bounds = generics.where_clause.as_ref().is_some_and(|clause| !clause.predicates.is_empty());
    if generics.params.is_empty() && has_bounds {
        let text = "put these bounds on the impl block, where they hold for the actor";
        complaints.at(&generics.where_clause, text);
    }
    if let Safety::Unsafe(keyword) = &signature.safety {
        complaints.at(keyword, format!("a {what} is called by the framework: it cannot be unsafe"));
    }
    if let Some(variadic) = &signature.variadic {
        complaints.at(variadic, format!("a {what} takes a fixed number of parameters"));
    }
    let contexts = method.params.iter().filter(|p| matches!(p.role, Role::Context));
    check_at_most_one(contexts, "context", complaints);
    for param in &method.params {
        if matches!(param.role, Role::Payload) && is_given(&param.ty, "Context") {
            complaints.at(&param.ty, "the context is borrowed: write `&mut Context<Self>`");
        }
    }
}

fn check_at_most_one<'a>(params: impl Iterator<Item = &'a Param>, what: &str, complaints: &mut Complaints) {
    for param in params.skip(1) {
        complaints.at(&param.ty, format!("one {what} parameter is enough"));
    }
}

/// Checks a parameter that becomes a field of the message struct.
fn check_field(message: &Ident, param: &Param, actor: &Ident, complaints: &mut Complaints) {
    if param.name().is_none() {
        let text = format!("each parameter becomes a field of `{message}`: give it one name");
        complaints.at(&param.pattern, text);
    }
    check_owned(param, "a message owns its fields", actor, complaints);
}

fn check_owned(param: &Param, rule: &str, actor: &Ident, complaints: &mut Complaints) {
    // By value it has been complained about already.
    if is_given(&param.ty, "Context") {
        return;
    }
    if holds_context(&param.ty, actor) {
        complaints.at(&param.ty, "the context comes alone and borrowed: write `&mut Context<Self>`");
        return;
    }
    if is_borrowed(&param.ty, "ReplyTo") {
        complaints.at(&param.ty, "answering takes the `ReplyTo` by value: leave out the `&`");
        return;
    }
    match first_fault(&param.ty) {
        // The compiler complains of what has no size.
        None if is_unsized(&param.ty) => {}
        None => check_sendable(&param.ty, "a message", complaints),
        Some(Fault::Borrow(place)) => complaints.at(&place, format!("{rule}: {}", place.owned_version())),
        Some(Fault::Opaque(place)) => {
            complaints.at(place, "name a concrete type, or make it a type parameter of the actor: a message is a plain struct");
        }
        // The compiler complains of `_` in any signature.
        Some(Fault::Inferred) => {}
    }
}

fn check_sendable(ty: &Type, what: &str, complaints: &mut Complaints) {
    if let Some(found) = homebody(ty) {
        complaints.at(&found, format!("{what} travels between threads: {}", found.advice()));
    }
}

/// Whether the type is a reference to one of this name.
fn is_borrowed(ty: &Type, name: &str) -> bool {
    matches!(peel(ty), Type::Reference(reference) if is_named(&reference.elem, name))
}

fn check_own_message(handler: &Handler, actor: &Ident, complaints: &mut Complaints) {
    let mut payload = handler.payload();
    let Some(message) = payload.next() else {
        let text =
            format!("`{name}` handles no message: add a parameter of its type, or mark it `#[message]`", name = handler.method.ident());
        complaints.at(handler.method.ident(), text);
        return;
    };
    check_owned(message, "a message comes by value", actor, complaints);
    for extra in payload {
        let text = "`#[handle]` takes one message: put all of it in one struct, or use `#[message]`";
        complaints.at(&extra.ty, text);
    }
}

fn check_item(handler: &Handler, actor: &Ident, complaints: &mut Complaints) {
    let mut payload = handler.payload();
    let Some(item) = payload.next() else {
        let name = handler.method.ident();
        complaints.at(name, format!("`{name}` handles no stream: add a parameter `item: Option<T>`, which is `None` at the end"));
        return;
    };
    check_owned(item, "an item comes by value", actor, complaints);
    if !is_named(&item.ty, "Option") && first_fault(&item.ty).is_none() {
        let text = format!("an item comes as `Some`, and the end of the stream as `None`: write `Option<{}>`", shown(&item.ty));
        complaints.at(&item.ty, text);
    }
    for extra in payload {
        complaints.at(&extra.ty, "`#[stream]` takes one item: put all of it in one struct");
    }
}

fn check_tick(handler: &Handler, complaints: &mut Complaints) {
    let method = &handler.method;
    check_method(method, "tick", complaints);
    for param in &method.params {
        if !matches!(param.role, Role::Context) && !is_given(&param.ty, "Context") {
            complaints.at(&param.ty, "a tick brings nothing: `#[tick]` takes `&mut Context<Self>`, nothing else");
        }
    }
    check_outcome(method, "tick", complaints);
}

/// Checks that a method that nobody asks returns nothing, or says what went wrong.
fn check_outcome(method: &Method, name: &str, complaints: &mut Complaints) {
    let Some(returned) = &method.output else { return };
    // An alias without arguments may hide anything; the compiler knows.
    let value = type_arguments(returned).next();
    if !is_named(returned, "Result") || value.is_some_and(|value| !is_unit(value)) {
        complaints.at(returned, format!("`#[{name}]` returns nothing or a `Result<(), E>`"));
    }
}

fn check_reply(handler: &Handler, complaints: &mut Complaints) {
    let method = &handler.method;
    if let Reply::Later { .. } = handler.reply {
        if let ReturnType::Type(_, returned) = &method.signature.output {
            let text = "choose one: return the reply, or answer through the `ReplyTo` parameter";
            complaints.at(returned, text);
        }
        let slots = method.params.iter().filter(|p| matches!(p.role, Role::ReplyTo));
        for slot in slots {
            check_reply_type(&slot.ty, complaints);
        }
    } else if let Some(returned) = &method.output {
        let before = complaints.len();
        check_reply_type(returned, complaints);
        if complaints.len() == before {
            if let Some(output) = output_of_future(returned) {
                complaints.at(returned, returns_a_future(&output));
            }
        }
    }
}

fn returns_a_future(output: &Type) -> String {
    format!("a future would be sent as it is: write `async fn` and return `{}`", shown(output))
}

fn check_reply_type(ty: &Type, complaints: &mut Complaints) {
    match first_fault(ty) {
        // What is wrong with a future is not that it cannot be sent.
        None if output_of_future(ty).is_some() => {}
        None => check_sendable(ty, "a reply", complaints),
        Some(Fault::Borrow(place)) => {
            complaints.at(&place, format!("a reply is owned, by whoever asked: {}", place.owned_version()));
        }
        Some(Fault::Opaque(place)) => {
            let text = match output_of_future(ty) {
                Some(output) => returns_a_future(&output),
                None => "name a concrete type: whoever asks is given one".to_owned(),
            };
            complaints.at(place, text);
        }
        Some(Fault::Inferred) => {}
    }
}

/// Takes out handlers whose message has no name of its own.
fn remove_nameless(block: &mut Block, complaints: &mut Complaints) {
    let mut seen: Vec<String> = Vec::new();
    let named = traits_named_in(block);
    let (actor, generics) = (&block.name, &block.generics);
    block.handlers.retain_mut(|handler| {
        let method = handler.method.ident();
        let shown = handler.message_name();
        if let Message::Generated { name, .. } = &handler.message {
            if let Some(text) = unfit(&shown, actor, generics) {
                let text = format!("{text}; choose a name with `#[message(name = ...)]`");
                let chosen = *name != struct_name(method);
                complaints.at(if chosen { name } else { method }, text);
                handler.broken = true;
                return is_trait(&shown) && !named.contains(&shown);
            }
        } else if handler.tick().is_some() {
            return true;
        } else if handler.payload().next().is_none() {
            return false;
        }
        // Of methods under `cfg`, only the compiler knows which remain.
        if !handler.method.cfgs.is_empty() {
            return true;
        }
        // Two types of one name may stand in two modules.
        let path = match &handler.message {
            Message::Generated { .. } => shown.clone(),
            _ => handler.payload().next().map_or_else(String::new, |param| text_of(&param.ty)),
        };
        if seen.contains(&path) {
            let text = format!("`{shown}` already has a handler: a message is handled by one method");
            complaints.at(method, text);
            return false;
        }
        seen.push(path);
        true
    });
}

/// The traits that a handler of the block is named after, and a bound of a handler names.
fn traits_named_in(block: &Block) -> Vec<String> {
    struct Bounds(Vec<String>);
    impl<'ast> Visit<'ast> for Bounds {
        fn visit_trait_bound(&mut self, bound: &'ast TraitBound) {
            self.0.extend(bound.path.get_ident().map(Ident::to_string));
            visit::visit_trait_bound(self, bound);
        }
    }
    let mut bounds = Bounds(Vec::new());
    if block.handlers.iter().any(|handler| is_trait(&handler.message_name())) {
        bounds.visit_generics(&block.generics);
        block.handlers.iter().for_each(|handler| bounds.visit_signature(&handler.method.signature));
    }
    bounds.0
}

fn check_hook(hook: &Hook, complaints: &mut Complaints) {
    let method = &hook.method;
    let name = hook.kind.name();
    if hook.kind == HookKind::Started && method.signature.receiver().is_none() {
        // What it takes and returns follows from the same mistake.
        let begin = method.ident();
        let text = format!(
            "`#[{name}]` runs on an actor that is there: make it where it is spawned, and write `{begin}(&mut self)` for what it begins with"
        );
        complaints.at(begin, text);
        return;
    }
    check_method(method, "hook", complaints);
    let takes = hook.kind.takes();
    for param in &method.params {
        let known = hook.kind.passes(&param.role) || is_given(&param.ty, "Context");
        if known {
            continue;
        }
        if hook.kind == HookKind::Exited && is_borrowed(&param.ty, "Exited") {
            complaints.at(&param.ty, "the exit comes by value: write `Exited`");
        } else if hook.kind == HookKind::Stopped && is_named(&param.ty, "ExitReason") {
            complaints.at(&param.ty, "the reason is borrowed: write `&ExitReason`");
        } else {
            complaints.at(&param.ty, format!("`#[{name}]` takes {takes}, nothing else"));
        }
    }
    let events = method.params.iter().filter(|p| matches!(p.role, Role::Reason | Role::Exit) && hook.kind.passes(&p.role));
    check_at_most_one(events, name, complaints);
    check_outcome(method, name, complaints);
}

fn remove_repeated_hooks(block: &mut Block, complaints: &mut Complaints) {
    let mut seen: Vec<(HookKind, Ident, bool)> = Vec::new();
    block.hooks.retain(|hook| {
        let is_sure = hook.method.cfgs.is_empty();
        // Of two under `cfg`, only the compiler knows which remains.
        if let Some((kind, first, _)) = seen.iter().find(|(kind, _, sure)| *kind == hook.kind && (is_sure || *sure)) {
            let name = kind.name();
            let text = format!("`{first}` is already the `#[{name}]` hook: an actor has one");
            complaints.at(hook.method.ident(), text);
            return false;
        }
        seen.push((hook.kind, hook.method.ident().clone(), is_sure));
        true
    });
}

/// Lets a broken handler's types stand in declarations, so that its one mistake stays one:
/// replies live forever, a field takes anything, and of a pattern each name is a field.
///
/// Of a reply with no name at all, `nameless` takes the place.
fn make_nameable(handler: &mut Handler, nameless: Option<Type>) {
    let needs_name = handler.is_generated();
    if !needs_name {
        for param in handler.method.params.iter_mut().filter(|param| param.is_payload()) {
            take_by_value(&mut param.ty);
            if matches!(handler.message, Message::Item) && !is_named(&param.ty, "Option") {
                let item = &param.ty;
                param.ty = parse_quote!(::core::option::Option<#item>);
            }
        }
    }
    let Method { params, signature, .. } = &mut handler.method;
    let generics = &signature.generics;
    if needs_name {
        *params = mem::take(params).into_iter().flat_map(Param::with_one_name).collect();
    }
    params.retain_mut(|param| {
        if !needs_name && param.is_payload() && homebody(&param.ty).is_some() {
            handler.hollow = true;
            return true;
        }
        if !needs_name || !param.is_payload() {
            return lengthen_borrow(&mut param.ty, generics);
        }
        if is_given(&param.ty, "Context") || is_borrowed(&param.ty, "ReplyTo") {
            return false;
        }
        if homebody(&param.ty).is_some() && !is_unsized(&param.ty) {
            handler.hollow = true;
        } else if !is_fit(&param.ty, generics) {
            let any = format_ident!("__Any{}", handler.untyped.len());
            param.ty = parse_quote!(#any);
            handler.untyped.push(any);
            handler.hollow = true;
        }
        true
    });
    handler.boxed &= !handler.hollow;
    match &mut handler.reply {
        Reply::Nothing => {}
        Reply::Later { reply, error } => {
            make_sendable(reply);
            if !lengthen_borrow(reply, generics) {
                *reply = parse_quote!(());
            }
            *error = error.take().filter(|ty| is_fit(ty, generics));
        }
        Reply::Value(ty) | Reply::Fallible(ty) => {
            let output = output_of_future(ty).filter(|ty| first_fault(ty).is_none());
            make_sendable(ty);
            if let Some(output) = output {
                *ty = output;
            } else if !lengthen_borrow(ty, generics) {
                handler.reply = nameless.map_or(Reply::Nothing, Reply::Value);
            }
        }
    }
}

/// Makes `&T` a `T`, which is what is sent to a handler of `&T`.
fn take_by_value(ty: &mut Type) {
    let Type::Reference(reference) = peel(ty) else { return };
    match peel(&reference.elem) {
        elem if is_named(elem, "str") => *ty = parse_quote!(::std::string::String),
        elem @ (Type::Path(_) | Type::Tuple(_) | Type::Array(_)) => *ty = elem.clone(),
        _ => {}
    }
}

/// Makes `&T` a `&'static T`; returns whether the type can now stand in a declaration.
fn lengthen_borrow(ty: &mut Type, generics: &Generics) -> bool {
    if let Type::Reference(reference) = ty {
        reference.lifetime.get_or_insert_with(|| parse_quote!('static));
    }
    let is_context = matches!(Role::of(ty), Role::Context);
    is_context || is_fit(ty, generics)
}

/// Whether a type can stand in a declaration outside of a method with these parameters.
fn is_fit(ty: &Type, generics: &Generics) -> bool {
    first_fault(ty).is_none() && !is_unsized(ty) && homebody(ty).is_none() && !mentions(ty, generics)
}

/// Says where `#[messages]` belongs, if not on this item.
pub(crate) fn misplaced(item: &Item) -> String {
    match item {
        Item::Struct(ItemStruct { ident, .. }) | Item::Enum(ItemEnum { ident, .. }) => {
            format!("`#[messages]` belongs on the actor's impl block, `impl {ident} {{ ... }}`; here stands `#[derive(Actor)]`")
        }
        Item::Fn(function) if function.sig.receiver().is_some() => {
            "`#[messages]` belongs on the impl block around this method; the method is marked `#[message]`".to_owned()
        }
        Item::Fn(_) => "`#[messages]` belongs on the actor's impl block; its methods are marked `#[message]`".to_owned(),
        _ => "`#[messages]` belongs on the actor's impl block: `impl Counter { ... }`".to_owned(),
    }
}

/// The part of an item that a complaint about all of it points at.
pub(crate) fn headline(item: &Item) -> TokenStream {
    match item {
        Item::Struct(item) => item.ident.to_token_stream(),
        Item::Enum(item) => item.ident.to_token_stream(),
        Item::Fn(item) => item.sig.ident.to_token_stream(),
        Item::Mod(item) => item.ident.to_token_stream(),
        Item::Trait(item) => item.ident.to_token_stream(),
        item => item.to_token_stream(),
    }
}

#[cfg(test)]
mod tests {
    use syn::{ImplItemFn, ItemImpl};

    use super::*;

    fn complaints(mut block: ItemImpl) -> Vec<String> {
        let mut complaints = Complaints::default();
        if let Some(mut block) = Block::read(&mut block, &mut complaints) {
            check(&mut block, &mut complaints);
        }
        complaints.texts()
    }

    #[test]
    fn each_mistake_is_one_complaint() {
        let cases: [(ImplItemFn, &str); 17] = [
            (
                parse_quote!(
                    #[message]
                    fn add(by: u64) {}
                ),
                "handler `add` needs `&mut self`",
            ),
            (
                parse_quote!(
                    #[message]
                    fn add(self) {}
                ),
                "a handler borrows the actor",
            ),
            (
                parse_quote!(
                    #[message]
                    fn say(&self, text: &str) {}
                ),
                "write `String` or `Arc<str>`",
            ),
            (
                parse_quote!(
                    #[message]
                    fn share(&self, text: Option<Rc<str>>) {}
                ),
                "travels between threads: write `Arc<str>`",
            ),
            (
                parse_quote!(
                    #[message]
                    fn run(&self, ctx: Box<Context<Counter>>) {}
                ),
                "write `&mut Context<Self>`",
            ),
            (
                parse_quote!(
                    #[message]
                    fn reset(this: &mut Counter) {}
                ),
                "handler `reset` needs `&mut self`",
            ),
            (
                parse_quote!(
                    #[message]
                    fn say(&self, text: impl Into<String>) {}
                ),
                "name a concrete type",
            ),
            (
                parse_quote!(
                    #[message]
                    fn put(&self, (k, v): (u8, u8)) {}
                ),
                "a field of `Put`: give it one name",
            ),
            (
                parse_quote!(
                    #[message]
                    fn put<T>(&self, value: T) {}
                ),
                "put `T` on the actor",
            ),
            (
                parse_quote!(
                    #[message]
                    fn page(&self) -> impl Future<Output = u8> {}
                ),
                "write `async fn` and return `u8`",
            ),
            (
                parse_quote!(
                    #[message]
                    fn page(&self) -> BoxFuture<'static, u8> {}
                ),
                "write `async fn` and return `u8`",
            ),
            (
                parse_quote!(
                    #[message]
                    fn page(&self) -> u8 {
                        self.book.page().await
                    }
                ),
                "write `async fn page`",
            ),
            (
                parse_quote!(
                    #[message]
                    fn name(&self) -> &str {}
                ),
                "a reply is owned",
            ),
            (
                parse_quote!(
                    #[message]
                    fn get(&self, reply: ReplyTo<u8>) -> u8 {}
                ),
                "choose one",
            ),
            (
                parse_quote!(
                    #[message]
                    fn send(&self) {}
                ),
                "hide the prelude's `Send`",
            ),
            (
                parse_quote!(
                    #[handle]
                    fn on(&self) {}
                ),
                "`on` handles no message",
            ),
            (
                parse_quote!(
                    #[started]
                    fn open(&self) -> u8 {}
                ),
                "nothing or a `Result<(), E>`",
            ),
        ];
        for (method, expected) in cases {
            let texts = complaints(parse_quote!(impl Counter { #method }));
            assert_eq!(texts.len(), 1, "{expected}: {texts:?}");
            assert!(texts[0].contains(expected), "{expected}: {texts:?}");
        }
    }

    #[test]
    fn all_mistakes_of_a_block_are_told() {
        let texts = complaints(parse_quote! {
            impl Counter {
                #[message] fn add(by: u64) {}
                #[message] #[handle] fn get(&self) -> u64 {}
                #[message] fn get_(&self) {}
                #[started] fn open(&self) {}
                #[started] fn open_again(&self) {}
            }
        });
        assert_eq!(texts.len(), 4, "{texts:?}");
    }

    #[test]
    fn what_only_looks_borrowed_is_accepted() {
        let texts = complaints(parse_quote! {
            impl Counter {
                #[message]
                fn run(&self, name: &'static str, job: Box<dyn for<'a> Fn(&'a str) -> &'a str + Send>, ctx: &mut Context<Self>) {}
            }
        });
        assert_eq!(texts, [""; 0]);
    }
}
