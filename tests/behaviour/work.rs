//! Helper tasks and blocking jobs: they count as the actor's own (S6.7), and can see its stop signal (S6.4).

use std::future::pending;
use std::sync::mpsc;
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, BoxError, Context, ExitReason, HookOutcome, Job, JobError, Limit, LimitHit, Outcome, Policy, Protocol,
    ReplyTo, Stopping,
};
use tests::{Gate, Journal, eventually, on_1_2_and_8_workers, promptly};
use tokio_util::sync::CancellationToken;

type Work = Box<dyn FnOnce(&mut Owner, &Context<Owner>) + Send>;

/// Does what it is told in its own turn, and notes its end.
#[derive(Default)]
struct Owner {
    journal: Journal,
    kept: Vec<Job<()>>,
    on_stopped: Option<Work>,
}

enum Order {
    Do(Work),
    /// Awaits a panicking helper, or blocking job, in the handler.
    AwaitPanic {
        blocking: bool,
        reply: ReplyTo<Result<(), JobError>>,
    },
    /// Waits in the handler until it is asked to end.
    WaitForStop,
    /// Waits in the handler for ever.
    Hang,
    /// Polls work that is always ready, for as long as it may.
    Spin {
        reply: ReplyTo<Stopping>,
    },
}

impl Protocol for Owner {
    type Msg = Order;
}

impl Actor for Owner {
    const POLICY: Policy = Policy { stop_limit: Limit::After(Duration::from_secs(2)), ..Policy::DEFAULT };

    async fn handle(&mut self, order: Order, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        match order {
            Order::Do(work) => work(self, ctx),
            Order::AwaitPanic { blocking: false, reply } => reply.send(ctx.spawn_task(async { panic!("helper") }).await),
            Order::AwaitPanic { blocking: true, reply } => reply.send(ctx.spawn_blocking(|_| panic!("job")).await),
            Order::WaitForStop => {
                ctx.stopping().await;
                self.journal.note("the handler saw the stop");
            }
            Order::Hang => pending().await,
            Order::Spin { reply } => loop {
                // Always ready, and still the signal gets through.
                if let Err(stopping) = ctx.unless_stopping(tokio::task::yield_now()).await {
                    reply.send(stopping);
                    return Ok(());
                }
            },
        }
        Ok(())
    }

    async fn stopped(&mut self, _reason: &ExitReason, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        self.journal.note("hook");
        if let Some(work) = self.on_stopped.take() {
            work(self, ctx);
        }
        Ok(())
    }
}

fn owner(system: &ActorSystem, journal: &Journal) -> ActorRef<Owner> {
    system.actor(Owner { journal: journal.clone(), ..Owner::default() }).name("owner").spawn()
}

/// Has the actor do `work` in its own turn, and waits until it has.
async fn have(owner: &ActorRef<Owner>, work: impl FnOnce(&mut Owner, &Context<Owner>) + Send + 'static) {
    let done = owner.ask_with(|reply: ReplyTo<()>| {
        Order::Do(Box::new(move |owner, ctx| {
            work(owner, ctx);
            reply.send(());
        }))
    });
    promptly("the actor does the work", done).await.expect("the actor is there");
}

/// Waits until `condition` holds, without a clock: a paused one stands while a blocking job runs.
async fn soon(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if condition() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("did not come about: {what}");
}

/// Lets all others run until they wait.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn panicked_with(reason: &ExitReason, text: &str) -> bool {
    matches!(reason, ExitReason::Panicked { message, location: Some(place) } if **message == *text && place.contains("work.rs"))
}

// ===== helper tasks =====

#[tokio::test(start_paused = true)]
async fn a_job_yields_what_its_work_returned() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    let (results, result) = tokio::sync::oneshot::channel();
    have(&owner, |_, ctx| {
        let _ = results.send((ctx.spawn_task(async { 7 }), ctx.spawn_blocking(|_| 8)));
    })
    .await;
    let (helper, job) = result.await.unwrap();
    assert_eq!((helper.await, job.await), (Ok(7), Ok(8)));
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn an_actor_handles_messages_while_its_helpers_run() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    have(&owner, |_, ctx| drop(ctx.spawn_task(pending::<()>()))).await;
    have(&owner, |_, _| ()).await;
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_actor_drops_its_helpers_before_its_hook() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let note = journal.drop_note("helper dropped");
    have(&owner, move |_, ctx| {
        ctx.spawn_task(async move {
            let _note = note;
            pending::<()>().await;
        });
    })
    .await;
    owner.stop();
    assert_eq!(promptly("the end", owner.stopped()).await, ExitReason::Normal);
    assert_eq!(journal.entries(), ["helper dropped", "hook"]);
}

#[tokio::test(start_paused = true)]
async fn helpers_that_never_ran_are_dropped_too() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let notes: Vec<_> = (0..100).map(|_| journal.drop_note("helper dropped")).collect();
    have(&owner, move |_, ctx| {
        for note in notes {
            ctx.spawn_task(async move {
                let _note = note;
                pending::<()>().await;
            });
        }
        ctx.stop();
    })
    .await;
    promptly("the end", owner.stopped()).await;
    assert_eq!(journal.count("helper dropped"), 100);
    assert_eq!(journal.entries().last().unwrap(), "hook");
}

#[tokio::test(start_paused = true)]
async fn helpers_run_until_the_children_have_stopped() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let (helper, childs) = (journal.drop_note("helper dropped"), journal.clone());
    have(&owner, move |_, ctx| {
        ctx.spawn_task(async move {
            let _note = helper;
            pending::<()>().await;
        });
        ctx.spawn(Owner { journal: childs, ..Owner::default() });
    })
    .await;
    owner.stop();
    promptly("the end", owner.stopped()).await;
    assert_eq!(journal.entries(), ["hook", "helper dropped", "hook"]);
}

#[tokio::test(start_paused = true)]
async fn a_kill_drops_the_helpers_as_well() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let note = journal.drop_note("helper dropped");
    have(&owner, move |_, ctx| {
        ctx.spawn_task(async move {
            let _note = note;
            pending::<()>().await;
        });
    })
    .await;
    owner.kill();
    assert_eq!(promptly("the end", owner.stopped()).await, ExitReason::Killed);
    assert_eq!(journal.entries(), ["helper dropped", "hook"]);
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_actor_ends_first_says_that_it_was_dropped() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let (jobs, job) = tokio::sync::oneshot::channel();
    have(&owner, |_, ctx| drop(jobs.send(ctx.spawn_task(pending::<()>())))).await;
    owner.stop();
    let error = promptly("the job", job.await.unwrap()).await.unwrap_err();
    assert_eq!(error, JobError::Dropped);
    assert_eq!(error.to_string(), "the actor ended before the work");
}

#[tokio::test(start_paused = true)]
async fn dropping_a_job_does_not_end_its_work() {
    let (system, journal, gate) = (ActorSystem::new("test"), Journal::new(), Gate::new());
    let owner = owner(&system, &journal);
    let (noted, passed) = (journal.clone(), gate.clone());
    have(&owner, move |_, ctx| {
        drop(ctx.spawn_task(async move {
            passed.pass().await;
            noted.note("done");
        }));
    })
    .await;
    promptly("the helper begins", gate.reached()).await;
    gate.open();
    eventually("the helper is done", || journal.count("done") == 1).await;
    assert!(owner.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_helper_begun_in_the_stopped_hook_does_not_outlive_the_actor() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let note = journal.drop_note("helper dropped");
    let on_stopped: Work = Box::new(move |_, ctx| {
        ctx.spawn_task(async move {
            let _note = note;
            pending::<()>().await;
        });
    });
    let owner = system.start(Owner { journal: journal.clone(), on_stopped: Some(on_stopped), ..Owner::default() }).await.unwrap();
    owner.stop();
    promptly("the end", owner.stopped()).await;
    assert_eq!(journal.entries(), ["hook", "helper dropped"]);
}

#[test]
fn no_helper_outlives_its_actor_on_any_number_of_workers() {
    on_1_2_and_8_workers(|| async {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());
        let owner = owner(&system, &journal);
        let notes: Vec<_> = (0..50).map(|_| journal.drop_note("helper dropped")).collect();
        have(&owner, move |_, ctx| {
            for note in notes {
                ctx.spawn_task(async move {
                    let _note = note;
                    loop {
                        tokio::task::yield_now().await;
                    }
                });
            }
        })
        .await;
        owner.stop();
        promptly("the end", owner.stopped()).await;
        assert_eq!(journal.count("helper dropped"), 50);
    });
}

// ===== blocking jobs =====

#[tokio::test(start_paused = true)]
async fn the_end_of_an_actor_waits_for_its_blocking_jobs() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let (noted, (go, wait)) = (journal.clone(), mpsc::channel::<()>());
    have(&owner, move |_, ctx| {
        ctx.spawn_blocking(move |_| {
            let _ = wait.recv();
            noted.note("job done");
        });
    })
    .await;
    owner.stop();
    settle().await;
    assert!(owner.exit().is_none() && journal.is_empty(), "the job has not ended");
    go.send(()).unwrap();
    promptly("the end", owner.stopped()).await;
    assert_eq!(journal.entries(), ["job done", "hook"]);
}

#[tokio::test(start_paused = true)]
async fn a_blocking_job_sees_the_stop_of_its_actor() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let (began, begun) = mpsc::channel();
    let noted = journal.clone();
    have(&owner, move |_, ctx| {
        ctx.spawn_blocking(move |stop| {
            noted.note(format!("stopping: {}", stop.is_stopping()));
            began.send(()).unwrap();
            while !stop.is_stopping() {
                std::thread::yield_now();
            }
            noted.note(format!("stopping: {}", stop.is_stopping()));
        });
    })
    .await;
    begun.recv().unwrap();
    let report = system.shutdown().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(journal.entries(), ["stopping: false", "stopping: true", "hook"]);
}

#[tokio::test(start_paused = true)]
async fn a_blocking_job_begun_in_the_stopped_hook_is_waited_for() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let (noted, (go, wait)) = (journal.clone(), mpsc::channel::<()>());
    let on_stopped: Work = Box::new(move |_, ctx| {
        ctx.spawn_blocking(move |_| {
            let _ = wait.recv();
            noted.note("job done");
        });
    });
    let owner = system.start(Owner { journal: journal.clone(), on_stopped: Some(on_stopped), ..Owner::default() }).await.unwrap();
    owner.stop();
    soon("the hook has run", || journal.count("hook") == 1).await;
    settle().await;
    assert!(owner.exit().is_none(), "the job has not ended");
    go.send(()).unwrap();
    promptly("the end", owner.stopped()).await;
    assert_eq!(journal.entries(), ["hook", "job done"]);
}

#[test]
fn a_blocking_job_that_goes_on_beyond_the_limit_is_counted_in_the_report() {
    // A paused clock stands while a blocking job runs, so this one's goes.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (go, wait) = mpsc::channel::<()>();
    let report = runtime.block_on(async {
        let system = ActorSystem::builder("test").progress(false).build();
        let owner = owner(&system, &Journal::new());
        have(&owner, move |_, ctx| {
            ctx.spawn_blocking(move |_| wait.recv());
        })
        .await;
        system.shutdown_within(Duration::from_millis(200)).await
    });
    drop(go);
    let of_owner = report.get("/owner").unwrap();
    assert_eq!((of_owner.leaked_blocking, report.leaked_blocking), (1, 1));
    assert_eq!(report.outcome, Outcome::Unresponsive);
    assert!(matches!(of_owner.limit, Some(LimitHit::Stop | LimitHit::Kill | LimitHit::Abort)), "{report}");
}

// ===== panics =====

#[tokio::test(start_paused = true)]
async fn a_panic_of_awaited_work_is_a_job_error_and_the_actor_lives_on() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    for (blocking, text) in [(false, "helper"), (true, "job")] {
        let outcome = owner.ask_with(move |reply| Order::AwaitPanic { blocking, reply }).await.unwrap();
        let Err(JobError::Panicked(reason)) = outcome else { panic!("{outcome:?}") };
        assert!(panicked_with(&reason, text), "{reason}");
        assert_eq!(JobError::Panicked(reason.clone()).to_string(), format!("the work {reason}"));
    }
    assert!(owner.is_alive());
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_helper_that_nobody_awaits_fails_the_actor() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    have(&owner, |_, ctx| drop(ctx.spawn_task(async { panic!("nobody looks") }))).await;
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "nobody looks"), "{reason}");
    assert_eq!(journal.entries(), ["hook"]);
    assert_eq!(system.shutdown().await.outcome, Outcome::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_blocking_job_that_nobody_awaits_fails_the_actor() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    have(&owner, |_, ctx| drop(ctx.spawn_blocking(|_| panic!("nobody looks")))).await;
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "nobody looks"), "{reason}");
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the destructor");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_destructor_of_work_that_is_cut_short_fails_the_actor() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    have(&owner, |_, ctx| {
        let bomb = Bomb;
        ctx.spawn_task(async move {
            let _bomb = bomb;
            pending::<()>().await;
        });
    })
    .await;
    owner.stop();
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "the destructor"), "{reason}");
    assert_eq!(journal.entries(), ["hook"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_destructor_of_work_that_never_ran_fails_the_actor() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    have(&owner, |_, ctx| {
        let bomb = Bomb;
        ctx.spawn_task(async move { drop(bomb) });
        ctx.stop();
    })
    .await;
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "the destructor"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_destructor_of_finished_work_counts_as_one_of_the_work() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    have(&owner, |_, ctx| {
        let bomb = Bomb;
        drop(ctx.spawn_task(async move {
            let _bomb = &bomb;
        }));
    })
    .await;
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "the destructor"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_not_lost_with_a_job_that_was_kept_and_never_awaited() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let note = journal.drop_note("panicking");
    have(&owner, move |owner, ctx| {
        owner.kept.push(ctx.spawn_task(async move {
            let _note = note;
            panic!("nobody looks");
        }));
    })
    .await;
    eventually("the helper has panicked", || journal.count("panicking") == 1).await;
    have(&owner, |owner, _| owner.kept.clear()).await;
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "nobody looks"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_not_lost_with_a_job_that_ends_with_the_state() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let note = journal.drop_note("panicking");
    have(&owner, move |owner, ctx| {
        owner.kept.push(ctx.spawn_task(async move {
            let _note = note;
            panic!("nobody looks");
        }));
    })
    .await;
    eventually("the helper has panicked", || journal.count("panicking") == 1).await;
    owner.stop();
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "nobody looks"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_blocking_job_that_panics_while_its_actor_stops_fails_it() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    have(&owner, |_, ctx| {
        ctx.spawn_blocking(|stop| {
            while !stop.is_stopping() {
                std::thread::yield_now();
            }
            panic!("too late to go unnoticed");
        });
    })
    .await;
    owner.stop();
    // S5.1: a clean end gives way to what goes wrong in it.
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "too late to go unnoticed"), "{reason}");
    assert_eq!(owner.exit().unwrap().secondary, []);
}

#[tokio::test(start_paused = true)]
async fn the_first_of_two_panics_is_the_reason_and_the_other_is_kept_beside_it() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    have(&owner, |_, ctx| {
        ctx.spawn_blocking(|stop| {
            while !stop.is_stopping() {
                std::thread::yield_now();
            }
            panic!("second");
        });
        ctx.spawn_task(async { panic!("first") });
    })
    .await;
    let reason = promptly("the end", owner.stopped()).await;
    assert!(panicked_with(&reason, "first"), "{reason}");
    let secondary = owner.exit().unwrap().secondary;
    assert!(matches!(&secondary[..], [other] if panicked_with(other, "second")), "{secondary:?}");
}

// ===== the stop signal =====

#[tokio::test(start_paused = true)]
async fn a_handler_can_await_the_stop_of_its_actor() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    owner.tell(Order::WaitForStop).await.unwrap();
    tokio::task::yield_now().await;
    assert!(journal.is_empty());
    owner.stop();
    assert_eq!(promptly("the end", owner.stopped()).await, ExitReason::Normal);
    assert_eq!(journal.entries(), ["the handler saw the stop", "hook"]);
}

#[tokio::test(start_paused = true)]
async fn unless_stopping_gets_the_signal_through_work_that_is_always_ready() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    let stopper = owner.clone();
    let spinning = owner.ask_with(|reply| Order::Spin { reply });
    let stop = async {
        tokio::task::yield_now().await;
        stopper.stop();
    };
    let (outcome, ()) = tokio::join!(promptly("the handler ends", spinning), stop);
    assert_eq!(outcome.unwrap(), Stopping);
}

#[tokio::test(start_paused = true)]
async fn unless_stopping_does_not_poll_its_work_once_the_signal_is_there() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let (signals, signal) = tokio::sync::oneshot::channel();
    have(&owner, |_, ctx| drop(signals.send(ctx.stop_signal()))).await;
    let signal = signal.await.unwrap();

    assert_eq!(signal.unless_stopping(async { journal.note("before") }).await, Ok(()));
    owner.stop();
    assert_eq!(signal.unless_stopping(async { journal.note("after") }).await, Err(Stopping));
    promptly("the end", owner.stopped()).await;
    assert_eq!(signal.unless_stopping(async { journal.note("after the end") }).await, Err(Stopping));
    assert_eq!(journal.entries(), ["before", "hook"]);
}

#[tokio::test(start_paused = true)]
async fn unless_stopping_drops_its_work_when_the_signal_comes() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let (signals, signal) = tokio::sync::oneshot::channel();
    have(&owner, |_, ctx| drop(signals.send(ctx.stop_signal()))).await;
    let note = journal.drop_note("work dropped");
    let work = signal.await.unwrap().unless_stopping(async move {
        let _note = note;
        pending::<()>().await;
    });
    let task = tokio::spawn(work);
    tokio::task::yield_now().await;
    owner.stop();
    assert_eq!(promptly("the work ends", task).await.unwrap(), Err(Stopping));
    assert_eq!(journal.count("work dropped"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_signal_is_raised_for_every_way_to_end() {
    type End = fn(&ActorSystem, &ActorRef<Owner>);
    let ends: [(&str, End); 5] = [
        ("stop", |_, owner| owner.stop()),
        ("drain", |_, owner| owner.drain()),
        ("kill", |_, owner| owner.kill()),
        ("panic", |_, owner| owner.try_tell(Order::Do(Box::new(|_, _| panic!("on purpose")))).unwrap()),
        ("shutdown", |system, _| system.request_shutdown()),
    ];
    for (what, end) in ends {
        let system = ActorSystem::new("test");
        let owner = owner(&system, &Journal::new());
        let (signals, signal) = tokio::sync::oneshot::channel();
        have(&owner, |_, ctx| drop(signals.send((ctx.is_stopping(), ctx.stop_signal(), ctx.stop_token())))).await;
        let (before, signal, token) = signal.await.unwrap();
        assert!(!before && !signal.is_stopping() && !token.is_cancelled(), "{what}");
        let (awaited, cancelled) = (tokio::spawn(signal.stopping()), tokio::spawn(token.clone().cancelled_owned()));
        end(&system, &owner);
        promptly(what, awaited).await.unwrap();
        promptly(what, cancelled).await.unwrap();
        assert!(signal.is_stopping() && token.is_cancelled(), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_token_of_the_signal_stops_neither_the_actor_nor_other_holders() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    let (tokens, token) = tokio::sync::oneshot::channel();
    have(&owner, |_, ctx| drop(tokens.send((ctx.stop_token(), ctx.stop_token())))).await;
    let (mine, others): (CancellationToken, CancellationToken) = token.await.unwrap();
    mine.cancel();
    have(&owner, |_, ctx| assert!(!ctx.is_stopping())).await;
    assert!(owner.is_alive() && !others.is_cancelled());
    owner.stop();
    assert!(others.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_token_of_an_actor_that_stops_or_has_ended_is_cancelled_already() {
    let system = ActorSystem::new("test");
    let owner = owner(&system, &Journal::new());
    let (signals, signal) = tokio::sync::oneshot::channel();
    have(&owner, |_, ctx| drop(signals.send(ctx.stop_signal()))).await;
    let signal = signal.await.unwrap();
    owner.stop();
    assert!(signal.token().is_cancelled(), "while it stops");
    promptly("the end", owner.stopped()).await;
    assert!(signal.token().is_cancelled(), "after its end");
    promptly("the signal", signal.stopping()).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_hook_is_not_cut_short_by_work_that_ends_late() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    have(&owner, |_, ctx| {
        ctx.spawn_blocking(|stop| {
            while !stop.is_stopping() {
                std::thread::yield_now();
            }
        });
    })
    .await;
    let report = system.shutdown().await;
    let of_owner = report.get("/owner").unwrap();
    assert_eq!((of_owner.hook_outcome, of_owner.limit), (HookOutcome::Ran, None));
    assert_eq!(journal.entries(), ["hook"]);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_handler_does_not_keep_helpers_beyond_the_limit() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let owner = owner(&system, &journal);
    let note = journal.drop_note("helper dropped");
    have(&owner, move |_, ctx| {
        ctx.spawn_task(async move {
            let _note = note;
            pending::<()>().await;
        });
    })
    .await;
    owner.tell(Order::Hang).await.unwrap();
    let report = system.shutdown().await;
    assert_eq!(report.get("/owner").unwrap().limit, Some(LimitHit::Stop));
    assert_eq!(journal.entries(), ["helper dropped", "hook"]);
}
