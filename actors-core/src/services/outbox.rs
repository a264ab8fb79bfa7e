//! What is on its way to one actor, in order, also while its mailbox is full.
//!
//! While there is room, what comes goes straight into the mailbox. A full mailbox makes it wait here, and a *courier* waits
//! for the room: a task that lives no longer than something waits. What must give way meanwhile is a dead letter, counted,
//! and reported before what comes after.

use std::any::type_name;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::address::{Place, Recipient, Refusal};
use crate::caught::unless_it_panics;
use crate::lifecycle::dead_letter::{DeadLetter, DeadReason};
use crate::lifecycle::panic::guard;
use crate::lifecycle::path::short_name;
use crate::mailbox::Overflow;
use crate::sync::{Mutex, lock, note_wake};

/// Some messages of a topic did not reach this subscriber, since it was too slow; see [`Subscriber::report_lag`].
///
/// It comes before the next message of the topic that does, so it stands where they are missing.
///
/// [`Subscriber::report_lag`]: crate::Subscriber::report_lag
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lagged {
    /// The name of the topic.
    pub topic: Arc<str>,
    /// How many messages are missing, since the last report.
    pub missed: u64,
}

pub(super) struct Outbox<M> {
    target: Recipient<M>,
    state: Mutex<State<M>>,
    /// Held by whoever delivers from when he takes something out until that is in the mailbox, or back.
    in_hand: Mutex<()>,
    /// The mailbox drops what it has no room for: nothing waits here, and messages of others may be dropped by each that enters.
    drops: bool,
}

struct State<M> {
    waiting: VecDeque<Letter<M>>,
    /// Somebody delivers what waits. Nobody else does, and nothing goes past it.
    delivering: bool,
    closed: Option<Closed>,
    /// How many may wait; the newest always does.
    keep: usize,
    /// Who is told what was missed.
    reports: Option<Reports>,
    missed: u64,
}

/// Why nothing is taken any more.
#[derive(Clone, Copy)]
enum Closed {
    /// The actor takes nothing: what was for it is a dead letter.
    Over,
    /// The actor does not want it: what was for it is dropped.
    Unwanted,
}

/// Where the reports of one subscriber go: to itself.
#[derive(Clone)]
pub(super) struct Reports {
    pub(super) topic: Arc<str>,
    pub(super) to: Recipient<Lagged>,
}

pub(super) struct Letter<M> {
    message: M,
    /// Told when the message is in the mailbox. While somebody waits for that, it does not give way.
    receipt: Option<oneshot::Sender<()>>,
}

/// What had to give way, to be dropped once no lock is held.
pub(super) type GivenWay<M> = VecDeque<Letter<M>>;

/// What does not wait on, to be dropped once no lock is held.
struct Returned<M> {
    surplus: Vec<Letter<M>>,
    /// Why these are dead letters, if they are.
    dead: Option<DeadReason>,
}

impl<M> Letter<M> {
    fn is_awaited(&self) -> bool {
        self.receipt.as_ref().is_some_and(|receipt| !receipt.is_closed())
    }
}

/// What became of a message that was offered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// It is in the mailbox.
    Taken,
    /// It waits.
    Kept,
    /// The actor takes nothing any more.
    Refused,
}

/// What is to be delivered next.
enum Next<M> {
    Nothing,
    Report(Recipient<Lagged>, Lagged),
    Letter(Letter<M>),
}

impl<M: Send + 'static> Outbox<M> {
    pub(super) fn new(target: Recipient<M>, keep: usize, reports: Option<Reports>) -> Arc<Self> {
        let state = State { waiting: VecDeque::new(), delivering: false, closed: None, keep, reports, missed: 0 };
        let drops = matches!(target.any().policy().overflow, Overflow::DropNewest | Overflow::DropOldest);
        Arc::new(Outbox { target, state: Mutex::new(state), in_hand: Mutex::new(()), drops })
    }

    pub(super) fn target(&self) -> &Recipient<M> {
        &self.target
    }

    /// Changes what is kept, and who is told of the rest.
    pub(super) fn set(&self, keep: usize, reports: Option<Reports>) {
        let old = {
            let mut state = lock(&self.state);
            state.keep = keep;
            std::mem::replace(&mut state.reports, reports)
        };
        drop(old);
    }

    /// Puts the message into the mailbox, if there is room and nothing waits; otherwise keeps it.
    pub(super) fn offer(self: &Arc<Self>, message: M, receipt: Option<oneshot::Sender<()>>) -> Offer {
        let mut message = Some(message);
        let straight = {
            let state = lock(&self.state);
            !state.delivering && state.closed.is_none()
        };
        if straight {
            match self.target.post(&mut message) {
                Ok(()) => return Offer::Taken,
                Err(Refusal::Full) => {}
                Err(_) => return Offer::Refused,
            }
        } else if !self.target.is_alive() {
            return Offer::Refused;
        }
        let mut letter = message.map(|message| Letter { message, receipt });
        let (surplus, start) = {
            let mut state = lock(&self.state);
            if state.closed.is_some() {
                (Vec::new(), false)
            } else {
                state.waiting.extend(letter.take());
                (state.give_way(), !std::mem::replace(&mut state.delivering, true))
            }
        };
        if letter.is_some() {
            return Offer::Refused;
        }
        self.bury(surplus, DeadReason::Lagged);
        if start {
            self.send_courier();
        }
        Offer::Kept
    }

    /// Lets a message wait, to be delivered by [`flush`](Self::flush). For callers that hold a lock.
    pub(super) fn push(&self, message: M) {
        let mut state = lock(&self.state);
        if state.closed.is_none() {
            state.waiting.push_back(Letter { message, receipt: None });
        }
    }

    /// How many wait.
    pub(super) fn backlog(&self) -> usize {
        lock(&self.state).waiting.len()
    }

    /// Has all that waits give way to `message`.
    pub(super) fn replace(&self, message: M) -> GivenWay<M> {
        let mut state = lock(&self.state);
        let old = std::mem::take(&mut state.waiting);
        if state.closed.is_none() {
            state.waiting.push_back(Letter { message, receipt: None });
        }
        old
    }

    /// Delivers what waits, as far as there is room, unless somebody else does.
    pub(super) fn flush(self: &Arc<Self>) {
        if std::mem::replace(&mut lock(&self.state).delivering, true) {
            return;
        }
        loop {
            match self.hand_over() {
                Handed::Nothing => return,
                Handed::Over(receipt) => note(receipt),
                Handed::Back(returned) => {
                    self.let_go(returned);
                    return self.send_courier();
                }
                Handed::Refused(letter) => {
                    self.bury(letter, DeadReason::Stopped);
                    return self.close();
                }
            }
        }
    }

    /// Takes the next out and puts it into the mailbox, or back. Whoever cancels waits for that, and then nothing more comes.
    fn hand_over(&self) -> Handed<M> {
        // What a mailbox drops may have a destructor of a user's.
        let _in_hand = (!self.drops).then(|| lock(&self.in_hand));
        match self.next() {
            Next::Nothing => Handed::Nothing,
            Next::Report(_, report) => {
                lock(&self.state).missed += report.missed;
                Handed::Back(Returned { surplus: Vec::new(), dead: None })
            }
            Next::Letter(Letter { message, receipt }) => {
                let mut message = Some(message);
                let result = self.target.post(&mut message);
                match (message, result) {
                    (None, _) => Handed::Over(receipt),
                    (Some(message), Err(Refusal::Full)) => Handed::Back(self.give_back(Letter { message, receipt })),
                    (Some(message), _) => Handed::Refused(Some(Letter { message, receipt })),
                }
            }
        }
    }

    /// Makes dead letters of what waits, since the actor takes nothing any more.
    pub(super) fn close(&self) {
        let rest = {
            let mut state = lock(&self.state);
            state.closed.get_or_insert(Closed::Over);
            std::mem::take(&mut state.waiting)
        };
        self.bury(rest, DeadReason::Stopped);
    }

    /// Drops what waits, since the actor does not want it: nothing of it arrives afterwards.
    pub(super) fn cancel(&self) {
        let rest = {
            let mut state = lock(&self.state);
            state.closed.get_or_insert(Closed::Unwanted);
            std::mem::take(&mut state.waiting)
        };
        // What somebody has just taken out enters the mailbox before this returns, or not at all.
        drop(lock(&self.in_hand));
        drop(rest);
    }

    fn send_courier(self: &Arc<Self>) {
        let mut round = Round { outbox: self.clone(), place: Place::default() };
        let runtime = self.target.any().env().runtime.clone();
        note_wake();
        drop(runtime.spawn(async move { poll_fn(|cx| round.poll(cx)).await }));
    }

    /// Takes the next out. If there is nothing, delivering is over.
    fn next(&self) -> Next<M> {
        let mut state = lock(&self.state);
        if state.waiting.is_empty() {
            state.delivering = false;
            return Next::Nothing;
        }
        if state.missed > 0 {
            let missed = std::mem::take(&mut state.missed);
            if let Some(Reports { topic, to }) = &state.reports {
                return Next::Report(to.clone(), Lagged { topic: topic.clone(), missed });
            }
        }
        state.waiting.pop_front().map_or(Next::Nothing, Next::Letter)
    }

    /// Lets the one that was taken out wait on; it may have to give way.
    fn give_back(&self, letter: Letter<M>) -> Returned<M> {
        let mut state = lock(&self.state);
        match state.closed {
            None => {
                state.waiting.push_front(letter);
                Returned { surplus: state.give_way(), dead: Some(DeadReason::Lagged) }
            }
            Some(Closed::Over) => Returned { surplus: vec![letter], dead: Some(DeadReason::Stopped) },
            Some(Closed::Unwanted) => Returned { surplus: vec![letter], dead: None },
        }
    }

    fn let_go(&self, returned: Returned<M>) {
        match returned.dead {
            Some(reason) => self.bury(returned.surplus, reason),
            None => drop(returned.surplus),
        }
    }

    fn bury(&self, letters: impl IntoIterator<Item = Letter<M>>, reason: DeadReason) {
        for Letter { message, receipt } in letters {
            let letter = DeadLetter::new(self.target.path(), short_name(type_name::<M>()), reason, Some(Box::new(message)));
            // The destructor of a message that nobody wanted may panic, and so may what wakes whoever waited for it: the concern of nobody
            // who could be told, and no reason to lose the others.
            let _ = guard(|| self.target.any().env().dead_letters.deliver(letter));
            let _ = unless_it_panics(|| drop(receipt));
        }
    }
}

impl<M> State<M> {
    /// Takes out those that must give way: the oldest, but none for which somebody waits, and never the newest.
    fn give_way(&mut self) -> Vec<Letter<M>> {
        let mut surplus = Vec::new();
        while self.waiting.len() > self.keep {
            let older = self.waiting.len() - 1;
            let Some(place) = self.waiting.iter().take(older).position(|letter| !letter.is_awaited()) else { break };
            surplus.extend(self.waiting.remove(place));
        }
        self.missed += surplus.len() as u64;
        surplus
    }
}

/// One round of a courier: until nothing waits, or the actor takes nothing any more.
struct Round<M: Send + 'static> {
    outbox: Arc<Outbox<M>>,
    /// The place in the line before the mailbox. Reports and messages enter by the same.
    place: Place,
}

impl<M: Send + 'static> Round<M> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.hand_over(cx) {
                Handed::Nothing => return Poll::Ready(()),
                Handed::Over(receipt) => note(receipt),
                Handed::Back(returned) => {
                    self.outbox.let_go(returned);
                    return Poll::Pending;
                }
                Handed::Refused(letter) => {
                    self.outbox.bury(letter, DeadReason::Stopped);
                    self.outbox.close();
                    return Poll::Ready(());
                }
            }
        }
    }

    /// Takes the next out and puts it into the mailbox, or back. Whoever cancels waits for that, and then nothing more comes.
    fn hand_over(&mut self, cx: &mut Context<'_>) -> Handed<M> {
        let outbox = &self.outbox;
        let _in_hand = lock(&outbox.in_hand);
        match outbox.next() {
            Next::Nothing => Handed::Nothing,
            Next::Report(to, report) => {
                let missed = report.missed;
                match to.poll_post(&mut self.place, &mut Some(report), cx) {
                    Poll::Ready(Ok(())) => Handed::Over(None),
                    Poll::Ready(Err(_)) => Handed::Refused(None),
                    Poll::Pending => {
                        // More may be missed until there is room; then the report says so.
                        lock(&outbox.state).missed += missed;
                        Handed::Back(Returned { surplus: Vec::new(), dead: None })
                    }
                }
            }
            Next::Letter(Letter { message, receipt }) => {
                let mut message = Some(message);
                let result = outbox.target.poll_post(&mut self.place, &mut message, cx);
                match (message, result) {
                    (None, _) => Handed::Over(receipt),
                    (Some(message), Poll::Pending) => Handed::Back(outbox.give_back(Letter { message, receipt })),
                    (Some(message), Poll::Ready(_)) => Handed::Refused(Some(Letter { message, receipt })),
                }
            }
        }
    }
}

/// What became of what a courier has taken out.
enum Handed<M> {
    Nothing,
    /// It is in the mailbox, as whoever waits for that is to be told.
    Over(Option<oneshot::Sender<()>>),
    /// It waits on.
    Back(Returned<M>),
    /// The actor takes nothing any more.
    Refused(Option<Letter<M>>),
}

impl<M: Send + 'static> Drop for Round<M> {
    fn drop(&mut self) {
        self.outbox.target.leave_line(std::mem::take(&mut self.place));
    }
}

/// Tells whoever waits for it that the message is in the mailbox.
fn note(receipt: Option<oneshot::Sender<()>>) {
    if let Some(receipt) = receipt {
        // Whoever waited may have gone, or be woken by something that panics.
        let _ = unless_it_panics(|| receipt.send(()));
    }
}
