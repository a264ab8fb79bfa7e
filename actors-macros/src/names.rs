//! The names of message structs: how they are made, and which would do harm.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::{GenericParam, Generics, Ident};

/// Names that every file sees without importing them; a message struct would hide them.
const PRELUDE: [&str; 44] = [
    "Self",
    "Send",
    "Sync",
    "Sized",
    "Unpin",
    "Copy",
    "Clone",
    "Drop",
    "Fn",
    "FnMut",
    "FnOnce",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "Box",
    "ToOwned",
    "PartialEq",
    "PartialOrd",
    "Eq",
    "Ord",
    "AsRef",
    "AsMut",
    "Into",
    "From",
    "TryFrom",
    "TryInto",
    "Default",
    "Iterator",
    "Extend",
    "IntoIterator",
    "DoubleEndedIterator",
    "ExactSizeIterator",
    "FromIterator",
    "Option",
    "Some",
    "None",
    "Result",
    "Ok",
    "Err",
    "String",
    "ToString",
    "Vec",
    "Future",
    "IntoFuture",
];

/// Those of them that are no traits.
const TYPES: [&str; 10] = ["Self", "Box", "Option", "Some", "None", "Result", "Ok", "Err", "String", "Vec"];

/// Names by which a parameter of a handler is known to be more than a part of the message.
const OURS: [&str; 4] = ["Context", "ReplyTo", "Exited", "ExitReason"];

/// Names the message struct after its method: `add_user` makes `AddUser`.
pub(crate) fn struct_name(method: &Ident) -> Ident {
    let name: String = method
        .unraw()
        .to_string()
        .split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().into_iter().flat_map(char::to_uppercase);
            first.chain(letters).collect::<Vec<char>>()
        })
        .collect();
    let span = method.span();
    // `__` or `_2` leave no name; the method's own will be complained about.
    let starts_well = name.starts_with(|first: char| first.is_alphabetic());
    if starts_well { Ident::new(&name, span.resolved_at(Span::call_site())) } else { method.clone() }
}

/// Whether a refused name is that of a trait. A struct of this name is declared all the same, since who sends the message
/// is more often near than who names the trait.
pub(crate) fn is_trait(name: &str) -> bool {
    PRELUDE.contains(&name) && !TYPES.contains(&name)
}

/// Says what is wrong with a generated struct of this name.
pub(crate) fn unfit(name: &str, actor: &Ident, generics: &Generics) -> Option<String> {
    if name.chars().all(|c| c == '_' || c.is_numeric()) {
        return Some(format!("no struct can be named after `{name}`"));
    }
    if PRELUDE.contains(&name) {
        return Some(format!("`struct {name}` would hide the prelude's `{name}`"));
    }
    if OURS.contains(&name) {
        return Some(format!("`struct {name}` would hide the framework's `{name}`"));
    }
    if actor.unraw() == name {
        return Some(format!("`struct {name}` would have the actor's own name"));
    }
    let mut params = generics.params.iter().map(|param| match param {
        GenericParam::Type(param) => param.ident.to_string(),
        GenericParam::Const(param) => param.ident.to_string(),
        GenericParam::Lifetime(_) => String::new(),
    });
    let is_param = params.any(|param| param == name);
    is_param.then(|| format!("`struct {name}` would have the name of the actor's parameter"))
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn structs_are_named_in_camel_case() {
        let cases = [("add", "Add"), ("add_user", "AddUser"), ("get_2", "Get2"), ("_quiet", "Quiet"), ("keepAlive", "KeepAlive")];
        for (method, expected) in cases {
            let method = Ident::new(method, Span::call_site());
            assert_eq!(struct_name(&method), expected);
        }
    }

    #[test]
    fn a_raw_method_name_loses_its_prefix() {
        let method: Ident = parse_quote!(r#type);
        assert_eq!(struct_name(&method), "Type");
    }

    #[test]
    fn a_name_that_would_hide_another_is_refused() {
        let actor: Ident = parse_quote!(Cache);
        let generics: Generics = parse_quote!(<K, const N: usize>);
        for name in ["Send", "Self", "Context", "Cache", "K", "N", "__"] {
            assert!(unfit(name, &actor, &generics).is_some(), "{name}");
        }
        assert_eq!(unfit("Put", &actor, &generics), None);
    }
}
