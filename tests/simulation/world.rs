//! What all actors and clients of a run share: the program, the journal, who is there, and the dice.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use actors_core::test_kit::LifeLog;
use actors_core::{ActorId, ActorPath, ActorSystem, PoolRef};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::anyone::Anyone;
use crate::journal::{Entry, Note, Number, Who};
use crate::pools::Worker;
use crate::program::{Plan, Program, Slot};

/// The world of one run.
pub struct World {
    pub program: Program,
    /// Time stands still and is passed at once; on a runtime with several workers it is left out.
    pub has_time: bool,
    pub log: LifeLog,
    began: Instant,
    dice: Mutex<fastrand::Rng>,
    journal: Mutex<Vec<Entry>>,
    numbers: AtomicU64,
    made: Mutex<BTreeMap<Slot, usize>>,
    known: Mutex<BTreeMap<ActorId, Known>>,
    /// The tells that are on their way, and to whom.
    tells: Mutex<BTreeMap<Number, ActorId>>,
    /// Who waits for actors at the top to start.
    starts: Mutex<Vec<JoinHandle<()>>>,
    current: Mutex<BTreeMap<Slot, Anyone>>,
    system: Mutex<Option<ActorSystem>>,
    pool: Mutex<Option<PoolRef<Worker>>>,
    /// How many jobs the pool has begun.
    jobs: AtomicU64,
    live: Arc<AtomicI64>,
}

/// An actor that has been seen.
#[derive(Clone)]
pub struct Known {
    pub slot: Slot,
    pub path: ActorPath,
    pub anyone: Anyone,
    /// How many entries of the journal are about it: whether it has done anything.
    pub active: u64,
    /// In how many places its code is.
    pub busy: i64,
}

/// Counts a value for as long as it lives.
pub struct Token(Arc<AtomicI64>);

impl Clone for Token {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::SeqCst);
        Token(self.0.clone())
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl World {
    pub fn new(program: Program, has_time: bool, system: ActorSystem) -> Arc<World> {
        Arc::new(World {
            dice: Mutex::new(fastrand::Rng::with_seed(program.seed ^ 0x5eed)),
            program,
            has_time,
            log: system.life_log(),
            began: Instant::now(),
            journal: Mutex::default(),
            numbers: AtomicU64::new(0),
            made: Mutex::default(),
            known: Mutex::default(),
            tells: Mutex::default(),
            starts: Mutex::default(),
            current: Mutex::default(),
            system: Mutex::new(Some(system)),
            pool: Mutex::default(),
            jobs: AtomicU64::new(0),
            live: Arc::default(),
        })
    }

    pub fn plan(&self, slot: Slot) -> &Plan {
        &self.program.actors[slot]
    }

    // ===== time and chance =====

    /// Gives up its turn as often as the dice say.
    pub async fn sway(&self) {
        let turns = {
            let mut dice = locked(&self.dice);
            if dice.bool() { 0 } else { dice.u32(0..4) }
        };
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }

    /// Lets time pass, or, where there is none, a few turns.
    pub async fn pass(&self, millis: u64) {
        if self.has_time {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        } else {
            for _ in 0..millis.min(20) {
                tokio::task::yield_now().await;
            }
        }
    }

    /// A limit where there is time, and none that could be reached where there is not.
    pub fn limit(&self, millis: u64) -> Duration {
        Duration::from_millis(if self.has_time { millis } else { 600_000 })
    }

    pub fn now(&self) -> Duration {
        if self.has_time { self.began.elapsed() } else { Duration::ZERO }
    }

    // ===== the journal =====

    pub fn note(&self, note: Note) {
        let entry = Entry { at: self.now(), note };
        locked(&self.journal).push(entry);
    }

    pub fn wrong(&self, what: impl Into<String>) {
        self.note(Note::Wrong(what.into()));
    }

    pub fn take_journal(&self) -> Vec<Entry> {
        std::mem::take(&mut *locked(&self.journal))
    }

    /// A number that is nobody else's.
    pub fn number(&self) -> Number {
        self.numbers.fetch_add(1, Ordering::SeqCst)
    }

    pub fn token(&self) -> Token {
        self.live.fetch_add(1, Ordering::SeqCst);
        Token(self.live.clone())
    }

    /// How many values with a token live.
    pub fn live(&self) -> i64 {
        self.live.load(Ordering::SeqCst)
    }

    // ===== who is there =====

    /// How often an actor of this slot was made before.
    pub fn count_making(&self, slot: Slot) -> usize {
        let mut made = locked(&self.made);
        let count = made.entry(slot).or_default();
        *count += 1;
        *count - 1
    }

    /// Gets to know an actor, and waits for its end.
    pub fn meet(self: &Arc<Self>, slot: Slot, anyone: &Anyone) {
        let id = anyone.id();
        let is_new = {
            let mut known = locked(&self.known);
            let is_new = !known.contains_key(&id);
            known.entry(id).or_insert_with(|| Known { slot, path: anyone.path(), anyone: anyone.clone(), active: 0, busy: 0 });
            is_new
        };
        if !is_new {
            return;
        }
        {
            let mut current = locked(&self.current);
            let newer = current.get(&slot).is_none_or(|other| other.id() < id);
            if newer {
                current.insert(slot, anyone.clone());
            }
        }
        if !self.is_unwatched(slot) {
            tokio::spawn(wait_for_end(self.clone(), anyone.clone()));
        }
    }

    /// On several threads the log may have an end at rest before the start that another thread is about to note, so there all are watched.
    fn is_unwatched(&self, slot: Slot) -> bool {
        self.has_time && self.plan(slot).unwatched
    }

    /// Looks at the ends for which nobody has waited.
    pub fn look_at_ends(&self) {
        for (id, known) in self.known() {
            let exit = known.anyone.exit().filter(|_| self.is_unwatched(known.slot));
            if let Some(exit) = exit {
                let name_free = !self.finds(&known.anyone);
                self.note(Note::Ended { id, reason: exit.reason, name_free, secondary: exit.secondary });
            }
        }
    }

    /// Somebody waits for an actor to start.
    pub fn awaits(&self, start: JoinHandle<()>) {
        locked(&self.starts).push(start);
    }

    /// Those who wait, or have waited, for actors to start.
    pub fn take_starts(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut *locked(&self.starts))
    }

    /// Whether `anyone` is found by its name, if it has one.
    pub fn finds(&self, anyone: &Anyone) -> bool {
        let path = anyone.path().to_string();
        let is_named = path.rsplit('/').next().is_some_and(|name| !name.contains('#'));
        is_named && self.with_system(|system| anyone.holder_of(system, &path)).flatten() == Some(anyone.id())
    }

    /// Something is done by an actor, or begins or ends in it.
    pub fn acts(&self, who: Who, busy: i64) {
        if let Some(known) = locked(&self.known).get_mut(&who.id) {
            known.active += 1;
            known.busy += busy;
        }
    }

    /// A tell is on its way to somebody, or no more.
    pub fn tells(&self, number: Number, to: Option<ActorId>) {
        let mut tells = locked(&self.tells);
        match to {
            Some(to) => _ = tells.insert(number, to),
            None => _ = tells.remove(&number),
        }
    }

    /// The tells that are on their way.
    pub fn under_way(&self) -> BTreeMap<Number, ActorId> {
        locked(&self.tells).clone()
    }

    /// Of which slot an actor is.
    pub fn slot_of(&self, id: ActorId) -> Option<Slot> {
        locked(&self.known).get(&id).map(|known| known.slot)
    }

    pub fn known(&self) -> BTreeMap<ActorId, Known> {
        locked(&self.known).clone()
    }

    /// The last actor that was made of a slot.
    pub fn who(&self, slot: Slot) -> Option<Anyone> {
        locked(&self.current).get(&slot).cloned()
    }

    /// Forgets all references.
    pub fn forget(&self) {
        let known = std::mem::take(&mut *locked(&self.known));
        let current = std::mem::take(&mut *locked(&self.current));
        let pool = locked(&self.pool).take();
        drop((known, current, pool));
    }

    // ===== the pool =====

    pub fn have_pool(&self, pool: PoolRef<Worker>) {
        *locked(&self.pool) = Some(pool);
    }

    pub fn pool(&self) -> Option<PoolRef<Worker>> {
        locked(&self.pool).clone()
    }

    /// A job was begun.
    pub fn works(&self) {
        self.jobs.fetch_add(1, Ordering::SeqCst);
    }

    pub fn jobs(&self) -> u64 {
        self.jobs.load(Ordering::SeqCst)
    }

    // ===== the system =====

    pub fn with_system<R>(&self, work: impl FnOnce(&ActorSystem) -> R) -> Option<R> {
        let system = locked(&self.system).clone();
        system.as_ref().map(work)
    }

    /// Lets go of the system, which is its end if nobody else has it.
    pub fn take_system(&self) -> Option<ActorSystem> {
        locked(&self.system).take()
    }
}

pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for the end of an actor, and notes it.
async fn wait_for_end(world: Arc<World>, anyone: Anyone) {
    let mut stopped = anyone.stopped();
    let reason = poll_fn(|cx| {
        let alarm = Alarm { world: world.clone(), anyone: anyone.clone(), task: cx.waker().clone() };
        Pin::new(&mut stopped).poll(&mut Context::from_waker(&Waker::from(Arc::new(alarm))))
    })
    .await;
    let secondary = anyone.exit().map_or_else(Vec::new, |exit| exit.secondary);
    world.note(Note::Ended { id: anyone.id(), reason, name_free: !world.finds(&anyone), secondary });
}

/// Wakes whoever waits for the end of an actor, and looks around at that very moment.
struct Alarm {
    world: Arc<World>,
    anyone: Anyone,
    task: Waker,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        let ended = self.anyone.exit().is_some();
        if ended && self.world.finds(&self.anyone) {
            self.world.wrong(format!("S6.1: {} was found by its name when its end was told", self.anyone.path()));
        }
        self.task.wake_by_ref();
    }
}
