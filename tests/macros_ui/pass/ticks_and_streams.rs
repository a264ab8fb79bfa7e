//! Ticks and handlers of streams, with all that they may take, and return.

use actors_core::{Actor, ActorSystem, Context, Hooks, ReplyTo, messages};

#[derive(Actor, Default)]
struct Clock {
    ticks: Vec<&'static str>,
    items: Vec<String>,
}

#[messages]
impl Clock {
    #[tick(every = "1s")]
    fn plain(&mut self) {
        self.ticks.push("plain");
    }

    #[tick(every = "1s 500ms", first = "0s", catch_up = "delay")]
    async fn with_all(&mut self, ctx: &mut Context<Self>) -> Result<(), String> {
        self.ticks.push("with all");
        if self.ticks.len() > 5 { Err(ctx.path().to_string()) } else { Ok(()) }
    }

    #[cfg(any())]
    #[tick(every = "1s")]
    fn left_out(&mut self) {
        self.ticks.push("left out");
    }

    #[tick(every = "1h", catch_up = "burst")]
    fn r#loop(&self) {}

    #[message]
    fn ticks(&self) -> Vec<&'static str> {
        self.ticks.clone()
    }

    #[message]
    fn feed(&mut self, ctx: &mut Context<Self>) {
        ctx.attach(futures_util::stream::iter([1_u8, 2]));
        ctx.attach(futures_util::stream::iter([Ok(3), Err("four".to_owned())]));
    }

    #[stream]
    fn number(&mut self, number: Option<u8>) {
        self.items.push(format!("{number:?}"));
    }

    #[stream(boxed)]
    async fn result(&mut self, item: Option<Result<u8, String>>, _ctx: &mut Context<Self>) -> Result<(), String> {
        self.items.push(format!("{item:?}"));
        Ok(())
    }

    #[message]
    fn items(&self, reply: ReplyTo<Vec<String>>) {
        reply.send(self.items.clone());
    }
}

#[derive(Actor)]
struct Generic<T>(T, u32);

#[messages]
impl<T: Clone + Send + 'static> Generic<T> {
    #[started]
    fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.attach(futures_util::stream::iter([self.0.clone()]));
    }

    #[tick(every = "1s")]
    fn tick(&mut self) {
        self.1 += 1;
    }

    #[stream]
    fn item(&mut self, _item: Option<T>) {
        self.1 += 10;
    }

    #[message]
    fn sum(&self) -> u32 {
        self.1
    }
}

#[derive(Actor)]
struct Untimed;

#[messages]
impl Untimed {
    #[cfg(any())]
    #[tick(every = "1s")]
    fn left_out(&mut self) {}

    #[message]
    fn get(&self) {}
}

#[tokio::test(start_paused = true)]
async fn runs() {
    assert_eq!(<Clock as Actor>::HOOKS, Hooks { started: true, exited: false, stopped: false });
    assert_eq!(<Untimed as Actor>::HOOKS, Hooks::NONE);
    let system = ActorSystem::new("ticks");
    let clock = system.spawn(Clock::default());
    let generic = system.spawn(Generic('x', 0));
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    assert_eq!(clock.ask(Ticks).await.unwrap(), ["with all", "plain", "with all", "plain"]);
    clock.tell(Feed).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    assert_eq!(clock.ask(Items).await.unwrap(), ["Some(1)", "Some(Ok(3))", "Some(2)", "Some(Err(\"four\"))", "None", "None"]);
    assert_eq!(generic.ask(Sum).await.unwrap(), 22);
    assert_eq!(clock.stopped().await.to_string(), format!("failed: {}", clock.path()));
    system.spawn(Untimed).ask(Get).await.unwrap();
    system.shutdown().await;
}
