//! The floor of the lifecycle, as far as the models need it: the word of signals and the run queue are the real ones, the rest stands in.

#[path = "../../../actors-core/src/lifecycle/signal.rs"]
#[allow(dead_code, reason = "a model needs a part of it")]
pub(crate) mod signal;

#[path = "../../../actors-core/src/lifecycle/run_queue/mod.rs"]
#[allow(dead_code, reason = "a model needs a part of it")]
pub(crate) mod run_queue;

/// Stands in for what all actors share: how many of their tasks have ended.
pub(crate) mod env {
    use std::sync::Arc;

    use crate::players::Count;

    pub(crate) struct Env {
        pub(crate) run_queue: OneThread,
        pub(crate) ended: Count,
    }

    /// Stands in for the run queue of a runtime of one thread.
    pub(crate) struct OneThread;

    impl OneThread {
        pub(crate) fn has_several_threads(&self) -> bool {
            false
        }
    }

    impl Env {
        pub(crate) fn new() -> Arc<Env> {
            Arc::new(Env { run_queue: OneThread, ended: Count::new() })
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
