//! Ticks without a period, or with one that is none.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Clock;

#[messages]
impl Clock {
    #[tick]
    fn without_a_period(&mut self) {}

    #[tick(first = "1s")]
    fn with_a_first_time_only(&mut self) {}

    #[tick(every = "20 secnds")]
    fn misspelt(&mut self) {}

    #[tick(every = 20)]
    fn without_a_unit(&mut self) {}

    #[tick(every = "0s")]
    fn without_a_pause(&mut self) {}

    #[tick(every)]
    fn without_a_value(&mut self) {}

    #[tick(every = "1s", catch_up = "skp")]
    fn without_a_rule(&mut self) {}

    #[tick(every = "1s", catchup = "skip")]
    fn with_an_unknown_option(&mut self) {}

    #[tick(every = "1s", every = "2s")]
    fn twice(&mut self) {}
}

fn main() {}
