//! Handlers of streams that do not handle its end, or nothing at all.

#![allow(unused)]
use actors_core::{Actor, Context, messages};

#[derive(Actor)]
struct Meter;

#[messages]
impl Meter {
    #[stream]
    fn without_an_end(&mut self, price: f64) {}

    #[stream]
    fn without_an_item(&mut self, ctx: &mut Context<Self>) {}

    #[stream]
    fn of_two(&mut self, one: Option<u8>, other: Option<u16>) {}

    #[stream]
    fn borrowed(&mut self, text: Option<&str>) {}

    #[stream(every = "1s")]
    fn with_a_period(&mut self, n: Option<u64>) {}

    #[stream]
    fn the_same_again(&mut self, n: Option<u64>) {}
}

#[derive(Actor)]
struct Reader;

#[messages]
impl Reader {
    #[stream]
    fn read(&mut self, line: String) {}

    #[started]
    fn open(&mut self, ctx: &mut Context<Self>) {
        ctx.attach(futures_util::stream::iter([String::new()]));
    }
}

fn main() {}
