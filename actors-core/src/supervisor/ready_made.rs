//! Supervisors that are ready to use: one with a list of children, one with any number of children of one kind.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::backoff::Backoff;
use super::child::{ChildCounts, ChildError, ChildInfo, ChildKey, add, count, list, restart, terminate, typed};
use super::spec::{ChildSpec, Restart};
use super::supervise::Supervision;
use super::table::Settings;
use super::warning::{ConfigWarning, warnings};
use crate::actor::{Actor, Context, Hooks};
use crate::address::{ActorRef, Protocol, ReplyTo};
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::exit::{BoxError, StartFailure};
use crate::lifecycle::path::ActorPath;
use crate::lifecycle::request;
use crate::lifecycle::{AutoShutdown, Children, InFlight, Limit, Policy, Strategy};
use crate::runtime::{StartError, ready, until_started};
use crate::sync::{Mutex, lock};

/// An actor that does nothing but supervise a list of children.
///
/// It starts them in order, each after the one before is ready; if one does not start, those that have are stopped in
/// reverse order, and the error names the culprit. Children can be added, listed, terminated, restarted and removed while it
/// runs. By default it restarts one child at a time ([`Strategy::OneForOne`]), once within 5 s; beyond that it ends.
///
/// ```
/// # use std::time::Duration;
/// # use actors_core::{messages, Actor, ActorSystem, ChildSpec, StartError, Strategy, Supervisor};
/// # #[derive(Actor)] struct Db;
/// # #[messages] impl Db { #[message] fn crash(&self) { panic!("disk full") } #[message] fn ping(&self) {} }
/// # #[derive(Actor)] struct Web;
/// # #[messages] impl Web { #[message] fn serve(&self) {} }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), StartError> {
/// let system = ActorSystem::new("demo");
/// let app = Supervisor::new()
///     .strategy(Strategy::RestForOne)
///     .restarts(5, Duration::from_secs(30))
///     .child(ChildSpec::new("db", || Db))
///     .child(ChildSpec::new("web", || Web));
/// let app = system.actor(app).name("app").start().await?;
///
/// let db = system.lookup::<Db>("/app/db").unwrap();
/// db.tell(Crash).await.unwrap();
/// db.ask(Ping).await.unwrap();                    // the same reference, the next incarnation
/// assert_eq!(db.incarnation(), 1);
///
/// app.terminate_child("web").await.unwrap();
/// assert_eq!(app.count_children().active, 1);
/// # system.shutdown().await; Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Supervisor {
    settings: Settings,
    children: Vec<ChildSpec>,
}

/// What a ready-made supervisor restarts when nothing else is said.
const SETTINGS: Settings = Settings {
    strategy: Strategy::OneForOne,
    restarts: Policy::DEFAULT.restarts,
    within: Policy::DEFAULT.within,
    auto_shutdown: AutoShutdown::Never,
};

impl Default for Supervisor {
    fn default() -> Self {
        Supervisor::new()
    }
}

impl Supervisor {
    /// A supervisor without children yet.
    pub fn new() -> Self {
        Supervisor { settings: SETTINGS, children: Vec::new() }
    }

    /// A supervisor of any number of children of one kind; see [`DynamicSupervisor`].
    pub fn dynamic<Arg, A, F>(make: F) -> DynamicSupervisor<Arg, A>
    where
        Arg: Send + 'static,
        A: Actor,
        F: Fn(Arg) -> A + Send + Sync + 'static,
    {
        DynamicSupervisor::new(make)
    }

    /// Sets whom the failure of a child takes along.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.settings.strategy = strategy;
        self
    }

    /// Allows so many restarts within a time. One more, and the supervisor ends.
    pub fn restarts(mut self, restarts: u32, within: Duration) -> Self {
        self.settings.restarts = restarts;
        self.settings.within = within;
        self
    }

    /// Allows any number of restarts, for ever.
    pub fn unlimited_restarts(mut self) -> Self {
        self.settings.restarts = Policy::UNLIMITED;
        self
    }

    /// Sets whether the end of significant children ends it.
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.settings.auto_shutdown = auto_shutdown;
        self
    }

    /// Adds a child to the list.
    pub fn child(mut self, spec: ChildSpec) -> Self {
        self.children.push(spec);
        self
    }

    /// Adds children to the list.
    pub fn children(mut self, specs: impl IntoIterator<Item = ChildSpec>) -> Self {
        self.children.extend(specs);
        self
    }

    /// Returns what is not as it says in the list, under the limits that a supervisor has unless they are changed. When a
    /// child is added these are logged, too.
    ///
    /// ```
    /// # use actors_core::{messages, Actor, ChildSpec, Supervisor};
    /// # #[derive(Actor)] struct Db;
    /// # #[messages] impl Db { #[message] fn ping(&self) {} }
    /// let app = Supervisor::new().unlimited_restarts().child(ChildSpec::new("db", || Db));
    /// assert_eq!(app.warnings().len(), 1);        // it would be restarted for ever, without a pause
    /// ```
    pub fn warnings(&self) -> Vec<ConfigWarning> {
        self.children.iter().flat_map(|spec| warnings(spec, &self.settings, Self::POLICY.stop_limit)).collect()
    }

    fn fault(&self) -> Option<StartFailure> {
        if let Some(fault) = self.settings.fault() {
            return Some(fault);
        }
        let mut names: Vec<_> = self.children.iter().filter_map(ChildSpec::name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Some(StartFailure::BadSpec("two children of the same name"));
        }
        self.children.iter().find_map(|spec| spec.check(self.settings.auto_shutdown).err())
    }
}

/// What no supervisor receives.
#[doc(hidden)]
#[derive(Debug)]
pub enum NoMessage {}

#[diagnostic::do_not_recommend]
impl Protocol for Supervisor {
    type Msg = NoMessage;
}

#[diagnostic::do_not_recommend]
impl Actor for Supervisor {
    // Its one hook only waits for children to start; a stop does not.
    const POLICY: Policy =
        Policy { start_limit: Limit::Unlimited, stop_limit: Limit::Unlimited, in_flight: InFlight::Cancel, ..Policy::DEFAULT };
    const HOOKS: Hooks = Hooks { started: true, ..Hooks::NONE };

    async fn started(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        if let Some(failure) = self.fault() {
            return Err(Box::new(StartError::new(ctx.path(), failure, None)));
        }
        let supervision = Supervision::of(&ctx.any());
        supervision.configure(self.settings);
        for spec in std::mem::take(&mut self.children) {
            match add(&supervision, spec).await {
                Err(failed) if !failed.is_declined() => return Err(Box::new(failed)),
                _ => {}
            }
        }
        Ok(())
    }

    async fn handle(&mut self, message: NoMessage, _ctx: &mut Context<Self>) -> Result<(), BoxError> {
        match message {}
    }
}

/// An actor that supervises any number of children of one kind, made at run time from one function and an argument each.
///
/// The children have no names and no order: they stop side by side. Those that have ended for good leave no trace. They are
/// temporary unless said otherwise. A restart calls the function again with the same argument, so that one that is
/// restarted needs an argument that can be cloned; of a temporary child, nothing is kept.
///
/// ```
/// # use actors_core::{messages, Actor, ActorSystem, StartError, Supervisor};
/// # #[derive(Actor)] struct Session { user: String }
/// # #[messages] impl Session { #[message] fn name(&self) -> String { self.user.clone() } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), StartError> {
/// let system = ActorSystem::new("demo");
/// let sessions = system.start(Supervisor::dynamic(|user: String| Session { user })).await?;
/// let ada = sessions.start_child("ada".to_owned()).await?;
/// assert_eq!(ada.ask(Name).await.unwrap(), "ada");
///
/// ada.stop();
/// ada.stopped().await;
/// assert_eq!(sessions.count_children().specs, 0);
/// # system.shutdown().await; Ok(()) }
/// ```
pub struct DynamicSupervisor<Arg, A> {
    settings: Settings,
    template: Template<Arg, A>,
}

/// What all children of a dynamic supervisor have in common.
struct Template<Arg, A> {
    make: Arc<dyn Fn(Arg) -> A + Send + Sync>,
    restart: Restart,
    backoff: Option<Backoff>,
    policy: Option<Box<Policy>>,
    spec: fn(&Template<Arg, A>, Arg) -> ChildSpec,
}

impl<Arg: Send + 'static, A: Actor> DynamicSupervisor<Arg, A> {
    fn new(make: impl Fn(Arg) -> A + Send + Sync + 'static) -> Self {
        let template = Template { make: Arc::new(make), restart: Restart::Temporary, backoff: None, policy: None, spec: once };
        DynamicSupervisor { settings: SETTINGS, template }
    }

    /// Has children restarted whatever ends them.
    pub fn permanent(self) -> Self
    where
        Arg: Clone,
    {
        self.restarted(Restart::Permanent)
    }

    /// Has children restarted when they fail.
    pub fn transient(self) -> Self
    where
        Arg: Clone,
    {
        self.restarted(Restart::Transient)
    }

    fn restarted(mut self, restart: Restart) -> Self
    where
        Arg: Clone,
    {
        self.template.restart = restart;
        self.template.spec = again;
        self
    }

    /// Waits before each restart of a child.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.template.backoff = Some(backoff);
        self
    }

    /// Allows so many restarts within a time, of all children together. One more, and the supervisor ends.
    pub fn restarts(mut self, restarts: u32, within: Duration) -> Self {
        self.settings.restarts = restarts;
        self.settings.within = within;
        self
    }

    /// Allows any number of restarts, for ever.
    pub fn unlimited_restarts(mut self) -> Self {
        self.settings.restarts = Policy::UNLIMITED;
        self
    }

    /// Sets how long a child may take to stop.
    pub fn stop_limit(self, limit: Duration) -> Self {
        self.policy(|policy| policy.stop_limit = Limit::After(limit))
    }

    /// Changes the policy of the children, which is their `#[actor(...)]` to begin with.
    pub fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(self.template.policy.get_or_insert_with(|| Box::new(A::POLICY.clone())));
        self
    }
}

/// The spec of a child that is made once: of its argument nothing is kept.
fn once<Arg: Send + 'static, A: Actor>(template: &Template<Arg, A>, arg: Arg) -> ChildSpec {
    let make = template.make.clone();
    let arg = Mutex::new(Some(arg));
    ChildSpec::anonymous(move || make(lock(&arg).take().expect("a temporary child is made once")))
}

/// The spec of a child that is made again from the same argument.
fn again<Arg: Clone + Send + 'static, A: Actor>(template: &Template<Arg, A>, arg: Arg) -> ChildSpec {
    let make = template.make.clone();
    let arg = Mutex::new(arg);
    ChildSpec::anonymous(move || {
        let arg = lock(&arg).clone();
        make(arg)
    })
}

impl<Arg, A: Actor> Template<Arg, A> {
    fn child(&self, arg: Arg) -> ChildSpec {
        let mut spec = (self.spec)(self, arg).restart(self.restart);
        spec.backoff = self.backoff;
        match &self.policy {
            Some(policy) => spec.policy(|own| *own = Policy::clone(policy)),
            None => spec,
        }
    }
}

impl<Arg, A> fmt::Debug for DynamicSupervisor<Arg, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.settings;
        f.debug_struct("DynamicSupervisor").field("restart", &self.template.restart).field("settings", settings).finish_non_exhaustive()
    }
}

/// Asks a dynamic supervisor for a child.
#[doc(hidden)]
pub struct StartChild<Arg> {
    arg: Arg,
    reply: ReplyTo<Result<Unready, StartError>>,
}

/// A child that was made, and is killed if nobody waits for it to be ready.
struct Unready(Option<Arc<dyn AnyCell>>);

impl Drop for Unready {
    fn drop(&mut self) {
        if let Some(cell) = self.0.take() {
            request::kill_for_good(&cell);
        }
    }
}

#[diagnostic::do_not_recommend]
impl<Arg: Send + 'static, A: Actor> Protocol for DynamicSupervisor<Arg, A> {
    type Msg = StartChild<Arg>;

    const MESSAGES: &'static [&'static str] = &["StartChild"];
}

#[diagnostic::do_not_recommend]
impl<Arg: Send + 'static, A: Actor> Actor for DynamicSupervisor<Arg, A> {
    const POLICY: Policy = Policy { children: Children::SideBySide, ..Policy::DEFAULT };
    const HOOKS: Hooks = Hooks { started: true, ..Hooks::NONE };

    async fn started(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        if let Some(failure) = self.settings.fault() {
            return Err(Box::new(StartError::new(ctx.path(), failure, None)));
        }
        Supervision::of(&ctx.any()).configure(self.settings);
        Ok(())
    }

    async fn handle(&mut self, message: StartChild<Arg>, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        // Made here, awaited by whoever asked: a child that is slow to start holds up nobody.
        let made = Supervision::of(&ctx.any()).add(self.template.child(message.arg), true);
        message.reply.send(made.map(|made| Unready(Some(made.cell))));
        Ok(())
    }
}

impl<Arg: Send + 'static, A: Actor> ActorRef<DynamicSupervisor<Arg, A>> {
    /// Makes a child from an argument and waits until it is ready.
    ///
    /// # Errors
    /// [`StartError`] says what went wrong; then nothing is left of the child.
    ///
    /// # Cancel safety
    /// A future that is dropped before it has returned ends what it has begun to start: nothing is left behind.
    pub async fn start_child(&self, arg: Arg) -> Result<ActorRef<A>, StartError> {
        let made = self.ask_with(|reply| StartChild { arg, reply }).await;
        let mut made = made.unwrap_or_else(|error| Err(StartError::new(self.path(), error.start_failure(), None)))?;
        let cell = made.0.take().expect("it was made just now");
        ready(&cell, None).await?;
        Ok(typed(&cell))
    }
}

impl ActorRef<Supervisor> {
    /// Makes a child from a spec and waits until it is ready. Returns its path.
    ///
    /// # Errors
    /// [`StartError`] says what went wrong; then the list of children is as it was.
    ///
    /// # Cancel safety
    /// A future that is dropped before it has returned ends what it has begun to start: nothing is left behind.
    pub async fn add_child(&self, spec: ChildSpec) -> Result<ActorPath, StartError> {
        // Its own list comes first.
        until_started(&self.any()).await;
        add(&Supervision::of(&self.any()), spec).await.map(|cell| cell.path())
    }
}

/// Managing the children of a ready-made supervisor from outside.
macro_rules! managed {
    ([$($generics:tt)*] $supervisor:ty) => {
        impl<$($generics)*> ActorRef<$supervisor> {
            /// Stops a child for good and waits for its end, also one that is down or being started. Its spec stays, unless it
            /// is temporary or has no name. Harmless if it has ended already.
            ///
            /// # Errors
            /// [`ChildError::NotFound`] if the supervisor has no such child, [`ChildError::Stopping`] if it has ended itself.
            ///
            /// # Cancel safety
            /// Once it was polled, the child is stopped all the same.
            pub async fn terminate_child(&self, child: impl Into<ChildKey>) -> Result<(), ChildError> {
                terminate(&Supervision::of(&self.any()), child.into()).await
            }

            /// Starts a child again that does not run, from its spec, and waits until it is ready. It is a new actor in the
            /// old place: references to the one that ended stay dead.
            ///
            /// # Errors
            /// [`ChildError`] says why not; the spec stays.
            ///
            /// # Cancel safety
            /// Once it was polled, the child is started all the same.
            pub async fn restart_child(&self, child: impl Into<ChildKey>) -> Result<(), ChildError> {
                restart(&Supervision::of(&self.any()), child.into()).await
            }

            /// Forgets the spec of a child that does not run.
            ///
            /// # Errors
            /// [`ChildError`] says why not.
            pub fn remove_child(&self, child: impl Into<ChildKey>) -> Result<(), ChildError> {
                Ok(Supervision::of(&self.any()).remove(&child.into().0)?)
            }

            /// Returns the supervisor's children, in start order, those that do not run included.
            pub fn supervised_children(&self) -> Vec<ChildInfo> {
                list(&Supervision::of(&self.any()))
            }

            /// Counts the supervisor's children.
            pub fn count_children(&self) -> ChildCounts {
                count(&Supervision::of(&self.any()))
            }
        }
    };
}

managed!([] Supervisor);
managed!([Arg: Send + 'static, A: Actor] DynamicSupervisor<Arg, A>);
