//! On a runtime of several threads: a task that takes the turns of those at seats whom turns have woken.
//!
//! It is woken in the place of theirs, so it stands wherever theirs would stand: first on the thread that has woken it, and for all others to
//! take once another task is woken there, or the thread is given up by a turn that blocks. It takes the turn, and then, one after the
//! other, the turns of whom that wakes. Behind it another relay stands all the while, and has in hand who comes next: it is woken once for all of these.
//!
//! Invariants:
//!
//! 1. A relay has somebody in hand only from when it was called until it begins; whoever is in hand when it does has his turn taken then, unless it
//!    was taken by the relay before.
//! 2. Only the thread that has called a relay puts anybody in its hand: each thread has two of its own.
//! 3. Nobody is put there in a turn that has woken a task before: that may stand in front of the relay, where only this thread looks.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use super::row::{self, System};
use super::seat::Seat;
use crate::lifecycle::env::{CountedTask, Env};
use crate::mailbox::fill;
use crate::sync::{Mutex, lock};

/// What the relays of a system go with: those who sit at its seats.
pub(super) struct Crew {
    env: Arc<Env>,
    relays: Mutex<Vec<Weak<Relay>>>,
}

/// What the seats of a system share, as long as there are any.
#[derive(Default)]
struct Known(Mutex<Weak<Crew>>);

impl Crew {
    pub(super) fn of(env: &Arc<Env>) -> Arc<Crew> {
        let known = env.slots.get::<Known>();
        let mut known = lock(&known.0);
        known.upgrade().unwrap_or_else(|| {
            let crew = Arc::new(Crew { env: env.clone(), relays: Mutex::default() });
            *known = Arc::downgrade(&crew);
            crew
        })
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.relays.get_mut().drain(..).filter_map(|relay| relay.upgrade()).for_each(|relay| relay.close());
    }
}

struct Relay {
    system: System,
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    /// Whose turn it takes when it begins.
    in_hand: Option<Arc<Seat>>,
    /// It goes when it has nothing to do.
    closed: bool,
}

enum State {
    Asleep(Waker),
    /// It was called, and has not begun.
    Called,
    AtWork,
}

impl Relay {
    /// Hands somebody over to it, if it was called, and has nobody yet.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn put_in_hand(&self, seat: Arc<Seat>) -> Result<(), Arc<Seat>> {
        let mut inner = lock(&self.inner);
        let (State::Called, None, false) = (&inner.state, &inner.in_hand, inner.closed) else { return Err(seat) };
        fill(&mut inner.in_hand, seat);
        Ok(())
    }

    fn close(&self) {
        let waker = {
            let mut inner = lock(&self.inner);
            inner.closed = true;
            match std::mem::replace(&mut inner.state, State::Called) {
                State::Asleep(waker) => Some(waker),
                state => {
                    inner.state = state;
                    None
                }
            }
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

/// The task of a relay.
struct Task {
    relay: Arc<Relay>,
    _counted: CountedTask,
}

impl Future for Task {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let in_hand = {
            let mut inner = lock(&self.relay.inner);
            inner.state = State::AtWork;
            inner.in_hand.take()
        };
        if let Some(seat) = in_hand {
            row::relay(seat);
        }
        let mut inner = lock(&self.relay.inner);
        if inner.closed {
            return Poll::Ready(());
        }
        inner.state = State::Asleep(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        // If somebody is in hand, the runtime goes, and his task with it.
        let _left = {
            let mut inner = lock(&self.relay.inner);
            inner.closed = true;
            (inner.in_hand.take(), std::mem::replace(&mut inner.state, State::AtWork))
        };
    }
}

/// The relays of one thread, for one system.
struct Post {
    system: System,
    relays: [Option<Arc<Relay>>; 2],
    /// Which of them was called last.
    last: usize,
}

impl Drop for Post {
    fn drop(&mut self) {
        self.relays.iter().flatten().for_each(|relay| relay.close());
    }
}

thread_local! {
    static POSTS: RefCell<Vec<Post>> = const { RefCell::new(Vec::new()) };
    /// The relay to which somebody was handed over last.
    static LAST: Cell<Option<Arc<Relay>>> = const { Cell::new(None) };
}

/// What has come of it that somebody was to be handed over.
enum Offered {
    Taken,
    Call(Waker),
    Spawn(Arc<Relay>),
}

impl Post {
    fn offer(&mut self, seat: Arc<Seat>) -> Result<Offered, Arc<Seat>> {
        for place in [self.last, 1 - self.last] {
            let Some(relay) = &self.relays[place] else {
                let inner = Inner { state: State::Called, in_hand: Some(seat), closed: false };
                let relay = Arc::new(Relay { system: self.system, inner: Mutex::new(inner) });
                self.relays[place] = Some(relay.clone());
                self.last = place;
                return Ok(Offered::Spawn(relay));
            };
            let mut inner = lock(&relay.inner);
            let offered = match &inner.state {
                State::Called if inner.in_hand.is_none() && !inner.closed => Offered::Taken,
                State::Asleep(_) => match std::mem::replace(&mut inner.state, State::Called) {
                    State::Asleep(waker) => Offered::Call(waker),
                    _ => unreachable!("just seen"),
                },
                _ => continue,
            };
            inner.in_hand = Some(seat);
            self.last = place;
            return Ok(offered);
        }
        Err(seat)
    }

    fn is_closed(&self) -> bool {
        self.relays.iter().flatten().any(|relay| lock(&relay.inner).closed)
    }
}

/// Has a relay of this thread take the turn of somebody who was woken here, if one stands by.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn hand_over(seat: Arc<Seat>) -> Result<(), Arc<Seat>> {
    let last = LAST.try_with(Cell::take).ok().flatten();
    let Some(last) = last else { return call_relay(seat) };
    let handed_over = if last.system == seat.system() { last.put_in_hand(seat) } else { Err(seat) };
    match handed_over {
        Ok(()) => {
            let _ = LAST.try_with(|place| place.set(Some(last)));
            Ok(())
        }
        Err(seat) => call_relay(seat),
    }
}

/// Calls a relay, or makes one.
#[cold]
fn call_relay(seat: Arc<Seat>) -> Result<(), Arc<Seat>> {
    let system = seat.system();
    let mut refused = Some(seat);
    let offered = POSTS.try_with(|posts| {
        let mut posts = posts.try_borrow_mut().ok()?;
        let place = posts.iter().position(|post| post.system == system && !post.is_closed()).unwrap_or_else(|| {
            posts.retain(|post| !post.is_closed());
            posts.push(Post { system, relays: [None, None], last: 0 });
            posts.len() - 1
        });
        match posts[place].offer(refused.take()?) {
            Ok(offered) => {
                let last = posts[place].relays[posts[place].last].clone();
                LAST.set(last);
                Some(offered)
            }
            Err(seat) => {
                refused = Some(seat);
                None
            }
        }
    });
    match (offered, refused) {
        (_, Some(seat)) => return Err(seat),
        (Ok(Some(Offered::Call(waker))), _) => waker.wake(),
        (Ok(Some(Offered::Spawn(relay))), _) => spawn(relay),
        _ => {}
    }
    Ok(())
}

fn spawn(relay: Arc<Relay>) {
    let crew = match &lock(&relay.inner).in_hand {
        Some(seat) => seat.crew(),
        None => return,
    };
    let Some(crew) = crew else { return };
    {
        let mut relays = lock(&crew.relays);
        // Threads come and go.
        relays.retain(|relay| relay.strong_count() > 0);
        relays.push(Arc::downgrade(&relay));
    }
    let counted = crew.env.count_task();
    crew.env.runtime.spawn(Task { relay, _counted: counted });
}

/// Takes the one out who was handed over in the turn that is over, unless a relay has begun with it.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn take_back() -> Option<Arc<Seat>> {
    let last = LAST.take()?;
    let seat = {
        let mut inner = lock(&last.inner);
        if let State::Called = inner.state { inner.in_hand.take() } else { None }
    };
    let _ = LAST.try_with(|place| place.set(Some(last)));
    seat
}
