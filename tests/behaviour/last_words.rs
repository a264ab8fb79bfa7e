//! While the last hook of an actor runs: its mailbox refuses all, and what the hook puts aside is accounted for (S4.4, S6.1).

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, Refusal, messages};
use tests::{Broken, Gate, Journal, promptly};

/// Fails, and takes its time to end.
#[derive(Actor)]
struct Failing {
    gate: Gate,
}

#[messages]
impl Failing {
    #[message]
    fn fail(&self) -> Result<(), Broken> {
        Err(Broken("failed"))
    }

    #[message]
    fn set(&self, journal: Journal, ctx: &mut Context<Self>) {
        let to = ctx.actor_ref().clone();
        ctx.send_after(Duration::from_secs(3_600), LastWord { to, journal });
    }

    #[handle]
    fn hear(&self, _word: LastWord) {}

    #[stopped]
    async fn end(&mut self) {
        self.gate.pass().await;
    }
}

/// Tells an actor something when it is dropped.
struct LastWord {
    to: ActorRef<Failing>,
    journal: Journal,
}

impl Drop for LastWord {
    fn drop(&mut self) {
        self.journal.note(if self.to.try_tell(Fail).is_ok() { "taken" } else { "refused" });
    }
}

#[tokio::test(start_paused = true)]
async fn s6_1_one_that_has_failed_takes_nothing_while_its_hook_runs() {
    let (system, gate) = (ActorSystem::new("last"), Gate::new());
    let failing = system.spawn(Failing { gate: gate.clone() });
    failing.tell(Fail).await.unwrap();
    promptly("its hook runs", gate.reached()).await;

    let refused = failing.try_tell(Fail).unwrap_err();

    assert_eq!(refused.reason(), Refusal::Stopping);
    gate.open();
    promptly("its end", failing.stopped()).await;
    assert_eq!(system.dead_letter_count(), 0);
    system.shutdown().await;
}

/// Puts something aside in its last hook.
#[derive(Actor)]
#[actor(stash = 1)]
struct Tidy;

#[messages]
impl Tidy {
    #[message]
    fn keep(&self) {}

    #[stopped]
    async fn end(&mut self, ctx: &mut Context<Self>) {
        assert!(ctx.stash(Keep).is_ok(), "there is room");
    }
}

#[tokio::test(start_paused = true)]
async fn s4_4_what_the_last_hook_puts_aside_is_a_dead_letter() {
    let system = ActorSystem::new("last");
    let tidy = system.spawn(Tidy);
    tidy.ask(Keep).await.unwrap();

    tidy.stop();

    promptly("its end", tidy.stopped()).await;
    assert_eq!(system.dead_letter_count(), 1);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s6_1_one_that_has_failed_takes_nothing_from_what_its_timers_drop() {
    let (system, gate, journal) = (ActorSystem::new("last"), Gate::new(), Journal::new());
    let failing = system.spawn(Failing { gate: gate.clone() });
    failing.tell(Set { journal: journal.clone() }).await.unwrap();

    failing.tell(Fail).await.unwrap();
    promptly("its hook runs", gate.reached()).await;
    gate.open();
    promptly("it ends", failing.stopped()).await;

    assert_eq!((journal.entries(), system.dead_letter_count()), (vec!["refused".to_owned()], 0));
    system.shutdown().await;
}
