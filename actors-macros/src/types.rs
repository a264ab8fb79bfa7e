//! Questions about types: what they are called, and whether they can stand in a message or a reply.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    GenericArgument, Ident, Lifetime, ParenthesizedGenericArguments, Path, PathArguments, PathSegment, TraitBound, Type, TypeFnPtr,
    TypeImplTrait, TypeInfer, TypeParamBound, TypeReference,
};

/// Looks through the invisible brackets that `macro_rules` puts around a type.
pub(crate) fn peel(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            ty => return ty,
        };
    }
}

/// Whether the last segment of a path type is `name`, whatever leads there.
pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name)
}

/// Whether the type is called so and is given something, as the framework's of that name always are; another's may be called the same.
pub(crate) fn is_given(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name && !segment.arguments.is_none())
}

/// The reference that a context comes by, also where it is not said whose it is.
pub(crate) fn borrowed_context(ty: &Type) -> Option<&TypeReference> {
    let Type::Reference(reference) = peel(ty) else { return None };
    let alone = type_path(&reference.elem).is_some_and(|path| path.is_ident("Context"));
    (alone || is_given(&reference.elem, "Context")).then_some(reference)
}

/// The type arguments of a path type's last segment.
pub(crate) fn type_arguments(ty: &Type) -> impl Iterator<Item = &Type> {
    let arguments = last_segment(ty).and_then(|segment| match &segment.arguments {
        PathArguments::AngleBracketed(list) => Some(&list.args),
        _ => None,
    });
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Writes a type as people write it.
pub(crate) fn shown(tokens: impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (spaced, tight) in
        [(" < ", "<"), (" >", ">"), (" :: ", "::"), (" ,", ","), ("& ", "&"), ("Fn (", "Fn("), ("Mut (", "Mut("), ("Once (", "Once(")]
    {
        text = text.replace(spaced, tight);
    }
    text
}

/// The path of a path type.
pub(crate) fn type_path(ty: &Type) -> Option<&Path> {
    match peel(ty) {
        Type::Path(path) if path.qself.is_none() => Some(&path.path),
        _ => None,
    }
}

/// The last segment of a path type.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    type_path(ty)?.segments.last()
}

/// Whether the type is `()`.
pub(crate) fn is_unit(ty: &Type) -> bool {
    matches!(peel(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// How much room a value takes at most, with what is left free beside it, if that can be seen without the compiler.
pub(crate) fn at_most(ty: &Type) -> Option<usize> {
    const PLAIN: [&str; 16] =
        ["bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize"];
    let name = &last_segment(ty)?.ident;
    if PLAIN.iter().any(|known| name == known) || name == "Arc" || name == "Box" {
        return Some(16);
    }
    (name == "String" || name == "Vec").then_some(32)
}

/// Whether values of the type have no size, as can be seen.
pub(crate) fn is_unsized(ty: &Type) -> bool {
    matches!(peel(ty), Type::Slice(_) | Type::TraitObject(_)) || is_named(ty, "str")
}

/// Whether the context of this actor is inside of another type.
pub(crate) fn holds_context(ty: &Type, actor: &Ident) -> bool {
    struct Contexts<'a>(&'a Ident, bool);
    impl<'ast> Visit<'ast> for Contexts<'_> {
        fn visit_type(&mut self, ty: &'ast Type) {
            let of_actor = type_arguments(ty).any(|of| last_segment(of).is_some_and(|segment| segment.ident == *self.0));
            self.1 |= is_named(ty, "Context") && of_actor;
            visit::visit_type(self, ty);
        }
    }
    let mut contexts = Contexts(actor, false);
    contexts.visit_type(ty);
    contexts.1
}

/// The type as the compiler tells types apart.
pub(crate) fn text_of(ty: &Type) -> String {
    peel(ty).to_token_stream().to_string()
}

/// Returns the `Output` of an `impl Future<Output = ...>`, and of one in a box.
pub(crate) fn output_of_future(ty: &Type) -> Option<Type> {
    if ["Pin", "Box"].iter().any(|wrapper| is_named(ty, wrapper)) {
        return output_of_future(type_arguments(ty).next()?);
    }
    if ["BoxFuture", "LocalBoxFuture"].iter().any(|alias| is_named(ty, alias)) {
        return type_arguments(ty).next().cloned();
    }
    let bounds = match peel(ty) {
        Type::ImplTrait(opaque) => &opaque.bounds,
        Type::TraitObject(object) => &object.bounds,
        _ => return None,
    };
    let future = bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().filter(|s| s.ident == "Future"),
        _ => None,
    })?;
    let PathArguments::AngleBracketed(arguments) = &future.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(output) if output.ident == "Output" => Some(output.ty.clone()),
        _ => None,
    })
}

/// Why a type cannot stand in a message or a reply, and where.
pub(crate) enum Fault {
    Borrow(Borrow),
    Opaque(TokenStream),
    Inferred,
}

/// What borrows in a type: a reference, or a lifetime that is given to another type.
pub(crate) enum Borrow {
    Reference(TypeReference),
    Lifetime(Lifetime),
}

impl Borrow {
    /// Says what to write instead.
    pub(crate) fn owned_version(&self) -> String {
        let elem = match self {
            Borrow::Reference(reference) => peel(&reference.elem),
            Borrow::Lifetime(lifetime) if lifetime.ident == "_" => return "use an owned type, or write `'static`".to_owned(),
            Borrow::Lifetime(_) => return "use an owned type".to_owned(),
        };
        match elem {
            ty if is_named(ty, "str") => "write `String` or `Arc<str>`".to_owned(),
            Type::Slice(slice) if is_named(&slice.elem, "u8") => "write `Vec<u8>`, `Arc<[u8]>` or `Bytes`".to_owned(),
            Type::Slice(slice) => format!("write `Vec<{0}>` or `Arc<[{0}]>`", shown(&slice.elem)),
            Type::TraitObject(object) => format!("write `Box<{}>`", shown(object)),
            owned => format!("write `{0}` or `Arc<{0}>`", shown(owned)),
        }
    }
}

impl ToTokens for Borrow {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Borrow::Reference(reference) => reference.to_tokens(tokens),
            Borrow::Lifetime(lifetime) => lifetime.to_tokens(tokens),
        }
    }
}

/// Returns the first reason why a type cannot stand in a message or a reply.
pub(crate) fn first_fault(ty: &Type) -> Option<Fault> {
    let mut faults = Faults(None);
    faults.visit_type(ty);
    faults.0
}

/// Looks for what has no name outside its function: borrows, `impl Trait`, `_`.
struct Faults(Option<Fault>);

impl Faults {
    fn found(&mut self, fault: Fault) {
        self.0.get_or_insert(fault);
    }
}

impl<'ast> Visit<'ast> for Faults {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        match &reference.lifetime {
            Some(lifetime) if lifetime.ident == "static" => visit::visit_type_reference(self, reference),
            _ => self.found(Fault::Borrow(Borrow::Reference(reference.clone()))),
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            self.found(Fault::Borrow(Borrow::Lifetime(lifetime.clone())));
        }
    }

    fn visit_type_impl_trait(&mut self, opaque: &'ast TypeImplTrait) {
        self.found(Fault::Opaque(opaque.to_token_stream()));
    }

    fn visit_type_infer(&mut self, _: &'ast TypeInfer) {
        self.found(Fault::Inferred);
    }

    // A function's parameters and a `for<'a>` bound may have lifetimes of their own.
    fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {}
    fn visit_trait_bound(&mut self, bound: &'ast TraitBound) {
        if bound.lifetimes.is_none() {
            visit::visit_trait_bound(self, bound);
        }
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn the_room_of_what_everybody_knows_is_seen_and_no_other() {
        assert_eq!(at_most(&parse_quote!(u64)), Some(16));
        assert_eq!(at_most(&parse_quote!(std::sync::Arc<dyn Any>)), Some(16));
        assert_eq!(at_most(&parse_quote!(Vec<[u8; 4096]>)), Some(32));
        assert_eq!(at_most(&parse_quote!(Option<u64>)), None);
        assert_eq!(at_most(&parse_quote!([u8; 2])), None);
        assert_eq!(at_most(&parse_quote!(Page)), None);
    }
}
