//! Timers of an actor: when they are handled, and when not any more (S11.1 to S11.3, S11.5).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, ExitReason, ReplyTo, TimerRef, messages};
use tests::{Journal, promptly};
use tokio::time::{Instant, sleep};

use crate::cast::{Act, settle, within};
use crate::clock::{Clock, Fail, Note, NoteTime, Work, busy, ms, stage};

// ===== TMR-1 =====

#[derive(Actor, Default)]
struct Stopwatch {
    fired: Vec<u64>,
    early: u64,
}

#[messages]
impl Stopwatch {
    #[message]
    fn set_all(&mut self, delays: Vec<u64>, ctx: &mut Context<Self>) {
        for delay in delays {
            ctx.send_after(ms(delay), Ring { delay, due: Instant::now() + ms(delay) });
        }
    }

    #[message]
    fn ring(&mut self, delay: u64, due: Instant) {
        self.early += u64::from(Instant::now() < due);
        self.fired.push(delay);
    }

    #[message]
    async fn load(&self) {
        tokio::task::yield_now().await;
    }

    #[message]
    fn rung(&self) -> (Vec<u64>, u64) {
        (self.fired.clone(), self.early)
    }
}

#[tokio::test(start_paused = true)]
async fn tmr_1_300_timers_under_load_fire_once_each_and_none_early() {
    let system = ActorSystem::new("timers");
    let stopwatch = system.spawn(Stopwatch::default());
    let mut delays: Vec<u64> = (0..300).map(|n| n * 37 % 300 + 1).collect();

    stopwatch.tell(SetAll { delays: delays.clone() }).await.unwrap();
    for _ in 0..100 {
        for _ in 0..20 {
            stopwatch.tell(Load).await.unwrap();
        }
        sleep(ms(4)).await;
    }

    let (fired, early) = stopwatch.ask(Rung).await.unwrap();
    delays.sort_unstable();
    assert_eq!((fired, early), (delays, 0));
}

#[tokio::test(start_paused = true)]
async fn tmr_1_cancelling_a_timer_is_true_once_before_its_time_and_leaves_others_alone() {
    let (_system, journal, clock) = stage();
    let (first, second, third) = within(&clock, |ctx| {
        let set = |ctx: &mut Context<Clock>, text| ctx.send_after(ms(100), Note { text });
        (set(ctx, "first"), set(ctx, "second"), set(ctx, "third"))
    })
    .await;

    let cancelled = within(&clock, move |ctx| [ctx.cancel_timer(second), ctx.cancel_timer(second)]).await;
    settle().await;
    let too_late = within(&clock, move |ctx| [ctx.cancel_timer(first), ctx.cancel_timer(third)]).await;

    assert_eq!((cancelled, too_late), ([true, false], [false, false]));
    assert_eq!(journal.entries(), ["first", "third"]);
    assert!(first != second && second != third);
}

#[tokio::test(start_paused = true)]
async fn tmr_1_a_timer_that_is_due_and_waits_for_its_turn_can_still_be_cancelled() {
    let (_system, journal, clock) = stage();
    let timer = within(&clock, |ctx| ctx.send_after(ms(10), Note { text: "due" })).await;
    let gate = busy(&clock).await;
    let cancelled = Arc::new(AtomicBool::new(false));
    let noted = cancelled.clone();
    clock.tell(Act::new(move |ctx| noted.store(ctx.cancel_timer(timer), Ordering::Release))).await.unwrap();

    sleep(ms(50)).await;
    gate.open();
    settle().await;

    assert!(cancelled.load(Ordering::Acquire));
    assert!(journal.is_empty(), "{journal:?}");
}

#[tokio::test(start_paused = true)]
async fn a_timer_of_one_actor_cannot_be_cancelled_by_another() {
    let (system, journal, clock) = stage();
    let other = system.spawn(Clock::new(&journal));
    let timer = within(&clock, |ctx| ctx.send_after(ms(10), Note { text: "rang" })).await;
    within(&other, |ctx| ctx.send_after(ms(10), Note { text: "rang" })).await;

    let cancelled = within(&other, move |ctx| ctx.cancel_timer(timer)).await;
    settle().await;

    assert!(!cancelled);
    assert_eq!(journal.entries(), ["rang", "rang"]);
}

// ===== TMR-2 =====

/// Ends a clock with a timer and an interval by `end`, and returns what it noted and how many dead letters there were.
async fn ended_by(end: impl FnOnce(&ActorRef<Clock>)) -> (Vec<String>, u64) {
    let system = ActorSystem::new("timers");
    let journal = Journal::new();
    let clock = system.spawn(Clock { last_words: ms(400), ..Clock::new(&journal) });
    let held = journal.drop_note("interval dropped");
    within(&clock, |ctx| {
        ctx.send_every(ms(100), move || {
            let _ = &held;
            Note { text: "tick" }
        });
        ctx.send_after(ms(10_000), Note { text: "never" });
    })
    .await;
    sleep(ms(250)).await;

    end(&clock);
    promptly("the clock ends", clock.stopped()).await;
    settle().await;

    (journal.entries(), system.dead_letter_count())
}

#[tokio::test(start_paused = true)]
async fn tmr_2_timers_are_gone_in_the_stop_hook_however_their_actor_ends() {
    let expected = (["tick", "tick", "interval dropped", "stopped"].map(String::from).to_vec(), 0);

    let stopped = ended_by(ActorRef::stop).await;
    let drained = ended_by(ActorRef::drain).await;
    let failed = ended_by(|clock| clock.try_tell(Fail).unwrap()).await;
    let killed = ended_by(ActorRef::kill).await;

    assert_eq!([stopped, drained, failed, killed], [(); 4].map(|()| expected.clone()));
}

#[tokio::test(start_paused = true)]
async fn a_drain_handles_messages_but_no_timers_and_sets_none() {
    let (_system, journal, clock) = stage();
    within(&clock, |ctx| {
        ctx.send_after(ms(10), Note { text: "due" });
    })
    .await;
    let gate = busy(&clock).await;
    clock.tell(Note { text: "message" }).await.unwrap();
    clock
        .tell(Act::new(|ctx| {
            ctx.send_after(ms(10), Note { text: "set in vain" });
        }))
        .await
        .unwrap();
    clock.tell(Work { lasts: ms(100) }).await.unwrap();

    sleep(ms(50)).await;
    clock.drain();
    gate.open();
    promptly("the clock ends", clock.stopped()).await;

    assert_eq!(journal.entries(), ["message", "work at 50", "stopped"]);
}

// ===== TMR-3 =====

#[tokio::test(start_paused = true)]
async fn tmr_3_a_queued_tick_of_a_timer_that_is_replaced_is_not_handled() {
    let (_system, journal, clock) = stage();
    within(&clock, |ctx| ctx.set_interval("beat", ms(100), || NoteTime { text: "old" })).await;
    let gate = busy(&clock).await;
    clock
        .tell(Act::new(|ctx| {
            ctx.set_interval("beat", ms(200), || NoteTime { text: "new" });
        }))
        .await
        .unwrap();

    sleep(ms(150)).await;
    gate.open();
    sleep(ms(500)).await;

    assert_eq!(journal.entries(), ["new at 350", "new at 550"]);
}

#[tokio::test(start_paused = true)]
async fn tmr_3_a_queued_tick_of_a_timer_that_is_cancelled_is_not_handled() {
    let (_system, journal, clock) = stage();
    within(&clock, |ctx| {
        ctx.set_interval("beat", ms(100), || Note { text: "beat" });
        ctx.set_timer("once", ms(100), Note { text: "once" });
        ctx.set_timer("other", ms(100), Note { text: "other" });
    })
    .await;
    let gate = busy(&clock).await;
    let (sender, cleared) = tokio::sync::oneshot::channel();
    let clear = |ctx: &mut Context<Clock>| [ctx.clear_timer("beat"), ctx.clear_timer("once"), ctx.clear_timer("nothing")];
    clock.tell(Act::new(move |ctx| sender.send(clear(ctx)).unwrap())).await.unwrap();

    sleep(ms(150)).await;
    gate.open();
    settle().await;

    assert_eq!(cleared.await.unwrap(), [true, true, false]);
    assert_eq!(journal.entries(), ["other"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_set_as_long_as_its_timer_is_to_come() {
    let (_system, _journal, clock) = stage();
    let has = async || within(&clock, |ctx| (ctx.has_timer("once"), ctx.has_timer("beat"))).await;
    within(&clock, |ctx| {
        ctx.set_timer("once", ms(100), Note { text: "once" });
        ctx.set_interval(String::from("beat"), ms(100), || Note { text: "beat" });
    })
    .await;

    let before = has().await;
    sleep(ms(250)).await;
    let after = has().await;

    assert_eq!((before, after), ((true, true), (false, true)));
}

// ===== place =====

#[tokio::test(start_paused = true)]
async fn a_tick_takes_its_place_behind_what_was_there_and_before_what_came_later() {
    let (_system, journal, clock) = stage();
    within(&clock, |ctx| ctx.send_after(ms(10), Note { text: "timer" })).await;
    let gate = busy(&clock).await;

    clock.tell(Note { text: "before" }).await.unwrap();
    sleep(ms(20)).await;
    clock.tell(Note { text: "after" }).await.unwrap();
    gate.open();
    settle().await;

    assert_eq!(journal.entries(), ["before", "timer", "after"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_keeps_no_tick_out_and_a_tick_takes_no_room() {
    let system = ActorSystem::new("timers");
    let journal = Journal::new();
    let clock = system.actor(Clock::new(&journal)).mailbox(1).spawn();
    within(&clock, |ctx| ctx.send_after(ms(10), Note { text: "timer" })).await;
    let gate = busy(&clock).await;
    sleep(ms(20)).await;

    clock.try_tell(Note { text: "message" }).unwrap();
    assert!(clock.try_tell(Note { text: "refused" }).is_err_and(|error| error.is_full()));
    gate.open();
    settle().await;

    assert_eq!(journal.entries(), ["timer", "message"]);
}

// ===== others =====

#[tokio::test(start_paused = true)]
async fn a_timer_whose_destructor_panics_changes_nothing_in_the_order_of_the_end() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("boom");
        }
    }
    let (_system, journal, clock) = stage();
    within(&clock, |ctx| {
        for bomb in [Bomb, Bomb] {
            ctx.send_every(ms(100), move || {
                let _ = &bomb;
                Note { text: "tick" }
            });
        }
    })
    .await;

    clock.stop();
    let reason = promptly("the clock ends", clock.stopped()).await;

    assert!(matches!(&reason, ExitReason::Panicked { message, .. } if &**message == "boom"), "{reason}");
    assert_eq!(journal.entries(), ["stopped"]);
}

#[derive(Actor, Default)]
struct Desk {
    put_off: Option<ReplyTo<&'static str>>,
}

#[messages]
impl Desk {
    #[message]
    fn at_once(&self) -> &'static str {
        "at once"
    }

    #[message]
    fn later(&mut self, reply: ReplyTo<&'static str>, ctx: &mut Context<Self>) {
        self.put_off = Some(reply);
        let _: TimerRef = ctx.send_after(ms(500), AnswerNow);
    }

    #[message]
    fn answer_now(&mut self) {
        self.put_off.take().expect("somebody asked").send("later");
    }
}

#[tokio::test(start_paused = true)]
async fn ask_1_a_reply_that_waits_for_a_timer_reaches_its_caller_and_others_are_answered_meanwhile() {
    let system = ActorSystem::new("desk");
    let desk = system.spawn(Desk::default());
    let began = Instant::now();

    let (later, meanwhile) = tokio::join!(desk.ask(Later), async {
        let answer = desk.ask(AtOnce).await.unwrap();
        (answer, began.elapsed())
    });

    assert_eq!((later.unwrap(), began.elapsed()), ("later", ms(500)));
    assert_eq!(meanwhile, ("at once", Duration::ZERO));
}
