//! A shutdown that cannot go on says of whom it has not seen the end.

use std::time::Duration;

use actors_core::{AbortedBy, Actor, ActorSystem, ExitReason, Outcome, messages};
use tests::tree::Branch;
use tests::{Gate, Journal, eventually, promptly};

/// It stops when it is let, and opens a gate for others then.
#[derive(Actor)]
struct Slow(Gate);

#[messages]
impl Slow {
    #[message]
    fn system(&self, ctx: &mut actors_core::Context<Self>) -> ActorSystem {
        ctx.system()
    }

    #[stopped]
    async fn close(&mut self) {
        self.0.pass().await;
    }
}

fn runtime(workers: usize) -> tokio::runtime::Runtime {
    let mut builder =
        if workers == 0 { tokio::runtime::Builder::new_current_thread() } else { tokio::runtime::Builder::new_multi_thread() };
    if workers > 0 {
        builder.worker_threads(workers);
    }
    builder.enable_all().build().expect("a runtime can be built")
}

#[test]
fn a_shutdown_whose_runtime_is_dropped_names_those_who_did_not_end_by_themselves() {
    let other = runtime(0);
    for workers in [0, 1, 2] {
        let (runtime, gate) = (runtime(workers), Gate::new());
        let system = runtime.block_on(async {
            let system = ActorSystem::builder("quarry").deadline(Duration::from_secs(20)).progress(false).build();
            for name in ["a", "b", "c"] {
                system.actor(Slow(gate.clone())).name(name).start().await.expect("it starts");
            }
            system.request_shutdown();
            gate.reached().await;
            system
        });

        drop(runtime);
        let report = other.block_on(promptly("the report", system.terminated()));

        assert_eq!((&report.outcome, report.exit_code()), (&Outcome::Aborted, 3), "{report}");
        assert!(!report.to_string().contains("shutdown complete"), "{report}");
        for name in ["/a", "/b", "/c"] {
            let exit = &report.get(name).unwrap_or_else(|| panic!("{name} is named: {report}")).exit;
            let aborted = ExitReason::Aborted { by: AbortedBy::Runtime };
            assert!(exit.reason == aborted || exit.secondary.contains(&aborted), "{name}: {report}");
        }
        assert_eq!(report.actors.len(), 3, "each of them once: {report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_system_that_is_dropped_does_not_report_a_clean_end_of_those_who_are_still_ending() {
    let (system, gate) = (ActorSystem::new("quarry"), Gate::new());
    let slow = system.actor(Slow(gate.clone())).name("slow").start().await.expect("it starts");
    let seen = slow.ask(System).await.expect("it answers");

    drop(system);
    let report = promptly("the report", seen.terminated()).await;

    assert!(slow.is_alive() || !report.is_clean(), "{report}");
    assert_eq!((report.is_clean(), report.actors.len()), (false, 1), "{report}");
    gate.open_wide();
    eventually("it ends all the same", || !slow.is_alive()).await;
}

#[tokio::test(start_paused = true)]
async fn those_who_are_still_ending_are_named_with_children_before_their_parents() {
    let (system, gate) = (ActorSystem::new("quarry"), Gate::new());
    let slow = system.actor(Slow(gate.clone())).name("slow").start().await.expect("it starts");
    let seen = slow.ask(System).await.expect("it answers");
    let pit = Branch::good("top").below(vec![Branch::good("pit")]);
    pit.grow(&system, &Journal::new()).await;

    drop(system);
    let report = promptly("the report", seen.terminated()).await;

    assert_eq!(report.order(), ["/top/pit", "/top", "/slow"], "{report}");
    gate.open_wide();
    eventually("it ends all the same", || !slow.is_alive()).await;
}
