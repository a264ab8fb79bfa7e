//! How others reach an actor: references, telling, asking, replies.
//!
//! Nothing here knows how an actor runs. [`Protocol`] and [`Accepts`] say how a message enters a mailbox; the trait that
//! says what happens to it stands a floor above.

mod actor_ref;
mod ask;
mod ask_error;
mod asks;
pub(crate) mod cell;
pub(crate) mod deadlock;
mod in_line;
mod open_types;
mod protocol;
mod recipient;
mod reply;
mod stopped;
mod tell;
mod unawaited;

pub use actor_ref::ActorRef;
pub use ask::Ask;
pub use ask_error::{AskError, DeadlockError, LostError};
pub use asks::{Asks, AsksError};
pub use open_types::OpenTypes;
pub use protocol::{Accepts, Protocol};
pub use recipient::Recipient;
pub use reply::{ReplyTo, Unhandled};
pub use stopped::{StillRunning, Stopped};
pub(crate) use tell::Place;
pub use tell::{For, Refusal, Target, Tell, TellError};
pub(crate) use unawaited::{Awaited, never};
