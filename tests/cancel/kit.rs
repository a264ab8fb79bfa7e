//! The helpers of the test kit, dropped: a probe has lost nothing, and a clock goes on.

use std::time::Duration;

use actors_core::test_kit::{self, Probe};
use actors_core::{ActorRef, ActorSystem, ExitReason};
use tokio::time::Instant;

use crate::cast::Desk;
use crate::harness::{Call, Cut, Fate, GoOn, Scene, World, cancel_at_every_await, drive, promptly};

/// A probe to which messages come, one by one: 1, 2, 3.
async fn probe(world: &World) -> Scene<Probe<u32>> {
    let probe = Probe::spawn(&world.system);
    let to = probe.recipient();
    let mut next = 1..=3;
    let go_on = move || {
        if let Some(number) = next.next() {
            to.try_tell(number).expect("there is room");
        }
    };
    Scene { subject: probe, go_on: Box::new(go_on) }
}

/// Nothing has been taken unless it was handed out, and what was handed out was taken once.
async fn check_rest(probe: Probe<u32>, taken: &[u32]) {
    let rest: Vec<_> = (1..=3).filter(|number| !taken.contains(number)).collect();
    // Of those that had not come before it was done.
    let come = promptly("the rest", async {
        test_kit::advance(Duration::from_millis(1)).await;
        probe.take_all()
    });
    let come = come.await;
    assert!(rest.starts_with(&come), "{come:?} of {rest:?}");
    if taken.is_empty() {
        assert_eq!(come, rest);
    }
}

fn loses_nothing<T>(taken: impl Fn(T) -> Vec<u32>, call: impl for<'a> Fn(&'a mut Probe<u32>) -> Call<'a, T>) -> usize {
    let check = async |_: &World, probe: Probe<u32>, fate: Fate<T>| {
        let taken = fate.done().map(&taken).unwrap_or_default();
        check_rest(probe, &taken).await;
    };
    cancel_at_every_await(probe, call, check)
}

#[test]
fn a_probe_has_lost_nothing_when_an_expectation_is_dropped() {
    assert_eq!(loses_nothing(|came| vec![came], |probe| Box::pin(probe.expect())), 1);
    assert_eq!(loses_nothing(|came| vec![came], |probe| Box::pin(probe.expect_within(Duration::from_secs(1)))), 1);
    assert_eq!(loses_nothing(|came| vec![came], |probe| Box::pin(probe.expect_where(|number| *number == 2))), 2);
    assert_eq!(loses_nothing(|()| vec![1], |probe| Box::pin(probe.expect_eq(1))), 1);
    assert_eq!(loses_nothing(|came| came, |probe| Box::pin(probe.expect_n(3))), 3);
    assert_eq!(loses_nothing(|()| vec![1, 2], |probe| Box::pin(probe.expect_all_of([2, 1]))), 2);
}

#[test]
fn a_probe_that_expects_nothing_can_be_dropped() {
    test_kit::run(async |system| {
        let probe = Probe::<u32>::spawn(&system);
        for cut in [Cut::Polled(0), Cut::Polled(1), Cut::Woken(1)] {
            let mut go_on: GoOn = Box::new(|| ());
            drive(Box::pin(probe.expect_none(Duration::from_secs(1))), cut, &mut go_on).await;
        }
        probe.recipient().tell(7).await.unwrap();
        probe.expect_eq(7).await;
    });
}

#[test]
fn an_end_that_is_expected_can_be_dropped_and_expected_again() {
    struct Watching {
        probe: Probe<u32>,
        desk: ActorRef<Desk>,
    }
    let set_up = async |world: &World| {
        let desk = world.system.spawn(Desk::new(world).0);
        let ends = desk.clone();
        Scene { subject: Watching { probe: Probe::spawn(&world.system), desk }, go_on: Box::new(move || ends.stop()) }
    };
    let check = async |_: &World, watching: Watching, fate: Fate<ExitReason>| {
        if fate.done().is_none() {
            assert_eq!(watching.probe.expect_end(&watching.desk).await, ExitReason::Normal);
        }
    };
    assert_eq!(cancel_at_every_await(set_up, |watching| Box::pin(watching.probe.expect_end(&watching.desk)), check), 1);
}

#[test]
fn waiting_for_a_tree_or_a_condition_can_be_dropped() {
    async fn early(world: &World) -> Scene<ActorSystem> {
        let (system, desk) = (world.system.clone(), Desk::new(world).0);
        let mut desk = Some(desk);
        let go_on = move || drop(desk.take().map(|desk| system.actor(desk).name("desk").spawn()));
        Scene { subject: world.system.clone(), go_on: Box::new(go_on) }
    }
    let check = async |_: &World, system: ActorSystem, _: Fate<()>| system.await_tree(&["/desk"]).await;
    assert_eq!(cancel_at_every_await(early, |system| Box::pin(system.await_tree(&["/desk"])), check), 1);
    let call = |system: &mut ActorSystem| {
        let system = system.clone();
        test_kit::eventually("it is there", move || system.actors() == 1)
    };
    assert_eq!(cancel_at_every_await(early, |system| Box::pin(call(system)), check), 1);
}

#[test]
fn time_that_is_dropped_while_it_passes_passes_no_further() {
    test_kit::run(async |_| {
        for cut in [Cut::Polled(0), Cut::Polled(1)] {
            let began = Instant::now();
            let mut go_on: GoOn = Box::new(|| ());
            drive(Box::pin(test_kit::advance(Duration::from_secs(60))), cut, &mut go_on).await;
            assert_eq!(began.elapsed(), Duration::ZERO, "{cut:?}");
        }
        let began = Instant::now();
        test_kit::advance(Duration::from_secs(60)).await;
        assert!(began.elapsed() >= Duration::from_secs(60));
    });
}
