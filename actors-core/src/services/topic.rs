//! Topics: what is published under a name goes to all who subscribe to it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::names::{Named, Names};
use super::outbox::{Lagged, Offer, Outbox, Reports};
use super::roster::Roster;
use crate::actor::Context;
use crate::address::{Protocol, Recipient};
use crate::lifecycle::cell::{AnyCell, Fellowship};
use crate::lifecycle::current::current_actor;
use crate::lifecycle::env::Env;
use crate::lifecycle::exit::Exit;
use crate::lifecycle::path::ActorPath;
use crate::sync::{Mutex, lock};
use crate::system::ActorSystem;
use crate::time::after;

/// How many messages are kept for a subscriber whose mailbox is full, unless it says otherwise: the newest.
const KEEP: usize = 1;

/// A topic of one system: what is published on it goes to all who subscribe to it.
///
/// A name and a message type together make a topic; the same name with another type is another topic. A subscription
/// survives restarts and ends with the actor. Topics need not be created or closed: one without subscribers and handles is
/// gone. Clones are handles to the same topic.
///
/// Publishing never waits for a subscriber. For one whose mailbox is full, the newest message is kept (or the newest few,
/// see [`Subscriber::keep`]) and delivered, in order, as soon as there is room; older ones become dead letters with
/// [`DeadReason::Lagged`](crate::DeadReason::Lagged), and a subscriber that asked for it is
/// [told how many](Subscriber::report_lag). It remains subscribed. A mailbox that drops, by its
/// [`Overflow`](crate::Overflow), is never full in this sense: it drops.
///
/// ```
/// use actors_core::{messages, Actor, ActorSystem, Context};
///
/// #[derive(Clone)] struct Price(u32);
///
/// #[derive(Actor)] struct Screen { shown: u32 }
/// #[messages]
/// impl Screen {
///     #[started] fn subscribe(&mut self, ctx: &mut Context<Self>) { ctx.topic::<Price>("gold").subscribe(ctx.actor_ref()) }
///     #[handle] fn show(&mut self, Price(price): Price) { self.shown = price }
///     #[message] fn shown(&self) -> u32 { self.shown }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let system = ActorSystem::new("exchange");
/// let screen = system.start(Screen { shown: 0 }).await.unwrap();
/// let gold = system.topic::<Price>("gold");
/// assert_eq!(gold.publish(Price(2_650)).delivered, 1);
/// assert_eq!(screen.ask(Shown).await.unwrap(), 2_650);
/// # system.shutdown().await; }
/// ```
pub struct Topic<M: Clone + Send + 'static>(Arc<Shared<M>>);

struct Shared<M> {
    name: Name,
    /// Shared with those who publish, and changed in place while nobody does.
    subscribers: Mutex<Arc<Roster<Arc<Outbox<M>>>>>,
}

enum Name {
    Entry(Named),
    /// It stands in no table.
    Fixed(Arc<str>),
}

#[derive(Default)]
struct Topics(Arc<Names>);

impl ActorSystem {
    /// Returns the topic with this name for messages of type `M`.
    pub fn topic<M: Clone + Send + 'static>(&self, name: impl AsRef<str>) -> Topic<M> {
        Topic::named(self.env(), name.as_ref())
    }

    /// Returns how many topics there are: those that have a subscriber, or to which there is a handle.
    pub fn topic_count(&self) -> usize {
        self.env().slots.get::<Topics>().0.len()
    }
}

impl<A: Protocol> Context<A> {
    /// Returns the topic with this name for messages of type `M`.
    pub fn topic<M: Clone + Send + 'static>(&self, name: impl AsRef<str>) -> Topic<M> {
        Topic::named(self.any().env(), name.as_ref())
    }
}

/// What became of a message that was published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// How many subscribers have it in their mailbox.
    pub delivered: usize,
    /// Those whose mailbox was full. It is kept for them, and delivered unless it has to give way to newer ones.
    pub late: Vec<ActorPath>,
}

impl<M: Clone + Send + 'static> Topic<M> {
    fn named(env: &Env, name: &str) -> Self {
        let names = &env.slots.get::<Topics>().0;
        Topic(names.get(name, |named| Shared { name: Name::Entry(named), subscribers: Mutex::default() }))
    }

    /// A topic that stands in no table.
    pub(super) fn fixed(name: &str) -> Self {
        Topic(Arc::new(Shared { name: Name::Fixed(Arc::from(name)), subscribers: Mutex::default() }))
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Subscribes an actor: an [`ActorRef`](crate::ActorRef) or a [`Recipient`], by reference.
    ///
    /// It gets every message whose publishing begins after this has returned, once, until it unsubscribes or ends. Subscribing
    /// twice is subscribing once. An actor that has ended is not subscribed.
    pub fn subscribe(&self, subscriber: impl Into<Recipient<M>>) {
        self.enter(subscriber.into(), KEEP, None);
    }

    /// Begins to subscribe an actor in a way of its own: how much is kept for it while it is slow, and whether it is told
    /// what it missed.
    ///
    /// ```
    /// use actors_core::{messages, Actor, ActorSystem, Lagged};
    ///
    /// #[derive(Clone)] struct Sample;
    ///
    /// #[derive(Actor)] struct Plot { samples: u64, gaps: u64 }
    /// #[messages]
    /// impl Plot {
    ///     #[handle] fn add(&mut self, _sample: Sample) { self.samples += 1 }
    ///     #[handle] fn mind_the_gap(&mut self, lagged: Lagged) { self.gaps += lagged.missed }
    ///     #[message] fn total(&self) -> (u64, u64) { (self.samples, self.gaps) }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let system = ActorSystem::new("laboratory");
    /// let plot = system.actor(Plot { samples: 0, gaps: 0 }).mailbox(4).spawn();
    /// let samples = system.topic("samples");
    /// samples.subscriber(&plot).keep(2).report_lag().subscribe();
    /// for _ in 0..100 {
    ///     samples.publish(Sample);                              // the plot has no time to handle one
    /// }
    /// // Four were in its mailbox, the newest two were kept; of the others it knows that they are missing.
    /// while plot.ask(Total).await.unwrap() != (4 + 2, 94) {}
    /// # system.shutdown().await; }
    /// ```
    pub fn subscriber<T: Into<Recipient<M>> + Clone>(&self, subscriber: T) -> Subscriber<'_, T, M> {
        Subscriber { topic: self, subscriber, keep: KEEP, reports: None }
    }

    /// Ends a subscription: of what is published from now on, the actor gets nothing, and what was kept for it is dropped.
    /// Harmless if there is none.
    pub fn unsubscribe(&self, subscriber: impl Into<Recipient<M>>) {
        let cell = subscriber.into().any();
        let removed = cell.core().with_ties(|ties| {
            let removed = Arc::make_mut(&mut lock(&self.0.subscribers)).remove(cell.id())?;
            let place = ties.groups.iter().position(|known| std::ptr::addr_eq(Arc::as_ptr(known), Arc::as_ptr(&self.0)));
            Some((removed, place.map(|place| ties.groups.swap_remove(place))))
        });
        if let Some((outbox, _)) = removed {
            outbox.cancel();
        }
    }

    /// Publishes a message, without waiting for anybody.
    ///
    /// Each subscriber gets the messages of one publisher in their order. Returns how many have it, and those for whom it
    /// waits.
    pub fn publish(&self, message: M) -> Published {
        let mut published = Published::default();
        self.offer(message, |outbox, message| match outbox.offer(message, None) {
            Offer::Taken => published.delivered += 1,
            Offer::Kept => published.late.push(outbox.target().path()),
            Offer::Refused => {}
        });
        published
    }

    /// Publishes a message, and waits until every subscriber has it in its mailbox, for `limit` at most.
    ///
    /// Meanwhile it gives way to nothing that is published after. Those who had no room in time are in
    /// [`late`](Published::late): for them it is kept as after [`publish`](Self::publish). An actor that publishes to itself, and
    /// whose own mailbox is full, does not wait for itself, and is late at once.
    ///
    /// # Cancel safety
    /// The message is published when the future is first polled; dropped later, it only waits no more.
    pub async fn publish_and_wait(&self, message: M, limit: Duration) -> Published {
        let mut published = Published::default();
        let mut open = Vec::new();
        self.offer(message, |outbox, message| {
            let (receipt, received) = oneshot::channel();
            match outbox.offer(message, Some(receipt)) {
                Offer::Taken => published.delivered += 1,
                Offer::Kept => open.push((outbox.clone(), received)),
                Offer::Refused => {}
            }
        });
        let Some((first, _)) = open.first() else { return published };
        let env = first.target().any().env().clone();
        let deadline = after(env.in_time(Instant::now), limit);
        let me = current_actor().map(|me| me.id());
        for (outbox, received) in open {
            if me == Some(outbox.target().id()) {
                published.late.push(outbox.target().path());
                continue;
            }
            let received = env.in_time(|| timeout_at(deadline, received));
            match received.await {
                Ok(Ok(())) => published.delivered += 1,
                // It has ended, or unsubscribed.
                Ok(Err(_)) => {}
                Err(_) => published.late.push(outbox.target().path()),
            }
        }
        published
    }

    fn offer(&self, message: M, mut to: impl FnMut(&Arc<Outbox<M>>, M)) {
        let subscribers = lock(&self.0.subscribers).clone();
        let mut subscribers = subscribers.iter().peekable();
        let mut message = Some(message);
        while let Some(outbox) = subscribers.next() {
            let one = if subscribers.peek().is_some() { message.clone() } else { message.take() };
            to(outbox, one.expect("it is taken by the last"));
        }
    }

    /// Returns how many actors subscribe.
    pub fn subscriber_count(&self) -> usize {
        lock(&self.0.subscribers).len()
    }

    fn enter(&self, target: Recipient<M>, keep: usize, reports: Option<Reports>) {
        let cell = target.any();
        // One that turns into another actor for its reports has none: they share the subscriber's place in line.
        let reports = reports.filter(|reports| reports.to.id() == cell.id());
        let outbox = Outbox::new(target, keep, reports.clone());
        // Entered on both sides under the actor's lock, so that an end falls either before or after.
        let known = cell.core().with_ties(|ties| {
            if ties.exit.is_some() {
                return None;
            }
            let mut subscribers = lock(&self.0.subscribers);
            if let Some(known) = subscribers.get(cell.id()) {
                return Some(known.clone());
            }
            Arc::make_mut(&mut subscribers).add(cell.id(), outbox);
            ties.groups.push(self.0.clone());
            None
        });
        if let Some(known) = known {
            known.set(keep, reports);
        }
    }
}

impl<M> Shared<M> {
    fn name(&self) -> &Arc<str> {
        match &self.name {
            Name::Entry(named) => &named.name,
            Name::Fixed(name) => name,
        }
    }
}

impl<M: Send + 'static> Fellowship for Shared<M> {
    fn member_ended(&self, member: &Arc<dyn AnyCell>, _exit: &Exit) {
        let removed = Arc::make_mut(&mut lock(&self.subscribers)).remove(member.id());
        if let Some(outbox) = removed {
            outbox.close();
        }
    }
}

/// A subscription that is being set up; see [`Topic::subscriber`].
#[must_use = "nothing is subscribed until `subscribe` is called"]
pub struct Subscriber<'a, T, M: Clone + Send + 'static> {
    topic: &'a Topic<M>,
    subscriber: T,
    keep: usize,
    reports: Option<Reports>,
}

impl<T: Into<Recipient<M>> + Clone, M: Clone + Send + 'static> Subscriber<'_, T, M> {
    /// Has the newest `count` messages kept while the actor's mailbox is full; 1 unless set. Zero counts as one.
    pub fn keep(mut self, count: usize) -> Self {
        // Zero need not be told apart: the newest never gives way.
        self.keep = count;
        self
    }

    /// Has the actor told how many messages it missed, by a [`Lagged`] before the next that it gets.
    pub fn report_lag(mut self) -> Self
    where
        T: Into<Recipient<Lagged>>,
    {
        self.reports = Some(Reports { topic: self.topic.0.name().clone(), to: self.subscriber.clone().into() });
        self
    }

    /// Subscribes the actor; if it is subscribed, changes how. See [`Topic::subscribe`].
    pub fn subscribe(self) {
        self.topic.enter(self.subscriber.into(), self.keep, self.reports);
    }
}

impl<M: Clone + Send + 'static> Clone for Topic<M> {
    fn clone(&self) -> Self {
        Topic(self.0.clone())
    }
}

impl<M: Clone + Send + 'static> fmt::Debug for Topic<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").field("name", &self.name()).field("subscribers", &self.subscriber_count()).finish()
    }
}

impl<T, M: Clone + Send + 'static> fmt::Debug for Subscriber<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("topic", &self.topic.name()).field("keep", &self.keep).finish_non_exhaustive()
    }
}
