//! Blocking jobs that do not end, or have not begun, when their actor is to end (S6.7).

use std::sync::mpsc;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, ChildSpec, Context, ExitReason, Job, JobError, Supervisor, messages};
use tests::{Broken, Journal, eventually, promptly};
use tokio::runtime::{Builder, Runtime};

/// Begins jobs, and fails when it is told to.
#[derive(Actor)]
#[actor(stop_limit = "200ms")]
struct Boss {
    journal: Journal,
}

type Wait = mpsc::Receiver<()>;

#[messages]
impl Boss {
    /// Begins a job that waits for somebody else.
    #[message]
    fn begin(&self, wait: Wait, ctx: &mut Context<Self>) -> Job<()> {
        let journal = self.journal.clone();
        let what = journal.drop_note("the job's own is dropped");
        ctx.spawn_blocking(move |_| {
            let _what = what;
            journal.note("the job has begun");
            let _ = wait.recv();
        })
    }

    /// Awaits such a job.
    #[message]
    async fn await_it(&self, wait: Wait, ctx: &mut Context<Self>) -> Result<(), JobError> {
        ctx.spawn_blocking(move |_| {
            let _ = wait.recv();
        })
        .await
    }

    #[message]
    fn fail(&self) -> Result<(), Broken> {
        Err(Broken("worn out"))
    }

    #[message]
    fn life(&self, ctx: &mut Context<Self>) -> u64 {
        ctx.incarnation()
    }

    #[stopped]
    fn note(&self) {
        self.journal.note("hook");
    }
}

/// A paused clock stands while a blocking job runs, so this one's goes. There is one thread for such jobs.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().max_blocking_threads(1).build().expect("a runtime can be built")
}

/// Keeps the one thread busy until what is returned is dropped.
async fn busy() -> mpsc::Sender<()> {
    let (go, wait) = mpsc::channel::<()>();
    let (begun, begins) = tokio::sync::oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let _ = begun.send(());
        let _ = wait.recv();
    });
    begins.await.expect("it begins");
    go
}

async fn boss(system: &ActorSystem, journal: &Journal) -> ActorRef<Boss> {
    system.actor(Boss { journal: journal.clone() }).name("boss").start().await.expect("it starts")
}

#[test]
fn s6_7_one_that_fails_does_not_wait_for_ever_for_a_job() {
    runtime().block_on(async {
        let (system, journal) = (ActorSystem::new("jobs"), Journal::new());
        let (go, wait) = mpsc::channel();
        let boss = boss(&system, &journal).await;
        let job = boss.ask(Begin { wait }).await.unwrap();
        eventually("the job has begun", || journal.len() == 1).await;
        let mut crashes = system.crash_reports();

        boss.tell(Fail).await.unwrap();

        let reason = promptly("it ends", boss.stopped()).await;
        assert!(matches!(reason, ExitReason::Failed(_)), "{reason}");
        assert_eq!(journal.entries(), ["the job has begun", "hook"]);
        assert_eq!(promptly("the crash report", crashes.recv()).await.expect("there is one").path, "/boss");
        drop(go);
        assert_eq!(promptly("the job", job).await, Ok(()));
    });
}

#[test]
fn s6_7_the_next_life_does_not_wait_for_ever_for_a_job_of_the_last() {
    runtime().block_on(async {
        let (system, journal) = (ActorSystem::new("jobs"), Journal::new());
        let (go, wait) = mpsc::channel();
        let made = journal.clone();
        let spec = ChildSpec::new("boss", move || Boss { journal: made.clone() }).permanent();
        system.actor(Supervisor::new().child(spec)).name("sup").start().await.expect("it starts");
        let boss: ActorRef<Boss> = system.lookup("/sup/boss").expect("it is there");
        drop(boss.ask(Begin { wait }).await.unwrap());
        eventually("the job has begun", || journal.len() == 1).await;

        boss.tell(Fail).await.unwrap();

        assert_eq!(promptly("the answer", boss.ask(Life)).await.expect("it answers"), 1);
        drop(go);
        eventually("the job is over", || journal.count("the job's own is dropped") == 1).await;
        assert!(promptly("the report", system.shutdown()).await.is_clean());
    });
}

#[test]
fn s6_7_a_job_that_has_not_begun_is_dropped_by_a_kill_and_counts_for_nothing() {
    runtime().block_on(async {
        let (system, journal) = (ActorSystem::builder("jobs").progress(false).build(), Journal::new());
        let (_go, wait) = mpsc::channel();
        let thread = busy().await;
        let boss = boss(&system, &journal).await;
        let job = boss.ask(Begin { wait }).await.unwrap();

        let report = promptly("the report", system.shutdown()).await;

        assert_eq!(report.leaked_blocking, 0, "{report}");
        assert_eq!(promptly("the job", job).await, Err(JobError::Dropped));
        assert_eq!(journal.entries(), ["the job's own is dropped", "hook"]);
        drop(thread);
        // The next job of the thread comes after this one would have.
        tokio::task::spawn_blocking(|| ()).await.expect("it runs");
        assert_eq!(journal.len(), 2, "{:?}", journal.entries());
    });
}

#[test]
fn s6_7_a_job_that_has_not_begun_holds_up_no_kill() {
    runtime().block_on(async {
        let (system, journal) = (ActorSystem::new("jobs"), Journal::new());
        let (_go, wait) = mpsc::channel();
        let _thread = busy().await;
        let boss = boss(&system, &journal).await;
        boss.try_tell(AwaitIt { wait }).unwrap();
        tokio::task::yield_now().await;

        let before = std::time::Instant::now();
        boss.kill();
        promptly("it ends", boss.stopped()).await;

        assert!(before.elapsed() < Duration::from_millis(450), "{:?}", before.elapsed());
    });
}

#[test]
fn s6_7_a_stop_waits_for_a_job_that_has_not_begun() {
    runtime().block_on(async {
        let (system, journal) = (ActorSystem::new("jobs"), Journal::new());
        let (go, wait) = mpsc::channel();
        let thread = busy().await;
        let boss = boss(&system, &journal).await;
        drop(boss.ask(Begin { wait }).await.unwrap());
        drop(go);

        boss.stop();
        tokio::task::yield_now().await;
        drop(thread);

        assert_eq!(promptly("it ends", boss.stopped()).await, ExitReason::Normal);
        assert_eq!(journal.entries(), ["the job has begun", "the job's own is dropped", "hook"]);
    });
}
