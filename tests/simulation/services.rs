//! Topics and named groups in the simulation: who is what to them, and what is published.

use std::sync::Arc;
use std::time::Duration;

use actors_core::{Group, GroupChange, GroupNotice, Published, Recipient, Topic};

use crate::anyone::{Anyone, each};
use crate::journal::{Change, Note, Number, Sender, Who};
use crate::node::News;
use crate::program::Serve;
use crate::world::World;

impl Anyone {
    /// Has the actor become something to a topic or a group, or be it no more.
    pub fn serve(&self, world: &World, what: Serve) {
        let (Some(topic), Some(group)) = (topic(world, what.service()), group(world, what.service())) else { return };
        each!(self, actor => match what {
            Serve::Subscribe(_, keep) => topic.subscriber(actor).keep(keep).subscribe(),
            Serve::Unsubscribe(_) => topic.unsubscribe(actor),
            Serve::Join(_) => group.join(actor),
            Serve::Leave(_) => group.leave(actor),
            Serve::Watch(_) => group.watch(actor),
            Serve::Unwatch(_) => group.unwatch(actor),
        });
        world.note(Note::Serves { who: self.id(), what });
    }
}

impl Serve {
    fn service(self) -> u8 {
        match self {
            Serve::Subscribe(service, _)
            | Serve::Unsubscribe(service)
            | Serve::Join(service)
            | Serve::Leave(service)
            | Serve::Watch(service)
            | Serve::Unwatch(service) => service,
        }
    }
}

fn topic(world: &World, number: u8) -> Option<Topic<News>> {
    world.with_system(|system| system.topic(format!("t{number}")))
}

fn group(world: &World, number: u8) -> Option<Group<News>> {
    world.with_system(|system| system.group(format!("g{number}")))
}

/// Publishes to a topic.
pub fn publish(world: &Arc<World>, by: Sender, number: u8) {
    let Some(topic) = topic(world, number) else { return };
    let (news, message) = begin(world, by, number, false);
    let published = topic.publish(message);
    done(world, news, &published);
}

/// Publishes to a topic, and waits so long until all have it.
pub async fn publish_and_wait(world: &Arc<World>, by: Sender, number: u8, limit: u64) {
    let Some(topic) = topic(world, number) else { return };
    let (news, message) = begin(world, by, number, true);
    let (began, limit) = (world.now(), if world.has_time { limit } else { limit.min(20) });
    let published = topic.publish_and_wait(message, Duration::from_millis(limit)).await;
    let took = world.now().saturating_sub(began);
    if took > Duration::from_millis(limit + 2) {
        world.wrong(format!("S12.4: news {news} were waited for {took:?}, with a limit of {limit} ms"));
    }
    done(world, news, &published);
}

fn begin(world: &Arc<World>, by: Sender, topic: u8, waits: bool) -> (Number, News) {
    let message = News::new(world);
    world.note(Note::Publishes { by, topic, news: message.number, waits });
    (message.number, message)
}

fn done(world: &World, news: Number, published: &Published) {
    world.note(Note::Published { news, delivered: published.delivered, late: published.late.len() });
}

/// Looks whether an actor that has ended is still a member, which is told in the same step.
pub fn look(world: &World) {
    for number in 0..2 {
        let Some(group) = group(world, number) else { return };
        for member in group.members() {
            let has_ended = world.known().get(&member.id()).is_some_and(|known| known.anyone.exit().is_some());
            if has_ended && world.has_time {
                world.wrong(format!("S12.7: {} has ended, and is a member of group {number}", member.path()));
            }
        }
    }
}

/// What the journal says of a notice.
pub fn noticed(who: Who, notice: &GroupNotice<News>) -> Note {
    let id = Recipient::id;
    let change = match &notice.change {
        GroupChange::Members(members) => Change::Members(members.iter().map(id).collect()),
        GroupChange::Joined(member) => Change::Joined(member.id()),
        GroupChange::Left(member) => Change::Left(member.id()),
        GroupChange::Ended(member, reason) => Change::Ended(member.id(), reason.clone()),
        other => unreachable!("there is no other change: {other:?}"),
    };
    let group = notice.group.trim_start_matches('g').parse().expect("groups are called so");
    Note::Noticed { who, group, change }
}
