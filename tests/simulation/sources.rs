//! Timers, intervals and streams of the actor of the simulation: how they come, and how they are taken back.

use std::time::Duration;

use actors_core::{CatchUp, Context, Every, StreamRef, TimerRef};
use futures_util::stream;

use crate::journal::{Note, Number, Who};
use crate::node::{Item, Later, Node};

/// What an actor was given and can take back.
pub enum Source {
    Timer(Number, TimerRef),
    /// And how often it is still to come.
    Interval(Number, TimerRef, u8),
    Stream(Number, StreamRef),
}

impl<const HOOKS: u8> Node<HOOKS> {
    /// Sets an interval, which is taken back after so many ticks.
    pub fn every(&mut self, period: u64, catch_up: CatchUp, times: u8, who: Who, ctx: &mut Context<Self>) {
        let (timer, period) = (self.world.number(), Duration::from_millis(period));
        self.world.note(Note::SetsInterval { who, timer, period, catch_up });
        let source = ctx.send_every(Every::new(period).catch_up(catch_up), move || Later(timer));
        self.sources.push(Source::Interval(timer, source, times));
    }

    /// A tick has come. After the last there is none: all that can come is on the way, and is taken back.
    pub fn may_tick_no_more(&mut self, timer: Number, ctx: &mut Context<Self>) {
        let place = self.sources.iter_mut().position(|source| match source {
            Source::Interval(number, _, left) if *number == timer => {
                *left -= 1;
                *left == 0
            }
            _ => false,
        });
        if let Some(Source::Interval(timer, source, _)) = place.map(|place| self.sources.remove(place)) {
            let was_to_come = ctx.cancel_timer(source);
            let who = Who { id: ctx.id(), life: ctx.incarnation() };
            self.world.note(Note::TakenBack { who, source: timer, was_to_come });
        }
    }

    /// Attaches a stream, unless there is one: its end says nothing but that it is one.
    pub fn attach(&mut self, items: u8, pause: u64, who: Who, ctx: &mut Context<Self>) {
        if self.stream.is_some() {
            return;
        }
        let (world, stream) = (self.world.clone(), self.world.number());
        world.note(Note::Attaches { who, stream, items });
        let all = stream::unfold(0, move |nth| {
            let world = world.clone();
            async move {
                if pause > 0 {
                    world.sway().await;
                    world.pass(pause).await;
                }
                let item = (nth < items).then_some(nth);
                world.note(Note::Yields { stream, nth: item });
                item.map(|nth| (Item { stream, nth }, nth + 1))
            }
        });
        let source = ctx.attach(all);
        self.stream = Some(stream);
        self.sources.push(Source::Stream(stream, source));
    }

    /// The number of the stream that has come to its end.
    pub fn ending_stream(&mut self) -> Number {
        self.stream.take().unwrap_or(Number::MAX)
    }

    /// Takes back what was set last.
    pub fn take_back(&mut self, who: Who, ctx: &mut Context<Self>) {
        let (source, was_to_come) = match self.sources.pop() {
            Some(Source::Timer(number, timer) | Source::Interval(number, timer, _)) => (number, ctx.cancel_timer(timer)),
            Some(Source::Stream(number, stream)) => {
                let was_to_come = ctx.detach(stream);
                if was_to_come {
                    self.stream = None;
                }
                (number, was_to_come)
            }
            None => return,
        };
        self.world.note(Note::TakenBack { who, source, was_to_come });
    }
}
