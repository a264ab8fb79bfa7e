//! Our picture of the annotated impl block: handlers, hooks, and what each parameter is for.

use std::mem;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::visit::Visit;
use syn::{
    Attribute, ExprAsync, ExprAwait, ExprClosure, FnArg, Generics, Ident, ImplItem, ImplItemFn, Item, ItemImpl, Pat, PatIdent, Path,
    ReturnType, Signature, Token, TraitItem, Type, Visibility, WherePredicate, parse_quote, parse2,
};

use crate::args::{HandlerArgs, Marker, TickArgs, list_tokens};
use crate::complaint::Complaints;
use crate::generics::{names_self, sendable_bounds, spell_out_self};
use crate::names::struct_name;
use crate::types::{borrowed_context, is_given, is_named, is_unit, last_segment, peel, shown, type_arguments};

/// An impl block whose marked methods make its type an actor.
pub(crate) struct Block {
    pub(crate) self_ty: Type,
    /// The actor's bare name.
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    /// Whether the type borrows, in which case it can be no actor.
    pub(crate) borrows: bool,
    /// Whether the actor takes messages beside those of the block.
    pub(crate) open: bool,
    pub(crate) handlers: Vec<Handler>,
    pub(crate) hooks: Vec<Hook>,
}

/// A method that handles one type of message.
pub(crate) struct Handler {
    pub(crate) method: Method,
    pub(crate) message: Message,
    /// Whether the message waits in a box.
    pub(crate) boxed: bool,
    /// Whether the message overtakes ordinary ones.
    pub(crate) control: bool,
    pub(crate) reply: Reply,
    /// Whether something was complained about: its message is declared all the same, so that
    /// those who send it are not complained about too, but the method is not called.
    pub(crate) broken: bool,
    /// Type parameters in the place of types that its message cannot have.
    pub(crate) untyped: Vec<Ident>,
    /// Whether its message cannot wait in a mailbox, so that nothing stands in its place.
    pub(crate) hollow: bool,
}

/// The message of a handler.
pub(crate) enum Message {
    /// A struct made from the parameters.
    Generated { name: Ident, derives: Vec<Path> },
    /// The user's own type, which is the type of the one payload parameter.
    Own,
    /// An item of a stream, or its end: an `Option`, which is the type of the one payload parameter.
    Item,
    /// Nothing: it is the clock that calls.
    Tick(TickArgs),
}

/// What whoever asks is answered.
#[expect(clippy::large_enum_variant, reason = "there are few, and none lives long")]
pub(crate) enum Reply {
    Nothing,
    Value(Type),
    /// The `Ok` of this result type; its `Err` is the handler's failure.
    Fallible(Type),
    /// Whatever is sent through the `ReplyTo` parameter.
    Later {
        reply: Type,
        error: Option<Type>,
    },
}

/// A method that is called as the actor's life goes on.
pub(crate) struct Hook {
    pub(crate) kind: HookKind,
    pub(crate) method: Method,
    pub(crate) broken: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HookKind {
    Started,
    Exited,
    Stopped,
}

/// A method as the user wrote it, with `Self` spelled out in all its types.
pub(crate) struct Method {
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) deprecated: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) params: Vec<Param>,
    pub(crate) output: Option<Type>,
    /// Whether it awaits without being `async`.
    pub(crate) awaits: bool,
    /// Whether it is `async` and may have to wait.
    pub(crate) waits: bool,
}

/// A parameter other than `self`.
pub(crate) struct Param {
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) pattern: Pat,
    pub(crate) ty: Type,
    pub(crate) role: Role,
}

/// What a parameter is for, known by its type.
pub(crate) enum Role {
    /// `&mut Context<Self>` or `&Context<Self>`.
    Context,
    /// `ReplyTo<R>` or `ReplyTo<R, E>`.
    ReplyTo,
    /// `&ExitReason`; special in hooks only.
    Reason,
    /// `Exited`; special in hooks only.
    Exit,
    /// Anything else.
    Payload,
}

impl Block {
    /// Reads an impl block and takes our markers off it; `None` if it cannot be an actor's.
    pub(crate) fn read(item: &mut ItemImpl, complaints: &mut Complaints) -> Option<Self> {
        let self_ty = (*item.self_ty).clone();
        let mut handlers = Vec::new();
        let mut hooks = Vec::new();
        let mut marked = Vec::new();
        for (place, inner) in item.items.iter_mut().enumerate() {
            let before = complaints.len();
            let markers = take_markers(inner, complaints);
            let ImplItem::Fn(method) = inner else {
                for marker in markers {
                    complaints.at(marker, "only a method can be marked");
                }
                continue;
            };
            let Some((marker, more)) = markers.split_first() else {
                continue;
            };
            marked.push(place);
            for extra in more {
                let text =
                    format!("`{}` is already marked `#[{}]`: a method has one marker", method.sig.ident, marker.path().to_token_stream());
                complaints.at(extra, text);
            }
            let corrected = complaints.len();
            let read = Marked::read(method, marker, &self_ty, complaints);
            if more.is_empty() && corrected > before {
                // Which options a marker has depends on which one was meant.
                complaints.forget_since(corrected);
            }
            match read {
                Some(Marked::Handler(mut handler)) => {
                    handler.broken = complaints.len() > before;
                    handlers.push(handler);
                }
                Some(Marked::Hook(mut hook)) => {
                    hook.broken = complaints.len() > before;
                    hooks.push(hook);
                }
                None => {}
            }
        }
        take_for_sendable(item, &marked);
        allow_what_we_ask_for(item, &marked);
        Some(Block {
            name: actor_name(item, complaints)?,
            self_ty,
            generics: item.generics.clone(),
            borrows: false,
            open: false,
            handlers,
            hooks,
        })
    }

    /// The handlers of messages that others can send.
    pub(crate) fn open_handlers(&self) -> impl Iterator<Item = &Handler> {
        self.handlers.iter().filter(|handler| handler.tick().is_none())
    }

    /// The hooks of this kind: under `cfg`, there may be several that exclude each other.
    pub(crate) fn hooks_of(&self, kind: HookKind) -> impl Iterator<Item = &Hook> {
        self.hooks.iter().filter(move |hook| hook.kind == kind)
    }
}

/// A method that carries one of our markers.
#[expect(clippy::large_enum_variant, reason = "there are few, and none lives long")]
enum Marked {
    Handler(Handler),
    Hook(Hook),
}

impl Marked {
    fn read(method: &mut ImplItemFn, marker: &Attribute, self_ty: &Type, complaints: &mut Complaints) -> Option<Self> {
        let kind = match Marker::of(marker)? {
            Marker::Message => {
                let known = ["name", "boxed", "control", "derive"];
                let mut args = HandlerArgs::read(marker, &known, complaints);
                let name = args.name.take().unwrap_or_else(|| struct_name(&method.sig.ident));
                let derives = mem::take(&mut args.derives);
                let message = Message::Generated { name, derives };
                let handler = Handler::read(method, self_ty, message, &args, complaints);
                return Some(Marked::Handler(handler));
            }
            Marker::Handle => {
                let args = HandlerArgs::read(marker, &["boxed", "control"], complaints);
                let handler = Handler::read(method, self_ty, Message::Own, &args, complaints);
                return Some(Marked::Handler(handler));
            }
            Marker::Stream => {
                let args = HandlerArgs::read(marker, &["boxed"], complaints);
                let handler = Handler::read(method, self_ty, Message::Item, &args, complaints);
                return Some(Marked::Handler(handler));
            }
            Marker::Tick => {
                let args = TickArgs::read(marker, complaints);
                let handler = Handler::read(method, self_ty, Message::Tick(args), &HandlerArgs::default(), complaints);
                return Some(Marked::Handler(handler));
            }
            Marker::Started => HookKind::Started,
            Marker::Exited => HookKind::Exited,
            Marker::Stopped => HookKind::Stopped,
        };
        if !list_tokens(marker, complaints).is_empty() {
            let name = kind.name();
            complaints.at(marker, format!("`#[{name}]` takes no options"));
        }
        Some(Marked::Hook(Hook { kind, method: Method::read(method, self_ty, complaints), broken: false }))
    }
}

impl Handler {
    fn read(method: &mut ImplItemFn, self_ty: &Type, message: Message, args: &HandlerArgs, complaints: &mut Complaints) -> Self {
        let method = Method::read(method, self_ty, complaints);
        Handler {
            reply: Reply::of(&method),
            method,
            message,
            boxed: args.boxed,
            control: args.control,
            broken: false,
            untyped: Vec::new(),
            hollow: false,
        }
    }

    /// The parameters that carry the message.
    pub(crate) fn payload(&self) -> impl Iterator<Item = &Param> {
        self.method.params.iter().filter(|param| param.is_payload())
    }

    /// Whether the message is a struct that the macro makes.
    pub(crate) fn is_generated(&self) -> bool {
        matches!(self.message, Message::Generated { .. })
    }

    /// What the clock is told of it, if it is a tick.
    pub(crate) fn tick(&self) -> Option<&TickArgs> {
        match &self.message {
            Message::Tick(args) => Some(args),
            _ => None,
        }
    }

    /// What distinguishes this handler's message from the others of the block, as shown in
    /// introspection.
    pub(crate) fn message_name(&self) -> String {
        match &self.message {
            Message::Generated { name, .. } => name.unraw().to_string(),
            Message::Tick(_) => self.method.ident().unraw().to_string(),
            Message::Own | Message::Item => self.payload().next().map_or_else(String::new, |param| match last_segment(&param.ty) {
                Some(segment) => shown(segment),
                None => shown(&param.ty),
            }),
        }
    }
}

impl Reply {
    fn of(method: &Method) -> Self {
        let slot = method.params.iter().find(|param| matches!(param.role, Role::ReplyTo));
        if let Some(slot) = slot {
            let mut types = type_arguments(&slot.ty);
            return Reply::Later { reply: types.next().cloned().unwrap_or_else(|| parse_quote!(())), error: types.next().cloned() };
        }
        match &method.output {
            None => Reply::Nothing,
            Some(ty) if is_named(ty, "Result") => Reply::Fallible(ty.clone()),
            Some(ty) => Reply::Value(ty.clone()),
        }
    }
}

impl HookKind {
    /// The name of the marker and of the trait's function.
    pub(crate) fn name(self) -> &'static str {
        match self {
            HookKind::Started => "started",
            HookKind::Exited => "exited",
            HookKind::Stopped => "stopped",
        }
    }

    /// Whether the hook is given a parameter of this role.
    pub(crate) fn passes(self, role: &Role) -> bool {
        match role {
            Role::Context => true,
            Role::Reason => self == HookKind::Stopped,
            Role::Exit => self == HookKind::Exited,
            Role::ReplyTo | Role::Payload => false,
        }
    }

    /// What the hook may take, in words.
    pub(crate) fn takes(self) -> &'static str {
        match self {
            HookKind::Started => "`&mut Context<Self>`",
            HookKind::Exited => "`Exited` and `&mut Context<Self>`",
            HookKind::Stopped => "`&ExitReason` and `&mut Context<Self>`",
        }
    }
}

impl Method {
    /// Reads a marked method, and takes the doc comments off its parameters, where the language
    /// has no place for them. One that awaits becomes `async`, so that the compiler does not complain as well.
    fn read(method: &mut ImplItemFn, self_ty: &Type, complaints: &mut Complaints) -> Self {
        let waits = may_wait(method);
        let awaits = method.sig.asyncness.is_none() && awaits(&method.block);
        if awaits {
            method.sig.asyncness = Some(Token![async](method.sig.fn_token.span));
        }
        let signature = method.sig.clone();
        let params = method.sig.inputs.iter_mut().filter_map(|input| match input {
            FnArg::Receiver(_) => None,
            FnArg::Typed(param) => {
                let docs = copied(&param.attrs, "doc");
                param.attrs.retain(|attribute| !attribute.path().is_ident("doc"));
                let ty = spelled_out(&param.ty, self_ty);
                forget_context_of_another(&mut param.ty, self_ty, complaints);
                Some(Param { cfgs: copied(&param.attrs, "cfg"), docs, pattern: (*param.pat).clone(), role: Role::of(&ty), ty })
            }
        });
        let params = params.collect();
        let output = match &signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) if is_unit(ty) => None,
            ReturnType::Type(_, ty) => Some(spelled_out(ty, self_ty)),
        };
        Method {
            cfgs: copied(&method.attrs, "cfg"),
            docs: copied(&method.attrs, "doc"),
            deprecated: copied(&method.attrs, "deprecated"),
            visibility: method.vis.clone(),
            signature,
            params,
            output,
            awaits,
            waits,
        }
    }

    pub(crate) fn ident(&self) -> &Ident {
        &self.signature.ident
    }
}

impl Param {
    /// The parameter's name, if it has just one.
    pub(crate) fn name(&self) -> Option<&Ident> {
        match &self.pattern {
            Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => Some(&pattern.ident),
            _ => None,
        }
    }

    /// The parameter itself if it has one name, and else one of an unknown type for each name in its pattern.
    pub(crate) fn with_one_name(self) -> Vec<Param> {
        if self.name().is_some() || !self.is_payload() {
            return vec![self];
        }
        let mut names = Names(Vec::new());
        names.visit_pat(&self.pattern);
        let part = |name: Ident| Param {
            cfgs: self.cfgs.clone(),
            docs: Vec::new(),
            pattern: parse_quote!(#name),
            ty: parse_quote!(_),
            role: Role::Payload,
        };
        names.0.into_iter().map(part).collect()
    }

    /// Whether a handler takes this parameter from the message.
    pub(crate) fn is_payload(&self) -> bool {
        !matches!(self.role, Role::Context | Role::ReplyTo)
    }
}

impl Role {
    pub(crate) fn of(ty: &Type) -> Self {
        match peel(ty) {
            ty if borrowed_context(ty).is_some() => Role::Context,
            Type::Reference(reference) if is_named(&reference.elem, "ExitReason") => Role::Reason,
            ty if is_given(ty, "ReplyTo") => Role::ReplyTo,
            ty if is_named(ty, "Exited") => Role::Exit,
            _ => Role::Payload,
        }
    }
}

/// The names that a pattern binds.
struct Names(Vec<Ident>);

impl<'ast> Visit<'ast> for Names {
    fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
        self.0.push(pattern.ident.clone());
    }
}

/// Complains of a context that is not the actor's, and lets the complaint stand in its place, so that nothing is said of what is done
/// with it.
fn forget_context_of_another(ty: &mut Type, self_ty: &Type, complaints: &mut Complaints) {
    let Some(reference) = borrowed_context(ty) else { return };
    let actor = last_segment(self_ty).map(|segment| &segment.ident);
    let is_own = |of: &Type| last_segment(of).is_some_and(|segment| segment.ident == "Self" || Some(&segment.ident) == actor);
    if type_arguments(&reference.elem).any(is_own) {
        return;
    }
    let before = complaints.len();
    let wanted = if reference.mutability.is_some() { "&mut Context<Self>" } else { "&Context<Self>" };
    complaints.at(&*ty, format!("the context is that of the actor itself: write `{wanted}`"));
    if let Some(said) = complaints.as_type(before) {
        *ty = said;
    }
}

fn spelled_out(ty: &Type, self_ty: &Type) -> Type {
    let tokens = ty.to_token_stream();
    if !names_self(tokens.clone()) {
        return ty.clone();
    }
    parse2(spell_out_self(tokens, self_ty)).unwrap_or_else(|_| ty.clone())
}

/// Spares the marked methods what lints say of their signatures, for which it is we who ask, and whom the framework calls. One attribute
/// does where all are marked.
fn allow_what_we_ask_for(item: &mut ItemImpl, marked: &[usize]) {
    let asked_for: Attribute = parse_quote! {
        #[allow(clippy::unused_self, clippy::needless_pass_by_value, clippy::must_use_candidate, clippy::missing_const_for_fn)]
    };
    if marked.len() == item.items.len() {
        item.attrs.push(asked_for);
        return;
    }
    for place in marked {
        if let ImplItem::Fn(method) = &mut item.items[*place] {
            method.attrs.push(asked_for.clone());
        }
    }
}

/// Lets the parameters of the actor be sendable in its handlers and hooks, and wherever else in the block its context comes.
fn take_for_sendable(item: &mut ItemImpl, marked: &[usize]) {
    let bounds: Vec<WherePredicate> = sendable_bounds(&item.generics).collect();
    for (place, inner) in item.items.iter_mut().enumerate() {
        let ImplItem::Fn(method) = inner else { continue };
        let takes_context = |input: &FnArg| matches!(input, FnArg::Typed(param) if matches!(Role::of(&param.ty), Role::Context));
        if !bounds.is_empty() && (marked.contains(&place) || method.sig.inputs.iter().any(takes_context)) {
            method.sig.generics.make_where_clause().predicates.extend(bounds.iter().cloned());
        }
    }
}

/// Whether a body awaits, other than in futures and closures of its own.
fn awaits(body: &syn::Block) -> bool {
    struct Awaits(bool);
    impl<'ast> Visit<'ast> for Awaits {
        fn visit_expr_await(&mut self, _: &'ast ExprAwait) {
            self.0 = true;
        }
        fn visit_expr_async(&mut self, _: &'ast ExprAsync) {}
        fn visit_expr_closure(&mut self, _: &'ast ExprClosure) {}
        fn visit_item(&mut self, _: &'ast Item) {}
    }
    let mut visitor = Awaits(false);
    visitor.visit_block(body);
    visitor.0
}

/// Whether an `async` method may have to wait. One that awaits nothing does not; what a macro of others', or an attribute, makes of it
/// nobody knows.
fn may_wait(method: &ImplItemFn) -> bool {
    struct KnowsMacros(bool);
    impl<'ast> Visit<'ast> for KnowsMacros {
        fn visit_macro(&mut self, call: &'ast syn::Macro) {
            let name = call.path.get_ident().map(ToString::to_string);
            let is_known = name.is_some_and(|name| HARMLESS_MACROS.contains(&name.as_str())) && !mentions_await(&call.tokens);
            self.0 &= is_known;
        }
        fn visit_item(&mut self, _: &'ast Item) {}
    }
    let mut visitor = KnowsMacros(true);
    visitor.visit_block(&method.block);
    let is_plain =
        |attribute: &Attribute| HARMLESS_ATTRIBUTES.iter().any(|name| attribute.path().is_ident(name)) || Marker::of(attribute).is_some();
    let is_known = visitor.0 && method.attrs.iter().all(is_plain);
    method.sig.asyncness.is_some() && (!is_known || awaits(&method.block))
}

/// Macros of the standard library that await nothing but what is written in them, and of whose names there are no others that do.
const HARMLESS_MACROS: [&str; 14] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "concat",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "format",
    "matches",
    "panic",
    "todo",
    "unreachable",
    "vec",
];

/// Attributes that leave a method as it is.
const HARMLESS_ATTRIBUTES: [&str; 11] =
    ["allow", "cfg", "cold", "deny", "deprecated", "doc", "expect", "forbid", "inline", "must_use", "warn"];

fn mentions_await(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(name) => name == "await",
        TokenTree::Group(group) => mentions_await(&group.stream()),
        _ => false,
    })
}

fn copied(attributes: &[Attribute], name: &str) -> Vec<Attribute> {
    let wanted = attributes.iter().filter(|a| a.path().is_ident(name));
    wanted.cloned().collect()
}

/// Takes our markers off an item on which `#[messages]` stands by mistake.
pub(crate) fn unmark(item: &mut Item) {
    let unmark = |attributes: &mut Vec<Attribute>| attributes.retain(|attribute| Marker::of(attribute).is_none());
    match item {
        Item::Fn(function) => unmark(&mut function.attrs),
        Item::Mod(item) => item.content.iter_mut().flat_map(|(_, items)| items).for_each(self::unmark),
        Item::Trait(item) => {
            for inner in &mut item.items {
                if let TraitItem::Fn(function) = inner {
                    unmark(&mut function.attrs);
                }
            }
        }
        _ => {}
    }
}

/// Takes our markers off an item, those included that are only mistyped.
fn take_markers(item: &mut ImplItem, complaints: &mut Complaints) -> Vec<Attribute> {
    let attributes = match item {
        ImplItem::Const(item) => &mut item.attrs,
        ImplItem::Fn(item) => &mut item.attrs,
        ImplItem::Type(item) => &mut item.attrs,
        ImplItem::Macro(item) => &mut item.attrs,
        _ => return Vec::new(),
    };
    for attribute in &mut *attributes {
        Marker::correct(attribute, complaints);
    }
    let is_marker = |attribute: &Attribute| Marker::of(attribute).is_some();
    let (markers, others) = mem::take(attributes).into_iter().partition(is_marker);
    *attributes = others;
    markers
}

/// Has a block that stands on a reference to the actor, or on what holds it, stand on the actor, and complains about that.
pub(crate) fn put_on_the_actor(item: &mut ItemImpl, complaints: &mut Complaints) {
    const HOLDERS: [&str; 8] = ["Arc", "Box", "Mutex", "Option", "Pin", "Rc", "RefCell", "RwLock"];
    let mut inner = &*item.self_ty;
    loop {
        let mut arguments = type_arguments(inner);
        inner = match (peel(inner), arguments.next(), arguments.next()) {
            (Type::Reference(reference), ..) => &reference.elem,
            (held, Some(argument), None) if HOLDERS.iter().any(|holder| is_named(held, holder)) => argument,
            _ => break,
        };
    }
    let is_actor = last_segment(inner).is_some() && item.trait_.is_none();
    if is_actor && !std::ptr::eq(inner, &*item.self_ty) {
        let text = format!("the block stands on the actor itself: `impl {} {{ ... }}`", shown(inner));
        complaints.at(&item.self_ty, text);
        let inner = inner.clone();
        *item.self_ty = inner;
    }
}

/// Returns the name of the type that the block belongs to.
fn actor_name(item: &ItemImpl, complaints: &mut Complaints) -> Option<Ident> {
    if let Some((of_trait, _)) = &item.trait_ {
        let text = "`#[messages]` belongs on the actor's own impl block, not on that of a trait";
        complaints.at(of_trait, text);
        return None;
    }
    let last = last_segment(&item.self_ty);
    if last.is_none() {
        let text = "an actor is a struct or an enum: `impl Counter { ... }`";
        complaints.at(&item.self_ty, text);
    }
    last.map(|segment| segment.ident.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_known_by_the_last_segment() {
        assert!(matches!(Role::of(&parse_quote!(&mut actors_core::Context<Self>)), Role::Context));
        assert!(matches!(Role::of(&parse_quote!(&ExitReason)), Role::Reason));
        assert!(matches!(Role::of(&parse_quote!(ReplyTo<u8, Full>)), Role::ReplyTo));
        assert!(matches!(Role::of(&parse_quote!(Exited)), Role::Exit));
        assert!(matches!(Role::of(&parse_quote!(&mut Context)), Role::Context));
        for of_another in [parse_quote!(&str), parse_quote!(Context), parse_quote!(&mut task::Context), parse_quote!(mail::ReplyTo)] {
            assert!(matches!(Role::of(&of_another), Role::Payload), "{}", shown(&of_another));
        }
    }
}
