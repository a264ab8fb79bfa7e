//! What the macros write: hidden, and of use to nobody else.

use std::any::Any;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{self, Poll, Waker};

use super::{Context, Every};
use crate::address::{Protocol, ReplyTo};
use crate::lifecycle::exit::BoxError;
use crate::lifecycle::policy::Policy;

/// An actor with a `#[messages]` block. The derive asks for one.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `#[messages]` block",
    label = "this actor handles nothing",
    note = "write `#[messages] impl {Self} {{ ... }}` with its handlers, or implement `Actor` by hand instead of deriving it"
)]
pub trait Messages: Sized {}

/// An actor that can be sent between threads, as all can. A `#[messages]` block shows that in one impl, and its others take it from
/// here: of a state that cannot the compiler then complains once. It has a lifetime since of a bound without one the compiler sees
/// for itself whether it holds.
#[doc(hidden)]
pub trait Travels<'a>: Send {}

impl<A: Protocol> Travels<'_> for A {}

/// A message that nobody handles, on its way back or to the dead letters. Of one that cannot be sent the compiler complains where the
/// mailbox holds it, and not here once more: there is a `boxed` for it too.
#[doc(hidden)]
#[derive(Debug)]
pub struct Unsent<M>(pub Box<M>);

impl<M: Send + 'static> Unsent<M> {
    #[inline]
    pub fn boxed(self) -> Box<dyn Any + Send> {
        self.0
    }
}

/// What cannot be sent; no program in which there is one compiles.
#[doc(hidden)]
pub trait Stays: Sized {
    fn boxed(self) -> Box<dyn Any + Send> {
        unreachable!("it does not compile")
    }
}

impl<M> Stays for Unsent<M> {}

/// What the derive makes of a type: its policy. The block asks for it.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an actor",
    label = "not an actor",
    note = "write `#[derive(Actor)]` on the type and `#[messages]` on its impl block, or implement `Protocol` and `Actor` by hand"
)]
pub trait Derived: Sized {
    const POLICY: Policy = Policy::DEFAULT;
}

/// Begins the ticks of one `#[tick]` method. Nobody asked for them, so nobody is answered.
#[doc(hidden)]
pub fn begin_tick<A: Protocol, R: 'static, E: 'static>(ctx: &mut Context<A>, every: Every, accept: fn(ReplyTo<R, E>) -> A::Msg) {
    ctx.send_every_made(every, move || accept(ReplyTo::nobody()));
}

/// Complains, when the program is compiled, of a message that takes more room than it may.
#[doc(hidden)]
#[track_caller]
pub const fn fits<M>(limit: usize, complaint: &'static str) {
    assert!(size_of::<M>() <= limit, "{}", complaint);
}

/// What an `async` handler or hook returns, which must be sent between threads although it waits.
#[doc(hidden)]
#[derive(Debug)]
pub struct Sent<F: Send>(pub F);

/// The outcome of what never waits.
#[doc(hidden)]
#[inline]
pub fn at_once<F: Future>(work: F) -> F::Output {
    outcome(pin!(work))
}

/// Behind a pointer, so that where nothing is optimised this is compiled once for all that has the same outcome.
#[cfg_attr(not(debug_assertions), inline(always))]
fn outcome<T>(work: Pin<&mut dyn Future<Output = T>>) -> T {
    match work.poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => waits(),
    }
}

#[cold]
#[inline(never)]
fn waits() -> ! {
    unreachable!("what awaits nothing is ready at once")
}

/// The error of a handler or a hook, with which an actor fails if nobody asked.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error that an actor can fail with",
    label = "not an error",
    note = "derive `thiserror::Error` for it, or implement `std::error::Error`; `String` and boxed errors will do as they are"
)]
pub trait HandlerError {
    fn boxed(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> HandlerError for E {
    fn boxed(self) -> BoxError {
        self.into()
    }
}

/// A `Result` by whatever name: `io::Result<T>`, `anyhow::Result<T>`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a return type named `Result` must be the standard one, or an alias of it",
    label = "this is not a `core::result::Result`"
)]
pub trait Fallible {
    type Ok;
    type Error;
    fn into_result(self) -> Result<Self::Ok, Self::Error>;
}

impl<T, E> Fallible for Result<T, E> {
    type Ok = T;
    type Error = E;

    fn into_result(self) -> Result<T, E> {
        self
    }
}
