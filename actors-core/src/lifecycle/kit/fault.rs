//! Faults: what is to go wrong, when, and how often.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::pattern::Pattern;
use crate::lifecycle::path::{ActorPath, short_name};
use crate::sync::{Mutex, lock};

/// Something that is to go wrong in an actor, as its own code could do it.
///
/// A fault says *what* goes wrong, *when*, and *how often*. Unless said otherwise it strikes once, at the next message.
/// [`ActorSystem::inject`](crate::ActorSystem::inject) says in whom.
///
/// ```
/// use std::time::Duration;
/// use actors_core::test_kit::Fault;
///
/// # struct Query;
/// Fault::panic();                                     // at the next message
/// Fault::error("no disk").at_message(3);              // at the third from now on
/// Fault::hang().on::<Query>();                        // at the next `Query`
/// Fault::panic().every(10).times(5);                  // at the 10th, 20th, ... 50th
/// Fault::fail_start("no database").times(2);          // at the next two starts
/// Fault::slow_start(Duration::from_secs(2)).always(); // at every start
/// Fault::hang().at_stop();                            // before the `stopped` hook
/// ```
///
/// Occasions are counted for each actor on its own, by its path, from the injection on: an actor that is started again
/// under its name goes on where it was.
#[derive(Clone, Debug)]
#[must_use = "a fault strikes nobody until it is injected"]
pub struct Fault {
    effect: Effect,
    moment: Moment,
    which: Which,
    /// `None`: as often as `which` says.
    times: Option<u64>,
    /// The message type it is for.
    message: Option<Arc<str>>,
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Panic,
    Error(Arc<str>),
    Hang,
    Delay(Duration),
    Block(Duration),
}

/// Where it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Before a message is handled.
    Message,
    /// Before the `started` hook.
    Start,
    /// Before the `stopped` hook.
    Stop,
}

/// At which of the occasions, counted from 1.
#[derive(Clone, Copy, Debug)]
enum Which {
    From(u64),
    Every(u64),
}

/// What went wrong because a test wanted it to: the error of [`Fault::error`] and [`Fault::fail_start`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("injected: {0}")]
pub struct Injected(pub(crate) Arc<str>);

impl Fault {
    /// The actor panics. Whoever asked gets [`AskError::Crashed`](crate::AskError::Crashed).
    pub fn panic() -> Self {
        Fault::of(Effect::Panic)
    }

    /// The actor panics at the next `M`.
    pub fn panic_on<M>() -> Self {
        Fault::panic().on::<M>()
    }

    /// The actor fails with an [`Injected`] error, as if its `handle` or its hook had returned it. That ends the actor,
    /// and whoever asked gets [`AskError::NoReply`](crate::AskError::NoReply).
    pub fn error(text: impl fmt::Display) -> Self {
        Fault::of(Effect::Error(text.to_string().into()))
    }

    /// The actor waits for ever, with the message in hand, until it is killed or reaches a limit.
    pub fn hang() -> Self {
        Fault::of(Effect::Hang)
    }

    /// The actor waits this long, and then goes on as if nothing had been.
    pub fn delay(time: Duration) -> Self {
        Fault::of(Effect::Delay(time))
    }

    /// The actor blocks its thread for this long, of real time, and then goes on. Nothing can cut it short.
    pub fn block(time: Duration) -> Self {
        Fault::of(Effect::Block(time))
    }

    /// The start takes this much longer.
    pub fn slow_start(time: Duration) -> Self {
        Fault::delay(time).at_start()
    }

    /// The start fails with an [`Injected`] error.
    pub fn fail_start(text: impl fmt::Display) -> Self {
        Fault::error(text).at_start()
    }

    fn of(effect: Effect) -> Self {
        Fault { effect, moment: Moment::Message, which: Which::From(1), times: Some(1), message: None }
    }

    /// Strikes before the `started` hook, also of actors that have none.
    pub fn at_start(mut self) -> Self {
        self.moment = Moment::Start;
        self.message = None;
        self
    }

    /// Strikes before the `stopped` hook, also of actors that have none.
    pub fn at_stop(mut self) -> Self {
        self.moment = Moment::Stop;
        self.message = None;
        self
    }

    /// Strikes at the `number`th message from now on; of those of one type if [`on`](Self::on) names it.
    ///
    /// # Panics
    /// Panics at 0: the next message is the first.
    #[track_caller]
    pub fn at_message(mut self, number: u64) -> Self {
        assert!(number > 0, "`at_message` counts from 1: the next message is the first");
        self.moment = Moment::Message;
        self.which = Which::From(number);
        self
    }

    /// Strikes at messages of type `M` alone, and counts only those.
    pub fn on<M>(mut self) -> Self {
        self.moment = Moment::Message;
        self.message = Some(short_name(std::any::type_name::<M>()).into());
        self
    }

    /// Strikes at every `number`th occasion, any number of times unless [`times`](Self::times) says how many.
    ///
    /// # Panics
    /// Panics at 0.
    #[track_caller]
    pub fn every(mut self, number: u64) -> Self {
        assert!(number > 0, "`every` counts from 1: every first occasion is each of them");
        self.which = Which::Every(number);
        self.times = None;
        self
    }

    /// Strikes each actor so many times at most: once, unless said otherwise.
    ///
    /// # Panics
    /// Panics at 0.
    #[track_caller]
    pub fn times(mut self, times: u64) -> Self {
        assert!(times > 0, "a fault that strikes 0 times is none");
        self.times = Some(times);
        self
    }

    /// Strikes at every occasion from the first on.
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Whether it strikes at the occasion `number`, having struck `struck` times.
    fn strikes_at(&self, number: u64, struck: u64) -> bool {
        let its_turn = match self.which {
            Which::From(first) => number >= first,
            Which::Every(nth) => number % nth == 0,
        };
        its_turn && !self.is_spent(struck)
    }

    fn is_spent(&self, struck: u64) -> bool {
        self.times.is_some_and(|times| struck >= times)
    }

    fn is_for(&self, moment: Moment, message: Option<&str>) -> bool {
        self.moment == moment && self.message.as_deref().is_none_or(|wanted| message == Some(wanted))
    }
}

/// One line: "a panic at message 3, every time".
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.effect {
            Effect::Panic => f.write_str("panic"),
            Effect::Error(text) => write!(f, "error `{text}`"),
            Effect::Hang => f.write_str("hang"),
            Effect::Delay(time) => write!(f, "delay of {time:?}"),
            Effect::Block(time) => write!(f, "block of {time:?}"),
        }
    }
}

/// A fault that is laid out for the actors that fit.
pub(crate) struct Entry {
    pattern: Pattern,
    fault: Fault,
    counts: Mutex<HashMap<ActorPath, Count>>,
}

/// Of one actor: how many occasions there were, and at how many of them it was struck.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    seen: u64,
    struck: u64,
}

/// A fault as it strikes.
pub(crate) struct Strike {
    pub(crate) effect: Effect,
    /// What the panic says.
    pub(crate) text: String,
}

impl Entry {
    pub(crate) fn new(pattern: Pattern, fault: Fault) -> Self {
        Entry { pattern, fault, counts: Mutex::default() }
    }

    /// How often it has struck.
    pub(crate) fn struck(&self) -> u64 {
        lock(&self.counts).values().map(|count| count.struck).sum()
    }

    pub(super) fn threatens(&self, path: &ActorPath, moment: Moment) -> bool {
        self.fault.moment == moment
            && self.pattern.fits(path)
            && !lock(&self.counts).get(path).is_some_and(|count| self.fault.is_spent(count.struck))
    }

    /// Counts the occasion if it is one for this fault, and strikes if it is the right one and it may.
    pub(super) fn meet(&self, path: &ActorPath, moment: Moment, message: Option<&str>, may_strike: bool) -> Option<Strike> {
        if !self.fault.is_for(moment, message) || !self.pattern.fits(path) {
            return None;
        }
        let seen = {
            let mut counts = lock(&self.counts);
            let count = counts.entry(path.clone()).or_default();
            count.seen += 1;
            if !may_strike || !self.fault.strikes_at(count.seen, count.struck) {
                return None;
            }
            count.struck += 1;
            count.seen
        };
        let at = match (moment, message) {
            (Moment::Message, Some(message)) => format!("at message {seen}, `{message}`"),
            (Moment::Message, None) => format!("at message {seen}"),
            (Moment::Start, _) => "at its start".to_owned(),
            (Moment::Stop, _) => "at its stop".to_owned(),
        };
        Some(Strike { effect: self.fault.effect.clone(), text: format!("injected {} into {path} {at}", self.fault) })
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}, struck {} times", self.fault, self.pattern, self.struck())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::path::{Node, Segment};

    fn named(name: &str) -> ActorPath {
        ActorPath { parent: Some(Node::root()), segment: Segment::Named(name.into()) }
    }

    fn entry(pattern: &str, fault: Fault) -> Entry {
        Entry::new(Pattern::new(pattern).unwrap(), fault)
    }

    #[test]
    fn a_fault_strikes_at_its_turn_and_as_often_as_it_says() {
        let cases = [
            ("once", Fault::panic(), vec![1]),
            ("the third", Fault::panic().at_message(3), vec![3]),
            ("two from the third on", Fault::panic().at_message(3).times(2), vec![3, 4]),
            ("all from the sixth on", Fault::panic().at_message(6).always(), vec![6, 7, 8]),
            ("every third", Fault::panic().every(3), vec![3, 6]),
            ("every third, once", Fault::panic().every(3).times(1), vec![3]),
            ("all", Fault::panic().every(1), vec![1, 2, 3, 4, 5, 6, 7, 8]),
        ];
        for (name, fault, expected) in cases {
            let entry = entry("/a", fault);
            let struck: Vec<u64> = (1..=8).filter(|_| entry.meet(&named("a"), Moment::Message, Some("Work"), true).is_some()).collect();
            assert_eq!(struck, expected, "{name}");
            assert_eq!(entry.struck(), expected.len() as u64, "{name}");
        }
    }

    #[test]
    fn each_actor_and_each_message_type_has_its_own_count() {
        struct Work;
        let entry = entry("*", Fault::panic_on::<Work>().at_message(2));
        let strikes = |name, message| entry.meet(&named(name), Moment::Message, Some(message), true).is_some();
        assert!(!strikes("a", "Work"));
        assert!(!strikes("a", "Other"));
        assert!(!strikes("b", "Work"));
        assert!(strikes("a", "Work"));
        assert!(strikes("b", "Work"));
    }

    #[test]
    fn a_fault_threatens_until_it_is_spent() {
        let entry = entry("/a", Fault::fail_start("no"));
        assert!(entry.threatens(&named("a"), Moment::Start));
        assert!(!entry.threatens(&named("b"), Moment::Start));
        assert!(!entry.threatens(&named("a"), Moment::Stop));
        assert!(entry.meet(&named("a"), Moment::Start, None, true).is_some());
        assert!(!entry.threatens(&named("a"), Moment::Start));
    }

    #[test]
    fn a_fault_that_comes_too_late_counts_and_is_not_spent() {
        let entry = entry("/a", Fault::panic());
        assert!(entry.meet(&named("a"), Moment::Message, None, false).is_none());
        assert_eq!(entry.struck(), 0);
        let strike = entry.meet(&named("a"), Moment::Message, Some("Work"), true).unwrap();
        assert_eq!(strike.text, "injected panic into /a at message 2, `Work`");
    }
}
