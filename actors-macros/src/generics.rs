//! Generic parameters: which of the actor's a message uses, and `Self` spelled out.

use proc_macro2::{Group, Spacing, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{GenericParam, Generics, Ident, Path, QSelf, Type, TypeParamBound, WherePredicate, parse_quote};

/// Whether `Self` stands in the tokens. Most types do not name it, and need not be read anew.
pub(crate) fn names_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => names_self(group.stream()),
        _ => false,
    })
}

/// Replaces `Self` by the concrete type, since a message struct has a `Self` of its own.
pub(crate) fn spell_out_self(tokens: TokenStream, self_ty: &Type) -> TokenStream {
    let mut spelled = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "Self" => {
                // `Self::CONST` works on a bare name only, `<Type>::CONST` on any type.
                let goes_on = matches!(tokens.peek(), Some(TokenTree::Punct(punct))
                    if punct.as_char() == ':' && punct.spacing() == Spacing::Joint);
                let spelled_out = if goes_on { quote!(<#self_ty>) } else { self_ty.to_token_stream() };
                // Complaints point at where `Self` is written.
                spelled.extend(spelled_out.into_iter().map(|mut token| {
                    token.set_span(ident.span());
                    token
                }));
            }
            TokenTree::Group(group) => {
                let content = spell_out_self(group.stream(), self_ty);
                let mut inner = Group::new(group.delimiter(), content);
                inner.set_span(group.span());
                spelled.extend([TokenTree::Group(inner)]);
            }
            token => spelled.extend([token]),
        }
    }
    spelled
}

/// Returns the parameters that `fields` use, for the declaration of a struct with these fields.
///
/// Bounds are left to the actor's impl block, but for those without which the fields would not
/// be types at all: `?Sized`, and all of them where a field is a projection (`T::Item`) or holds
/// the actor's own type, which may have bounds.
pub(crate) fn used_by<'a>(fields: impl IntoIterator<Item = &'a Type>, generics: &Generics, actor: &Ident) -> Generics {
    if generics.params.is_empty() {
        return Generics::default();
    }
    let mut uses = Uses::new(generics, Some(actor));
    for field in fields {
        uses.visit_type(field);
    }
    let (used, bounded) = (uses.found, uses.bounded);

    let keep_bound = |bound: &TypeParamBound| is_maybe(bound) || (bounded && only_uses(bound, generics, actor, &used));
    let params = generics.params.iter().filter(|param| match param {
        GenericParam::Type(param) => used.contains(&param.ident),
        GenericParam::Const(param) => used.contains(&param.ident),
        GenericParam::Lifetime(_) => false,
    });
    let params = params.cloned().map(|mut param| {
        if let GenericParam::Type(param) = &mut param {
            param.bounds = kept(&param.bounds, keep_bound);
            param.colon_token = param.colon_token.filter(|_| !param.bounds.is_empty());
        }
        param
    });
    let predicates = generics.where_clause.iter().flat_map(|c| &c.predicates);
    let predicates = predicates.filter_map(|predicate| {
        let WherePredicate::Type(predicate) = predicate else {
            return None;
        };
        let mut of = Uses::new(generics, Some(actor));
        of.visit_type(&predicate.bounded_ty);
        let concerns_us = !of.found.is_empty() && of.found.iter().all(|p| used.contains(p));
        let mut predicate = predicate.clone();
        predicate.bounds = kept(&predicate.bounds, keep_bound);
        (concerns_us && !predicate.bounds.is_empty()).then_some(WherePredicate::Type(predicate))
    });

    let mut result = Generics { params: params.collect(), ..Generics::default() };
    let predicates: Vec<_> = predicates.collect();
    if !predicates.is_empty() {
        result.make_where_clause().predicates.extend(predicates);
    }
    result
}

/// Adds what every part of an actor must be, so that its author need not say it.
pub(crate) fn sendable(generics: &Generics) -> Generics {
    let mut sendable = generics.clone();
    for bound in sendable_bounds(generics) {
        sendable.make_where_clause().predicates.push(bound);
    }
    sendable
}

/// What every type parameter of an actor must be.
pub(crate) fn sendable_bounds(generics: &Generics) -> impl Iterator<Item = WherePredicate> {
    type_params(generics).map(|param| parse_quote!(#param: ::core::marker::Send + 'static))
}

/// Whether a type mentions one of the parameters.
pub(crate) fn mentions(ty: &Type, generics: &Generics) -> bool {
    let mut uses = Uses::new(generics, None);
    uses.visit_type(ty);
    !uses.found.is_empty()
}

/// The names of all type parameters.
pub(crate) fn type_params(generics: &Generics) -> impl Iterator<Item = &Ident> {
    generics.type_params().map(|param| &param.ident)
}

fn kept<P: Clone + Default>(
    bounds: &Punctuated<TypeParamBound, P>,
    keep: impl Fn(&TypeParamBound) -> bool,
) -> Punctuated<TypeParamBound, P> {
    bounds.iter().filter(|bound| keep(bound)).cloned().collect()
}

fn is_maybe(bound: &TypeParamBound) -> bool {
    matches!(bound, TypeParamBound::Trait(bound)
        if bound.maybe.is_some())
}

fn only_uses(bound: &TypeParamBound, generics: &Generics, actor: &Ident, used: &[Ident]) -> bool {
    let mut uses = Uses::new(generics, Some(actor));
    uses.visit_type_param_bound(bound);
    uses.found.iter().all(|param| used.contains(param))
}

/// Finds the generic parameters that a piece of syntax mentions.
struct Uses<'a> {
    generics: &'a Generics,
    actor: Option<&'a Ident>,
    found: Vec<Ident>,
    /// Whether the syntax needs the bounds of its parameters.
    bounded: bool,
}

impl<'a> Uses<'a> {
    fn new(generics: &'a Generics, actor: Option<&'a Ident>) -> Self {
        Uses { generics, actor, found: Vec::new(), bounded: false }
    }

    fn is_param(&self, name: &Ident) -> bool {
        self.generics.params.iter().any(|param| match param {
            GenericParam::Type(param) => param.ident == *name,
            GenericParam::Const(param) => param.ident == *name,
            GenericParam::Lifetime(_) => false,
        })
    }
}

impl<'ast> Visit<'ast> for Uses<'_> {
    fn visit_path(&mut self, path: &'ast Path) {
        let first = path.segments.first().map(|segment| &segment.ident);
        if let Some(first) = first.filter(|_| path.leading_colon.is_none()) {
            if self.is_param(first) {
                self.bounded |= path.segments.len() > 1;
                if !self.found.contains(first) {
                    self.found.push(first.clone());
                }
            }
        }
        self.bounded |= path.segments.iter().any(|s| Some(&s.ident) == self.actor);
        visit::visit_path(self, path);
    }

    fn visit_qself(&mut self, qself: &'ast QSelf) {
        self.bounded = true;
        visit::visit_qself(self, qself);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(field: Type) -> String {
        let generics: Generics = parse_quote!(<K: Hash + Eq, V: Clone + Into<K>, const N: usize>);
        let actor: Ident = parse_quote!(Cache);
        let used = used_by([&field], &generics, &actor);
        used.to_token_stream().to_string()
    }

    #[test]
    fn only_used_parameters_are_kept_and_lose_their_bounds() {
        assert_eq!(used(parse_quote!(u8)), "");
        assert_eq!(used(parse_quote!(Vec<K>)), "< K >");
        assert_eq!(used(parse_quote!([(K, V); N])), "< K , V , const N : usize >");
    }

    #[test]
    fn a_path_that_only_ends_like_a_parameter_uses_none() {
        assert_eq!(used(parse_quote!(module::K)), "");
    }

    #[test]
    fn projections_keep_the_bounds_that_can_be_said() {
        assert_eq!(used(parse_quote!(V::Owned)), "< V : Clone >");
        assert_eq!(used(parse_quote!(<K as Borrow>::Target)), "< K : Hash + Eq >");
    }

    #[test]
    fn self_is_spelled_out_at_any_depth() {
        let self_ty: Type = parse_quote!(Cache<K>);
        let spelled = spell_out_self(quote!(Option<(Self, [u8; Self::LEN])>), &self_ty);
        let spelled = spelled.to_string().replace(' ', "");
        assert_eq!(spelled, "Option<(Cache<K>,[u8;<Cache<K>>::LEN])>");
    }
}
