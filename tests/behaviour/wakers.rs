//! Wakers of anybody's making. One that panics: the others who wait are woken, and nothing else comes of it. One that owns what waits
//! itself, as those of some executors do: it goes where no lock is held.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{self, Poll, Wake, Waker};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, ChildSpec, Context, ExitReason, Supervisor, messages};
use tests::{Gate, eventually, promptly};

use crate::cast::{Act, within};

struct Broken;

impl Wake for Broken {
    fn wake(self: Arc<Self>) {
        panic!("woken");
    }
}

/// Polls `future` with a waker that panics.
fn poll_broken<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut task::Context::from_waker(&Waker::from(Arc::new(Broken))))
}

#[derive(Actor)]
#[actor(mailbox = 1)]
struct Door;

#[messages]
impl Door {
    #[message]
    async fn hold(&self, gate: Gate) {
        gate.pass().await;
    }

    #[message]
    fn knock(&self) {}

    #[handle]
    fn act(&self, act: Act<Door>, ctx: &mut Context<Self>) {
        act.play(ctx);
    }
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_an_end_are_told_of_it() {
    let system = ActorSystem::new("wakers");
    let door = system.start(Door).await.expect("it starts");
    let (mut broken, sound) = (pin!(door.stopped()), door.stopped());
    assert!(poll_broken(broken.as_mut()).is_pending());
    let sound = tokio::spawn(sound);
    tokio::task::yield_now().await;

    door.stop();

    assert_eq!(promptly("the end", sound).await.expect("it does not panic"), ExitReason::Normal);
    assert!(promptly("the report", system.shutdown()).await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_the_end_of_a_system_are_told_of_it() {
    let system = ActorSystem::new("wakers");
    let door = system.start(Door).await.expect("it starts");
    let mut broken = pin!(system.terminated());
    assert!(poll_broken(broken.as_mut()).is_pending());

    let report = promptly("the report", system.shutdown()).await;

    assert!(report.is_clean(), "{report}");
    assert!(!door.is_alive());
}

/// A door with one message in hand, at the gate, and no room for another.
async fn full() -> (ActorSystem, ActorRef<Door>, Gate) {
    let (system, gate) = (ActorSystem::new("wakers"), Gate::new());
    let door = system.start(Door).await.expect("it starts");
    door.tell(Hold { gate: gate.clone() }).await.expect("it is open");
    gate.reached().await;
    door.tell(Knock).await.expect("there is room for one");
    (system, door, gate)
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_room_get_it_and_the_receiver_lives_on() {
    let (system, door, gate) = full().await;
    let mut broken = Box::pin(async { door.tell(Knock).await });
    assert!(poll_broken(broken.as_mut()).is_pending());
    let sound = tokio::spawn({
        let door = door.clone();
        async move { door.tell(Knock).await.is_ok() }
    });
    tokio::task::yield_now().await;

    gate.open();
    tokio::task::yield_now().await;
    // It was granted room, which it gives back.
    drop(broken);

    assert!(promptly("there is room", sound).await.expect("it does not panic"));
    let report = promptly("the report", system.shutdown()).await;
    assert!(report.is_clean(), "{report}");
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_room_are_told_that_there_will_be_none() {
    let (_system, door, gate) = full().await;
    let mut broken = Box::pin(async { door.tell(Knock).await });
    assert!(poll_broken(broken.as_mut()).is_pending());
    let sound = tokio::spawn({
        let door = door.clone();
        async move { door.tell(Knock).await.is_err() }
    });
    tokio::task::yield_now().await;

    door.stop();
    gate.open_wide();

    assert!(promptly("it is refused", sound).await.expect("it does not panic"));
    assert_eq!(promptly("its end", door.stopped()).await, ExitReason::Normal);
}

#[derive(Clone)]
struct News;

#[derive(Actor)]
#[actor(mailbox = 1)]
struct Reader;

#[messages]
impl Reader {
    #[handle]
    fn read(&self, _news: News) {}
}

#[tokio::test(start_paused = true)]
async fn all_that_is_kept_for_a_subscriber_that_ends_is_a_dead_letter() {
    let system = ActorSystem::new("wakers");
    let reader = system.spawn(Reader);
    let news = system.topic::<News>("news");
    news.subscriber(&reader).keep(3).subscribe();
    news.publish(News);
    let mut waiting: Vec<_> = (0..2).map(|_| Box::pin(news.publish_and_wait(News, Duration::MAX))).collect();
    assert!(waiting.iter_mut().all(|publishing| poll_broken(publishing.as_mut()).is_pending()));
    news.publish(News);

    reader.kill();
    promptly("its end", reader.stopped()).await;

    assert_eq!(system.dead_letter_count(), 4);
    assert!(promptly("the report", system.shutdown()).await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_terminated_ends_and_its_siblings_are_restarted_on() {
    for busy in [false, true] {
        let (system, gate) = (ActorSystem::new("wakers"), Gate::new());
        let sup = Supervisor::new().child(ChildSpec::new("a", || Door)).child(ChildSpec::new("b", || Door));
        let sup = system.actor(sup).name("sup").start().await.expect("it starts");
        let [a, b] = ["/sup/a", "/sup/b"].map(|path| system.lookup::<Door>(path).expect("it is there"));
        if busy {
            a.tell(Hold { gate: gate.clone() }).await.expect("it is open");
            gate.reached().await;
        }

        let mut broken = pin!(sup.terminate_child("a"));
        assert!(poll_broken(broken.as_mut()).is_pending());
        gate.open_wide();

        assert_eq!(promptly("its end", a.stopped()).await, ExitReason::Shutdown, "busy: {busy}");
        b.kill();
        eventually("its sibling is restarted", || b.incarnation() == 1).await;
        let report = promptly("the report", system.shutdown()).await;
        assert!(report.is_clean(), "busy: {busy}, {report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_started_by_hand_lives_on() {
    let system = ActorSystem::new("wakers");
    let sup = system.actor(Supervisor::new().child(ChildSpec::new("a", || Door))).name("sup").start().await.expect("it starts");
    sup.terminate_child("a").await.expect("it is there");

    let mut broken = pin!(sup.restart_child("a"));
    assert!(poll_broken(broken.as_mut()).is_pending());
    eventually("it is there again", || system.lookup::<Door>("/sup/a").is_some_and(|door| door.has_started())).await;

    let door = system.lookup::<Door>("/sup/a").expect("it is there");
    door.ask(Knock).await.expect("it answers");
    let report = promptly("the report", system.shutdown()).await;
    assert!(report.is_clean(), "{report}");
}

/// Waits at a gate before it starts.
#[derive(Actor)]
struct Slow {
    gate: Gate,
}

#[messages]
impl Slow {
    #[started]
    async fn begin(&mut self) {
        self.gate.pass().await;
    }

    #[message]
    fn nothing(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_ends_while_somebody_waits_for_the_start_of_a_child() {
    let (system, gate) = (ActorSystem::new("wakers"), Gate::new());
    let held = gate.clone();
    let sup = Supervisor::new().child(ChildSpec::new("a", move || Slow { gate: held.clone() }));
    gate.open();
    let sup = system.actor(sup).name("sup").start().await.expect("it starts");
    gate.reached().await;
    sup.terminate_child("a").await.expect("it is there");
    let mut broken = pin!(sup.restart_child("a"));
    assert!(poll_broken(broken.as_mut()).is_pending());
    gate.reached().await;

    let (report, ()) = tokio::join!(promptly("the report", system.shutdown()), async {
        tokio::task::yield_now().await;
        gate.open_wide();
    });

    assert!(report.is_clean(), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_system_shuts_down_in_order_whoever_waits_for_it_to_quiesce() {
    let system = ActorSystem::new("wakers");
    let door = system.start(Door).await.expect("it starts");
    let quiescing = within(&door, |ctx| ctx.quiescing()).await;
    let mut quiescing = pin!(quiescing);
    assert!(poll_broken(quiescing.as_mut()).is_pending());

    let report = promptly("the report", system.shutdown()).await;

    assert!(report.is_clean(), "{report}");
}

type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Owns a future, which goes with it.
struct Owner {
    _waiting: Mutex<Option<Waiting>>,
}

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

/// What wakes by an owner of `waiting`, which waits already.
fn owning(mut waiting: Waiting) -> Waker {
    assert!(waiting.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_pending());
    Waker::from(Arc::new(Owner { _waiting: Mutex::new(Some(waiting)) }))
}

type Wait = fn(ActorSystem, ActorRef<Door>) -> Waiting;

const WAITS: &[(&str, Wait)] = &[
    ("the end", |_, door| Box::pin(async move { drop(door.stopped().await) })),
    ("the end of the system", |system, _| Box::pin(async move { drop(system.terminated().await) })),
    ("room", |_, door| Box::pin(async move { drop(door.tell(Knock).await) })),
    ("room for a request", |_, door| Box::pin(async move { drop(door.ask(Knock).await) })),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_with_the_waker_of_one_who_waits_may_have_waited_for_the_same() {
    for (what, wait) in WAITS {
        for polled_anew in [true, false] {
            let (system, gate) = (ActorSystem::new("wakers"), Gate::new());
            let door = system.start(Door).await.expect("it starts");
            door.tell(Hold { gate: gate.clone() }).await.expect("it is open");
            gate.reached().await;
            door.tell(Knock).await.expect("there is room for one");
            let mut waiting = wait(system.clone(), door.clone());
            let mine = owning(wait(system.clone(), door.clone()));
            assert!(waiting.as_mut().poll(&mut task::Context::from_waker(&mine)).is_pending());
            // The one that stands there is the last.
            drop(mine);

            // On a thread of its own, which would hang if a lock were held.
            let gone = std::thread::spawn(move || {
                if polled_anew {
                    assert!(waiting.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_pending());
                }
                drop(waiting);
            });

            for _ in 0..5_000 {
                if gone.is_finished() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert!(gone.is_finished(), "hangs: {what}, polled anew: {polled_anew}");
            gone.join().expect("it does not panic");
            gate.open_wide();
            system.shutdown().await;
        }
    }
}
