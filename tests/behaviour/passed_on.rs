//! What is passed on from turn to turn on a runtime of one thread: whoever wakes another actor in its turn takes that one's turn, too (S2.7).
//!
//! That it does is seen by the id of the task, which such turns share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, ChildSpec, Context, Supervisor, messages};
use tests::{Journal, eventually, promptly};
use tokio::runtime::{Builder, Runtime};

/// Passes what it is told to the next, if there is one.
#[derive(Actor)]
#[actor(mailbox = "unbounded")]
struct Link {
    next: Option<ActorRef<Link>>,
    seen: Vec<u32>,
    tasks: Tasks,
    journal: Journal,
}

/// The tasks in which messages were handled.
type Tasks = Arc<Mutex<Vec<Option<tokio::task::Id>>>>;

#[messages]
impl Link {
    #[message]
    fn pass(&mut self, number: u32) {
        self.seen.push(number);
        self.note_task();
        if let Some(next) = &self.next {
            next.try_tell(Pass { number }).expect("there is room");
        }
    }

    #[message]
    fn seen(&self) -> Vec<u32> {
        self.seen.clone()
    }

    #[message]
    fn set_next(&mut self, next: ActorRef<Link>) {
        self.next = Some(next);
    }

    /// Has the next one panic.
    #[message]
    fn pass_panic(&self) {
        self.note_task();
        if let Some(next) = &self.next {
            next.try_tell(Panic).expect("there is room");
        }
    }

    #[message]
    fn panic(&self) {
        self.note_task();
        panic!("as it was told");
    }

    /// Has the next one stop itself.
    #[message]
    fn pass_stop(&self) {
        self.note_task();
        if let Some(next) = &self.next {
            next.try_tell(End).expect("there is room");
        }
    }

    #[message]
    fn end(&self, ctx: &mut Context<Self>) {
        self.note_task();
        ctx.stop();
    }
}

impl Link {
    fn note_task(&self) {
        self.tasks.lock().expect("nobody panics there").push(tokio::task::try_id());
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.journal.note("dropped");
    }
}

/// Asserts that the last two messages were handled in one task.
fn assert_shared(tasks: &Tasks) {
    let tasks = tasks.lock().expect("nobody panics there");
    let [.., first, second] = tasks[..] else { panic!("two were handled") };
    assert!(first.is_some() && first == second, "{first:?}, {second:?}");
}

/// Two of which the first passes on to the second, who is served in the first one's task by now.
async fn pair(system: &ActorSystem, journal: &Journal, tasks: &Tasks) -> [ActorRef<Link>; 2] {
    let link = |next| Link { next, seen: Vec::new(), tasks: tasks.clone(), journal: journal.clone() };
    let second = system.spawn(link(None));
    let first = system.spawn(link(Some(second.clone())));
    pass_until_shared(&first, tasks).await;
    [first, second]
}

/// Has numbers passed on, one after the other, until both turns are taken in one task.
async fn pass_until_shared(first: &ActorRef<Link>, tasks: &Tasks) {
    let all = || tasks.lock().expect("nobody panics there");
    for number in 0..1000 {
        all().clear();
        first.tell(Pass { number }).await.expect("it takes messages");
        eventually("it is passed on", || all().len() == 2).await;
        let all = all();
        if all[0].is_some() && all[0] == all[1] && number > 20 {
            return;
        }
    }
    panic!("no two turns were taken in one task");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("it can be built")
}

fn on_one_thread(work: impl AsyncFnOnce(&ActorSystem)) {
    runtime().block_on(async {
        let system = ActorSystem::new("table");
        work(&system).await;
        promptly("it ends", system.shutdown()).await;
    });
}

#[test]
fn s2_7_what_is_passed_on_is_handled_once_and_in_order() {
    on_one_thread(async |system| {
        let (journal, tasks) = (Journal::new(), Tasks::default());
        let [first, second] = pair(system, &journal, &tasks).await;
        let before = second.ask(Seen).await.expect("it answers").len();
        for number in 0..1000 {
            first.tell(Pass { number }).await.expect("it takes messages");
        }
        // Each of them hears from outside, too.
        first.ask(Seen).await.expect("it answers");
        let seen = second.ask(Seen).await.expect("it answers");
        assert!(seen[before..].iter().copied().eq(0..1000), "{seen:?}");
    });
}

#[test]
fn s2_7_a_ring_without_end_leaves_room_for_others() {
    on_one_thread(async |system| {
        let (journal, tasks) = (Journal::new(), Tasks::default());
        let [first, second] = pair(system, &journal, &tasks).await;
        second.tell(SetNext { next: first.clone() }).await.expect("it takes messages");
        first.tell(Pass { number: 1 }).await.expect("it takes messages");
        for _ in 0..100 {
            promptly("others run", tokio::task::yield_now()).await;
            promptly("it answers", first.ask(Seen)).await.expect("it answers");
        }
        // Its references to itself would keep it.
        second.stop();
        promptly("it ends", second.stopped()).await;
    });
}

#[test]
fn s2_7_one_who_panics_in_anothers_task_ends_alone() {
    on_one_thread(async |system| {
        let (journal, tasks) = (Journal::new(), Tasks::default());
        let [first, second] = pair(system, &journal, &tasks).await;
        first.tell(PassPanic).await.expect("it takes messages");
        let exit = promptly("it ends", second.stopped()).await;
        assert!(exit.to_string().contains("as it was told"), "{exit:?}");
        assert_shared(&tasks);
        assert_eq!(journal.count("dropped"), 1);
        first.ask(Seen).await.expect("it lives on");
        first.stop();
        promptly("it ends", first.stopped()).await;
    });
}

#[test]
fn s2_7_one_who_stops_in_anothers_task_ends_alone_and_its_own_task_goes() {
    on_one_thread(async |system| {
        let tasks = Tasks::default();
        let [first, second] = pair(system, &Journal::new(), &tasks).await;
        let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let before = alive();
        first.tell(PassStop).await.expect("it takes messages");
        promptly("it ends", second.stopped()).await;
        assert_shared(&tasks);
        // In no time, so that no other has gone.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(alive(), before - 1, "its task has gone");
        first.ask(Seen).await.expect("it lives on");
    });
}

#[test]
fn s6_5_a_runtime_that_goes_ends_those_who_are_served_by_others() {
    let (runtime, journal) = (runtime(), Journal::new());
    let (system, pair) = runtime.block_on(async {
        let system = ActorSystem::new("table");
        let pair = pair(&system, &journal, &Tasks::default()).await;
        (system, pair)
    });
    runtime.shutdown_timeout(Duration::from_secs(10));
    assert_eq!(journal.count("dropped"), 2);
    assert!(pair.iter().all(|link| link.exit().is_some()));
    drop(system);
}

#[tokio::test(start_paused = true)]
async fn s2_7_the_task_of_one_who_is_served_by_others_goes_when_there_is_nothing_to_do() {
    let system = ActorSystem::new("table");
    let tasks = tokio::runtime::Handle::current().metrics();
    let before = tasks.num_alive_tasks();
    let [first, second] = pair(&system, &Journal::new(), &Tasks::default()).await;
    eventually("their tasks go", || tasks.num_alive_tasks() <= before).await;
    assert_eq!(first.ask(Seen).await.expect("it answers").len(), second.ask(Seen).await.expect("it answers").len());
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn s10_5_one_who_fails_in_anothers_task_is_restarted_and_served_there_again() {
    let system = ActorSystem::new("table");
    let journal = Journal::new();
    let supervisor = system.start(Supervisor::new()).await.expect("it starts");
    let tasks = Tasks::default();
    let link = move |next| Link { next, seen: Vec::new(), tasks: tasks.clone(), journal: journal.clone() };
    let (make, tasks) = (link.clone(), link(None).tasks.clone());
    let spec = ChildSpec::new("second", move || make(None));
    let path = supervisor.add_child(spec).await.expect("it starts");
    let second = system.lookup::<Link>(&path.to_string()).expect("it is there");
    let first = system.spawn(link(Some(second.clone())));
    pass_until_shared(&first, &tasks).await;
    first.tell(PassPanic).await.expect("it takes messages");
    eventually("it has failed", || tasks.lock().expect("nobody panics there").len() == 4).await;
    assert_shared(&tasks);
    let number = 7;
    first.tell(Pass { number }).await.expect("it takes messages");
    first.ask(Seen).await.expect("it answers");
    assert_eq!(promptly("the next life", second.ask(Seen)).await.expect("it answers"), [7]);
    pass_until_shared(&first, &tasks).await;
    system.shutdown().await;
}
