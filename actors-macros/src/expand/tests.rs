//! What the macros write, kept as text for a reader to judge, and where its names lead.
//!
//! A snapshot is what a user writes, and below it all that the macros add. `INSTA_UPDATE=always cargo test -p actors-macros`
//! writes them again.

use std::collections::BTreeSet;
use std::fs;

use insta::{assert_snapshot, with_settings};
use proc_macro2::{LineColumn, Literal, TokenStream, TokenTree};
use quote::quote;
use syn::{DeriveInput, File, Item, ItemImpl, ItemMacro, parse_quote, parse2};

use super::{actor, messages};
use crate::block_args::MessagesArgs;
use crate::complaint::Complaints;
use crate::model::Block;
use crate::policy::PolicyArgs;
use crate::valid;

#[test]
fn counter() {
    snapshot(
        "counter",
        quote! {
            pub struct Counter { n: u64 }
        },
        quote! {
            impl Counter {
                /// Adds to the count.
                #[message]
                pub fn add(
                    &mut self,
                    /// How much.
                    by: u64,
                ) {
                    self.n += by;
                }

                #[message(derive(Clone, Debug))]
                pub async fn get(&self) -> u64 {
                    self.n
                }

                #[message]
                fn halve(&mut self) -> Result<u64, Odd> {
                    todo!()
                }

                pub fn new() -> Self {
                    todo!()
                }
            }
        },
    );
}

#[test]
fn generic() {
    snapshot(
        "generic",
        quote! {
            pub struct Cache<K, V, const N: usize> where K: Hash + Eq { slots: [HashMap<K, V>; N] }
        },
        quote! {
            impl<K: Hash + Eq, V, const N: usize> Cache<K, V, N> where V: Clone {
                #[message]
                fn put(&mut self, key: K, value: V) {}

                #[message]
                fn fill(&mut self, all: [V; N]) {}

                #[message]
                fn clear(&mut self) {}
            }
        },
    );
}

#[test]
fn hooks() {
    snapshot(
        "hooks",
        quote! {
            struct Log { file: File }
        },
        quote! {
            impl Log {
                #[started]
                async fn open(&mut self, ctx: &mut Context<Self>) -> io::Result<()> {
                    todo!()
                }

                #[exited]
                fn reader_ended(&mut self, exit: Exited, ctx: &mut Context<Self>) {}

                #[stopped]
                async fn close(&mut self, reason: &ExitReason) {}
            }
        },
    );
}

#[test]
fn tick_and_stream() {
    snapshot(
        "tick_and_stream",
        quote! {
            struct Meter { seen: u64 }
        },
        quote! {
            impl Meter {
                #[started]
                fn open(&mut self, ctx: &mut Context<Self>) -> Result<(), OpenError> {
                    todo!()
                }

                #[tick(every = "20s", first = "0s", catch_up = "delay")]
                async fn report(&mut self, ctx: &mut Context<Self>) -> Result<(), ReportError> {
                    self.send().await
                }

                #[tick(every = "500ms")]
                fn blink(&mut self) {}

                #[stream]
                fn measured(&mut self, value: Option<f64>, ctx: &mut Context<Self>) {}
            }
        },
    );
}

#[test]
fn own_message() {
    snapshot(
        "own_message",
        quote! {
            struct Board;
        },
        quote! {
            impl Board {
                #[handle]
                fn post(&mut self, notice: Notice) -> usize {
                    todo!()
                }
            }
        },
    );
}

#[test]
fn reply_later() {
    snapshot(
        "reply_later",
        quote! {
            struct Room { waiting: Vec<ReplyTo<Key, Closed>> }
        },
        quote! {
            impl Room {
                #[message]
                fn enter(&mut self, name: String, reply: ReplyTo<Key, Closed>) {
                    self.waiting.push(reply);
                }
            }
        },
    );
}

#[test]
fn boxed_and_control() {
    snapshot(
        "boxed_and_control",
        quote! {
            struct Disk;
        },
        quote! {
            impl Disk {
                #[message(boxed)]
                fn write(&mut self, page: [u8; 4096]) {}

                #[handle(boxed)]
                fn format(&mut self, layout: Layout) {}

                #[message(name = Discard, control)]
                fn drop(&mut self) {}
            }
        },
    );
}

#[test]
fn open() {
    snapshot_of(
        "open",
        quote! {
            struct Log<S>(S);
        },
        quote! {
            impl<S> Log<S> {
                #[message]
                fn count(&self) -> usize {
                    0
                }
            }
        },
        quote!(open),
    );
}

#[test]
fn under_cfg() {
    snapshot(
        "under_cfg",
        quote! {
            struct Service;
        },
        quote! {
            impl Service {
                #[message]
                fn run(&mut self, #[cfg(unix)] uid: u32) {}

                #[cfg(unix)]
                #[message]
                fn reload(&mut self) {}

                #[cfg(debug_assertions)]
                #[started]
                fn announce(&mut self) {}
            }
        },
    );
}

#[test]
fn policy() {
    snapshot(
        "policy",
        quote! {
            #[actor(mailbox = 16, overflow = "drop_oldest", stash = 8, on_stop = "drain")]
            #[actor(stop_limit = "1m 30s", hook_limit = "unlimited", handler_limit = "2s", ask_limit = "unlimited")]
            #[actor(strategy = "one_for_all", restarts = "unlimited", within = "10s")]
            #[actor(crate = crate::framework)]
            struct Pool;
        },
        quote! {
            impl Pool {
                #[message]
                fn run(&mut self) {}
            }
        },
    );
}

/// What is said of `__private` in `actors-core` names each of these.
#[test]
fn what_is_not_public_is_fifteen_things() {
    let snapshots = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/expand/snapshots")).expect("they are there");
    let mut hidden = BTreeSet::new();
    for snapshot in snapshots {
        let text = fs::read_to_string(snapshot.expect("it can be listed").path()).expect("it is text");
        let names = text.split("__private::").skip(1);
        let names = names.map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default().to_owned());
        hidden.extend(names);
    }
    let hidden: Vec<_> = hidden.iter().map(String::as_str).collect();
    assert_eq!(
        hidden,
        [
            "Derived",
            "Fallible",
            "HandlerError",
            "Instant",
            "Messages",
            "Open",
            "OpenTypes",
            "Opened",
            "Sent",
            "Stays",
            "Travels",
            "Unsent",
            "at_once",
            "begin_tick",
            "fits"
        ]
    );
}

/// Of what is written in a macro of others, or changed by an attribute, nobody knows whether it awaits.
#[test]
fn an_async_method_may_have_to_wait_unless_it_is_plain_that_it_does_not() {
    let never_waits = [
        quote!(
            async fn poke(&mut self) {
                self.n += 1;
            }
        ),
        quote!(
            async fn poke(&mut self) {
                assert!(self.n < 7, "{}", format!("{}", self.n));
            }
        ),
        quote!(
            async fn poke(&mut self) {
                tokio::spawn(async { sleep().await });
            }
        ),
        quote!(
            #[allow(clippy::unused_async)]
            async fn poke(&mut self) {}
        ),
        quote!(
            fn poke(&mut self) {
                println!("{}", self.n);
            }
        ),
    ];
    let may_wait = [
        quote!(
            async fn poke(&mut self) {
                sleep().await
            }
        ),
        quote!(
            async fn poke(&mut self) {
                if self.n > 0 {
                    loop {
                        sleep().await;
                    }
                }
            }
        ),
        quote!(
            async fn poke(&mut self) {
                tokio::select! { _ = sleep() => {} }
            }
        ),
        quote!(
            async fn poke(&mut self) {
                println!("{}", self.n);
            }
        ),
        quote!(
            async fn poke(&mut self) {
                assert!(sleep().await);
            }
        ),
        quote!(
            async fn poke(&mut self) {
                vec![1].iter().for_each(|n| other!(n));
            }
        ),
        quote!(
            #[tracing::instrument]
            async fn poke(&mut self) {}
        ),
    ];
    let is_at_once = |method: &TokenStream| {
        let added = expand(
            quote!(
                struct Counter {
                    n: u64,
                }
            ),
            quote!(impl Counter { #[message] #method }),
        );
        added.to_string().contains("const AT_ONCE")
    };
    for method in never_waits {
        assert!(is_at_once(&method), "{method}");
    }
    for method in may_wait {
        assert!(!is_at_once(&method), "{method}");
    }
}

/// The struct has no such method, its docs are the method's.
#[test]
fn a_link_to_self_in_docs_leads_to_the_actor() {
    let added = expand(
        quote!(
            struct Counter;
        ),
        quote! {
            impl Counter {
                /// Undoes [`Self::add`].
                #[message]
                fn sub(&mut self, by: u64) {}
            }
        },
    );
    let added = added.to_string();
    assert!(added.contains("Undoes [`Counter::add`]."), "{added}");
}

/// Whether there is such a hook is known to the compiler alone, of several `cfg` as well.
#[test]
fn a_hook_under_cfg_is_there_if_it_or_a_tick_is() {
    let added = expand(
        quote!(
            struct Cache;
        ),
        quote! {
            impl Cache {
                #[cfg(unix)]
                #[cfg(feature = "disk")]
                #[started]
                fn open(&mut self) {}

                #[cfg(feature = "sweep")]
                #[tick(every = "20s")]
                fn sweep(&mut self) {}
            }
        },
    );
    let added = added.to_string();
    let there = quote!(started: ::core::cfg!(any(all(unix, feature = "disk"), feature = "sweep"))).to_string();
    let only_ticks = quote!(#[cfg(not(all(unix, feature = "disk")))]).to_string();
    assert!(added.contains(&there), "{added}");
    assert!(added.contains(&only_ticks), "{added}");
}

#[test]
fn a_message_under_cfg_is_measured_under_it() {
    let added = expand(
        quote!(
            struct Disk;
        ),
        quote!(impl Disk { #[cfg(unix)] #[message] fn write(&mut self, page: Page) {} }),
    );
    let check = quote!(#[cfg(unix)] const _: () = __actors::__private::fits::<Write>).to_string();
    assert!(added.to_string().contains(&check), "{added}");
}

#[test]
fn a_mailbox_without_a_bound_has_none() {
    let added = expand(
        quote!(
            #[actor(mailbox = "unbounded")]
            struct Log;
        ),
        quote!(impl Log { #[message] fn write(&mut self) {} }),
    );
    let policy = quote!(mailbox: ::actors_core::Capacity::Unbounded).to_string();
    assert!(added.to_string().contains(&policy), "{added}");
}

/// A number is taken for 16 bytes.
#[test]
fn the_compiler_measures_what_may_be_one_byte_too_large() {
    let measures = |limit: usize| {
        let limit = Literal::usize_unsuffixed(limit);
        let added = expand_with(
            quote!(
                struct Disk;
            ),
            quote!(impl Disk { #[message] fn seek(&mut self, track: u64, sector: u64) {} }),
            quote!(size_limit = #limit),
        );
        added.to_string().contains("fits")
    };
    assert!(!measures(32));
    assert!(measures(31));
}

#[test]
fn an_actor_whose_first_hooks_wait_takes_no_turns() {
    let takes_turns = |hook: TokenStream| {
        let added = expand(
            quote!(
                struct Log;
            ),
            quote!(impl Log { #[message] fn write(&mut self) {} #hook }),
        );
        added.to_string().contains("const TAKES_TURNS")
    };
    assert!(takes_turns(quote!()));
    assert!(takes_turns(quote!(
        #[started]
        async fn open(&mut self) {
            self.n = 1;
        }
    )));
    assert!(takes_turns(quote!(
        #[stopped]
        async fn close(&mut self) {
            self.file.close().await;
        }
    )));
    assert!(!takes_turns(quote!(
        #[started]
        async fn open(&mut self) {
            self.file.open().await;
        }
    )));
    assert!(!takes_turns(quote!(
        #[exited]
        async fn gone(&mut self, exit: Exited) {
            self.file.open().await;
        }
    )));
}

/// Rename and go-to in an editor follow the place that a name comes from.
#[test]
fn the_names_of_a_message_lead_to_the_method_and_its_parameters() {
    let block = "impl Counter {\n    #[message]\n    fn add_one(&mut self, to_what: u64) {}\n}";
    let block: TokenStream = block.parse().expect("it is Rust");
    let added = expand(
        quote!(
            struct Counter;
        ),
        block,
    );
    let method = LineColumn { line: 3, column: 7 };
    let parameter = LineColumn { line: 3, column: 26 };
    assert_eq!(places(added.clone(), "AddOne"), [method]);
    assert_eq!(places(added.clone(), "add_one"), [method]);
    assert_eq!(places(added, "to_what"), [parameter]);
}

/// A name that was chosen is where it was written.
#[test]
fn a_chosen_name_leads_to_where_it_was_chosen() {
    let block = "impl Counter {\n    #[message(name = Increase)]\n    fn add(&mut self) {}\n}";
    let block: TokenStream = block.parse().expect("it is Rust");
    let added = expand(
        quote!(
            struct Counter;
        ),
        block,
    );
    assert_eq!(places(added, "Increase"), [LineColumn { line: 2, column: 21 }]);
}

/// Compares what the macros write, beside what they were given, with what is stored.
fn snapshot(name: &str, ty: TokenStream, block: TokenStream) {
    snapshot_of(name, ty, block, TokenStream::new());
}

/// The same, with options of the block.
fn snapshot_of(name: &str, ty: TokenStream, block: TokenStream, options: TokenStream) {
    let added = expand_with(ty.clone(), block.clone(), options.clone());
    let options = (!options.is_empty()).then(|| quote!((#options)));
    let written = pretty(quote!(#[derive(Actor)] #ty #[messages #options] #block));
    let text = format!("{written}\n// What the macros add:\n\n{}", pretty(added));
    with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        assert_snapshot!(name, text);
    });
}

/// All that the two macros add to a type and its impl block, about which there is nothing to complain.
fn expand(ty: TokenStream, block: TokenStream) -> TokenStream {
    expand_with(ty, block, TokenStream::new())
}

fn expand_with(ty: TokenStream, block: TokenStream, options: TokenStream) -> TokenStream {
    let mut complaints = Complaints::default();
    let ty: DeriveInput = parse2(ty).expect("the test gives a type");
    let args = PolicyArgs::read(&ty.attrs, &mut complaints);
    let life = actor(&ty, &args);
    let mut block: ItemImpl = parse2(block).expect("the test gives an impl block");
    let mut block = Block::read(&mut block, &mut complaints).expect("the block is an actor's");
    let options = MessagesArgs::read(options, &mut complaints);
    block.open = options.open;
    valid::check(&mut block, &mut complaints);
    assert_eq!(complaints.len(), 0);
    let messages = messages(&block, &options);
    quote!(#life #messages)
}

fn pretty(tokens: TokenStream) -> String {
    let mut file: File = parse2(tokens).expect("the macros write Rust");
    for item in &mut file.items {
        let Item::Macro(ItemMacro { mac, .. }) = item else { continue };
        // What it adds is shown as what it becomes, since there is no layout for what is given to a macro.
        if let Some(TokenTree::Group(body)) = mac.tokens.clone().into_iter().last() {
            *item = parse_quote!(const _: () = #body;);
        }
    }
    prettyplease::unparse(&file)
}

/// Where the identifiers with this name come from, each place once.
fn places(tokens: TokenStream, name: &str) -> Vec<LineColumn> {
    let mut places = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => places.extend(self::places(group.stream(), name)),
            TokenTree::Ident(ident) if ident == name => places.push(ident.span().start()),
            _ => {}
        }
    }
    places.dedup();
    places
}
