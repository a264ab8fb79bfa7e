//! What the macros write: hidden, and of use to nobody else.

use std::convert::Infallible;
use std::future::{Future, ready};

use super::{Context, Every, Hooks};
use crate::address::{Protocol, ReplyTo};
use crate::lifecycle::event::Exited;
use crate::lifecycle::exit::{BoxError, ExitReason};

/// What a `#[messages]` block makes of an actor; the derive forwards to it.
///
/// That the state can be sent is a bound of each function, although it is one of the trait too: so it is taken for true
/// where they are written, and the compiler does not complain there once more of a state that cannot.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `#[messages]` block",
    label = "this actor handles nothing",
    note = "write `#[messages] impl {Self} {{ ... }}` with its handlers, or implement `Actor` by hand instead of deriving it"
)]
pub trait Messages: Protocol {
    const HOOKS: Hooks = Hooks::NONE;
    const AT_ONCE: bool = false;

    fn handle(&mut self, message: Self::Msg, ctx: &mut Context<Self>) -> impl Future<Output = Result<(), BoxError>> + Send
    where
        for<'a> &'a mut Self: Send;

    fn started(&mut self, ctx: &mut Context<Self>) -> impl Future<Output = Result<(), BoxError>> + Send
    where
        for<'a> &'a mut Self: Send,
    {
        let _ = ctx;
        ready(Ok(()))
    }

    fn exited(&mut self, exit: Exited, ctx: &mut Context<Self>) -> impl Future<Output = Result<(), BoxError>> + Send
    where
        for<'a> &'a mut Self: Send,
    {
        let _ = (exit, ctx);
        ready(Ok(()))
    }

    fn stopped(&mut self, reason: &ExitReason, ctx: &mut Context<Self>) -> impl Future<Output = Result<(), BoxError>> + Send
    where
        for<'a> &'a mut Self: Send,
    {
        let _ = (reason, ctx);
        ready(Ok(()))
    }
}

/// Begins the ticks of one `#[tick]` method. Nobody asked for them, so nobody is answered.
#[doc(hidden)]
pub fn begin_tick<A: Protocol, R: 'static, E: 'static>(ctx: &mut Context<A>, every: Every, accept: fn(ReplyTo<R, E>) -> A::Msg) {
    ctx.send_every_made(every, move || accept(ReplyTo::nobody()));
}

/// What an `async` handler or hook returns, which must be sent between threads although it waits.
#[doc(hidden)]
#[derive(Debug)]
pub struct Sent<F: Send>(pub F);

/// Implemented for nobody: an actor for which it were would accept anything, which lets the compiler say of a message that
/// nobody handles it.
#[doc(hidden)]
pub trait Unhandleable {
    fn never() -> Infallible;
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
