//! Right programs. They are modules of one binary, which is built sooner than many; only those where the crate around
//! them matters are programs of their own, and are not listed here.

mod by_hand;
mod cfg;
mod counter;
mod enum_and_nested_modules;
mod every_policy_option;
mod generic_actors;
mod hooks;
mod macro_rules;
mod message_options;
mod names_of_others;
mod own_messages;
mod raw_identifiers;
mod replies;
mod ticks_and_streams;
