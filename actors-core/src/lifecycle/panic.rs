//! Panics, caught and made into exit reasons.

use std::any::Any;
use std::sync::{Arc, Once};

use super::exit::ExitReason;
use crate::caught::{caught, dispose, last, note, take_last};

/// Runs `work`; a panic becomes a reason. Compiled in one piece with what it runs: for what is done at every turn.
pub(crate) fn guard<R>(work: impl FnOnce() -> R) -> Result<R, ExitReason> {
    match caught(work) {
        Ok(output) => Ok(output),
        Err(payload) => Err(reason(payload)),
    }
}

/// Runs `work` once; a panic becomes a reason. Called through a pointer, so that it is compiled once, and not anew for all that it
/// may run.
pub(crate) fn catch(work: &mut dyn FnMut()) -> Result<(), ExitReason> {
    guard(work)
}

/// The reason of an actor that panicked with `payload` on this thread.
pub(crate) fn reason(payload: Box<dyn Any + Send>) -> ExitReason {
    let message: Arc<str> = Arc::from(text(&*payload));
    let location = take_last().map(|(_, place)| place);
    dispose(payload);
    ExitReason::Panicked { message, location }
}

/// The reason of the panic that unwinds this thread, for a destructor that wants to tell somebody.
pub(crate) fn under_way() -> Option<ExitReason> {
    if !std::thread::panicking() {
        return None;
    }
    let (message, location) = match last() {
        Some((message, location)) => (message, Some(location)),
        None => (Arc::from(NO_TEXT), None),
    };
    Some(ExitReason::Panicked { message, location })
}

const NO_TEXT: &str = "(a panic without a text)";

fn text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&'static str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or(NO_TEXT)
}

/// Has panics note where they are, beside what the program's own hook does with them.
///
/// A panic hook belongs to the process and there is no other way to learn the place, so this is the one thing that
/// systems share; it is installed once and changes nothing that others can see.
pub(crate) fn note_locations() {
    static INSTALLED: Once = Once::new();
    if std::thread::panicking() {
        return;
    }
    INSTALLED.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let place = info.location().map_or_else(String::new, ToString::to_string);
            note((Arc::from(text(info.payload())), Arc::from(place)));
            others(info);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caught::unless_it_panics;

    #[test]
    fn a_payload_that_panics_when_dropped_is_still_a_reason() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        let caught = guard(|| std::panic::panic_any(Bomb));
        assert!(matches!(caught, Err(ExitReason::Panicked { .. })));
    }

    #[test]
    fn a_panic_without_a_note_of_its_own_has_not_the_place_of_one_that_nobody_was_told_of() {
        note_locations();
        unless_it_panics(|| panic!("nobody is told of this"));
        let Err(resumed) = guard(|| std::panic::resume_unwind(Box::new("resumed")));
        assert_eq!(resumed, ExitReason::Panicked { message: Arc::from("resumed"), location: None });
    }
}
