//! The macros of `actors-core`: `#[derive(Actor)]` and `#[messages]`.
//!
//! `actors-core` re-exports both; depend on that crate, where the examples are, not on this one.

#![forbid(unsafe_code)]

mod args;
mod block_args;
mod complaint;
mod expand;
mod generics;
mod model;
mod names;
#[cfg(test)]
mod page;
mod policy;
#[cfg(test)]
mod properties;
mod sending;
mod types;
mod valid;
mod values;

use proc_macro::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Item, parse_macro_input};

use crate::block_args::MessagesArgs;
use crate::complaint::Complaints;
use crate::model::Block;
use crate::policy::PolicyArgs;

/// Makes a struct or an enum an actor.
///
/// What the actor does stands in its `#[messages]` block, which must exist. What the derive adds is
/// the policy, written as `#[actor(...)]` on the type. Several such attributes add up, every option
/// can be left out, and none stands twice. Durations are text, such as `"500ms"` or `"1m 30s"`. The
/// page `actors_core::macros` has an example of each.
///
/// | option | values; the default first | meaning |
/// |---|---|---|
/// | `mailbox` | `256`, any number from 1, `"unbounded"` | how many messages may wait |
/// | `overflow` | `"wait"`, `"reject"`, `"drop_newest"`, `"drop_oldest"` | what happens to a message that finds the mailbox full |
/// | `stash` | `64`, any number | how many messages it may put aside |
/// | `on_stop` | `"discard"`, `"drain"` | what a stop does to the messages that wait |
/// | `in_flight` | `"finish"`, `"cancel"` | what a stop does to the message in hand |
/// | `stop_limit` | 5 s, or what the parent's deadline leaves to an actor with children; a duration; `"unlimited"` | how long it may take to stop when its parent stops it, before it is killed |
/// | `start_limit` | 60 s, a duration, `"unlimited"` | how long the `started` hook may take |
/// | `handler_limit` | `"unlimited"`, a duration | how long a handler may take |
/// | `hook_limit` | 5 s, a duration, `"unlimited"` | how long the `stopped` hook may take |
/// | `ask_limit` | `"unlimited"`, a duration | how long an ask waits that sets no limit itself |
/// | `children` | `"in_order"`, `"side_by_side"` | how children are stopped |
/// | `strategy` | `"one_for_one"`, `"one_for_all"`, `"rest_for_one"` | whom the failure of a supervised child takes along |
/// | `restarts` | `1`, any number, `"unlimited"` | how many restarts of its children are allowed... |
/// | `within` | `"5s"`, any duration but none | ...within this time |
/// | `auto_shutdown` | `"never"`, `"any_significant"`, `"all_significant"` | whether the end of significant children ends it |
/// | `crate` | `::actors_core`, a path | where the framework is found |
#[proc_macro_derive(Actor, attributes(actor))]
pub fn derive_actor(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let mut complaints = Complaints::default();
    if let Data::Union(data) = &input.data {
        complaints.at(data.union_token, "an actor is a struct or an enum");
    }
    let args = PolicyArgs::read(&input.attrs, &mut complaints);
    let generated = expand::actor(&input, &args);
    quote!(#generated #complaints).into()
}

/// Turns the marked methods of an impl block into the messages and hooks of an actor.
///
/// An actor has one such block, since its mailbox holds one type. Methods without a marker are left
/// alone, and other impl blocks may stand beside it. The page `actors_core::macros` has an example of
/// every marker and every option.
///
/// # Messages
///
/// A method marked `#[message]` makes a struct of its parameters, named after it in camel case
/// and as visible as the method: `fn add_user(&mut self, name: String)` makes
/// `struct AddUser { name: String }`, and a method without parameters a unit struct. The docs of
/// the method, and of its parameters, become those of the struct and its fields.
///
/// - `#[message(name = Other)]` names the struct.
/// - `#[message(derive(Clone, Debug))]` derives traits for it.
/// - `#[message(boxed)]` puts this one message in a box, for one much larger than the others.
///
/// A method marked `#[handle]` handles a type of your own, its one message parameter.
/// `#[handle(boxed)]` boxes it.
///
/// A method marked `#[stream]` handles the items of streams that the actor is given with `ctx.attach`: its one message
/// parameter is an `Option<T>`, an item or the end. `#[stream(boxed)]` boxes it.
///
/// Handlers are ordinary methods, `fn` or `async fn`, with `&self` or `&mut self`, and can be
/// called as such in a unit test. Parameters of two types are not part of the message:
///
/// - `&mut Context<Self>` or `&Context<Self>` is the actor's context.
/// - `ReplyTo<R>` or `ReplyTo<R, E>` answers whoever asked, now or later; the method then returns
///   nothing.
///
/// What a method returns is the reply. If that is a `Result`, the reply is its `Ok`. Its `Err`
/// goes to whoever asked; if nobody did, the actor fails with it, and so it is a `std::error::Error` or
/// text.
///
/// A handler that is `async` and takes `&self` needs state that is `Sync`, as the compiler will say;
/// `&mut self` does not.
///
/// # Hooks
///
/// At most one method each is marked `#[started]`, `#[exited]` and `#[stopped]`. A hook returns
/// nothing or a `Result<(), E>`, and takes what it needs of the following, in any order:
/// `&mut Context<Self>`; `#[exited]` the `Exited`; `#[stopped]` the `&ExitReason`. An error ends the
/// actor. An actor with an `#[exited]` hook traps exits.
///
/// # Ticks
///
/// A method marked `#[tick(every = "20s")]` runs again and again, from when the `started` hook has succeeded. It takes
/// `&mut Context<Self>` or nothing, and returns nothing or a `Result<(), E>`; an error ends the actor. An actor may have
/// several.
///
/// | option | values; the default first | meaning |
/// |---|---|---|
/// | `every` | a duration, longer than none; must be given | the period |
/// | `first` | the period, a duration | when it runs first |
/// | `catch_up` | `"skip"`, `"burst"`, `"delay"` | what becomes of ticks that were missed; see `CatchUp` |
///
/// # Generic actors
///
/// Type parameters of the actor need no `Send + 'static` on the impl block: an actor's are taken to
/// be. A message struct has those of them that its fields use.
///
/// # Options
///
/// | option | values; the default first | meaning |
/// |---|---|---|
/// | `size_limit` | `1024`, a number from 1, `"unlimited"` | how many bytes a message may have that is not `boxed` |
/// | `open` | | whether the actor takes other messages too, each by an impl of `Handler` |
/// | `crate` | `::actors_core`, a path | where the framework is found, if under another name |
#[proc_macro_attribute]
pub fn messages(args: TokenStream, input: TokenStream) -> TokenStream {
    let mut complaints = Complaints::default();
    let args = MessagesArgs::read(args.into(), &mut complaints);
    let mut item = match syn::parse(input.clone()) {
        Ok(Item::Impl(item)) => item,
        Err(error) => {
            complaints.add(error);
            let no_block = expand::unreadable_block(input.into(), &args);
            return quote!(#complaints #no_block).into();
        }
        Ok(mut item) => {
            model::unmark(&mut item);
            complaints.at(valid::headline(&item), valid::misplaced(&item));
            let no_block = expand::no_block(&item, &args);
            return quote!(#item #complaints #no_block).into();
        }
    };
    model::put_on_the_actor(&mut item, &mut complaints);
    let generated = Block::read(&mut item, &mut complaints).map(|mut block| {
        block.open = args.open;
        valid::check(&mut block, &mut complaints);
        expand::messages(&block, &args)
    });
    // As above, of a parameter of the block.
    item.impl_token.span = expand::generated(item.impl_token.span);
    quote!(#item #complaints #generated).into()
}
