//! Panics and errors in every hook: they end one actor, and nobody else learns of them but by being told.
//!
//! Here the parents trap exits and, but for one in PAN-3, restart nobody. PAN-4, which speaks of restarts, is tested with them.

use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, BoxError, ChildSpec, Context, ExitReason, Exited, StartError, StartFailure, Supervisor, Tie, messages,
};
use tests::{Broken, Gate, Journal, eventually, on_1_2_and_8_workers, promptly};

use crate::cast::{Act, Explode, Fail, Heard, Peer, Ping, Witness, settle, within};

fn error_of(reason: &ExitReason) -> Broken {
    let failure = reason.error().unwrap_or_else(|| panic!("expected an error, not {reason}"));
    failure.downcast_ref::<Broken>().expect("the error is what it was").clone()
}

fn panic_of(reason: &ExitReason) -> String {
    match reason {
        ExitReason::Panicked { message, .. } => message.to_string(),
        ExitReason::StartFailed(StartFailure::Panicked { message, .. }) => message.to_string(),
        other => panic!("expected a panic, not {other}"),
    }
}

/// A parent that notes what it hears of its children, and how many it has then.
#[derive(Actor)]
struct Parent {
    heard: Heard,
    journal: Journal,
}

#[messages]
impl Parent {
    #[exited]
    fn hear(&mut self, exited: Exited, ctx: &mut Context<Self>) {
        self.journal.note(format!("{} left", ctx.children().len()));
        self.heard.add(exited);
    }

    #[handle]
    fn act(&self, act: Act<Parent>, ctx: &mut Context<Self>) {
        act.play(ctx);
    }
}

fn parent(system: &ActorSystem) -> (ActorRef<Parent>, Heard, Journal) {
    let (heard, journal) = (Heard::default(), Journal::new());
    (system.spawn(Parent { heard: heard.clone(), journal: journal.clone() }), heard, journal)
}

// ===== PAN-1 =====

#[tokio::test(start_paused = true)]
async fn pan_1_a_panic_in_a_handler_ends_only_that_actor() {
    let system = ActorSystem::new("panics");
    let (parent, heard, journal) = parent(&system);
    let (child, sibling) = within(&parent, |ctx| (ctx.spawn(Peer), ctx.spawn(Peer))).await;

    child.tell(Explode).await.unwrap();
    settle().await;

    let exited = heard.only();
    assert_eq!((exited.id, exited.path.clone(), panic_of(&exited.reason)), (child.id(), child.path(), "exploded".into()));
    assert!(matches!(exited.tie, Tie::Child));
    assert_eq!(journal.entries(), ["1 left"]);
    sibling.ask(Ping).await.unwrap();
    assert!(parent.is_alive());
}

#[tokio::test(start_paused = true)]
async fn pan_1_an_error_in_a_handler_that_nobody_asked_for_ends_only_that_actor() {
    let system = ActorSystem::new("panics");
    let (parent, heard, journal) = parent(&system);
    let (child, sibling) = within(&parent, |ctx| (ctx.spawn(Peer), ctx.spawn(Peer))).await;

    child.tell(Fail { error: Broken("no") }).await.unwrap();
    settle().await;

    let exited = heard.only();
    assert_eq!((exited.id, error_of(&exited.reason)), (child.id(), Broken("no")));
    assert_eq!(journal.entries(), ["1 left"]);
    sibling.ask(Ping).await.unwrap();
}

#[derive(Actor)]
struct FailsToStart {
    panics: bool,
}

#[messages]
impl FailsToStart {
    #[started]
    async fn started(&mut self) -> Result<(), Broken> {
        tokio::task::yield_now().await;
        assert!(!self.panics, "no start");
        Err(Broken("no start"))
    }

    #[stopped]
    fn stopped(&mut self) {
        unreachable!("an actor that never started is not stopped");
    }

    #[message]
    fn is_up(&self) {}
}

#[tokio::test(start_paused = true)]
async fn pan_1_a_panic_or_an_error_in_the_start_hook_is_told_to_the_parent() {
    let system = ActorSystem::new("panics");
    let (parent, heard, journal) = parent(&system);

    let (one, two) = within(&parent, |ctx| (ctx.spawn(FailsToStart { panics: true }), ctx.spawn(FailsToStart { panics: false }))).await;
    one.stopped().await;
    two.stopped().await;
    settle().await;

    let told = heard.children();
    let panicked = told.iter().find(|exited| exited.id == one.id()).expect("told of the one that panicked");
    let failed = told.iter().find(|exited| exited.id == two.id()).expect("told of the one that failed");
    assert_eq!((panic_of(&panicked.reason), error_of(&failed.reason)), ("no start".into(), Broken("no start")));
    assert_eq!((told.len(), journal.entries().last().map(String::as_str)), (2, Some("0 left")));
    assert!(parent.is_alive());
}

#[test]
fn pan_1_the_children_are_counted_right_when_the_parent_is_told_on_1_2_and_8_workers() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("panics");
        let (parent, heard, journal) = parent(&system);
        for turn in 1..=300 {
            let child = within(&parent, |ctx| ctx.spawn(Peer)).await;
            child.kill();
            eventually("the parent is told", || heard.len() == turn).await;
        }
        assert_eq!(journal.count("0 left"), 300);
    });
}

#[tokio::test(start_paused = true)]
async fn pan_1_1_000_panics_leave_the_others_on_the_same_thread_alone() {
    let system = ActorSystem::new("panics");
    let survivor = system.spawn(Peer);
    for _ in 0..1_000 {
        let peer = system.spawn(Peer);
        peer.tell(Explode).await.unwrap();
        survivor.ask(Ping).await.unwrap();
        assert_eq!(panic_of(&peer.stopped().await), "exploded");
    }

    assert_eq!(system.actors(), 1);
    assert_eq!(system.shutdown().await.failed, 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_panic_with_a_payload_of_any_type_is_caught() {
    struct Odd;
    impl Drop for Odd {
        fn drop(&mut self) {
            panic!("a payload that panics when it is dropped");
        }
    }
    let system = ActorSystem::new("panics");
    let (number, odd) = (system.spawn(Peer), system.spawn(Peer));

    number.tell(Act::new(|_| std::panic::panic_any(7_u32))).await.unwrap();
    odd.tell(Act::new(|_| std::panic::panic_any(Odd))).await.unwrap();

    for peer in [number, odd] {
        assert!(matches!(promptly("it ends", peer.stopped()).await, ExitReason::Panicked { .. }));
    }
    assert_eq!(system.actors(), 0);
}

// ===== PAN-2 =====

#[derive(Actor)]
struct StopsBadly {
    panics: bool,
}

#[messages]
impl StopsBadly {
    #[started]
    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.actor(Peer).name("child").spawn();
    }

    #[stopped]
    async fn stopped(&mut self) -> Result<(), BoxError> {
        tokio::task::yield_now().await;
        assert!(!self.panics, "badly");
        Err(Broken("badly").into())
    }

    #[message]
    fn is_well(&self) {}
}

#[tokio::test(start_paused = true)]
async fn pan_2_a_stop_hook_that_panics_or_fails_is_the_reason_of_a_clean_stop() {
    for panics in [true, false] {
        let system = ActorSystem::new("panics");
        let actor = system.actor(StopsBadly { panics }).name("bad").start().await.unwrap();
        let child = system.lookup::<Peer>("/bad/child").expect("it has a child");
        let waiters: Vec<_> = (0..3).map(|_| tokio::spawn(actor.stopped())).collect();
        tokio::task::yield_now().await;

        actor.stop();

        for waiter in waiters {
            let reason = promptly("every waiter is released", waiter).await.unwrap();
            assert_eq!(if panics { panic_of(&reason) } else { error_of(&reason).0.to_owned() }, "badly");
        }
        assert_eq!(child.exit().map(|exit| exit.reason), Some(ExitReason::Shutdown));
        assert_eq!(system.actors(), 0);
        assert!(system.lookup::<StopsBadly>("/bad").is_none() && system.lookup::<Peer>("/bad/child").is_none());
        assert!(system.tree().is_empty());
    }
}

// ===== PAN-3 =====

#[derive(Actor)]
struct Middle {
    panics: bool,
    child: Option<ActorRef<Peer>>,
}

#[messages]
impl Middle {
    #[started]
    fn started(&mut self, ctx: &mut Context<Self>) {
        self.child = Some(ctx.spawn(Peer));
    }

    #[exited]
    fn hear(&mut self, exited: Exited) -> Result<(), BoxError> {
        assert!(!self.panics, "cannot cope with {}", exited.reason);
        Err(Broken("cannot cope").into())
    }

    #[message]
    fn child(&self) -> ActorRef<Peer> {
        self.child.clone().expect("it was made at the start")
    }
}

#[tokio::test(start_paused = true)]
async fn pan_3_a_panic_or_an_error_over_the_failure_of_a_child_is_told_to_the_grandparent() {
    for panics in [true, false] {
        let system = ActorSystem::new("panics");
        let (grandparent, heard, journal) = parent(&system);
        let middle = within(&grandparent, move |ctx| ctx.spawn(Middle { panics, child: None })).await;
        let child = middle.ask(Child).await.unwrap();

        child.tell(Fail { error: Broken("child") }).await.unwrap();
        settle().await;

        let exited = heard.only();
        assert_eq!(exited.id, middle.id());
        match panics {
            true => assert_eq!(panic_of(&exited.reason), "cannot cope with failed: child"),
            false => assert_eq!(error_of(&exited.reason), Broken("cannot cope")),
        }
        assert_eq!(journal.entries(), ["0 left"]);
        assert_eq!(system.actors(), 1, "the child and the middle are gone");
        let report = system.shutdown().await;
        assert_eq!((report.failed, report.actors.len()), (2, 1), "{report}");
    }
}

/// Is supervised, supervises a child, and cannot cope with its failure.
#[derive(Actor)]
struct Manager;

#[messages]
impl Manager {
    #[started]
    async fn hire(&mut self, ctx: &mut Context<Self>) -> Result<(), StartError> {
        ctx.child("low", || Peer).temporary().start().await.map(drop)
    }

    #[exited]
    fn hear(&mut self, exited: Exited) {
        panic!("cannot cope with {}", exited.reason);
    }

    #[message]
    fn idle(&self) {}
}

#[tokio::test(start_paused = true)]
async fn pan_3_a_supervised_actor_that_panics_over_its_child_begins_anew_until_that_is_too_often() {
    let system = ActorSystem::new("panics");
    let mut crashes = system.crash_reports();
    let (grandparent, heard, _) = parent(&system);
    let sup = Supervisor::new().restarts(1, Duration::from_secs(24 * 3_600)).child(ChildSpec::new("middle", || Manager));
    let sup = within(&grandparent, move |ctx| ctx.actor(sup).name("sup").spawn()).await;
    settle().await;
    let path = format!("{}/middle", sup.path());
    let middle = system.lookup::<Manager>(&path).expect("it was started");
    let low = || system.lookup::<Peer>(&format!("{path}/low")).expect("it was started");
    let first = low();

    first.tell(Fail { error: Broken("child") }).await.unwrap();
    eventually("it is restarted", || middle.incarnation() == 1 && middle.has_started()).await;

    settle().await;
    assert_eq!((first.is_alive(), low() == first, low().is_alive()), (false, false, true), "the child is a new one");
    let reports = [crashes.recv().await.unwrap(), crashes.recv().await.unwrap()];
    assert_eq!(error_of(&reports[0].reason), Broken("child"));
    assert_eq!((&reports[1].path, panic_of(&reports[1].reason).as_str()), (&middle.path(), "cannot cope with failed: child"));
    assert_eq!(heard.len(), 0, "that is no concern of those above");

    low().tell(Fail { error: Broken("child") }).await.unwrap();
    promptly("the supervisor gives up", sup.stopped()).await;

    settle().await;
    assert!(matches!(heard.only().reason, ExitReason::Escalated { .. }), "{:?}", heard.only());
    assert_eq!(system.actors(), 1, "all below the grandparent are gone");
    system.shutdown().await;
}

// ===== PAN-5 =====

#[derive(Actor)]
struct Asker {
    target: ActorRef<Peer>,
}

#[messages]
impl Asker {
    #[message]
    async fn ask_badly(&self) {
        let asked = self.target.ask_with(|_reply: actors_core::ReplyTo<()>| panic!("in the closure"));
        let _answer = asked.await;
    }
}

#[tokio::test(start_paused = true)]
async fn pan_5_a_closure_that_panics_while_it_makes_a_request_fails_the_asker_alone() {
    let system = ActorSystem::new("panics");
    let target = system.spawn(Peer);
    let asker = system.spawn(Asker { target: target.clone() });

    asker.tell(AskBadly).await.unwrap();

    assert_eq!(panic_of(&promptly("the asker fails", asker.stopped()).await), "in the closure");
    promptly("the target answers", target.ask(Ping)).await.unwrap();
    assert_eq!(target.queued(), 0);
}

#[tokio::test(start_paused = true)]
async fn pan_5_work_that_panics_fails_the_actor_it_belongs_to_and_leaves_other_work_alone() {
    let system = ActorSystem::new("panics");
    let (other, owner) = (system.spawn(Peer), system.spawn(Peer));
    let gate = Gate::new();
    let job = within(&other, {
        let gate = gate.clone();
        move |ctx| {
            ctx.spawn_task(async move {
                gate.pass().await;
                7
            })
        }
    })
    .await;
    within(&owner, |ctx| drop(ctx.spawn_blocking(|_| panic!("blocking")))).await;

    // On another thread, which the paused clock does not wait for.
    let reason = owner.stopped().await;

    assert_eq!(panic_of(&reason), "blocking");
    gate.open();
    assert_eq!(job.await.unwrap(), 7);
    assert!(other.is_alive());
}

#[tokio::test(start_paused = true)]
async fn pan_5_a_callback_of_the_system_that_panics_holds_nothing_up() {
    let system = ActorSystem::new("panics");
    let journal = Journal::new();
    let note = journal.clone();
    system.on_terminated(move || async move { note.note("the other callback") }).unwrap();
    system.on_terminated(|| async { panic!("in the callback") }).unwrap();
    let peer = system.spawn(Peer);

    promptly("the shutdown ends", system.shutdown()).await;

    assert_eq!(peer.stopped().await, ExitReason::Shutdown);
    assert_eq!(journal.entries(), ["the other callback"]);
}

// ===== PAN-6 =====

#[tokio::test(start_paused = true)]
async fn pan_6_the_root_cause_is_kept_and_its_casualty_is_no_second_cause() {
    let system = ActorSystem::new("panics");
    let culprit = system.actor(Peer).name("culprit").start().await.unwrap();
    let casualty = system.actor(Peer).name("casualty").start().await.unwrap();
    let further = system.spawn(Peer);
    culprit.link(&casualty);
    casualty.link(&further);

    culprit.tell(Fail { error: Broken("root") }).await.unwrap();
    let reason = promptly("the last falls", further.stopped()).await;
    let report = system.shutdown().await;

    assert!(matches!(&reason, ExitReason::LinkDown { peer, .. } if *peer == casualty.path()));
    assert_eq!(error_of(reason.root_cause()), Broken("root"));
    assert_eq!(report.failures.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>(), ["/culprit"]);
    assert_eq!(error_of(&report.failures[0].1), Broken("root"));
    assert!(!casualty.stopped().await.is_failure());
}

#[tokio::test(start_paused = true)]
async fn pan_6_a_trapping_witness_tells_the_culprit_from_the_casualty() {
    let system = ActorSystem::new("panics");
    let heard = Heard::default();
    let witness = system.spawn(Witness::new(&heard));
    let (culprit, casualty) = (system.spawn(Peer), system.spawn(Peer));
    culprit.link(&casualty);
    witness.monitor(&culprit);
    witness.monitor(&casualty);

    culprit.tell(Explode).await.unwrap();
    settle().await;

    let told = heard.all();
    assert_eq!((told[0].id, told[1].id, told.len()), (culprit.id(), casualty.id(), 2));
    assert!(told[0].reason.is_failure() && !told[1].reason.is_failure());
    assert_eq!(told[1].reason.root_cause(), &told[0].reason);
}

/// Its handler holds something that breaks when it is dropped.
#[derive(Actor)]
struct Juggler {
    gate: Gate,
}

struct Glass;

impl Drop for Glass {
    fn drop(&mut self) {
        panic!("it was glass");
    }
}

#[messages]
impl Juggler {
    #[message]
    async fn juggle(&self) {
        let _glass = Glass;
        self.gate.pass().await;
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_what_a_kill_drops_with_the_handler_is_told_beside_the_kill() {
    let (system, gate) = (ActorSystem::new("circus"), Gate::new());
    let juggler = system.spawn(Juggler { gate: gate.clone() });
    juggler.tell(Juggle).await.expect("it is open");
    gate.reached().await;

    juggler.kill();

    assert_eq!(promptly("its end", juggler.stopped()).await, ExitReason::Killed);
    let secondary = &juggler.exit().expect("it has ended").secondary;
    assert!(matches!(&secondary[..], [ExitReason::Panicked { message, .. }] if message.contains("it was glass")), "{secondary:?}");
    system.shutdown().await;
}
