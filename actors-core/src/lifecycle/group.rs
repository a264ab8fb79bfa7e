//! Peer groups: actors that live and die together, with one cleanup after the last of them.

use std::sync::{Arc, Mutex};

use super::cell::{AnyCell, Fellowship};
use super::event::{Event, Exited, GroupReport, Tie};
use super::exit::{Exit, ExitReason};
use super::id::ActorId;
use super::panic;
use super::path::ActorPath;
use super::request::{self, Mode};
use super::signal::Signals;
use crate::sync::lock;

type Cleanup = Box<dyn FnOnce(GroupReport) + Send>;

pub(crate) struct Group {
    name: Arc<str>,
    /// The actor that opened the group.
    owner: Arc<dyn AnyCell>,
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
        Arc::new(Group { name, owner, state: Mutex::default() })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Takes a member in. A group of which a member has ended takes nobody any more.
    pub(crate) fn join(self: &Arc<Self>, cell: &Arc<dyn AnyCell>) -> bool {
        // Entered on both sides under the member's lock, so that an end falls either before or after.
        cell.core().with_ties(|ties| {
            if ties.exit.is_some() {
                return false;
            }
            let mut state = lock(&self.state);
            if !state.ended.is_empty() || state.live.iter().any(|member| member.id() == cell.id()) {
                return state.ended.is_empty();
            }
            state.live.push(cell.clone());
            ties.groups.push(self.clone());
            true
        })
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

    /// Stops all members.
    pub(crate) fn stop(&self) {
        for member in lock(&self.state).live.clone() {
            request::stop(&member, ExitReason::Shutdown, Mode::AsPolicy, None);
        }
    }

    /// The owner is tied to its group: one that traps exits hears of the end, any other ends too.
    fn tell_owner(&self, id: ActorId, report: GroupReport) {
        let (path, reason) = report.first.clone();
        if self.owner.core().signals.any(Signals::TRAPS) {
            let exited = Exited { id, path, reason, tie: Tie::Group(report) };
            request::deliver(&self.owner, Event { exited, not_before: 0 });
        } else if reason.is_clean() {
            request::stop(&self.owner, ExitReason::Normal, Mode::AsPolicy, None);
        } else {
            request::stop(&self.owner, reason.spread(path), Mode::Now, None);
        }
    }

    fn clean_up(&self, cleanup: Cleanup, report: GroupReport) {
        if let Err(reason) = panic::guard(|| cleanup(report)) {
            request::stop(&self.owner, reason, Mode::Now, None);
        }
    }
}

impl Fellowship for Group {
    fn member_ended(&self, member: &Arc<dyn AnyCell>, exit: &Exit) {
        let (peers, finished) = {
            let mut state = lock(&self.state);
            state.live.retain(|live| live.id() != member.id());
            state.ended.push((member.id(), member.path(), exit.reason.clone()));
            let peers = if state.ended.len() == 1 { state.live.clone() } else { Vec::new() };
            let finished = state.live.is_empty().then(|| {
                let members: Vec<_> = state.ended.iter().map(|(_, path, reason)| (path.clone(), reason.clone())).collect();
                let report = GroupReport { name: self.name.clone(), first: members[0].clone(), members };
                state.report = Some(report.clone());
                (state.ended[0].0, report, std::mem::take(&mut state.cleanups))
            });
            (peers, finished)
        };
        // An owner that stops brings its children down itself, in order.
        if !self.owner.core().is_stopping() {
            for peer in peers {
                if exit.reason.is_clean() {
                    request::stop(&peer, ExitReason::Shutdown, Mode::AsPolicy, None);
                } else {
                    request::stop(&peer, exit.reason.spread(member.path()), Mode::Now, None);
                }
            }
        }
        if let Some((id, report, cleanups)) = finished {
            for cleanup in cleanups {
                self.clean_up(cleanup, report.clone());
            }
            self.tell_owner(id, report);
        }
    }
}
