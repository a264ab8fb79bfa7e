//! Groups: actors that find each other under a name, and whoever wants to know who is there.

use std::fmt;
use std::sync::Arc;

use super::names::{Named, Names};
use super::outbox::{GivenWay, Outbox};
use super::roster::Roster;
use crate::actor::Context;
use crate::address::{Protocol, Recipient};
use crate::lifecycle::cell::{AnyCell, Fellowship, Ties};
use crate::lifecycle::env::Env;
use crate::lifecycle::exit::{Exit, ExitReason};
use crate::lifecycle::id::ActorId;
use crate::sync::{Mutex, lock};
use crate::system::ActorSystem;

/// How many notices may wait for a listener, or as many as there are members, until they give way to one that says it all.
const BACKLOG: usize = 64;

/// A group of one system: actors that take messages of type `M`, under a name.
///
/// Members share a name, and nothing else: no fate, unlike those of a [`PeerGroup`](crate::PeerGroup). A name and a message
/// type together make a group. A membership survives restarts and ends with the actor. Groups need not be created or
/// closed: one without members, listeners and handles is gone. Clones are handles to the same group.
///
/// ```
/// use actors_core::{messages, Actor, ActorSystem};
///
/// #[derive(Clone)] struct Job(u32);
///
/// #[derive(Actor)] struct Worker;
/// #[messages] impl Worker { #[handle] fn work(&mut self, Job(_n): Job) {} }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let system = ActorSystem::new("factory");
/// let workers = system.group::<Job>("workers");
/// let (ann, bob) = (system.spawn(Worker), system.spawn(Worker));
/// workers.join(&ann);
/// workers.join(&bob);
/// for worker in workers.members() {
///     worker.tell(Job(1)).await.unwrap();
/// }
/// workers.leave(&ann);
/// assert_eq!(workers.members(), [bob.recipient()]);
/// # system.shutdown().await; }
/// ```
pub struct Group<M: Send + 'static>(Arc<Shared<M>>);

struct Shared<M> {
    named: Named,
    state: Mutex<State<M>>,
}

struct State<M> {
    members: Roster<Recipient<M>>,
    listeners: Roster<Arc<Outbox<GroupNotice<M>>>>,
}

#[derive(Default)]
struct Groups(Arc<Names>);

impl ActorSystem {
    /// Returns the group with this name, of actors that take messages of type `M`.
    pub fn group<M: Send + 'static>(&self, name: impl AsRef<str>) -> Group<M> {
        Group::named(self.env(), name.as_ref())
    }

    /// Returns how many groups there are: those that have a member or a listener, or to which there is a handle.
    pub fn group_count(&self) -> usize {
        self.env().slots.get::<Groups>().0.len()
    }
}

impl<A: Protocol> Context<A> {
    /// Returns the group with this name, of actors that take messages of type `M`.
    pub fn group<M: Send + 'static>(&self, name: impl AsRef<str>) -> Group<M> {
        Group::named(self.any().env(), name.as_ref())
    }
}

/// What a listener is told of a group.
pub struct GroupNotice<M> {
    /// The name of the group.
    pub group: Arc<str>,
    /// What has changed.
    pub change: GroupChange<M>,
}

/// A change of a group's members.
#[non_exhaustive]
pub enum GroupChange<M> {
    /// These are the members, in the order of joining. The first notice to a listener; also later, to one so slow that it
    /// replaces all changes that waited for it.
    Members(Vec<Recipient<M>>),
    /// An actor has joined.
    Joined(Recipient<M>),
    /// A member has left the group.
    Left(Recipient<M>),
    /// A member has ended, and so is none any more.
    Ended(Recipient<M>, ExitReason),
}

impl<M: Send + 'static> Group<M> {
    fn named(env: &Env, name: &str) -> Self {
        let names = &env.slots.get::<Groups>().0;
        Group(names.get(name, |named| Shared { named, state: Mutex::default() }))
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.0.named.name
    }

    /// Takes an actor in: an [`ActorRef`](crate::ActorRef) or a [`Recipient`], by reference. Joining twice is joining once.
    /// An actor that has ended does not become a member.
    pub fn join(&self, member: impl Into<Recipient<M>>) {
        let member = member.into();
        let cell = member.any();
        // Entered on both sides under the actor's lock, so that an end falls either before or after.
        let told = cell.core().with_ties(|ties| {
            let mut state = lock(&self.0.state);
            if ties.exit.is_some() || state.members.contains(cell.id()) {
                return None;
            }
            self.tie(ties, &state, cell.id());
            state.members.add(cell.id(), member.clone());
            Some(self.0.tell(&state, || GroupChange::Joined(member.clone())))
        });
        deliver(told);
    }

    /// Lets a member go; its other memberships stay. Harmless if it is none.
    pub fn leave(&self, member: impl Into<Recipient<M>>) {
        let member = member.into();
        let cell = member.any();
        let told = cell.core().with_ties(|ties| {
            let mut state = lock(&self.0.state);
            let removed = state.members.remove(cell.id())?;
            let tie = self.untie(ties, &state, cell.id());
            Some((self.0.tell(&state, || GroupChange::Left(member.clone())), removed, tie))
        });
        deliver(told.map(|(told, ..)| told));
    }

    /// Returns the members, in the order of joining.
    pub fn members(&self) -> Vec<Recipient<M>> {
        lock(&self.0.state).members.iter().cloned().collect()
    }

    /// Returns how many members there are.
    pub fn len(&self) -> usize {
        lock(&self.0.state).members.len()
    }

    /// Tells whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tells an actor who the members are, and from then on of every change, each once and in order: first
    /// [`Members`](GroupChange::Members), then one notice for each that joins, leaves or ends.
    ///
    /// Watching twice is watching once. It ends with the listener, or by [`unwatch`](Self::unwatch). For a listener whose mailbox
    /// is full, notices wait; if they become too many, they give way to one that says who the members are then.
    pub fn watch(&self, listener: impl Into<Recipient<GroupNotice<M>>>) {
        let listener = listener.into();
        let cell = listener.any();
        let outbox = Outbox::new(listener, usize::MAX, None);
        let added = cell.core().with_ties(|ties| {
            let mut state = lock(&self.0.state);
            if ties.exit.is_some() || state.listeners.contains(cell.id()) {
                return false;
            }
            self.tie(ties, &state, cell.id());
            state.listeners.add(cell.id(), outbox.clone());
            outbox.push(self.0.snapshot(&state));
            true
        });
        if added {
            outbox.flush();
        }
    }

    /// Tells an actor no more: it gets no notice of what changes from now on, and none that waits for room. Harmless if it
    /// does not watch.
    pub fn unwatch(&self, listener: impl Into<Recipient<GroupNotice<M>>>) {
        let cell = listener.into().any();
        let removed = cell.core().with_ties(|ties| {
            let mut state = lock(&self.0.state);
            let removed = state.listeners.remove(cell.id())?;
            Some((removed, self.untie(ties, &state, cell.id())))
        });
        if let Some((outbox, _)) = removed {
            outbox.cancel();
        }
    }

    /// Has the end of the actor come here, for a member or listener that was neither before.
    fn tie(&self, ties: &mut Ties, state: &State<M>, id: ActorId) {
        if !state.has(id) {
            ties.groups.push(self.0.clone());
        }
    }

    /// Undoes that for one that is neither any more.
    fn untie(&self, ties: &mut Ties, state: &State<M>, id: ActorId) -> Option<Arc<dyn Fellowship>> {
        if state.has(id) {
            return None;
        }
        let place = ties.groups.iter().position(|known| std::ptr::addr_eq(Arc::as_ptr(known), Arc::as_ptr(&self.0)))?;
        Some(ties.groups.swap_remove(place))
    }
}

/// What is to be done when the lock is free: outboxes to be flushed, and what had to give way.
type Told<M> = (Vec<Arc<Outbox<GroupNotice<M>>>>, Vec<GivenWay<GroupNotice<M>>>);

fn deliver<M: Send + 'static>(told: Option<Told<M>>) {
    let Some((outboxes, given_way)) = told else { return };
    drop(given_way);
    for outbox in outboxes {
        outbox.flush();
    }
}

impl<M: Send + 'static> Shared<M> {
    fn snapshot(&self, state: &State<M>) -> GroupNotice<M> {
        self.notice(GroupChange::Members(state.members.iter().cloned().collect()))
    }

    fn notice(&self, change: GroupChange<M>) -> GroupNotice<M> {
        GroupNotice { group: self.named.name.clone(), change }
    }

    /// Has all listeners told of a change, in the order of changes: under the lock of the state.
    fn tell(&self, state: &State<M>, change: impl Fn() -> GroupChange<M>) -> Told<M> {
        let outboxes: Vec<_> = state.listeners.iter().cloned().collect();
        let mut given_way = Vec::new();
        for outbox in &outboxes {
            if outbox.backlog() < BACKLOG.max(state.members.len()) {
                outbox.push(self.notice(change()));
            } else {
                given_way.push(outbox.replace(self.snapshot(state)));
            }
        }
        (outboxes, given_way)
    }
}

impl<M> Default for State<M> {
    fn default() -> Self {
        State { members: Roster::default(), listeners: Roster::default() }
    }
}

impl<M> State<M> {
    fn has(&self, id: ActorId) -> bool {
        self.members.contains(id) || self.listeners.contains(id)
    }
}

impl<M: Send + 'static> Fellowship for Shared<M> {
    fn member_ended(&self, ended: &Arc<dyn AnyCell>, exit: &Exit) {
        let (listener, member, told) = {
            let mut state = lock(&self.state);
            let listener = state.listeners.remove(ended.id());
            let member = state.members.remove(ended.id());
            let told = member.as_ref().map(|member| self.tell(&state, || GroupChange::Ended(member.clone(), exit.reason.clone())));
            (listener, member, told)
        };
        if let Some(outbox) = listener {
            outbox.close();
        }
        deliver(told);
        drop(member);
    }
}

impl<M: Send + 'static> Clone for Group<M> {
    fn clone(&self) -> Self {
        Group(self.0.clone())
    }
}

impl<M: Send + 'static> fmt::Debug for Group<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("name", &self.name()).field("members", &self.len()).finish()
    }
}

impl<M> Clone for GroupNotice<M> {
    fn clone(&self) -> Self {
        GroupNotice { group: self.group.clone(), change: self.change.clone() }
    }
}

impl<M> Clone for GroupChange<M> {
    fn clone(&self) -> Self {
        match self {
            GroupChange::Members(members) => GroupChange::Members(members.clone()),
            GroupChange::Joined(member) => GroupChange::Joined(member.clone()),
            GroupChange::Left(member) => GroupChange::Left(member.clone()),
            GroupChange::Ended(member, reason) => GroupChange::Ended(member.clone(), reason.clone()),
        }
    }
}

impl<M: 'static> fmt::Debug for GroupNotice<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupNotice({}: {:?})", self.group, self.change)
    }
}

impl<M: 'static> fmt::Debug for GroupChange<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GroupChange::Members(members) => f.debug_tuple("Members").field(members).finish(),
            GroupChange::Joined(member) => f.debug_tuple("Joined").field(member).finish(),
            GroupChange::Left(member) => f.debug_tuple("Left").field(member).finish(),
            GroupChange::Ended(member, reason) => f.debug_tuple("Ended").field(member).field(reason).finish(),
        }
    }
}
