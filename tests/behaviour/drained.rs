//! What is drained by an actor that never waits, and by one that may: all of it is counted, and a kill leaves the rest (S6.2, S7.8).

use actors_core::{Actor, ActorSystem, Context, ExitReason, messages};
use tests::{Journal, promptly};

/// Never waits.
#[derive(Actor)]
struct Quick {
    journal: Journal,
}

#[messages]
impl Quick {
    /// The system shuts down, and it drains what it has.
    #[message]
    fn go(&self, ctx: &mut Context<Self>) {
        ctx.actor_ref().try_tell(NoteFirst).expect("a control message has room");
        ctx.system().request_shutdown();
        ctx.actor_ref().drain();
    }

    #[message]
    fn note(&self) {
        self.journal.note("noted");
    }

    #[message(control)]
    fn note_first(&self) {
        self.journal.note("noted");
    }

    #[message]
    fn fall(&self, ctx: &mut Context<Self>) {
        ctx.actor_ref().kill();
    }
}

/// May wait, with the same messages.
#[derive(Actor)]
struct Slow {
    journal: Journal,
}

#[messages]
impl Slow {
    #[message]
    async fn set_out(&self, ctx: &mut Context<Self>) {
        std::future::ready(()).await;
        ctx.actor_ref().try_tell(WriteFirst).expect("a control message has room");
        ctx.system().request_shutdown();
        ctx.actor_ref().drain();
    }

    #[message]
    fn write(&self) {
        self.journal.note("noted");
    }

    #[message(control)]
    fn write_first(&self) {
        self.journal.note("noted");
    }

    #[message]
    fn drop_dead(&self, ctx: &mut Context<Self>) {
        ctx.actor_ref().kill();
    }
}

#[tokio::test(start_paused = true)]
async fn s7_8_whatever_is_drained_is_counted() {
    let (system, journal) = (ActorSystem::new("drained"), Journal::new());
    let quick = system.actor(Quick { journal: journal.clone() }).name("quick").spawn();
    let slow = system.actor(Slow { journal: journal.clone() }).name("slow").spawn();
    quick.try_tell(Go).unwrap();
    slow.try_tell(SetOut).unwrap();
    for _ in 0..3 {
        quick.try_tell(Note).unwrap();
        slow.try_tell(Write).unwrap();
    }
    promptly("their ends", async { (quick.stopped().await, slow.stopped().await) }).await;

    let report = promptly("the report", system.terminated()).await;

    let drained = ["/quick", "/slow"].map(|path| report.get(path).expect("it ended during the shutdown").drained);
    assert_eq!((drained, journal.len()), ([4, 4], 8), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_kill_ends_a_drain_and_leaves_the_rest() {
    let (system, journal) = (ActorSystem::new("drained"), Journal::new());
    let quick = system.actor(Quick { journal: journal.clone() }).spawn();
    let slow = system.actor(Slow { journal: journal.clone() }).spawn();
    for _ in 0..3 {
        quick.try_tell(Note).unwrap();
        slow.try_tell(Write).unwrap();
    }
    quick.try_tell(Fall).unwrap();
    slow.try_tell(DropDead).unwrap();
    for _ in 0..3 {
        quick.try_tell(Note).unwrap();
        slow.try_tell(Write).unwrap();
    }

    quick.drain();
    slow.drain();

    let ends = promptly("their ends", async { (quick.stopped().await, slow.stopped().await) }).await;
    assert_eq!(ends, (ExitReason::Killed, ExitReason::Killed));
    assert_eq!((journal.len(), system.dead_letter_count()), (6, 6));
    system.shutdown().await;
}
