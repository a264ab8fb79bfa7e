//! A life that takes turns, and who is said to run when it does.

use std::sync::Arc;
use std::task::Context;

use super::life::AnyLife;
use super::task::go_on_in_task;
use super::turn::{Outcome, do_turn};
use crate::lifecycle::current::{Identity, Role};
use crate::lifecycle::env::Env;

/// Whoever takes turns, in his own task or at a seat.
pub(super) struct Sitter {
    life: Box<dyn AnyLife>,
    identity: Identity,
}

impl Sitter {
    pub(super) fn new(mut life: Box<dyn AnyLife>) -> Sitter {
        let identity = Identity::new(life.common().any.clone(), Role::Itself);
        Sitter { life, identity }
    }

    /// Stands by itself: what is inlined three times is inlined nowhere as a whole.
    #[inline(never)]
    pub(super) fn turn(&mut self, cx: &mut Context<'_>) -> Outcome {
        let Sitter { life, identity } = self;
        identity.enter_turn(|| do_turn(&mut **life, Some(cx)))
    }

    pub(super) fn env(&mut self) -> &Arc<Env> {
        self.life.common().any.env()
    }

    /// There are no more turns after this one.
    pub(super) fn leave(self, outcome: &Outcome) {
        if let Outcome::Task = outcome {
            go_on_in_task(self.life);
        }
    }
}
