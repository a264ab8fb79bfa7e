//! The floor of the lifecycle, as far as the models need it: the word of signals and the run queue are the real ones, the rest stands in.

#[path = "../../../actors-core/src/lifecycle/signal.rs"]
#[allow(dead_code, reason = "a model needs a part of it")]
pub(crate) mod signal;

#[path = "../../../actors-core/src/lifecycle/run_queue/mod.rs"]
#[allow(dead_code, reason = "a model needs a part of it")]
pub(crate) mod run_queue;

#[path = "../../../actors-core/src/lifecycle/slots.rs"]
pub(crate) mod slots;

/// Stands in for what all actors share: how many of their tasks have ended.
pub(crate) mod env {
    use std::sync::Arc;

    use tokio::runtime::{Handle, RuntimeFlavor};

    use super::slots::Slots;
    use crate::players::Count;

    pub(crate) struct Env {
        pub(crate) runtime: Handle,
        pub(crate) run_queue: Threads,
        pub(crate) slots: Slots,
        pub(crate) ended: Count,
    }

    /// Stands in for the run queue, which knows how many threads the runtime has.
    pub(crate) struct Threads {
        several: bool,
    }

    impl Threads {
        pub(crate) fn has_several_threads(&self) -> bool {
            self.several
        }
    }

    impl Env {
        pub(crate) fn new(runtime: &Handle) -> Arc<Env> {
            let run_queue = Threads { several: runtime.runtime_flavor() != RuntimeFlavor::CurrentThread };
            Arc::new(Env { runtime: runtime.clone(), run_queue, slots: Slots::default(), ended: Count::new() })
        }

        pub(crate) fn count_task(self: &Arc<Self>) -> CountedTask {
            CountedTask(self.clone())
        }
    }

    pub(crate) struct CountedTask(Arc<Env>);

    impl Drop for CountedTask {
        fn drop(&mut self) {
            self.0.ended.add();
        }
    }
}

/// Stands in: in a model nothing is dropped by the kernel's hand.
pub(crate) mod current {
    #[allow(dead_code, reason = "named by the real reply")]
    pub(crate) enum DropCause {
        Discarded,
        Cut,
        TimedOut,
        State,
    }

    pub(crate) fn drop_cause() -> Option<DropCause> {
        None
    }
}

/// Stands in: no model has a place in a tree.
pub(crate) mod path {
    pub(crate) struct ActorPath;
}

/// Stands in: no model looks at a reason.
pub(crate) mod exit {
    pub(crate) struct ExitReason;
}

/// Stands in: in a model nothing panics.
pub(crate) mod panic {
    use super::exit::ExitReason;

    pub(crate) fn under_way() -> Option<ExitReason> {
        None
    }
}

/// Stands in for what a reply tells of a stash.
#[allow(dead_code, reason = "named by the real reply")]
pub(crate) mod ties {
    use std::sync::Arc;

    use super::path::ActorPath;

    #[derive(Clone, Copy, Default)]
    pub(crate) struct Stashed {
        pub(crate) times: u32,
        pub(crate) place: StashPlace,
    }

    #[derive(Clone, Copy, Default, PartialEq, Eq)]
    pub(crate) enum StashPlace {
        #[default]
        Nowhere,
        Waits,
        InHand,
    }

    pub(crate) trait Answer: Send + Sync {
        fn is_awaited(&self) -> bool;
        fn stashed(&self) -> Stashed;
        fn note_stashed(&self);
        fn note_replayed(&self);
        fn note_handled(&self);
        fn break_off(self: Arc<Self>, cycle: Vec<ActorPath>);
    }
}
