//! Creating a system.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::ActorSystem;
use super::report::Trigger;
use super::shared::{Owner, Settings, Shared};
use super::{shutdown, signals};
use crate::lifecycle::env::Env;

/// How long a task without anything to do lingers, unless set otherwise.
const LINGER: Duration = Duration::from_secs(1);

/// A system about to be created, from [`ActorSystem::builder`].
#[derive(Debug)]
#[must_use = "a system is created by `build`"]
pub struct SystemBuilder {
    name: Arc<str>,
    runtime: Option<Handle>,
    settings: Settings,
    linger: Duration,
    signals: bool,
    aborting_panics: bool,
}

impl SystemBuilder {
    pub(super) fn new(name: &str) -> Self {
        SystemBuilder {
            name: Arc::from(name),
            runtime: None,
            settings: Settings::default(),
            linger: LINGER,
            signals: false,
            aborting_panics: false,
        }
    }

    /// Sets how long a shutdown may take. Default: 25 s.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// Goes on serving for this long between the broadcast to accept no more and the first stop, so that whoever sends
    /// traffic can learn of it. It counts toward the deadline. Default: none.
    pub fn quiesce(mut self, delay: Duration) -> Self {
        self.settings.quiesce = delay;
        self
    }

    /// Prints a line to the standard error every two seconds of a long shutdown, which says what it waits for, or not.
    /// Default: it does.
    pub fn progress(mut self, progress: bool) -> Self {
        self.settings.progress = progress;
        self
    }

    /// Sets how long the task of an actor lingers that has nothing to do: at least this long, and less than twice as long.
    /// Then it goes, and the next message brings a new one. Default: one second.
    ///
    /// One that never waits does not get such a task for its first messages: on a runtime of one thread a task of the system does what such
    /// actors do, on several threads a small one that goes at once.
    ///
    /// An actor with a timer, a stream, a stash, a helper task or a blocking job keeps its task. Only what belongs to a task shows the
    /// difference: a task-local, the id of the task, the `tracing` span of the actor, which is a new one.
    pub fn linger(mut self, time: Duration) -> Self {
        self.linger = time.max(Duration::from_millis(1));
        self
    }

    /// Runs the actors on this runtime instead of the current one.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Listens for SIGINT and SIGTERM from the beginning, before the first actor starts; see
    /// [`ActorSystem::run_until_signal`].
    pub fn handle_signals(mut self) -> Self {
        self.signals = true;
        self
    }

    /// Accepts that a panic aborts the process, since the program is compiled so: then no panic of an actor is caught, and
    /// no shutdown follows it.
    pub fn panics_may_abort(mut self) -> Self {
        self.aborting_panics = true;
        self
    }

    /// Creates the system.
    ///
    /// # Panics
    /// Panics outside a tokio runtime if none was given; if the program is compiled with `panic = "abort"` and that was
    /// not accepted; if signals are to be handled and their listeners cannot be installed.
    pub fn build(self) -> ActorSystem {
        assert!(
            !cfg!(panic = "abort") || self.aborting_panics,
            "system `{}`: this program aborts when it panics, so a panic of one actor would end all of them without a \
             shutdown; compile it with panic = \"unwind\", or accept this with `panics_may_abort()`",
            self.name
        );
        let runtime = self.runtime.or_else(|| Handle::try_current().ok()).unwrap_or_else(|| {
            panic!("system `{}`: there is no tokio runtime here; create it in one, or give it one with `runtime(handle)`", self.name)
        });
        let _entered = runtime.enter();
        let shared = Shared::new(Env::new(self.name, runtime.clone(), self.linger), self.settings);
        let weak = Arc::downgrade(&shared);
        shared.env.on_significant(Arc::new(move |path, reason| {
            if let Some(shared) = weak.upgrade() {
                shutdown::begin(&shared, Trigger::ActorEnded { path, reason }, None);
            }
        }));
        if self.signals {
            signals::listen(&shared);
        }
        ActorSystem { _owner: Some(Arc::new(Owner::of(&shared))), shared }
    }
}
