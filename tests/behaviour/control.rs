//! Control messages: they overtake ordinary ones, keep their own order, and take no room (S4.10).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, AskError, ChildSpec, Context, DeadReason, ExitReason, Exited, LinkKind, Overflow, Refusal, ReplyTo,
    Supervisor, messages,
};
use tests::{Gate, Journal, eventually, on_1_2_and_8_workers, promptly};

/// Notes what it handles: ordinary messages as `1`, control messages as `!1`.
#[derive(Actor)]
struct Desk {
    journal: Journal,
    kept: Vec<ReplyTo<()>>,
}

#[messages]
impl Desk {
    #[message]
    async fn hold(&mut self, gate: Gate) {
        gate.pass().await;
    }

    #[message(derive(Debug))]
    fn record(&mut self, n: u32) {
        self.journal.note(n.to_string());
    }

    #[message(control, derive(Debug))]
    fn urge(&mut self, n: u32) {
        self.journal.note(format!("!{n}"));
    }

    #[message(control)]
    async fn hold_now(&mut self, gate: Gate) {
        gate.pass().await;
    }

    #[message(control)]
    fn noted(&self) -> Vec<String> {
        self.journal.entries()
    }

    /// Puts the answer off for ever.
    #[message]
    fn put_off(&mut self, reply: ReplyTo<()>) {
        self.kept.push(reply);
    }

    #[message]
    async fn urge_self(&mut self, n: u32, ctx: &mut Context<Self>) {
        ctx.actor_ref().tell(Urge { n }).await.expect("it waits for no room");
    }

    #[message]
    async fn put_off_with(&mut self, other: ActorRef<Desk>) {
        other.ask(PutOff).await.expect_err("it is never answered");
    }

    #[message]
    async fn ask_for_notes(&mut self, other: ActorRef<Desk>) -> bool {
        matches!(other.ask(Noted).await, Err(AskError::WouldDeadlock(_)))
    }

    #[message(control)]
    async fn ask_now(&mut self, other: ActorRef<Desk>) -> bool {
        matches!(other.ask(Noted).within(Duration::from_secs(1)).await, Err(AskError::WouldDeadlock(_)))
    }

    #[message]
    async fn visit(&mut self, other: ActorRef<Desk>, ctx: &mut Context<Self>) -> bool {
        let other_found_out = other.ask(AskNow { other: ctx.actor_ref().clone() }).await;
        other_found_out.expect("the other goes on")
    }

    #[message]
    async fn hold_and_fail(&mut self, gate: Gate) -> Result<(), String> {
        gate.pass().await;
        Err("broken".to_owned())
    }

    #[message]
    fn fail(&mut self) -> Result<(), String> {
        Err("broken".to_owned())
    }

    #[exited]
    fn exited(&mut self, _exit: Exited) {
        self.journal.note("exit");
    }
}

fn desk(journal: &Journal) -> Desk {
    Desk { journal: journal.clone(), kept: Vec::new() }
}

/// A desk with one message in hand until the gate opens.
async fn busy_desk(system: &ActorSystem, capacity: u32, overflow: Overflow, journal: &Journal) -> (ActorRef<Desk>, Gate) {
    let gate = Gate::new();
    let desk = system.actor(desk(journal)).name("desk").mailbox(capacity).overflow(overflow).spawn();
    desk.tell(Hold { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    (desk, gate)
}

// ===== order =====

#[tokio::test(start_paused = true)]
async fn mbx_7_control_messages_come_first_and_ordinary_ones_keep_their_order() {
    for unbounded in [false, true] {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());
        let builder = system.actor(desk(&journal));
        let desk = if unbounded { builder.unbounded().spawn() } else { builder.mailbox(8).spawn() };

        desk.tell(Record { n: 1 }).await.unwrap();
        desk.tell(Record { n: 2 }).await.unwrap();
        desk.tell(Urge { n: 3 }).await.unwrap();
        desk.drain();

        promptly("the drain", desk.stopped()).await;
        assert_eq!(journal.entries(), ["!3", "1", "2"], "unbounded: {unbounded}");
    }
}

#[tokio::test(start_paused = true)]
async fn mbx_7_control_messages_overtake_what_the_loop_has_fetched_already() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let desk = system.spawn(desk(&journal));
    let gate = Gate::new();
    desk.try_tell(Record { n: 1 }).unwrap();
    desk.try_tell(Hold { gate: gate.clone() }).unwrap();
    desk.try_tell(Record { n: 2 }).unwrap();

    gate.reached().await;
    desk.tell(Urge { n: 3 }).await.unwrap();
    desk.tell(Urge { n: 4 }).await.unwrap();
    gate.open();

    eventually("all is handled", || journal.len() == 4).await;
    assert_eq!(journal.entries(), ["1", "!3", "!4", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_control_message_wakes_an_actor_that_sleeps_and_starts_one_that_never_ran() {
    /// Has no hooks, and so no task before its first message.
    #[derive(Actor)]
    struct Lazy;

    #[messages]
    impl Lazy {
        #[message(control)]
        fn wake(&self) -> u8 {
            1
        }
    }
    let system = ActorSystem::new("test");
    let lazy = system.spawn(Lazy);

    assert_eq!(promptly("the first", lazy.ask(Wake)).await.unwrap(), 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(promptly("the second, after it slept", lazy.ask(Wake)).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_control_message_overtakes_by_every_way_of_sending() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (desk, gate) = busy_desk(&system, 8, Overflow::Wait, &journal).await;
    desk.tell(Record { n: 1 }).await.unwrap();

    desk.tell(Urge { n: 2 }).await.unwrap();
    desk.try_tell(Urge { n: 3 }).unwrap();
    desk.recipient::<Urge>().tell(Urge { n: 4 }).await.unwrap();
    desk.recipient::<Urge>().try_tell(Urge { n: 5 }).unwrap();
    let blocking = desk.clone();
    tokio::task::spawn_blocking(move || blocking.blocking_tell(Urge { n: 6 })).await.unwrap().unwrap();
    gate.open();

    assert_eq!(promptly("the answer", desk.ask(Noted)).await.unwrap(), ["!2", "!3", "!4", "!5", "!6"]);
}

// ===== room =====

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_neither_refuses_nor_delays_a_control_message() {
    for overflow in [Overflow::Wait, Overflow::Reject, Overflow::DropNewest, Overflow::DropOldest] {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());
        let (desk, gate) = busy_desk(&system, 2, overflow, &journal).await;
        desk.try_tell(Record { n: 1 }).unwrap();
        desk.try_tell(Record { n: 2 }).unwrap();

        for n in 3..10 {
            promptly("it waits for no room", desk.tell(Urge { n })).await.unwrap();
        }
        let queued = desk.queued();
        gate.open();
        desk.drain();

        promptly("the drain", desk.stopped()).await;
        assert_eq!(journal.entries(), ["!3", "!4", "!5", "!6", "!7", "!8", "!9", "1", "2"], "{overflow:?}");
        assert_eq!((queued, system.dead_letters().try_recv().is_none()), (9, true), "{overflow:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn control_messages_take_no_room_from_ordinary_ones() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (desk, gate) = busy_desk(&system, 1, Overflow::Reject, &journal).await;

    desk.try_tell(Urge { n: 1 }).unwrap();
    desk.try_tell(Urge { n: 2 }).unwrap();

    desk.try_tell(Record { n: 3 }).expect("there is room for one");
    assert!(desk.try_tell(Record { n: 4 }).unwrap_err().is_full());
    gate.open();
    eventually("all is handled", || journal.len() == 3).await;
}

#[tokio::test(start_paused = true)]
async fn the_oldest_message_that_makes_room_is_never_a_control_message() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let mut dead_letters = system.dead_letters();
    let (desk, gate) = busy_desk(&system, 1, Overflow::DropOldest, &journal).await;

    desk.try_tell(Urge { n: 1 }).unwrap();
    desk.try_tell(Record { n: 2 }).unwrap();
    desk.try_tell(Record { n: 3 }).unwrap();
    gate.open();

    eventually("all is handled", || journal.len() == 2).await;
    assert_eq!(journal.entries(), ["!1", "3"]);
    assert_eq!(dead_letters.try_recv().unwrap().take::<Record>().unwrap().n, 2);
    assert!(dead_letters.try_recv().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_actor_with_a_full_mailbox_may_send_itself_a_control_message() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let desk = system.actor(desk(&journal)).mailbox(2).spawn();
    desk.try_tell(UrgeSelf { n: 1 }).unwrap();
    desk.try_tell(Record { n: 2 }).unwrap();
    desk.try_tell(Record { n: 3 }).unwrap_err();

    eventually("both are handled", || journal.len() == 2).await;

    assert_eq!(journal.entries(), ["!1", "2"]);
}

// ===== the end =====

#[tokio::test(start_paused = true)]
async fn a_stop_refuses_control_messages_and_overtakes_them() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let mut dead_letters = system.dead_letters();
    let (desk, gate) = busy_desk(&system, 8, Overflow::Wait, &journal).await;
    desk.try_tell(Record { n: 1 }).unwrap();
    desk.try_tell(Urge { n: 2 }).unwrap();

    desk.stop();
    let refused = [
        desk.tell(Urge { n: 3 }).await.unwrap_err(),
        desk.try_tell(Urge { n: 3 }).unwrap_err(),
        desk.recipient::<Urge>().try_tell(Urge { n: 3 }).unwrap_err(),
    ];
    let asked = desk.ask(Urge { n: 3 }).await.unwrap_err();
    gate.open();
    promptly("the end", desk.stopped()).await;

    for refused in refused {
        assert_eq!((refused.reason(), refused.into_message().n), (Refusal::Stopping, 3));
    }
    assert!(asked.is_not_running());
    assert_eq!(asked.into_message().unwrap().n, 3);
    assert_eq!(desk.try_tell(Urge { n: 4 }).unwrap_err().reason(), Refusal::Stopped);
    assert!(journal.is_empty(), "neither was handled");
    let letters = [dead_letters.try_recv().unwrap(), dead_letters.try_recv().unwrap()];
    assert_eq!(letters.each_ref().map(|letter| letter.message_type()), ["Urge", "Record"]);
    assert!(letters.iter().all(|letter| letter.reason() == DeadReason::Stopped));
}

#[tokio::test(start_paused = true)]
async fn a_drain_handles_the_control_messages_first_that_were_accepted() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (desk, gate) = busy_desk(&system, 8, Overflow::Wait, &journal).await;
    desk.try_tell(Record { n: 1 }).unwrap();

    desk.try_tell(Urge { n: 2 }).unwrap();
    desk.drain();
    desk.try_tell(Urge { n: 3 }).unwrap_err();
    gate.open();

    promptly("the drain", desk.stopped()).await;
    assert_eq!(journal.entries(), ["!2", "1"]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_drains_before_it_has_started_handles_its_control_messages() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let desk = system.spawn(desk(&journal));

    desk.try_tell(Urge { n: 1 }).unwrap();
    desk.drain();

    promptly("the drain", desk.stopped()).await;
    assert_eq!(journal.entries(), ["!1"]);
}

#[tokio::test(start_paused = true)]
async fn a_control_message_that_asks_and_is_discarded_is_lost_to_its_asker() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (desk, _gate) = busy_desk(&system, 8, Overflow::Wait, &journal).await;

    let (asked, ()) = tokio::join!(desk.ask(Urge { n: 1 }), async { desk.kill() });

    assert!(matches!(&asked, Err(AskError::Lost(_))), "{asked:?}");
    assert_eq!(asked.unwrap_err().into_message().unwrap().n, 1);
}

#[tokio::test(start_paused = true)]
async fn control_messages_outlast_a_restart_and_still_come_first() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let notes = journal.clone();
    let children = Supervisor::new().child(ChildSpec::new("desk", move || desk(&notes)));
    system.actor(children).name("sup").start().await.unwrap();
    let desk = system.lookup::<Desk>("/sup/desk").unwrap();
    let gate = Gate::new();
    desk.tell(HoldAndFail { gate: gate.clone() }).await.unwrap();
    gate.reached().await;

    desk.tell(Record { n: 1 }).await.unwrap();
    desk.tell(Urge { n: 2 }).await.unwrap();
    gate.open();

    eventually("the next incarnation has handled both", || journal.len() == 2).await;
    assert_eq!((journal.entries(), desk.incarnation()), (vec!["!2".to_owned(), "1".to_owned()], 1));
}

// ===== who was in hand when =====

#[tokio::test(start_paused = true)]
async fn a_limit_tells_queue_from_handler_in_each_lane_on_its_own() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let desk = system.spawn(desk(&journal));
    let soon = Duration::from_millis(10);
    for n in 0..3 {
        desk.ask(Urge { n }).await.unwrap();
    }

    let gate = Gate::new();
    let in_hand = desk.ask(Hold { gate: gate.clone() }).within(soon).await;
    let ordinary = desk.ask(Record { n: 1 }).within(soon).await;
    let control = desk.ask(Urge { n: 2 }).within(soon).await;
    assert!(matches!(in_hand, Err(AskError::TimedOutInHandler { .. })));
    assert!(matches!(ordinary, Err(AskError::TimedOutInQueue { .. })), "{ordinary:?}");
    assert!(matches!(control, Err(AskError::TimedOutInQueue { .. })), "{control:?}");

    let now = Gate::new();
    gate.open();
    let in_hand = desk.ask(HoldNow { gate: now.clone() }).within(soon).await;
    let ordinary = desk.ask(Record { n: 3 }).within(soon).await;
    let control = desk.ask(Urge { n: 4 }).within(soon).await;
    assert!(matches!(in_hand, Err(AskError::TimedOutInHandler { .. })));
    assert!(matches!(ordinary, Err(AskError::TimedOutInQueue { .. })), "{ordinary:?}");
    assert!(matches!(control, Err(AskError::TimedOutInQueue { .. })), "{control:?}");
    now.open();
    eventually("all is handled in the end", || journal.len() == 3 + 4).await;
}

#[tokio::test(start_paused = true)]
async fn an_ask_by_control_message_that_closes_a_cycle_is_refused() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (first, second) = (system.spawn(desk(&journal)), system.spawn(desk(&journal)));

    let refused = promptly("the visit", first.ask(Visit { other: second })).await;
    let oneself = promptly("the question", first.ask(AskForNotes { other: first.clone() })).await;

    assert_eq!((refused.unwrap(), oneself.unwrap()), (true, true));
}

#[tokio::test(start_paused = true)]
async fn a_control_message_in_hand_makes_no_cycle_of_a_request_that_was_put_off_before() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (waits, keeps) = (system.spawn(desk(&journal)), system.spawn(desk(&journal)));
    waits.tell(PutOffWith { other: keeps.clone() }).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;

    let refused = promptly("the limit of the inner ask", keeps.ask(AskNow { other: waits })).await;

    assert!(!refused.unwrap(), "S4.7: whose answer is put off may come from anywhere");
}

// ===== beside signals =====

#[tokio::test(start_paused = true)]
async fn a_notice_comes_after_the_control_messages_that_were_sent_before_the_end() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let watcher = system.spawn(desk(&journal));
    let target = system.spawn(desk(&Journal::new()));
    watcher.monitor(&target);
    let gate = Gate::new();
    watcher.tell(HoldNow { gate: gate.clone() }).await.unwrap();
    gate.reached().await;

    watcher.tell(Urge { n: 1 }).await.unwrap();
    target.stop();
    target.stopped().await;
    watcher.tell(Urge { n: 2 }).await.unwrap();
    gate.open();

    eventually("the notice", || journal.len() == 3).await;
    assert_eq!(journal.entries(), ["!1", "!2", "exit"]);
}

#[tokio::test(start_paused = true)]
async fn the_exit_of_a_link_overtakes_control_messages() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (watcher, gate) = busy_desk(&system, 8, Overflow::Wait, &journal).await;
    let peer = system.spawn(desk(&Journal::new()));
    watcher.link_as(&peer, LinkKind::Notify);

    watcher.tell(Urge { n: 1 }).await.unwrap();
    peer.tell(Fail).await.unwrap();
    assert!(matches!(peer.stopped().await, ExitReason::Failed(_)));
    gate.open();

    eventually("both are handled", || journal.len() == 2).await;
    assert_eq!(journal.entries(), ["exit", "!1"]);
}

// ===== races =====

#[test]
fn many_producers_of_both_kinds_lose_nothing_and_keep_their_order() {
    on_1_2_and_8_workers(|| async {
        for round in 0..20 {
            let (system, journal) = (ActorSystem::new("test"), Journal::new());
            let overflow = if round % 2 == 0 { Overflow::Wait } else { Overflow::DropOldest };
            let capacity = if round % 2 == 0 { 4 } else { 10_000 };
            let desk = system.actor(desk(&journal)).mailbox(capacity).overflow(overflow).spawn();
            let producers: Vec<_> = (0..6)
                .map(|producer| {
                    let desk = desk.clone();
                    tokio::spawn(async move {
                        for n in (0..50).map(|n| producer * 100 + n) {
                            if producer % 2 == 0 {
                                desk.tell(Record { n }).await.unwrap();
                            } else if n % 3 == 0 {
                                desk.ask(Urge { n }).await.unwrap();
                            } else {
                                desk.tell(Urge { n }).await.unwrap();
                            }
                        }
                    })
                })
                .collect();
            for producer in producers {
                promptly("the producer is done", producer).await.unwrap();
            }
            desk.drain();
            promptly("the drain", desk.stopped()).await;

            let entries = journal.entries();
            for producer in 0..6 {
                let mark = if producer % 2 == 0 { "" } else { "!" };
                let expected: Vec<String> = (0..50).map(|n| format!("{mark}{}", producer * 100 + n)).collect();
                let own: Vec<_> = entries.iter().filter(|entry| expected.contains(entry)).cloned().collect();
                assert_eq!(own, expected, "of producer {producer}: none lost, none twice, in order");
            }
        }
    });
}

#[test]
fn asks_in_both_lanes_are_all_told_when_limits_and_a_kill_cross_them() {
    on_1_2_and_8_workers(|| async {
        for round in 0..40 {
            let (system, journal) = (ActorSystem::new("test"), Journal::new());
            let mut dead_letters = system.dead_letters();
            let desk = system.actor(desk(&journal)).mailbox(4).spawn();
            let (answered, lost, uncertain) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let askers: Vec<_> = (0..8_u32)
                .map(|n| {
                    let (desk, answered, lost, uncertain) = (desk.clone(), answered.clone(), lost.clone(), uncertain.clone());
                    tokio::spawn(async move {
                        for _ in 0..20 {
                            let limit = Duration::from_micros(u64::from(n) * 50);
                            let asked = if n % 2 == 0 {
                                desk.ask(Record { n }).within(limit).await.map_err(|error| (error.is_timeout(), error.is_not_running()))
                            } else {
                                desk.ask(Urge { n }).within(limit).await.map_err(|error| (error.is_timeout(), error.is_not_running()))
                            };
                            match asked {
                                Ok(()) => answered.fetch_add(1, Ordering::Relaxed),
                                Err((true, _)) => uncertain.fetch_add(1, Ordering::Relaxed),
                                Err((_, true)) => lost.fetch_add(1, Ordering::Relaxed),
                                Err(_) => panic!("neither late nor lost"),
                            };
                        }
                    })
                })
                .collect();
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            desk.kill();
            for asker in askers {
                promptly("every ask is told", asker).await.unwrap();
            }
            promptly("the end", desk.stopped()).await;

            let told = [&answered, &lost, &uncertain].map(|count| count.load(Ordering::Relaxed));
            assert_eq!(told.iter().sum::<usize>(), 160);
            assert!(journal.len() >= told[0], "what was answered was handled");
            assert!(journal.len() <= told[0] + told[2], "what was lost was not handled");
            assert!(dead_letters.try_recv().is_none(), "asks are no dead letters");
            assert_eq!(desk.queued(), 0);
        }
    });
}
