//! Signals of the operating system as messages, in one process; see also the tests of processes.

use std::process::Command;
use std::sync::{Arc, OnceLock};

use actors_core::{Actor, ActorSystem, Context, DeadReason, SignalMessages, messages};
use tests::{Gate, Journal, eventually, promptly};
use tokio::signal::unix::SignalKind;

/// Notes signals.
#[derive(Actor)]
#[actor(mailbox = 1, overflow = "reject")]
struct Ear {
    journal: Journal,
}

#[messages]
impl Ear {
    #[message]
    fn listen(&self, ctx: &mut Context<Self>) {
        ctx.on_signal(SignalKind::user_defined2(), || Signal).expect("it can be listened for");
    }

    /// What the first signal makes replaces itself.
    #[message]
    fn listen_twice(&self, ctx: &mut Context<Self>) {
        let handle = Arc::new(OnceLock::<SignalMessages<Said>>::new());
        let inner = Arc::downgrade(&handle);
        let make = move || {
            let handle = inner.upgrade().expect("it is kept");
            handle.get().expect("it was set").replace(move || Said { text: "next", _handle: None });
            Said { text: "first", _handle: Some(handle) }
        };
        let messages = ctx.on_signal(SignalKind::window_change(), make).expect("it can be listened for");
        assert!(handle.set(messages).is_ok());
        self.journal.note("listens");
        ctx.spawn_task(async move {
            let _kept = handle;
            std::future::pending::<()>().await;
        });
    }

    #[message]
    async fn wait_at(&self, gate: Gate) {
        gate.pass().await;
    }

    #[handle]
    fn hear(&self, _signal: Signal) {
        self.journal.note("signal");
    }

    #[handle]
    fn hear_said(&self, said: Said) {
        self.journal.note(said.text);
    }
}

struct Signal;

struct Said {
    text: &'static str,
    _handle: Option<Arc<OnceLock<SignalMessages<Said>>>>,
}

fn signal(name: &str) {
    let status = Command::new("kill").args(["-s", name, &std::process::id().to_string()]).status().expect("there is a `kill`");
    assert!(status.success());
}

#[tokio::test]
async fn a_signal_that_finds_no_room_is_a_dead_letter_and_the_next_are_heard() {
    let (system, journal, gate) = (ActorSystem::new("signals"), Journal::new(), Gate::new());
    let mut dead_letters = system.dead_letters();
    let ear = system.spawn(Ear { journal: journal.clone() });
    ear.ask(Listen).await.unwrap();
    ear.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    ear.tell(WaitAt { gate: gate.clone() }).await.unwrap();

    signal("USR2");
    let dead = promptly("a dead letter", dead_letters.recv()).await.unwrap();
    gate.open_wide();
    eventually("there is room", || ear.queued() == 0).await;
    signal("USR2");

    eventually("it is heard", || journal.count("signal") == 1).await;
    assert_eq!((dead.path(), dead.reason()), (&ear.path(), DeadReason::Newest));
    system.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_signal_makes_can_be_replaced_while_it_is_made() {
    let (system, journal) = (ActorSystem::new("signals"), Journal::new());
    let ear = system.spawn(Ear { journal: journal.clone() });
    ear.ask(ListenTwice).await.unwrap();

    for text in ["first", "next"] {
        signal("WINCH");
        eventually(text, || journal.count(text) == 1).await;
    }

    system.shutdown().await;
}
