//! What is drained by an actor that never waits, and by one that may: all of it is counted, and a kill leaves the rest (S6.2, S7.8).

use std::sync::Arc;

use actors_core::{Actor, ActorSystem, ChildSpec, Context, ExitReason, ReplyTo, Supervisor, messages};
use tests::{Broken, Gate, Journal, promptly};
use tokio::sync::Notify;

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

    /// Tells itself the same again, as long as it is open.
    #[message]
    fn note_again(&self, ctx: &mut Context<Self>) {
        self.journal.note("noted");
        let _ = ctx.actor_ref().try_tell(NoteAgain);
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
    async fn stumble(&self, gate: Gate) -> Result<(), Broken> {
        gate.pass().await;
        Err(Broken("stumbled"))
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
async fn s2_4_one_that_never_waits_and_is_restarted_takes_messages_while_it_drains() {
    let (system, journal) = (ActorSystem::new("drained"), Journal::new());
    let own = journal.clone();
    let spec = ChildSpec::new("quick", move || Quick { journal: own.clone() });
    system.actor(Supervisor::new().child(spec)).name("sup").start().await.unwrap();
    let quick = system.lookup::<Quick>("/sup/quick").unwrap();
    quick.ask(Note).await.unwrap();

    quick.drain();
    promptly("it is restarted", quick.ask(Note)).await.unwrap();

    assert_eq!((quick.incarnation(), journal.len()), (1, 2));
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s6_3_a_drain_before_a_restart_ends_though_one_tells_itself_more() {
    let (system, journal) = (ActorSystem::new("drained"), Journal::new());
    let own = journal.clone();
    let spec = ChildSpec::new("quick", move || Quick { journal: own.clone() });
    system.actor(Supervisor::new().child(spec)).name("sup").start().await.unwrap();
    let quick = system.lookup::<Quick>("/sup/quick").unwrap();
    quick.tell(NoteAgain).await.unwrap();
    while journal.is_empty() {
        tokio::task::yield_now().await;
    }

    quick.drain();

    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(quick.incarnation(), 1);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s6_3_one_that_may_wait_lets_others_run_amid_a_long_drain() {
    let (system, journal) = (ActorSystem::new("drained"), Journal::new());
    let slow = system.actor(Slow { journal: journal.clone() }).unbounded().spawn();
    (0..2_000).for_each(|_| slow.try_tell(Write).unwrap());
    slow.drain();

    let (mut before, mut most) = (0, 0);
    while before < 2_000 {
        tokio::task::yield_now().await;
        let now = journal.len();
        (before, most) = (now, most.max(now - before));
    }

    assert!(most <= 2 * 64, "{most} before another ran");
    system.shutdown().await;
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

#[tokio::test(start_paused = true)]
async fn one_that_fails_in_the_message_before_a_drain_handles_nothing_more() {
    let (system, journal, gate) = (ActorSystem::new("drained"), Journal::new(), Gate::new());
    let slow = system.actor(Slow { journal: journal.clone() }).spawn();
    slow.try_tell(Stumble { gate: gate.clone() }).unwrap();
    promptly("it is in hand", gate.reached()).await;
    slow.try_tell(Write).unwrap();
    slow.try_tell(WriteFirst).unwrap();

    slow.drain();
    gate.open();

    assert_eq!(promptly("its end", slow.stopped()).await.to_string(), "failed: stumbled");
    assert_eq!((journal.len(), system.dead_letter_count()), (0, 2));
    system.shutdown().await;
}

/// Never waits, and puts aside what comes before it is open.
#[derive(Actor)]
#[actor(stash = 600)]
struct Shut {
    journal: Journal,
    open: bool,
}

#[messages]
impl Shut {
    #[message]
    fn put(&self, n: u32, ctx: &mut Context<Self>) {
        if self.open {
            self.journal.note(n.to_string());
        } else {
            ctx.stash(Put { n }).expect("there is room");
        }
    }

    #[message(derive(Debug))]
    fn fetch(&self, reply: ReplyTo<u32>, ctx: &mut Context<Self>) {
        if self.open {
            reply.send(7);
        } else {
            ctx.stash_ask(Fetch, reply).expect("there is room");
        }
    }

    #[message]
    fn open(&mut self, ctx: &mut Context<Self>) {
        self.open = true;
        ctx.unstash_all();
    }

    #[message]
    fn open_and_drain(&mut self, ctx: &mut Context<Self>) {
        self.open(ctx);
        ctx.drain();
    }
}

#[tokio::test(start_paused = true)]
async fn s4_11_one_that_never_waits_drains_what_it_has_released_before() {
    let (system, journal) = (ActorSystem::new("drained"), Journal::new());
    let shut = system.spawn(Shut { journal: journal.clone(), open: false });

    let (fetched, ()) = tokio::join!(shut.ask(Fetch), async {
        shut.tell(Put { n: 1 }).await.unwrap();
        shut.tell(Put { n: 2 }).await.unwrap();
        shut.tell(OpenAndDrain).await.unwrap();
        promptly("the drain", shut.stopped()).await;
    });

    assert_eq!((fetched.unwrap(), journal.entries()), (7, vec!["1".to_owned(), "2".to_owned()]));
    assert_eq!(system.dead_letter_count(), 0);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s4_11_one_that_never_waits_drains_what_is_left_of_what_it_has_released() {
    let (system, journal) = (ActorSystem::new("drained"), Journal::new());
    let shut = system.actor(Shut { journal: journal.clone(), open: false }).unbounded().spawn();
    for n in 0..600 {
        shut.try_tell(Put { n }).unwrap();
    }
    shut.try_tell(Open).unwrap();
    while journal.is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(journal.len() < 600, "it has let others run amid what it released");

    shut.drain();

    promptly("the drain", shut.stopped()).await;
    assert_eq!((journal.len(), system.dead_letter_count()), (600, 0));
    system.shutdown().await;
}

/// Never waits; the oldest of its messages gives way.
#[derive(Actor)]
#[actor(mailbox = 10_000, overflow = "drop_oldest")]
struct Window {
    journal: Journal,
}

#[messages]
impl Window {
    #[message]
    fn pass(&self, told: Option<Arc<Notify>>) {
        self.journal.note("passed");
        if let Some(told) = told {
            told.notify_one();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s6_3_a_drain_handles_the_message_that_was_fetched_before_others_had_their_turn() {
    let system = ActorSystem::new("drained");
    // One of these numbers ends a turn just when the last message has been fetched.
    for count in 150..200 {
        let (journal, told) = (Journal::new(), Arc::new(Notify::new()));
        let window = system.spawn(Window { journal: journal.clone() });
        let drains = tokio::spawn({
            let (window, told) = (window.clone(), told.clone());
            async move {
                told.notified().await;
                window.drain();
            }
        });
        for n in 1..=count {
            window.try_tell(Pass { told: (n + 1 == count).then(|| told.clone()) }).unwrap();
        }

        promptly("the drain", async { (drains.await, window.stopped().await) }).await.0.unwrap();
        assert_eq!((journal.len(), system.dead_letter_count()), (count, 0));
    }
    system.shutdown().await;
}
