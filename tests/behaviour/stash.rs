//! The stash: what an actor puts aside is handled again when it says so, in order, or told why not (S4.11).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, AskError, ChildSpec, Context, DeadReason, Policy, ReplyTo, StashFull, Supervisor, messages,
};
use tests::{Gate, Journal, eventually, on_1_2_and_8_workers, promptly};
use tokio::time::Instant;

/// Puts aside what comes while it is shut.
#[derive(Actor)]
#[actor(stash = 3)]
struct Store {
    journal: Journal,
    open: bool,
    /// Puts `Put` messages aside again, even when it is open.
    stubborn: bool,
    gate: Option<Gate>,
    kept: Vec<ReplyTo<u32>>,
}

impl Store {
    fn new(journal: &Journal) -> Self {
        Store { journal: journal.clone(), open: false, stubborn: false, gate: None, kept: Vec::new() }
    }
}

#[messages]
impl Store {
    #[message(derive(Debug))]
    fn put(&mut self, n: u32, ctx: &mut Context<Self>) -> Result<(), StashFull<Put>> {
        if !self.open || self.stubborn {
            self.journal.note(format!("aside {n}"));
            return ctx.stash(Put { n });
        }
        self.journal.note(n.to_string());
        Ok(())
    }

    /// Is put aside while the store is shut; passes the gate, if there is one, before it answers.
    #[message(derive(Debug, Clone))]
    async fn fetch(&mut self, n: u32, reply: ReplyTo<u32>, ctx: &mut Context<Self>) {
        if !self.open {
            self.journal.note(format!("aside {n}"));
            if let Err(full) = ctx.stash_ask(Fetch { n }, reply) {
                let (Fetch { n }, reply) = full.into_message();
                reply.send(n + 1_000);
            }
            return;
        }
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
        self.journal.note(n.to_string());
        reply.send(n);
    }

    /// Is put aside while the store is shut, and never answered when it is open.
    #[message]
    fn keep(&mut self, reply: ReplyTo<u32>, ctx: &mut Context<Self>) {
        if self.open {
            self.kept.push(reply);
        } else {
            ctx.stash_ask(Keep, reply).expect("there is room");
        }
    }

    /// Releases what is put aside, puts one more aside, and stops.
    #[message]
    fn release_and_stop(&mut self, last: u32, ctx: &mut Context<Self>) -> Result<(), StashFull<Put>> {
        ctx.unstash_all();
        ctx.stop();
        ctx.stash(Put { n: last })
    }

    #[message]
    fn note(&mut self, text: &'static str) {
        self.journal.note(text);
    }

    #[message(control)]
    fn hurry(&mut self) {
        self.journal.note("!");
    }

    #[message]
    fn open(&mut self, ctx: &mut Context<Self>) -> usize {
        self.open = true;
        ctx.unstash_all();
        ctx.stash_len()
    }

    #[message]
    fn release(&mut self, ctx: &mut Context<Self>) {
        ctx.unstash_all();
    }

    #[message(control)]
    fn release_now(&mut self, ctx: &mut Context<Self>) {
        ctx.unstash_all();
    }

    #[message]
    fn set(&mut self, open: bool, stubborn: bool, gate: Option<Gate>) {
        (self.open, self.stubborn, self.gate) = (open, stubborn, gate);
    }

    #[message]
    fn held(&self, ctx: &Context<Self>) -> usize {
        ctx.stash_len()
    }

    #[message]
    async fn hold(&mut self, gate: Gate) {
        gate.pass().await;
    }

    /// Fetches from another, and says whether that would have been waiting for itself.
    #[message]
    async fn fetch_from(&mut self, other: ActorRef<Store>) -> Option<bool> {
        match other.ask(Fetch { n: 1 }).within(Duration::from_secs(5)).await {
            Ok(_) => None,
            Err(error) => Some(matches!(error, AskError::WouldDeadlock(_))),
        }
    }

    /// Answers after it has fetched from another; is put aside while the store is shut.
    #[message]
    async fn fetch_back(&mut self, from: ActorRef<Store>, reply: ReplyTo<Option<bool>>, ctx: &mut Context<Self>) {
        if !self.open {
            self.journal.note("aside");
            ctx.stash_ask(FetchBack { from }, reply).expect("there is room");
            return;
        }
        reply.send(self.fetch_from(from).await);
    }

    #[message]
    async fn keep_with(&mut self, other: ActorRef<Store>) {
        other.ask(Keep).await.expect_err("it is never answered");
    }

    #[message]
    async fn visit(&mut self, other: ActorRef<Store>, ctx: &mut Context<Self>) -> Option<bool> {
        other.ask(FetchBack { from: ctx.actor_ref().clone() }).await.expect("it is answered")
    }

    #[message]
    fn fail(&mut self) -> Result<(), String> {
        Err("broken".to_owned())
    }

    #[message]
    fn panic(&mut self) {
        std::panic::resume_unwind(Box::new("broken"));
    }
}

fn numbers(journal: &Journal) -> Vec<String> {
    journal.entries().into_iter().filter(|entry| !entry.starts_with("aside")).collect()
}

// ===== order and capacity =====

#[tokio::test(start_paused = true)]
async fn mbx_8_a_full_stash_refuses_one_message_more() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.actor(Store::new(&journal)).name("store").spawn();
    for n in 1..=3 {
        store.ask(Put { n }).await.unwrap();
    }

    let refused = store.ask(Put { n: 4 }).await.unwrap_err().into_failure().unwrap();

    assert_eq!(refused.to_string(), "/store did not stash `Put`: its stash is full, with 3");
    assert_eq!((refused.path().to_string().as_str(), refused.message_type(), refused.capacity()), ("/store", "Put", 3));
    assert_eq!(refused.into_message().n, 4);
    assert_eq!(store.ask(Held).await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn mbx_8_what_is_released_is_replayed_in_order_ahead_of_newer_mail() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.spawn(Store::new(&journal));
    for n in 1..=3 {
        store.try_tell(Put { n }).unwrap();
    }
    let gate = Gate::new();
    store.try_tell(Hold { gate: gate.clone() }).unwrap();

    gate.reached().await;
    store.try_tell(Open).unwrap();
    store.try_tell(Note { text: "newer" }).unwrap();
    gate.open();

    eventually("all is handled", || numbers(&journal).len() == 4).await;
    assert_eq!(numbers(&journal), ["1", "2", "3", "newer"]);
    assert_eq!(store.ask(Held).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn mbx_8_a_message_stashed_again_during_the_replay_is_not_replayed_in_the_same_pass() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.spawn(Store::new(&journal));
    for n in 1..=3 {
        store.ask(Put { n }).await.unwrap();
    }

    store.tell(Release).await.unwrap();
    store.tell(Note { text: "between" }).await.unwrap();
    assert_eq!(store.ask(Held).await.unwrap(), 3);
    store.tell(Open).await.unwrap();

    eventually("all is handled", || numbers(&journal).len() == 4).await;
    let expected = ["aside 1", "aside 2", "aside 3", "aside 1", "aside 2", "aside 3", "between", "1", "2", "3"];
    assert_eq!(journal.entries(), expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_released_twice_before_it_is_replayed_stays_in_order() {
    /// Puts aside and releases in one handler.
    #[derive(Actor)]
    struct Juggler(Journal);

    #[messages]
    impl Juggler {
        #[message]
        fn juggle(&mut self, ctx: &mut Context<Self>) -> usize {
            ctx.stash(Ball { n: 1 }).unwrap();
            ctx.unstash_all();
            ctx.stash(Ball { n: 2 }).unwrap();
            ctx.unstash_all();
            ctx.stash(Ball { n: 3 }).unwrap();
            ctx.stash_len()
        }

        #[message(derive(Debug))]
        fn ball(&mut self, n: u32) {
            self.0.note(n.to_string());
        }

        #[message]
        fn held(&self, ctx: &mut Context<Self>) -> usize {
            ctx.stash_len()
        }
    }
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let juggler = system.spawn(Juggler(journal.clone()));

    assert_eq!(juggler.ask(Juggle).await.unwrap(), 3, "what is released and not yet handled counts");
    assert_eq!(juggler.ask(Held).await.unwrap(), 1, "what is not released stays");
    assert_eq!(journal.entries(), ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn control_messages_come_before_what_is_released() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.spawn(Store::new(&journal));
    let gate = Gate::new();
    store.ask(Put { n: 1 }).await.unwrap();
    let asked = tokio::spawn({
        let store = store.clone();
        async move { store.ask(Fetch { n: 2 }).await }
    });
    eventually("two are put aside", || journal.len() == 2).await;
    store.tell(Put { n: 3 }).await.unwrap();
    store.tell(Set { open: false, stubborn: false, gate: Some(gate.clone()) }).await.unwrap();

    store.tell(Open).await.unwrap();
    gate.reached().await;
    store.tell(Hurry).await.unwrap();
    gate.open();

    assert_eq!(promptly("the answer", asked).await.unwrap().unwrap(), 2);
    eventually("all is handled", || numbers(&journal).len() == 4).await;
    assert_eq!(numbers(&journal), ["1", "2", "!", "3"]);
}

#[tokio::test(start_paused = true)]
async fn the_builder_and_the_policy_set_how_much_a_stash_holds() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let none = system.actor(Store::new(&journal)).stash(0).spawn();
    let one = system.actor(Store::new(&journal)).stash(1).spawn();

    assert!(none.ask(Put { n: 1 }).await.is_err());
    assert!(one.ask(Put { n: 1 }).await.is_ok());
    assert!(one.ask(Put { n: 2 }).await.is_err());
    assert_eq!((Policy::DEFAULT.stash, Store::POLICY.stash), (64, 3));
}

// ===== requests =====

#[tokio::test(start_paused = true)]
async fn a_request_that_was_stashed_is_answered_later() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.spawn(Store::new(&journal));

    let (first, second, held) = tokio::join!(store.ask(Fetch { n: 1 }), store.ask(Fetch { n: 2 }), store.ask(Open));

    assert_eq!((first.unwrap(), second.unwrap(), held.unwrap()), (1, 2, 2));
    assert_eq!(journal.entries(), ["aside 1", "aside 2", "1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_stash_gives_the_right_to_answer_back() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.actor(Store::new(&journal)).stash(0).spawn();

    assert_eq!(promptly("the answer", store.ask(Fetch { n: 1 })).await.unwrap(), 1_001);
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_request_is_kept_in_the_stash() {
    /// Notes by when whoever asks wants the answer.
    #[derive(Actor, Default)]
    struct Clock {
        deadlines: Vec<Option<Instant>>,
    }

    #[messages]
    impl Clock {
        #[message]
        fn tell_time(&mut self, reply: ReplyTo<Vec<Option<Instant>>>, ctx: &mut Context<Self>) {
            self.deadlines.push(reply.deadline());
            if self.deadlines.len() == 1 {
                ctx.stash_ask(TellTime, reply).unwrap();
                ctx.unstash_all();
            } else {
                reply.send(self.deadlines.clone());
            }
        }
    }
    let system = ActorSystem::new("test");
    let clock = system.spawn(Clock::default());
    let deadline = Instant::now() + Duration::from_secs(7);

    let deadlines = clock.ask(TellTime).within(Duration::from_secs(7)).await.unwrap();

    assert_eq!(deadlines, [Some(deadline), Some(deadline)]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_late_in_the_stash_timed_out_in_the_queue_and_one_in_hand_again_in_its_handler() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.spawn(Store::new(&journal));
    let (soon, gate) = (Duration::from_secs(1), Gate::new());

    let in_stash = store.ask(Fetch { n: 1 }).within(soon).await.unwrap_err();
    assert!(matches!(in_stash, AskError::TimedOutInQueue { .. }), "{in_stash:?}");

    store.tell(Set { open: false, stubborn: false, gate: Some(gate.clone()) }).await.unwrap();
    let (in_hand, opened) = tokio::join!(store.ask(Fetch { n: 2 }).within(soon), store.ask(Open));
    let in_hand = in_hand.unwrap_err();
    gate.open();
    gate.open();
    opened.unwrap();
    // The first, which nobody waits for, has held the gate until now: the second still waited its turn.
    assert!(matches!(in_hand, AskError::TimedOutInQueue { .. }), "{in_hand:?}");

    store.tell(Set { open: false, stubborn: false, gate: Some(gate) }).await.unwrap();
    let (in_hand, opened) = tokio::join!(store.ask(Fetch { n: 3 }).within(soon), store.ask(Open));
    opened.unwrap();
    assert!(matches!(in_hand, Err(AskError::TimedOutInHandler { .. })), "{in_hand:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_answer_is_put_off_after_the_replay_times_out_in_its_handler() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.spawn(Store::new(&journal));

    let (put_off, opened) = tokio::join!(store.ask(Keep).within(Duration::from_secs(1)), store.ask(Open));

    assert_eq!(opened.unwrap(), 1);
    assert!(matches!(put_off, Err(AskError::TimedOutInHandler { .. })), "{put_off:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_in_the_stash_of_one_that_asks_back_would_wait_for_itself() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (guest, host) = (system.spawn(Store::new(&journal)), system.spawn(Store::new(&journal)));
    let waiting = tokio::spawn({
        let (guest, host) = (guest.clone(), host.clone());
        async move { guest.ask(FetchFrom { other: host }).await }
    });
    eventually("the request is put aside", || journal.len() == 1).await;

    let refused = promptly("the question", host.ask(FetchFrom { other: guest })).await.unwrap();

    assert_eq!(refused, Some(true), "the host cannot release the guest's request before the guest answers");
    host.tell(Open).await.unwrap();
    assert_eq!(promptly("the guest's answer", waiting).await.unwrap().unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_replayed_request_whose_handler_asks_back_would_wait_for_itself() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (guest, host) = (system.spawn(Store::new(&journal)), system.spawn(Store::new(&journal)));

    let (refused, opened) = tokio::join!(promptly("the visit", guest.ask(Visit { other: host.clone() })), async {
        eventually("the request is put aside", || journal.len() == 1).await;
        promptly("the release", host.ask(Open)).await
    });

    assert_eq!(opened.unwrap(), 1);
    assert_eq!(refused.unwrap(), Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_replay_in_hand_makes_no_cycle_of_a_request_that_was_put_off_before() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (guest, host) = (system.spawn(Store::new(&journal)), system.spawn(Store::new(&journal)));
    let asked = tokio::spawn({
        let (host, guest) = (host.clone(), guest.clone());
        async move { host.ask(FetchBack { from: guest }).await }
    });
    eventually("it is put aside", || journal.len() == 1).await;
    host.tell(Set { open: true, stubborn: false, gate: None }).await.unwrap();
    guest.tell(KeepWith { other: host.clone() }).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;

    host.tell(ReleaseNow).await.unwrap();

    let refused = promptly("the limit of the inner ask", asked).await.unwrap().unwrap();
    assert_eq!(refused, Some(false), "S4.7: whose answer is put off may come from anywhere");
}

// ===== the end =====

#[tokio::test(start_paused = true)]
async fn what_is_stashed_when_the_actor_ends_becomes_dead_letters_and_asks_are_lost() {
    for (end, reason) in
        [("stop", DeadReason::Stopped), ("fail", DeadReason::Failed), ("panic", DeadReason::Failed), ("kill", DeadReason::Killed)]
    {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());
        let mut dead_letters = system.dead_letters();
        let store = system.actor(Store::new(&journal)).name("store").spawn();
        store.tell(Put { n: 1 }).await.unwrap();

        let (lost, ()) = tokio::join!(store.ask(Fetch { n: 2 }), async {
            store.tell(Put { n: 3 }).await.unwrap();
            eventually("they are put aside", || journal.len() == 3).await;
            match end {
                "stop" => store.stop(),
                "fail" => store.tell(Fail).await.unwrap(),
                "panic" => store.tell(Panic).await.unwrap(),
                _ => store.kill(),
            }
        });
        promptly("the end", store.stopped()).await;

        assert!(matches!(&lost, Err(AskError::Lost(_))), "{end}: {lost:?}");
        assert_eq!(lost.unwrap_err().into_message().unwrap().n, 2);
        let letters = [dead_letters.try_recv().unwrap(), dead_letters.try_recv().unwrap()];
        assert_eq!(
            letters.each_ref().map(|letter| (letter.reason(), letter.take::<Put>().unwrap().n)),
            [(reason, 1), (reason, 3)],
            "{end}"
        );
        assert!(dead_letters.try_recv().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_makes_dead_letters_of_the_stash_and_begins_without_one() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let mut dead_letters = system.dead_letters();
    let notes = journal.clone();
    let children = Supervisor::new().child(ChildSpec::new("store", move || Store::new(&notes)));
    system.actor(children).name("sup").start().await.unwrap();
    let store = system.lookup::<Store>("/sup/store").unwrap();
    store.tell(Put { n: 1 }).await.unwrap();

    let (lost, ()) = tokio::join!(store.ask(Fetch { n: 2 }), async {
        eventually("both are put aside", || journal.len() == 2).await;
        store.tell(Fail).await.unwrap();
        store.tell(Note { text: "kept" }).await.unwrap();
    });

    assert_eq!((promptly("the next incarnation", store.ask(Held)).await.unwrap(), store.incarnation()), (0, 1));
    assert!(matches!(&lost, Err(AskError::Lost(_))), "{lost:?}");
    assert_eq!(dead_letters.try_recv().unwrap().take::<Put>().unwrap().n, 1);
    assert!(dead_letters.try_recv().is_none());
    assert_eq!(journal.entries(), ["aside 1", "aside 2", "kept"]);
    store.ask(Put { n: 3 }).await.unwrap();
    store.tell(Open).await.unwrap();
    eventually("a new stash works as the old one did", || journal.count("3") == 1).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_half_replayed_when_a_stop_comes_becomes_dead_letters() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let mut dead_letters = system.dead_letters();
    let store = system.spawn(Store::new(&journal));
    let gate = Gate::new();
    store.tell(Set { open: false, stubborn: false, gate: Some(gate.clone()) }).await.unwrap();

    let (answered, lost, ()) = tokio::join!(store.ask(Fetch { n: 1 }), store.ask(Fetch { n: 2 }), async {
        store.tell(Put { n: 3 }).await.unwrap();
        store.tell(Open).await.unwrap();
        gate.reached().await;
        store.stop();
        gate.open();
    });
    promptly("the end", store.stopped()).await;

    assert_eq!(answered.unwrap(), 1, "the handler in hand finishes");
    assert!(matches!(lost, Err(AskError::Lost(_))), "{lost:?}");
    assert_eq!(dead_letters.try_recv().unwrap().take::<Put>().unwrap().n, 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_released_when_a_stop_comes_is_a_dead_letter_before_what_was_not() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let mut dead_letters = system.dead_letters();
    let store = system.spawn(Store::new(&journal));
    store.tell(Put { n: 1 }).await.unwrap();
    store.tell(Put { n: 2 }).await.unwrap();

    store.tell(ReleaseAndStop { last: 3 }).await.unwrap();
    promptly("the end", store.stopped()).await;

    let dead: Vec<_> = std::iter::from_fn(|| dead_letters.try_recv()).map(|letter| letter.take::<Put>().unwrap().n).collect();
    assert_eq!(dead, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_wait_for_what_stays_in_the_stash() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let mut dead_letters = system.dead_letters();
    let store = system.spawn(Store::new(&journal));
    store.tell(Put { n: 1 }).await.unwrap();
    store.tell(Note { text: "noted" }).await.unwrap();

    store.drain();

    assert!(promptly("the drain", store.stopped()).await.is_clean());
    assert_eq!(journal.entries(), ["aside 1", "noted"]);
    assert_eq!(dead_letters.try_recv().unwrap().take::<Put>().unwrap().n, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_released_while_the_actor_drains_is_handled() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let store = system.spawn(Store::new(&journal));
    store.tell(Put { n: 1 }).await.unwrap();
    store.tell(Open).await.unwrap();
    store.tell(Note { text: "noted" }).await.unwrap();

    store.drain();

    promptly("the drain", store.stopped()).await;
    assert_eq!(numbers(&journal), ["1", "noted"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_stop_hook_puts_aside_becomes_a_dead_letter() {
    /// Puts a message aside in its last moment.
    #[derive(Actor)]
    struct Late;

    #[messages]
    impl Late {
        #[message(derive(Debug))]
        fn last(&self) {}

        #[stopped]
        fn stopped(&mut self, ctx: &mut Context<Self>) {
            ctx.stash(Last).unwrap();
            ctx.unstash_all();
        }
    }
    let system = ActorSystem::new("test");
    let mut dead_letters = system.dead_letters();
    let late = system.spawn(Late);

    late.stop();

    promptly("the end", late.stopped()).await;
    assert_eq!(dead_letters.try_recv().unwrap().message_type(), "Last");
}

#[test]
fn what_is_stashed_when_the_runtime_goes_is_lost_to_its_asker() {
    let (home, journal) = (tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(), Journal::new());
    let guest = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (system, store) = home.block_on(async {
        let system = ActorSystem::new("test");
        let store = system.spawn(Store::new(&journal));
        (system, store)
    });
    let asked = guest.spawn({
        let store = store.clone();
        async move { store.ask(Fetch { n: 1 }).await }
    });
    guest.block_on(tokio::task::yield_now());
    home.block_on(eventually("it is put aside", || journal.len() == 1));

    drop(home);

    let lost = guest.block_on(asked).unwrap();
    assert!(matches!(lost, Err(AskError::Lost(_))), "{lost:?}");
    drop(system);
}

// ===== races =====

#[test]
fn stashing_loses_nothing_whatever_crosses_it() {
    /// Shuts and opens at every turn.
    #[derive(Actor)]
    #[actor(stash = 16, mailbox = 8)]
    struct Door {
        open: bool,
        passed: Arc<AtomicUsize>,
    }

    #[messages]
    impl Door {
        #[message(derive(Debug))]
        fn knock(&mut self, ctx: &mut Context<Self>) {
            if self.open || ctx.stash(Knock).is_err() {
                self.passed.fetch_add(1, Ordering::Relaxed);
            }
        }

        #[message]
        fn enter(&mut self, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
            if self.open {
                reply.send(());
            } else if let Err(full) = ctx.stash_ask(Enter, reply) {
                full.into_message().1.send(());
            }
        }

        #[message(control)]
        fn turn(&mut self, ctx: &mut Context<Self>) {
            self.open = !self.open;
            if self.open {
                ctx.unstash_all();
            }
        }
    }

    on_1_2_and_8_workers(|| async {
        for round in 0..30 {
            let (system, passed) = (ActorSystem::new("test"), Arc::new(AtomicUsize::new(0)));
            let mut dead_letters = system.dead_letters();
            let door = system.spawn(Door { open: false, passed: passed.clone() });
            let visitors: Vec<_> = (0..4)
                .map(|visitor| {
                    let door = door.clone();
                    tokio::spawn(async move {
                        let mut accepted = 0;
                        for _ in 0..25 {
                            match visitor {
                                0 => _ = door.tell(Turn).await,
                                1 => match door.ask(Enter).await {
                                    Ok(()) | Err(AskError::Lost(_) | AskError::NotDelivered(_)) => {}
                                    Err(other) => panic!("{other:?}"),
                                },
                                _ => accepted += usize::from(door.tell(Knock).await.is_ok()),
                            }
                        }
                        accepted
                    })
                })
                .collect();
            for _ in 0..round * 4 {
                tokio::task::yield_now().await;
            }
            door.stop();
            let mut accepted = 0;
            for visitor in visitors {
                accepted += promptly("every visitor is told", visitor).await.unwrap();
            }
            promptly("the end", door.stopped()).await;

            let letters = std::iter::from_fn(|| dead_letters.try_recv()).filter(|letter| letter.message_type() == "Knock").count();
            assert_eq!(passed.load(Ordering::Relaxed) + letters, accepted, "round {round}");
        }
    });
}
