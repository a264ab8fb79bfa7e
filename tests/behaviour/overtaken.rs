//! What a supervisor had decided to do with a child, and what has become of that child, or of the supervisor, before it is done.

use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context as Poller, Waker};
use std::time::Duration;

use actors_core::{Actor, ActorSystem, ChildSpec, Context, Strategy, Supervisor, messages};
use tests::lived::{End, Life, Lived, Plan, Stage};
use tests::{Journal, eventually, promptly};

use crate::cast::settle;

/// Says that it makes a second life, and blocks its thread until it may.
#[derive(Clone)]
struct Blocked {
    plan: Plan,
    begun: Sender<()>,
    until: Arc<Mutex<Receiver<()>>>,
}

impl Blocked {
    fn new(plan: Plan) -> (Self, Receiver<()>, Sender<()>) {
        let ((begun, begins), (go_on, until)) = (channel(), channel());
        (Blocked { plan, begun, until: Arc::new(Mutex::new(until)) }, begins, go_on)
    }

    fn make(&self) -> Lived {
        if self.plan.lives() == 1 {
            self.begun.send(()).expect("it is waited for");
            let _ = self.until.lock().expect("nobody panics").recv();
        }
        self.plan.make()
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_before_it_is_stopped_by_a_kill_is_not_killed_in_its_next_life() {
    let stage = Stage::new();
    let sup = Supervisor::new().strategy(Strategy::OneForAll).restarts(1, Duration::from_secs(3600));
    let sup = stage.supervise(sup.children([stage.spec("a").stop_by_kill(), stage.spec("b")])).await;

    // Both before anything is done about the first.
    stage.worker("b").try_tell(End::Fail).unwrap();
    stage.worker("a").try_tell(End::Fail).unwrap();
    settle().await;

    assert!(sup.is_alive(), "S10.3");
    for name in ["a", "b"] {
        assert_eq!(stage.worker(name).ask(Life).await.unwrap(), 1, "{name}");
    }
    assert_eq!(stage.journal.count("start a1"), 1, "{:?}", stage.journal);
    stage.system.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_ends_of_itself_while_it_is_terminated_can_be_started_again_at_once() {
    let stage = Stage::new();
    let (slow, begins, go_on) = Blocked::new(stage.plan("slow"));
    let slow = ChildSpec::new("slow", move || slow.make());
    let sup = stage.supervise(Supervisor::new().children([slow, stage.spec("x").transient()])).await;
    sup.terminate_child("slow").await.unwrap();
    // Whatever else is decided is done only when this has been.
    let restarting = tokio::spawn({
        let sup = sup.clone();
        async move { sup.restart_child("slow").await }
    });
    tokio::task::spawn_blocking(move || begins.recv()).await.unwrap().unwrap();

    let mut cx = Poller::from_waker(Waker::noop());
    let mut terminated = pin!(sup.terminate_child("x"));
    assert!(terminated.as_mut().poll(&mut cx).is_pending());
    stage.worker("x").tell(End::Stop).await.unwrap();
    promptly("it has ended", terminated).await.unwrap();
    let mut restarted = pin!(sup.restart_child("x"));
    assert!(restarted.as_mut().poll(&mut cx).is_pending());
    go_on.send(()).unwrap();

    assert_eq!(promptly("it is started", restarted).await, Ok(()));
    assert_eq!(stage.worker("x").ask(Life).await.unwrap(), 1);
    promptly("the slow one is started", restarting).await.unwrap().unwrap();
    stage.system.shutdown().await;
}

/// Starts a child by hand whose making takes its time.
#[derive(Actor)]
struct Owner {
    child: Blocked,
}

#[messages]
impl Owner {
    #[message]
    async fn restart_its_child(&mut self, ctx: &mut Context<Self>) {
        let child = self.child.clone();
        ctx.child("child", move || child.make()).permanent().start().await.expect("it starts");
        ctx.terminate_child("child").await.expect("it is there");
        ctx.restart_child("child").await.expect("it starts again");
    }

    #[message]
    fn children(&self, ctx: &mut Context<Self>) -> usize {
        ctx.supervised_children().len()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_8_a_child_that_was_being_made_for_the_life_before_does_not_come_into_the_next() {
    let (system, journal) = (ActorSystem::new("stage"), Journal::new());
    let (child, begins, go_on) = Blocked::new(Plan::new("child", &journal).notes_drop());
    let spec = ChildSpec::new("owner", move || Owner { child: child.clone() });
    system.actor(Supervisor::new().child(spec)).name("sup").start().await.unwrap();
    let owner = system.lookup::<Owner>("/sup/owner").expect("it is there");
    owner.tell(RestartItsChild).await.unwrap();
    tokio::task::spawn_blocking(move || begins.recv()).await.unwrap().unwrap();

    owner.kill();
    eventually("it begins anew", || owner.incarnation() == 1).await;
    assert_eq!(promptly("it answers", owner.ask(Children)).await.unwrap(), 0);
    go_on.send(()).unwrap();

    eventually("what was made is dropped", || journal.count("gone child1") == 1).await;
    assert_eq!((owner.ask(Children).await.unwrap(), journal.count("start child1")), (0, 0));
    assert!(system.lookup::<Lived>("/sup/owner/child").is_none());
    system.shutdown().await;
}
