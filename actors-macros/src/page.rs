//! Whether the page of the macros, `actors_core::macros`, names every marker, option and word, and shows them.

use std::fs;

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse_quote;

use crate::block_args::MessagesArgs;
use crate::complaint::Complaints;
use crate::model::Block;
use crate::policy::{PolicyArgs, words};

#[test]
fn the_page_names_and_shows_every_option_of_the_policy() {
    let page = Page::read();
    for option in policy_options() {
        let named =
            page.rows.iter().any(|row| row.starts_with(&format!("| `{option}` |")) || row.starts_with(&format!("| [`{option}`](#")));
        assert!(named, "no table has a row for `{option}`");
        assert!(page.shows("actor", &option), "no example shows `#[actor({option} = ...)]`");
    }
}

#[test]
fn the_page_and_the_docs_of_the_derive_name_every_word_that_an_option_takes() {
    let page = Page::read();
    let docs = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).expect("it is there");
    let options = policy_options();
    for option in &options {
        assert!(docs.contains(&format!("/// | `{option}` |")), "the derive does not name `{option}`");
    }
    for word in words() {
        let word = format!("`\"{word}\"`");
        assert!(page.rows.iter().any(|row| row.contains(&word)), "the page does not name {word}");
        assert!(docs.contains(&word), "the derive does not name {word}");
    }
}

#[test]
fn the_page_names_and_shows_every_marker_and_its_options() {
    let page = Page::read();
    for marker in ["message", "handle", "started", "exited", "stopped", "stream", "tick"] {
        let row = format!("| a method | [`#[{marker}]`]");
        let row_below = format!("| | [`#[{marker}]`]");
        assert!(page.rows.iter().any(|line| line.starts_with(&row) || line.starts_with(&row_below)), "no row for `#[{marker}]`");
        assert!(page.examples.contains(&format!("#[{marker}")), "no example shows `#[{marker}]`");
    }
    for marker in [quote!(message), quote!(handle), quote!(stream)] {
        for option in marker_options(&marker) {
            let named = format!("`#[{marker}({option}");
            assert!(page.text.contains(&named), "nothing names {named}");
            assert!(page.shows(&marker.to_string(), &option), "no example shows `#[{marker}({option})]`");
        }
    }
    for option in marker_options(&quote!(tick)) {
        assert!(page.rows.iter().any(|row| row.starts_with(&format!("| `{option}` |"))), "no row for `{option}`");
        assert!(page.shows("tick", &option), "no example shows `#[tick({option} = ...)]`");
    }
}

#[test]
fn the_page_shows_the_options_of_the_block() {
    let mut complaints = Complaints::default();
    MessagesArgs::read(quote!(zzzzz), &mut complaints);
    for option in known(&complaints) {
        assert!(Page::read().shows("messages", &option), "no example shows `#[messages({option} = ...)]`");
    }
}

struct Page {
    text: String,
    /// The lines of its tables.
    rows: Vec<String>,
    /// What stands between fences.
    examples: String,
}

impl Page {
    fn read() -> Page {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../actors-core/src/docs/macros.md");
        let text = fs::read_to_string(path).expect("it is there");
        let rows = text.lines().filter(|line| line.starts_with('|')).map(str::to_owned).collect();
        let examples = text.split("```").skip(1).step_by(2).collect();
        Page { text, rows, examples }
    }

    /// Whether an example has the attribute with this option, alone or among others, in a line that a reader sees.
    fn shows(&self, attribute: &str, option: &str) -> bool {
        let seen = self.examples.lines().filter(|line| !line.starts_with("# "));
        seen.flat_map(|line| line.split(&format!("#[{attribute}(")).skip(1).collect::<Vec<_>>()).any(|rest| {
            let options = rest.split(")]").next().unwrap_or_default();
            options.split(", ").any(|given| given.split([' ', '(']).next() == Some(option))
        })
    }
}

fn policy_options() -> Vec<String> {
    let mut complaints = Complaints::default();
    PolicyArgs::read(&[parse_quote!(#[actor(zzzzz)])], &mut complaints);
    known(&complaints)
}

fn marker_options(marker: &TokenStream) -> Vec<String> {
    let mut complaints = Complaints::default();
    let mut block = parse_quote!(impl Counter { #[#marker(every = "1s", zzzzz)] fn count(&mut self) {} });
    Block::read(&mut block, &mut complaints);
    known(&complaints)
}

/// The options that a complaint about the unknown `zzzzz` lists.
fn known(complaints: &Complaints) -> Vec<String> {
    let texts = complaints.texts();
    let text = texts.iter().find(|text| text.contains("`zzzzz`")).expect("there is no such option");
    let words: Vec<_> = text.split('`').skip(3).step_by(2).map(str::to_owned).collect();
    assert!(!words.is_empty(), "what there is instead is listed: {text}");
    words
}
