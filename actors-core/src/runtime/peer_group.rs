//! Peer groups, as the actor that opens one sees them.

use std::fmt;
use std::sync::Arc;

use super::builder::Builder;
use crate::actor::{Actor, Context};
use crate::address::{ActorRef, For, Protocol};
use crate::lifecycle::cell::AnyCell;
use crate::lifecycle::event::GroupReport;
use crate::lifecycle::group::Group;
use crate::lifecycle::request;

/// Actors that share one fate: the first to end, however it ends, stops the others.
///
/// Members are children of the actor that opened the group, or actors that [`join`](Self::join). When the last member has
/// ended, the cleanups given to [`on_end`](Self::on_end) run, once each. The actor that opened the group is tied to it as
/// well: one with an `exited` hook is told, with [`Tie::Group`](crate::Tie::Group), any other stops.
///
/// ```
/// use actors_core::{messages, Actor, ActorSystem, Context};
///
/// #[derive(Actor)] struct Reader;
/// #[messages] impl Reader { #[message] fn hang_up(&self, ctx: &mut Context<Self>) { ctx.stop() } }
/// #[derive(Actor)] struct Writer;
/// #[messages] impl Writer { #[message] fn write(&self) {} }
///
/// #[derive(Actor)] struct Session;
/// #[messages]
/// impl Session {
///     #[started]
///     async fn open(&mut self, ctx: &mut Context<Self>) {
///         let fate = ctx.peer_group("session");
///         fate.spawn(Writer);
///         let reader = fate.spawn(Reader);
///         fate.on_end(|report| assert_eq!(report.members.len(), 2));
///         reader.tell(HangUp).await.unwrap();
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let system = ActorSystem::new("demo");
/// let session = system.spawn(Session);
/// assert!(session.stopped().await.is_clean());   // the reader ended, so did the writer, and the session with them
/// # system.shutdown().await; }
/// ```
pub struct PeerGroup {
    group: Arc<Group>,
    owner: Arc<dyn AnyCell>,
}

impl<A: Protocol> Context<A> {
    /// Opens a peer group.
    pub fn peer_group(&self, name: impl AsRef<str>) -> PeerGroup {
        let owner = self.any();
        PeerGroup { group: Group::new(Arc::from(name.as_ref()), owner.clone()), owner }
    }
}

impl PeerGroup {
    /// Makes a child of the group's owner and takes it in. If a member has ended already, the reference is to an actor
    /// that is stopping.
    // `Actor` includes `Protocol`; where both are said, the compiler complains once of what is neither.
    pub fn spawn<B: Protocol + Actor>(&self, actor: B) -> For<B, ActorRef<B>> {
        self.spawn_with(actor, |builder| builder)
    }

    /// Makes a child as [`spawn`](Self::spawn) does, set up first: `fate.spawn_with(writer, |b| b.name("writer"))`.
    pub fn spawn_with<B: Protocol + Actor>(&self, actor: B, set_up: impl FnOnce(Builder<B>) -> Builder<B>) -> ActorRef<B> {
        let family = self.owner.core().family_or_begin(&self.owner).clone();
        let member = set_up(Builder::new(family, actor)).spawn();
        self.join(&member);
        member
    }

    /// Takes an actor in. It falls with the group and the group with it, at once if it has ended; if a member has ended
    /// already, it is killed. It need not be a child of the group's owner; when the owner has ended, it falls.
    pub fn join<B: Protocol>(&self, member: &ActorRef<B>) {
        let member = member.any();
        if !self.group.join(&member) {
            request::kill_for_good(&member);
        }
    }

    /// Stops all members, and so ends the group.
    pub fn stop(&self) {
        self.group.stop();
    }

    /// Runs `cleanup` once, when the last member has ended; at once if it has. It must not block.
    pub fn on_end(&self, cleanup: impl FnOnce(GroupReport) + Send + 'static) {
        self.group.on_end(Box::new(cleanup));
    }
}

impl fmt::Debug for PeerGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerGroup({})", self.group.name())
    }
}
