//! A small program that is battered from outside, or batters itself: its arguments say how. It says `done` when it has come
//! through.

use std::future::pending;
use std::io::Write as _;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, ExitReason, messages};
use tests::Gate;
use tokio::runtime::{Builder, Runtime};

fn main() {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["bombs", way] => bombs(way),
        ["a bomb as a reply"] => a_bomb_as_a_reply(),
        ["bounded"] => flood(|system| system.actor(Sink).mailbox(1_000).spawn()),
        ["unbounded"] => flood(|system| system.actor(Sink).unbounded().spawn()),
        ["signalled while it is built"] => return signalled_while_it_is_built(),
        ref other => panic!("there is no scenario {other:?}"),
    }
    say("done");
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody reads it");
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime can be built")
}

// ===== destructors that panic =====

/// How many have gone off.
static GONE_OFF: AtomicUsize = AtomicUsize::new(0);

/// Panics when it is dropped. Two that went off at once would end the process.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        GONE_OFF.fetch_add(1, Ordering::Relaxed);
        panic!("a destructor");
    }
}

/// Has a bomb in each place where it can have one.
#[derive(Actor)]
#[actor(stop_limit = "100ms")]
struct Bomber {
    gate: Gate,
    _state: Bomb,
}

#[messages]
impl Bomber {
    #[message]
    fn put_aside(&mut self, bomb: Bomb, ctx: &mut Context<Self>) {
        assert!(ctx.stash(Carry { bomb }).is_ok(), "there is room");
    }

    /// Stays in hand until it is dropped.
    #[message]
    async fn hold(&mut self, ctx: &mut Context<Self>) {
        let (in_helper, in_timer, in_pipe, in_handler) = (Bomb, Bomb, Bomb, Bomb);
        ctx.spawn_task(async move {
            let _held = in_helper;
            pending::<()>().await;
        });
        ctx.send_after(Duration::from_secs(3_600), Carry { bomb: in_timer });
        ctx.pipe_with(
            async move {
                let _held = in_pipe;
                pending::<()>().await;
            },
            |()| Never,
        );
        let _held = in_handler;
        self.gate.pass().await;
        pending::<()>().await;
    }

    #[message]
    fn carry(&mut self, bomb: Bomb) {
        drop(bomb);
    }

    #[message]
    fn never(&self) {}
}

/// State, handler, helper, timer and pipe have one; the stash has three, and so has the queue.
const BOMBS: usize = 5 + 3 + 3;

/// Ends an actor that is full of bombs in this way.
fn bombs(way: &str) {
    // So many panics are meant.
    std::panic::set_hook(Box::new(|_| ()));
    let runtime = one_thread();
    let (system, bomber) = runtime.block_on(async {
        let system = ActorSystem::builder("bombs").deadline(Duration::from_secs(2)).progress(false).build();
        let gate = Gate::new();
        let bomber = system.spawn(Bomber { gate: gate.clone(), _state: Bomb });
        for _ in 0..3 {
            bomber.tell(PutAside { bomb: Bomb }).await.expect("there is room");
        }
        bomber.tell(Hold).await.expect("there is room");
        gate.open();
        gate.reached().await;
        for _ in 0..3 {
            bomber.tell(Carry { bomb: Bomb }).await.expect("there is room");
        }
        tokio::task::yield_now().await;
        (system, bomber)
    });
    let ended = |actor: ActorRef<Bomber>| async move {
        actor.stopped().within(Duration::from_secs(20)).await.expect("it ends");
    };
    match way {
        "killed" => {
            bomber.kill();
            runtime.block_on(ended(bomber.clone()));
        }
        "shut down" => drop(runtime.block_on(system.shutdown())),
        "the system goes" => {
            drop(system.clone());
            drop(system);
            runtime.block_on(ended(bomber.clone()));
            drop(runtime);
            return all_gone_off(&bomber);
        }
        "the runtime goes" => {}
        other => panic!("there is no such way: {other}"),
    }
    drop(runtime);
    all_gone_off(&bomber);
    drop(system);
}

fn all_gone_off(bomber: &ActorRef<Bomber>) {
    assert!(bomber.exit().is_some(), "its end is known");
    assert_eq!(GONE_OFF.load(Ordering::Relaxed), BOMBS);
}

#[derive(Actor)]
struct Maker;

#[messages]
impl Maker {
    #[message]
    async fn make(&mut self) -> Bomb {
        tokio::task::yield_now().await;
        Bomb
    }
}

/// A reply goes off in the hands of the actor, since whoever asked has gone; and one in the hands of whoever asked.
fn a_bomb_as_a_reply() {
    one_thread().block_on(async {
        let system = ActorSystem::new("bombs");
        let (unlucky, lucky) = (system.spawn(Maker), system.spawn(Maker));
        tokio::select! {
            biased;
            _ = unlucky.ask(Make) => unreachable!("the actor has had no time"),
            () = std::future::ready(()) => {}
        }
        assert!(matches!(unlucky.stopped().await, ExitReason::Panicked { .. }));

        let asking = lucky.clone();
        assert!(tokio::spawn(async move { drop(asking.ask(Make).await) }).await.is_err_and(|error| error.is_panic()));
        assert!(lucky.is_alive(), "it has done nothing wrong");
        system.shutdown().await;
    });
}

// ===== memory =====

#[derive(Actor)]
struct Sink;

#[messages]
impl Sink {
    #[message]
    fn swallow(&mut self, bytes: Vec<u8>) {
        drop(bytes);
    }
}

/// Tells an actor four gigabytes, in a thread that lets it handle none of it.
fn flood(spawn: impl FnOnce(&ActorSystem) -> ActorRef<Sink>) {
    let runtime = one_thread();
    runtime.block_on(async {
        let system = ActorSystem::new("flood");
        let sink = spawn(&system);
        for _ in 0..40_000 {
            // A full one refuses it.
            let _ = sink.try_tell(Swallow { bytes: vec![1; 100_000] });
        }
        assert!(system.shutdown().await.is_clean());
    });
}

// ===== signals =====

/// A signal comes while the system is built: what was there before answers it, or else the system.
fn signalled_while_it_is_built() {
    let runtime = one_thread();
    runtime.block_on(async {
        // On a thread, so that it takes about as long as building does.
        let signalling = std::thread::spawn(|| Command::new("kill").args(["-s", "TERM", &std::process::id().to_string()]).status());
        let system = ActorSystem::builder("early").handle_signals().build();
        say("ready");
        let report = system.run_until_signal().await;
        assert!(signalling.join().is_ok_and(|status| status.is_ok()), "`kill` can be run");
        assert!(report.is_clean(), "{report}");
    });
    say("in order");
}
