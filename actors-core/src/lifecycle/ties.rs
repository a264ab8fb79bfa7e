//! What ties one actor to others, and who waits for what of it. Most actors have none of it for most of their lives.
//!
//! Generic in what a peer and a group are, so that it stands below both.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::task::Waker;

use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::crash::Crash;
use super::event::{Event, MonitorRef};
use super::exit::{Exit, ExitReason};
use super::id::ActorId;
use super::path::ActorPath;
use super::record::LimitHit;
use crate::lazy_map::LazyMap;
use crate::sync::Wakers;

pub(crate) struct Ties<P, G> {
    /// Why the actor was asked to end, the first time.
    pub(crate) cause: Option<ExitReason>,
    /// When it was asked, and by when it has to be done.
    pub(crate) order: Option<StopOrder>,
    /// The last limit that it outran while it was asked to end, and the message it was handling then.
    pub(crate) limit: Option<(LimitHit, Option<&'static str>)>,
    /// How its last incarnation ended, while it is between two.
    pub(crate) down: Option<Box<Exit>>,
    /// What is noted of a failure until it is reported.
    pub(crate) crash: Option<Box<Crash>>,
    /// Somebody is publishing the end.
    pub(crate) claimed: bool,
    /// The end, once it is published.
    pub(crate) exit: Option<Arc<Exit>>,

    pub(crate) links: LazyMap<ActorId, Link<P>>,
    /// Who watches this actor.
    pub(crate) watchers: Vec<Watcher<P>>,
    /// The monitors by which this actor watches others.
    pub(crate) watching: LazyMap<MonitorRef, Option<P>>,
    /// What it belongs to until its final end.
    pub(crate) groups: Vec<G>,
    /// What is to be handled next.
    pub(crate) events: VecDeque<Event>,
    /// What is to be handled after messages, in the order in which it is due.
    pub(crate) notices: VecDeque<Event>,

    /// Who waits for the start or the end.
    pub(crate) waiters: Wakers,
    /// Who waits for the stop signal.
    pub(crate) stop_waiters: Wakers,
    /// The stop signal, as handed to libraries.
    pub(crate) token: Option<CancellationToken>,

    /// The asks that a handler of this actor awaits, and the tells for which it waits for room.
    pub(crate) asks: Vec<OpenAsk<P>>,
    /// Helper tasks of this actor, and blocking jobs that have not begun.
    pub(crate) helpers: LazyMap<u64, Helper>,
    /// How many blocking jobs of this actor run.
    pub(crate) blocking: usize,
    /// Panics of helpers and jobs that nobody awaited, after the actor was asked to end.
    pub(crate) failed_work: Vec<ExitReason>,
    /// What a service keeps here for all who have a reference to the actor.
    pub(crate) attached: Option<Arc<dyn Any + Send + Sync>>,
    /// The last key that was given to one who waits, an ask or a helper. None is given twice, since whoever has one may come late.
    last_key: u64,
}

/// Where the ties of one actor stand: nowhere for most of its life, and in little room once it has ended.
pub(crate) enum Slot<P, G> {
    /// It has none. Keys that were given out before go up to this one.
    Empty(u64),
    Held(Box<Ties<P, G>>),
    /// It had none, and somebody is publishing its end. Keys as before.
    Claimed(u64),
    /// It has none any more, and this is its end.
    Over(Arc<Exit>),
}

impl<P, G> Slot<P, G> {
    /// The ties, made if there are none.
    pub(crate) fn held(&mut self) -> &mut Ties<P, G> {
        if !matches!(self, Slot::Held(_)) {
            let mut ties = Box::<Ties<P, G>>::default();
            match std::mem::replace(self, Slot::Empty(0)) {
                Slot::Empty(last) => ties.last_key = last,
                Slot::Claimed(last) => (ties.claimed, ties.last_key) = (true, last),
                Slot::Over(exit) => (ties.claimed, ties.exit) = (true, Some(exit)),
                Slot::Held(_) => {}
            }
            *self = Slot::Held(ties);
        }
        match self {
            Slot::Held(ties) => ties,
            _ => unreachable!("just made"),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Slot::Empty(_))
    }

    /// Gives the room back of ties of which nothing is left.
    pub(crate) fn tidy(&mut self) {
        if let Slot::Held(ties) = self {
            if ties.is_idle() {
                *self = Slot::Empty(ties.last_key);
            }
        }
    }

    /// Claims the end for whoever asks first.
    pub(crate) fn claim(&mut self) -> bool {
        match self {
            Slot::Empty(last) => {
                *self = Slot::Claimed(*last);
                true
            }
            Slot::Held(ties) => !std::mem::replace(&mut ties.claimed, true),
            Slot::Claimed(_) | Slot::Over(_) => false,
        }
    }

    /// Publishes the end, and takes out what is to be told of it.
    pub(crate) fn conclude(&mut self, exit: Arc<Exit>) -> Option<Box<Ties<P, G>>> {
        match std::mem::replace(self, Slot::Over(exit)) {
            Slot::Held(told) => Some(told),
            Slot::Empty(_) | Slot::Claimed(_) | Slot::Over(_) => None,
        }
    }

    /// The end, once it is published.
    pub(crate) fn exit(&self) -> Option<Arc<Exit>> {
        match self {
            Slot::Over(exit) => Some(exit.clone()),
            Slot::Held(ties) => ties.exit.clone(),
            Slot::Empty(_) | Slot::Claimed(_) => None,
        }
    }
}

/// A stop that was asked for.
#[derive(Clone, Copy)]
pub(crate) struct StopOrder {
    pub(crate) at: Instant,
    pub(crate) deadline: Option<Instant>,
}

/// How an end travels along a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkKind {
    /// An abnormal end stops the peer, with [`ExitReason::LinkDown`]. The default.
    #[default]
    OnFailure,
    /// Every end stops the peer; after a clean one the peer ends with [`ExitReason::Shutdown`].
    OnExit,
    /// The peer is told, and nothing else happens.
    Notify,
}

/// One end of a link.
pub(crate) struct Link<P> {
    pub(crate) peer: P,
    pub(crate) kind: LinkKind,
}

/// One who watches.
pub(crate) struct Watcher<P> {
    pub(crate) monitor: MonitorRef,
    pub(crate) watcher: P,
}

/// An ask that awaits its answer.
pub(crate) struct OpenAsk<P> {
    pub(crate) key: u64,
    pub(crate) target: P,
    /// The number of the request in the target's mailbox; `u64::MAX` while it waits for room.
    pub(crate) number: u64,
    pub(crate) answer: Arc<dyn Answer>,
}

/// What an ask waits for.
pub(crate) trait Answer: Send + Sync {
    /// Tells whether it is still to come, and somebody waits for it.
    fn is_awaited(&self) -> bool;
    /// Tells what has become of the request in the stash of its receiver.
    fn stashed(&self) -> Stashed;
    /// Notes that the request was stashed: it waits again.
    fn note_stashed(&self);
    /// Notes that the request was released and is in hand.
    fn note_replayed(&self);
    /// Notes that the request is in hand no more. If it was stashed again meanwhile, it goes on waiting.
    fn note_handled(&self);
    /// Tells whoever waits that it waits for itself, round this cycle.
    fn break_off(self: Arc<Self>, cycle: Vec<ActorPath>);
}

/// Work of an actor that can be given up.
#[derive(Clone)]
pub(crate) enum Helper {
    /// A task that is just being spawned.
    New,
    Task(AbortHandle),
    /// A blocking job, as long as no thread has come to it.
    Unbegun(Weak<dyn Unbegun>),
}

/// A blocking job that no thread has come to.
pub(crate) trait Unbegun: Send + Sync {
    /// Drops it, unless it has begun meanwhile.
    fn give_up(&self);
}

impl Helper {
    pub(crate) fn give_up(&self) {
        match self {
            Helper::New => {}
            Helper::Task(task) => task.abort(),
            Helper::Unbegun(job) => {
                if let Some(job) = job.upgrade() {
                    job.give_up();
                }
            }
        }
    }
}

/// For how many events there is room while there are none.
const KEEP: usize = 256;

/// Takes the first event out, and gives the room back of many that have been taken.
fn take_first(events: &mut VecDeque<Event>) -> Option<Event> {
    let first = events.pop_front();
    if events.is_empty() && events.capacity() > KEEP {
        *events = VecDeque::new();
    }
    first
}

/// What has become of a request in the stash of its receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stashed {
    /// How often it was stashed.
    pub(crate) times: u32,
    pub(crate) place: StashPlace,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum StashPlace {
    /// It is not in the stash.
    #[default]
    Nowhere,
    /// It waits there.
    Waits,
    /// It was released, and is in hand.
    InHand,
}

impl<P, G> Default for Ties<P, G> {
    fn default() -> Self {
        Ties {
            cause: None,
            order: None,
            limit: None,
            down: None,
            crash: None,
            claimed: false,
            exit: None,
            links: LazyMap::default(),
            watchers: Vec::new(),
            watching: LazyMap::default(),
            groups: Vec::new(),
            events: VecDeque::new(),
            notices: VecDeque::new(),
            waiters: Wakers::default(),
            stop_waiters: Wakers::default(),
            token: None,
            asks: Vec::new(),
            helpers: LazyMap::default(),
            blocking: 0,
            failed_work: Vec::new(),
            attached: None,
            last_key: 0,
        }
    }
}

impl<P, G> Ties<P, G> {
    /// Whether nothing is left of them.
    fn is_idle(&self) -> bool {
        // Each by its name, so that what is added here is thought of.
        let Ties {
            cause: None,
            order: None,
            limit: None,
            down: None,
            crash: None,
            claimed: false,
            exit: None,
            links,
            watchers,
            watching,
            groups,
            events,
            notices,
            waiters,
            stop_waiters,
            token: None,
            asks,
            helpers,
            blocking: 0,
            failed_work,
            attached: None,
            last_key: _,
        } = self
        else {
            return false;
        };
        let tied = !links.is_empty() || !watchers.is_empty() || !watching.is_empty() || !groups.is_empty();
        let told = !events.is_empty() || !notices.is_empty() || !waiters.is_empty() || !stop_waiters.is_empty();
        let works = !asks.is_empty() || !helpers.is_empty() || !failed_work.is_empty();
        !tied && !told && !works
    }

    /// A key that nobody has.
    pub(crate) fn next_key(&mut self) -> u64 {
        self.last_key += 1;
        self.last_key
    }

    /// Registers one who waits for the start or the end, or renews it where `key` says it stands.
    #[must_use]
    pub(crate) fn add_waiter(&mut self, key: &mut Option<u64>, waker: &Waker) -> Option<Waker> {
        self.waiters.register(&mut self.last_key, key, waker)
    }

    /// Registers one who waits for the stop signal, or renews it where `key` says it stands.
    #[must_use]
    pub(crate) fn add_stop_waiter(&mut self, key: &mut Option<u64>, waker: &Waker) -> Option<Waker> {
        self.stop_waiters.register(&mut self.last_key, key, waker)
    }

    pub(crate) fn open_ask(&mut self, target: P, number: u64, answer: Arc<dyn Answer>) -> u64 {
        let key = self.next_key();
        self.asks.push(OpenAsk { key, target, number, answer });
        key
    }

    /// Adds an event that waits to be handled.
    pub(crate) fn add_event(&mut self, event: Event) {
        if event.overtakes() {
            self.events.push_back(event);
            return;
        }
        // They come in the order in which they are due, but for a few that were sent at the same time.
        let place = self.notices.iter().rposition(|earlier| earlier.not_before <= event.not_before).map_or(0, |place| place + 1);
        self.notices.insert(place, event);
    }

    /// Takes the next notice, given that so many messages wait no more.
    pub(crate) fn next_notice(&mut self, passed: u64) -> Option<Event> {
        let due = self.notices.front().is_some_and(|notice| notice.not_before <= passed);
        if due { take_first(&mut self.notices) } else { None }
    }

    /// Takes the next event that overtakes messages.
    pub(crate) fn next_exit(&mut self) -> Option<Event> {
        take_first(&mut self.events)
    }

    /// How many messages have to be taken before there is an event to be handled.
    pub(crate) fn next_event_due(&self) -> u64 {
        let notice = self.notices.front().map_or(u64::MAX, |notice| notice.not_before);
        if self.events.is_empty() { notice } else { 0 }
    }

    /// Takes out the events for which `is_it` says so, to be dropped elsewhere.
    pub(crate) fn take_events(&mut self, is_it: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut out = Vec::new();
        for events in [&mut self.events, &mut self.notices] {
            let (taken, kept): (VecDeque<_>, VecDeque<_>) = std::mem::take(events).into_iter().partition(|event| is_it(event));
            *events = kept;
            out.extend(taken);
        }
        out
    }

    /// Forgets events that wait to be handled and hold nothing of a user's: of one source.
    pub(crate) fn forget_events(&mut self, stale: impl Fn(&Event) -> bool) {
        self.events.retain(|event| !stale(event));
        self.notices.retain(|event| !stale(event));
    }
}
