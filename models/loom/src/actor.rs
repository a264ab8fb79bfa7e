//! An actor without a type, a tree or a runtime: its mailbox and its word of signals are the real ones, and what its cell, its loop and
//! those who stop it do with them is done here in the order of `address/cell.rs`, `runtime/{task, serve, rest, teardown}.rs` and
//! `lifecycle/{request, conclude, linger}.rs`.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::unseen;

use loom::thread::{self, JoinHandle};

use crate::kit::{Bell, Notes, block_on, block_on_with, poll_alone, rest};
use crate::lifecycle::signal::Signals;
use crate::mailbox::{Admission, Batch, Capacity, Closed, Mailbox, Overflow, Ticket, Wakeup};
use crate::sync::{Mutex, lock};

/// Asks for room, as a sender does.
pub(crate) fn enter(mailbox: &Mailbox<u32>) -> Admission<'_, u32> {
    match mailbox.enter_at_once() {
        Ok(room) => Admission::Room(room),
        Err(door) => door.enter(),
    }
}

pub(crate) struct Actor {
    pub(crate) mailbox: Mailbox<u32>,
    pub(crate) signals: Signals,
    /// The state, while no task holds it.
    state: Mutex<Option<State>>,
    ties: Mutex<Ties>,
    tasks: unseen::Mutex<Vec<JoinHandle<()>>>,
    /// The messages that were handled, in order.
    pub(crate) handled: Notes<u32>,
    /// The messages that were accepted and not handled.
    pub(crate) buried: Notes<u32>,
    /// The events that were attended to.
    pub(crate) heard: Notes<()>,
    /// Rung when something was handled or heard.
    progress: Arc<Bell>,
    /// How often the end was made known.
    pub(crate) ends: Notes<()>,
}

/// What the actor keeps: here, only that there is one of it.
struct State;

/// Stands in for the ties.
#[derive(Default)]
struct Ties {
    /// There are any.
    held: bool,
    /// Somebody makes the end known.
    claimed: bool,
    /// How many events wait.
    events: u32,
}

impl Actor {
    pub(crate) fn new(capacity: Capacity, overflow: Overflow) -> Arc<Actor> {
        Arc::new(Actor {
            mailbox: Mailbox::new(capacity, overflow),
            signals: Signals::new(Signals::STARTED),
            state: Mutex::new(Some(State)),
            ties: Mutex::new(Ties::default()),
            tasks: unseen::Mutex::default(),
            handled: Notes::default(),
            buried: Notes::default(),
            heard: Notes::default(),
            progress: Bell::new(),
            ends: Notes::default(),
        })
    }

    /// `Cell::post`.
    pub(crate) fn tell(self: &Arc<Self>, message: u32) -> Result<(), Closed> {
        match enter(&self.mailbox) {
            Admission::Room(room) => {
                self.arouse(room.put_made(message).wakeup);
                Ok(())
            }
            Admission::Closed(closed) => Err(closed),
            Admission::Full(full) => {
                let (pushed, oldest) = full.displace(message);
                self.arouse(pushed.wakeup);
                oldest.into_iter().for_each(|oldest| self.buried.add(oldest));
                Ok(())
            }
        }
    }

    /// `Cell::post`, in the lane of control messages.
    pub(crate) fn overtake(self: &Arc<Self>, message: u32) -> Result<(), Closed> {
        let pushed = self.mailbox.overtake()?.put(message, &self.signals.bits(Signals::CONTROL));
        self.arouse(pushed.wakeup);
        Ok(())
    }

    /// `Cell::poll_post`.
    pub(crate) fn poll_tell(self: &Arc<Self>, ticket: &mut Option<Ticket>, message: u32, waker: &Waker) -> Poll<Result<(), Closed>> {
        let admission = match *ticket {
            Some(place) => match self.mailbox.enter_with(place, waker) {
                Poll::Ready(admission) => {
                    *ticket = None;
                    admission
                }
                Poll::Pending => return Poll::Pending,
            },
            None => enter(&self.mailbox),
        };
        match admission {
            Admission::Room(room) => {
                self.arouse(room.put_made(message).wakeup);
                Poll::Ready(Ok(()))
            }
            Admission::Closed(closed) => Poll::Ready(Err(closed)),
            Admission::Full(full) => {
                *ticket = Some(full.wait(waker));
                Poll::Pending
            }
        }
    }

    /// A sender that waits for room.
    pub(crate) fn tell_patiently(self: &Arc<Self>, message: u32) -> Result<(), Closed> {
        let mut ticket = None;
        block_on(poll_fn(|cx| self.poll_tell(&mut ticket, message, cx.waker())))
    }

    /// `request::stop` of an actor that has no ties: at rest it ends where it is asked to.
    pub(crate) fn stop(self: &Arc<Self>, signals: u32) {
        if self.end_at_rest() {
            return;
        }
        {
            let mut ties = lock(&self.ties);
            ties.held = true;
            if ties.claimed {
                return;
            }
            self.signals.set(signals | Signals::STOP | Signals::FINAL);
        }
        self.mailbox.close(Closed::Stopping);
        self.call();
    }

    /// `request::deliver`: one event.
    pub(crate) fn deliver(self: &Arc<Self>) -> bool {
        {
            let mut ties = lock(&self.ties);
            ties.held = true;
            if ties.claimed {
                return false;
            }
            ties.events += 1;
            self.signals.set(Signals::EVENTS);
        }
        self.call();
        true
    }

    /// `linger::look`, when nothing has come since the last look.
    pub(crate) fn send_to_rest(self: &Arc<Self>) {
        if self.mailbox.sleeps_after().is_some() {
            self.signals.set(Signals::REST);
            self.call();
        }
    }

    /// `runtime::rest::end_at_rest`.
    fn end_at_rest(self: &Arc<Self>) -> bool {
        const QUIET: u32 = Signals::STARTED | Signals::LISTED;
        if self.signals.get() & !QUIET != 0 {
            return false;
        }
        {
            let ties = lock(&self.ties);
            if ties.held || ties.claimed || !self.mailbox.close_at_rest(Closed::Stopping, false) {
                return false;
            }
            self.signals.set(Signals::STOP | Signals::FINAL);
        }
        let state = lock(&self.state).take();
        assert!(state.is_some(), "one at rest has its state in the cell");
        self.mailbox.close(Closed::Stopped);
        let claimed = std::mem::replace(&mut lock(&self.ties).claimed, true);
        assert!(!claimed, "nobody else ends one at rest");
        self.signals.set(Signals::ENDED);
        self.ends.add(());
        true
    }

    /// `Cell::call`.
    pub(crate) fn call(self: &Arc<Self>) {
        self.arouse(self.mailbox.call());
    }

    fn arouse(self: &Arc<Self>, wakeup: Wakeup) {
        match wakeup {
            Wakeup::Nothing => {}
            Wakeup::Wake(waker) => waker.wake(),
            Wakeup::Start => self.start(),
        }
    }

    /// `runtime::task::start`.
    fn start(self: &Arc<Self>) {
        let Some(state) = lock(&self.state).take() else { return };
        let actor = self.clone();
        let task = thread::spawn(move || actor.live(state));
        self.tasks.lock().expect("nothing panics here").push(task);
    }

    /// Begins with a task.
    pub(crate) fn begin(self: &Arc<Self>) {
        self.call();
    }

    /// Begins with a receiver that the model itself plays, so that nothing starts another.
    pub(crate) fn begin_here(&self) {
        let wakeup = self.mailbox.call();
        assert!(matches!(wakeup, Wakeup::Start), "there was none");
    }

    /// Waits for all tasks there were.
    pub(crate) fn join(&self) {
        loop {
            let task = self.tasks.lock().expect("nothing panics here").pop();
            let Some(task) = task else { return };
            task.join().expect("the task goes well");
        }
    }

    fn live(self: Arc<Self>, state: State) {
        let mut state = Some(state);
        let mut batch = Batch::new();
        let bell = Bell::new();
        loop {
            let signals = self.signals.get();
            if signals & (Signals::STOP | Signals::KILL) != 0 {
                break;
            }
            if signals & Signals::REST != 0 && self.lie_down(&mut state, &batch) {
                return;
            }
            if signals & Signals::EVENTS != 0 {
                let events = {
                    let mut ties = lock(&self.ties);
                    self.signals.clear(Signals::EVENTS);
                    std::mem::take(&mut ties.events)
                };
                (0..events).for_each(|_| self.hear());
                continue;
            }
            if signals & Signals::CONTROL != 0 {
                if let Some(message) = self.mailbox.take_overtaking(&self.signals.bits(Signals::CONTROL)) {
                    self.handle(message);
                }
                continue;
            }
            if let Some(message) = self.mailbox.take(&mut batch) {
                self.handle(message);
                continue;
            }
            // Each message in one of the two ways in turn.
            let at_once = self.handled.all().len() % 2 == 0;
            let urgent = self.signals.bits(Signals::URGENT);
            let mut alone = None;
            let look = poll_fn(|cx| match at_once {
                true => poll_alone(&self.mailbox, &mut batch, cx, &urgent, &mut alone),
                false => self.mailbox.poll_refill(&mut batch, cx, &urgent).map(|_| ()),
            });
            block_on_with(&bell, look);
            if let Some(message) = alone {
                self.handle(message);
            }
        }
        assert!(state.take().is_some(), "the task that ends has the state");
        self.end(batch);
    }

    fn handle(&self, message: u32) {
        self.handled.add(message);
        self.progress.wake_by_ref();
    }

    fn hear(&self) {
        self.heard.add(());
        self.progress.wake_by_ref();
    }

    /// Waits until so many messages have been handled and so many events heard. If that needs a push, it is a deadlock.
    pub(crate) fn wait_for(&self, handled: usize, heard: usize) {
        while self.handled.all().len() < handled || self.heard.all().len() < heard {
            self.progress.wait();
        }
    }

    /// `Life::lie_down`.
    fn lie_down(&self, state: &mut Option<State>, batch: &Batch<u32>) -> bool {
        self.signals.clear(Signals::REST);
        let Some(mine) = state.take() else { return false };
        let old = lock(&self.state).replace(mine);
        assert!(old.is_none(), "no two states");
        if batch.is_empty() && self.mailbox.vacate_at_rest(&self.signals.bits(Signals::URGENT)) {
            return true;
        }
        *state = lock(&self.state).take();
        assert!(state.is_some(), "nobody took it up");
        false
    }

    /// `Life::end`: the drain, the dead letters, the publication.
    fn end(&self, mut batch: Batch<u32>) {
        batch.stays_awake();
        self.mailbox.close(Closed::Stopping);
        if self.signals.any(Signals::DRAIN) {
            self.drain(&mut batch);
        }
        for message in rest(&self.mailbox, &mut batch) {
            self.buried.add(message);
        }
        let claim = !std::mem::replace(&mut lock(&self.ties).claimed, true);
        assert!(claim, "the end is claimed once");
        self.mailbox.close(Closed::Stopped);
        self.signals.set(Signals::ENDED);
        self.ends.add(());
    }

    /// `Life::drain`.
    fn drain(&self, batch: &mut Batch<u32>) {
        let marks = [self.mailbox.pushed(), self.mailbox.last_overtaking()];
        while !marks.iter().all(|mark| self.mailbox.has_taken(*mark)) {
            let control =
                if self.signals.any(Signals::CONTROL) { self.mailbox.take_overtaking(&self.signals.bits(Signals::CONTROL)) } else { None };
            if let Some(message) = control.or_else(|| self.mailbox.take(batch)) {
                self.handle(message);
                continue;
            }
            if !self.mailbox.refill(batch) {
                return;
            }
        }
    }
}
