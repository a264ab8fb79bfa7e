//! What the tests on peer groups share: a group below an owner that outlives it, and the reports of its cleanups.

use std::sync::{Arc, Mutex};

use actors_core::{Actor, ActorPath, ActorRef, ActorSystem, ExitReason, GroupReport, PeerGroup, messages};
use tests::Gate;

use crate::cast::{Heard, Witness, within};

/// The reports that cleanups were called with.
#[derive(Clone, Default)]
pub struct Cleanups(Arc<Mutex<Vec<GroupReport>>>);

impl Cleanups {
    pub fn after(group: &PeerGroup) -> Self {
        let cleanups = Cleanups::default();
        group.on_end(cleanups.add());
        cleanups
    }

    fn add(&self) -> impl FnOnce(GroupReport) + Send + 'static + use<> {
        let reports = self.0.clone();
        move |report| reports.lock().unwrap().push(report)
    }

    pub fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub fn only(&self) -> GroupReport {
        let reports = self.0.lock().unwrap();
        assert_eq!(reports.len(), 1, "the cleanup runs exactly once");
        reports[0].clone()
    }
}

/// A group below an owner that traps exits, so that it outlives the group.
pub struct Stage {
    pub system: ActorSystem,
    pub owner: ActorRef<Witness>,
    pub heard: Heard,
    pub group: Arc<PeerGroup>,
    pub cleanups: Cleanups,
}

pub async fn stage() -> Stage {
    let system = ActorSystem::new("groups");
    let heard = Heard::default();
    let owner = system.actor(Witness::new(&heard)).name("owner").start().await.unwrap();
    let group = Arc::new(within(&owner, |ctx| ctx.peer_group("session")).await);
    let cleanups = Cleanups::after(&group);
    Stage { system, owner, heard, group, cleanups }
}

pub fn falls_by<A: Actor>(reason: &ExitReason, first: &ActorRef<A>) {
    assert!(matches!(reason, ExitReason::LinkDown { peer, .. } if *peer == first.path()), "{reason}");
}

pub fn members(report: &GroupReport) -> Vec<ActorPath> {
    report.members.iter().map(|(path, _)| path.clone()).collect()
}

/// An actor that notes when its state is dropped.
#[derive(Actor)]
pub struct Noted {
    pub gate: Option<Gate>,
    pub _dropped: tests::DropNote,
}

#[messages]
impl Noted {
    #[message]
    pub fn is_noted(&self) {}

    #[stopped]
    async fn stopped(&mut self) {
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
    }
}
