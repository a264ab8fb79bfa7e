//! A request that was in hand when its runtime was dropped has crashed, and was not left without an answer (S4.6, S6.5).

use actors_core::{Actor, ActorSystem, AskError, ExitReason, ReplyTo, messages};
use tests::{Gate, promptly};

/// Keeps whoever asks waiting.
#[derive(Actor)]
struct Oracle;

#[messages]
impl Oracle {
    #[message]
    async fn question(&self, gate: Gate, reply: ReplyTo<u32>) {
        gate.open();
        let _reply = reply;
        std::future::pending().await
    }
}

#[test]
fn s6_5_who_asks_from_another_runtime_is_told_of_a_crash_when_the_runtime_of_the_handler_is_dropped() {
    let [far, near] =
        [(); 2].map(|()| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("it can be built"));
    let gate = Gate::new();
    let system = far.block_on(async { ActorSystem::new("far") });
    let oracle = system.spawn(Oracle);
    let asked = near.spawn({
        let gate = gate.clone();
        async move { oracle.ask(Question { gate }).await }
    });
    near.block_on(promptly("it is in hand", gate.pass()));

    far.shutdown_background();

    let error = near.block_on(promptly("an answer", asked)).expect("it does not panic").expect_err("nobody answers");
    assert!(matches!(error, AskError::Crashed { reason: ExitReason::Killed, .. }), "{error}");
}
