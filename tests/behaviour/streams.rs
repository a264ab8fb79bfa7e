//! Streams and futures given to an actor: their items and results come as messages, in its turn (S11.8 to S11.11).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, ExitReason, JobError, StreamRef, messages};
use futures_util::{Stream, StreamExt, stream};
use tests::{Broken, Gate, Journal, on_1_2_and_8_workers, promptly};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::cast::{Act, settle, within};

/// Notes what streams and futures bring.
#[derive(Actor)]
struct Meter {
    journal: Journal,
    /// How long it takes to handle a number.
    takes: Duration,
    handled: Arc<AtomicU64>,
}

#[messages]
impl Meter {
    #[stream]
    fn text(&self, text: Option<String>) {
        self.journal.note(text.unwrap_or_else(|| "end".to_owned()));
    }

    #[stream]
    async fn number(&self, number: Option<u64>) {
        if number.is_some() {
            sleep(self.takes).await;
            self.handled.fetch_add(1, Ordering::AcqRel);
        } else {
            self.journal.note("numbers are over");
        }
    }

    #[stream]
    fn item_of_a_fallible_stream(&self, item: Option<Result<u8, Broken>>) {
        self.journal.note(format!("{item:?}"));
    }

    #[handle]
    fn result(&self, result: Result<u8, Broken>, ctx: &mut Context<Self>) {
        self.journal.note(format!("{result:?}"));
        if result.is_err() {
            ctx.stop();
        }
    }

    #[message(name = MeterNotes)]
    fn note(&self, text: &'static str) {
        self.journal.note(text);
    }

    #[message(name = MeterWaitsAt)]
    async fn wait_at(&self, gate: Gate) {
        gate.pass().await;
        self.journal.note("passed the gate");
    }

    #[message(name = NumbersHandled)]
    fn numbers_handled(&self) -> u64 {
        self.handled.load(Ordering::Acquire)
    }

    #[handle]
    fn act(&self, act: Act<Meter>, ctx: &mut Context<Self>) {
        act.play(ctx);
    }
}

fn meter(journal: &Journal) -> Meter {
    Meter { journal: journal.clone(), takes: Duration::ZERO, handled: Arc::default() }
}

fn stage() -> (ActorSystem, Journal, ActorRef<Meter>) {
    let system = ActorSystem::new("streams");
    let journal = Journal::new();
    let meter = system.spawn(meter(&journal));
    (system, journal, meter)
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The items `a1`, `a2` and so on, one in every `period`.
fn paced(name: &'static str, period: Duration) -> impl Stream<Item = String> + Send + 'static {
    stream::iter(1_u32..).then(move |n| async move {
        sleep(period).await;
        format!("{name}{n}")
    })
}

async fn attach(meter: &ActorRef<Meter>, stream: impl Stream<Item = String> + Send + 'static) -> StreamRef {
    within(meter, |ctx| ctx.attach(stream)).await
}

// ===== STM-1 =====

#[tokio::test(start_paused = true)]
async fn stm_1_items_come_in_order_then_the_end_once_and_the_actor_lives_on() {
    let (_system, journal, meter) = stage();

    attach(&meter, stream::iter(["one", "two", "three"].map(String::from))).await;
    settle().await;
    meter.tell(MeterNotes { text: "still here" }).await.unwrap();
    settle().await;

    assert_eq!(journal.entries(), ["one", "two", "three", "end", "still here"]);
}

#[tokio::test(start_paused = true)]
async fn stm_1_several_streams_interleave_by_time_each_in_its_own_order() {
    let (_system, journal, meter) = stage();

    attach(&meter, paced("a", ms(20)).take(3)).await;
    attach(&meter, paced("b", ms(35)).take(2)).await;
    settle().await;

    assert_eq!(journal.entries(), ["a1", "b1", "a2", "a3", "end", "b2", "end"]);
}

// ===== STM-2 =====

#[tokio::test(start_paused = true)]
async fn stm_2_of_a_detached_stream_nothing_is_handled_and_the_others_go_on() {
    let (_system, journal, meter) = stage();
    attach(&meter, paced("a", ms(100))).await;
    let b = attach(&meter, paced("b", ms(100))).await;
    attach(&meter, paced("c", ms(100))).await;
    let gate = Gate::new();
    sleep(ms(150)).await;
    meter.tell(MeterWaitsAt { gate: gate.clone() }).await.unwrap();
    let (sender, detached) = tokio::sync::oneshot::channel();
    meter.tell(Act::new(move |ctx| sender.send((ctx.detach(b), ctx.detach(b))).unwrap())).await.unwrap();

    // Meanwhile, its second item waits for its turn.
    sleep(ms(100)).await;
    gate.open();
    sleep(ms(70)).await;

    assert_eq!(detached.await.unwrap(), (true, false));
    assert_eq!(journal.entries(), ["a1", "b1", "c1", "passed the gate", "a2", "c2"]);
}

#[tokio::test(start_paused = true)]
async fn stm_2_the_end_of_the_actor_drops_its_streams_and_futures_also_those_never_polled() {
    let (system, journal, meter) = stage();
    let held = journal.drop_note("stream dropped");
    attach(
        &meter,
        stream::pending().map(move |item| {
            let _ = &held;
            item
        }),
    )
    .await;
    let held = journal.drop_note("future dropped");
    let job = within(&meter, |ctx| {
        ctx.pipe(async move {
            let _held = held;
            std::future::pending::<Result<u8, Broken>>().await
        });
        // Not polled once before the actor has ended.
        ctx.stop();
        ctx.spawn_task(std::future::pending::<()>())
    })
    .await;

    promptly("the meter ends", meter.stopped()).await;

    let mut entries = journal.entries();
    entries.sort();
    assert_eq!(entries, ["future dropped", "stream dropped"]);
    assert_eq!(promptly("the job is gone", job).await, Err(JobError::Dropped));
    assert_eq!(system.dead_letter_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_stopping_takes_no_stream_and_no_future() {
    let (_system, journal, meter) = stage();
    let held = (journal.drop_note("stream dropped"), journal.drop_note("future dropped"));

    within(&meter, move |ctx| {
        ctx.stop();
        let (of_stream, of_future) = held;
        ctx.attach(stream::once(async move {
            let _held = of_stream;
            String::from("in vain")
        }));
        ctx.pipe_with(
            async move {
                let _held = of_future;
            },
            |()| MeterNotes { text: "in vain" },
        );
    })
    .await;
    promptly("the meter ends", meter.stopped()).await;

    assert_eq!(journal.entries(), ["stream dropped", "future dropped"]);
}

// ===== STM-3 =====

#[tokio::test(start_paused = true)]
async fn stm_3_an_item_that_is_an_error_and_an_abrupt_end_are_messages_and_end_nothing() {
    let (_system, journal, meter) = stage();
    let (sender, mut receiver) = mpsc::channel(4);
    let source = stream::poll_fn(move |cx| receiver.poll_recv(cx));
    within(&meter, |ctx| ctx.attach(source)).await;
    let producer = tokio::spawn(async move {
        for item in [Ok(1), Err(Broken("torn")), Ok(2)] {
            sender.send(item).await.unwrap();
        }
        std::future::pending::<()>().await;
    });

    sleep(ms(10)).await;
    producer.abort();
    settle().await;

    assert_eq!(journal.entries(), ["Some(Ok(1))", "Some(Err(Broken(\"torn\")))", "Some(Ok(2))", "None"]);
    assert!(meter.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_panics_fails_its_actor() {
    let (system, journal, meter) = stage();
    let other = system.spawn(Meter { journal: journal.clone(), takes: Duration::ZERO, handled: Arc::default() });

    attach(&meter, stream::once(async { panic!("no more of it") })).await;
    let reason = promptly("the meter fails", meter.stopped()).await;
    other.tell(MeterNotes { text: "unharmed" }).await.unwrap();
    settle().await;

    assert!(matches!(&reason, ExitReason::Panicked { message, .. } if &**message == "no more of it"), "{reason}");
    assert_eq!(journal.entries(), ["unharmed"]);
}

// ===== STM-4 =====

#[tokio::test(start_paused = true)]
async fn stm_4_a_fast_source_is_never_ahead_of_a_slow_actor_by_more_than_the_item_in_hand() {
    let system = ActorSystem::new("streams");
    let journal = Journal::new();
    let handled = Arc::new(AtomicU64::new(0));
    let meter = system.spawn(Meter { takes: ms(10), handled: handled.clone(), ..meter(&journal) });
    let (fetched, ahead) = (handled.clone(), journal.clone());
    let source = stream::iter(0..20_u64).map(move |n| {
        let missing = n - fetched.load(Ordering::Acquire);
        if missing > 0 {
            ahead.note(format!("{missing} ahead"));
        }
        n
    });

    within(&meter, |ctx| ctx.attach(source)).await;
    settle().await;

    assert_eq!(handled.load(Ordering::Acquire), 20);
    assert_eq!(journal.entries(), ["numbers are over"]);
}

#[tokio::test(start_paused = true)]
async fn stm_4_no_item_is_lost_after_the_buffer_of_the_source_was_full() {
    let system = ActorSystem::new("streams");
    let journal = Journal::new();
    let handled = Arc::new(AtomicU64::new(0));
    let meter = system.spawn(Meter { takes: ms(10), handled: handled.clone(), ..meter(&journal) });
    let (sender, mut receiver) = mpsc::channel(16);
    let source = stream::poll_fn(move |cx| receiver.poll_recv(cx));
    within(&meter, |ctx| ctx.attach(source)).await;

    let mut most_ahead = 0;
    for n in 1..=100_u64 {
        sender.send(n).await.unwrap();
        most_ahead = most_ahead.max(n - handled.load(Ordering::Acquire));
    }
    drop(sender);
    settle().await;

    // Its buffer, and the item in hand.
    assert_eq!((most_ahead, handled.load(Ordering::Acquire)), (17, 100));
    assert_eq!(journal.entries(), ["numbers are over"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_keeps_no_item_out() {
    let system = ActorSystem::new("streams");
    let journal = Journal::new();
    let meter = system.actor(meter(&journal)).mailbox(1).spawn();
    attach(&meter, paced("a", ms(10)).take(1)).await;
    let gate = Gate::new();
    meter.tell(MeterWaitsAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    meter.tell(MeterNotes { text: "message" }).await.unwrap();

    sleep(ms(50)).await;
    gate.open();
    settle().await;

    assert_eq!(journal.entries(), ["passed the gate", "message", "a1", "end"]);
}

// ===== fairness =====

#[test]
fn a_stream_that_is_always_ready_starves_neither_messages_nor_timers_nor_the_stop() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("streams");
        let journal = Journal::new();
        let meter = system.spawn(meter(&journal));
        within(&meter, |ctx| ctx.attach(stream::repeat(1_u64))).await;
        within(&meter, |ctx| ctx.attach(stream::repeat(2_u64))).await;
        within(&meter, |ctx| ctx.send_after(ms(1), MeterNotes { text: "timer" })).await;

        for _ in 0..100 {
            promptly("an answer", meter.ask(NumbersHandled)).await.unwrap();
        }
        tests::eventually("the timer is handled", || journal.count("timer") == 1).await;
        meter.stop();
        promptly("the meter stops", meter.stopped()).await;
        assert!(system.shutdown().await.is_clean());
    });
}

#[tokio::test(start_paused = true)]
async fn two_streams_that_are_always_ready_take_turns() {
    let (_system, journal, meter) = stage();
    let of = |name: &'static str| stream::repeat(name.to_owned()).take(3);

    within(&meter, move |ctx| (ctx.attach(of("a")), ctx.attach(of("b")))).await;
    settle().await;

    assert_eq!(journal.entries(), ["a", "b", "a", "b", "a", "b", "end", "end"]);
}

// ===== STM-5 =====

#[tokio::test(start_paused = true)]
async fn stm_5_the_result_of_a_future_comes_in_the_actors_own_turn_and_may_stop_it() {
    let (_system, journal, meter) = stage();
    let gate = Gate::new();
    within(&meter, |ctx| {
        ctx.pipe(async { Ok(1) });
        ctx.pipe_with(sleep(ms(20)), |()| MeterNotes { text: "made" });
        ctx.pipe(async {
            sleep(ms(50)).await;
            Err(Broken("torn"))
        });
    })
    .await;
    sleep(ms(10)).await;
    meter.tell(MeterWaitsAt { gate: gate.clone() }).await.unwrap();

    sleep(ms(100)).await;
    let while_busy = journal.entries();
    gate.open();
    let reason = promptly("the meter stops", meter.stopped()).await;

    assert_eq!(while_busy, ["Ok(1)"]);
    assert_eq!(journal.entries()[1..], ["passed the gate", "made", "Err(Broken(\"torn\"))"]);
    assert_eq!(reason, ExitReason::Normal);
}

#[tokio::test(start_paused = true)]
async fn a_future_whose_result_is_awaited_as_a_message_fails_its_actor_when_it_panics() {
    async fn torn() -> Result<u8, Broken> {
        sleep(ms(10)).await;
        panic!("torn")
    }
    let (_system, _journal, meter) = stage();

    within(&meter, |ctx| ctx.pipe(torn())).await;
    let in_the_work = promptly("the meter fails", meter.stopped()).await;
    let (_system, _journal, meter) = stage();
    within(&meter, |ctx| ctx.pipe_with(sleep(ms(10)), |()| -> MeterNotes { panic!("not made") })).await;
    let in_the_making = promptly("the meter fails", meter.stopped()).await;

    assert!(matches!(&in_the_work, ExitReason::Panicked { message, .. } if &**message == "torn"), "{in_the_work}");
    assert!(matches!(&in_the_making, ExitReason::Panicked { message, .. } if &**message == "not made"), "{in_the_making}");
}
