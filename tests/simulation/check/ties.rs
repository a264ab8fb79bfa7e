//! Ends are told once, to all who are tied, for the reason that all others are told, and in time.

use std::collections::{BTreeMap, BTreeSet};

use actors_core::{ActorId, ExitReason, LinkKind, MonitorRef, OnStop, StartFailure};

use super::Wrong;
use super::facts::{Facts, Pos};
use crate::execute::Run;
use crate::journal::{Note, Number, Tied, Who};
use crate::program::Way;

pub(super) fn check(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    let mut links = Links::default();
    let mut watches: BTreeMap<MonitorRef, (Who, ActorId, Pos)> = BTreeMap::new();
    let mut silent: BTreeSet<MonitorRef> = BTreeSet::new();
    let mut told: BTreeMap<(ActorId, ActorId, Kind), usize> = BTreeMap::new();
    let mut told_once: BTreeSet<(ActorId, MonitorRef)> = BTreeSet::new();
    let mut sends: BTreeMap<Number, Pos> = BTreeMap::new();
    // Who drains handles messages and nothing else.
    let mut may_drain: BTreeSet<ActorId> = BTreeSet::new();
    may_drain.extend(facts.actors.iter().filter(|(_, actor)| facts.plan(actor.slot).setup.on_stop == OnStop::Drain).map(|(id, _)| *id));
    for (pos, entry) in run.journal.iter().enumerate() {
        match &entry.note {
            Note::Linked(a, b, kind) if a != b => links.link(*a, *b, *kind, pos),
            Note::Unlinked(a, b) => links.unlink(*a, *b),
            Note::Watches { watcher, target, monitor } => _ = watches.insert(*monitor, (*watcher, *target, pos)),
            Note::Unwatches(_, monitor) => {
                silent.insert(*monitor);
                watches.remove(monitor);
            }
            Note::Told { who, ended, reason, tie } => {
                if !matches!(tie, Tied::Group) {
                    let last = facts.last_reason(*ended);
                    wrong.unless(last == Some(reason), "S5.3", || {
                        format!("{who:?} was told that {ended} ended `{reason}`, and it was {last:?}")
                    });
                }
                let times = told.entry((who.id, *ended, Kind::of(tie))).or_default();
                *times += 1;
                match tie {
                    Tied::Child => {
                        wrong.unless(*times == 1, "S6", || format!("{who:?} was told {times} times of the end of its child {ended}"))
                    }
                    Tied::Link => {
                        let most = links.made(who.id, *ended);
                        wrong.unless(*times <= most.max(1), "S8.1", || {
                            format!("{who:?} was told {times} times of the end of {ended}, over {most} links")
                        });
                        wrong.unless(!run.in_order || !links.is_cut(who.id, *ended), "S8.2", || {
                            format!("{who:?} was told of the end of {ended} after they were unlinked")
                        });
                    }
                    Tied::Monitor(monitor) => {
                        wrong.unless(told_once.insert((who.id, *monitor)), "S9", || format!("{who:?} was told twice by {monitor:?}"));
                        wrong.unless(!silent.contains(monitor), "S9", || format!("{who:?} was told by {monitor:?}, which was cancelled"));
                    }
                    Tied::Group => {}
                }
            }
            Note::Sends { message, .. } => _ = sends.insert(*message, pos),
            Note::Asks { to, way: Way::Drain, .. } => _ = may_drain.insert(*to),
            Note::Took { who, message, control: false } if run.in_order && !may_drain.contains(&who.id) => {
                let sent = sends.get(message).copied().unwrap_or(0);
                is_told_by_now(facts, *who, sent, &links, &watches, &told, &told_once, wrong);
            }
            _ => {}
        }
    }
    groups(run, facts, wrong);
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Link,
    Child,
    Monitor,
    Group,
}

impl Kind {
    fn of(tie: &Tied) -> Self {
        match tie {
            Tied::Link => Kind::Link,
            Tied::Child => Kind::Child,
            Tied::Monitor(_) => Kind::Monitor,
            Tied::Group => Kind::Group,
        }
    }
}

/// The links of a run, as they are made and undone.
#[derive(Default)]
struct Links(BTreeMap<(ActorId, ActorId), Link>);

#[derive(Default)]
struct Link {
    made: usize,
    cut: bool,
    ever_cut: bool,
    kinds: Vec<LinkKind>,
    since: Pos,
}

impl Links {
    fn key(a: ActorId, b: ActorId) -> (ActorId, ActorId) {
        (a.min(b), a.max(b))
    }

    fn link(&mut self, a: ActorId, b: ActorId, kind: LinkKind, pos: Pos) {
        let link = self.0.entry(Self::key(a, b)).or_default();
        link.made += 1;
        link.cut = false;
        link.kinds.push(kind);
        link.since = pos;
    }

    fn unlink(&mut self, a: ActorId, b: ActorId) {
        let link = self.0.entry(Self::key(a, b)).or_default();
        link.cut = true;
        link.ever_cut = true;
    }

    fn made(&self, a: ActorId, b: ActorId) -> usize {
        self.0.get(&Self::key(a, b)).map_or(0, |link| link.made)
    }

    fn is_cut(&self, a: ActorId, b: ActorId) -> bool {
        self.0.get(&Self::key(a, b)).is_none_or(|link| link.cut)
    }

    /// The links of one that stand and always have, with the peer.
    fn of(&self, id: ActorId) -> impl Iterator<Item = (ActorId, &Link)> {
        let peers = self.0.iter().filter(move |((a, b), link)| (*a == id || *b == id) && !link.ever_cut);
        peers.map(move |((a, b), link)| (if *a == id { *b } else { *a }, link))
    }
}

/// An actor handles a message that was sent when somebody's end was known already: it has been told of that end, or has
/// fallen with it.
#[allow(clippy::too_many_arguments, reason = "all that is known at this place of the journal")]
fn is_told_by_now(
    facts: &Facts<'_>,
    who: Who,
    sent: Pos,
    links: &Links,
    watches: &BTreeMap<MonitorRef, (Who, ActorId, Pos)>,
    told: &BTreeMap<(ActorId, ActorId, Kind), usize>,
    told_once: &BTreeSet<(ActorId, MonitorRef)>,
    wrong: &mut Wrong,
) {
    let (Some(plan), Some(state)) = (facts.plan_of(who.id), facts.state_of(who)) else { return };
    let ended_before = |id: ActorId, since: Pos| {
        let ended = facts.actors.get(&id).and_then(|actor| actor.ended)?;
        // In this life, and before the message was sent.
        let reason = facts.last_reason(id)?;
        let declined = matches!(reason, ExitReason::StartFailed(StartFailure::Declined));
        (ended > state.made && since > state.made && ended < sent && since < sent && !declined).then_some(reason)
    };
    for (peer, link) in links.of(who.id) {
        let Some(reason) = ended_before(peer, link.since) else { continue };
        if plan.has_exited() {
            let heard = told.contains_key(&(who.id, peer, Kind::Link));
            wrong.unless(heard, "S8.1", || format!("{who:?} was not told of the end of {peer}, to which it was linked"));
        } else if !reason.is_clean() && !link.kinds.contains(&LinkKind::Notify) {
            wrong.add("S8.1", format!("{who:?} lives on although {peer}, to which it was linked, ended `{reason}`"));
        }
    }
    if !plan.has_exited() {
        return;
    }
    for (monitor, (watcher, target, since)) in watches {
        if *watcher == who && ended_before(*target, *since).is_some() {
            wrong.unless(told_once.contains(&(who.id, *monitor)), "S9", || {
                format!("{who:?} was not told of the end of {target}, which it watched")
            });
        }
    }
    for child in facts.states.values().filter(|state| state.above == Some(who)) {
        let Some(id) = child.who.map(|child| child.id) else { continue };
        if ended_before(id, child.made).is_some() {
            wrong.unless(told.contains_key(&(who.id, id, Kind::Child)), "S6", || {
                format!("{who:?} was not told of the end of its child {id}")
            });
        }
    }
}

/// A group that anybody joined has one report, with the end of each member.
fn groups(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    let mut members: BTreeMap<Number, BTreeSet<ActorId>> = BTreeMap::new();
    let mut reports: BTreeMap<Number, usize> = BTreeMap::new();
    for entry in &run.journal {
        match &entry.note {
            Note::Joined { group, member } => _ = members.entry(*group).or_default().insert(*member),
            Note::GroupEnded { group, first, members } => {
                *reports.entry(*group).or_default() += 1;
                wrong.unless(members.first() == Some(first), "S8.4", || {
                    format!("the first of group {group} is not the first of its members")
                });
                for (path, reason) in members {
                    let known = run.lives.iter().any(|event| {
                        event.path == *path && matches!(&event.step, actors_core::test_kit::LifeStep::Ended(last) if last == reason)
                    });
                    let unborn = matches!(reason, ExitReason::StartFailed(_));
                    wrong.unless(known || unborn, "S8.4", || format!("group {group} says that {path} ended `{reason}`"));
                }
            }
            _ => {}
        }
    }
    for (group, joined) in members {
        let times = reports.get(&group).copied().unwrap_or(0);
        let all_ended = joined.iter().all(|member| facts.last_reason(*member).is_some());
        wrong.unless(times == 1 || !all_ended, "S8.4", || {
            format!("the cleanup of group {group}, with {} members, ran {times} times", joined.len())
        });
    }
}
