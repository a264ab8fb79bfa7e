//! The untyped shared part of one actor, and the family in which it stands: what others can know of it and do to it
//! without knowing its type.

use std::any::Any;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::dead_letter::DeadReason;
use super::env::Env;
use super::exit::{Exit, ExitReason, StartFailure};
use super::id::{ActorId, shown};
use super::path::{ActorPath, Node, Segment};
use super::policy::Policy;
use super::record::Record;
use super::registry::Registry;
use super::request::Mode;
use super::row::Row;
use super::run_queue::TakesTurns;
use super::signal::Signals;
use super::ties;
use crate::mailbox::{Admitted, Closed, Lane, Ticket, lane_of};
use crate::sync::{Mutex, lock, wake};

/// An actor of any type.
pub(crate) trait AnyCell: TakesTurns + 'static {
    fn core(&self) -> &Core;
    /// Puts itself into an `Option<Arc<_>>` of its own type. To make a `dyn Any + Send` of it, the compiler would show anew for every
    /// actor, and each time it is used, that it can be sent.
    fn put_into(self: Arc<Self>, place: &mut dyn Any);
    /// The name of its type, with all modules.
    fn kind(&self) -> &'static str;
    fn default_policy(&self) -> &'static Policy;
    /// Has the actor look at its signals.
    fn call(self: Arc<Self>);
    /// Ends the actor here and now, if it is at rest: it has no task, nothing queued, no stop hook, no ties and no children.
    /// Says whether it did. Whoever asks has made sure that it is not to be restarted.
    fn end_at_rest(self: Arc<Self>, cause: &ExitReason) -> bool;
    /// Asks the actor to end for good, and sees to it that it does within its own limit, whatever whoever asks does meanwhile.
    fn bring_down(self: Arc<Self>, cause: ExitReason, mode: Mode);
    /// Whether code of a user's runs at its end.
    fn has_stop_hook(&self) -> bool;
    /// Whether its state has a destructor.
    fn state_drops(&self) -> bool;
    /// Refuses all further messages, if it has no task and nothing queued; says whether that is so. It may have to be
    /// `untouched`, too: never have had a message. Then its task is for the caller to start, if there is to be one.
    fn close_at_rest(&self, closed: Closed, untouched: bool) -> bool;
    /// Drops the state of one that has no task.
    fn drop_state(&self);
    /// If it has something that it does not need while no message comes, a task or a buffer: how many messages it has taken so far.
    fn sleeps_after(&self) -> Option<u64>;
    /// Closes its mailbox.
    fn close(&self, closed: Closed);
    /// Makes dead letters of what is in the queue, in the place of a task that does not react. What the task has fetched
    /// is out of reach.
    fn discard(&self, reason: DeadReason);
    /// Lets its task sleep that waits for something of its own, unless one of these signals is set; says whether it may. Wakes the
    /// senders for whom there is room; `admitted` is where they are put until then.
    fn suspend(&self, admitted: &mut Admitted, cx: &mut Context<'_>, urgent: u32) -> bool;
    /// Has the next message, or call, start a task.
    fn vacate(&self);
    /// Whether there is room for the sender with this ticket only after a message was taken.
    fn makes_wait(&self, ticket: Ticket) -> bool;
    /// Has that sender look again.
    fn rouse(&self, ticket: Ticket);
    /// How many messages wait.
    fn queued(&self) -> u64;
    /// How many ordinary messages were ever accepted.
    fn pushed(&self) -> u64;
    /// Whether the message with this number was taken to be handled.
    fn has_taken(&self, number: u64) -> bool;
    /// The name of a message type.
    fn message_name(&self, tag: u32) -> &'static str;
}

/// What an actor belongs to and that is told when it has ended for good: a peer group, a topic, a group.
pub(crate) trait Fellowship: Send + Sync {
    fn member_ended(&self, member: &Arc<dyn AnyCell>, exit: &Exit);
}

/// Who decides what becomes of supervised children. A floor above this one does; here is when it is asked.
///
/// Called without locks, from wherever a child ends or starts; it must not wait, and runs no code of a user's.
pub(crate) trait Overseer: Send + Sync {
    /// A child has started, the first time or again.
    fn ready(&self, child: &Arc<dyn AnyCell>);
    /// An incarnation of a child has ended, and the child can be restarted.
    fn down(&self, child: &Arc<dyn AnyCell>, exit: &Exit);
    /// A child was down when it was asked to end for good. It is claimed; its end is still to be made known.
    fn over(&self, child: &Arc<dyn AnyCell>, exit: Exit);
    /// A child has ended for good.
    fn ended(&self, child: &Arc<dyn AnyCell>, exit: &Exit);
    /// The parent is about to stop a child for good.
    fn dismiss(&self, child: &Arc<dyn AnyCell>);
    /// Those who have to be stopped before a child that is down can start.
    fn awaited_by(&self, down: &Arc<dyn AnyCell>) -> Vec<Arc<dyn AnyCell>>;
    /// The parent is ending: nothing is restarted any more.
    fn close(&self);
    /// The parent begins anew, without children.
    fn reopen(&self);
    /// The parent has ended for good: there is nothing to be known of its children any more.
    fn parent_ended(&self);
    /// Puts children into the order in which they stand in the table.
    fn arrange(&self, children: &mut [Arc<dyn AnyCell>]);
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// What ties one actor to others.
pub(crate) type Ties = ties::Ties<Arc<dyn AnyCell>, Arc<dyn Fellowship>>;
/// Where they stand.
pub(crate) type TieSlot = ties::Slot<Arc<dyn AnyCell>, Arc<dyn Fellowship>>;
/// One who watches.
pub(crate) type Watcher = ties::Watcher<Arc<dyn AnyCell>>;

impl dyn AnyCell {
    pub(crate) fn id(&self) -> ActorId {
        self.core().id
    }

    pub(crate) fn env(&self) -> &Arc<Env> {
        &self.core().parent.env
    }

    pub(crate) fn path(&self) -> ActorPath {
        self.core().path(self.kind())
    }

    pub(crate) fn policy(&self) -> &Policy {
        self.core().own_policy().unwrap_or_else(|| self.default_policy())
    }

    /// The message type whose handler runs.
    pub(crate) fn in_hand(&self) -> Option<&'static str> {
        match self.core().in_hand.load(Ordering::Relaxed) & IN_HAND_TAG {
            0 => None,
            tag => Some(self.message_name(tag - 1)),
        }
    }

    /// Whether the message with this number waits in the mailbox, or is in hand.
    pub(crate) fn holds(&self, number: u64) -> bool {
        // Looked at first: what is in hand after that was taken after that.
        let turn = self.core().turn();
        let in_hand = || turn.is_some_and(|turn| turn.is_of(lane_of(number))) && !self.has_taken(number + 1);
        !self.has_taken(number) || in_hand()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.core().signals.any(Signals::ENDED)
    }
}

/// The bits of the word for what is in hand that hold the tag.
const IN_HAND_TAG: u32 = (1 << 28) - 1;

/// The bit beside the time for which a handler waits that says that asks of it are noted in the ties.
const ASKS: u64 = 1 << 63;

/// From where the message in hand was taken, as a bit beside its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It was the last ordinary one that was taken from the mailbox.
    Ordinary = 0,
    /// It was the last control message that was taken from the mailbox.
    Control = 1 << 28,
    /// It was not taken from the mailbox now.
    Apart = 1 << 29,
}

impl Turn {
    fn is_of(self, lane: Lane) -> bool {
        matches!((self, lane), (Turn::Ordinary, Lane::Ordinary) | (Turn::Control, Lane::Control))
    }
}

/// What an actor has of its own.
struct Own {
    name: Option<Arc<str>>,
    policy: Option<Box<Policy>>,
}

/// What every actor has, whatever its type. What its end and those who wait for that look at stands first, and together.
#[repr(C)]
pub(crate) struct Core {
    pub(crate) signals: Signals,
    /// The tag of the message in hand, plus one, and its turn; 0 between messages.
    in_hand: AtomicU32,
    pub(crate) ties: Mutex<TieSlot>,
    pub(crate) parent: Arc<Family>,
    pub(crate) id: ActorId,
    family: OnceLock<Arc<Family>>,
    /// What it has of its own, where most have what their type says.
    own: Option<Box<Own>>,
    /// Since when the handler in hand waits, in microseconds of the system's life; 0 if it does not. And whether it has [asks](ASKS) open.
    waits_since: AtomicU64,
    /// How often it has been restarted.
    incarnation: AtomicU32,
}

impl Core {
    pub(crate) fn new(id: ActorId, name: Option<Arc<str>>, parent: Arc<Family>, policy: Option<Box<Policy>>, signals: u32) -> Self {
        let own = (name.is_some() || policy.is_some()).then(|| Box::new(Own { name, policy }));
        Core {
            id,
            signals: Signals::new(signals),
            in_hand: AtomicU32::new(0),
            waits_since: AtomicU64::new(0),
            parent,
            family: OnceLock::new(),
            own,
            incarnation: AtomicU32::new(0),
            ties: Mutex::new(TieSlot::Empty(0)),
        }
    }

    pub(crate) fn path(&self, kind: &'static str) -> ActorPath {
        let segment = match self.name() {
            Some(name) => Segment::Named(name.clone()),
            None => Segment::Anonymous(kind, ActorId(shown(self.id.0))),
        };
        ActorPath { parent: Some(self.parent.node.clone()), segment }
    }

    /// What was decided for this actor alone.
    pub(crate) fn own_policy(&self) -> Option<&Policy> {
        self.own.as_ref()?.policy.as_deref()
    }

    /// Its name among its siblings.
    pub(crate) fn name(&self) -> Option<&Arc<str>> {
        self.own.as_ref()?.name.as_ref()
    }

    /// The children, if there ever were any.
    pub(crate) fn family(&self) -> Option<&Arc<Family>> {
        self.family.get()
    }

    /// The children; begins a family if there is none.
    pub(crate) fn family_or_begin(&self, cell: &Arc<dyn AnyCell>) -> &Arc<Family> {
        if self.family.get().is_none() {
            // Under the lock under which an actor at rest is marked as ending: it is seen there, or sees the mark.
            let _ties = lock(&self.ties);
            self.family.get_or_init(|| Family::of(cell));
        }
        self.family.get().expect("just begun")
    }

    /// Works on the ties.
    pub(crate) fn with_ties<R>(&self, work: impl FnOnce(&mut Ties) -> R) -> R {
        work(lock(&self.ties).held())
    }

    /// Works on the ties, if there are any.
    pub(crate) fn if_tied<R>(&self, work: impl FnOnce(&mut Ties) -> R) -> Option<R> {
        match &mut *lock(&self.ties) {
            TieSlot::Held(ties) => Some(work(ties)),
            _ => None,
        }
    }

    /// Looks at the ties, if there are any.
    pub(crate) fn peek_ties<R>(&self, look: impl FnOnce(&Ties) -> R) -> Option<R> {
        match &*lock(&self.ties) {
            TieSlot::Held(ties) => Some(look(ties)),
            _ => None,
        }
    }

    /// Gives the room of ties back of which nothing is left.
    pub(crate) fn tidy(&self) {
        lock(&self.ties).tidy();
    }

    /// The end, once it is published.
    pub(crate) fn exit(&self) -> Option<Arc<Exit>> {
        if !self.signals.any(Signals::ENDED) {
            return None;
        }
        lock(&self.ties).exit()
    }

    /// Whether this incarnation was asked to end, or has ended.
    pub(crate) fn is_stopping(&self) -> bool {
        self.signals.any(Signals::STOP | Signals::KILL | Signals::ABORT | Signals::ENDED)
    }

    /// Whether it takes messages: one that is restarted does so all the time.
    pub(crate) fn takes_messages(&self) -> bool {
        if self.is_final() { !self.is_stopping() } else { !self.signals.any(Signals::ENDED) }
    }

    /// Whether its incarnation goes on.
    pub(crate) fn goes_on(&self) -> bool {
        !self.signals.any(Signals::STOP | Signals::KILL | Signals::ABORT | Signals::FALLS | Signals::DOWN | Signals::ENDED)
    }

    /// Whether the next end is the last.
    pub(crate) fn is_final(&self) -> bool {
        let signals = self.signals.get();
        signals & (Signals::PERMANENT | Signals::TRANSIENT) == 0 || signals & Signals::FINAL != 0
    }

    /// Whether it is to be restarted once it has ended for this reason.
    pub(crate) fn is_restarted_after(&self, reason: &ExitReason) -> bool {
        let signals = self.signals.get();
        let first_start = signals & (Signals::AWAITED | Signals::STARTED) == Signals::AWAITED;
        let taken_along = signals & (Signals::BOUNCED | Signals::FINAL) == Signals::BOUNCED && reason.is_clean();
        (taken_along || self.may_be_restarted_after(reason)) && !first_start
    }

    /// Whether its restart type lets it be restarted after this reason. A first start that somebody waits for may still turn
    /// out either way, and decides then.
    pub(crate) fn may_be_restarted_after(&self, reason: &ExitReason) -> bool {
        let signals = self.signals.get();
        let declined = matches!(reason, ExitReason::StartFailed(StartFailure::Declined));
        let by_type = signals & Signals::PERMANENT != 0 || (signals & Signals::TRANSIENT != 0 && !reason.is_clean());
        by_type && !declined && signals & Signals::FINAL == 0
    }

    /// How often it has been restarted.
    pub(crate) fn incarnation(&self) -> u64 {
        u64::from(self.incarnation.load(Ordering::Acquire))
    }

    /// Counts one more. Under the lock of the ties.
    pub(super) fn next_incarnation(&self) {
        self.incarnation.fetch_add(1, Ordering::AcqRel);
    }

    /// Notes which message is in hand.
    pub(crate) fn begin(&self, tag: u16, turn: Turn) {
        // Pairs with the acquire in `turn`: whoever sees this sees what was taken before.
        self.in_hand.store((u32::from(tag) + 1) | turn as u32, Ordering::Release);
    }

    /// Notes that the message in hand is done.
    pub(crate) fn finish(&self) {
        self.in_hand.store(0, Ordering::Relaxed);
        let since = self.waits_since.load(Ordering::Relaxed);
        if since != 0 {
            self.waits_since.store(0, Ordering::Relaxed);
            if since & ASKS != 0 {
                self.waits_no_more();
            }
        }
    }

    /// What the handler has begun to ask and not awaited is carried on elsewhere, if at all, and the actor does not wait for it.
    #[cold]
    fn waits_no_more(&self) {
        let carried_on = self.if_tied(|ties| if ties.asks.is_empty() { Vec::new() } else { std::mem::take(&mut ties.asks) });
        drop(carried_on);
    }

    /// Enters an ask among those that the handler in hand awaits.
    pub(crate) fn open_ask(&self, target: Arc<dyn AnyCell>, number: u64, answer: Arc<dyn ties::Answer>) -> u64 {
        self.with_ties(|ties| {
            // Of two who enter one at the same time, at least one then sees that the other has.
            self.waits_since.fetch_or(ASKS, Ordering::SeqCst);
            ties.open_ask(target, number, answer)
        })
    }

    /// Whether the handler in hand awaits an ask, or room for what it tells.
    #[inline]
    pub(crate) fn asks_somebody(&self) -> bool {
        self.waits_since.load(Ordering::SeqCst) & ASKS != 0
    }

    /// Takes an ask out again, if its handler is not over.
    pub(crate) fn close_ask(&self, key: u64) {
        let closed = self.if_tied(|ties| {
            let place = ties.asks.iter().position(|ask| ask.key == key)?;
            let ask = ties.asks.swap_remove(place);
            if ties.asks.is_empty() {
                self.waits_since.fetch_and(!ASKS, Ordering::Relaxed);
            }
            Some(ask)
        });
        drop(closed);
    }

    /// The turn of the message in hand.
    pub(crate) fn turn(&self) -> Option<Turn> {
        match self.in_hand.load(Ordering::Acquire) {
            0 => None,
            word if word & Turn::Control as u32 != 0 => Some(Turn::Control),
            word if word & Turn::Apart as u32 != 0 => Some(Turn::Apart),
            _ => Some(Turn::Ordinary),
        }
    }

    /// Notes that the handler in hand has begun to wait.
    pub(crate) fn waits(&self) {
        if self.waits_since.load(Ordering::Relaxed) & !ASKS == 0 {
            self.waits_since.fetch_or(self.parent.env.clock_micros(), Ordering::Relaxed);
        }
    }

    /// How long the handler in hand has waited, as far as that is known.
    pub(crate) fn waiting_for(&self) -> Option<Duration> {
        match self.waits_since.load(Ordering::Relaxed) & !ASKS {
            0 => None,
            since => Some(Duration::from_micros(self.parent.env.clock_micros().saturating_sub(since))),
        }
    }

    /// When the actor was asked to stop, and by when it has to be done.
    pub(crate) fn order(&self) -> Option<(Instant, Option<Instant>)> {
        self.peek_ties(|ties| ties.order.map(|order| (order.at, order.deadline))).flatten()
    }

    /// By when the actor has to be done.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.order().and_then(|(_, deadline)| deadline)
    }
}

/// The children of one parent, in start order, and what they share: the path above them and the way up.
pub(crate) struct Family {
    pub(crate) env: Arc<Env>,
    pub(crate) names: Arc<Registry<Arc<dyn AnyCell>>>,
    /// The parent; the root of the tree has none.
    owner: Option<Weak<dyn AnyCell>>,
    pub(crate) owner_id: ActorId,
    /// How many actors stand above the children.
    pub(crate) depth: u32,
    /// The path of the parent, shared by all children.
    pub(crate) node: Arc<Node>,
    members: Mutex<Members>,
    /// Who decides what becomes of supervised children, if there are any.
    overseer: OnceLock<Arc<dyn Overseer>>,
}

#[derive(Default)]
struct Members {
    cells: Row<Arc<dyn AnyCell>>,
    /// Nothing is started any more.
    closed: bool,
    /// Who waits for children to end.
    waker: Option<Waker>,
    /// The end of the parent, which is published when the last child has gone.
    parents_end: Option<Box<(Exit, Option<Record>)>>,
}

/// The end of an actor, to be made known, and what is recorded of it.
pub(crate) type End = (Arc<dyn AnyCell>, Exit, Option<Record>);

impl Family {
    pub(crate) fn root(env: Arc<Env>) -> Arc<Family> {
        let names = Arc::new(Registry::new());
        Arc::new(Family {
            env,
            names,
            owner: None,
            owner_id: ActorId::ROOT,
            depth: 0,
            node: Node::root(),
            members: Mutex::default(),
            overseer: OnceLock::new(),
        })
    }

    pub(crate) fn of(owner: &Arc<dyn AnyCell>) -> Arc<Family> {
        Arc::new(Family {
            env: owner.env().clone(),
            names: owner.core().parent.names.clone(),
            owner: Some(Arc::downgrade(owner)),
            owner_id: owner.id(),
            depth: owner.core().parent.depth + 1,
            node: owner.path().node(),
            members: Mutex::default(),
            overseer: OnceLock::new(),
        })
    }

    /// The parent, if it is an actor and still there.
    pub(crate) fn owner(&self) -> Option<Arc<dyn AnyCell>> {
        self.owner.as_ref()?.upgrade()
    }

    /// Takes a new child in, unless the parent is stopping. `note` is called before anybody can end it.
    pub(crate) fn admit(&self, child: &Arc<dyn AnyCell>, note: impl FnOnce()) -> bool {
        let owner = self.owner();
        let mut members = lock(&self.members);
        // Looked at under the lock: who kills the parent marks it first and then asks for its children, so that a new
        // child either sees the mark or is seen.
        let refused = members.closed || (self.owner.is_some() && owner.is_none_or(|owner| owner.core().is_stopping()));
        if !refused {
            note();
            // It can be found by its name already, and so may have ended already; then nobody would take it out.
            if !child.has_ended() {
                members.cells.insert(child.id(), child.clone());
            }
        }
        !refused
    }

    /// Starts nothing any more.
    pub(crate) fn close(&self) {
        lock(&self.members).closed = true;
        if let Some(overseer) = self.overseer() {
            overseer.close();
        }
    }

    /// The parent begins anew: there may be children again.
    pub(crate) fn reopen(&self) {
        if let Some(overseer) = self.overseer() {
            overseer.reopen();
        }
        lock(&self.members).closed = false;
    }

    /// Who decides what becomes of supervised children.
    pub(crate) fn overseer(&self) -> Option<&Arc<dyn Overseer>> {
        self.overseer.get()
    }

    pub(crate) fn overseer_or_appoint(&self, appoint: impl FnOnce() -> Arc<dyn Overseer>) -> &Arc<dyn Overseer> {
        self.overseer.get_or_init(appoint)
    }

    /// The children, in start order.
    pub(crate) fn children(&self) -> Vec<Arc<dyn AnyCell>> {
        let mut children: Vec<_> = lock(&self.members).cells.iter().cloned().collect();
        if let Some(overseer) = self.overseer() {
            overseer.arrange(&mut children);
        }
        children
    }

    pub(crate) fn child(&self, id: ActorId) -> Option<Arc<dyn AnyCell>> {
        lock(&self.members).cells.get(id).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.members).cells.len()
    }

    /// Forgets a child that has ended. If that was the last one for which the parent's end waited, returns it.
    pub(crate) fn remove(&self, id: ActorId) -> Option<End> {
        let (removed, waker, parents_end) = {
            let mut members = lock(&self.members);
            let removed = members.cells.remove(id);
            let parents_end = if members.cells.is_empty() { members.parents_end.take() } else { None };
            (removed, members.waker.take(), parents_end)
        };
        drop(removed);
        if let Some(waker) = waker {
            wake(waker);
        }
        let (exit, record) = *parents_end?;
        Some((self.owner()?, exit, record))
    }

    /// Leaves the parent's end to be published by the last child; gives it back if there is none.
    pub(crate) fn leave_end(&self, end: Box<(Exit, Option<Record>)>) -> Result<(), Box<(Exit, Option<Record>)>> {
        let mut members = lock(&self.members);
        members.closed = true;
        if members.cells.is_empty() {
            return Err(end);
        }
        members.parents_end = Some(end);
        Ok(())
    }

    /// Waits until `done` says so; asked again whenever a child has gone.
    pub(crate) fn poll_change(&self, cx: &mut Context<'_>, done: &dyn Fn() -> bool) -> Poll<()> {
        if done() {
            return Poll::Ready(());
        }
        let old = lock(&self.members).waker.replace(cx.waker().clone());
        drop(old);
        // Asked again after the waker stands, so that no change falls between the two.
        if done() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Whether the parent wants to hear of its children.
    pub(crate) fn listener(&self) -> Option<Arc<dyn AnyCell>> {
        self.owner().filter(|owner| owner.core().signals.any(Signals::TRAPS))
    }
}
