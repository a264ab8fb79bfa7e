//! A peer group that is stopped stops all its members at once, and not one after the other (S8.4).

use std::time::Duration;

use actors_core::{Actor, ActorSystem, Context, PeerGroup, messages};
use tests::{Gate, promptly};

/// Takes its time to end, if it has a gate.
#[derive(Actor)]
struct Member {
    gate: Option<Gate>,
}

#[messages]
impl Member {
    #[message]
    fn ping(&self) {}

    #[stopped]
    async fn end(&mut self) {
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
    }
}

/// Has a group of two, and stops it when it is told to.
#[derive(Actor)]
struct Owner {
    gate: Gate,
    group: Option<PeerGroup>,
}

#[messages]
impl Owner {
    #[message]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        let group = ctx.peer_group("pair");
        group.spawn_with(Member { gate: Some(self.gate.clone()) }, |spec| spec.name("slow"));
        group.spawn_with(Member { gate: None }, |spec| spec.name("quick"));
        self.group = Some(group);
    }

    #[message]
    fn stop_all(&self) {
        self.group.as_ref().expect("it has begun").stop();
    }
}

#[tokio::test(start_paused = true)]
async fn s8_4_members_of_a_group_that_is_stopped_end_side_by_side() {
    let (system, gate) = (ActorSystem::new("group"), Gate::new());
    let owner = system.actor(Owner { gate: gate.clone(), group: None }).name("owner").spawn();
    owner.ask(Begin).await.unwrap();
    let quick = system.lookup::<Member>("/owner/quick").unwrap();

    owner.tell(StopAll).await.unwrap();
    promptly("the first is about to end", gate.reached()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    assert!(quick.exit().is_some(), "it waits for the other");
    gate.open();
    promptly("its end", owner.stopped()).await;
    system.shutdown().await;
}
