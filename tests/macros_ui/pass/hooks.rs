//! All hooks, with all that they may take, in any order, and return.

use actors_core::{Actor, ActorSystem, BoxError, Context, ExitReason, Exited, Hooks, messages};

#[derive(Actor)]
struct Bare;

#[messages]
impl Bare {
    #[started]
    fn open(&mut self) {}

    #[exited]
    fn on_exit(&self) {}

    #[stopped]
    async fn close(&self) {}
}

#[derive(Actor)]
struct Full;

#[messages]
impl Full {
    #[started]
    async fn open(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        ctx.spawn(Bare);
        Ok(())
    }

    #[exited]
    async fn on_exit(&mut self, ctx: &mut Context<Self>, exit: Exited) -> std::io::Result<()> {
        let _ = (ctx, exit);
        Ok(())
    }

    #[stopped]
    fn close(&mut self, ctx: &Context<Full>, reason: &ExitReason) -> Result<(), String> {
        if reason.is_clean() { Ok(()) } else { Err(ctx.path().to_string()) }
    }

    #[message]
    fn ping(&self) {}
}

#[derive(Actor)]
struct None;

#[messages]
impl None {
    #[message]
    fn pong(&self) {}
}

#[tokio::test]
async fn runs() {
    assert_eq!(<Bare as Actor>::HOOKS, Hooks::ALL);
    assert_eq!(<Full as Actor>::HOOKS, Hooks::ALL);
    assert_eq!(<None as Actor>::HOOKS, Hooks::NONE);
    let system = ActorSystem::new("hooks");
    let full = system.start(Full).await.unwrap();
    full.ask(Ping).await.unwrap();
    system.spawn(None).ask(Pong).await.unwrap();
    assert!(system.shutdown().await.is_clean());
}
