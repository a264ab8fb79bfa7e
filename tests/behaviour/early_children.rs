//! Children and their supervisor's own moments: added before it has started, down when it stops, at their own end.

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, AutoShutdown, Backoff, ChildSpec, ChildState, StartFailure, Supervisor, messages};
use tests::promptly;

#[derive(Actor)]
struct Worker {
    supervisor: Option<ActorRef<Supervisor>>,
}

#[messages]
impl Worker {
    #[message]
    fn join(&mut self, supervisor: ActorRef<Supervisor>) {
        self.supervisor = Some(supervisor);
    }

    #[message]
    fn fail(&self) {
        panic!("asked to fail");
    }

    #[message]
    async fn leave(&self) -> bool {
        self.supervisor.as_ref().expect("it has joined").terminate_child("a").await.is_ok()
    }
}

fn worker(name: &str) -> ChildSpec {
    ChildSpec::new(name, || Worker { supervisor: None })
}

#[tokio::test(start_paused = true)]
async fn s7_5_a_child_in_backoff_at_a_shutdown_has_not_failed_for_good() {
    let system = ActorSystem::new("t");
    let spec = worker("a").backoff(Backoff::constant(Duration::from_secs(20)).no_jitter());
    let sup = system.actor(Supervisor::new().child(spec)).name("sup").start().await.unwrap();
    let mut crashes = system.crash_reports();
    system.lookup::<Worker>("/sup/a").unwrap().tell(Fail).await.unwrap();
    crashes.recv().await.unwrap();
    assert_eq!(sup.supervised_children()[0].state, ChildState::Restarting);
    let report = system.shutdown().await;
    assert_eq!(report.exit_code(), 0, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_child_added_before_the_supervisor_has_started_comes_after_its_own() {
    let system = ActorSystem::new("t");
    let sup = Supervisor::new().auto_shutdown(AutoShutdown::AllSignificant).child(worker("a"));
    let sup = system.actor(sup).name("sup").spawn();
    promptly("it is added", sup.add_child(worker("b").transient().significant())).await.unwrap();
    let names: Vec<_> = sup.supervised_children().into_iter().filter_map(|child| child.name).collect();
    assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), ["a", "b"]);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn lif_2_who_adds_a_child_to_a_supervisor_whose_own_do_not_start_is_told() {
    let system = ActorSystem::new("t");
    let broken = ChildSpec::new("a", || -> Worker { panic!("not made") });
    let sup = system.actor(Supervisor::new().child(broken)).name("sup").spawn();
    let refused = promptly("it is told", sup.add_child(worker("b"))).await.unwrap_err();
    assert!(matches!(refused.failure(), StartFailure::Stopping), "{refused}");
    assert!(system.lookup::<Worker>("/sup/b").is_none());
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_terminates_itself_does_not_wait_for_its_own_end() {
    let system = ActorSystem::new("t");
    let sup = system.actor(Supervisor::new().child(worker("a").unlimited_stop())).name("sup").start().await.unwrap();
    let a = system.lookup::<Worker>("/sup/a").unwrap();
    a.tell(Join { supervisor: sup.clone() }).await.unwrap();
    assert!(promptly("it is answered", a.ask(Leave)).await.unwrap());
    promptly("it ends", a.stopped()).await;
    assert_eq!(sup.supervised_children()[0].state, ChildState::NotRunning);
    system.shutdown().await;
}
