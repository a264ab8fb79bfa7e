//! Actors that take turns in a task of their own, or where they are told to: what ends or restarts them against what comes from a turn of
//! another, and from outside.

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, BoxError, ChildSpec, Context, ExitReason, Supervisor, messages};
use models::Model;

use crate::cast::{Lived, beside, explore, shut_down};

pub(crate) const MODELS: &[Model] = &[
    ("what_is_passed_on_in_turns_arrives_once_in_its_order", || explore(turns)),
    ("what_is_passed_on_in_turns_to_one_that_stops_is_handled_or_refused", || explore(|| turns_against_end(ActorRef::stop))),
    ("what_is_passed_on_in_turns_to_one_that_drains_is_handled_or_refused", || explore(|| turns_against_end(ActorRef::drain))),
    ("what_is_passed_on_in_turns_to_one_that_is_killed_is_handled_or_refused", || explore(|| turns_against_end(ActorRef::kill))),
    ("an_end_that_comes_between_turns_brings_a_linked_one_down", || explore(turns_against_link)),
    ("what_is_passed_on_in_turns_to_one_that_is_restarted_is_handled_by_the_next", || explore(turns_against_restart)),
];

/// An actor whose handlers do not wait, and which keeps its task, since it has once put a message aside.
#[derive(Actor)]
struct Turner {
    handled: Lived,
    accepted: Lived,
    next: Option<ActorRef<Turner>>,
}

#[messages]
impl Turner {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        let _ = ctx.stash(Settle);
        ctx.unstash_all();
    }

    #[message]
    fn settle(&mut self) {}

    /// Answers, when it has settled.
    #[message]
    fn ready(&mut self) -> bool {
        true
    }

    /// Passes it on.
    #[message]
    fn pass(&mut self) {
        self.handled.count();
        if let Some(next) = &self.next {
            if next.try_tell(Pass).is_ok() {
                self.accepted.count();
            }
        }
    }

    /// Fails.
    #[message]
    fn break_down(&mut self) -> Result<(), BoxError> {
        Err("broken".into())
    }
}

/// One that passes on, and one it passes on to; what the second handles, and what it has accepted from the first.
struct Pair {
    system: ActorSystem,
    first: ActorRef<Turner>,
    second: ActorRef<Turner>,
    handled: Lived,
    passed: Lived,
}

async fn pair() -> Pair {
    let system = ActorSystem::new("model");
    let (handled, passed) = (Lived::default(), Lived::default());
    let second = Turner { handled: handled.clone(), accepted: Lived::default(), next: None };
    let second = system.start(second).await.expect("it starts");
    let first = Turner { handled: Lived::default(), accepted: passed.clone(), next: Some(second.clone()) };
    let first = system.start(first).await.expect("it starts");
    assert!(first.ask(Ready).await.is_ok() && second.ask(Ready).await.is_ok(), "they settle");
    Pair { system, first, second, handled, passed }
}

/// Enough to come by a seat of its own, one at a time.
const TIMES: u32 = 8;

/// Tells `turner` one after the other, and lets it go on between them; how many it has accepted.
async fn tell_passes(turner: ActorRef<Turner>, times: u32) -> u32 {
    let mut accepted = 0;
    for _ in 0..times {
        accepted += u32::from(turner.tell(Pass).await.is_ok());
        for _ in 0..shuttle::rand::Rng::gen_range(&mut shuttle::rand::thread_rng(), 0..=4) {
            shuttle::future::yield_now().await;
        }
    }
    accepted
}

async fn turns() {
    let Pair { system, first, second, handled, passed } = pair().await;
    let outside = beside(tell_passes(second.clone(), 2));
    let through = tell_passes(first.clone(), TIMES).await;
    let outside = outside.await.expect("it goes well");
    // All that was accepted is handled by those who drain.
    first.drain();
    first.stopped().await;
    second.drain();
    second.stopped().await;
    assert_eq!((through, passed.handled(), handled.handled()), (TIMES, TIMES, TIMES + outside));
    shut_down(&system).await;
}

async fn turns_against_end(end: fn(&ActorRef<Turner>)) {
    let Pair { system, first, second, handled, passed } = pair().await;
    let through = beside(tell_passes(first.clone(), TIMES));
    let outside = beside(tell_passes(second.clone(), 2));
    let warm = tell_passes(second.clone(), 2).await;
    end(&second);
    second.stopped().await;
    assert!(second.try_tell(Pass).is_err(), "it takes nothing any more");
    through.await.expect("it goes well");
    let outside = outside.await.expect("it goes well") + warm;
    first.drain();
    first.stopped().await;
    shut_down(&system).await;
    assert_eq!(u64::from(handled.handled()) + system.dead_letter_count(), u64::from(outside + passed.handled()));
}

async fn turns_against_link() {
    let Pair { system, first, second, .. } = pair().await;
    let through = beside(tell_passes(first.clone(), TIMES));
    let (one, other) = (first.clone(), second.clone());
    let linker = beside(async move { one.link(&other) });
    let breaker = second.clone();
    let breaker = beside(async move {
        let _ = breaker.tell(BreakDown).await;
    });
    assert!(matches!(second.stopped().await, ExitReason::Failed(_)));
    assert!(matches!(first.stopped().await, ExitReason::LinkDown { .. }));
    through.await.expect("it goes well");
    linker.await.expect("it goes well");
    breaker.await.expect("it goes well");
    shut_down(&system).await;
}

async fn turns_against_restart() {
    let system = ActorSystem::new("model");
    let (handled, passed) = (Lived::default(), Lived::default());
    let made = handled.clone();
    let make = move || Turner { handled: made.clone(), accepted: Lived::default(), next: None };
    let spec = ChildSpec::new("second", make).permanent();
    system.actor(Supervisor::new().restarts(9, Duration::from_secs(9)).child(spec)).name("above").start().await.expect("it starts");
    let second = system.lookup::<Turner>("/above/second").expect("it is there");
    let first = Turner { handled: Lived::default(), accepted: passed.clone(), next: Some(second.clone()) };
    let first = system.start(first).await.expect("it starts");

    let breaker = second.clone();
    let breaker = beside(async move { breaker.tell(BreakDown).await.is_ok() });
    let outside = beside(tell_passes(second.clone(), 2));
    tell_passes(first.clone(), TIMES).await;
    assert!(breaker.await.expect("it goes well"), "it is open all the time");
    let outside = outside.await.expect("it goes well");
    first.drain();
    first.stopped().await;
    // Behind all of that, and by the next life, since that alone takes what comes behind the failure.
    assert!(second.ask(Ready).await.is_ok());
    shut_down(&system).await;
    assert_eq!((handled.handled(), system.dead_letter_count()), (outside + passed.handled(), 0));
    assert_eq!(second.incarnation(), 1, "it has failed once");
}
