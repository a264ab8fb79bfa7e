//! Tells that are dropped: sent or not, as documented, and nobody's room is lost.

use std::time::Duration;

use actors_core::{Recipient, TellError};

use crate::cast::{Busy, Note, busy, wait_behind};
use crate::harness::{Call, Fate, Scene, World, cancel_at_every_await, promptly};

type Told = Result<(), TellError<Note>>;

async fn full(world: &World) -> Scene<(Busy, Recipient<Note>)> {
    let busy = busy(world).await;
    let (desk, gate, life) = (busy.desk.clone(), busy.gate.clone(), busy.life.clone());
    let mut behind = Some(());
    let go_on = move || {
        if behind.take().is_some() {
            wait_behind(&desk, &life);
        }
        gate.open();
    };
    let recipient = busy.desk.recipient();
    Scene { subject: (busy, recipient), go_on: Box::new(go_on) }
}

async fn check(world: &World, (busy, _): (Busy, Recipient<Note>), fate: Fate<Told>) {
    let mut expected = vec!["before", "behind", "after"];
    if let Some(told) = fate.done() {
        told.expect("there was room");
        expected.insert(1, "mine");
    }
    busy.gate.open_wide();
    promptly("room for another", busy.desk.tell(Note { text: "after", life: world.life.clone() })).await.expect("it takes messages");
    promptly("all is handled", busy.desk.ask(crate::cast::Ping { life: world.life.clone() })).await.expect("it answers");
    assert_eq!(busy.journal.entries(), expected);
}

fn mine(busy: &Busy) -> Note {
    Note { text: "mine", life: busy.life.clone() }
}

/// A tell waits once: for room.
fn is_sent_whole_or_not_at_all(call: impl for<'a> Fn(&'a mut (Busy, Recipient<Note>)) -> Call<'a, Told>) {
    assert_eq!(cancel_at_every_await(full, call, check), 1);
}

#[test]
fn a_dropped_tell_has_sent_nothing_and_passes_its_room_on() {
    is_sent_whole_or_not_at_all(|(busy, _)| Box::pin(busy.desk.tell(mine(busy))));
}

#[test]
fn a_dropped_tell_with_a_limit_has_sent_nothing_and_passes_its_room_on() {
    is_sent_whole_or_not_at_all(|(busy, _)| Box::pin(busy.desk.tell(mine(busy)).within(Duration::from_secs(5))));
}

#[test]
fn a_dropped_tell_to_a_recipient_has_sent_nothing_and_passes_its_room_on() {
    is_sent_whole_or_not_at_all(|(busy, recipient)| Box::pin(recipient.tell(mine(busy))));
}
