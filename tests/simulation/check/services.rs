//! Topics and named groups: who gets what is published, once and in order, and what listeners of a group are told.

use std::collections::{BTreeMap, BTreeSet};

use actors_core::{ActorId, DeadReason, Overflow};

use super::Wrong;
use super::facts::{Facts, Pos};
use crate::execute::Run;
use crate::journal::{Change, Note, Number, Sender};
use crate::program::Serve;

pub(super) fn check(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    let topics = Topics::of(run);
    for (number, news) in &topics.news {
        account(&topics, *number, news, wrong);
    }
    in_order(&topics, wrong);
    if run.in_order {
        subscribers_alone(&topics, wrong);
        none_is_left_out(run, &topics, wrong);
        the_newest_stays(&topics, wrong);
    }
    listeners(run, facts, wrong);
}

/// What was published.
struct Topics {
    news: BTreeMap<Number, News>,
    /// Who has ever ended a subscription to which topic.
    left: BTreeSet<(ActorId, u8)>,
}

struct News {
    by: Sender,
    topic: u8,
    waits: bool,
    /// Who subscribed when it was published.
    subscribers: BTreeSet<ActorId>,
    /// How many had it or were late, if its publishing is over.
    told: Option<usize>,
    got: Vec<(Pos, ActorId)>,
    dead: Vec<(String, DeadReason)>,
}

impl Topics {
    fn of(run: &Run) -> Self {
        let mut topics = Topics { news: BTreeMap::new(), left: BTreeSet::new() };
        let mut subscribers: BTreeMap<u8, BTreeSet<ActorId>> = BTreeMap::new();
        for (pos, entry) in run.journal.iter().enumerate() {
            match &entry.note {
                Note::Serves { who, what: Serve::Subscribe(topic, _) } => _ = subscribers.entry(*topic).or_default().insert(*who),
                Note::Serves { who, what: Serve::Unsubscribe(topic) } => {
                    subscribers.entry(*topic).or_default().remove(who);
                    topics.left.insert((*who, *topic));
                }
                Note::Publishes { by, topic, news, waits } => {
                    let subscribers = subscribers.get(topic).cloned().unwrap_or_default();
                    let news_of =
                        News { by: *by, topic: *topic, waits: *waits, subscribers, told: None, got: Vec::new(), dead: Vec::new() };
                    topics.news.insert(*news, news_of);
                }
                Note::Published { news, delivered, late } => topics.of_number(*news).told = Some(delivered + late),
                Note::GotNews { who, news } => topics.of_number(*news).got.push((pos, who.id)),
                Note::DeadNews { news, path, reason } => topics.of_number(*news).dead.push((path.to_string(), *reason)),
                _ => {}
            }
        }
        topics
    }

    fn of_number(&mut self, number: Number) -> &mut News {
        self.news.get_mut(&number).expect("what came was published")
    }
}

/// Each of those who had room for it, or for whom it was kept, handles it once, or it is a dead letter.
fn account(topics: &Topics, number: Number, news: &News, wrong: &mut Wrong) {
    let got: BTreeSet<ActorId> = news.got.iter().map(|(_, id)| *id).collect();
    wrong.unless(got.len() == news.got.len(), "S12.1", || format!("news {number} were handled twice by one of {:?}", news.got));
    let Some(told) = news.told else { return };
    let (came, left) = (news.got.len() + news.dead.len(), topics.left.iter().any(|(_, topic)| *topic == news.topic));
    // What was kept for one that unsubscribes is gone. One that is waited for, and ends, is not late, and what it had not got is dead.
    let holds = (left || came >= told) && (news.waits || came <= told);
    wrong
        .unless(holds, "S12.3", || format!("news {number} went to {told}, and were handled by {:?} and dead of {:?}", news.got, news.dead));
}

/// What one publishes on a topic comes in the order of publishing.
fn in_order(topics: &Topics, wrong: &mut Wrong) {
    let mut last: BTreeMap<(Sender, u8, ActorId), (Pos, Number)> = BTreeMap::new();
    for (number, news) in &topics.news {
        for (pos, id) in &news.got {
            if let Some((before, earlier)) = last.insert((news.by, news.topic, *id), (*pos, *number)) {
                wrong.unless(before < *pos, "S12.2", || {
                    format!("{id} handled news {number} before {earlier}, which were published earlier")
                });
            }
        }
    }
}

/// Nobody gets what was published while he did not subscribe.
fn subscribers_alone(topics: &Topics, wrong: &mut Wrong) {
    for (number, news) in &topics.news {
        for (_, id) in &news.got {
            wrong.unless(news.subscribers.contains(id), "S12.1", || {
                format!("{id} handled news {number}, and did not subscribe when they were published")
            });
        }
    }
}

/// Whoever handles later news of a topic had the earlier ones, or has missed them.
fn none_is_left_out(run: &Run, topics: &Topics, wrong: &mut Wrong) {
    let paths: BTreeMap<ActorId, String> = run.lives.iter().map(|event| (event.id, event.path.to_string())).collect();
    let mut later: BTreeSet<(ActorId, u8)> = BTreeSet::new();
    for (number, news) in topics.news.iter().rev() {
        for id in &news.subscribers {
            let alive = later.contains(&(*id, news.topic)) && !topics.left.contains(&(*id, news.topic));
            let got = news.got.iter().any(|(_, who)| who == id);
            let missed = paths.get(id).is_none_or(|path| news.dead.iter().any(|(to, _)| to == path));
            wrong.unless(!alive || got || missed, "S12.1", || format!("{id} handled later news than {number}, and never these"));
        }
        later.extend(news.got.iter().map(|(_, id)| (*id, news.topic)));
    }
}

/// Of what is kept for one who is late, the newest never gives way.
fn the_newest_stays(topics: &Topics, wrong: &mut Wrong) {
    let mut newer: BTreeSet<u8> = BTreeSet::new();
    for (number, news) in topics.news.iter().rev() {
        let gave_way = news.dead.iter().any(|(_, reason)| *reason == DeadReason::Lagged);
        wrong.unless(!gave_way || newer.contains(&news.topic), "S12.3", || format!("news {number} gave way, and there were none newer"));
        newer.insert(news.topic);
    }
}

/// The members, as a listener knows them, change only as they can.
fn listeners(run: &Run, facts: &Facts<'_>, wrong: &mut Wrong) {
    let mut known: BTreeMap<(ActorId, u8), Option<BTreeSet<ActorId>>> = BTreeMap::new();
    let mut ended: BTreeSet<(ActorId, u8, ActorId)> = BTreeSet::new();
    for entry in &run.journal {
        let Note::Noticed { who, group, change } = &entry.note else { continue };
        // A mailbox that drops drops notices as well.
        let drops = |overflow| matches!(overflow, Overflow::DropNewest | Overflow::DropOldest);
        if facts.plan_of(who.id).is_some_and(|plan| drops(plan.setup.overflow)) {
            continue;
        }
        let members = known.entry((who.id, *group)).or_default();
        let holds = match (change, members.as_mut()) {
            (Change::Members(all), _) => {
                let all_of: BTreeSet<ActorId> = all.iter().copied().collect();
                let once = all_of.len() == all.len();
                *members = Some(all_of);
                once
            }
            (_, None) => false,
            (Change::Joined(id), Some(members)) => members.insert(*id) && !ended.contains(&(who.id, *group, *id)),
            (Change::Left(id), Some(members)) => members.remove(id),
            (Change::Ended(id, reason), Some(members)) => {
                let last = facts.last_reason(*id);
                wrong.unless(last == Some(reason), "S5.3", || {
                    format!("{who:?} was told that the member {id} ended `{reason}`, and it was {last:?}")
                });
                ended.insert((who.id, *group, *id));
                members.remove(id)
            }
        };
        wrong.unless(holds, "S12.8", || format!("{who:?} was told of group {group} {change:?}, and knew of other members"));
    }
}
