//! Types that certainly cannot be sent between threads, and what to write instead.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{GenericArgument, Ident, Path, PathArguments, PathSegment, Type, TypeParamBound, TypeTraitObject, parse_quote};

use crate::types::{is_named, last_segment, peel, shown, type_arguments, type_path};

/// Types that can be sent only if what they hold can.
const CONTAINERS: [&str; 17] = [
    "Arc",
    "BTreeMap",
    "BTreeSet",
    "BinaryHeap",
    "Box",
    "Cell",
    "HashMap",
    "HashSet",
    "LinkedList",
    "Mutex",
    "Option",
    "RefCell",
    "Result",
    "ReplyTo",
    "RwLock",
    "Vec",
    "VecDeque",
];

/// Types that can be sent.
const PLAIN: [&str; 21] = [
    "ActorRef",
    "Duration",
    "Instant",
    "Recipient",
    "String",
    "bool",
    "char",
    "f32",
    "f64",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
];

/// Traits of the standard library, none of which asks for `Send`.
const TRAITS: [&str; 20] = [
    "Any",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "BufRead",
    "Debug",
    "Display",
    "DoubleEndedIterator",
    "Error",
    "ExactSizeIterator",
    "Fn",
    "FnMut",
    "FnOnce",
    "Future",
    "Hasher",
    "Iterator",
    "Read",
    "Seek",
    "ToString",
    "Write",
];

/// What stays on one thread in a type, and what to put in its place, if there is such a thing.
pub(crate) struct Homebody {
    ty: Type,
    instead: Option<Type>,
}

impl Homebody {
    /// Says what to write instead.
    pub(crate) fn advice(&self) -> String {
        match &self.instead {
            Some(instead) => format!("write `{}`", shown(instead)),
            None => "use an `Arc`, or what the pointer leads to".to_owned(),
        }
    }
}

impl ToTokens for Homebody {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.ty.to_tokens(tokens);
    }
}

/// Returns what stays on one thread, if that can be seen. What a name stands for only the compiler knows: it has the last word.
pub(crate) fn homebody(ty: &Type) -> Option<Homebody> {
    let ty = peel(ty);
    let instead = match ty {
        Type::Tuple(tuple) => return tuple.elems.iter().find_map(homebody),
        Type::Array(array) => return homebody(&array.elem),
        Type::Slice(slice) => return homebody(&slice.elem),
        Type::Ptr(_) => None,
        Type::TraitObject(object) if says_nothing(object) => Some(with_bound(ty, "Send")),
        ty if is_named(ty, "Rc") && type_path(ty).is_some_and(is_of_std) => {
            let mut arguments = type_arguments(ty);
            let (Some(shared), None) = (arguments.next(), arguments.next()) else { return None };
            Some(parse_quote!(Arc<#shared>))
        }
        ty => {
            let PathSegment { ident, .. } = last_segment(ty)?;
            if !CONTAINERS.iter().any(|container| ident == container) {
                return None;
            }
            let found = type_arguments(ty).find_map(homebody)?;
            // Whoever shares it calls it from any thread.
            let shared = ident == "Arc" && matches!(found.ty, Type::TraitObject(_));
            let instead = found.instead.map(|instead| if shared { with_bound(&instead, "Sync") } else { instead });
            return Some(Homebody { ty: found.ty, instead });
        }
    };
    Some(Homebody { ty: ty.clone(), instead })
}

/// Whether values of the type can certainly be sent, as can be seen.
pub(crate) fn travels(ty: &Type) -> bool {
    match peel(ty) {
        Type::Tuple(tuple) => tuple.elems.iter().all(travels),
        Type::Array(array) => travels(&array.elem),
        ty => last_segment(ty).is_some_and(|PathSegment { ident, .. }| {
            let holds = ["Box", "HashMap", "Option", "Result", "Vec"].iter().any(|container| ident == container);
            PLAIN.iter().any(|plain| ident == plain) || (holds && type_arguments(ty).all(travels))
        }),
    }
}

/// Puts what can be sent in the place of all that cannot; returns whether there was something to put everywhere.
pub(crate) fn make_sendable(ty: &mut Type) -> bool {
    if let Type::Path(path) = ty {
        let Some(segment) = path.path.segments.last_mut().filter(|segment| CONTAINERS.iter().any(|name| segment.ident == name)) else {
            return replace(ty);
        };
        let PathArguments::AngleBracketed(arguments) = &mut segment.arguments else { return true };
        return arguments.args.iter_mut().all(|argument| match argument {
            GenericArgument::Type(ty) => make_sendable(ty),
            _ => true,
        });
    }
    match ty {
        Type::Group(group) => make_sendable(&mut group.elem),
        Type::Paren(paren) => make_sendable(&mut paren.elem),
        Type::Tuple(tuple) => tuple.elems.iter_mut().all(make_sendable),
        Type::Array(array) => make_sendable(&mut array.elem),
        Type::Slice(slice) => make_sendable(&mut slice.elem),
        ty => replace(ty),
    }
}

fn replace(ty: &mut Type) -> bool {
    match homebody(ty) {
        None => true,
        Some(Homebody { instead: None, .. }) => false,
        Some(Homebody { instead: Some(instead), .. }) if is_named(&instead, "Arc") => {
            *ty = parse_quote!(::std::sync::#instead);
            true
        }
        Some(Homebody { instead: Some(object), .. }) => {
            *ty = with_bound(&with_bound(&object, "Send"), "Sync");
            true
        }
    }
}

fn with_bound(object: &Type, bound: &str) -> Type {
    let bound = Ident::new(bound, Span::call_site());
    parse_quote!(#object + #bound)
}

/// Whether nothing says of a trait object that it can be sent.
fn says_nothing(object: &TypeTraitObject) -> bool {
    let mut traits = object.bounds.iter().filter_map(|bound| match bound {
        TypeParamBound::Trait(bound) => Some(&bound.path),
        _ => None,
    });
    traits.all(|path| path.segments.last().is_some_and(|name| is_of_std(path) && TRAITS.iter().any(|known| name.ident == known)))
}

/// Whether a path may lead into the standard library: one of more than a name says where it begins.
fn is_of_std(path: &Path) -> bool {
    path.segments.len() == 1 || path.segments.first().is_some_and(|first| ["std", "core", "alloc"].iter().any(|known| first.ident == known))
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn what_stays_on_its_thread_is_seen_in_containers_of_the_standard_library() {
        let cases: [(Type, &str); 6] = [
            (parse_quote!(Rc<u8>), "write `Arc<u8>`"),
            (parse_quote!(Option<(u8, Vec<std::rc::Rc<str>>)>), "write `Arc<str>`"),
            (parse_quote!([*const u8; 2]), "use an `Arc`, or what the pointer leads to"),
            (parse_quote!(Box<dyn FnOnce(u8) -> u8>), "write `dyn FnOnce(u8) -> u8 + Send`"),
            (parse_quote!(Box<dyn Error + 'static>), "write `dyn Error + 'static + Send`"),
            (parse_quote!(Arc<dyn Fn()>), "write `dyn Fn() + Send + Sync`"),
        ];
        for (ty, instead) in cases {
            assert_eq!(homebody(&ty).map(|found| found.advice()), Some(instead.to_owned()));
        }
    }

    #[test]
    fn all_that_cannot_be_sent_is_replaced() {
        let mut ty = parse_quote!(Result<Option<(Rc<u8>, u8)>, Box<dyn Error>>);
        assert!(make_sendable(&mut ty));
        assert!(homebody(&ty).is_none(), "{}", shown(&ty));
        assert!(!make_sendable(&mut parse_quote!(Option<*const u8>)));
    }

    #[test]
    fn what_travels_for_certain_is_seen_and_nothing_else() {
        assert!(travels(&parse_quote!(Vec<(u8, Option<String>)>)));
        assert!(travels(&parse_quote!(ActorRef<Self>)));
        assert!(!travels(&parse_quote!(Option<Held>)));
        assert!(!travels(&parse_quote!(&'static str)));
    }

    #[test]
    fn what_may_be_sent_is_left_to_the_compiler() {
        let cases: [Type; 10] = [
            parse_quote!(Arc<u8>),
            parse_quote!(Box<dyn crate::Write>),
            parse_quote!(counted::Rc<u8>),
            parse_quote!(SendWrapper<Rc<u8>>),
            parse_quote!(Rc),
            parse_quote!(Box<dyn FnOnce() + Send>),
            parse_quote!(Box<dyn Error + Send + Sync>),
            parse_quote!(Box<dyn Plugin>),
            parse_quote!(fn(Rc<u8>)),
            parse_quote!(Box<dyn Fn(Rc<u8>) + Send>),
        ];
        for ty in cases {
            assert!(homebody(&ty).is_none(), "{}", shown(&ty));
        }
    }
}
