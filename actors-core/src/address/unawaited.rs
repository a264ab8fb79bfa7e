//! What the compiler says where an `.await` is missing: methods that nobody can call.
//!
//! Without them it would say that there is no such method, and of a type of which a newcomer has not heard.

use super::ask::Ask;
use super::protocol::Protocol;
use super::tell::{Tell, sealed};

/// Implemented by nothing that has yet to be awaited.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "there is no outcome before the `.await`",
    label = "write `.await` before this: nothing has happened yet"
)]
pub trait Awaited {}

/// What a method does that nobody can call.
pub(crate) fn never<T>() -> T {
    unreachable!("nothing is `Awaited`")
}

#[doc(hidden)]
impl<A: Protocol, M, R, E> Ask<'_, A, M, R, E> {
    pub fn unwrap(self) -> R
    where
        Self: Awaited,
    {
        never()
    }

    pub fn expect(self, _text: &str) -> R
    where
        Self: Awaited,
    {
        never()
    }
}

#[doc(hidden)]
impl<T: sealed::Door, M> Tell<'_, T, M> {
    pub fn unwrap(self)
    where
        Self: Awaited,
    {
    }

    pub fn expect(self, _text: &str)
    where
        Self: Awaited,
    {
    }
}
