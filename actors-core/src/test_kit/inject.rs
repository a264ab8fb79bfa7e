//! Faults into a running system.

use std::fmt;
use std::sync::Arc;

use crate::lifecycle::env::Env;
use crate::lifecycle::kit::fault::{Entry, Fault};
use crate::lifecycle::kit::pattern::Pattern;
use crate::system::ActorSystem;

/// An injected fault: to be counted, and taken back. It stays where it is when this is dropped.
pub struct FaultRef {
    env: Arc<Env>,
    entry: Arc<Entry>,
}

impl FaultRef {
    /// Returns how often it has struck, in all actors together.
    pub fn struck(&self) -> u64 {
        self.entry.struck()
    }

    /// Takes the fault back: it strikes nobody any more. What hangs already goes on hanging.
    pub fn clear(&self) {
        self.env.kit.disarm(&self.entry);
    }
}

impl fmt::Debug for FaultRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultRef({:?})", self.entry)
    }
}

impl ActorSystem {
    /// Lets something go wrong in the actor at `path`: from now on, whether it is there already or yet to come, and again
    /// in whoever comes to stand there later.
    ///
    /// In a path, `*` stands for anything within one part: `/pool/worker-*`. What does not begin with `/` is a name,
    /// wherever in the tree: `worker-*`, `Session#*`. The fault goes the way of the actor's own failures: what is injected
    /// as a panic is caught as one, ends the actor as `Panicked`, and its message says that it was injected.
    ///
    /// # Panics
    /// Panics if `path` can be no actor's.
    #[track_caller]
    pub fn inject(&self, path: &str, fault: Fault) -> FaultRef {
        let pattern = Pattern::new(path).unwrap_or_else(|wrong| panic!("`{path}` is neither a path nor a name: {wrong}"));
        let (env, entry) = (self.env().clone(), Arc::new(Entry::new(pattern, fault)));
        env.kit.arm(entry.clone());
        FaultRef { env, entry }
    }
}
