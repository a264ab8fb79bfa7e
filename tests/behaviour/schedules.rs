//! Schedules: messages sent from outside of an actor, later or again and again (S11.12).

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, ChildSpec, DeadReason, Overflow, Recipient, Supervisor, messages};
use tests::{Gate, Journal, promptly};
use tokio::time::{Instant, sleep};

use crate::cast::{settle, within};
use crate::clock::{Clock, ClockWaitsAt, Fail, Note, NoteTime};

fn stage() -> (ActorSystem, Journal, ActorRef<Clock>) {
    let system = ActorSystem::new("schedules");
    let journal = Journal::new();
    let clock = system.spawn(Clock::new(&journal));
    (system, journal, clock)
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test(start_paused = true)]
async fn tmr_6_a_schedule_outlives_a_restart_and_a_timer_of_the_actor_does_not() {
    let system = ActorSystem::new("schedules");
    let journal = Journal::new();
    let noted = journal.clone();
    let spec = ChildSpec::new("clock", move || Clock::new(&noted));
    system.actor(Supervisor::new().child(spec)).name("sup").start().await.unwrap();
    let clock = system.lookup::<Clock>("/sup/clock").unwrap();
    system.send_every(&clock, ms(500), || Note { text: "scheduled" });
    within(&clock, |ctx| ctx.send_every(ms(500), || Note { text: "own" })).await;
    sleep(ms(600)).await;

    clock.tell(Fail).await.unwrap();
    sleep(ms(1_000)).await;

    assert_eq!(clock.incarnation(), 1);
    assert_eq!((journal.count("scheduled"), journal.count("own"), journal.count("stopped")), (3, 1, 1));
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_message_is_sent_once_and_not_early() {
    let (system, journal, clock) = stage();
    let recipient: Recipient<NoteTime> = clock.recipient();

    system.send_after(&recipient, ms(250), NoteTime { text: "sent" });
    settle().await;

    assert_eq!(journal.entries(), ["sent at 250"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_schedule_sends_nothing_more() {
    let (system, journal, clock) = stage();
    let once = system.send_after(&clock, ms(250), Note { text: "once" });
    let again = system.send_every(&clock, ms(100), || Note { text: "again" });

    sleep(ms(220)).await;
    once.cancel();
    again.cancel();
    settle().await;

    assert_eq!(journal.entries(), ["again", "again"]);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_ends_with_its_actor() {
    let (system, journal, clock) = stage();
    let held = journal.drop_note("schedule ended");
    system.send_every(&clock, Duration::from_secs(3_600), move || {
        let _ = &held;
        Note { text: "never" }
    });

    clock.stop();
    promptly("the clock ends", clock.stopped()).await;
    sleep(ms(1)).await;

    assert_eq!(journal.entries(), ["stopped", "schedule ended"]);
    assert_eq!(system.dead_letter_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_ends_with_its_system_though_the_actor_is_of_another() {
    let (_other, journal, clock) = stage();
    let system = ActorSystem::new("short");
    let held = journal.drop_note("schedule ended");
    system.send_every(&clock, ms(100), move || {
        let _ = &held;
        Note { text: "tick" }
    });
    sleep(ms(150)).await;

    assert!(system.shutdown().await.is_clean());
    system.send_every(&clock, ms(100), || Note { text: "too late" });
    settle().await;

    assert_eq!(journal.entries(), ["tick", "schedule ended"]);
    assert!(clock.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_schedule_keeps_no_system_alive() {
    let (system, journal, clock) = stage();
    system.send_every(&clock, ms(100), || Note { text: "tick" });

    drop(system);
    promptly("the clock is killed", clock.stopped()).await;
    settle().await;

    assert_eq!(journal.count("tick"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_message_waits_for_room_and_is_a_dead_letter_where_it_is_rejected() {
    let system = ActorSystem::new("schedules");
    let mut dead_letters = system.dead_letters();
    let journal = Journal::new();
    let waits = system.actor(Clock::new(&journal)).mailbox(1).spawn();
    let rejects = system.actor(Clock::new(&journal)).mailbox(1).overflow(Overflow::Reject).spawn();
    let gate = Gate::new();
    for clock in [&waits, &rejects] {
        clock.tell(ClockWaitsAt { gate: gate.clone() }).await.unwrap();
        gate.reached().await;
        clock.tell(Note { text: "in the way" }).await.unwrap();
        system.send_after(clock, ms(10), Note { text: "scheduled" });
    }

    sleep(ms(20)).await;
    gate.open_wide();
    settle().await;

    let dead = promptly("a dead letter", dead_letters.recv()).await.unwrap();
    assert_eq!((dead.path(), dead.reason(), dead.message_type()), (&rejects.path(), DeadReason::Newest, "Note"));
    assert_eq!((journal.count("scheduled"), journal.count("in the way")), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_callback_of_a_schedule_that_panics_ends_that_schedule_alone_and_is_reported() {
    let (system, journal, clock) = stage();
    let began = Instant::now();
    system.send_every(&clock, ms(100), move || {
        assert!(began.elapsed() < ms(150), "no more");
        Note { text: "tick" }
    });
    system.send_every(&clock, ms(200), || Note { text: "other" });

    sleep(ms(450)).await;
    let report = system.shutdown().await;

    assert_eq!((journal.count("tick"), journal.count("other")), (1, 2));
    assert!(!report.is_clean());
    assert_eq!(report.failures.len(), 1);
}

/// A message that panics when it is dropped unhandled.
struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("broken");
    }
}

/// Takes nothing more once it stands at its gate.
#[derive(Actor)]
#[actor(mailbox = 1, overflow = "reject")]
struct Hoard {
    journal: Journal,
}

#[messages]
impl Hoard {
    #[message]
    async fn wait_here(&self, gate: Gate) {
        gate.pass().await;
    }

    #[handle]
    fn keep(&self, fragile: Fragile) {
        self.journal.note("kept");
        std::mem::forget(fragile);
    }
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_message_that_panics_when_it_is_rejected_is_reported_and_the_next_are_sent() {
    let (system, journal, gate) = (ActorSystem::new("schedules"), Journal::new(), Gate::new());
    let hoard = system.spawn(Hoard { journal: journal.clone() });
    for _ in 0..2 {
        hoard.tell(WaitHere { gate: gate.clone() }).await.unwrap();
        settle().await;
    }
    system.send_every(&hoard, ms(100), || Fragile);

    sleep(ms(150)).await;
    gate.open_wide();
    sleep(ms(100)).await;
    let report = system.shutdown().await;

    assert_eq!((journal.count("kept"), report.failures.len()), (1, 1), "{report}");
}
