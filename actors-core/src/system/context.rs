//! The system, as an actor sees it.

use super::ActorSystem;
use super::shared::Shared;
use crate::actor::Context;
use crate::address::Protocol;

impl<A: Protocol> Context<A> {
    /// Returns a handle to the system. It does not keep the system alive.
    pub fn system(&self) -> ActorSystem {
        ActorSystem { shared: Shared::of(&self.any()), _owner: None }
    }
}
