//! What a life has hit, and what went wrong beside it, is not told of the next (S6.6).

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use actors_core::{Actor, ActorSystem, Backoff, ChildSpec, Context, ExitReason, LimitHit, StopSignal, Strategy, Supervisor, messages};
use tests::{Broken, Gate, promptly};

const TEN: Duration = Duration::from_secs(10);

/// Hangs, fails, or has a job beside it, as it is told.
#[derive(Actor)]
struct Worker;

#[messages]
impl Worker {
    #[message]
    async fn hang(&self, gate: Gate) {
        gate.open();
        std::future::pending().await
    }

    #[message]
    fn fail(&self) -> Result<(), Broken> {
        Err(Broken("failed"))
    }

    #[message]
    fn dig(&self, until: Receiver<()>, gate: Gate, ctx: &mut Context<Self>) {
        drop(ctx.spawn_blocking(move |_| {
            gate.open();
            let _ = until.recv();
            panic!("dug too deep");
        }));
    }

    #[message]
    fn hand_out(&self, ctx: &mut Context<Self>) -> StopSignal {
        ctx.stop_signal()
    }

    #[message]
    fn ping(&self) {}
}

#[tokio::test(start_paused = true)]
async fn s7_8_a_life_has_hit_no_limit_of_the_one_before() {
    let (system, gate) = (ActorSystem::new("lives"), Gate::new());
    let spec = |name| ChildSpec::new(name, || Worker).stop_limit(Duration::from_secs(1));
    let sup = Supervisor::new().strategy(Strategy::OneForAll).child(spec("first")).child(spec("second"));
    system.actor(sup).name("sup").start().await.unwrap();
    let [first, second] = ["first", "second"].map(|name| system.lookup::<Worker>(&format!("/sup/{name}")).unwrap());
    second.tell(Hang { gate: gate.clone() }).await.unwrap();
    promptly("it hangs", gate.pass()).await;
    first.tell(Fail).await.unwrap();
    while second.incarnation() == 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    second.ask(Ping).await.unwrap();

    let report = promptly("the report", system.shutdown()).await;

    let second = report.get("/sup/second").expect("it ended during the shutdown");
    assert_eq!((&second.exit.reason, second.limit, second.held_by.as_deref()), (&ExitReason::Shutdown, None::<LimitHit>, None));
}

#[test]
fn s5_1_a_life_is_not_told_of_work_that_failed_when_the_one_before_was_over() {
    // One thread for jobs: another has its turn when all of the one before is over.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).max_blocking_threads(1).build();
    runtime.expect("it can be built").block_on(async {
        let (system, gate, (go, until)) = (ActorSystem::new("lives"), Gate::new(), channel());
        let spec = ChildSpec::new("worker", || Worker).backoff(Backoff::exponential(TEN, TEN).no_jitter());
        system.actor(Supervisor::new().child(spec)).name("sup").start().await.unwrap();
        let worker = system.lookup::<Worker>("/sup/worker").unwrap();
        worker.tell(Dig { until, gate: gate.clone() }).await.unwrap();
        promptly("it digs", gate.pass()).await;
        worker.kill();
        // The clock does not move by itself while the job runs. It is down by then, and not yet restarted.
        for _ in 0..80 {
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(worker.incarnation(), 0);
        drop(go);
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        tokio::time::sleep(2 * TEN).await;
        assert_eq!(worker.incarnation(), 1);

        let report = promptly("the report", system.shutdown()).await;

        let exit = &report.get("/sup/worker").expect("it ended during the shutdown").exit;
        assert_eq!((&exit.reason, exit.secondary.len()), (&ExitReason::Shutdown, 0), "{exit:?}");
    });
}

#[tokio::test(start_paused = true)]
async fn s6_6_the_stop_signal_of_a_life_that_is_over_is_raised_and_that_of_the_next_is_not() {
    let system = ActorSystem::new("lives");
    system.actor(Supervisor::new().child(ChildSpec::new("worker", || Worker))).name("sup").start().await.unwrap();
    let worker = system.lookup::<Worker>("/sup/worker").unwrap();
    let first = worker.ask(HandOut).await.unwrap();
    worker.tell(Fail).await.unwrap();

    let second = worker.ask(HandOut).await.unwrap();

    assert_eq!((worker.incarnation(), first.is_stopping(), second.is_stopping()), (1, true, false));
    promptly("it is raised", first.stopping()).await;
    system.shutdown().await;
}

#[test]
fn s6_3_work_of_a_life_that_is_over_is_not_taken_for_work_of_the_next() {
    // Two threads for jobs: one is kept by the job of the second life, and so the other is free when that of the first is over.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).max_blocking_threads(2).build();
    runtime.expect("it can be built").block_on(async {
        let (system, gate) = (ActorSystem::new("lives"), Gate::new());
        let spec = ChildSpec::new("worker", || Worker).stop_limit(Duration::from_secs(3_600));
        system.actor(Supervisor::new().child(spec)).name("sup").start().await.unwrap();
        let worker = system.lookup::<Worker>("/sup/worker").unwrap();
        let [(go, until), (go_on, until_then)] = [channel(), channel()];
        worker.tell(Dig { until, gate: gate.clone() }).await.unwrap();
        promptly("the first digs", gate.pass()).await;
        worker.kill();
        while worker.incarnation() == 0 {
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        worker.tell(Dig { until: until_then, gate: gate.clone() }).await.unwrap();
        promptly("the second digs", gate.pass()).await;
        drop(go);
        tokio::task::spawn_blocking(|| ()).await.unwrap();

        let control = tokio::spawn({
            let system = system.clone();
            async move { system.shutdown().await }
        });
        for _ in 0..10 {
            tokio::time::advance(Duration::from_millis(100)).await;
        }

        assert!(worker.exit().is_none(), "its work is not over");
        drop(go_on);
        promptly("its end", control).await.unwrap();
    });
}
