//! What is on its way to one actor, in order, also while its mailbox is full.
//!
//! While there is room, what comes goes straight into the mailbox. A full mailbox makes it wait here, and a *courier* waits
//! for the room: a task that lives no longer than something waits. What must give way meanwhile is a dead letter, counted,
//! and reported before what comes after.

use std::any::type_name;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::address::{Place, Recipient, Refusal};
use crate::lifecycle::dead_letter::{DeadLetter, DeadReason};
use crate::lifecycle::panic::guard;
use crate::lifecycle::path::short_name;
use crate::sync::lock;

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
}

struct State<M> {
    waiting: VecDeque<Letter<M>>,
    /// Somebody delivers what waits. Nobody else does, and nothing goes past it.
    delivering: bool,
    /// The actor has ended, or wants nothing any more.
    closed: bool,
    /// How many may wait; the newest always does.
    keep: usize,
    /// Who is told what was missed.
    reports: Option<Reports>,
    missed: u64,
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
        let state = State { waiting: VecDeque::new(), delivering: false, closed: false, keep, reports, missed: 0 };
        Arc::new(Outbox { target, state: Mutex::new(state) })
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
            !state.delivering && !state.closed
        };
        if straight {
            match self.target.post(&mut message) {
                Ok(()) => return Offer::Taken,
                Err(Refusal::Full) => {}
                Err(_) => return Offer::Refused,
            }
        }
        let mut letter = message.map(|message| Letter { message, receipt });
        let (surplus, start) = {
            let mut state = lock(&self.state);
            if state.closed {
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
        if !state.closed {
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
        if !state.closed {
            state.waiting.push_back(Letter { message, receipt: None });
        }
        old
    }

    /// Delivers what waits, as far as there is room, unless somebody else does.
    pub(super) fn flush(self: &Arc<Self>) {
        {
            let mut state = lock(&self.state);
            if state.waiting.is_empty() || std::mem::replace(&mut state.delivering, true) {
                return;
            }
        }
        loop {
            match self.next() {
                Next::Nothing => return,
                Next::Letter(letter) => match self.post(letter) {
                    Ok(()) => {}
                    Err((Refusal::Full, letter)) => {
                        self.give_back(letter);
                        return self.send_courier();
                    }
                    Err((_, letter)) => {
                        self.bury([letter], DeadReason::Stopped);
                        return self.close();
                    }
                },
                Next::Report(_, report) => {
                    lock(&self.state).missed += report.missed;
                    return self.send_courier();
                }
            }
        }
    }

    fn post(&self, letter: Letter<M>) -> Result<(), (Refusal, Letter<M>)> {
        let Letter { message, receipt } = letter;
        let mut message = Some(message);
        match self.target.post(&mut message) {
            Ok(()) => {
                note(receipt);
                Ok(())
            }
            Err(refusal) => Err((refusal, Letter { message: message.expect("a refused message is still here"), receipt })),
        }
    }

    /// Makes dead letters of what waits, since the actor takes nothing any more.
    pub(super) fn close(&self) {
        let rest = {
            let mut state = lock(&self.state);
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        self.bury(rest, DeadReason::Stopped);
    }

    /// Drops what waits, since the actor does not want it.
    pub(super) fn cancel(&self) {
        let rest = {
            let mut state = lock(&self.state);
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        drop(rest);
    }

    fn send_courier(self: &Arc<Self>) {
        let mut round = Round { outbox: self.clone(), place: Place::default() };
        let runtime = self.target.any().env().runtime.clone();
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
    fn give_back(&self, letter: Letter<M>) {
        let surplus = {
            let mut state = lock(&self.state);
            if state.closed {
                drop(state);
                return self.bury([letter], DeadReason::Stopped);
            }
            state.waiting.push_front(letter);
            state.give_way()
        };
        self.bury(surplus, DeadReason::Lagged);
    }

    fn bury(&self, letters: impl IntoIterator<Item = Letter<M>>, reason: DeadReason) {
        for Letter { message, receipt } in letters {
            drop(receipt);
            let letter = DeadLetter::new(self.target.path(), short_name(type_name::<M>()), reason, Some(Box::new(message)));
            if let Err(reason) = guard(|| self.target.any().env().dead_letters.deliver(letter)) {
                // The destructor of a message that nobody wanted panicked: the concern of nobody who could be told.
                drop(reason);
            }
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
        let outbox = &self.outbox;
        loop {
            let refused = match outbox.next() {
                Next::Nothing => return Poll::Ready(()),
                Next::Report(to, report) => {
                    let missed = report.missed;
                    match to.poll_post(&mut self.place, &mut Some(report), cx) {
                        Poll::Ready(result) => result.is_err(),
                        Poll::Pending => {
                            // More may be missed until there is room; then the report says so.
                            lock(&outbox.state).missed += missed;
                            return Poll::Pending;
                        }
                    }
                }
                Next::Letter(Letter { message, receipt }) => {
                    let mut message = Some(message);
                    let result = outbox.target.poll_post(&mut self.place, &mut message, cx);
                    match (message, result) {
                        (None, _) => {
                            note(receipt);
                            false
                        }
                        (Some(message), Poll::Pending) => {
                            outbox.give_back(Letter { message, receipt });
                            return Poll::Pending;
                        }
                        (Some(message), Poll::Ready(_)) => {
                            outbox.bury([Letter { message, receipt }], DeadReason::Stopped);
                            true
                        }
                    }
                }
            };
            if refused {
                outbox.close();
                return Poll::Ready(());
            }
        }
    }
}

impl<M: Send + 'static> Drop for Round<M> {
    fn drop(&mut self) {
        self.outbox.target.leave_line(std::mem::take(&mut self.place));
    }
}

/// Tells whoever waits for it that the message is in the mailbox.
fn note(receipt: Option<oneshot::Sender<()>>) {
    if let Some(receipt) = receipt {
        // Whoever waited may have gone.
        let _ = receipt.send(());
    }
}
