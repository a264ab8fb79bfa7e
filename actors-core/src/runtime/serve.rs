//! The loop of an actor: its start, its messages, and what is more urgent than they.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{self, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::failing::failure_of;
use super::fault;
use super::life::{AnyLife, Called, Common, HAS_STATE, Hook, InHand, Life, Over, over_after, see_through};
use super::turn::Outcome;
use super::watch::{Watched, discard, watch};
use crate::actor::{Actor, Put, at_once};
use crate::lifecycle::cell::{AnyCell, Turn};
use crate::lifecycle::current::beside;
use crate::lifecycle::event::{Event, Exited, News};
use crate::lifecycle::exit::{BoxError, ExitReason, StartFailure};
use crate::lifecycle::linger::linger;
use crate::lifecycle::panic::guard;
use crate::lifecycle::signal::Signals;
use crate::mailbox::Refill;
use crate::sync::wake_all;
use crate::telemetry::{self, Scope};
use crate::time::after;

/// After how many messages an actor lets others run, unless they took next to no time.
pub(super) const TURN: u32 = 64;
/// How many times as long a turn is at most.
const LONGEST: u32 = 8;
/// What is next to no time for a [`TURN`].
const QUICK: Duration = Duration::from_micros(25);

/// Handles messages, and what is more urgent, until there is a reason to end.
///
/// What may wait is a future of its own. Of all others there is none: their rounds are taken here, which is compiled once.
pub(super) async fn serve(life: &mut dyn AnyLife) -> Over {
    loop {
        let served = match life.serve() {
            Some(serving) => Some(see_out(serving).await),
            None => None,
        };
        if let Some(caught) = served {
            return caught.unwrap_or_else(|reason| {
                life.skip_unreadable();
                life.common().crashed(reason)
            });
        }
        let outcome = poll_fn(|cx| match life.take_round(cx) {
            Some(Outcome::Sleep) => Poll::Pending,
            outcome => Poll::Ready(outcome),
        });
        match outcome.await {
            Some(Outcome::Yield) => tokio::task::yield_now().await,
            // Something strikes at messages, and may have to wait.
            Some(Outcome::Task) => {}
            _ => return life.common().take_over().unwrap_or(Over::Asked),
        }
    }
}

/// Waits for what may panic.
async fn see_out(mut serving: Pin<Box<dyn Future<Output = Over> + Send + '_>>) -> Result<Over, ExitReason> {
    poll_fn(|cx| match guard(|| serving.as_mut().poll(cx)) {
        Ok(Poll::Ready(over)) => Poll::Ready(Ok(over)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(reason) => Poll::Ready(Err(reason)),
    })
    .await
}

impl<A: Actor> Life<A> {
    /// What an actor does that may have to wait.
    pub(super) async fn go_round(&mut self) -> Over {
        let cut = self.common.cut();
        let mut left = TURN;
        let mut turn = LongTurn::default();
        loop {
            // What has to wait for something, or needs more than its handler.
            let in_hand = if let Some(tag) = self.plain_ahead() {
                // What `handle` does, without what a plain message does not need, and in one piece with the loop, so that a handler
                // costs little more than a call: it takes its message right from where that stands. A panic ends this future, and is
                // caught outside.
                {
                    let Life { actor, ctx, cell, batch, common, .. } = &mut *self;
                    let actor = actor.as_mut().expect(HAS_STATE);
                    cell.core().begin(tag, Turn::Ordinary);
                    let mut handler = pin!(Some(actor.handle(cell.mailbox.take(batch).expect("it was seen"), ctx)));
                    // Written only if it is not the most frequent, for the reason that `Next` has.
                    let mut first = None;
                    poll_fn(|cx| {
                        let polled = handler.as_mut().as_pin_mut().expect("just made").poll(cx);
                        if !matches!(polled, Poll::Ready(Ok(()))) {
                            first = Some(polled);
                        }
                        Poll::Ready(())
                    })
                    .await;
                    if first.is_none() {
                        // Its destructor may panic, and is its own.
                        handler.set(None);
                        cell.core().finish();
                    } else {
                        batch.stays_awake();
                        let span = common.message_span(tag);
                        let seen = see_through(handler, first.map(Ok), &span, &common.any, batch.admitted(), tag, cut).await;
                        if let Err(over) = seen {
                            return over;
                        }
                    }
                }
                self.note_activity(tag);
                None
            } else {
                let mut next = Next::Nothing;
                self.next(&mut left, &mut next);
                if let Next::Nothing = next {
                    // A wait that was none is no rest for the others.
                    let mut slept = false;
                    poll_fn(|cx| {
                        let looked = self.poll_messages(cx);
                        slept |= looked.is_pending();
                        looked
                    })
                    .await;
                    if slept {
                        (left, turn) = (TURN, LongTurn::default());
                    }
                }
                match next {
                    Next::Message(message) => Some(InHand::new(message, Turn::Ordinary)),
                    Next::Urgent => match self.urgent() {
                        Urgent::Message(message) => Some(message),
                        Urgent::Exit(exited) => match tell_of_exit_in_box(self, exited, cut).await {
                            Ok(()) => None,
                            Err(over) => return over,
                        },
                        Urgent::Nothing => None,
                        Urgent::Over(over) => return over,
                    },
                    Next::Failed(error) => match self.common.failed(error) {
                        Ok(()) => None,
                        Err(over) => return over,
                    },
                    Next::Nothing => None,
                }
            };
            if let Some(in_hand) = in_hand {
                self.batch.stays_awake();
                if let Err(over) = self.handle(in_hand, cut).await {
                    return over;
                }
            }
            left -= 1;
            if left == 0 {
                if !turn.goes_on() {
                    self.batch.stays_awake();
                    tokio::task::yield_now().await;
                    turn = LongTurn::default();
                }
                left = TURN;
            }
        }
    }

    /// The tag of the next message, if it needs nothing but its handler, which may wait, and nothing comes before it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn plain_ahead(&self) -> Option<u16> {
        if const { A::AT_ONCE } {
            return None;
        }
        let message = self.batch.peek()?;
        let comes_first = self.core().signals.any(Signals::URGENT) || self.due_at != u64::MAX;
        if comes_first || !self.is_plain(message) { None } else { Some(A::tag(message)) }
    }

    /// Something has panicked: if that was what says which message is the next, and by when it is to be handled, which may be the user's
    /// own, that message is taken, so that no other life meets it again, and the one before is not to blame.
    #[cold]
    pub(super) fn take_unreadable(&mut self) {
        let unreadable = |message| guard(|| (A::deadline(message), A::tag(message))).is_err();
        if self.batch.peek().is_some_and(unreadable) {
            self.core().finish();
            let message = self.cell.mailbox.take(&mut self.batch);
            // One panic is told of.
            let _ = guard(|| drop(message));
        }
    }

    /// Finds out what is to be done next. Does it, one message after the other, as long as that can be done at once; the
    /// last of the turn is left to the caller.
    pub(super) fn next(&mut self, left: &mut u32, next: &mut Next<A::Msg>) {
        if const { A::AT_ONCE } {
            while !self.batch.is_empty() && self.due_at == u64::MAX && !self.looks_at_messages() {
                if self.handle_many(left, next) {
                    return;
                }
            }
        }
        // Looked at before every message, so that all that is urgent comes first, and not only the first of it.
        if self.core().signals.any(Signals::URGENT) || (self.due_at != u64::MAX && self.cell.mailbox.passed(&self.batch) >= self.due_at) {
            *next = Next::Urgent;
        } else if let Some(message) = self.cell.mailbox.take(&mut self.batch) {
            *next = Next::Message(message);
        }
    }

    /// What [`next`](Self::next) does for an actor whose handlers never wait, while nobody looks at its messages. In one piece, with all
    /// that stays the same from one message to the next at hand. Says whether `next` is known, or else whether that has changed.
    fn handle_many(&mut self, left: &mut u32, next: &mut Next<A::Msg>) -> bool {
        let Life { actor, ctx, cell, batch, common, .. } = self;
        let (core, actor) = (cell.core(), actor.as_mut().expect(HAS_STATE));
        let mut messages = cell.mailbox.taking(batch);
        let mut more = *left;
        let is_known = loop {
            if core.signals.any(Signals::URGENT) {
                *next = Next::Urgent;
                break true;
            }
            if fault::threatens_messages(&common.any) {
                break false;
            }
            let Some(message) = messages.peek() else { break true };
            if more <= 1 || A::deadline(message).is_some() {
                *next = messages.take().map_or(Next::Nothing, Next::Message);
                break true;
            }
            let tag = A::tag(message);
            let Some(message) = messages.take() else { break true };
            core.begin(tag, Turn::Ordinary);
            if let Err(error) = at_once(actor.handle(message, ctx)) {
                // It stays in hand, so that it is known which it was.
                next.fails(error);
                return true;
            }
            more -= 1;
            if ctx.has_sources() {
                ctx.note_activity(tag);
                break false;
            }
        };
        core.finish();
        *left = more;
        is_known
    }

    /// Waits until there are messages, or something urgent.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn poll_messages(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        // Asked here, in one piece with the loop.
        if self.batch.falls_asleep() { self.note_idle() } else { self.look_for_messages(cx) }
    }

    fn look_for_messages(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        let urgent = self.cell.core().signals.bits(Signals::URGENT);
        match self.cell.mailbox.poll_refill(&mut self.batch, cx, &urgent) {
            Poll::Ready(Refill::Messages | Refill::Urgent) => Poll::Ready(()),
            Poll::Pending => self.note_idle(),
        }
    }

    /// Has it noted that the task sleeps, which it does only if nothing of its own is due.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn note_idle(&self) -> Poll<()> {
        debug_assert!(!self.core().signals.any(Signals::RELEASED), "what was released is handled first");
        debug_assert!(self.due_at == u64::MAX || self.cell.mailbox.passed(&self.batch) < self.due_at, "what is due is told first");
        if !self.core().signals.any(Signals::LISTED) && self.may_rest() {
            linger(&self.common.any);
        }
        Poll::Pending
    }

    /// Looks at what is urgent, and says what of it is to be done first.
    pub(super) fn urgent(&mut self) -> Urgent<A::Msg> {
        self.batch.stays_awake();
        let signals = self.core().signals.get();
        if signals & (Signals::STOP | Signals::KILL) != 0 || (signals & Signals::REST != 0 && self.lie_down()) {
            return Urgent::Over(Over::Asked);
        }
        if let Some(exit) = self.common.next_exit(&mut self.due_at) {
            return self.heard(exit);
        }
        if let Some(message) = self.overtaking() {
            return Urgent::Message(message);
        }
        // Last, so that what was sent before the end of the other comes before the notice of it.
        match self.common.next_notice(&mut self.due_at, self.cell.mailbox.passed(&self.batch)) {
            Some(notice) => self.heard(notice),
            None => Urgent::Nothing,
        }
    }

    /// Takes the message that comes before those in the mailbox, if there is one.
    pub(super) fn overtaking(&mut self) -> Option<InHand<A::Msg>> {
        let signals = self.core().signals.get();
        if signals & Signals::CONTROL != 0 {
            if let Some(message) = self.cell.take_control() {
                return Some(InHand::new(message, Turn::Control));
            }
        }
        if signals & Signals::RELEASED != 0 {
            if let Some(Put { message, asker }) = self.ctx.next_released() {
                return Some(InHand::released(message, asker));
            }
        }
        None
    }

    /// What is to be done about the end of another, or a source of its own that may have something.
    fn heard(&mut self, event: Event) -> Urgent<A::Msg> {
        match event.news {
            News::Ready(key) => {
                let Life { ctx, common, .. } = self;
                let mut polled = Ok(None);
                common.span.run(&mut || polled = beside(|| ctx.poll_source(key)));
                match polled {
                    Ok(Some(found)) => Urgent::Message(InHand::found(found, key)),
                    Ok(None) => Urgent::Nothing,
                    Err(reason) => Urgent::Over(Over::Because(reason)),
                }
            }
            News::Exited(exited) if const { A::HOOKS.exited } => Urgent::Exit(exited),
            News::Exited(_) => Urgent::Nothing,
        }
    }
}

/// What is urgent.
pub(super) enum Urgent<M> {
    Message(InHand<M>),
    /// Another actor has ended, and the hook wants to know.
    Exit(Box<Exited>),
    Nothing,
    Over(Over),
}

/// Runs the `started` hook.
pub(super) async fn start(life: &mut dyn AnyLife) -> Result<(), Over> {
    life.common().may_start()?;
    let Called { work, first, common, admitted } = life.call(Hook::Started);
    let limit = common.any.policy().start_limit();
    let until = limit.map(|limit| after(Instant::now(), limit));
    let outcome = {
        let mut hook = pin!(work);
        let mut outcome = watch(hook.as_mut(), &common.span, &common.any, admitted, common.cut(), until, first).await;
        if matches!(outcome, Watched::Cut) && common.drains_first() {
            outcome = watch(hook.as_mut(), &common.span, &common.any, admitted, Signals::KILL, until, None).await;
        }
        let broken = discard(hook, outcome.is_cut_short());
        broken.map_or(outcome, Watched::Panicked)
    };
    common.started(outcome, limit)
}

/// A call of the `exited` hook, made where it is compiled once.
fn tell_of_exit_in_box(
    life: &mut dyn AnyLife,
    exited: Box<Exited>,
    cut: u32,
) -> Pin<Box<dyn Future<Output = Result<(), Over>> + Send + '_>> {
    Box::pin(tell_of_exit(life, exited, cut))
}

/// Runs the `exited` hook.
async fn tell_of_exit(life: &mut dyn AnyLife, exited: Box<Exited>, cut: u32) -> Result<(), Over> {
    let Called { work, first, common, admitted } = life.call(Hook::Exited(exited));
    let mut hook = pin!(work);
    let outcome = watch(hook.as_mut(), &common.span, &common.any, admitted, cut, None, first).await;
    let broken = discard(hook, outcome.is_cut_short());
    common.core().finish();
    over_after(common.core(), outcome, broken)
}

impl Common {
    /// Whether the actor starts: not if it was asked to end before.
    pub(super) fn may_start(&self) -> Result<(), Over> {
        let asked = self.core().signals.any(Signals::STOP | Signals::KILL) && !self.drains_first();
        if asked { Err(Over::Asked) } else { Ok(()) }
    }

    /// Whether an actor that was asked to end starts all the same: stop beats start, but for a drain, since what was accepted can be
    /// handled only by an actor that has started.
    fn drains_first(&self) -> bool {
        self.core().signals.get() & (Signals::DRAIN | Signals::KILL) == Signals::DRAIN && self.any.queued() > 0
    }

    /// Makes known what the `started` hook has come to, which was to take no longer than `limit`.
    pub(super) fn started(&self, outcome: Watched, limit: Option<Duration>) -> Result<(), Over> {
        let core = self.core();
        core.finish();
        let failure = match outcome {
            Watched::Done(Ok(())) if core.signals.any(Signals::DECLINED) => StartFailure::Declined,
            Watched::Done(Ok(())) => {
                // Before it is known: whoever waits for the start finds it in the log.
                self.any.env().kit.started(&self.any);
                core.signals.set(Signals::STARTED);
                wake_all(core.if_tied(|ties| ties.waiters.take()).unwrap_or_default());
                telemetry::started(&self.any);
                if let Some(overseer) = core.parent.overseer().filter(|_| core.signals.any(Signals::SUPERVISED)) {
                    overseer.ready(&self.any);
                }
                return Ok(());
            }
            Watched::Done(Err(error)) => StartFailure::Failed(failure_of(core, error).err().ok_or(Over::Asked)?),
            Watched::Panicked(ExitReason::Panicked { message, location }) => StartFailure::Panicked { message, location },
            Watched::Panicked(_) | Watched::Cut => return Err(Over::Asked),
            Watched::TimedOut => StartFailure::TimedOut(limit.unwrap_or_default()),
        };
        Err(Over::Because(ExitReason::StartFailed(failure)))
    }

    /// Takes the next exit of a link, a child or a group, or what else is due at once, and notes when the next notice is due.
    fn next_exit(&self, due_at: &mut u64) -> Option<Event> {
        let core = self.any.core();
        if !core.signals.any(Signals::EVENTS) && *due_at != 0 {
            return None;
        }
        core.with_ties(|ties| {
            core.signals.clear(Signals::EVENTS);
            let exit = ties.next_exit();
            *due_at = ties.next_event_due();
            exit
        })
    }

    /// Takes the next notice of a monitor if it is due after so many messages.
    fn next_notice(&self, due_at: &mut u64, passed: u64) -> Option<Event> {
        if *due_at > passed {
            return None;
        }
        self.core().with_ties(|ties| {
            let notice = ties.next_notice(passed);
            *due_at = ties.next_event_due();
            notice
        })
    }
}

/// A turn that goes on while messages take next to no time: a yield costs as much as many of them, and whoever sends would get
/// further and further ahead.
#[derive(Default)]
pub(super) struct LongTurn {
    /// How many times it has gone on, and since when.
    times: u32,
    since: Option<Instant>,
}

impl LongTurn {
    /// Whether it goes on by another [`TURN`].
    pub(super) fn goes_on(&mut self) -> bool {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        self.times += 1;
        self.times < LONGEST && now - since <= QUICK * (self.times - 1)
    }
}

/// What the loop does next. It is written where the loop reads it, and only if there is something: to return it would be to write it in
/// parts and to read it at once as a whole, which a processor does not like.
pub(super) enum Next<M> {
    Urgent,
    Message(M),
    /// A message was handled, and this came of it.
    Failed(BoxError),
    Nothing,
}

impl<M> Next<M> {
    /// A message that is still to be handled, or what came of one.
    pub(super) fn of(message: Option<M>, error: Option<BoxError>) -> Self {
        let failed = error.map_or(Next::Nothing, Next::Failed);
        message.map_or(failed, Next::Message)
    }

    #[cold]
    #[inline(never)]
    fn fails(&mut self, error: BoxError) {
        *self = Next::Failed(error);
    }
}
