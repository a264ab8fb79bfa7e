//! The end of one actor: one path for every cause, and the reason that is given for it (S5, S6).

use std::sync::Arc;
use std::time::Duration;

use actors_core::{AbortedBy, Actor, ActorRef, ActorSystem, BoxError, Context, Exit, ExitReason, Exited, JobError, Tie, messages};
use tests::{Broken, Gate, Journal, eventually, on_1_2_and_8_workers, promptly};
use tokio::runtime::{Builder, Runtime};

use crate::cast::{Peer, settle, within};

/// What goes wrong in a subject, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Faults {
    exited: Option<Fault>,
    stopped: Option<Fault>,
    destructor: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Fails,
    Panics,
    Hangs,
}

impl Fault {
    async fn happen(self, place: &'static str, gate: &Gate) -> Result<(), BoxError> {
        match self {
            Fault::Fails => Err(Broken(place).into()),
            Fault::Panics => panic!("{place}"),
            Fault::Hangs => {
                gate.pass().await;
                Ok(())
            }
        }
    }
}

/// An actor that notes each step of its end, and in which anything can go wrong.
#[derive(Actor)]
struct Subject {
    journal: Journal,
    gate: Gate,
    faults: Faults,
}

#[messages]
impl Subject {
    #[started]
    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.spawn(Below { journal: self.journal.clone() });
    }

    #[exited]
    async fn exited(&mut self, exited: Exited) -> Result<(), BoxError> {
        match self.faults.exited {
            Some(fault) if matches!(exited.tie, Tie::Link) => fault.happen("exited", &self.gate).await,
            _ => Ok(()),
        }
    }

    #[stopped]
    async fn stopped(&mut self) -> Result<(), BoxError> {
        self.journal.note("hook begins");
        tokio::task::yield_now().await;
        match self.faults.stopped {
            Some(fault) => fault.happen("stopped", &self.gate).await?,
            None => self.journal.note("hook ends"),
        }
        Ok(())
    }

    #[message]
    async fn stand(&self) {
        self.gate.pass().await;
    }

    #[message]
    fn break_down(&self) -> Result<(), Broken> {
        Err(Broken("handler"))
    }

    #[message]
    fn burst(&self) {
        panic!("handler");
    }

    #[message]
    fn leave(&self, ctx: &mut Context<Self>) {
        ctx.stop();
    }

    #[message]
    fn trap(&self, on: bool, ctx: &mut Context<Self>) {
        ctx.trap_exits(on);
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.journal.note("state dropped");
        if self.faults.destructor {
            panic!("destructor");
        }
    }
}

/// The child of a subject.
#[derive(Actor)]
struct Below {
    journal: Journal,
}

#[messages]
impl Below {
    #[message]
    fn is_below(&self) {}
}

impl Drop for Below {
    fn drop(&mut self) {
        self.journal.note("child gone");
    }
}

/// One who is told of the end, and looks whether all that comes before has happened.
#[derive(Actor)]
struct Observer {
    system: Arc<ActorSystem>,
    journal: Journal,
}

#[messages]
impl Observer {
    #[exited]
    fn told(&mut self, exited: Exited) {
        let tie = match exited.tie {
            Tie::Link => "link",
            Tie::Child => "parent",
            _ => "monitor",
        };
        look(&self.system, &self.journal, tie);
    }

    #[message]
    fn make(&self, subject: Subject, ctx: &mut Context<Self>) -> ActorRef<Subject> {
        ctx.actor(subject).name("subject").spawn()
    }
}

fn look(system: &ActorSystem, journal: &Journal, who: &str) {
    let name = if system.lookup::<Subject>("/parent/subject").is_none() { "free" } else { "taken" };
    let state = if journal.count("state dropped") == 1 { "dropped" } else { "there" };
    journal.note(format!("{who} told: name {name}, state {state}"));
}

/// A subject below a parent, linked and watched and waited for.
struct Stage {
    system: Arc<ActorSystem>,
    subject: ActorRef<Subject>,
    journal: Journal,
    gate: Gate,
    waiters: Vec<tokio::task::JoinHandle<ExitReason>>,
}

async fn stage(faults: Faults) -> Stage {
    let system = Arc::new(ActorSystem::new("endings"));
    let (journal, gate) = (Journal::new(), Gate::new());
    let observer = || Observer { system: system.clone(), journal: journal.clone() };
    let parent = system.actor(observer()).name("parent").start().await.unwrap();
    let subject = Subject { journal: journal.clone(), gate: gate.clone(), faults };
    let subject = parent.ask(Make { subject }).await.unwrap();
    eventually("it has started", || subject.has_started()).await;
    system.spawn(observer()).link(&subject);
    system.spawn(observer()).monitor(&subject);
    let waiters = (0..3)
        .map(|_| {
            let (system, journal, subject) = (system.clone(), journal.clone(), subject.clone());
            tokio::spawn(async move {
                let reason = subject.stopped().await;
                look(&system, &journal, "waiter");
                reason
            })
        })
        .collect();
    tokio::task::yield_now().await;
    Stage { system, subject, journal, gate, waiters }
}

const GONE: [&str; 4] = ["child gone", "hook begins", "hook ends", "state dropped"];
const GONE_WITH_A_BROKEN_HOOK: [&str; 3] = ["child gone", "hook begins", "state dropped"];

impl Stage {
    /// Waits for the end, and asserts that all happened in order, and that all were told afterwards, once each.
    async fn ends(self, steps: &[&str]) -> Exit {
        let Stage { subject, journal, waiters, system, .. } = self;
        let reason = promptly("the subject ends", subject.stopped()).await;
        let exit = subject.exit().expect("it has ended");
        assert_eq!(exit.reason, reason);
        for waiter in waiters {
            assert_eq!(promptly("every waiter is told", waiter).await.unwrap(), reason);
        }
        eventually("all are told", || journal.len() >= steps.len() + 6).await;
        tokio::task::yield_now().await;

        let entries = journal.entries();
        assert_eq!(entries[..steps.len()], *steps, "{reason}");
        for (who, times) in [("waiter", 3), ("link", 1), ("parent", 1), ("monitor", 1)] {
            assert_eq!(journal.count(&format!("{who} told: name free, state dropped")), times, "{who}: {entries:?}");
        }
        assert_eq!(entries.len(), steps.len() + 6, "{entries:?}");
        assert_eq!(system.actors(), 3, "the parent and the observers");
        exit
    }
}

fn error_of(reason: &ExitReason) -> Broken {
    let failure = reason.error().unwrap_or_else(|| panic!("expected an error, not {reason}"));
    failure.downcast_ref::<Broken>().expect("the error is what it was").clone()
}

fn panic_of(reason: &ExitReason) -> String {
    match reason {
        ExitReason::Panicked { message, .. } => message.to_string(),
        other => panic!("expected a panic, not {other}"),
    }
}

fn clean(reason: ExitReason) -> Exit {
    Exit { reason, secondary: Vec::new() }
}

// ===== S6: the same order for every cause =====

#[tokio::test(start_paused = true)]
async fn s6_1_a_stop_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.stop();
    assert_eq!(stage.ends(&GONE).await, clean(ExitReason::Normal));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_drain_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.drain();
    assert_eq!(stage.ends(&GONE).await, clean(ExitReason::Normal));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_stop_from_within_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.tell(Leave).await.unwrap();
    assert_eq!(stage.ends(&GONE).await, clean(ExitReason::Normal));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_stop_that_finds_a_handler_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.tell(Stand).await.unwrap();
    stage.gate.reached().await;
    stage.subject.stop();
    settle().await;
    assert!(stage.journal.is_empty(), "the handler in hand finishes first");
    stage.gate.open();
    assert_eq!(stage.ends(&GONE).await, clean(ExitReason::Normal));
}

#[tokio::test(start_paused = true)]
async fn s6_1_an_error_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.tell(BreakDown).await.unwrap();
    let exit = stage.ends(&GONE).await;
    assert_eq!((error_of(&exit.reason), exit.secondary.len()), (Broken("handler"), 0));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_panic_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.tell(Burst).await.unwrap();
    let exit = stage.ends(&GONE).await;
    assert_eq!((panic_of(&exit.reason).as_str(), exit.secondary.len()), ("handler", 0));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_kill_of_an_idle_actor_ends_it_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.kill();
    assert_eq!(stage.ends(&GONE).await, clean(ExitReason::Killed));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_kill_in_a_handler_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.tell(Stand).await.unwrap();
    stage.gate.reached().await;
    stage.subject.kill();
    assert_eq!(stage.ends(&GONE).await, clean(ExitReason::Killed));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_kill_in_the_exited_hook_ends_an_actor_in_order() {
    let stage = stage(Faults { exited: Some(Fault::Hangs), ..Faults::default() }).await;
    link_to_the_dead(&stage).await;
    stage.gate.reached().await;
    stage.subject.kill();
    assert_eq!(stage.ends(&GONE).await, clean(ExitReason::Killed));
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_kill_in_the_stop_hook_ends_an_actor_in_order() {
    let stage = stage(Faults { stopped: Some(Fault::Hangs), ..Faults::default() }).await;
    stage.subject.stop();
    stage.gate.reached().await;
    stage.subject.kill();
    let began = tokio::time::Instant::now();
    assert_eq!(stage.ends(&GONE_WITH_A_BROKEN_HOOK).await, clean(ExitReason::Killed));
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(500) && took < Duration::from_millis(600), "the kill leaves it 500 ms: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_stop_hook_that_outruns_its_limit_does_not_hold_up_the_end() {
    let stage = stage(Faults { stopped: Some(Fault::Hangs), ..Faults::default() }).await;
    stage.subject.stop();
    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;
    assert_eq!(exit.reason, ExitReason::Normal);
}

#[tokio::test(start_paused = true)]
async fn s6_1_a_link_down_ends_an_actor_in_order() {
    let stage = stage(Faults::default()).await;
    stage.subject.ask(Trap { on: false }).await.unwrap();
    link_to_the_dead(&stage).await;
    let exit = stage.ends(&GONE).await;
    assert!(matches!(exit.reason, ExitReason::LinkDown { cause, .. } if *cause == ExitReason::Killed));
}

#[tokio::test(start_paused = true)]
async fn s6_1_an_exited_hook_that_fails_ends_an_actor_in_order() {
    let stage = stage(Faults { exited: Some(Fault::Fails), ..Faults::default() }).await;
    link_to_the_dead(&stage).await;
    let exit = stage.ends(&GONE).await;
    assert_eq!(error_of(&exit.reason), Broken("exited"));
}

#[tokio::test(start_paused = true)]
async fn s6_1_an_exited_hook_that_panics_ends_an_actor_in_order() {
    let stage = stage(Faults { exited: Some(Fault::Panics), ..Faults::default() }).await;
    link_to_the_dead(&stage).await;
    let exit = stage.ends(&GONE).await;
    assert_eq!(panic_of(&exit.reason), "exited");
}

#[tokio::test(start_paused = true)]
async fn s6_2_a_destructor_that_panics_changes_nothing_in_the_order() {
    let stage = stage(Faults { destructor: true, ..Faults::default() }).await;
    stage.subject.stop();
    let exit = stage.ends(&GONE).await;
    assert_eq!(panic_of(&exit.reason), "destructor");
}

async fn link_to_the_dead(stage: &Stage) {
    let dead = stage.system.spawn(Peer);
    dead.kill();
    dead.stopped().await;
    stage.subject.link(&dead);
}

#[test]
fn s6_1_the_order_holds_for_all_who_are_told_on_1_2_and_8_workers() {
    type Way = fn(&ActorRef<Subject>);
    on_1_2_and_8_workers(|| async {
        let ways: [Way; 5] = [
            |subject| subject.stop(),
            |subject| subject.drain(),
            |subject| subject.kill(),
            |subject| subject.try_tell(Burst).unwrap(),
            |subject| subject.try_tell(BreakDown).unwrap(),
        ];
        for turn in 0..100 {
            let stage = stage(Faults::default()).await;
            ways[turn % ways.len()](&stage.subject);
            stage.ends(&GONE).await;
        }
    });
}

#[test]
fn s6_3_stops_drains_and_kills_from_many_threads_end_an_actor_once() {
    on_1_2_and_8_workers(|| async {
        for _ in 0..50 {
            let stage = stage(Faults::default()).await;
            let enders: Vec<_> = (0..9)
                .map(|number| {
                    let subject = stage.subject.clone();
                    tokio::spawn(async move {
                        match number % 3 {
                            0 => subject.stop(),
                            1 => subject.drain(),
                            _ => subject.kill(),
                        }
                        subject.stopped().await
                    })
                })
                .collect();
            let mut reasons = Vec::new();
            for ender in enders {
                reasons.push(ender.await.unwrap());
            }
            let exit = stage.ends(&GONE).await;
            assert!(reasons.iter().all(|reason| *reason == exit.reason), "{reasons:?}");
            assert!(matches!(exit.reason, ExitReason::Normal | ExitReason::Killed));
        }
    });
}

#[tokio::test(start_paused = true)]
async fn s6_3_asking_a_dead_actor_to_end_changes_nothing() {
    let stage = stage(Faults::default()).await;
    let subject = stage.subject.clone();
    subject.stop();
    let exit = stage.ends(&GONE).await;

    subject.kill();
    subject.drain();
    subject.stop();

    assert_eq!((subject.stopped().await, subject.exit()), (ExitReason::Normal, Some(exit)));
}

#[tokio::test(start_paused = true)]
async fn s6_4_the_stop_signal_is_seen_by_all_who_look_at_it() {
    let system = ActorSystem::new("endings");
    let peer = system.spawn(Peer);
    let (signal, token) = within(&peer, |ctx| (ctx.stop_signal(), ctx.stop_token())).await;
    let waiting = tokio::spawn({
        let signal = signal.clone();
        async move { signal.stopping().await }
    });
    tokio::task::yield_now().await;
    assert!(!signal.is_stopping() && !token.is_cancelled() && !waiting.is_finished());

    peer.stop();

    promptly("who waits is woken", waiting).await.unwrap();
    assert!(signal.is_stopping() && token.is_cancelled());
    assert!(signal.unless_stopping(async { "always ready" }).await.is_err(), "the signal is looked at first");
    assert!(signal.token().is_cancelled(), "also when asked for afterwards");
}

// ===== S6.5: the runtime goes =====

/// Runs a subject on a runtime of its own, drops that runtime once `until` says so, and returns what is left.
fn on_a_runtime_that_goes(prepare: impl AsyncFnOnce(&Stage)) -> (Exit, Journal, Arc<ActorSystem>) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let stage = runtime.block_on(async {
        let stage = stage(Faults::default()).await;
        prepare(&stage).await;
        stage
    });
    runtime.shutdown_timeout(Duration::from_secs(10));

    let outside: Runtime = Builder::new_current_thread().enable_all().build().unwrap();
    outside.block_on(promptly("the end is known on another runtime", stage.subject.stopped()));
    (stage.subject.exit().expect("it has ended"), stage.journal, stage.system)
}

#[test]
fn s6_5_a_runtime_that_is_dropped_ends_an_idle_actor() {
    let (exit, journal, system) = on_a_runtime_that_goes(async |_| ());

    // By its parent's end, if that came first, or by its own.
    assert!(matches!(exit.reason, ExitReason::Killed | ExitReason::Aborted { .. }), "{exit:?}");
    assert_eq!((journal.count("state dropped"), journal.count("child gone"), journal.count("hook begins")), (1, 1, 0));
    assert!(system.lookup::<Subject>("/parent/subject").is_none());
    assert_eq!(system.actors(), 0);
}

#[test]
fn s6_5_a_runtime_that_is_dropped_ends_an_actor_in_its_handler() {
    let (exit, journal, system) = on_a_runtime_that_goes(async |stage| {
        stage.subject.tell(Stand).await.unwrap();
        stage.gate.reached().await;
    });

    assert!(matches!(exit.reason, ExitReason::Killed | ExitReason::Aborted { .. }), "{exit:?}");
    assert_eq!((journal.count("state dropped"), journal.count("child gone"), journal.count("hook begins")), (1, 1, 0));
    assert!(system.lookup::<Subject>("/parent/subject").is_none());
}

#[test]
fn s6_5_an_actor_at_the_top_is_aborted_by_the_runtime() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (_system, peer) = runtime.block_on(async {
        let system = ActorSystem::new("endings");
        let peer = system.spawn(Peer);
        let gate = Gate::new();
        peer.tell(crate::cast::WaitAt { gate: gate.clone() }).await.unwrap();
        gate.reached().await;
        (system, peer)
    });

    drop(runtime);

    assert_eq!(peer.exit(), Some(clean(ExitReason::Aborted { by: AbortedBy::Runtime })));
}

#[test]
fn s6_5_the_end_of_a_parent_is_published_after_those_of_its_children() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (_system, family) = runtime.block_on(async {
        let system = ActorSystem::new("endings");
        let mut family = vec![system.spawn(Peer)];
        for depth in 0..50 {
            let child = within(&family[depth], |ctx| ctx.spawn(Peer)).await;
            family.push(child);
        }
        (system, family)
    });
    let order = Journal::new();
    let waiters: Vec<_> = family.iter().map(|actor| (actor.path().depth(), actor.stopped())).collect();
    let watch = std::thread::spawn({
        let (order, family) = (order.clone(), family.clone());
        move || {
            // A parent that has ended has no child that has not.
            while family[0].exit().is_none() {
                std::thread::yield_now();
            }
            order.note(if family.iter().all(|actor| actor.exit().is_some()) { "in order" } else { "out of order" });
        }
    });

    drop(runtime);

    watch.join().unwrap();
    assert_eq!(order.entries(), ["in order"]);
    let outside = Builder::new_current_thread().enable_all().build().unwrap();
    for (depth, stopped) in waiters {
        assert!(!outside.block_on(promptly("it ends", stopped)).is_clean(), "at depth {depth}");
    }
}

#[test]
fn s6_5_an_actor_whose_runtime_has_gone_can_still_be_stopped() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (system, peer) = runtime.block_on(async {
        let system = ActorSystem::new("endings");
        // It has had nothing to do so far, and so it has no task.
        let peer = system.actor(Peer).name("peer").spawn();
        (system, peer)
    });
    drop(runtime);

    peer.stop();

    let outside = Builder::new_current_thread().enable_all().build().unwrap();
    outside.block_on(promptly("it ends", peer.stopped()));
    assert!(system.lookup::<Peer>("/peer").is_none());
}

// ===== S5: reasons =====

#[tokio::test(start_paused = true)]
async fn s5_1_a_clean_end_whose_stop_hook_fails_becomes_that_failure() {
    let stage = stage(Faults { stopped: Some(Fault::Fails), ..Faults::default() }).await;
    stage.subject.stop();
    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;
    assert_eq!((error_of(&exit.reason), exit.secondary), (Broken("stopped"), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn s5_1_a_clean_end_whose_stop_hook_panics_becomes_that_panic() {
    let stage = stage(Faults { stopped: Some(Fault::Panics), ..Faults::default() }).await;
    stage.subject.drain();
    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;
    assert_eq!((panic_of(&exit.reason).as_str(), exit.secondary), ("stopped", Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn s5_1_what_goes_wrong_after_a_failure_is_kept_beside_it_in_order() {
    let stage = stage(Faults { stopped: Some(Fault::Fails), destructor: true, ..Faults::default() }).await;
    stage.subject.tell(Burst).await.unwrap();

    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;

    assert_eq!(panic_of(&exit.reason), "handler");
    assert_eq!((error_of(&exit.secondary[0]), panic_of(&exit.secondary[1])), (Broken("stopped"), "destructor".to_owned()));
    assert_eq!(exit.secondary.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn s5_1_a_clean_end_with_two_failures_keeps_the_first_and_the_second() {
    let stage = stage(Faults { stopped: Some(Fault::Fails), destructor: true, ..Faults::default() }).await;
    stage.subject.stop();

    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;

    assert_eq!(error_of(&exit.reason), Broken("stopped"));
    assert_eq!(exit.secondary.iter().map(panic_of).collect::<Vec<_>>(), ["destructor"]);
}

#[tokio::test(start_paused = true)]
async fn s5_1_a_kill_comes_before_what_goes_wrong_after_it() {
    let stage = stage(Faults { stopped: Some(Fault::Fails), ..Faults::default() }).await;
    stage.subject.kill();
    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;
    assert_eq!((exit.reason, exit.secondary.iter().map(error_of).collect::<Vec<_>>()), (ExitReason::Killed, vec![Broken("stopped")]));
}

#[tokio::test(start_paused = true)]
async fn s5_1_a_kill_of_an_actor_that_was_stopping_comes_before_what_goes_wrong_after_it() {
    let stage = stage(Faults { stopped: Some(Fault::Fails), ..Faults::default() }).await;
    stage.subject.tell(Stand).await.unwrap();
    stage.gate.reached().await;
    stage.subject.stop();
    stage.subject.kill();
    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;
    assert_eq!((exit.reason, exit.secondary.iter().map(error_of).collect::<Vec<_>>()), (ExitReason::Killed, vec![Broken("stopped")]));
}

#[tokio::test(start_paused = true)]
async fn s5_1_a_kill_during_the_stop_hook_comes_before_what_goes_wrong_after_it() {
    let stage = stage(Faults { stopped: Some(Fault::Hangs), destructor: true, ..Faults::default() }).await;
    stage.subject.stop();
    stage.gate.reached().await;
    stage.subject.kill();
    let exit = stage.ends(&GONE_WITH_A_BROKEN_HOOK).await;
    assert_eq!((exit.reason, exit.secondary.iter().map(panic_of).collect::<Vec<_>>()), (ExitReason::Killed, vec!["destructor".into()]));
}

#[tokio::test(start_paused = true)]
async fn s5_1_a_failure_in_the_handler_that_a_stop_waits_for_is_the_reason() {
    let system = ActorSystem::new("endings");
    let peer = system.spawn(Peer);
    within(&peer, |ctx| ctx.stop()).await;
    assert_eq!(peer.stopped().await, ExitReason::Normal);

    let gate = Gate::new();
    let late = system.spawn(FailsLate { gate: gate.clone() });
    late.tell(FailLate).await.unwrap();
    gate.reached().await;
    late.stop();
    gate.open();

    assert_eq!(error_of(&promptly("it ends", late.stopped()).await), Broken("late"));
}

#[derive(Actor)]
struct FailsLate {
    gate: Gate,
}

#[messages]
impl FailsLate {
    #[message]
    async fn fail_late(&self) -> Result<(), Broken> {
        self.gate.pass().await;
        Err(Broken("late"))
    }
}

#[tokio::test(start_paused = true)]
async fn s5_2_an_escalation_is_abnormal() {
    let child = {
        let system = ActorSystem::new("endings");
        system.spawn(Peer).path()
    };
    let escalated = ExitReason::Escalated { child, restarts: 3, period: Duration::from_secs(5) };
    assert!(!escalated.is_clean() && escalated.is_failure());
}

#[tokio::test(start_paused = true)]
async fn s5_3_the_reason_is_typed_in_links_monitors_and_the_report() {
    let system = ActorSystem::new("endings");
    let (peer, tied) = (system.spawn(Peer), system.spawn(Peer));
    peer.link(&tied);

    peer.tell(crate::cast::Fail { error: Broken("typed") }).await.unwrap();
    let over_the_link = promptly("it falls", tied.stopped()).await;
    let report = system.shutdown().await;

    assert_eq!(error_of(over_the_link.root_cause()), Broken("typed"));
    let (path, reason) = &report.failures[0];
    assert_eq!((path, error_of(reason), report.failures.len()), (&peer.path(), Broken("typed"), 1));
}

#[tokio::test(start_paused = true)]
async fn s5_4_whoever_asks_decides_between_normal_and_shutdown() {
    let system = ActorSystem::new("endings");
    let parent = system.spawn(Peer);
    let children = within(&parent, |ctx| [ctx.spawn(Peer), ctx.spawn(Peer), ctx.spawn(Peer)]).await;
    children[0].stop();
    assert_eq!(children[0].stopped().await, ExitReason::Normal);
    let path = children[1].path();
    within(&parent, move |ctx| ctx.stop_child(&path)).await.unwrap();
    assert_eq!(children[1].stopped().await, ExitReason::Shutdown);

    parent.stop();

    assert_eq!(parent.stopped().await, ExitReason::Normal);
    assert_eq!(children[2].stopped().await, ExitReason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn s6_7_a_helper_that_panics_and_is_not_awaited_is_the_reason() {
    let system = ActorSystem::new("endings");
    let peer = system.spawn(Peer);

    within(&peer, |ctx| drop(ctx.spawn_task(async { panic!("helper") }))).await;

    assert_eq!(panic_of(&promptly("it ends", peer.stopped()).await), "helper");
}

#[tokio::test(start_paused = true)]
async fn s6_7_a_helper_that_panics_and_is_awaited_is_a_result() {
    let system = ActorSystem::new("endings");
    let peer = system.spawn(Peer);

    let job = within(&peer, |ctx| ctx.spawn_task(async { panic!("helper") })).await;
    let result: Result<(), JobError> = promptly("there is a result", job).await;

    assert!(matches!(result, Err(JobError::Panicked(reason)) if panic_of(&reason) == "helper"));
    settle().await;
    assert!(peer.is_alive());
}
