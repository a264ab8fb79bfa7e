//! Children that are at rest, and whole subtrees of them: how they end in order without a task each, and without a deep stack.

use std::sync::Arc;

use tokio::time::Instant;

use super::rest::{close_at_rest, end_closed, end_one_at_rest};
use crate::lifecycle::cell::{AnyCell, Family};
use crate::lifecycle::exit::ExitReason;
use crate::lifecycle::request;

/// How many actors are ended before others get their turn.
const AT_ONCE: u32 = 128;

/// Ends `children`, of `family`, from the last on, for as long as they and all below them are at rest: it takes no time, so
/// nothing has to be known of limits. Returns those that are left, from the first that is not at rest.
///
/// Those of one parent that end side by side end like that too: whoever is at rest keeps nobody waiting.
///
/// Dropped on the way, it leaves those that it has begun to end to tasks.
pub(super) async fn end_those_at_rest(family: &Arc<Family>, children: Vec<Arc<dyn AnyCell>>) -> Vec<Arc<dyn AnyCell>> {
    let mut path = Path(vec![Level { family: family.clone(), children, parent: None }]);
    while path.go_on() {
        tokio::task::yield_now().await;
    }
    path.left()
}

/// The way down to who is to end next.
struct Path(Vec<Level>);

/// Siblings on that way.
struct Level {
    family: Arc<Family>,
    /// Those that are left, the first to end last.
    children: Vec<Arc<dyn AnyCell>>,
    /// Their parent, which is closed, and since when; that of the uppermost goes on by itself.
    parent: Option<(Arc<dyn AnyCell>, Instant)>,
}

impl Level {
    /// Takes out who is to end next of those that have not left the family.
    fn next(&mut self) -> Option<Arc<dyn AnyCell>> {
        loop {
            let child = self.children.pop()?;
            if !child.has_ended() || self.family.child(child.id()).is_some() {
                return Some(child);
            }
        }
    }
}

impl Path {
    /// Ends as many actors as may be ended at once. Says whether there is more to do here.
    fn go_on(&mut self) -> bool {
        let Some(level) = self.0.first() else { return false };
        let runtime = level.family.env.runtime.clone();
        let _within = runtime.enter();
        // One look at the clock serves for as many as take no time that anybody would notice.
        let mut clock = Instant::now();
        (0..AT_ONCE).all(|_| self.step(&mut clock))
    }

    /// Ends one actor, or begins to. Says whether there is more to do here.
    fn step(&mut self, clock: &mut Instant) -> bool {
        let Some(level) = self.0.last_mut() else { return false };
        let Some(child) = level.next() else {
            let ends = level.parent.as_ref().is_some_and(|(parent, asked_at)| end_closed(parent, *asked_at, clock));
            if ends {
                self.0.pop();
            }
            return ends;
        };
        if end_one_at_rest(child.clone(), &ExitReason::Shutdown, Some(clock)) {
            return true;
        }
        match child.core().family().filter(|_| close_at_rest(&child)).cloned() {
            Some(family) => self.0.push(Level { children: family.children(), family, parent: Some((child, *clock)) }),
            None => {
                level.children.push(child);
                return false;
            }
        }
        true
    }

    /// Those of the uppermost that are left. Where one of them has begun to end, a task goes on.
    fn left(mut self) -> Vec<Arc<dyn AnyCell>> {
        let begun = self.0.get(1).and_then(|level| level.parent.as_ref()).map(|(child, _)| child.clone());
        let mut left = self.0.first_mut().map(|level| std::mem::take(&mut level.children)).unwrap_or_default();
        left.extend(begun);
        left
    }
}

impl Drop for Path {
    /// Tasks go on where this has stopped.
    fn drop(&mut self) {
        for (parent, asked_at) in self.0.drain(..).filter_map(|level| level.parent) {
            request::retire_in_task(parent, asked_at);
        }
    }
}
