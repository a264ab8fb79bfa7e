//! Whoever learns of the end of a supervised child finds that its supervisor knows of it too, however he learns of it (S6.1, S10.1).

use std::hint::spin_loop;

use actors_core::{ActorRef, ActorSystem, ChildSpec, Supervisor};
use tests::Journal;
use tests::lived::{Lived, Plan};

const TIMES: usize = 2_000;

async fn supervisor(system: &ActorSystem) -> ActorRef<Supervisor> {
    system.actor(Supervisor::new()).name("sup").start().await.expect("it starts")
}

/// Adds the child `x` and stops it, until it has ended on whatever thread it does.
async fn ended(system: &ActorSystem, sup: &ActorRef<Supervisor>, spec: ChildSpec) -> ActorRef<Lived> {
    sup.add_child(spec).await.expect("it starts");
    let x: ActorRef<Lived> = system.lookup("/sup/x").expect("it is there");
    x.stop();
    while x.exit().is_none() {
        spin_loop();
    }
    x
}

fn x(journal: &Journal) -> ChildSpec {
    Plan::new("x", journal).spec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rst_3_a_temporary_child_is_gone_and_its_name_free_as_soon_as_anybody_can_see_its_end() {
    let (system, journal) = (ActorSystem::new("stage"), Journal::new());
    let sup = supervisor(&system).await;
    for time in 0..TIMES {
        // Added again at once.
        ended(&system, &sup, x(&journal).temporary()).await;
        if time % 2 == 0 {
            let (listed, counted) = (sup.supervised_children(), sup.count_children());
            assert!(listed.is_empty() && counted.specs == 0, "{time}: {listed:?}");
        }
    }
    system.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_has_ended_can_be_restarted_or_removed_as_soon_as_anybody_can_see_its_end() {
    let (system, journal) = (ActorSystem::new("stage"), Journal::new());
    let sup = supervisor(&system).await;
    for time in 0..TIMES {
        let x = ended(&system, &sup, x(&journal).transient()).await;
        if time % 2 == 0 {
            assert_eq!(sup.restart_child("x").await, Ok(()), "{time}");
            sup.terminate_child("x").await.expect("it is there");
            assert_eq!(sup.remove_child("x"), Ok(()), "{time}");
        } else {
            assert_eq!(sup.remove_child(&x), Ok(()), "{time}");
        }
    }
    system.shutdown().await;
}
