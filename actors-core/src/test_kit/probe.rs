//! An actor that hands what it gets to a test. Written without macros, over the public traits alone.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::{self, Debug};
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::LIMIT;
use super::text::list;
use crate::actor::{Actor, Context, Hooks};
use crate::address::{Accepts, ActorRef, Protocol, Recipient, ReplyTo};
use crate::lifecycle::event::{Exited, Tie};
use crate::lifecycle::exit::{BoxError, ExitReason};
use crate::lifecycle::id::ActorId;
use crate::lifecycle::policy::{OnStop, Policy};
use crate::mailbox::Capacity;
use crate::sync::{Mutex, lock};
use crate::system::ActorSystem;
use crate::time::after;

/// How many of the messages that came before are shown.
const SHOWN: usize = 20;

/// An actor that stands in for another and hands every `M` that it gets to the test. It answers asks with an `R`.
///
/// Messages wait in the probe, in the order in which they came, until the test expects them. Each helper has 3 s of
/// tokio's time, unless it names a limit; whoever waits in vain panics with what was awaited, from where, and what had
/// come before.
///
/// ```
/// use std::time::Duration;
/// use actors_core::test_kit::{self, Probe};
///
/// test_kit::run(async |system| {
///     let probe = Probe::<&str>::spawn(&system);
///     let recipient = probe.recipient();
///     for word in ["one", "two", "three"] {
///         recipient.tell(word).await.unwrap();
///     }
///     probe.expect_eq("one").await;
///     assert_eq!(probe.expect_where(|word| word.len() == 5).await, "three");
///     assert_eq!(probe.expect().await, "two");
///     probe.expect_none(Duration::from_secs(60)).await;
/// });
/// ```
pub struct Probe<M, R = ()>
where
    M: Debug + Send + 'static,
    R: Send + 'static,
{
    actor: ActorRef<Probing<M, R>>,
    inbox: Arc<Inbox<M>>,
}

/// The actor behind a [`Probe`].
pub struct Probing<M, R = ()> {
    inbox: Arc<Inbox<M>>,
    answer: Arc<dyn Fn(&M) -> R + Send + Sync>,
}

/// A message on its way to a probe, with the right to answer it.
#[doc(hidden)]
pub struct Delivery<M, R> {
    message: M,
    reply: ReplyTo<R>,
}

/// What has come, and who is to be told of more.
struct Inbox<M> {
    /// What has come and was not expected yet, as far as a test has looked. Only tests lock it, and they may run code of
    /// theirs under it.
    waiting: Mutex<VecDeque<M>>,
    state: Mutex<State<M>>,
    changed: Notify,
}

struct State<M> {
    /// What has come since a test looked.
    arrived: VecDeque<M>,
    /// All that ever came, as text.
    seen: Vec<String>,
    /// The ends of those that are watched.
    ends: Vec<(ActorId, ExitReason)>,
    /// Who is watched and has not been expected to end yet.
    watched: Vec<ActorId>,
}

impl<M: Debug + Send + 'static> Probe<M> {
    /// Makes a probe without a name at the top of the tree.
    pub fn spawn(system: &ActorSystem) -> Self {
        Probe::make(system, None, |_| ())
    }
}

impl<M, R> Probe<M, R>
where
    M: Debug + Send + 'static,
    R: Send + 'static,
{
    /// Makes a probe that answers asks with what `answer` makes of them.
    ///
    /// ```
    /// use actors_core::test_kit::{self, Probe};
    ///
    /// test_kit::run(async |system| {
    ///     let double = Probe::replying(&system, |n: &u32| 2 * n);
    ///     assert_eq!(double.actor_ref().ask(21).await.unwrap(), 42);
    ///     double.expect_eq(21).await;
    /// });
    /// ```
    pub fn replying(system: &ActorSystem, answer: impl Fn(&M) -> R + Send + Sync + 'static) -> Self {
        Probe::make(system, None, answer)
    }

    #[track_caller]
    fn make(system: &ActorSystem, name: Option<&str>, answer: impl Fn(&M) -> R + Send + Sync + 'static) -> Self {
        let state = State { arrived: VecDeque::new(), seen: Vec::new(), ends: Vec::new(), watched: Vec::new() };
        let inbox = Arc::new(Inbox { waiting: Mutex::default(), state: Mutex::new(state), changed: Notify::new() });
        let mut builder = system.actor(Probing { inbox: inbox.clone(), answer: Arc::new(answer) });
        if let Some(name) = name {
            builder = builder.name(name);
        }
        let actor = builder.spawn();
        if let Some(exit) = actor.exit() {
            panic!("there is no probe at {}: {}", actor.path(), exit.reason);
        }
        Probe { actor, inbox }
    }

    /// Returns a reference to the probe, narrowed to its message.
    pub fn recipient(&self) -> Recipient<M> {
        self.actor.recipient()
    }

    /// Returns a reference to the probe.
    pub fn actor_ref(&self) -> &ActorRef<Probing<M, R>> {
        &self.actor
    }

    // ===== messages =====

    /// Awaits the next message.
    ///
    /// # Panics
    /// Panics if there is none within 3 s.
    ///
    /// # Cancel safety
    /// A dropped future has taken nothing.
    #[track_caller]
    pub fn expect(&self) -> impl Future<Output = M> + Send + use<'_, M, R> {
        self.expect_within(LIMIT)
    }

    /// Awaits the next message for `limit` at most.
    ///
    /// # Panics
    /// Panics if there is none by then.
    ///
    /// # Cancel safety
    /// A dropped future has taken nothing.
    #[track_caller]
    pub fn expect_within(&self, limit: Duration) -> impl Future<Output = M> + Send + use<'_, M, R> {
        self.take(Location::caller(), "a message", limit, |waiting| waiting.pop_front())
    }

    /// Awaits the first message for which `fits` holds, and takes it out. Those before it stay, to be expected later. `fits` must not look
    /// at the probe.
    ///
    /// # Panics
    /// Panics if there is none within 3 s.
    ///
    /// # Cancel safety
    /// A dropped future has taken nothing.
    #[track_caller]
    pub fn expect_where<F>(&self, mut fits: F) -> impl Future<Output = M> + Send + use<'_, M, R, F>
    where
        F: FnMut(&M) -> bool + Send,
    {
        self.take(Location::caller(), "a message that fits", LIMIT, move |waiting| {
            let place = waiting.iter().position(&mut fits)?;
            waiting.remove(place)
        })
    }

    /// Awaits the next message, which must be equal to `expected`.
    ///
    /// # Panics
    /// Panics if it is not, or if there is none within 3 s.
    ///
    /// # Cancel safety
    /// A dropped future has taken nothing.
    #[track_caller]
    pub fn expect_eq(&self, expected: M) -> impl Future<Output = ()> + Send + use<'_, M, R>
    where
        M: PartialEq,
    {
        let place = Location::caller();
        let what = format!("{expected:?}");
        async move {
            let message = self.take(place, &what, LIMIT, |waiting| waiting.pop_front()).await;
            if message != expected {
                self.fail(place, &format!("expected {what}, but there came {message:?}"));
            }
        }
    }

    /// Awaits the next `number` messages.
    ///
    /// # Panics
    /// Panics if there are fewer within 3 s.
    ///
    /// # Cancel safety
    /// A dropped future has taken nothing.
    #[track_caller]
    pub fn expect_n(&self, number: usize) -> impl Future<Output = Vec<M>> + Send + use<'_, M, R> {
        let place = Location::caller();
        async move {
            let what = format!("{number} messages");
            self.take(place, &what, LIMIT, |waiting| (waiting.len() >= number).then(|| waiting.drain(..number).collect())).await
        }
    }

    /// Awaits as many messages as are `expected`, which must be equal to them in any order.
    ///
    /// # Panics
    /// Panics if they are not, or if there are fewer within 3 s.
    ///
    /// # Cancel safety
    /// A dropped future has taken nothing.
    #[track_caller]
    pub fn expect_all_of<I>(&self, expected: I) -> impl Future<Output = ()> + Send + use<'_, M, R, I>
    where
        I: IntoIterator<Item = M>,
        M: PartialEq,
    {
        let place = Location::caller();
        let mut expected: Vec<M> = expected.into_iter().collect();
        async move {
            let what = format!("all of {expected:?}");
            let number = expected.len();
            let came: Vec<M> =
                self.take(place, &what, LIMIT, |waiting| (waiting.len() >= number).then(|| waiting.drain(..number).collect())).await;
            for message in came {
                match expected.iter().position(|other| *other == message) {
                    Some(place) => drop(expected.swap_remove(place)),
                    None => self.fail(place, &format!("expected {what}, but there came {message:?}")),
                }
            }
        }
    }

    /// Asserts that no message comes within `time`, and that none waits already.
    ///
    /// # Panics
    /// Panics if there is one.
    ///
    /// # Cancel safety
    /// A dropped future has taken nothing.
    #[track_caller]
    pub fn expect_none(&self, time: Duration) -> impl Future<Output = ()> + Send + use<'_, M, R> {
        let place = Location::caller();
        async move {
            if let Some(message) = self.try_take(after(Instant::now(), time), |waiting| waiting.pop_front()).await {
                self.fail(place, &format!("expected no message for {time:?}, but there came {message:?}"));
            }
        }
    }

    /// Takes all messages that have come and were not expected yet.
    pub fn take_all(&self) -> Vec<M> {
        self.look(|waiting| waiting.drain(..).collect())
    }

    /// Returns all that has come so far, expected or not, as `Debug` shows it.
    pub fn received(&self) -> Vec<String> {
        lock(&self.inbox.state).seen.clone()
    }

    // ===== ends =====

    /// Watches an actor, whose end can then be [expected](Self::expect_end), once. Watching twice is watching once.
    pub fn watch<A: Protocol>(&self, actor: &ActorRef<A>) {
        {
            let mut state = lock(&self.inbox.state);
            if state.watched.contains(&actor.id()) {
                return;
            }
            state.watched.push(actor.id());
        }
        self.actor.monitor(actor);
    }

    /// Awaits the end of an actor, and returns its reason. What the actor had sent the probe has come by then. Watches it,
    /// if it is not watched.
    ///
    /// # Panics
    /// Panics if it does not end within 3 s.
    ///
    /// # Cancel safety
    /// A dropped future has taken nothing; the actor stays watched.
    #[track_caller]
    pub fn expect_end<A: Protocol>(&self, actor: &ActorRef<A>) -> impl Future<Output = ExitReason> + Send + use<'_, A, M, R> {
        let place = Location::caller();
        let (id, path) = (actor.id(), actor.path());
        self.watch(actor);
        async move {
            let ended = self.until(Instant::now() + LIMIT, || {
                let mut state = lock(&self.inbox.state);
                let place = state.ends.iter().position(|(ended, _)| *ended == id)?;
                state.watched.retain(|watched| *watched != id);
                Some(state.ends.remove(place).1)
            });
            ended.await.unwrap_or_else(|| self.fail(place, &format!("expected the end of {path}, which has not come within {LIMIT:?}")))
        }
    }

    // ===== waiting =====

    async fn take<T>(
        &self,
        place: &'static Location<'static>,
        what: &str,
        limit: Duration,
        take: impl FnMut(&mut VecDeque<M>) -> Option<T>,
    ) -> T {
        let taken = self.try_take(after(Instant::now(), limit), take).await;
        taken.unwrap_or_else(|| self.fail(place, &format!("expected {what}, which has not come within {limit:?}")))
    }

    async fn try_take<T>(&self, end: Instant, mut take: impl FnMut(&mut VecDeque<M>) -> Option<T>) -> Option<T> {
        self.until(end, || self.look(&mut take)).await
    }

    /// Looks at what waits, with all that has come.
    fn look<T>(&self, look: impl FnOnce(&mut VecDeque<M>) -> T) -> T {
        let mut waiting = lock(&self.inbox.waiting);
        waiting.append(&mut lock(&self.inbox.state).arrived);
        look(&mut waiting)
    }

    /// Looks again whenever something has come, until there is what is sought or the time is over.
    async fn until<T>(&self, end: Instant, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        loop {
            // Registered before the look, so that nothing falls between the two.
            let changed = self.inbox.changed.notified();
            if let Some(found) = look() {
                return Some(found);
            }
            if timeout_at(end, changed).await.is_err() {
                return look();
            }
        }
    }

    fn fail(&self, place: &Location<'_>, what: &str) -> ! {
        let (seen, waiting) = (self.received(), self.look(|waiting| waiting.len()));
        let hidden = seen.len().saturating_sub(SHOWN);
        let mut lines: Vec<String> = seen[hidden..].to_vec();
        if hidden > 0 {
            lines.insert(0, format!("... {hidden} others"));
        }
        let probe = match self.actor.exit() {
            None => self.actor.path().to_string(),
            Some(exit) => format!("{}, which has ended ({})", self.actor.path(), exit.reason),
        };
        panic!("{place}: probe {probe}: {what}\n  what had come ({} in all, {waiting} not expected yet):{}", seen.len(), list(&lines));
    }
}

impl<M, R> Debug for Probe<M, R>
where
    M: Debug + Send + 'static,
    R: Send + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Probe({})", self.actor.path())
    }
}

#[diagnostic::do_not_recommend]
impl<M, R> Protocol for Probing<M, R>
where
    M: Debug + Send + 'static,
    R: Send + 'static,
{
    type Msg = Delivery<M, R>;
}

impl<M, R> Accepts<M> for Probing<M, R>
where
    M: Debug + Send + 'static,
    R: Send + 'static,
{
    type Reply = R;
    type Error = Infallible;

    fn accept(message: M, reply: ReplyTo<R>) -> Delivery<M, R> {
        Delivery { message, reply }
    }
}

#[diagnostic::do_not_recommend]
impl<M, R> Actor for Probing<M, R>
where
    M: Debug + Send + 'static,
    R: Send + 'static,
{
    /// Nobody waits for a probe, and nothing that was sent to it is lost.
    const POLICY: Policy = Policy { mailbox: Capacity::Unbounded, on_stop: OnStop::Drain, ..Policy::DEFAULT };
    const HOOKS: Hooks = Hooks { exited: true, ..Hooks::NONE };

    async fn handle(&mut self, delivery: Delivery<M, R>, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        let Delivery { message, reply } = delivery;
        let text = format!("{message:?}");
        let answer = reply.is_asked().then(|| (self.answer)(&message));
        {
            let mut state = lock(&self.inbox.state);
            state.seen.push(text);
            state.arrived.push_back(message);
        }
        self.inbox.changed.notify_waiters();
        if let Some(answer) = answer {
            reply.send(answer);
        }
        Ok(())
    }

    async fn exited(&mut self, exited: Exited, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        if let Tie::Monitor(_) = exited.tie {
            lock(&self.inbox.state).ends.push((exited.id, exited.reason));
            self.inbox.changed.notify_waiters();
        }
        Ok(())
    }
}

impl ActorSystem {
    /// Makes a probe with a name at the top of the tree; see [`Probe`].
    ///
    /// # Panics
    /// Panics if the name is taken or is none, or if the system is shutting down.
    #[track_caller]
    pub fn probe<M: Debug + Send + 'static>(&self, name: &str) -> Probe<M> {
        Probe::make(self, Some(name), |_| ())
    }

    /// Makes a probe with a name that answers asks; see [`Probe::replying`].
    ///
    /// # Panics
    /// Panics if the name is taken or is none, or if the system is shutting down.
    #[track_caller]
    pub fn probe_replying<M, R>(&self, name: &str, answer: impl Fn(&M) -> R + Send + Sync + 'static) -> Probe<M, R>
    where
        M: Debug + Send + 'static,
        R: Send + 'static,
    {
        Probe::make(self, Some(name), answer)
    }
}
