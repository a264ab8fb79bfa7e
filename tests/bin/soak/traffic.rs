//! What is done to the actors: orders of all kinds, failures, restarts by hand, and systems that come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use actors_core::{ActorRef, ActorSystem, Supervisor};
use fastrand::Rng;
use tokio::time::timeout;

use crate::fleet::{Fleet, spec};
use crate::ledger::{ANSWERS, ASKS, PUBLISHED, TELLS, told};
use crate::worker::{Bond, End, Order, Reserve, Rung, Urgent, What, Worker};

/// No act takes longer, unless something hangs.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Traffic {
    pub fleet: Fleet,
    pub ends: AtomicBool,
    pub acts: AtomicU64,
}

/// Acts until the soak ends.
pub async fn drive(traffic: Arc<Traffic>, seed: u64) -> Result<(), String> {
    let mut random = Rng::with_seed(seed);
    while !traffic.ends.load(Ordering::Acquire) {
        let act = pick(&mut random);
        if timeout(PATIENCE, perform(act, &traffic.fleet, &mut random)).await.is_err() {
            return Err(format!("{act:?} has not come to an end in {PATIENCE:?}"));
        }
        traffic.acts.fetch_add(1, Ordering::Relaxed);
        // Many acts never wait.
        tokio::task::yield_now().await;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Tell,
    Burst,
    Hurry,
    Ask,
    Reserve,
    Stash,
    Consult,
    Onward,
    Timer,
    Bond,
    Wake,
    Pool,
    Publish,
    Group,
    Ruin,
    RestartByHand,
    Hire,
    Fleeting,
    Resize,
    OtherSystem,
}

/// In a thousand acts.
const OFTEN: [(Act, u32); 20] = [
    (Act::Tell, 200),
    (Act::Burst, 60),
    (Act::Hurry, 40),
    (Act::Ask, 200),
    (Act::Reserve, 60),
    (Act::Stash, 60),
    (Act::Consult, 40),
    (Act::Onward, 40),
    (Act::Timer, 30),
    (Act::Bond, 30),
    (Act::Wake, 100),
    (Act::Pool, 40),
    (Act::Publish, 20),
    (Act::Group, 10),
    (Act::Ruin, 30),
    (Act::RestartByHand, 10),
    (Act::Hire, 10),
    (Act::Fleeting, 15),
    (Act::Resize, 3),
    (Act::OtherSystem, 2),
];

fn pick(random: &mut Rng) -> Act {
    let total = OFTEN.iter().map(|(_, often)| often).sum();
    let mut left = random.u32(0..total);
    for (act, often) in OFTEN {
        match left.checked_sub(often) {
            Some(rest) => left = rest,
            None => return act,
        }
    }
    unreachable!("it is less than the sum")
}

async fn perform(act: Act, fleet: &Fleet, random: &mut Rng) {
    let Some(worker) = fleet.worker(random) else {
        return rehire(fleet, random).await;
    };
    let other = fleet.worker(random).unwrap_or_else(|| fleet.idler(random).clone());
    match act {
        Act::Tell => tell(&worker, nothing(random)).await,
        Act::Burst => (0..100).for_each(|_| told(worker.try_tell(Order::told(What::Nothing)))),
        Act::Hurry => told(worker.tell(Urgent { parcel: TELLS.parcel() }).await),
        Act::Ask => ask(&worker, random).await,
        Act::Reserve => reserve(&worker, random).await,
        Act::Stash => tell(&worker, What::Stash).await,
        Act::Consult => tell(&worker, What::Consult(other)).await,
        Act::Onward => tell(&worker, What::Onward(other)).await,
        Act::Timer => tell(&worker, What::Later).await,
        Act::Bond => tell(&worker, What::Tie([Bond::Link, Bond::Unlink, Bond::Unlink, Bond::Monitor][random.usize(0..4)], other)).await,
        Act::Wake => wake(fleet.idler(random), random).await,
        Act::Pool => use_pool(fleet, random).await,
        Act::Publish => publish(fleet, random),
        Act::Group => meet(&fleet.system, &worker, random).await,
        Act::Ruin => tell(&worker, What::End(end(random))).await,
        Act::RestartByHand => restart_by_hand(fleet, random).await,
        Act::Hire => hire(fleet, random).await,
        Act::Fleeting => fleeting(&fleet.system, random).await,
        // Refused while the whole stops.
        Act::Resize => drop(fleet.pool.resize(random.usize(1..6)).await),
        Act::OtherSystem => other_system(random).await,
    }
}

fn nothing(random: &mut Rng) -> What {
    match random.u8(0..8) {
        0 => What::Take(Duration::from_micros(random.u64(0..5_000))),
        _ => What::Nothing,
    }
}

fn end(random: &mut Rng) -> End {
    [End::Stop, End::Drain, End::ShutDown, End::Fail, End::Panic, End::Kill][random.usize(0..6)]
}

fn limit(random: &mut Rng) -> Duration {
    Duration::from_micros(random.u64(1..20_000))
}

async fn tell(worker: &ActorRef<Worker>, what: What) {
    told(worker.tell(Order::told(what)).within(Duration::from_millis(20)).await);
}

async fn ask(worker: &ActorRef<Worker>, random: &mut Rng) {
    let n = random.u64(..);
    let order = Order::asked(n, nothing(random));
    let asking = ANSWERS.asking();
    let outcome = if random.bool() { worker.ask(order).within(limit(random)).await } else { worker.ask(order).await };
    asking.answered(n, outcome);
}

async fn reserve(worker: &ActorRef<Worker>, random: &mut Rng) {
    let n = random.u64(..);
    let asking = ANSWERS.asking();
    asking.answered(n, worker.ask(Reserve { parcel: ASKS.parcel(), n }).within(limit(random)).await);
}

async fn wake(idler: &ActorRef<Worker>, random: &mut Rng) {
    if random.bool() { tell(idler, What::Nothing).await } else { ask(idler, random).await }
}

async fn use_pool(fleet: &Fleet, random: &mut Rng) {
    match random.u8(0..8) {
        0..3 => told(fleet.pool.tell(Order::told(What::Nothing)).await),
        3 => told(fleet.pool.tell_to(&random.u8(..), Order::told(What::Nothing)).await),
        4 => told(fleet.pool.try_tell(Order::told(What::End(end(random))))),
        _ => {
            let n = random.u64(..);
            let asking = ANSWERS.asking();
            asking.answered(n, fleet.pool.ask(Order::asked(n, What::Nothing)).await);
        }
    }
}

fn publish(fleet: &Fleet, random: &mut Rng) {
    let Some(reader) = fleet.reader(random) else { return };
    let topic = fleet.news.topic::<Rung>(["dawn", "dusk"][random.usize(0..2)]);
    match random.u8(0..32) {
        0..8 => topic.subscribe(&reader),
        8..12 => topic.unsubscribe(&reader),
        12 => reader.kill(),
        _ => (0..20).for_each(|_| drop(topic.publish(Rung { parcel: PUBLISHED.parcel() }))),
    }
}

async fn meet(system: &ActorSystem, worker: &ActorRef<Worker>, random: &mut Rng) {
    let group = system.group::<Order>("guild");
    match random.u8(0..4) {
        0 => group.join(worker),
        1 => group.leave(worker),
        _ => {
            for member in group.members() {
                told(member.try_tell(Order::told(What::Nothing)));
            }
        }
    }
}

async fn restart_by_hand(fleet: &Fleet, random: &mut Rng) {
    let (supervisor, name, _) = fleet.child(random);
    // It may be restarting, or terminated by another, or gone.
    if supervisor.terminate_child(&name).await.is_ok() {
        let _ = supervisor.restart_child(&name).await;
    }
}

/// Puts back what has ended for good.
async fn rehire(fleet: &Fleet, random: &mut Rng) {
    let (supervisor, name, number) = fleet.child(random);
    if supervisor.restart_child(&name).await.is_err() {
        let _ = supervisor.add_child(spec(number)).await;
    }
}

async fn hire(fleet: &Fleet, random: &mut Rng) {
    let Ok(worker) = fleet.crowd.start_child(()).await else { return };
    tell(&worker, What::Stash).await;
    tell(&worker, What::Later).await;
    if random.bool() {
        // It is restarted, as it is transient.
        tell(&worker, What::End(End::Panic)).await;
        ask(&worker, random).await;
    }
    let _ = fleet.crowd.terminate_child(&worker).await;
}

/// Outside all trees: nobody restarts it.
async fn fleeting(system: &ActorSystem, random: &mut Rng) {
    let actor = system.spawn(Worker::new());
    tell(&actor, What::HaveChild).await;
    tell(&actor, What::Nothing).await;
    match random.u8(0..4) {
        0 => actor.stop(),
        1 => actor.drain(),
        2 => actor.kill(),
        _ => told(actor.try_tell(Order::told(What::End(end(random))))),
    }
    actor.stopped().await;
}

/// A system of its own, which is shut down or only dropped; nothing of it stays.
async fn other_system(random: &mut Rng) {
    let system = ActorSystem::builder("passing").progress(false).linger(Duration::from_millis(5)).build();
    let supervisor = system.actor(Supervisor::new().unlimited_restarts().children((0..3).map(spec))).name("sup").start().await;
    let worker = system.lookup::<Worker>("/sup/w0");
    for _ in 0..5 {
        let Some(worker) = &worker else { break };
        // Asked, since only the accounts of the large system count dead letters.
        ask(worker, random).await;
    }
    if random.bool() {
        system.shutdown().await;
    } else {
        drop(system);
        if let Ok(supervisor) = supervisor {
            supervisor.stopped().await;
        }
    }
}
