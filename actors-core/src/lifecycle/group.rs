//! Peer groups: actors that live and die together, with one cleanup after the last of them.

use std::sync::Arc;

use super::cell::{AnyCell, Fellowship};
use super::event::{Event, Exited, GroupReport, Tie};
use super::exit::{Exit, ExitReason};
use super::id::ActorId;
use super::panic;
use super::path::ActorPath;
use super::request::{self, Mode};
use super::signal::Signals;
use crate::sync::{Mutex, lock};

type Cleanup = Box<dyn FnOnce(GroupReport) + Send>;

pub(crate) struct Group {
    name: Arc<str>,
    /// The actor that opened the group.
    owner: Arc<dyn AnyCell>,
    /// The life of the owner to which the group belongs.
    incarnation: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    live: Vec<Arc<dyn AnyCell>>,
    ended: Vec<(ActorId, ActorPath, ExitReason)>,
    cleanups: Vec<Cleanup>,
    /// The last member has ended.
    report: Option<GroupReport>,
}

impl Group {
    pub(crate) fn new(name: Arc<str>, owner: Arc<dyn AnyCell>) -> Arc<Group> {
        Arc::new(Group { name, incarnation: owner.core().incarnation(), owner, state: Mutex::default() })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Takes a member in. A group of which a member has ended takes nobody any more; one that has ended already is the
    /// first to end.
    pub(crate) fn join(self: &Arc<Self>, cell: &Arc<dyn AnyCell>) -> bool {
        // Entered on both sides under the member's lock, so that an end falls either before or after.
        let joined = cell.core().with_ties(|ties| {
            let mut state = lock(&self.state);
            if !state.ended.is_empty() {
                return Joined::TooLate;
            }
            if let Some(exit) = &ties.exit {
                return Joined::Dead(Box::new(self.note_end(&mut state, cell, exit)), exit.clone());
            }
            if !state.live.iter().any(|member| member.id() == cell.id()) {
                state.live.push(cell.clone());
                ties.groups.push(self.clone());
            }
            Joined::Alive
        });
        match joined {
            Joined::TooLate => false,
            Joined::Dead(fallout, exit) => {
                self.act_on(*fallout, cell, &exit);
                true
            }
            Joined::Alive => {
                if !is_below(cell, &self.owner) {
                    self.tie_to_owner();
                }
                true
            }
        }
    }

    /// The owner brings down those who stand below it; for others, the group does when the owner has ended.
    fn tie_to_owner(self: &Arc<Self>) {
        let ended = self.owner.core().with_ties(|ties| {
            if ties.exit.is_none() {
                let group: Arc<dyn Fellowship> = self.clone();
                if !ties.groups.iter().any(|known| Arc::ptr_eq(known, &group)) {
                    ties.groups.push(group);
                }
            }
            ties.exit.clone()
        });
        if let Some(exit) = ended {
            self.bring_down(&self.live(), &self.owner, &exit);
        }
    }

    /// Runs `cleanup` once, after the last member has ended; at once if that has been.
    pub(crate) fn on_end(&self, cleanup: Cleanup) {
        let report = {
            let mut state = lock(&self.state);
            match &state.report {
                Some(report) => report.clone(),
                None => {
                    state.cleanups.push(cleanup);
                    return;
                }
            }
        };
        self.clean_up(cleanup, report);
    }

    /// The members that have not ended. Copied out, since an idle one may end here and now when it is asked to, and then
    /// needs the lock.
    fn live(&self) -> Vec<Arc<dyn AnyCell>> {
        lock(&self.state).live.clone()
    }

    /// Stops all members.
    pub(crate) fn stop(&self) {
        for member in self.live() {
            member.bring_down(ExitReason::Shutdown, Mode::AsPolicy);
        }
    }

    /// The owner is tied to its group: one that traps exits hears of the end, any other ends too.
    fn tell_owner(&self, id: ActorId, report: GroupReport) {
        if self.owner.core().incarnation() != self.incarnation {
            return;
        }
        let (path, reason) = report.first.clone();
        if self.owner.core().signals.any(Signals::TRAPS) {
            let exited = Exited { id, path, reason, tie: Tie::Group(report) };
            request::deliver(&self.owner, Event::exited(exited));
        } else if self.owner.core().is_stopping() {
            // It brought its members down, or ends beside them: nothing of that is a wish of its own.
        } else if reason.is_clean() {
            request::stop(&self.owner, ExitReason::Normal, Mode::AsPolicy, None);
        } else {
            request::stop(&self.owner, reason.spread(path), Mode::Now, None);
        }
    }

    fn clean_up(&self, cleanup: Cleanup, report: GroupReport) {
        let failed = self.owner.env().within(|| panic::guard(|| cleanup(report))).err();
        let Some(reason) = failed else { return };
        if request::fail(&self.owner, self.incarnation, reason.clone()) {
            self.owner.env().note_failure(self.owner.path(), reason);
        }
    }

    /// Enters the end of a member, and says what follows from it.
    fn note_end(&self, state: &mut State, member: &Arc<dyn AnyCell>, exit: &Exit) -> Fallout {
        state.live.retain(|live| live.id() != member.id());
        state.ended.push((member.id(), member.path(), exit.reason.clone()));
        let peers = if state.ended.len() == 1 { state.live.clone() } else { Vec::new() };
        let finished = state.live.is_empty().then(|| {
            let members: Vec<_> = state.ended.iter().map(|(_, path, reason)| (path.clone(), reason.clone())).collect();
            let report = GroupReport { name: self.name.clone(), first: members[0].clone(), members };
            state.report = Some(report.clone());
            (state.ended[0].0, report, std::mem::take(&mut state.cleanups))
        });
        Fallout { peers, finished }
    }

    /// Does what follows from the end of a member.
    fn act_on(&self, fallout: Fallout, member: &Arc<dyn AnyCell>, exit: &Exit) {
        let Fallout { mut peers, finished } = fallout;
        if self.owner.core().is_stopping() {
            // It brings down those below it itself, in order.
            peers.retain(|peer| !is_below(peer, &self.owner));
        }
        self.bring_down(&peers, member, exit);
        if let Some((id, report, cleanups)) = finished {
            self.owner.core().with_ties(|ties| ties.groups.retain(|known| !std::ptr::addr_eq(Arc::as_ptr(known), self)));
            for cleanup in cleanups {
                self.clean_up(cleanup, report.clone());
            }
            self.tell_owner(id, report);
        }
    }

    /// Stops `members` because `ended` has ended.
    fn bring_down(&self, members: &[Arc<dyn AnyCell>], ended: &Arc<dyn AnyCell>, exit: &Exit) {
        for member in members {
            if exit.reason.is_clean() {
                member.clone().bring_down(ExitReason::Shutdown, Mode::AsPolicy);
            } else {
                member.clone().bring_down(exit.reason.spread(ended.path()), Mode::Now);
            }
        }
    }
}

impl Fellowship for Group {
    fn member_ended(&self, member: &Arc<dyn AnyCell>, exit: &Exit) {
        let fallout = {
            let mut state = lock(&self.state);
            let is_member = state.live.iter().any(|live| live.id() == member.id());
            is_member.then(|| self.note_end(&mut state, member, exit)).ok_or_else(|| state.live.clone())
        };
        match fallout {
            Ok(fallout) => self.act_on(fallout, member, exit),
            // It was the owner.
            Err(left) => self.bring_down(&left, member, exit),
        }
    }
}

/// How a join came out.
enum Joined {
    Alive,
    Dead(Box<Fallout>, Arc<Exit>),
    TooLate,
}

/// What follows from the end of a member.
struct Fallout {
    /// Those who are to end because it was the first.
    peers: Vec<Arc<dyn AnyCell>>,
    /// It was the last: the first to end, the report, and what is to be done.
    finished: Option<(ActorId, GroupReport, Vec<Cleanup>)>,
}

/// Whether `cell` stands below `above` in their tree.
fn is_below(cell: &Arc<dyn AnyCell>, above: &Arc<dyn AnyCell>) -> bool {
    let mut parent = cell.core().parent.owner();
    while let Some(cell) = parent {
        if Arc::ptr_eq(&cell, above) {
            return true;
        }
        parent = cell.core().parent.owner();
    }
    false
}
