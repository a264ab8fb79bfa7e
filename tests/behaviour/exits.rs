//! Several ends at once, told to one actor that is otherwise idle.

use actors_core::{Actor, ActorRef, ActorSystem, Context, Exited, Overflow, messages};
use tests::{Gate, Journal, eventually, promptly};

#[derive(Actor)]
struct Watched;

#[messages]
impl Watched {
    #[message]
    fn ping(&self) {}
}

#[derive(Actor)]
struct Watcher {
    targets: Vec<ActorRef<Watched>>,
    journal: Journal,
}

#[messages]
impl Watcher {
    #[started]
    fn watch(&mut self, ctx: &mut Context<Self>) {
        for target in &self.targets {
            ctx.monitor(target);
        }
    }

    #[exited]
    fn over(&mut self, exit: Exited) {
        self.journal.note(exit.path.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_actor_hears_of_all_ends_that_come_at_once() {
    let system = ActorSystem::new("test");
    let journal = Journal::new();
    let targets: Vec<_> = ["a", "b", "c"].into_iter().map(|name| system.actor(Watched).name(name).spawn()).collect();
    system.start(Watcher { targets: targets.clone(), journal: journal.clone() }).await.unwrap();

    targets.iter().for_each(ActorRef::stop);

    for target in &targets {
        promptly("the end", target.stopped()).await;
    }
    eventually("all three notices", || journal.len() == 3).await;
    assert_eq!(journal.entries(), ["/a", "/b", "/c"]);
    system.shutdown().await;
}

#[derive(Actor)]
struct Busy {
    target: ActorRef<Watched>,
    gate: Gate,
    journal: Journal,
}

#[messages]
impl Busy {
    #[started]
    fn watch(&mut self, ctx: &mut Context<Self>) {
        ctx.monitor(&self.target);
    }

    #[message]
    async fn pass(&self) {
        self.gate.pass().await;
    }

    #[message]
    fn note(&self, what: &'static str) {
        self.journal.note(what);
    }

    #[exited]
    fn over(&mut self, _exit: Exited) {
        self.journal.note("told");
    }
}

#[tokio::test(start_paused = true)]
async fn s9_a_notice_waits_for_no_message_that_has_given_way() {
    let (system, gate, journal) = (ActorSystem::new("test"), Gate::new(), Journal::new());
    let target = system.spawn(Watched);
    let busy = Busy { target: target.clone(), gate: gate.clone(), journal: journal.clone() };
    let watcher = system.actor(busy).mailbox(2).overflow(Overflow::DropOldest).start().await.unwrap();
    watcher.tell(Pass).await.unwrap();
    gate.reached().await;
    watcher.tell(Note { what: "before" }).await.unwrap();
    target.stop();
    promptly("the end", target.stopped()).await;

    watcher.tell(Note { what: "after" }).await.unwrap();
    watcher.tell(Note { what: "last" }).await.unwrap();
    gate.open();

    eventually("all that is left", || journal.len() == 3).await;
    assert_eq!(journal.entries(), ["told", "after", "last"]);
    system.shutdown().await;
}
