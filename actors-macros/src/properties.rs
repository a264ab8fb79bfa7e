//! Whatever stands in an attribute, reading it neither panics nor fails silently; and what is right is read as what it says.

use std::time::Duration;

use proc_macro2::TokenStream;
use proptest::prelude::*;
use quote::quote;
use syn::{Attribute, File, ItemImpl, Lit, LitStr, parse_str, parse2};

use crate::args::{HandlerArgs, TickArgs};
use crate::block_args::MessagesArgs;
use crate::complaint::Complaints;
use crate::expand;
use crate::model::Block;
use crate::policy::{PolicyArgs, Value, words};
use crate::valid;
use crate::values::{duration, limit, number};

const NAMES: [&str; 25] = [
    "mailbox",
    "overflow",
    "stash",
    "on_stop",
    "in_flight",
    "stop_limit",
    "handler_limit",
    "restarts",
    "within",
    "children",
    "crate",
    "name",
    "boxed",
    "control",
    "derive",
    "every",
    "first",
    "catch_up",
    "size_limit",
    "open",
    "r#type",
    "self",
    "Self",
    "async",
    "nonsense",
];

const OTHERS: [&str; 17] = ["true", "'a", "'x'", "b\"x\"", "c\"x\"", "r#\"\"#", "::", "->", "#", "!", "&", "?", ";", "<", ">", "..", "_"];

/// A name, a literal, or a sign.
fn token() -> impl Strategy<Value = String> {
    let words: Vec<String> = words().map(|word| format!("{word:?}")).collect();
    prop_oneof![
        4 => prop::sample::select(NAMES.map(str::to_owned).to_vec()),
        2 => prop::sample::select(words),
        2 => any::<String>().prop_map(|text| format!("{text:?}")),
        2 => "[0-9]{1,3}(ns|us|ms|s|m|h|d|y| )?".prop_map(|text| format!("{text:?}")),
        2 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<u32>().prop_map(|number| format!("{number}u32")),
        1 => Just("1e400".to_owned()),
        1 => any::<u8>().prop_map(|byte| format!("b'\\x{byte:02x}'")),
        2 => prop::sample::select(OTHERS.map(str::to_owned).to_vec()),
    ]
}

/// What could stand between the parentheses of an attribute: tokens by chance, or what looks like options.
fn soup() -> impl Strategy<Value = String> {
    let signs = prop_oneof![Just("=".to_owned()), Just(",".to_owned())];
    let by_chance = prop::collection::vec(prop_oneof![token(), signs], 0..12).prop_map(|tokens| tokens.join(" "));
    let value = prop_oneof![
        4 => token(),
        1 => Just(String::new()),
        1 => (token(), token()).prop_map(|(one, two)| format!("{one} {two}")),
        1 => token().prop_map(|inside| format!("({inside})")),
    ];
    let option = (prop::sample::select(NAMES.to_vec()), prop::sample::select(vec![" = ", " ", ""]), value)
        .prop_map(|(name, sign, value)| format!("{name}{sign}{value}"));
    let options = prop::collection::vec(option, 0..4).prop_map(|options| options.join(", "));
    let brackets = prop::sample::select(vec![("(", ")"), ("[", "]"), ("{", "}")]);
    prop_oneof![
        2 => by_chance.clone(),
        4 => options,
        1 => (by_chance.clone(), brackets, by_chance).prop_map(|(head, (open, close), inside)| format!("{head} {open}{inside}{close}")),
    ]
}

/// An attribute of this name; none where the soup is no Rust at all, which the compiler says by itself.
fn attribute(name: &str, soup: &str) -> Option<Attribute> {
    let text = format!("#[{name}({soup})] struct Subject;");
    parse_str::<syn::DeriveInput>(&text).ok()?.attrs.pop()
}

/// Each complaint says something, and points into what was written.
fn are_told(complaints: &Complaints) -> Result<(), TestCaseError> {
    for (text, span) in complaints.texts().iter().zip(complaints.spans()) {
        prop_assert!(!text.is_empty());
        let place = span.byte_range();
        prop_assert!(place.start < place.end, "`{text}` points nowhere: {place:?}");
    }
    // What the compiler is given is Rust.
    prop_assert!(parse2::<File>(quote!(#complaints)).is_ok());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_stands_in_an_attribute_is_read_or_complained_about(soup in soup()) {
        let mut complaints = Complaints::default();
        if let Some(attribute) = attribute("actor", &soup) {
            PolicyArgs::read(&[attribute], &mut complaints);
            are_told(&complaints)?;
        }
        if let Some(attribute) = attribute("message", &soup) {
            HandlerArgs::read(&attribute, &["name", "boxed", "control", "derive"], &mut complaints);
            are_told(&complaints)?;
        }
        if let Some(attribute) = attribute("tick", &soup) {
            let args = TickArgs::read(&attribute, &mut complaints);
            prop_assert!(!args.every.is_zero());
            are_told(&complaints)?;
        }
        if let Ok(tokens) = soup.parse::<TokenStream>() {
            MessagesArgs::read(tokens, &mut complaints);
            are_told(&complaints)?;
        }
    }

    #[test]
    fn whatever_stands_on_a_method_is_expanded_or_complained_about(
        marker in prop::sample::select(vec!["message", "handle", "tick", "stream", "started", "stopped", "exited", "mesage"]),
        soup in soup(),
        takes in prop::sample::select(vec!["", "&self", "&mut self", "self", "&mut self, n: u32", "&self, mut n: u32, (a, b): (u8, u8)",
            "&mut self, ctx: &mut Context<Self>", "&mut self, item: Option<u8>", "&mut self, reply: ReplyTo<u8>", "&mut self, _: &str",
            "&mut self, exit: Exited, reason: &ExitReason", "self: Box<Self>"]),
        gives in prop::sample::select(vec!["", "-> u8", "-> Result<u8, String>", "-> impl Clone", "-> Self", "-> &str", "-> !"]),
        head in prop::sample::select(vec!["fn", "async fn", "pub unsafe fn", "const fn", "extern \"C\" fn"]),
    ) {
        let block = format!("impl<T> Subject<T> {{ #[{marker}({soup})] {head} method({takes}) {gives} {{ }} #[message] fn other(&self) {{}} }}");
        let Ok(mut block) = parse_str::<ItemImpl>(&block) else { return Ok(()) };
        let mut complaints = Complaints::default();
        let args = MessagesArgs::read(TokenStream::new(), &mut complaints);
        let generated = Block::read(&mut block, &mut complaints).map(|mut block| {
            valid::check(&mut block, &mut complaints);
            expand::messages(&block, &args)
        });
        are_told(&complaints)?;
        prop_assert!(generated.is_some() || complaints.len() > 0, "nothing is generated, and nobody is told");
        prop_assert!(parse2::<File>(quote!(#block #generated)).is_ok(), "what is generated is Rust");
    }

    #[test]
    fn a_duration_is_read_as_what_it_says(seconds in 0..10_000_000_000_u64, nanos in 0..1_000_000_000_u32) {
        let time = Duration::new(seconds, nanos);
        let text = literal(&humantime::format_duration(time).to_string());
        prop_assert_eq!(duration(&text).ok(), Some(time));
        prop_assert_eq!(limit(&text).ok(), Some(Some(time)));
    }

    #[test]
    fn whatever_text_a_duration_is_it_is_read_or_complained_about(text in any::<String>(), numbers in "[0-9. ]{0,24}(ns|us|ms|s|m|h|d|w|M|y|µs)?") {
        for text in [text, numbers] {
            let read = duration(&literal(&text));
            prop_assert!(read.is_ok() || text.is_empty() || !read.unwrap_err().to_string().is_empty());
        }
    }

    #[test]
    fn a_number_is_read_as_what_it_says(count in any::<u32>()) {
        let text: Lit = parse_str(&count.to_string()).unwrap();
        prop_assert_eq!(number(&text), Some(count));
    }

    #[test]
    fn the_options_of_an_actor_are_read_as_what_they_say(
        mailbox in 1..=u32::MAX,
        stash in any::<u32>(),
        restarts in any::<u32>(),
        seconds in prop::array::uniform4(1..1_000_000_u64),
        order in Just(vec![0, 1, 2, 3, 4, 5, 6]).prop_shuffle(),
    ) {
        let [stop, handler, within, ask] = seconds.map(Duration::from_secs);
        let options = [
            (format!("mailbox = {mailbox}"), Value::Capacity(Some(mailbox))),
            (format!("stash = {stash}"), Value::Count(stash)),
            (format!("restarts = {restarts}"), Value::Count(restarts)),
            (format!("stop_limit = \"{} s\"", stop.as_secs()), Value::Limit(Some(stop))),
            (format!("handler_limit = \"{}s\"", handler.as_secs()), Value::Patience(Some(handler))),
            (format!("within = \"{}s\"", within.as_secs()), Value::Period(within)),
            (format!("ask_limit = \"{}s\"", ask.as_secs()), Value::Patience(Some(ask))),
        ];
        let written: Vec<_> = order.iter().map(|place| options[*place].0.clone()).collect();
        let expected: Vec<_> = order.iter().map(|place| &options[*place].1).collect();
        let mut complaints = Complaints::default();
        let read = PolicyArgs::read(&[attribute("actor", &written.join(", ")).unwrap()], &mut complaints);
        prop_assert_eq!(complaints.texts(), Vec::<String>::new());
        prop_assert_eq!(read.settings.iter().map(|setting| &setting.value).collect::<Vec<_>>(), expected);
    }
}

fn literal(text: &str) -> Lit {
    Lit::Str(LitStr::new(text, proc_macro2::Span::call_site()))
}
