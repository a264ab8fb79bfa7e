//! Waiting for news, dropped: nothing is taken, and nothing is missed.

use std::sync::Arc;

use actors_core::{CrashReport, CrashReports, DeadLetter, DeadLetters};

use crate::cast::{Crash, Desk, Hold, Note};
use crate::harness::{Fate, Scene, World, cancel_at_every_await, promptly};

#[test]
fn waiting_for_a_dead_letter_takes_none_when_it_is_dropped() {
    let set_up = async |world: &World| {
        let (desk, _, gate) = Desk::new(world);
        let desk = world.system.spawn(desk);
        desk.tell(Hold).await.expect("there is room");
        gate.reached().await;
        desk.tell(Note { text: "mine", life: world.life.clone() }).await.expect("there is room");
        let go_on = move || {
            desk.stop();
            gate.open();
        };
        Scene { subject: world.system.dead_letters(), go_on: Box::new(go_on) }
    };
    let check = async |_: &World, mut letters: DeadLetters, fate: Fate<Option<Arc<DeadLetter>>>| {
        let letter = match fate.done() {
            Some(letter) => letter,
            None => promptly("the letter", letters.recv()).await,
        };
        assert_eq!(letter.expect("there is one").message_type(), "Note");
        assert!(letters.try_recv().is_none());
    };
    assert_eq!(cancel_at_every_await(set_up, |letters| Box::pin(letters.recv()), check), 1);
}

#[test]
fn waiting_for_a_crash_report_takes_none_when_it_is_dropped() {
    let set_up = async |world: &World| {
        let (desk, ..) = Desk::new(world);
        let desk = world.system.spawn(desk);
        let mut crash = Some(Crash { life: world.life.clone() });
        let go_on = move || drop(crash.take().map(|crash| desk.try_tell(crash)));
        Scene { subject: world.system.crash_reports(), go_on: Box::new(go_on) }
    };
    let check = async |_: &World, mut reports: CrashReports, fate: Fate<Option<Arc<CrashReport>>>| {
        let report = match fate.done() {
            Some(report) => report,
            None => promptly("the report", reports.recv()).await,
        };
        assert_eq!(report.expect("there is one").handling.as_deref(), Some("Crash"));
        assert!(reports.try_recv().is_none());
    };
    assert_eq!(cancel_at_every_await(set_up, |reports| Box::pin(reports.recv()), check), 1);
}
