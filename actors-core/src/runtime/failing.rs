//! What the error of a hook or a handler means: a failure, or no more than that the actor was asked to end.

use std::error::Error;

use super::builder::StartError;
use crate::actor::Stopping;
use crate::caught::unless_it_panics;
use crate::lifecycle::cell::Core;
use crate::lifecycle::exit::{BoxError, Failure, StartFailure};
use crate::lifecycle::signal::Signals;

/// The failure that an error is. It is none of an actor that was asked to end, and was told so by what it called.
pub(super) fn failure_of(core: &Core, error: BoxError) -> Result<(), Failure> {
    let failure = Failure::new(error);
    let was_asked = core.signals.any(Signals::STOP) && is_of_a_stop(failure.error());
    if was_asked { Ok(()) } else { Err(failure) }
}

/// Whether an error, or one that it came from, says that an actor is stopping.
fn is_of_a_stop(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        next = match error.downcast_ref().map(StartError::failure) {
            Some(StartFailure::Stopping) => return true,
            Some(StartFailure::Failed(failure)) => Some(failure.error()),
            _ if error.is::<Stopping>() => return true,
            _ => unless_it_panics(|| error.source()).flatten(),
        };
    }
    false
}
