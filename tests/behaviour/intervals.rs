//! Intervals of an actor: their pace, how they catch up, and what holds them up (S11.4, S11.11).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actors_core::{Actor, ActorSystem, CatchUp, Context, Every, ExitReason, messages};
use tests::{on_1_2_and_8_workers, promptly};
use tokio::time::sleep;

use crate::cast::{Act, within};
use crate::clock::{Clock, Note, NoteTime, Work, busy, ms, stage};

// ===== TMR-4 =====

/// The times at which an interval was handled whose handling takes 100 ms, up to `until` after a pause of one second.
async fn beats(every: Every, until: u64) -> Vec<String> {
    let (_system, journal, clock) = stage();
    within(&clock, move |ctx| ctx.send_every(every, || Work { lasts: ms(100) })).await;
    sleep(ms(1_000)).await;
    let gate = busy(&clock).await;
    sleep(ms(1_000)).await;
    gate.open();
    sleep(ms(until - 2_000)).await;
    journal.entries().iter().map(|entry| entry.replace("work at ", "")).collect()
}

#[tokio::test(start_paused = true)]
async fn tmr_4_a_fixed_rate_and_a_fixed_delay_keep_their_pace_and_catch_up_by_their_rule() {
    let rate = beats(Every::new(ms(225)), 2_800).await;
    let burst = beats(Every::new(ms(225)).catch_up(CatchUp::Burst), 2_800).await;
    let delay = beats(Every::new(ms(125)).catch_up(CatchUp::Delay), 2_800).await;

    // The pause ends at 2000: the one tick that waited is handled, and the beat goes on where it was. That of 2025 waits
    // until the one before has been handled.
    assert_eq!(rate, ["225", "450", "675", "900", "2000", "2100", "2250", "2475", "2700"]);
    // All that were due, one after the other, and then the beat again.
    assert_eq!(burst, ["225", "450", "675", "900", "2000", "2100", "2200", "2300", "2400", "2500", "2600", "2700"]);
    assert_eq!(delay, ["125", "350", "575", "800", "2000", "2225", "2450", "2675"]);
}

#[tokio::test(start_paused = true)]
async fn an_interval_may_begin_at_once() {
    let (_system, journal, clock) = stage();

    within(&clock, |ctx| ctx.send_every(Every::new(ms(100)).first(Duration::ZERO), || NoteTime { text: "tick" })).await;
    sleep(ms(250)).await;

    assert_eq!(journal.entries(), ["tick at 0", "tick at 100", "tick at 200"]);
}

#[tokio::test(start_paused = true)]
async fn an_interval_without_a_period_fails_the_actor_that_wants_it() {
    let (_system, _journal, clock) = stage();

    clock
        .tell(Act::new(|ctx| {
            ctx.send_every(Duration::ZERO, || Note { text: "tick" });
        }))
        .await
        .unwrap();
    let ExitReason::Panicked { message, location } = clock.stopped().await else { panic!("it panicked") };

    assert_eq!(&*message, "an interval needs a period longer than no time at all");
    assert!(location.is_some_and(|place| place.contains("intervals.rs")));
}

// ===== fairness =====

#[derive(Actor, Default)]
#[actor(mailbox = 64)]
struct Flooded {
    ticks: u64,
}

#[messages]
impl Flooded {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.send_every(ms(1), || Beat);
    }

    #[message]
    fn beat(&mut self) {
        self.ticks += 1;
    }

    #[message]
    fn drop_of_water(&self) {}

    #[message]
    fn beats(&self) -> u64 {
        self.ticks
    }
}

#[test]
fn a_flood_of_messages_does_not_starve_an_interval() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("flood");
        let flooded = system.spawn(Flooded::default());
        let over = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> = (0..4)
            .map(|_| {
                let (to, over) = (flooded.clone(), over.clone());
                tokio::spawn(async move {
                    while !over.load(Ordering::Acquire) {
                        to.tell(DropOfWater).await.unwrap();
                    }
                })
            })
            .collect();

        while promptly("an answer", flooded.ask(Beats)).await.unwrap() < 10 {
            tokio::task::yield_now().await;
        }
        over.store(true, Ordering::Release);
        for sender in senders {
            sender.await.unwrap();
        }
        assert!(system.shutdown().await.is_clean());
    });
}

// ===== panics =====

#[tokio::test(start_paused = true)]
async fn pan_5_a_periodic_callback_that_panics_fails_its_actor_and_no_other() {
    let (system, journal, clock) = stage();
    let other = system.spawn(Clock::new(&journal));
    within(&other, |ctx| ctx.send_every(ms(100), || Note { text: "tick" })).await;
    within(&clock, |ctx| {
        ctx.send_every(ms(150), || -> Note { panic!("no more ticks") });
    })
    .await;

    let reason = promptly("the clock fails", clock.stopped()).await;
    sleep(ms(200)).await;

    assert!(matches!(&reason, ExitReason::Panicked { message, .. } if &**message == "no more ticks"), "{reason}");
    assert_eq!(journal.entries(), ["tick", "stopped", "tick", "tick"]);
}
