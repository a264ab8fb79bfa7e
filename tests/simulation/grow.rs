//! Making, managing and ending what stands below an actor, and what stands at the top.

use std::sync::Arc;
use std::time::Duration;

use actors_core::{Actor, ActorSystem, Backoff, BoxError, Builder, Capacity, Children, Context, InFlight, Limit, Policy, Restart};

use crate::anyone::with_hooks;
use crate::journal::{Note, Who};
use crate::node::Node;
use crate::program::{Kind, Manage, Plan, Program, Setup, Slot};
use crate::world::World;

/// How long an actor may take to stop where nothing takes time.
const CIRCLE: Duration = Duration::from_millis(500);

/// Makes an actor at the top of the tree.
pub fn top(world: &Arc<World>, slot: Slot, system: &ActorSystem) {
    let plan = world.plan(slot);
    with_hooks!(plan.hooks, (Top, into) => {
        let mut builder = set_up(system.actor(Top::new(world, slot, None)), plan, slot, world.has_time);
        if plan.significant {
            builder = builder.significant();
        }
        if plan.awaited {
            let starting = world.clone();
            world.awaits(tokio::spawn(async move {
                let started = builder.start().await;
                starting.note(Note::StartResult { slot, ready: started.is_ok() });
                if let Ok(actor) = started {
                    starting.meet(slot, &into(actor));
                }
            }));
        } else {
            world.meet(slot, &into(builder.spawn()));
        }
    });
}

/// Makes a child as its plan says.
pub async fn child<const HOOKS: u8>(
    parent: &mut Node<HOOKS>,
    slot: Slot,
    who: Who,
    ctx: &mut Context<Node<HOOKS>>,
) -> Result<(), BoxError> {
    let world = parent.world.clone();
    let plan = world.plan(slot).clone();
    world.sway().await;
    match plan.kind {
        Kind::Plain => plain_child(parent, slot, &plan, who, ctx).await,
        Kind::Child { .. } => supervised_child(&world, slot, &plan, who, ctx).await,
    }
}

async fn plain_child<const HOOKS: u8>(
    parent: &mut Node<HOOKS>,
    slot: Slot,
    plan: &Plan,
    who: Who,
    ctx: &mut Context<Node<HOOKS>>,
) -> Result<(), BoxError> {
    let world = parent.world.clone();
    with_hooks!(plan.hooks, (Child, into) => {
        let node = Child::new(&world, slot, Some(who));
        if let Some(group) = plan.group {
            let place = group_of(parent, group, who, ctx);
            let (_, number, group) = &parent.groups[place];
            let member = group.spawn_with(node, |builder| set_up(builder, plan, slot, world.has_time));
            world.note(Note::Joined { group: *number, member: member.id() });
            world.meet(slot, &into(member));
            return Ok(());
        }
        let builder = set_up(ctx.actor(node), plan, slot, world.has_time);
        if plan.awaited {
            let started = builder.start().await;
            world.note(Note::StartResult { slot, ready: started.is_ok() });
            if let Ok(actor) = started {
                world.meet(slot, &into(actor));
            }
        } else {
            world.meet(slot, &into(builder.spawn()));
        }
    });
    Ok(())
}

/// Where the peer group with this number stands, which is opened the first time.
fn group_of<const HOOKS: u8>(parent: &mut Node<HOOKS>, group: u8, who: Who, ctx: &Context<Node<HOOKS>>) -> usize {
    if let Some(place) = parent.groups.iter().position(|(known, ..)| *known == group) {
        return place;
    }
    let world = parent.world.clone();
    let number = world.number();
    world.note(Note::GroupMade { group: number, owner: who });
    let opened = ctx.peer_group(format!("group{group}"));
    opened.on_end(move |report| {
        for known in world.known().values().filter(|known| report.members.iter().any(|(path, _)| *path == known.path)) {
            // Another may have that name by now; it has not ended.
            if known.anyone.exit().is_some() && world.finds(&known.anyone) {
                world.wrong(format!("S6.1: {} was found by its name after its group had ended", known.path));
            }
        }
        world.note(Note::GroupEnded { group: number, first: report.first, members: report.members });
    });
    parent.groups.push((group, number, opened));
    parent.groups.len() - 1
}

async fn supervised_child<A: actors_core::Protocol>(
    world: &Arc<World>,
    slot: Slot,
    plan: &Plan,
    who: Who,
    ctx: &mut Context<A>,
) -> Result<(), BoxError> {
    let Kind::Child { restart, backoff, significant } = plan.kind else { return Ok(()) };
    with_hooks!(plan.hooks, (Child, into) => {
        let (maker, token) = (world.clone(), world.token());
        let mut child = ctx.child(Program::name(slot), move || {
            let _ = &token;
            Child::new(&maker, slot, Some(who))
        });
        child = match restart {
            Restart::Permanent => child.permanent(),
            Restart::Transient => child.transient(),
            Restart::Temporary => child.temporary(),
        };
        if let Some(time) = backoff.filter(|_| world.has_time) {
            child = child.backoff(Backoff::exponential(Duration::from_millis(time), Duration::from_millis(time * 4)));
        }
        if significant {
            child = child.significant();
        }
        let timed = world.has_time;
        child = child.policy(|policy| apply(policy, &plan.setup, timed));
        if plan.awaited {
            let started = child.start().await;
            world.note(Note::StartResult { slot, ready: started.is_ok() });
            world.meet(slot, &into(started?));
        } else {
            world.meet(slot, &into(child.spawn()?));
        }
    });
    Ok(())
}

/// Does with a child what a message says. What is refused is refused.
pub async fn manage<const HOOKS: u8>(
    parent: &mut Node<HOOKS>,
    slot: Slot,
    how: Manage,
    who: Who,
    ctx: &mut Context<Node<HOOKS>>,
) -> Result<(), BoxError> {
    let world = parent.world.clone();
    if world.plan(slot).left_out {
        return Ok(());
    }
    let name = Program::name(slot);
    match how {
        Manage::Make => {
            // A name that is taken is no reason to fail.
            let _ = child(parent, slot, who, ctx).await;
        }
        Manage::Terminate => {
            let _ = ctx.terminate_child(&name).await;
        }
        Manage::Restart => {
            if ctx.restart_child(&name).await.is_ok() {
                meet_again(&world, slot, &format!("{}/{name}", ctx.path()));
            }
        }
        Manage::Remove => {
            let _ = ctx.remove_child(&name);
        }
        Manage::Stop => {
            if let Some(child) = world.who(slot) {
                let _ = ctx.stop_child(&child.path());
            }
        }
    }
    Ok(())
}

/// A child that was made anew from its spec, which nobody has a reference to.
fn meet_again(world: &Arc<World>, slot: Slot, path: &str) {
    with_hooks!(world.plan(slot).hooks, (Child, into) => {
        if let Some(Some(found)) = world.with_system(|system| system.lookup::<Child>(path)) {
            world.meet(slot, &into(found));
        }
    });
}

/// Notes that a shutdown is asked for.
pub fn begin_shutdown(world: &World, within: Option<Duration>) {
    world.note(Note::ShutdownBegins { within, seen: world.log.events().len() });
}

fn set_up<A: Actor>(mut builder: Builder<A>, plan: &Plan, slot: Slot, timed: bool) -> Builder<A> {
    let setup = &plan.setup;
    if plan.named {
        builder = builder.name(Program::name(slot));
    }
    builder = match setup.capacity {
        Some(capacity) => builder.mailbox(capacity),
        None => builder.unbounded(),
    };
    builder = builder.overflow(setup.overflow).stash(setup.stash).on_stop(setup.on_stop).children(children(setup));
    if setup.cancels {
        builder = builder.in_flight(InFlight::Cancel);
    }
    if !timed {
        // Two who wait for room with each other are cut short by this, and by nothing else.
        return builder.stop_limit(CIRCLE);
    }
    let millis = Duration::from_millis;
    if let Some(limit) = setup.stop_limit {
        builder = builder.stop_limit(millis(limit));
    }
    if let Some(limit) = setup.hook_limit {
        builder = builder.hook_limit(millis(limit));
    }
    if let Some(limit) = setup.start_limit {
        builder = builder.start_limit(millis(limit));
    }
    if let Some(limit) = setup.handler_limit {
        builder = builder.handler_limit(millis(limit));
    }
    if let Some(limit) = setup.ask_limit {
        builder = builder.ask_limit(millis(limit));
    }
    builder
}

fn apply(policy: &mut Policy, setup: &Setup, timed: bool) {
    policy.mailbox = setup.capacity.map_or(Capacity::Unbounded, Capacity::Bounded);
    policy.overflow = setup.overflow;
    policy.stash = setup.stash;
    policy.on_stop = setup.on_stop;
    policy.in_flight = if setup.cancels { InFlight::Cancel } else { InFlight::Finish };
    policy.children = children(setup);
    policy.strategy = setup.strategy;
    policy.restarts = setup.restarts;
    policy.within = Duration::from_secs(3_600);
    policy.auto_shutdown = setup.auto_shutdown;
    if !timed {
        policy.stop_limit = Limit::After(CIRCLE);
    } else {
        let limit = |limit: Option<u64>| limit.map_or(Limit::Default, |limit| Limit::After(Duration::from_millis(limit)));
        policy.stop_limit = limit(setup.stop_limit);
        policy.hook_limit = limit(setup.hook_limit);
        policy.start_limit = limit(setup.start_limit);
        policy.handler_limit = setup.handler_limit.map(Duration::from_millis);
        policy.ask_limit = setup.ask_limit.map(Duration::from_millis);
    }
}

fn children(setup: &Setup) -> Children {
    if setup.side_by_side { Children::SideBySide } else { Children::InOrder }
}
