//! Messages from actor to actor: around a ring, and from each to all others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::oneshot;

use super::{Values, each};
use crate::measure::{Live, Took, start_clock, stop_clock};
use crate::system::{Behaviour, System};

/// Lets go of the others, whose references would keep them alive.
const LET_GO: u64 = u64::MAX;

/// What all actors of one workload know.
struct Shared<S: System, B: Behaviour> {
    actors: OnceLock<Vec<S::Ref<B>>>,
    /// How many have to finish until the whole is done.
    unfinished: AtomicU64,
    done: Mutex<Option<oneshot::Sender<()>>>,
}

impl<S: System, B: Behaviour> Shared<S, B> {
    fn new(unfinished: u64) -> (Arc<Self>, oneshot::Receiver<()>) {
        let (done, all_done) = oneshot::channel();
        let unfinished = AtomicU64::new(unfinished);
        (Arc::new(Shared { actors: OnceLock::new(), unfinished, done: Mutex::new(Some(done)) }), all_done)
    }

    fn tell(&self, actor: u64, n: u64) {
        let actors = self.actors.get().expect("set before the first message");
        S::try_tell(&actors[actor as usize], n);
    }

    fn finish_one(&self) {
        if self.unfinished.fetch_sub(1, Ordering::AcqRel) == 1 {
            let done = self.done.lock().expect("nobody panics with it").take().expect("taken once");
            done.send(()).expect("it is waited for");
        }
    }
}

/// Spawns the actors, times them from the `first` messages until all have finished, and stops them. Returns the sum of what they answer, too.
async fn run<S, B>(
    system: &S,
    (shared, done): (Arc<Shared<S, B>>, oneshot::Receiver<()>),
    actors: Vec<B>,
    first: &[(u64, u64)],
) -> (Took, u64)
where
    S: System,
    B: Behaviour,
{
    let mut handles = Vec::with_capacity(actors.len());
    for actor in actors {
        handles.push(system.spawn(actor).await);
    }
    let references: Vec<_> = handles.iter().map(|handle| S::reference(handle).clone()).collect();
    assert!(shared.actors.set(references).is_ok(), "set once");
    for handle in &handles {
        assert_eq!(S::ask(S::reference(handle), 0).await, 0, "nothing has been handled yet");
    }

    let start = start_clock();
    for &(actor, message) in first {
        shared.tell(actor, message);
    }
    done.await.expect("told when all have finished");
    let took = stop_clock(start);

    drop(shared);
    let mut sum = 0;
    for handle in &handles {
        sum += S::ask(S::reference(handle), 0).await;
        S::try_tell(S::reference(handle), LET_GO);
    }
    system.stop_all(handles).await;
    (took, sum)
}

// ===== ring =====

/// Hands on to the next what it is told, less one.
struct Station<S: System> {
    shared: Option<Arc<Shared<S, Station<S>>>>,
    next: u64,
    handled: u64,
    _live: Live,
}

impl<S: System> Behaviour for Station<S> {
    fn tell(&mut self, n: u64) {
        if n == LET_GO {
            self.shared = None;
            return;
        }
        self.handled += 1;
        let shared = self.shared.as_ref().expect("held until the end");
        match n {
            1 => shared.finish_one(),
            n => shared.tell(self.next, n - 1),
        }
    }

    fn ask(&mut self, _n: u64) -> u64 {
        self.handled
    }
}

/// One message goes around a ring until it has been handled `n` times.
pub async fn ring<S: System>(system: &S, actors: u64, n: u64) -> Values {
    let (shared, done) = Shared::new(1);
    let station = |at| Station { shared: Some(Arc::clone(&shared)), next: (at + 1) % actors, handled: 0, _live: Live::new() };
    let stations = (0..actors).map(station).collect();

    let (took, handled) = run(system, (shared, done), stations, &[(0, n)]).await;

    assert_eq!(handled, n, "hops in all");
    each(took, n)
}

// ===== big =====

/// Sends the next ping; also the answer to one. A ping itself is the number of its sender.
const PONG: u64 = u64::MAX - 1;

/// Pings all others in turn, each when the one before has answered.
struct Player<S: System> {
    shared: Option<Arc<Shared<S, Player<S>>>>,
    me: u64,
    actors: u64,
    target: u64,
    pings_left: u64,
    answered: u64,
    _live: Live,
}

impl<S: System> Behaviour for Player<S> {
    fn tell(&mut self, n: u64) {
        if n == LET_GO {
            self.shared = None;
            return;
        }
        let shared = self.shared.as_ref().expect("held until the end");
        if n != PONG {
            self.answered += 1;
            shared.tell(n, PONG);
        } else if self.pings_left == 0 {
            shared.finish_one();
        } else {
            self.pings_left -= 1;
            self.target = next_but_me(self.target, self.me, self.actors);
            shared.tell(self.target, self.me);
        }
    }

    fn ask(&mut self, _n: u64) -> u64 {
        self.answered
    }
}

fn next_but_me(target: u64, me: u64, actors: u64) -> u64 {
    let next = (target + 1) % actors;
    if next == me { (next + 1) % actors } else { next }
}

/// Every actor pings all others in turn, until there have been `n` messages in all: half of them pings.
pub async fn big<S: System>(system: &S, actors: u64, n: u64) -> Values {
    let pings_left = n / 2 / actors;
    let (shared, done) = Shared::new(actors);
    let player = |me| Player { shared: Some(Arc::clone(&shared)), me, actors, target: me, pings_left, answered: 0, _live: Live::new() };
    let players = (0..actors).map(player).collect();
    let first: Vec<_> = (0..actors).map(|actor| (actor, PONG)).collect();

    let (took, answered) = run(system, (shared, done), players, &first).await;

    assert_eq!(answered, actors * pings_left, "pings in all");
    each(took, 2 * answered)
}
