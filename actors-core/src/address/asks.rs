//! Many asks at once: awaited together, each with its label, in the order of their answers.

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::lifecycle::exit::BoxError;
use crate::sync::{Mutex, lock, wake};
use crate::time::after;

/// A set of asks that are awaited together, each with a label of the caller's.
///
/// What comes of it can be taken one by one, as the answers come ([`next`](Self::next)), all at once, in the order of
/// adding ([`join`](Self::join)), or up to the first success ([`first`](Self::first)). Nothing is asked before one of them
/// is awaited. Dropping the set gives up what is outstanding, as dropping each [`Ask`](crate::Ask) does. Nothing is
/// spawned: in a handler, each ask counts as awaited by the actor, with the time that it inherits and the cycles it could
/// close (S4.6, S4.7).
///
/// Asks to actors of different types may stand in one set if their replies are of one type; [`add_any`](Self::add_any)
/// takes any error.
///
/// ```
/// use std::time::Duration;
/// use actors_core::{messages, Actor, ActorSystem, Asks};
///
/// #[derive(Actor)] struct Shop { price: u32 }
/// #[messages] impl Shop { #[message] fn price(&self) -> u32 { self.price } }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let system = ActorSystem::new("prices");
/// let shops = [("corner", 12), ("market", 9), ("mall", 14)].map(|(name, price)| (name, system.spawn(Shop { price })));
///
/// let mut asks = Asks::new().within(Duration::from_secs(1));
/// for (name, shop) in &shops {
///     asks.add(*name, shop.ask(Price));
/// }
/// let mut cheapest = None;
/// while let Some((name, price)) = asks.next().await {
///     let Ok(price) = price else { continue };                 // this shop does not answer: the others do
///     if cheapest.is_none_or(|(_, best)| price < best) { cheapest = Some((name, price)) }
/// }
/// assert_eq!(cheapest, Some(("market", 9)));
/// # system.shutdown().await; }
/// ```
#[must_use = "nothing is asked until this is awaited"]
pub struct Asks<'a, L, R, E> {
    open: BTreeMap<u64, Open<'a, L, R, E>>,
    /// Those that have not been begun, in the order of adding.
    waiting: VecDeque<u64>,
    ready: Arc<Ready>,
    begun: usize,
    at_most: usize,
    next: u64,
    limit: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
    expired: bool,
}

type Answer<'a, R, E> = Pin<Box<dyn Future<Output = Result<R, E>> + Send + 'a>>;

/// What has come out: its place among all, its label, its result.
type Came<L, R, E> = (u64, L, Result<R, AsksError<E>>);

struct Open<'a, L, R, E> {
    label: L,
    answer: Answer<'a, R, E>,
    /// Made when it is begun.
    call: Option<Arc<Call>>,
}

/// Why one of several asks has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AsksError<E> {
    /// It ended with this error.
    Failed(E),
    /// The limit of the set passed first.
    TimedOut {
        /// How long the set was ready to wait.
        limit: Duration,
    },
}

impl<'a, L, R, E> Asks<'a, L, R, E> {
    /// Creates an empty set, without a limit.
    pub fn new() -> Self {
        Asks {
            open: BTreeMap::new(),
            waiting: VecDeque::new(),
            ready: Arc::default(),
            begun: 0,
            at_most: usize::MAX,
            next: 0,
            limit: None,
            sleep: None,
            expired: false,
        }
    }

    /// Waits at most this long for all of them, counted from the moment at which the set is first awaited.
    ///
    /// Each that is outstanding then comes out as [`TimedOut`](AsksError::TimedOut). An ask's own limit, by
    /// [`Ask::within`](crate::Ask::within), tells more precisely what it waited for.
    ///
    /// # Panics
    /// The set panics when it is awaited outside of a tokio runtime, since it knows none: what is added may be any future.
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Lets at most `count` be on their way at once; the others wait for their turn, in the order of adding. Zero counts
    /// as one.
    pub fn at_most(mut self, count: usize) -> Self {
        self.at_most = count.max(1);
        self
    }

    /// Adds an ask, or any other future with a result.
    pub fn add<F>(&mut self, label: L, ask: F)
    where
        F: Future<Output = Result<R, E>> + Send + 'a,
    {
        self.insert(label, Box::pin(ask));
    }

    fn insert(&mut self, label: L, answer: Answer<'a, R, E>) {
        let key = self.next;
        self.next += 1;
        self.open.insert(key, Open { label, answer, call: None });
        self.waiting.push_back(key);
    }

    /// Returns how many have not come out yet.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Tells whether all have come out.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Waits for the next answer, or error; `None` once all have come out. More can be added meanwhile.
    ///
    /// # Cancel safety
    /// A dropped future has taken nothing.
    pub async fn next(&mut self) -> Option<(L, Result<R, AsksError<E>>)> {
        let (_, label, result) = poll_fn(|cx| self.poll_next(cx)).await?;
        Some((label, result))
    }

    /// Waits for all, and returns what came of each, in the order of adding.
    ///
    /// # Cancel safety
    /// A dropped future gives up what is outstanding, and loses what has come.
    pub async fn join(mut self) -> Vec<(L, Result<R, AsksError<E>>)> {
        let mut all = BTreeMap::new();
        while let Some((key, label, result)) = poll_fn(|cx| self.poll_next(cx)).await {
            all.insert(key, (label, result));
        }
        all.into_values().collect()
    }

    /// Waits for the first success, and gives up the others.
    ///
    /// # Errors
    /// If there is none, the errors of all, in the order of adding.
    ///
    /// # Cancel safety
    /// A dropped future gives up what is outstanding.
    pub async fn first(mut self) -> Result<(L, R), Vec<(L, AsksError<E>)>> {
        let mut errors = BTreeMap::new();
        while let Some((key, label, result)) = poll_fn(|cx| self.poll_next(cx)).await {
            match result {
                Ok(reply) => return Ok((label, reply)),
                Err(error) => errors.insert(key, (label, error)),
            };
        }
        Err(errors.into_values().collect())
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Came<L, R, E>>> {
        if self.open.is_empty() {
            return Poll::Ready(None);
        }
        self.ready.wakes(cx.waker());
        if !self.expired {
            self.begin();
            // Each has its turn, and one that wakes itself without end does not keep the others, or the limit, from theirs.
            let turns = self.begun;
            for _ in 0..turns {
                let Some(key) = self.ready.take() else { break };
                if let Poll::Ready((label, result)) = self.poll_one(key) {
                    return Poll::Ready(Some((key, label, result.map_err(AsksError::Failed))));
                }
            }
            if self.ready.is_any() {
                cx.waker().wake_by_ref();
            }
        }
        std::task::ready!(self.poll_limit(cx));
        let limit = self.limit.unwrap_or_default();
        let late = self.open.pop_first().map(|(key, open)| (key, open.label, Err(AsksError::TimedOut { limit })));
        if self.open.is_empty() {
            self.start_anew();
        }
        Poll::Ready(late)
    }

    /// Begins as many as may be on their way at once.
    fn begin(&mut self) {
        while self.begun < self.at_most {
            let Some(key) = self.waiting.pop_front() else { return };
            let call = Arc::new(Call { key, called: AtomicBool::new(true), ready: self.ready.clone() });
            lock(&self.ready.0).keys.push_back(key);
            self.open.get_mut(&key).expect("what waits is open").call = Some(call);
            self.begun += 1;
        }
    }

    fn poll_one(&mut self, key: u64) -> Poll<(L, Result<R, E>)> {
        // One that has come out may still be called by whoever held its waker.
        let Some(open) = self.open.get_mut(&key) else { return Poll::Pending };
        let Some(call) = &open.call else { return Poll::Pending };
        call.answered();
        let waker = Waker::from(call.clone());
        let result = std::task::ready!(open.answer.as_mut().poll(&mut Context::from_waker(&waker)));
        let open = self.open.remove(&key).expect("it has just been polled");
        self.begun -= 1;
        if self.open.is_empty() {
            self.start_anew();
        }
        Poll::Ready((open.label, result))
    }

    fn poll_limit(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.expired {
            return Poll::Ready(());
        }
        let Some(limit) = self.limit else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(after(Instant::now(), limit))));
        std::task::ready!(sleep.as_mut().poll(cx));
        self.expired = true;
        Poll::Ready(())
    }

    /// All have come out: the limit is for what is added next.
    fn start_anew(&mut self) {
        self.begun = 0;
        self.waiting.clear();
        self.sleep = None;
        self.expired = false;
    }
}

impl<'a, L, R> Asks<'a, L, R, BoxError> {
    /// Adds an ask whose error is of any type. [`BoxError`]'s `downcast` has it back as what it was.
    ///
    /// ```
    /// # use actors_core::{messages, Actor, ActorSystem, Asks, BoxError};
    /// # #[derive(Actor)] struct Cellar;
    /// # #[messages] impl Cellar { #[message] fn bottles(&self) -> usize { 40 } }
    /// # #[derive(Actor)] struct Larder;
    /// # #[messages] impl Larder { #[message] fn jars(&self) -> Result<usize, std::fmt::Error> { Ok(2) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let system = ActorSystem::new("house");
    /// let (cellar, larder) = (system.spawn(Cellar), system.spawn(Larder));
    /// let mut asks: Asks<'_, _, usize, BoxError> = Asks::new();
    /// asks.add_any("bottles", cellar.ask(Bottles));
    /// asks.add_any("jars", larder.ask(Jars));
    /// let counted: Vec<_> = asks.join().await.into_iter().map(|(what, count)| (what, count.unwrap())).collect();
    /// assert_eq!(counted, [("bottles", 40), ("jars", 2)]);
    /// # system.shutdown().await; }
    /// ```
    pub fn add_any<F, E>(&mut self, label: L, ask: F)
    where
        F: Future<Output = Result<R, E>> + Send + 'a,
        E: Into<BoxError>,
    {
        self.insert(label, Box::pin(async move { ask.await.map_err(Into::into) }));
    }
}

impl<L, R, E> Default for Asks<'_, L, R, E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<L, R, E> fmt::Debug for Asks<'_, L, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asks").field("open", &self.len()).field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Which of the asks have something new, in the order in which they said so.
#[derive(Default)]
struct Ready(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    keys: VecDeque<u64>,
    /// Whoever awaits the set.
    waker: Option<Waker>,
}

impl Ready {
    fn wakes(&self, waker: &Waker) {
        let old = {
            let mut calls = lock(&self.0);
            if calls.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
                return;
            }
            calls.waker.replace(waker.clone())
        };
        drop(old);
    }

    fn take(&self) -> Option<u64> {
        lock(&self.0).keys.pop_front()
    }

    fn is_any(&self) -> bool {
        !lock(&self.0).keys.is_empty()
    }
}

/// Has one ask polled again, and no other.
struct Call {
    key: u64,
    /// It stands among the ready ones already.
    called: AtomicBool,
    ready: Arc<Ready>,
}

impl Call {
    /// It is polled now: what comes from here on is new.
    fn answered(&self) {
        // Acquire pairs with the release in `wake_by_ref`: what was done before a wake-up that is merged with this one is seen
        // by the poll that follows.
        self.called.swap(false, Ordering::AcqRel);
    }
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.called.swap(true, Ordering::AcqRel) {
            return;
        }
        let waker = {
            let mut calls = lock(&self.ready.0);
            calls.keys.push_back(self.key);
            calls.waker.take()
        };
        if let Some(waker) = waker {
            wake(waker);
        }
    }
}

impl<E: fmt::Display> fmt::Display for AsksError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AsksError::Failed(error) => fmt::Display::fmt(error, f),
            AsksError::TimedOut { limit } => write!(f, "no answer within {limit:?}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for AsksError<E> {}
