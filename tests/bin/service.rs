//! A small service for the tests of signals and exit codes: its argument says what it does wrong. It prints `ready` when it
//! can be signalled, and a line for whatever a test waits for.

use std::future::pending;
use std::io::Write as _;
use std::time::Duration;

use actors_core::{Actor, ActorSystem, Context, ShutdownReport, SystemBuilder, messages};
use tests::Broken;
use tests::tree::{Branch, Habit};
use tokio::runtime::{Builder, Runtime};

fn say(line: &str) {
    let mut out = std::io::stdout();
    // Whoever reads it may have gone.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Needs a while to stop, and has work that the signal cuts.
#[derive(Actor)]
struct Worker;

#[messages]
impl Worker {
    #[message]
    async fn await_something_long(&mut self, ctx: &mut Context<Self>) {
        say("ready");
        if ctx.unless_stopping(pending::<()>()).await.is_err() {
            say("cancelled");
        }
    }
    #[stopped]
    async fn clean_up(&mut self) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        say("cleaned up");
    }
}

/// Says `ready` in its `started` hook and waits there to be stopped.
#[derive(Actor)]
struct Early;

#[messages]
impl Early {
    #[started]
    async fn begin(&mut self, ctx: &mut Context<Self>) {
        say("ready");
        ctx.stopping().await;
        say("stopped while it started");
    }
}

/// Blocks its worker for ever.
#[derive(Actor)]
struct Blocked {
    ready: bool,
}

#[messages]
impl Blocked {
    #[message]
    fn block(&mut self) {
        if self.ready {
            say("ready");
        }
        loop {
            std::thread::park();
        }
    }
}

/// Hangs in its handler, with others waiting, but cleans up when it is killed.
#[derive(Actor)]
#[actor(stop_limit = "unlimited")]
struct Stubborn;

#[messages]
impl Stubborn {
    #[message]
    async fn hang(&mut self) {
        say("ready");
        pending().await
    }
    #[stopped]
    fn clean_up(&mut self) {
        say("cleaned up");
    }
}

#[derive(Actor)]
struct Faulty;

#[messages]
impl Faulty {
    #[started]
    fn begin(&mut self) -> Result<(), Broken> {
        Err(Broken("no luck"))
    }
    #[message]
    fn nothing(&self) {}
}

/// Blocks its worker for ever when it ends.
#[derive(Actor)]
struct Sleeper {
    in_hook: bool,
}

#[messages]
impl Sleeper {
    #[message]
    fn idle(&self) {}
    #[stopped]
    fn sleep(&mut self) {
        if self.in_hook {
            sleep_for_ever();
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        sleep_for_ever();
    }
}

fn sleep_for_ever() {
    loop {
        std::thread::park();
    }
}

/// Has five children that are to stop side by side, and hang with something queued.
#[derive(Actor)]
#[actor(children = "side_by_side")]
struct Crowd;

#[messages]
impl Crowd {
    #[started]
    async fn gather(&mut self, ctx: &mut Context<Self>) -> Result<(), actors_core::BoxError> {
        for number in 0..5 {
            let stubborn = ctx.actor(Stubborn).name(format!("stubborn{number}")).start().await?;
            stubborn.tell(Hang).await?;
            stubborn.tell(Hang).await?;
            while stubborn.queued() != 1 {
                tokio::task::yield_now().await;
            }
        }
        say("all are there");
        Ok(())
    }
    #[message]
    fn disperse(&self) {}
}

/// Has a job that never ends.
#[derive(Actor)]
struct Employer;

#[messages]
impl Employer {
    #[message]
    fn employ(&mut self, ctx: &mut Context<Self>) {
        drop(ctx.spawn_blocking(|_| {
            say("ready");
            sleep_for_ever();
        }));
    }
}

#[derive(Actor)]
struct Crashing;

#[messages]
impl Crashing {
    #[message]
    fn crash(&self) {
        panic!("as it was told");
    }
}

/// Tells as soon as a shutdown runs, from a thread that no worker can block.
fn announce(system: &ActorSystem) {
    let system = system.clone();
    std::thread::spawn(move || {
        while !system.is_shutting_down() {
            std::thread::yield_now();
        }
        say("shutting down");
        // Kept, so that this thread does not drop it.
        std::mem::forget(system);
    });
}

/// Whether a thread of this process is called something like this, where that can be known.
fn has_thread(part: &str) -> bool {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let mut names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.any(|name| name.contains(part))
}

fn builder() -> SystemBuilder {
    ActorSystem::builder("service")
}

async fn serve(system: ActorSystem) -> ShutdownReport {
    system.run_until_signal().await
}

/// A system on whose runtime no worker is left.
async fn all_blocked(system: ActorSystem) -> ActorSystem {
    let workers = tokio::runtime::Handle::current().metrics().num_workers();
    for number in 0..workers {
        let blocked = system.actor(Blocked { ready: number + 1 == workers }).name(format!("blocked{number}")).spawn();
        blocked.tell(Block).await.expect("it takes messages");
        // One after the other: a worker that takes two tasks at once may block with the second before anybody else sees it.
        while system.tree().nodes.iter().any(|node| node.handling.is_none()) {
            tokio::task::yield_now().await;
        }
    }
    system
}

async fn run(scenario: &str) -> ShutdownReport {
    let journal = tests::Journal::new();
    match scenario {
        "clean" => {
            let system = builder().handle_signals().build();
            system.spawn(Worker).tell(AwaitSomethingLong).await.expect("it takes messages");
            serve(system).await
        }
        "late listeners" => {
            let system = builder().build();
            let worker = system.spawn(Worker);
            let tell = async { worker.tell(AwaitSomethingLong).await.expect("it takes messages") };
            tokio::join!(serve(system.clone()), tell).0
        }
        "early" => {
            let system = builder().handle_signals().build();
            let _ = system.start(Early).await;
            system.terminated().await
        }
        "failed" => {
            let system = builder().handle_signals().build();
            let top = Branch::good("top").grow(&system, &journal).await;
            top.tell(tests::tree::Fail).await.expect("it takes messages");
            top.stopped().await;
            say("ready");
            serve(system).await
        }
        "start failed" => {
            let system = builder().build();
            let error = system.start(Faulty).await.expect_err("its hook fails");
            system.start_failed(error).await
        }
        "aborted" => {
            let system = builder().build();
            let hung = Branch::new("hung", Habit::HangsInHandler).stop_limit(Duration::from_millis(50));
            hung.grow(&system, &journal).await;
            system.shutdown().await
        }
        "stubborn" => {
            let system = builder().handle_signals().build();
            let stubborn = system.actor(Stubborn).name("stubborn").spawn();
            for _ in 0..4 {
                stubborn.tell(Hang).await.expect("it takes messages");
            }
            announce(&system);
            serve(system).await
        }
        "beside another" => {
            let edge = ActorSystem::builder("edge").handle_signals().build();
            let system = builder().handle_signals().build();
            system.spawn(Stubborn).tell(Hang).await.expect("it takes messages");
            edge.terminated().await;
            say("the edge is over");
            serve(system).await
        }
        "after another" => {
            let before = ActorSystem::builder("before").handle_signals().build();
            before.shutdown().await;
            let system = builder().handle_signals().build();
            system.spawn(Worker).tell(AwaitSomethingLong).await.expect("it takes messages");
            let report = serve(system).await;
            drop(before);
            report
        }
        "blocked" => {
            let system = builder().handle_signals().deadline(Duration::from_millis(300)).build();
            serve(all_blocked(system).await).await
        }
        "blocked for long" => {
            let system = builder().handle_signals().build();
            announce(&system);
            serve(all_blocked(system).await).await
        }
        "blocked, no signals" => {
            let system = all_blocked(builder().deadline(Duration::from_millis(300)).build()).await;
            let report = system.shutdown().await;
            // As long as it likes: nobody else ends the process.
            std::thread::sleep(Duration::from_secs(1));
            say("returned");
            std::process::exit(i32::from(report.exit_code()));
        }
        "slow" => {
            let system = builder().deadline(Duration::from_secs(4)).build();
            let stubborn = system.actor(Stubborn).name("stubborn").spawn();
            for _ in 0..4 {
                stubborn.tell(Hang).await.expect("it takes messages");
            }
            // Until it hangs.
            while stubborn.queued() != 3 {
                tokio::task::yield_now().await;
            }
            system.shutdown().await
        }
        "crowd" => {
            let system = builder().handle_signals().deadline(Duration::from_secs(7)).build();
            system.actor(Crashing).name("last to stop").start().await.expect("it starts");
            system.start(Crowd).await.expect("it starts");
            system.terminated().await
        }
        "quiesces" => {
            let system = builder().handle_signals().quiesce(Duration::from_secs(12)).build();
            system.actor(Crashing).name("idle").start().await.expect("it starts");
            announce(&system);
            say("ready");
            serve(system).await
        }
        "start failed early" => {
            let system = builder().handle_signals().build();
            let error = system.start(Faulty).await.expect_err("its hook fails");
            system.actor(Stubborn).name("stubborn").spawn().tell(Hang).await.expect("it takes messages");
            while !system.is_shutting_down() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::join!(system.start_failed(error), async { say("noted") }).0
        }
        "quiet" => {
            let system = builder().progress(false).deadline(Duration::from_secs(4)).build();
            system.actor(Stubborn).name("stubborn").spawn().tell(Hang).await.expect("it takes messages");
            system.shutdown().await
        }
        "returns" => {
            let system = builder().handle_signals().deadline(Duration::from_secs(7)).build();
            system.spawn(Blocked { ready: true }).tell(Block).await.expect("it takes messages");
            let report = serve(system).await;
            say("returned");
            report
        }
        "leaves a job" => {
            let system = builder().handle_signals().deadline(Duration::from_millis(300)).build();
            system.spawn(Employer).tell(Employ).await.expect("it takes messages");
            serve(system).await
        }
        "any name" => {
            let system = ActorSystem::builder("ser\0vice").handle_signals().build();
            say("ready");
            serve(system).await
        }
        "dropped" => {
            drop(builder().handle_signals().build());
            while has_thread("-signals") {
                tokio::task::yield_now().await;
            }
            say("gone");
            builder().build().shutdown().await
        }
        "watched" => {
            // A busy machine may take long now and then, and not each time.
            for _ in 0..5 {
                let system = builder().quiesce(Duration::from_millis(100)).build();
                let report = system.shutdown().await;
                let began = std::time::Instant::now();
                while has_thread("-watchd") {
                    tokio::task::yield_now().await;
                }
                if began.elapsed() < Duration::from_secs(1) {
                    say("gone");
                    return report;
                }
            }
            panic!("the watchdog of a shutdown that is over sleeps on");
        }
        "lingers" => {
            let system = builder().handle_signals().build();
            say("ready");
            let report = serve(system.clone()).await;
            say("over");
            sleep_for_ever();
            drop(system);
            report
        }
        "blocks in its hook" | "blocks in its destructor" => {
            let system = builder().handle_signals().deadline(Duration::from_millis(300)).build();
            // One for each worker.
            for number in 0..tokio::runtime::Handle::current().metrics().num_workers() {
                let sleeper = Sleeper { in_hook: scenario == "blocks in its hook" };
                system.actor(sleeper).name(format!("sleeper{number}")).start().await.expect("it starts");
            }
            say("ready");
            serve(system).await
        }
        "crashed" => {
            let system = builder().build();
            let crashing = system.spawn(Crashing);
            crashing.tell(Crash).await.expect("it takes messages");
            crashing.stopped().await;
            system.shutdown().await
        }
        "messages" => {
            let system = builder().handle_signals().build();
            os::listen(&system).await;
            serve(system).await
        }
        other => panic!("there is no scenario {other}"),
    }
}

/// Signals as messages.
mod os {
    use actors_core::{Actor, ActorSystem, Context, SignalMessages, messages};
    use tokio::signal::unix::SignalKind;

    use super::say;

    /// Is told of SIGUSR1 every time, and of SIGWINCH until the first.
    #[derive(Actor)]
    struct Listener {
        seen: u32,
        users: Option<SignalMessages<User>>,
        windows: Option<SignalMessages<Window>>,
    }

    #[messages]
    impl Listener {
        #[started]
        fn listen(&mut self, ctx: &mut Context<Self>) -> std::io::Result<()> {
            self.users = Some(ctx.on_signal(SignalKind::user_defined1(), || User { text: "first" })?);
            self.windows = Some(ctx.on_signal(SignalKind::window_change(), || Window)?);
            say("ready");
            Ok(())
        }
        #[message]
        fn user(&mut self, text: &'static str) {
            self.seen += 1;
            say(&format!("user {} {text}", self.seen));
            if self.seen == 2 {
                if let Some(users) = &self.users {
                    users.replace(|| User { text: "replaced" });
                }
            }
        }
        #[message]
        fn window(&mut self) {
            if let Some(windows) = self.windows.take() {
                windows.cancel();
            }
            // Only then: the next one comes as soon as this is read.
            say("window");
        }
    }

    pub(super) async fn listen(system: &ActorSystem) {
        system.start(Listener { seen: 0, users: None, windows: None }).await.expect("it starts");
    }
}

fn runtime(flavor: Option<&str>) -> Runtime {
    let built = match flavor {
        Some("current_thread") => Builder::new_current_thread().enable_all().build(),
        Some("one_worker") => Builder::new_multi_thread().worker_threads(1).enable_all().build(),
        _ => Builder::new_multi_thread().worker_threads(2).enable_all().build(),
    };
    built.expect("a runtime can be built")
}

fn main() -> ShutdownReport {
    let mut args = std::env::args().skip(1);
    let scenario = args.next().expect("the scenario is given");
    let runtime = runtime(args.next().as_deref());
    runtime.block_on(run(&scenario))
}
