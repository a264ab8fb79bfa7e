//! The arguments of the attributes: splitting, unknown and repeated options, markers.

use std::time::Duration;

use proc_macro2::{Punct, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Ident, Lit, Meta, Path, Result, Token, parenthesized, parse_quote};

use crate::complaint::Complaints;
use crate::values::{duration, period, text};

/// Reads `name`, `name = value` and `name(values)` options, each at most once.
///
/// The same reader serves several attributes of one item, so that an option repeated in the
/// second attribute is noticed too.
pub(crate) struct Options {
    known: Vec<&'static str>,
    seen: Vec<Ident>,
    /// Options of another attribute, and where that stands.
    others: (Vec<&'static str>, &'static str),
}

impl Options {
    pub(crate) fn new(known: impl IntoIterator<Item = &'static str>) -> Self {
        Options { known: known.into_iter().collect(), seen: Vec::new(), others: (Vec::new(), "") }
    }

    /// Of these options, which belong elsewhere, it is said where.
    pub(crate) fn but_not(mut self, others: impl IntoIterator<Item = &'static str>, place: &'static str) -> Self {
        self.others = (others.into_iter().collect(), place);
        self
    }

    /// Gives each option to `take`, which reads what follows the option's name.
    ///
    /// A bad option does not hide a bad one after it: each stands alone between its commas.
    pub(crate) fn read(
        &mut self,
        tokens: TokenStream,
        complaints: &mut Complaints,
        mut take: impl FnMut(&Ident, ParseStream<'_>) -> Result<()>,
    ) {
        let first = self.known.first().copied().unwrap_or_default();
        for (option, comma) in split_at_commas(tokens) {
            if let (true, Some(comma)) = (option.is_empty(), &comma) {
                complaints.at(comma, "an option stands before a comma");
                continue;
            }
            let read = |input: ParseStream<'_>| {
                let Ok(name) = input.call(Ident::parse_any) else {
                    return Err(input.error(format!("an option begins with its name, such as `{first}`")));
                };
                self.admit(&name)?;
                take(&name, input)?;
                if !input.is_empty() {
                    return Err(input.error(format!("`{name}` ends before this: a comma stands between two options")));
                }
                Ok(())
            };
            if let Err(error) = read.parse2(option) {
                complaints.add(error);
            }
        }
    }

    /// Refuses an option that is unknown or was given before.
    fn admit(&mut self, name: &Ident) -> Result<()> {
        let text = name.to_string();
        let (others, place) = &self.others;
        if !self.known.contains(&text.as_str()) && others.contains(&text.as_str()) {
            return Err(Error::new(name.span(), format!("`{text}` stands {place}")));
        }
        if !self.known.contains(&text.as_str()) {
            let is_trait = self.known.contains(&"derive") && text.starts_with(char::is_uppercase);
            let help = if is_trait { format!("; a trait is derived by `derive({text})`") } else { suggestion(&text, &self.known, "`") };
            return Err(Error::new(name.span(), format!("unknown option `{text}`{help}")));
        }
        if self.seen.contains(name) {
            return Err(Error::new(name.span(), format!("`{text}` is already set: give it once")));
        }
        self.seen.push(name.clone());
        Ok(())
    }
}

/// Ends a complaint about `word` with the known word it resembles, or else with all of them.
pub(crate) fn suggestion(word: &str, known: &[&str], quote: &str) -> String {
    match (nearest(word, known, 0.8), known) {
        (Some(nearest), _) => format!("; did you mean {quote}{nearest}{quote}?"),
        (None, [only]) => format!("; the only one is {quote}{only}{quote}"),
        (None, _) => format!("; there are {quote}{}{quote}", known.join(&format!("{quote}, {quote}"))),
    }
}

/// The known word that `word` resembles most, and at least this much; 1 is the word itself.
fn nearest<'a>(word: &str, known: &[&'a str], least: f64) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(similarity, _)| *similarity > least)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, nearest)| *nearest)
}

/// Consumes the `=` before a value, and makes sure that a value follows.
pub(crate) fn expect_value(name: &Ident, input: ParseStream<'_>, example: &str) -> Result<()> {
    let equals = input.parse::<Option<Token![=]>>()?;
    if equals.is_none() || input.is_empty() {
        let text = format!("`{name}` needs a value: `{name} = {example}`");
        return Err(Error::new(name.span(), text));
    }
    Ok(())
}

/// Reads the value of `crate = path`.
pub(crate) fn read_crate(name: &Ident, input: ParseStream<'_>) -> Result<Path> {
    const EXAMPLE: &str = "path::to::actors_core";
    expect_value(name, input, EXAMPLE)?;
    let place = input.span();
    let wrong = |_| Error::new(place, format!("`{name}` takes a path, without quotes: `{name} = {EXAMPLE}`"));
    input.call(Path::parse_mod_style).map_err(wrong)
}

/// Where the generated code finds the framework when nobody says otherwise.
pub(crate) fn default_crate() -> Path {
    parse_quote!(::actors_core)
}

/// What our markers are called elsewhere.
const ELSEWHERE: [(&str, &str); 12] = [
    ("msg", "message"),
    ("on_message", "message"),
    ("on_start", "started"),
    ("on_started", "started"),
    ("post_start", "started"),
    ("pre_start", "started"),
    ("on_stop", "stopped"),
    ("on_stopped", "stopped"),
    ("post_stop", "stopped"),
    ("on_exit", "exited"),
    ("on_tick", "tick"),
    ("interval", "tick"),
];

/// What a marked method is to the actor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    Message,
    Handle,
    Started,
    Stopped,
    Exited,
    Tick,
    Stream,
}

impl Marker {
    /// Recognises a marker attribute; all others belong to somebody else.
    pub(crate) fn of(attribute: &Attribute) -> Option<Marker> {
        let name = attribute.path().get_ident()?.to_string();
        match name.as_str() {
            "message" => Some(Marker::Message),
            "handle" => Some(Marker::Handle),
            "started" => Some(Marker::Started),
            "stopped" => Some(Marker::Stopped),
            "exited" => Some(Marker::Exited),
            "tick" => Some(Marker::Tick),
            "stream" => Some(Marker::Stream),
            _ => None,
        }
    }

    /// Corrects an attribute that was meant to be a marker, and complains about it. Left alone, the compiler would
    /// suggest `#[messages]` in its place.
    pub(crate) fn correct(attribute: &mut Attribute, complaints: &mut Complaints) {
        const NAMES: [&str; 7] = ["message", "handle", "started", "stopped", "exited", "tick", "stream"];
        if Marker::of(attribute).is_some() {
            return;
        }
        let Some(name) = attribute.path().get_ident().cloned() else { return };
        let word = name.to_string();
        let elsewhere = ELSEWHERE.iter().find(|(name, _)| *name == word).map(|(_, meant)| *meant);
        // What only looks a little like one may well be an attribute of somebody else.
        let meant = elsewhere.or_else(|| nearest(&word, &NAMES, 0.85).filter(|meant| *meant != word));
        let Some(meant) = meant else { return };
        complaints.at(&name, format!("there is no marker `#[{word}]`; did you mean `#[{meant}]`?"));
        let meant = Path::from(Ident::new(meant, name.span()));
        match &mut attribute.meta {
            Meta::Path(path) => *path = meant,
            Meta::List(list) => list.path = meant,
            Meta::NameValue(pair) => pair.path = meant,
        }
    }
}

/// The options of `#[message]` and `#[handle]`.
#[derive(Default)]
pub(crate) struct HandlerArgs {
    pub(crate) name: Option<Ident>,
    pub(crate) boxed: bool,
    pub(crate) control: bool,
    pub(crate) derives: Vec<Path>,
}

impl HandlerArgs {
    /// Reads the options of a marker; `known` are those that this marker takes.
    pub(crate) fn read(attribute: &Attribute, known: &[&'static str], complaints: &mut Complaints) -> Self {
        let mut args = HandlerArgs::default();
        let tokens = list_tokens(attribute, complaints);
        Options::new(known.iter().copied()).read(tokens, complaints, |name, input| {
            if name == "name" {
                expect_value(name, input, "SomeName")?;
                let place = input.span();
                let wrong = |_| Error::new(place, "`name` takes the name of the struct, without quotes: `name = SomeName`");
                let name: Ident = input.parse().map_err(wrong)?;
                if input.peek(Token![::]) {
                    return Err(wrong(input.error("")));
                }
                args.name = Some(name);
            } else if name == "boxed" {
                args.boxed = read_flag(name, input)?;
            } else if name == "control" {
                args.control = read_flag(name, input)?;
            } else {
                args.derives = read_derives(name, input)?;
            }
            Ok(())
        });
        args
    }
}

/// Reads an option that is said by its name alone.
pub(crate) fn read_flag(name: &Ident, input: ParseStream<'_>) -> Result<bool> {
    if input.peek(Token![=]) {
        return Err(input.error(format!("`{name}` takes no value")));
    }
    Ok(true)
}

/// The options of `#[tick]`.
pub(crate) struct TickArgs {
    pub(crate) every: Duration,
    /// When it comes first; one period after the start if that is not said.
    pub(crate) first: Option<Duration>,
    /// A variant of `CatchUp`.
    pub(crate) catch_up: &'static str,
}

impl TickArgs {
    /// Reads the options of a `#[tick]`. One without a period has one of a second, and a complaint.
    pub(crate) fn read(attribute: &Attribute, complaints: &mut Complaints) -> Self {
        const RULES: [(&str, &str); 3] = [("skip", "Skip"), ("burst", "Burst"), ("delay", "Delay")];
        let before = complaints.len();
        let (mut every, mut first, mut catch_up) = (None, None, "Skip");
        let tokens = list_tokens(attribute, complaints);
        Options::new(["every", "first", "catch_up"]).read(tokens, complaints, |name, input| {
            let is_rule = name == "catch_up";
            expect_value(name, input, if is_rule { "\"skip\"" } else { "\"30s\"" })?;
            let what = if is_rule { "one of \"skip\", \"burst\", \"delay\"" } else { "a duration such as \"30s\"" };
            let wrong = format!("`{name}` takes {what}");
            let Ok(literal) = input.parse::<Lit>() else {
                return Err(input.error(wrong));
            };
            if name == "every" {
                every = Some(period(name, &literal)?);
            } else if name == "first" {
                first = Some(duration(&literal)?);
            } else {
                let word = text(&literal).ok_or_else(|| Error::new(literal.span(), wrong))?;
                let Some((_, variant)) = RULES.iter().find(|(known, _)| *known == word) else {
                    let help = suggestion(&word, &RULES.map(|(known, _)| known), "\"");
                    return Err(Error::new(literal.span(), format!("`{name}` has no choice \"{word}\"{help}")));
                };
                catch_up = variant;
            }
            Ok(())
        });
        // A period that could not be read has been complained about.
        if every.is_none() && complaints.len() == before {
            complaints.at(attribute, "a tick needs a period: `#[tick(every = \"30s\")]`");
        }
        TickArgs { every: every.unwrap_or(Duration::from_secs(1)), first, catch_up }
    }
}

fn read_derives(name: &Ident, input: ParseStream<'_>) -> Result<Vec<Path>> {
    const LISTS: &str = "`derive` lists traits: `derive(Clone, Debug)`";
    if !input.peek(syn::token::Paren) {
        return Err(Error::new(name.span(), LISTS));
    }
    let content;
    parenthesized!(content in input);
    let paths = Punctuated::<Path, Token![,]>::parse_terminated_with(&content, Path::parse_mod_style);
    let paths = paths.map_err(|error| Error::new(error.span(), LISTS))?;
    Ok(paths.into_iter().collect())
}

/// Returns what stands between the parentheses of `#[name(...)]`; nothing for `#[name]`.
pub(crate) fn list_tokens(attribute: &Attribute, complaints: &mut Complaints) -> TokenStream {
    match &attribute.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(pair) => {
            let name = pair.path.get_ident().map(Ident::to_string);
            let name = name.unwrap_or_default();
            complaints.at(pair, format!("options stand in parentheses: `#[{name}(...)]`"));
            TokenStream::new()
        }
    }
}

/// Splits at the commas outside all brackets, and gives each piece with the comma behind it; one at the end is no further
/// piece.
fn split_at_commas(tokens: TokenStream) -> Vec<(TokenStream, Option<Punct>)> {
    let mut pieces = Vec::new();
    let mut piece = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                pieces.push((piece.drain(..).collect(), Some(punct)));
            }
            token => piece.push(token),
        }
    }
    if !piece.is_empty() {
        pieces.push((piece.into_iter().collect(), None));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn pieces_are_split_outside_brackets_only() {
        let pieces = split_at_commas(quote!(name = Other, derive(Clone, Debug), boxed,));
        let pieces: Vec<String> = pieces.iter().map(|(piece, _)| piece.to_string()).collect();
        assert_eq!(pieces, ["name = Other", "derive (Clone , Debug)", "boxed"]);
    }

    #[test]
    fn a_near_miss_is_suggested_and_a_far_one_lists_all() {
        let known = ["name", "boxed"];
        assert_eq!(suggestion("boxd", &known, "`"), "; did you mean `boxed`?");
        assert_eq!(suggestion("quick", &known, "`"), "; there are `name`, `boxed`");
    }

    #[test]
    fn only_what_is_nearly_a_marker_is_corrected() {
        let corrected = |mut attribute: Attribute| {
            let mut complaints = Complaints::default();
            Marker::correct(&mut attribute, &mut complaints);
            (Marker::of(&attribute).is_some(), complaints.len())
        };
        for mistyped in [parse_quote!(#[mesage]), parse_quote!(#[messages(boxed)]), parse_quote!(#[handler]), parse_quote!(#[stop])] {
            assert_eq!(corrected(mistyped), (true, 1));
        }
        assert_eq!(corrected(parse_quote!(#[message])), (true, 0));
        let others: [Attribute; 8] = [
            parse_quote!(#[must_use]),
            parse_quote!(#[instrument]),
            parse_quote!(#[test]),
            parse_quote!(#[cfg(test)]),
            parse_quote!(#[track_caller]),
            parse_quote!(#[expect(dead_code)]),
            parse_quote!(#[deprecated]),
            parse_quote!(#[axum::handler]),
        ];
        for other in others {
            assert_eq!(corrected(other), (false, 0));
        }
    }

    #[test]
    fn every_bad_option_is_complained_about() {
        let mut complaints = Complaints::default();
        let mut options = Options::new(["one", "two"]);
        options.read(quote!(oen, one, three, one), &mut complaints, |_, _| Ok(()));
        assert_eq!(complaints.len(), 3);
    }
}
