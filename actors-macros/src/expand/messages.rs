//! The message structs of an impl block, and what all that is written beside it shares.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, GenericParam, Generics, Lit, LitStr, Meta, Path, parse_quote};

use crate::block_args::MessagesArgs;
use crate::expand::{generated, placed};
use crate::generics::{sendable, type_params, used_by};
use crate::model::{Block, Handler, Message, Method, Param};

/// Writes all that stands beside the impl block.
pub(crate) fn messages(block: &Block, args: &MessagesArgs) -> TokenStream {
    // By a name of its own the framework is looked for once, and complained of once if it is not there.
    let krate = parse_quote!(__actors);
    // Of a type that is not there, the compiler would else suggest a parameter of what is written here, and so say it twice.
    let of_block = generated(block.name.span());
    let expansion = Expansion {
        krate: &krate,
        size_limit: args.size_limit,
        block,
        generics: sendable(&block.generics),
        taken_for_sendable: taken_for_sendable(&block.generics, &krate),
        alias: block.generics.params.is_empty().then(|| format_ident!("__Me")),
        message: format_ident!("__{}Message", block.name.unraw(), span = of_block),
        kind: format_ident!("__{}MessageKind", block.name.unraw(), span = of_block),
    };
    let structs = block.handlers.iter();
    let structs = structs.filter_map(|handler| expansion.message_struct(handler));
    let structs = quote!(#(#structs)*);
    if block.borrows {
        return structs;
    }
    let mailbox = expansion.mailbox();
    let life = expansion.life();
    let checks = expansion.checks();
    let framework = &args.krate;
    let imports = quote!(use #framework::{self as __actors, Accepts as __Accepts, ReplyTo as __ReplyTo};);
    let imports = placed(imports, generated(framework.span()));
    let lints = quote! {
        #[allow(
            dead_code,
            deprecated,
            missing_docs,
            missing_copy_implementations,
            missing_debug_implementations,
            non_camel_case_types,
            private_bounds,
            private_interfaces,
            unreachable_code,
            unreachable_pub,
            unused_imports,
            unused_qualifications,
            clippy::all,
            clippy::nursery,
            clippy::pedantic
        )]
    };
    let self_ty = &block.self_ty;
    let alias = expansion.alias.as_ref().map(|alias| quote!(type #alias = #self_ty;));
    let hidden = quote! {
        use ::core::any::TypeId as __TypeId;
        #imports
        #alias

        #mailbox
        #life
        #checks
    };
    // Nobody can name what stands in a constant without a name, and that works inside a function too.
    let hidden = expansion.in_one_block(&lints, &hidden);
    quote!(#structs #hidden)
}

/// The bounds of the impls of an actor other than the first. By one of them it is itself taken for sendable, as the first has shown.
fn taken_for_sendable(generics: &Generics, krate: &Path) -> Generics {
    let mut generics = sendable(generics);
    let messages = parse_quote!(for<'__any> Self: #krate::__private::Travels<'__any>);
    generics.make_where_clause().predicates.push(messages);
    generics
}

/// The block to write for, and what all parts of the output share.
pub(super) struct Expansion<'a> {
    pub(super) krate: &'a Path,
    pub(super) size_limit: Option<u32>,
    pub(super) block: &'a Block,
    /// The block's generic parameters, for the impl that shows that the actor can be sent.
    pub(super) generics: Generics,
    /// The same, for all others, which take that for granted.
    pub(super) taken_for_sendable: Generics,
    /// The actor's type under a name of its own, so that what the compiler has to say of the type is said where that stands, and not at
    /// each method; none if the actor has parameters.
    pub(super) alias: Option<Ident>,
    /// The public, opaque type that waits in the mailbox.
    pub(super) message: Ident,
    /// The enum inside, private so that it may hold private messages.
    pub(super) kind: Ident,
}

impl Expansion<'_> {
    /// The struct made from a handler's parameters.
    fn message_struct(&self, handler: &Handler) -> Option<TokenStream> {
        let Message::Generated { name, derives } = &handler.message else {
            return None;
        };
        let Method { cfgs, deprecated, visibility, .. } = &handler.method;
        let docs = self.docs(handler);
        let derives = (!derives.is_empty()).then(|| quote!(#[derive(#(#derives),*)]));
        let generics = self.generics_of(handler);
        let where_clause = &generics.where_clause;
        let fields = handler.payload().map(|param| {
            let Param { cfgs, docs, ty, .. } = param;
            let name = param.name();
            quote!(#(#cfgs)* #(#docs)* #visibility #name: #ty)
        });
        // Of a name that is taken, the compiler complains from the first token to the last.
        let place = generated(name.span());
        let keyword = quote_spanned!(place=> struct);
        let mut fields = fields.peekable();
        let body = match fields.peek() {
            Some(_) => quote_spanned!(place=> #where_clause { #(#fields),* }),
            None => quote_spanned!(place=> ;),
        };
        Some(quote! {
            #(#cfgs)*
            #docs
            #(#deprecated)*
            #derives
            #[allow(
                dead_code,
                missing_docs,
                missing_copy_implementations,
                missing_debug_implementations,
                unreachable_pub,
                clippy::all,
                clippy::nursery,
                clippy::pedantic
            )]
            #visibility #keyword #name #generics #body
        })
    }

    /// The method's own docs, or a line that says which method handles the message.
    fn docs(&self, handler: &Handler) -> TokenStream {
        let Method { docs, .. } = &handler.method;
        let actor = self.block.name.unraw();
        if docs.is_empty() {
            let method = handler.method.ident().unraw();
            let line = format!(" The message that `{actor}::{method}` handles.");
            return quote!(#[doc = #line]);
        }
        let docs = docs.iter().map(|doc| spell_out_self_in_doc(doc, &actor));
        quote!(#(#docs)*)
    }

    /// The generic parameters of a handler's message struct.
    fn generics_of(&self, handler: &Handler) -> Generics {
        let fields = handler.payload().map(|param| &param.ty);
        let mut generics = used_by(fields, &self.block.generics, &self.block.name);
        generics.params.extend(handler.untyped.iter().map(|any| -> GenericParam { parse_quote!(#any) }));
        generics
    }

    /// The type of a handler's message.
    pub(super) fn message_type(&self, handler: &Handler) -> TokenStream {
        match &handler.message {
            Message::Generated { name, .. } => {
                let generics = self.generics_of(handler);
                let (_, ty_generics, _) = generics.split_for_impl();
                quote!(#name #ty_generics)
            }
            Message::Tick(_) => quote!(()),
            Message::Own | Message::Item => {
                let ty = handler.payload().next().map(|param| &param.ty);
                ty.to_token_stream()
            }
        }
    }

    /// One match arm per handler, from the pattern after the variant's name and the result.
    pub(super) fn arms(&self, arm: impl Fn(&Handler) -> (TokenStream, TokenStream)) -> TokenStream {
        let kind = &self.kind;
        let arms = self.block.handlers.iter().map(|handler| {
            let cfgs = &handler.method.cfgs;
            let variant = handler.method.ident();
            let (pattern, result) = arm(handler);
            quote!(#(#cfgs)* #kind::#variant #pattern => #result,)
        });
        arms.collect()
    }

    /// The arm of the variant for messages that the block does not name, if there is one.
    pub(super) fn open_arm(&self, pattern: &TokenStream, result: &TokenStream) -> Option<TokenStream> {
        let kind = &self.kind;
        self.block.open.then(|| quote!(#kind::__Open(#pattern) => #result,))
    }

    /// The arm of the variant that is never made.
    pub(super) fn phantom_arm(&self, pattern: &TokenStream, never: &TokenStream) -> Option<TokenStream> {
        let kind = &self.kind;
        let mut params = type_params(&self.block.generics);
        params.next().map(|_| quote!(#kind::__Phantom(_, #pattern) => match #never {},))
    }
}

/// The message, out of its box if it has one.
pub(super) fn unboxed(handler: &Handler) -> TokenStream {
    if handler.boxed { quote!(*__message) } else { quote!(__message) }
}

/// Makes links to `Self::method` work in the docs of a struct that has no such method.
fn spell_out_self_in_doc(doc: &Attribute, actor: &Ident) -> Attribute {
    let mut doc = doc.clone();
    if let Meta::NameValue(pair) = &mut doc.meta {
        if let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &mut pair.value {
            let spelled = line.value().replace("Self::", &format!("{actor}::"));
            *line = LitStr::new(&spelled, line.span());
        }
    }
    doc
}
