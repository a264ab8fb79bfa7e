//! The floor of the runtime, as far as the models need it: seats, rows, relays and the tasks of those who take turns are the real ones. A turn is a model's.

use std::future::Future;
use std::sync::Arc;
use std::task::Poll;

use crate::lifecycle::env::Env;

#[path = "../../../actors-core/src/runtime/relay.rs"]
mod relay;

#[path = "../../../actors-core/src/runtime/row.rs"]
mod row;

#[path = "../../../actors-core/src/runtime/seat.rs"]
mod seat;

#[path = "../../../actors-core/src/runtime/turns.rs"]
mod turns;

/// As the real one.
pub(crate) mod turn {
    #[allow(dead_code, reason = "as the real one")]
    pub(crate) enum Outcome {
        Done,
        Sleep,
        Yield,
        Task,
    }
}

/// Stands in: the life is a model's, and says of nobody that he runs.
mod sitter {
    use std::sync::Arc;
    use std::task::Context;

    use super::Life;
    use super::turn::Outcome;
    use crate::lifecycle::env::Env;

    pub(super) struct Sitter {
        pub(super) life: Box<dyn Life>,
        pub(super) env: Arc<Env>,
    }

    impl Sitter {
        pub(super) fn turn(&mut self, cx: &mut Context<'_>) -> Outcome {
            self.life.turn(cx)
        }

        pub(super) fn env(&mut self) -> &Arc<Env> {
            &self.env
        }

        pub(super) fn leave(self, _: &Outcome) {}
    }
}

/// What takes turns.
pub(crate) trait Life: Send {
    fn turn(&mut self, cx: &mut std::task::Context<'_>) -> turn::Outcome;
}

/// The task of a life.
pub(crate) fn task(env: &Arc<Env>, life: impl Life + 'static) -> impl Future<Output = ()> + Send + 'static {
    turns::Turns::new(sitter::Sitter { life: Box::new(life), env: env.clone() })
}

/// Does `work` as if it were the turn of another actor in its task.
pub(crate) fn in_a_turn(env: &Arc<Env>, work: impl FnOnce()) {
    let polled = row::in_a_row(row::System::of(env), || {
        work();
        Poll::Ready(())
    });
    assert!(polled.is_ready());
}
