//! Runs a program, on a clock that stands still or on several workers, and gives back all that was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use actors_core::test_kit::LifeEvent;
use actors_core::{ActorId, ActorState, ActorSystem, DeadLetters, ShutdownReport};
use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;

use crate::grow;
use crate::journal::{Entry, Note, Number, Sender};
use crate::node::note_of;
use crate::pools;
use crate::program::{Deed, Program};
use crate::services;
use crate::world::World;

/// Longer than anything in a program may take by the clock of the runtime.
const FOR_EVER: Duration = Duration::from_secs(4 * 3_600);
/// Longer than a run without time may take by the clock of the machine.
const TOO_LONG: Duration = Duration::from_secs(60);

/// All that is known of a run.
pub struct Run {
    pub program: Program,
    /// Whether the order of the journal is that in which things happened, and its times mean something.
    pub in_order: bool,
    pub journal: Vec<Entry>,
    pub lives: Vec<LifeEvent>,
    pub report: Option<ShutdownReport>,
    /// What was left over at the end.
    pub left: Left,
    /// How long it took by the clock of the machine.
    pub took: Duration,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Left {
    /// Tasks of the runtime.
    pub tasks: usize,
    /// States, messages and functions that were not dropped.
    pub values: i64,
    pub actors: usize,
    /// Topics and groups.
    pub services: usize,
    /// Dead letters that nobody was told of.
    pub missed_letters: u64,
}

/// On one thread and a clock that stands still: the same program gives the same run.
pub fn on_paused_time(program: &Program) -> Run {
    fastrand::seed(program.seed);
    tests::goes_on();
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime can be built");
    let began = std::time::Instant::now();
    let mut run = runtime.block_on(live(program.clone(), true));
    run.took = began.elapsed();
    run
}

/// On several threads, and without any time to wait for.
pub fn on_workers(program: &Program, workers: usize) -> Run {
    tests::goes_on();
    let runtime = Builder::new_multi_thread().worker_threads(workers).enable_time().build().expect("a runtime can be built");
    let began = std::time::Instant::now();
    let main = runtime.spawn(live(program.clone(), false));
    let mut run = runtime.block_on(main).expect("the run itself does not panic");
    run.took = began.elapsed();
    runtime.shutdown_background();
    run
}

async fn live(program: Program, has_time: bool) -> Run {
    let own_task = usize::from(!has_time);
    let deadline = Duration::from_millis(program.ending.deadline);
    let mut builder = ActorSystem::builder("sim").deadline(deadline).progress(false);
    if let Some(time) = program.linger {
        builder = builder.linger(Duration::from_millis(time));
    }
    let system = builder.build();
    let mut letters = system.dead_letters();
    let world = World::new(program, has_time, system.clone());
    for slot in world.program.below(None).collect::<Vec<_>>() {
        grow::top(&world, slot, &system);
        world.sway().await;
    }
    pools::make(&world, &system).await;
    drop(system);
    let over = Arc::new(AtomicBool::new(false));
    let warden = has_time.then(|| tokio::spawn(guard(world.clone(), over.clone())));
    let clients = clients(&world);
    world.pass(world.program.ending.after).await;
    collect(&world, &mut letters);
    let report = end(&world).await;
    over.store(true, Ordering::SeqCst);
    world.note(Note::ShutdownIsOver);

    for (number, client) in clients.into_iter().enumerate() {
        finish(&world, &format!("S4.4: client {number} hangs in a tell or an ask"), client).await;
    }
    for start in world.take_starts() {
        finish(&world, "S3.1: a start hangs", start).await;
    }
    if let Some(warden) = warden {
        finish(&world, "the warden hangs", warden).await;
    }
    world.look_at_ends();
    let mut left = Left {
        actors: world.with_system(ActorSystem::actors).unwrap_or(0),
        services: world.with_system(|system| system.topic_count() + system.group_count()).unwrap_or(0),
        ..Left::default()
    };
    world.forget();
    drop(world.take_system());
    left.tasks = tasks_left(own_task, has_time).await;
    collect(&world, &mut letters);
    left.missed_letters = letters.missed();
    drop(letters);
    left.values = world.live();
    Run {
        in_order: has_time,
        journal: world.take_journal(),
        lives: world.log.events(),
        report,
        left,
        took: Duration::ZERO,
        program: world.program.clone(),
    }
}

async fn finish(world: &World, what: &str, mut task: JoinHandle<()>) {
    let limit = if world.has_time { FOR_EVER } else { TOO_LONG };
    match tokio::time::timeout(limit, &mut task).await {
        Ok(Ok(())) => {}
        Ok(Err(panicked)) => world.wrong(format!("{what}: {panicked}")),
        Err(_) => {
            task.abort();
            world.wrong(what);
        }
    }
}

/// Tasks are taken off the list of the runtime a moment after they have returned; on several threads, the machine says how long that is.
async fn tasks_left(own: usize, has_time: bool) -> usize {
    let metrics = Handle::current().metrics();
    for _ in 0..20_000 {
        if metrics.num_alive_tasks() <= own {
            return 0;
        }
        if has_time {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    metrics.num_alive_tasks() - own
}

fn collect(world: &World, letters: &mut DeadLetters) {
    while let Some(letter) = letters.try_recv() {
        world.note(note_of(&letter));
    }
}

// ===== what is done from outside =====

fn clients(world: &Arc<World>) -> Vec<JoinHandle<()>> {
    let mut all: BTreeMap<u8, Vec<Deed>> = BTreeMap::new();
    for step in &world.program.steps {
        all.entry(step.client).or_default().push(step.deed.clone());
    }
    all.into_iter()
        .map(|(client, deeds)| {
            let world = world.clone();
            tokio::spawn(async move {
                for deed in deeds {
                    world.sway().await;
                    act(&world, client, deed).await;
                }
            })
        })
        .collect()
}

async fn act(world: &Arc<World>, client: u8, deed: Deed) {
    let by = Sender::Client(client);
    match deed {
        Deed::Send { to, how, work } => {
            if let Some(to) = world.who(to) {
                to.send(world, by, how, &work).await;
            }
        }
        Deed::End { who, how } => {
            if let Some(who) = world.who(who) {
                who.end(world, by, how);
            }
        }
        Deed::Link(a, b, kind) => {
            if let (Some(a), Some(b)) = (world.who(a), world.who(b)) {
                a.link(world, &b, kind);
            }
        }
        Deed::Unlink(a, b) => {
            if let (Some(a), Some(b)) = (world.who(a), world.who(b)) {
                a.unlink(world, &b);
            }
        }
        Deed::Serve(slot, serve) => {
            if let Some(who) = world.who(slot) {
                who.serve(world, serve);
            }
        }
        Deed::Job(how, key, fate) => pools::send(world, client, how, key, fate).await,
        Deed::Resize(workers) => pools::resize(world, workers).await,
        Deed::EndPool(way) => pools::end(world, way),
        Deed::EndWorker(place, way) => pools::end_worker(world, place, way),
        Deed::Publish(topic) => services::publish(world, by, topic),
        Deed::PublishAndWait(topic, limit) => services::publish_and_wait(world, by, topic, limit).await,
        Deed::Wait(time) => world.pass(time).await,
        Deed::Look => {
            world.with_system(|system| {
                let plan = system.shutdown_plan().to_string();
                let tree = system.tree().to_string();
                drop((plan, tree));
            });
            services::look(world);
        }
        Deed::RequestShutdown => {
            grow::begin_shutdown(world, None);
            world.with_system(ActorSystem::request_shutdown);
            world.note(Note::ShutdownHasBegun);
        }
        Deed::ShutDown(within) => {
            shut_down(world, within).await;
        }
    }
}

// ===== the end =====

async fn end(world: &Arc<World>) -> Option<ShutdownReport> {
    let ending = world.program.ending.clone();
    if ending.dropped {
        // Actors of their own have handles that do not keep it; the clients let go of theirs as well.
        drop(world.take_system());
        all_ended(world).await;
        return None;
    }
    let callers: Vec<_> = ending
        .shutdowns
        .iter()
        .map(|&(delay, within)| {
            let world = world.clone();
            tokio::spawn(async move {
                world.pass(delay).await;
                shut_down(&world, within).await
            })
        })
        .collect();
    let mut first: Option<ShutdownReport> = None;
    for mut caller in callers {
        let limit = if world.has_time { FOR_EVER } else { TOO_LONG };
        match tokio::time::timeout(limit, &mut caller).await {
            Ok(Ok(Some(report))) => match &first {
                Some(first) if format!("{first:?}") != format!("{report:?}") => {
                    world.wrong("S7.3: two calls of shutdown got different reports");
                }
                _ => first = Some(report),
            },
            Ok(Ok(None)) => {}
            Ok(Err(panicked)) => world.wrong(format!("S7.3: a shutdown panicked: {panicked}")),
            Err(_) => {
                caller.abort();
                world.wrong("S7.4: a shutdown hangs");
            }
        }
    }
    first
}

async fn shut_down(world: &Arc<World>, within: Option<u64>) -> Option<ShutdownReport> {
    let within = within.map(Duration::from_millis);
    let system = world.with_system(ActorSystem::clone)?;
    grow::begin_shutdown(world, within);
    let began = world.now();
    let mut shutdown: Pin<Box<dyn Future<Output = ShutdownReport> + Send>> = match within {
        Some(within) => Box::pin(system.shutdown_within(within)),
        None => Box::pin(system.shutdown()),
    };
    let first = poll_fn(|cx| Poll::Ready(shutdown.as_mut().poll(cx))).await;
    world.note(Note::ShutdownHasBegun);
    let report = match first {
        Poll::Ready(report) => report,
        Poll::Pending => shutdown.await,
    };
    world.note(Note::ShutdownReturned { began });
    Some(report)
}

/// Waits until all known actors have ended, who were killed.
async fn all_ended(world: &Arc<World>) {
    let limit = if world.has_time { FOR_EVER } else { TOO_LONG };
    for known in world.known().into_values() {
        if tokio::time::timeout(limit, known.anyone.stopped()).await.is_err() {
            world.wrong(format!("S2.3: {} goes on although the system was dropped", known.path));
        }
    }
    if let Some(pool) = world.pool() {
        if tokio::time::timeout(limit, pool.pool().stopped()).await.is_err() {
            world.wrong("S2.3: the pool goes on although the system was dropped");
        }
    }
}

// ===== while it runs =====

/// Looks, whenever time passes, whether somebody stands still who should not: time passes only when nobody has anything to
/// do.
async fn guard(world: Arc<World>, over: Arc<AtomicBool>) {
    let mut pause = 1;
    while !over.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        pause = (pause * 2).min(700);
        let (before, waiting) = (idlers(&world), waiting_in_vain(&world));
        if (before.is_empty() && waiting.is_empty()) || over.load(Ordering::SeqCst) {
            continue;
        }
        // Somebody may have woken at the same moment. After another while nothing may be as it was.
        tokio::time::sleep(Duration::from_millis(1)).await;
        if let Some(number) = waiting_in_vain(&world).intersection(&waiting).next() {
            world.wrong(format!("S4.5: message {number} waits for room, and there is some"));
            return;
        }
        for (id, idler) in idlers(&world) {
            if before.get(&id) == Some(&idler) {
                world.wrong(format!("{}: {} is {:?} with {} queued, and does nothing", idler.rule, idler.path, idler.state, idler.queued));
                return;
            }
        }
    }
}

/// The tells that wait although their receiver runs and its mailbox is not full.
fn waiting_in_vain(world: &World) -> BTreeSet<Number> {
    let tells = world.under_way();
    let Some(tree) = world.with_system(ActorSystem::tree).filter(|_| !tells.is_empty()) else { return BTreeSet::new() };
    let has_room = |id: &ActorId| {
        let node = tree.nodes.iter().find(|node| node.id == *id && node.state == ActorState::Running);
        let capacity = world.slot_of(*id).and_then(|slot| world.plan(slot).setup.capacity);
        node.is_some_and(|node| node.queued < u64::from(capacity.unwrap_or(u32::MAX)))
    };
    tells.into_iter().filter(|(_, to)| has_room(to)).map(|(number, _)| number).collect()
}

#[derive(PartialEq)]
struct Idler {
    rule: &'static str,
    path: String,
    state: ActorState,
    queued: u64,
    /// How much it has done.
    active: u64,
}

/// Those who have something to do and do not do it.
fn idlers(world: &World) -> BTreeMap<ActorId, Idler> {
    let Some(tree) = world.with_system(ActorSystem::tree) else { return BTreeMap::new() };
    let known = world.known();
    let mut busy: Vec<bool> =
        tree.nodes.iter().map(|node| node.handling.is_some() || known.get(&node.id).is_some_and(|known| known.busy > 0)).collect();
    let own = busy.clone();
    // Parents stand before their children.
    for place in (0..tree.nodes.len()).rev() {
        if let (true, Some(parent)) = (busy[place], tree.nodes[place].parent) {
            busy[parent] = true;
        }
    }
    let mut idlers = BTreeMap::new();
    for (place, node) in tree.nodes.iter().enumerate() {
        let rule = match node.state {
            ActorState::Running if node.queued > 0 && !own[place] => "S4.4",
            ActorState::Starting if !busy[place] => "S3.1",
            ActorState::Stopping if !busy[place] => "S6",
            _ => continue,
        };
        let active = known.get(&node.id).map_or(world.jobs(), |known| known.active);
        let idler = Idler { rule, path: node.path.to_string(), state: node.state, queued: node.queued, active };
        idlers.insert(node.id, idler);
    }
    idlers
}
