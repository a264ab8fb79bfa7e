//! Several ends at once, told to one actor that is otherwise idle.

use actors_core::{Actor, ActorRef, ActorSystem, Context, Exited, messages};
use tests::{Journal, eventually, promptly};

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
