//! An actor that is being started, as whoever waits for it sees it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::builder::StartError;
use crate::address::{Accepts, ActorRef, Ask, Awaited, Protocol, Tell, never};

/// An actor on its way; resolves to a reference to it when it is ready. Made by [`ActorSystem::start`](crate::ActorSystem::start)
/// and [`Context::start`](crate::Context::start).
///
/// It names the reference and not the actor: of a type that is no actor the compiler has more to say the more often it is named.
///
/// # Cancel safety
/// As for [`Builder::start`](crate::Builder::start).
#[must_use = "nothing is started until this is awaited"]
pub struct Starting<'a, R>(Pin<Box<dyn Future<Output = Result<R, StartError>> + Send + 'a>>);

impl<'a, R> Starting<'a, R> {
    pub(crate) fn new(work: impl Future<Output = Result<R, StartError>> + Send + 'a) -> Self {
        Starting(Box::pin(work))
    }
}

// Complaints of a missing `.await`, as for an ask.
#[doc(hidden)]
impl<R> Starting<'_, R> {
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
impl<A: Protocol> Starting<'_, ActorRef<A>> {
    pub fn tell<M>(&self, _message: M) -> Tell<'_, ActorRef<A>, M>
    where
        A: Accepts<M>,
        Self: Awaited,
    {
        never()
    }

    pub fn ask<M>(&self, _message: M) -> Ask<'_, A, M, <A as Accepts<M>>::Reply, <A as Accepts<M>>::Error>
    where
        A: Accepts<M>,
        Self: Awaited,
    {
        never()
    }
}

impl<R> Future for Starting<'_, R> {
    type Output = Result<R, StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<R> fmt::Debug for Starting<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Starting")
    }
}
