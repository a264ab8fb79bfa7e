//! Questions about types: what they are called, and whether they can stand in a message or a reply.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    GenericArgument, Lifetime, ParenthesizedGenericArguments, PathArguments, PathSegment, TraitBound, Type, TypeFnPtr, TypeImplTrait,
    TypeInfer, TypeParamBound, TypeReference,
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
    for (spaced, tight) in [(" < ", "<"), (" >", ">"), (" :: ", "::"), (" ,", ","), ("& ", "&")] {
        text = text.replace(spaced, tight);
    }
    text
}

/// The last segment of a path type.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match peel(ty) {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

/// Whether the type is `()`.
pub(crate) fn is_unit(ty: &Type) -> bool {
    matches!(peel(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// Says what to write instead of a type that borrows.
pub(crate) fn owned_version(ty: &Type) -> String {
    let Type::Reference(reference) = peel(ty) else {
        return "use an owned type here".to_owned();
    };
    match peel(&reference.elem) {
        ty if is_named(ty, "str") => "write `String` or `Arc<str>`".to_owned(),
        Type::Slice(slice) => format!("write `Vec<{}>`", shown(&slice.elem)),
        Type::TraitObject(object) => format!("write `Box<{}>`", shown(object)),
        owned => format!("write `{0}` or `Arc<{0}>`", shown(owned)),
    }
}

/// Returns the `Output` of an `impl Future<Output = ...>`.
pub(crate) fn output_of_future(ty: &Type) -> Option<Type> {
    let Type::ImplTrait(opaque) = peel(ty) else {
        return None;
    };
    let future = opaque.bounds.iter().find_map(|bound| match bound {
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
    Borrow(TokenStream),
    Opaque(TokenStream),
    Inferred,
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
            None => self.found(Fault::Borrow(reference.to_token_stream())),
            Some(_) => visit::visit_type_reference(self, reference),
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            self.found(Fault::Borrow(lifetime.to_token_stream()));
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
