//! What a handler has come to before a signal is looked at counts, whatever the signal (S5.1).

use actors_core::{Actor, ActorSystem, Context, ExitReason, messages};
use tests::{Broken, promptly};

/// Has itself killed, and then fails, without waiting, though it might.
#[derive(Actor)]
struct Doomed;

#[messages]
impl Doomed {
    #[message]
    async fn fall(&self, ctx: &mut Context<Self>) -> Result<(), Broken> {
        ctx.actor_ref().kill();
        std::future::ready(Err(Broken("too late"))).await
    }
}

#[tokio::test(start_paused = true)]
async fn s5_1_a_failure_of_a_handler_that_had_its_own_actor_killed_is_told_besides() {
    let system = ActorSystem::new("doomed");
    let doomed = system.spawn(Doomed);

    doomed.tell(Fall).await.unwrap();

    assert_eq!(promptly("its end", doomed.stopped()).await, ExitReason::Killed);
    let secondary = doomed.exit().expect("it has ended").secondary.clone();
    assert!(matches!(&secondary[..], [ExitReason::Failed(error)] if error.to_string().contains("too late")), "{secondary:?}");
    system.shutdown().await;
}
