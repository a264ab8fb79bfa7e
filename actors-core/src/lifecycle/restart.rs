//! How one incarnation of an actor gives way to the next: what goes, what stays, and who is told.

use std::sync::Arc;

use super::cell::AnyCell;
use super::event::{Event, News, Tie};
use super::exit::Exit;
use super::signal::Signals;

/// An incarnation has ended, and all that was its own is gone. Leaves the actor between two incarnations, for its overseer
/// to decide; gives the exit back if it was asked to end for good meanwhile.
pub(crate) fn go_down(cell: &Arc<dyn AnyCell>, exit: Exit) -> Result<(), Exit> {
    let core = cell.core();
    let Some(overseer) = core.parent.overseer() else { return Err(exit) };
    let left = core.with_ties(|ties| {
        // Whoever asks for the end from now on sees that nothing runs, and makes it known itself.
        if ties.claimed || core.is_final() {
            return None;
        }
        // Before anybody can bring it back: whoever reads the log finds the steps in order.
        cell.env().kit.down(cell, &exit.reason);
        ties.down = Some(Box::new(exit.clone()));
        core.signals.set(Signals::DOWN);
        Some(())
    });
    if left.is_none() {
        return Err(exit);
    }
    overseer.down(cell, &exit);
    Ok(())
}

/// Ends an actor that is down, for the reason for which its last incarnation ended. It is claimed then, and whoever gets the
/// exit makes it known.
pub(crate) fn expire(cell: &Arc<dyn AnyCell>) -> Option<Exit> {
    let core = cell.core();
    core.with_ties(|ties| {
        let exit = ties.down.take_if(|_| !ties.claimed)?;
        ties.claimed = true;
        core.signals.set(Signals::FINAL | Signals::STOP);
        Some(*exit)
    })
}

/// Begins the next incarnation of an actor that is down, with the given signals set; says whether it did. Mailbox, queue,
/// name, links and monitors are as they were.
pub(crate) fn begin_incarnation(cell: &Arc<dyn AnyCell>, signals: u32) -> bool {
    let core = cell.core();
    if !core.peek_ties(|ties| ties.down.is_some()).unwrap_or(false) {
        return false;
    }
    if let Some(family) = core.family() {
        family.reopen();
    }
    let stale = core.with_ties(|ties| {
        let down = ties.down.take_if(|_| !ties.claimed)?;
        core.next_incarnation();
        let stale: Vec<_> = ties.take_events(is_of_incarnation);
        let old = (down, ties.cause.take(), ties.token.take(), std::mem::take(&mut ties.asks), stale);
        ties.order = None;
        ties.limit = None;
        // What outlived the old incarnation after a kill is not waited for again.
        let work = (std::mem::take(&mut ties.helpers), std::mem::take(&mut ties.failed_work));
        ties.blocking = 0;
        core.signals.clear(Signals::OF_INCARNATION);
        // Exits that are due wait for the loop to look at them.
        core.signals.set(signals | if ties.next_event_due() == u64::MAX { 0 } else { Signals::EVENTS });
        Some((old, work))
    });
    if stale.is_some() {
        cell.env().forgive_below(&cell.path());
    }
    stale.is_some()
}

/// What is known of children, groups and sources of the old incarnation does not concern the new one.
fn is_of_incarnation(event: &Event) -> bool {
    match &event.news {
        News::Exited(exited) => matches!(exited.tie, Tie::Child | Tie::Group(_)),
        News::Ready(_) => true,
    }
}
