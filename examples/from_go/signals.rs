//! SIGTERM, with a time limit behind it.
//!
//! ```go
//! ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
//! <-ctx.Done()
//! limit, cancel := context.WithTimeout(context.Background(), 2*time.Second)
//! defer cancel()
//! if err := server.Shutdown(limit); err != nil { os.Exit(1) }   // and the rest of the program?
//! ```
//!
//! Here the whole tree stops in order within one deadline. What hangs is killed at its limit, and the report says what it
//! hung in. As the value of `main`, the report is the exit code too. A second signal kills, a third exits at once.

use std::time::Duration;

use actors_core::{Actor, ActorSystem, ExitReason, Outcome, Trigger, messages};
use tokio::time::sleep;

#[derive(Actor)]
struct Orderly;

#[messages]
impl Orderly {
    #[message]
    async fn answer(&mut self) {
        sleep(Duration::from_millis(100)).await; // in hand when the signal comes, and finished
    }
}

#[derive(Actor)]
#[actor(stop_limit = "200ms")]
struct Stubborn;

#[messages]
impl Stubborn {
    #[message]
    async fn wait_for_ever(&mut self) {
        std::future::pending().await
    }
}

pub async fn run() {
    let system = ActorSystem::builder("signals").deadline(Duration::from_secs(2)).handle_signals().build();
    let stubborn = system.actor(Stubborn).name("stubborn").spawn();
    let orderly = system.actor(Orderly).name("orderly").spawn();
    orderly.tell(Answer).await.unwrap();
    stubborn.tell(WaitForEver).await.unwrap();
    while orderly.queued() + stubborn.queued() > 0 {
        tokio::task::yield_now().await; // until both have their message in hand
    }

    kill("TERM");
    let report = system.run_until_signal().await; // a server has this as its last line

    assert_eq!(report.trigger, Trigger::Signal("SIGTERM".into()));
    assert_eq!(orderly.stopped().await, ExitReason::Shutdown);
    assert_eq!(stubborn.stopped().await, ExitReason::Killed);
    assert_eq!((&report.outcome, report.exit_code()), (&Outcome::Aborted, 3));
    assert!(report.total < report.deadline);
    println!("{report}");
}

/// Sends this process a signal, as an operator would.
fn kill(signal: &str) {
    let sent = std::process::Command::new("sh").args(["-c", &format!("kill -{signal} $PPID")]).status();
    assert!(sent.expect("there is a shell").success());
}
