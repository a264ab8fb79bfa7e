//! Messages that give way to others and panic when they are dropped: that is no concern of whoever sends, or has just ended.

use actors_core::{Actor, ActorRef, ActorSystem, Builder, ExitReason, GroupNotice, Overflow, messages};
use tests::{Gate, promptly};

/// Panics when it is dropped, but for a panic.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

#[derive(Actor)]
#[actor(mailbox = 1)]
struct Dump;

#[messages]
impl Dump {
    #[message]
    async fn hold(&self, gate: Gate) {
        gate.pass().await;
    }

    #[message]
    fn throw(&self, bomb: Bomb) {
        std::mem::forget(bomb);
    }

    #[handle]
    fn hear(&self, _notice: GroupNotice<Work>) {}
}

/// Sends a bomb to a full mailbox.
#[derive(Actor)]
struct Sender;

#[messages]
impl Sender {
    #[message]
    fn send_to(&self, to: ActorRef<Dump>) -> bool {
        to.try_tell(Throw { bomb: Bomb }).is_ok()
    }
}

#[derive(Actor)]
struct Member;

#[messages]
impl Member {
    #[message]
    fn work(&self) {}
}

/// A dump that holds something in hand, and a bomb in its mailbox.
async fn full(dump: Builder<Dump>, gate: &Gate) -> ActorRef<Dump> {
    let dump = dump.start().await.expect("it starts");
    dump.tell(Hold { gate: gate.clone() }).await.expect("it is open");
    gate.reached().await;
    dump.tell(Throw { bomb: Bomb }).await.expect("there is room");
    dump
}

#[tokio::test]
async fn a_message_that_gives_way_and_panics_harms_nobody_who_sends() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest] {
        let (system, gate) = (ActorSystem::new("dump"), Gate::new());
        let dump = full(system.actor(Dump).overflow(overflow), &gate).await;
        let sender = system.spawn(Sender);

        let taken = sender.ask(SendTo { to: dump.clone() }).await;

        assert_eq!(taken.ok(), Some(true), "{overflow:?}");
        gate.open_wide();
        let report = promptly("the shutdown", system.shutdown()).await;
        assert!(report.is_clean(), "{overflow:?}: {report}");
    }
}

#[tokio::test]
async fn an_end_is_told_to_all_though_a_listener_of_a_group_drops_what_panics() {
    let (system, gate) = (ActorSystem::new("dump"), Gate::new());
    let dump = full(system.actor(Dump).overflow(Overflow::DropOldest), &gate).await;
    let group = system.group::<Work>("workers");
    let member = system.spawn(Member);
    group.join(&member);
    group.watch(&dump);

    member.stop();

    assert_eq!(promptly("its end", member.stopped()).await, ExitReason::Normal);
    gate.open_wide();
    let report = promptly("the shutdown", system.shutdown()).await;
    assert!(report.is_clean(), "{report}");
}
