//! The options of `#[message]`, `#[handle]` and the hooks, mistyped and misplaced.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message(boxd)]
    fn a(&self) {}

    #[message(quick, name)]
    fn b(&self) {}

    #[message(boxed = true)]
    fn c(&self) {}

    #[message(derive = Clone)]
    fn d(&self) {}

    #[message = "x"]
    fn e(&self) {}

    #[message(name = One, name = Other)]
    fn f(&self) {}

    #[message("x")]
    fn g(&self) {}

    #[message(name = inner::Other)]
    fn named_by_a_path(&self) {}

    #[message(name = a::b)]
    fn h(&self) {}

    #[message(name = "Name")]
    fn k(&self) {}

    #[message(boxed derive(Clone))]
    fn l(&self) {}

    #[handle(name = X)]
    fn i(&self, bytes: Vec<u8>) {}

    #[message(contrl)]
    fn m(&self) {}

    #[handle(control(now))]
    fn n(&self, bytes: u8) {}

    #[message(control = 1)]
    fn o(&self) {}

    #[message(Clone)]
    fn derived(&self) {}

    #[message(derive(Clone Debug))]
    fn listed(&self) {}

    #[started(now)]
    fn j(&self) {}
}

fn main() {}
