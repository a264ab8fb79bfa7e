//! An actor that is at rest ends where it stands, without a task; nobody can tell from what is said of it.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use actors_core::{Actor, ActorSystem, Context, ExitReason, Refusal, messages};
use tests::{Journal, promptly};

/// It has a destructor, which waits where there is something to wait for, and breaks if it is told to.
#[derive(Actor)]
struct Fragile {
    breaks: bool,
    waits: Option<(Receiver<()>, Journal)>,
}

#[messages]
impl Fragile {
    #[message]
    fn touch(&self) {}
}

impl Drop for Fragile {
    fn drop(&mut self) {
        if let Some((go_on, journal)) = &self.waits {
            journal.note(if go_on.recv_timeout(Duration::from_secs(5)).is_ok() { "let go" } else { "waited too long" });
        }
        assert!(!self.breaks, "it was to break");
    }
}

/// It has children.
#[derive(Actor)]
struct Parent;

#[messages]
impl Parent {
    #[message]
    fn raise(&self, count: u32, ctx: &mut Context<Self>) {
        for _ in 0..count {
            ctx.spawn(Parent);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_sends_to_one_that_has_ended_is_told_that_it_has_stopped_whether_or_not_it_had_a_destructor() {
    let system = ActorSystem::new("rest");
    let (fragile, plain) = (system.spawn(Fragile { breaks: false, waits: None }), system.spawn(Parent));
    fragile.stop();
    plain.stop();
    fragile.stopped().await;
    plain.stopped().await;

    assert_eq!(fragile.try_tell(Touch).expect_err("it has ended").reason(), Refusal::Stopped);
    assert_eq!(plain.try_tell(Raise { count: 1 }).expect_err("it has ended").reason(), Refusal::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_breaks_when_it_is_dropped_before_the_first_message_is_a_crash_too() {
    let system = ActorSystem::new("rest");
    let mut crashes = system.crash_reports();
    let fragile = system.spawn(Fragile { breaks: true, waits: None });

    fragile.stop();

    assert!(promptly("its end", fragile.stopped()).await.is_failure());
    assert_eq!(promptly("the report", crashes.recv()).await.expect("there is one").path, fragile.path());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_destructor_of_one_that_has_had_messages_keeps_nobody_waiting_who_stops_it() {
    let (system, journal, (let_go, go_on)) = (ActorSystem::new("rest"), Journal::new(), channel());
    let fragile = system.spawn(Fragile { breaks: false, waits: Some((go_on, journal.clone())) });
    fragile.ask(Touch).await.expect("it answers");
    // Until it has gone to rest, whenever that is, a task ends it all the same.
    tokio::task::yield_now().await;

    fragile.stop();
    let_go.send(()).expect("it waits");

    assert_eq!(promptly("its end", fragile.stopped()).await, ExitReason::Normal);
    assert_eq!(journal.entries(), ["let go"]);
}

#[tokio::test]
async fn the_time_that_children_at_rest_took_is_in_the_report_of_their_parent() {
    let system = ActorSystem::new("rest");
    let parent = system.actor(Parent).name("parent").spawn();
    parent.ask(Raise { count: 20_000 }).await.expect("it answers");

    let report = system.shutdown().await;

    let parent = report.get("/parent").expect("it is reported");
    assert!(parent.children >= Duration::from_millis(1), "{:?}", parent.children);
    assert!(parent.children <= parent.total && parent.total <= report.total, "{:?} {:?}", parent.children, parent.total);
}
