//! A kill that comes while an actor stops: what it leaves to the hook, and where it is told (S5.1, S6.2).

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use actors_core::{Actor, ActorSystem, Context, ExitReason, HookOutcome, messages};
use tests::tree::{Branch, Habit};
use tests::{Journal, eventually, promptly};
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn s6_2_a_kill_leaves_a_stop_hook_no_more_time_than_it_had() {
    let system = ActorSystem::new("test");
    let hung = Branch::new("hung", Habit::HangsInHook).hook_limit(Duration::from_secs(1)).grow(&system, &Journal::new()).await;
    hung.stop();
    sleep(Duration::from_millis(900)).await;
    let killed = Instant::now();

    hung.kill();
    promptly("it ends", hung.stopped()).await;

    let took = killed.elapsed();
    assert!(took < Duration::from_millis(200), "{took:?}");
}

/// Begins a job in its stop hook.
#[derive(Actor)]
struct Lender(Option<(Sender<()>, Receiver<()>)>);

#[messages]
impl Lender {
    #[message]
    fn idle(&self) {}

    #[stopped]
    fn lend(&mut self, ctx: &mut Context<Self>) {
        let (begun, until) = self.0.take().expect("it stops once");
        drop(ctx.spawn_blocking(move |_| {
            let _ = begun.send(());
            let _ = until.recv();
        }));
    }
}

#[tokio::test]
async fn s5_1_a_kill_while_a_job_of_the_stop_hook_is_waited_for_is_told() {
    let system = ActorSystem::new("test");
    let ((begun, has_begun), (done, until)) = (channel(), channel());
    let lender = system.actor(Lender(Some((begun, until)))).name("lender").start().await.expect("it starts");
    system.request_shutdown();
    eventually("the job has begun", || has_begun.try_recv().is_ok()).await;

    lender.kill();
    drop(done);
    let report = promptly("the report", system.terminated()).await;

    assert_eq!(report.get("/lender").expect("it ended").exit.reason, ExitReason::Killed);
}

#[tokio::test(start_paused = true)]
async fn s7_8_those_below_one_that_is_killed_while_it_stops_have_hit_no_limit() {
    let system = ActorSystem::new("test");
    let below = Branch::new("below", Habit::CleansUp(Duration::from_millis(400)));
    let top = Branch::good("top").below([below]).grow(&system, &Journal::new()).await;
    system.request_shutdown();
    sleep(Duration::from_millis(1)).await;

    top.kill();
    let report = promptly("the report", system.terminated()).await;

    let below = report.get("/top/below").expect("it ended");
    assert_eq!((below.limit, below.hook_outcome), (None, HookOutcome::Ran), "{report}");
}

#[tokio::test(start_paused = true)]
async fn s7_4_whoever_kills_a_whole_tree_decides_alone_when_those_in_it_are_aborted() {
    let system = ActorSystem::builder("test").deadline(Duration::from_secs(4)).progress(false).build();
    let lowest = Branch::new("lowest", Habit::HangsInHook);
    let below = Branch::new("below", Habit::CleansUp(Duration::from_millis(300))).below([lowest]);
    let top = Branch::new("top", Habit::HangsInHandler).stop_limit(Duration::from_secs(1)).below([below]);
    top.grow(&system, &Journal::new()).await;

    let report = system.shutdown().await;

    let below = report.get("/top/below").expect("it ended");
    assert_eq!((below.limit, below.hook_outcome), (None, HookOutcome::Ran), "{report}");
}
